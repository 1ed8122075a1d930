/* siteword.h - the administrator's own rules for what a text means.
 *
 * A rule is a regular expression or a piece of text, looked for without regard to case in what
 * a refusal, deferral or bounce says; the first one found gives the event its class, and its
 * own name as what stands below the class. An expression that takes too many steps on a text
 * gives up, as if it had not been found there: what is counted is bounded, whatever a sender
 * makes a text look like. */
#ifndef MX_SITEWORD_H
#define MX_SITEWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "err.h"
#include "reason.h"

enum {
	SITEWORD_NAME_MAX = 63,
	SITEWORD_PATTERN_MAX = 1000,
	SITEWORD_TEXT_MAX = 1000	/* of an event's text so much is looked at */
};

struct sitewords;

struct sitewords *sitewords_new(void);
void sitewords_free(struct sitewords *w);

/* False and *e: the expression is not one. */
bool siteword_check(const char *match, struct err *e);
/* One more rule, behind all others: match is an expression, or else text a text. Both are
 * copied, as is the name. False as siteword_check(). */
bool sitewords_add(struct sitewords *w, const char *name, enum reason cls, const char *match,
    const char *text, struct err *e);

/* Ask the rules about an event; the name in e->sub lives as long as w. */
void siteword_apply(struct sitewords *w, struct event *e);

/* How often a rule gave up, and which one did so first (NULL: none did). */
uint64_t sitewords_gave_up(const struct sitewords *w, const char **first);

#endif
