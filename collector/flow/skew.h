/* skew.h - is the clock of a host right?
 *
 * Told from how long its lines took: our clock when they came less their stamps. Of each minute
 * the least delay counts, and of these the fifth, so that a few forged or odd lines tell nothing.
 * A clock that is ahead shows at once, since no line comes before it was written. One that is
 * behind looks like lines that were held up; but what was held up comes nearer from minute to
 * minute, and a clock stays where it is. So a host counts as behind when the least delay was the
 * same for five minutes; lines that always come late by the same look so, too. */
#ifndef MX_SKEW_H
#define MX_SKEW_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SKEW_LINES = 5,
	SKEW_AHEAD_S = 3,	/* more is wrong; stamps without fractions lack up to a second */
	SKEW_BEHIND_S = 30	/* more than a busy relay takes */
};

struct skew {			/* of one host; begins with zeros */
	int64_t least[SKEW_LINES];	/* delays of this minute, rising */
	int lines;		/* of these */
	int64_t begun, ends;	/* this minute, which lasts until it has enough lines */
	int run;		/* minutes up to now that were behind by the same */
	int64_t run_least, run_most;
	int64_t ahead_s;	/* the answer: below 0 it is behind, 0: it is right */
};

/* A minute is full and over, or the line is one of the fastest: the long way of skew_line(). */
bool skew_look(struct skew *k, int64_t delay_s, int64_t now);

/* A line came now that was written delay_s ago, by its stamp. True if the answer changed. */
static inline bool
skew_line(struct skew *k, int64_t delay_s, int64_t now)
{
	if (k->lines == SKEW_LINES && now < k->ends && delay_s >= k->least[SKEW_LINES - 1])
		return false;
	return skew_look(k, delay_s, now);
}

#endif
