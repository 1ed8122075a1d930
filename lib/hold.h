/* hold.h - an alarm that does not flap: it ends when it was quiet for a while.
 *
 * No memory between runs: the state knows what there was, so the check asks itself what it would
 * have said a minute ago, two minutes ago ... (--at). Two pollers agree, a retry changes nothing,
 * and an answer of last night is what was said then. Only what would have been said twice in a row
 * holds: a wave of a minute is not made longer. Each of these answers is made by a process of its
 * own: every second at once, and those between where a neighbour rings. */
#ifndef MX_HOLD_H
#define MX_HOLD_H

#include <stdint.h>

enum { HOLD_MAX_S = 1800 };	/* a process a minute */

/* Call before anything is opened. In each of the processes it returns the time that this one
 * is to answer of, and its answer is seen by nobody; in the check itself 0, once all have ended:
 * whatever the check finds, check_done() then adds what is held. of: the time that is asked for. */
int64_t hold_begin(double hold_s, int64_t of);
/* Call when all is measured: what there is to tell besides, nobody hears from such a process, and it ends. */
void hold_answered(void);

#endif
