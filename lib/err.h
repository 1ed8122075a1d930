/* err.h - a failure of the outside world as one sentence for an administrator.
 *
 * The sentence names the thing, the number and the cause:
 * "read /var/log/mail.log: Permission denied". No newline, no capital. */
#ifndef MX_ERR_H
#define MX_ERR_H

#include <stdbool.h>

struct err {
	char text[512];
};

/* Set the sentence (cut at 511 bytes, control characters become '?') and return
 * false, so that a caller can write "return err_set(...)". e may be NULL. */
bool err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
