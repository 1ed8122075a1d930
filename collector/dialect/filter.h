/* filter.h - what the dialects of content filters share: amavis, spamd, rspamd, ClamAV,
 * MailScanner, MIMEDefang.
 *
 * A filter says of a mail what it is (SPAM VIRUS BANNED HAM), and that belongs to the mail and
 * counts once, however many programs say so. And it says of itself when it is broken: the MTA
 * may look healthy then, so each such line is an event. */
#ifndef MX_FILTER_H
#define MX_FILTER_H

#include <stdbool.h>

#include "dialect/dialect.h"
#include "slice.h"

/* Does s begin with one of heads? NULL ends them. */
bool filter_begins(struct slice s, const char *const heads[]);

/* The queue id of an MTA at the front of *s: 4 to 32 letters, digits (one at least) and
 * dashes. */
bool filter_take_id(struct slice *s, struct slice *id);

/* The same of a whole slice; false if more stands in it. */
bool filter_is_id(struct slice s);

/* "<1@example.org>": is it a Message-ID, and not "(unknown)", "undef" or nothing? */
bool filter_is_mid(struct slice s);

/* Ready an event of a verdict or an information about a mail. */
struct event *filter_event(struct event *out, enum event_kind kind, struct slice sub);

/* One event of something broken: kind is FILTER_FAIL or QWARN, program its name. Always 1. */
int filter_trouble(
    struct event *out, enum event_kind kind, struct slice program, struct slice text);

/* All n events are of the program of l; what parse() answers. */
int filter_answer(const struct line *l, struct event *out, int n);

#endif
