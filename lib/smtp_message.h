/* smtp_message.h - the message of a probe: harmless, marked, and never twice the same. */
#ifndef MX_SMTP_MESSAGE_H
#define MX_SMTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum { SMTP_TOKEN = 33 };

struct smtp_message {
	const char *from, *to, *host;	/* host: the right side of the Message-ID */
	const char *subject;		/* NULL: the usual */
	const char *token;		/* NULL: a fresh one for each message */
	bool eicar, gtube;		/* with the test virus, with the test spam */
	size_t padding;			/* about so many bytes more */
};

/* The whole message with CRLF at the ends of lines, as of now (epoch). Its token stands in
 * Message-ID, X-Mxgauge-Token and the subject. dots: ready for DATA (RFC 5321 4.5.2), with
 * the final dot; else as it is, for BDAT. */
void smtp_message_write(struct buf *b, const struct smtp_message *m, int64_t now, bool dots);

#endif
