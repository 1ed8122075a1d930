/* reputation_kept.h - the answer that is asked each minute, made ready by the collector.
 *
 * To read a day of tables takes several times as long as all else that a check does. So the collector keeps in
 * its state what reputation_read() says of the whole farm by the usual rule, made in the same commit as the tables:
 * totals, and of the networks the worst. Whoever asks by another rule or of another time reads the tables. */
#ifndef MX_REPUTATION_KEPT_H
#define MX_REPUTATION_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "netlist.h"
#include "reputation.h"
#include "stateread.h"

enum {
	/* the usual rule, in hours, points and recipients */
	USUAL_HALF_LIFE_H = 6, USUAL_WINDOW_H = 24, USUAL_RISE_H = 1, USUAL_BAD = 80, USUAL_GOOD_WEIGHT = 10,
	USUAL_DOUBT = 20,
	KEPT_WORST = 50,	/* so many networks are kept, and all others with a score of USUAL_BAD or more */
	KEPT_MOST = 500,	/* with more than so many nothing is kept */
	KEPT_AGE_S = 120	/* a host has newer lines than that: it is not used */
};

/* Networks of one's own house: they are never on a list. */
void reputation_house(struct netlist *l);

/* Append to b what is to be kept of the farm in r, now; nothing, if there is too much. False and *e: the state
 * cannot be read. */
bool reputation_keep(struct buf *b, struct stateread *r, struct err *e);

/* What is kept, if it answers that rule, in which the house's networks alone are ours: with all networks that have that score or more, and at least KEPT_WORST if
 * there are so many. False: read the tables. */
bool reputation_kept(struct reputations *all, struct stateread *r, const struct reputation_rule *rule,
    double bad_score);

#endif
