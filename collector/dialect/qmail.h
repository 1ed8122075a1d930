/* qmail.h - what the parts of the qmail dialect share; nobody else includes it. */
#ifndef MX_QMAIL_H
#define MX_QMAIL_H

#include "dialect/dialect.h"

/* What a program's words mean: one row each. */
struct ruling {
	const char *head;	/* the words begin so */
	enum event_kind kind;	/* EV_INFO: without use */
	enum reason cls;
	const char *sub, *stage;
};

/* The first of n rows whose head s begins with, or NULL. */
const struct ruling *qmail_ruling(const struct ruling *rows, size_t n, struct slice s);
/* Begin e as the row says. */
struct event *qmail_rule(struct event *e, const struct ruling *r);

/* Decimal digits at the front of *s, as text: ids and numbers of deliveries. */
bool qmail_number(struct slice *s, struct slice *number);
/* The enhanced status code in the last "(#4.4.2)" of s, or empty. */
struct slice qmail_dsn(struct slice s);
/* "NAME:192.0.2.1", "NAME:2001:db8::1": take the address and its colon from the end of *s. */
bool qmail_ip_at_end(struct slice *s, struct slice *ip);

/* Each reads what stands behind its program's name, and answers as a dialect's parse().
 * qmail_send.c: the queue */
int qmail_send(uint32_t usec, struct slice s, struct event *out);
/* Is it a line of qmail-send's? By its first words alone. */
bool qmail_is_send(struct slice s);
/* qmail_delivery.c: behind "delivery " */
int qmail_delivery(uint32_t usec, struct slice s, struct event *out);
/* qmail_server.c: before qmail-smtpd */
int qmail_tcpserver(struct slice s, struct event *out);
int qmail_rblsmtpd(struct slice s, struct event *out);
int qmail_recordio(struct slice s, struct event *out);
/* qmail_smtpd.c: what patches make qmail-smtpd say. titled: as "qmail-smtpd[123]: " */
int qmail_smtpd(struct slice s, bool titled, struct event *out);
int qmail_qlog(struct slice s, bool received, struct event *out);
int qmail_chkuser(struct slice s, struct event *out);
/* qmail_smtpd_more.c: s/qmail's, indimail's, qmail-ldap's */
int qmail_spamcontrol(struct slice s, struct event *out);
int qmail_indimail(struct slice s, struct event *out);
int qmail_ldap(struct slice s, struct event *out);
/* qmail_filter.c: programs around it */
int qmail_spamdyke(struct slice s, struct event *out);
int qmail_simscan(struct slice s, struct event *out);
int qmail_scanner(struct slice s, struct event *out);
int qmail_vchkpw(struct slice name, struct slice s, struct event *out);
/* qmail_plesk.c: Plesk's */
int qmail_relaylock(struct slice s, struct event *out);
int qmail_smtp_auth(struct slice s, struct event *out);
int qmail_queue_handlers(struct slice s, struct event *out);

#endif
