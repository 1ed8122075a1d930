/* dovecot.h - what the files of the Dovecot dialect share.
 *
 * dovecot.c takes service, user and level off a line and hands the rest to the file of that
 * service. They answer as parse() does. */
#ifndef MX_DOVECOT_H
#define MX_DOVECOT_H

#include <stdbool.h>

#include "dialect/dialect.h"

enum dv_level { DV_NONE, DV_DEBUG, DV_INFO, DV_WARNING, DV_ERROR, DV_FATAL, DV_PANIC };

struct dv_line {
	struct slice service;	/* imap-login, lmtp, auth; empty: the line names none */
	struct slice user;	/* what stands in () behind it: a user, a number of a process */
	struct slice text;	/* without service and level */
	enum dv_level level;	/* DV_NONE: none was printed, as syslog has it for Info */
};

int dv_login(const struct dv_line *d, struct event *out);
int dv_auth(const struct dv_line *d, struct event *out);
int dv_mail(const struct dv_line *d, struct event *out);

/* An event of d's service. */
struct event *dv_event(struct event *out, enum event_kind kind, const struct dv_line *d,
    struct slice sub);

#endif
