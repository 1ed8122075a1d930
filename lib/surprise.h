/* surprise.h - how far a count is from what was expected, on the scale of a normal deviation: 5 does not
 * happen by chance.
 *
 * Exact where a deviation is not: of 40 expected events none at all is far, six spreads too few a
 * rare thing in 4 000 and nothing in 4. What was expected is itself not known exactly: of all that it
 * may have been, within its spread, what explains the count best is taken, and how far that is from
 * the usual adds to how far the count is from that (by likelihood). Events come in bunches: they vary
 * as if there were bunch times fewer. */
#ifndef MX_SURPRISE_H
#define MX_SURPRISE_H

/* x events where mu were expected, as twice the logarithm of how much more likely x is where x is
 * expected. mu > 0. */
double surprise(double x, double mu);

/* x >= 0 events where mu > 0 were expected, give or take spread. */
double surprise_count(double x, double mu, double spread, double bunch);

/* x of n events where that part of them, 0 to 1, give or take spread, is usual; 0 <= x <= n, n > 0. */
double surprise_part(double x, double n, double part, double spread, double bunch);

#endif
