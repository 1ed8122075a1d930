/* lag.h - how far copies are behind: what all check_replication_* have in common.
 *
 * Every copy (a replica, a channel of it, a secondary of a zone) gives its lag in seconds, and how
 * long nothing came from its source. The worst are the measurements "lag" and "silent", and all
 * stand under "copies" in the JSON. Whoever is stopped says nothing of itself, so checks notice by
 * a source of truth; or by what should move and does not: lag_since() remembers since when. */
#ifndef MX_LAG_H
#define MX_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apart.h"
#include "check.h"
#include "err.h"
#include "rows.h"
#include "slice.h"

/* The first rows of such a check's table of measures. */
#define LAG_MEASURES(warn, crit) \
	{ "lag", "s", "how long the copy that is furthest behind is behind", warn, crit }, \
	{ "silent", "s", "for how long nothing came from the source of a copy; shown where it is known" }

enum { LAG_COPIES = 10000 };

/* Remember one copy, LAG_COPIES at most: one more is UNKNOWN. lag_s NAN: it is not known, which is no verdict: say why by lag_state().
 * silent_s NAN: not known. name is copied, and cleaned when it is told. */
void lag_copy(const char *name, double lag_s, double silent_s);

/* Something found of a copy without a threshold: "NAME: SENTENCE". */
void lag_state(enum check_state state, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Give the measurements, the words and the JSON, and keep the notes that lag_begin() read. After this
 * nothing is added. */
void lag_tell(void);

/* Read what a peer said that was asked apart; its trouble is told. False: there is some. */
bool lag_answer(const struct apart_job *j, struct rows *r, const char *name);

/* --- what is remembered from run to run ---------------------------------------------- */

enum { LAG_NOTES = 10000 };

/* Read the notes; lag_tell() writes them. Where that does not go, what lag_since() has just begun to
 * count would never grow: UNKNOWN; a detail where nothing rests on it. Both stay. */
void lag_begin(const char *check, struct slice thing);

/* What the check kept for that thing (keep.h). False and *e: it cannot be read; then
 * lag_since() begins anew. */
bool lag_notes_read(const char *check, struct slice thing, struct err *e);

/* The value of lag_since() while nothing is wrong: nobody needs to know since when. */
#define LAG_WELL SLICE("nothing is missing")

/* For how many seconds key has had this value without a break, as far as runs have
 * seen; 0 when it is new, and of what is beyond LAG_NOTES always, which lag_tell() says. Keys and values may be strangers'. */
double lag_since(struct slice key, struct slice value, int64_t now);

/* The same for what a copy's silence is told by: a verdict rests on it only where "silent" has a limit. */
double lag_silent_since(struct slice key, struct slice sign, int64_t now);

/* How many seconds ago key was last seen to be well, now included; NAN: never yet. */
double lag_last_well(struct slice key, bool well, int64_t now);

/* Nothing was learnt of key this time: do not forget it. */
void lag_keep(struct slice key);

/* Keep what lag_since() and lag_keep() were asked for, and nothing else. */
bool lag_notes_write(const char *check, struct slice thing, struct err *e);

#endif
