/* postfix.h - what the files of the Postfix dialect share.
 *
 * postfix.c takes service and queue id off a line and hands the rest to the file of
 * that daemon. Takers work from the front of *s; false leaves *s as it was. */
#ifndef MX_POSTFIX_H
#define MX_POSTFIX_H

#include <stdbool.h>

#include "dialect/dialect.h"
#include "slice.h"

enum pf_service {
	PF_UNKNOWN, PF_SMTPD, PF_SCREEN, PF_DNSBLOG, PF_TLSPROXY, PF_CLEANUP, PF_PICKUP,
	PF_QMGR,
	PF_BOUNCE, PF_SMTP, PF_LMTP, PF_LOCAL, PF_VIRTUAL, PF_PIPE, PF_ERROR, PF_DISCARD,
	PF_POSTSUPER, PF_ANVIL, PF_MASTER, PF_OTHER,
	PF_ANY		/* "postfix[1]:": a relay kept the first part of the tag only */
};

struct pf_line {
	struct slice text;	/* without the queue id */
	struct slice id;	/* empty for NOQUEUE and for none */
	bool has_id;		/* "ID: " or "NOQUEUE: " was there */
	enum pf_service service;
};

/* One for each kind of daemon; they answer as parse() does. */
int pf_smtpd(const struct pf_line *p, struct event *out);
int pf_screen(const struct pf_line *p, struct event *out);
int pf_dnsblog(const struct pf_line *p, struct event *out);
int pf_tlsproxy(const struct pf_line *p, struct event *out);
int pf_cleanup(const struct pf_line *p, struct event *out);
int pf_pickup(const struct pf_line *p, struct event *out);
int pf_qmgr(const struct pf_line *p, struct event *out);
int pf_bounce(const struct pf_line *p, struct event *out);
int pf_postsuper(const struct pf_line *p, struct event *out);
int pf_agent(const struct pf_line *p, struct event *out);
int pf_anvil(const struct pf_line *p, struct event *out);
int pf_master(const struct pf_line *p, struct event *out);
int pf_other(const struct pf_line *p, struct event *out);

/* "to=<...>, ... status=..." of any daemon. */
int pf_delivery(const struct pf_line *p, struct event *out);
/* "Anonymous TLS connection established from ..." and the like; -1 if it is none. */
int pf_tls(const struct pf_line *p, struct event *out);
/* "ACTION: STAGE from CLIENT: REPLY; from=<> ..." of smtpd, cleanup and postscreen. */
int pf_action(const struct pf_line *p, struct event *out);
/* What any daemon may write; asked last. */
int pf_common(const struct pf_line *p, struct event *out);
/* After "warning: ", "error: ", "fatal: ", "panic: ". */
int pf_warning(const struct pf_line *p, struct slice severity, struct slice s,
    struct event *out);

/* An event of the line's id. */
struct event *pf_event(struct event *e, enum event_kind kind, const struct pf_line *p);
/* An information with a reason and a text; always 1. */
int pf_info(const struct pf_line *p, struct event *out, enum reason cls, struct slice sub);

/* "4F1A2B3C4D", "3bFQm21Xz3zwb": is it a queue id? */
bool pf_is_id(struct slice s);
/* The id in "... queued as ID", the last one; empty if there is none. */
struct slice pf_queued_as(struct slice text);

/* NAME[ADDR][:PORT] into client_*. */
bool pf_client(struct slice *s, struct event *e);
/* NAME[ADDR][:PORT] or NAME[/SOCKET] into relay*. */
bool pf_relay(struct slice *s, struct event *e);
/* Where the program's own "; from=<F> to=<T> proto=P helo=<H>" begins in s (the ';'),
 * its fields set in *e; s.n if it has none. */
size_t pf_tail(struct slice s, struct event *e);

/* Why smtpd or postscreen refused: cls and sub from code, dsn, text and helo. */
void pf_reject_reason(struct event *e);
/* Why a delivery did not succeed: cls, sub and code from dsn and text. */
void pf_delivery_reason(struct event *e);

#endif
