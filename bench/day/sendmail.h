/* sendmail.h - the Sendmail of genday: mxa runs 8.17 with the usual LogLevel, mxb with 14, which tells
 * of connections and of the end of a mail, mxc an 8.12 with amavis between two daemons. */
#ifndef DAY_SENDMAIL_H
#define DAY_SENDMAIL_H

#include "day.h"

/* A session with what each of its lines needs. */
struct sm_session {
	enum host h;
	unsigned pid;
	struct client client;
	char relay[128];	/* "host [192.0.2.1]" as Sendmail prints a client */
	char id[QUEUE_ID];
	char from[ADDRESS];
};

extern const struct visit sendmail_visits[];

/* The syslog label of the host's daemon. */
const char *sm_tag(enum host h);
/* An id of the host that nobody had before. */
void sm_id(int64_t t, char out[QUEUE_ID]);
/* A client comes; returns the time after it. */
int64_t sm_begin(struct sm_session *s, enum host h, int64_t t);
/* The from= line. msgid NULL: the transaction was not completed. */
bool sm_from_line(const struct sm_session *s, int64_t t, const char *from, uint32_t size, unsigned n,
    const char *msgid, const char *proto);

/* sendmail_mail.c */
void sm_mail_inbound(enum host h, int64_t t);
void sm_mail_submitted(enum host h, int64_t t);
void sm_mail_local(enum host h, int64_t t);

#endif
