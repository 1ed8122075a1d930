/* exim.h - what the files of the Exim dialect share.
 *
 * exim.c takes stamp and message id off a line and asks the others. Takers work from the
 * front of *s; false leaves *s as it was. What strangers may choose freely (HELO name,
 * addresses, Message-ID, subject, certificate) stands between fields of Exim's own, so a
 * field is taken only where all that comes before it was understood. */
#ifndef MX_EXIM_H
#define MX_EXIM_H

#include <stdbool.h>

#include "dialect/dialect.h"
#include "slice.h"

struct ex_line {
	struct slice text;	/* the first line, without stamp and id */
	struct slice id;	/* the message's, or empty */
	bool by_syslog;		/* main and reject log may come in one stream */
};

/* Each answers as parse() does; -1: none of its lines. */
int ex_message(const struct ex_line *l, struct event *out);	/* with an id, not the next two */
int ex_received(const struct ex_line *l, struct event *out);	/* "<= ", "(= " */
int ex_delivery(const struct ex_line *l, struct event *out);	/* "=> ", "** " and their like */
int ex_refusal(const struct ex_line *l, struct event *out);
int ex_session(const struct ex_line *l, struct event *out);
int ex_trouble(const struct ex_line *l, struct event *out);

/* An event of the line's message. */
struct event *ex_event(struct event *e, enum event_kind kind, const struct ex_line *l);
/* An information with a reason and the whole text; always 1. */
int ex_info(const struct ex_line *l, struct event *out, enum reason cls, struct slice sub);

/* "16RdAL-0006pc-00", "1r0abc-000000012Xy-0aBc". */
bool ex_id(struct slice *s, struct slice *id);
/* An address, or a word of its form that somebody put in its place ("ip4.ip4.ip4.ip4"). */
bool ex_is_address(struct slice s);
/* ":25"; 0 if there is none, or a word in its place. */
void ex_port(struct slice *s, uint64_t *port);
/* "3s", "0.123s", and words that Exim's own tests put in their place ("qqs": -1). */
bool ex_duration(struct slice *s, int64_t *ms);
/* "NAME (HELO) [ADDR]:PORT" less what is missing. With a HELO name that may hold anything
 * the address is not sure: *from is where to look on when what follows does not fit. */
bool ex_host(struct slice s, size_t *from, struct event *e, struct slice *rest);
/* The next " KEY=VALUE" or " WORD" behind a host into e, if it is one of Exim's. spaced: names
 * of users go on up to the next field. */
bool ex_field(struct slice *s, struct event *e, bool spaced);
/* A host and its fields, in front of one of ends ("": of nothing more), where *s is then. Or
 * the name of a user, where the client is a process on this machine. */
bool ex_client(struct slice *s, struct event *e, const char *const *ends);
/* A bare or quoted address up to the blank behind it. */
bool ex_address(struct slice *s, struct slice *address);
/* What is between quotes at the front of s, with its escapes. */
bool ex_quoted(struct slice *s, struct slice *text);
/* "A=DRIVER[:USER]", the value. */
void ex_auth(struct slice value, struct event *e);

/* Why an ACL or Exim itself refused: cls and sub from text, code and stage. */
void ex_refusal_reason(struct event *e);
/* Why a delivery failed; errno: what "defer (N)" says, 0 where nothing does. */
void ex_delivery_reason(struct event *e, int error);
/* "(FUNCTION): ERROR" of a TLS session: kind, cls and sub. */
void ex_tls_reason(struct event *e);

#endif
