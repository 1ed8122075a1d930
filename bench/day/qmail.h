/* qmail.h - the qmail of genday: mxa has spamdyke before it, mxb is a toaster with qlog, CHKUSER
 * and simscan, mxc has rblsmtpd and qregex. All of them log through splogger, with a stamp of
 * its own in the text. */
#ifndef DAY_QMAIL_H
#define DAY_QMAIL_H

#include "day.h"

/* What the log tells of where a mail came from: qmail-send says nothing about it. */
enum qmail_origin { ORIGIN_UNTOLD, ORIGIN_LOOPBACK, ORIGIN_LOGIN, ORIGIN_OWN };

/* A connection, and what is said in it. */
struct qmail_session {
	enum host h;
	unsigned pid, local_port;
	struct client client;
	char helo[ADDRESS], from[ADDRESS], to[ADDRESS];
	const char *user;	/* who logged in */
};

extern const struct visit qmail_visits[];

/* qmail.c: a line of qmail-smtpd and its kin, with splogger's stamp */
bool qmail_smtpd(enum host h, int64_t t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* tcpserver lets it in: the connection counts unless it is a local one. */
void qmail_open(struct qmail_session *s, enum host h, int64_t t, unsigned port);
void qmail_close(const struct qmail_session *s, int64_t t);
/* "qlogenvelope", or with a qp of its mail "qlogreceived"; reason: as "reason=R detail=D" */
bool qmail_qlog(const struct qmail_session *s, int64_t t, unsigned code, const char *reason,
    unsigned size, unsigned qp);

/* qmail_mail.c */
void qmail_inbound(enum host h, int64_t t);
void qmail_submitted(enum host h, int64_t t);
void qmail_local(enum host h, int64_t t);

/* qmail_queue.c */
/* The mail is put into the queue at t; returns the process of qmail-queue that does it. */
unsigned qmail_enqueue(const struct mail *m, enum qmail_origin origin, int64_t t);
/* All that qmail-send does until the second is over. */
void qmail_advance(unsigned second);

#endif
