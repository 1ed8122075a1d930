/* imapask.h - a few commands to a mail server by IMAP, by libcurl (curlload.h). */
#ifndef MX_IMAPASK_H
#define MX_IMAPASK_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "slice.h"

enum { IMAPASK_BYTES = 1 << 16 };

struct imapask {
	const char *url;		/* "imaps://mx1.example.org:993/", "imap://..." */
	bool starttls;			/* of imap://: only with TLS */
	const char *user, *password;
	const char *ca_file;		/* NULL: the system's */
	double timeout_s;		/* of each command, the login included */
};

/* Log in and give the commands ("STATUS INBOX (MESSAGES)"), over one connection; of each, answer gets the
 * server's lines that begin with "* " and the command's name. Certificates are verified. False
 * and *e: the connection, the login or a command failed; *ours: it is this machine's trouble, as no libcurl. */
bool imapask(const struct imapask *q, const char *const *commands, size_t n,
    void (*answer)(void *arg, size_t i, struct slice lines), void *arg, bool *ours, struct err *e);

#endif
