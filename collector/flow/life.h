/* life.h - between lives.c, which cuts the facts of a queue id into lives, and count.c, which
 * counts one. Nobody else includes it. */
#ifndef MX_LIFE_H
#define MX_LIFE_H

#include "flow/mail.h"

enum { LIFE_SKEW_S = 2 };	/* processes of one machine stamp their lines this much apart */

/* A life of an id: facts[from..to), sorted by time. */
struct life {
	const struct fact *fact;
	uint32_t n;
	const struct fact *bond;	/* all bonds of the id, see belongs() */
	uint32_t n_bonds;
	const struct fact *into;	/* those of kind INTO, in order of time */
	uint32_t n_into;
	bool unique;			/* the id is never used again */
	bool first, last;		/* of the lives: takes what is before, after */
	int64_t until;			/* the next life begins then, microseconds */
	int sign;
	unsigned host;
	struct slice id;
	struct tally *t;
};

void life_count(const struct life *l);

#endif
