/* exim.h - the Exim of genday: mxa logs much and has long ids, mxb puts its own stamp and session
 * ports into the lines, mxc logs as it was installed, but for times in the queue.
 *
 * mxa and mxb send main and reject log to one syslog: what they refuse is there twice. mxc does not
 * say who a mail is for: a recipient is one when it is first spoken of. */
#ifndef DAY_EXIM_H
#define DAY_EXIM_H

#include "day.h"

struct ex_session {
	enum host h;
	unsigned pid, port;
	bool tls;
	struct client client;
	char helo[ADDRESS], at[3 * ADDRESS];	/* as lines name the client */
};

extern const struct visit exim_visits[];

/* A line of the message id, or of none (""). twice: the reject log gets it, too. */
bool ex_say(enum host h, int64_t t, unsigned pid, bool twice, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Somebody comes in. Returns the time after it. */
int64_t ex_connect(struct ex_session *s, enum host h, int64_t t);
void ex_quit(const struct ex_session *s, int64_t t);
/* " X=..." or nothing */
const char *ex_tls(const struct ex_session *s);
/* "1h2m3s" */
void ex_time(char *out, size_t size, enum host h, int64_t us);

/* exim_mail.c */
void ex_mail_inbound(enum host h, int64_t t);
void ex_mail_submitted(enum host h, int64_t t);
void ex_mail_local(enum host h, int64_t t);

#endif
