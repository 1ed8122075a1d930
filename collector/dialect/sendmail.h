/* sendmail.h - shared by the files of the Sendmail dialect.
 *
 * A line is "[ID: |NOQUEUE: ]TEXT". sendmail.c finds whose it is, the id, and the reader;
 * each reader answers as parse() does. */
#ifndef MX_SENDMAIL_H
#define MX_SENDMAIL_H

#include "dialect/dialect.h"

struct sm_line {
	struct slice id;	/* empty for NOQUEUE and for lines without one */
	struct slice text;	/* after the id */
	struct slice service;	/* the last part of the tag */
};

/* Ready an event with the line's id and service. */
struct event *sm_event(struct event *out, enum event_kind kind, const struct sm_line *p);
/* A line that is worth knowing and changes no count. */
int sm_info(const struct sm_line *p, struct event *out);

/* Is all of s a queue id? */
bool sm_is_id(struct slice s);

/* "host.example.org [192.0.2.1] (may be forged)", "[192.0.2.1]", "user@localhost" from the
 * front of *s into the client_ fields. A name that may be forged is none. */
bool sm_take_client(struct slice *s, struct event *e);

/* The client that was taken is the server that we talked to. */
void sm_set_outbound(struct event *e);

int sm_from(const struct sm_line *p, struct event *out);	/* from=... */
int sm_to(const struct sm_line *p, struct event out[EVENTS_MAX]);	/* to=... */
int sm_ruleset(const struct sm_line *p, struct event *out);	/* ruleset=... */
int sm_milter(const struct sm_line *p, struct event *out);	/* Milter..., milter=... */
/* What usrerr() logs when a recipient is refused; -1 if it is none of its texts. */
int sm_usrerr(const struct sm_line *p, struct event *out);
int sm_starttls(const struct sm_line *p, struct event *out);
int sm_auth(const struct sm_line *p, struct event *out);
/* Sessions that went wrong; -1 if it is no such line. */
int sm_session(const struct sm_line *p, struct event *out);
/* Warnings and talk about itself; -1 if it is no such line. */
int sm_warning(const struct sm_line *p, struct event *out);

#endif
