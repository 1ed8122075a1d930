/* smtp_reply.h - the replies of an SMTP or LMTP server, as bytes come in.
 *
 * A reply is one or more lines "NNN-text" and a last one "NNN text". All of it is the
 * peer's: it is bounded, its form is looked at closely, and text may hold any byte. */
#ifndef MX_SMTP_REPLY_H
#define MX_SMTP_REPLY_H

#include <stdbool.h>

#include "buf.h"
#include "slice.h"

/* RFC 5321 allows 512 bytes a line and sets no limit to the lines. */
enum { SMTP_REPLY_MAX = 65536 };

struct smtp_reply {
	int code;		/* of the first line; 0 before */
	unsigned lines;		/* that are whole */
	size_t bytes;		/* taken so far, line ends included */
	bool bare_lf;		/* a line ended with LF alone */
	struct buf text;	/* of all lines, without codes, a newline between them */
	struct buf line;	/* the one that is not whole */
};

enum smtp_reply_answer { SMTP_REPLY_MORE, SMTP_REPLY_WHOLE, SMTP_REPLY_BAD };

struct smtp_reply smtp_reply_new(void);
void smtp_reply_free(struct smtp_reply *r);
/* Ready for the next reply. */
void smtp_reply_clear(struct smtp_reply *r);

/* Take bytes from the front of *in until a reply is whole; what follows it stays in *in.
 * BAD: this is no reply, and *why says in which way ("..." in static memory). */
enum smtp_reply_answer smtp_reply_take(struct smtp_reply *r, struct slice *in, const char **why);

/* A line, or several, without CR and LF at the end. */
struct slice smtp_reply_trim(struct slice s);

/* The enhanced status code at the front of text ("4.7.1", RFC 2034), empty if there is none. */
struct slice smtp_reply_enhanced(struct slice text);

/* Does a 4xx reply speak of greylisting, and not of trouble of the server's own? */
bool smtp_reply_greylists(int code, struct slice text);

#endif
