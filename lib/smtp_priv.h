/* smtp_priv.h - between smtp.c (what is said when) and smtp_io.c (bytes in and out, the end of a
 * dialogue); nobody else's. */
#ifndef MX_SMTP_PRIV_H
#define MX_SMTP_PRIV_H

#include "smtp.h"

/* What replies are waited for. */
enum smtp_await {
	AWAIT_BANNER, AWAIT_EHLO, AWAIT_STARTTLS, AWAIT_EHLO_TLS, AWAIT_XCLIENT, AWAIT_AUTH,
	AWAIT_MAIL, AWAIT_RCPT, AWAIT_DATA, AWAIT_BODY, AWAIT_RSET, AWAIT_QUIT
};

struct smtp_await_row {
	enum smtp_phase phase;
	int good;		/* the code, or its first digit and "00" */
};
extern const struct smtp_await_row smtp_await_row[];

/* In smtp.c. The connection stands; TLS stands; a whole reply came, with rest bytes of
 * something else behind it. */
void smtp_connected(struct smtp *s, double now);
void smtp_secured(struct smtp *s, double now);
void smtp_replied(struct smtp *s, struct slice rest, double now);

/* In smtp_io.c. */
/* Wait for our own OpenSSL: *now and the dialogue's times move on by that, since it is no time of
 * the server's. False: the dialogue is over. */
bool smtp_tls_ready(struct smtp *s, double *now);
void smtp_begin_tls(struct smtp *s, double now);
void smtp_flush(struct smtp *s, double now);
/* The time since the mark belongs to phase. */
void smtp_account(struct smtp *s, enum smtp_phase phase, double now);
/* One line of the transcript. */
void smtp_note(struct smtp *s, char mark, struct slice line, double now);

/* Not as planned. smtp_fail ends it at once; smtp_leave says QUIT first and waits a moment. */
void smtp_fail(struct smtp *s, enum smtp_verdict v, enum smtp_phase phase, double now,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void smtp_leave(struct smtp *s, enum smtp_verdict v, enum smtp_phase phase, double now,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* All went as planned. */
void smtp_done(struct smtp *s, double now);

#endif
