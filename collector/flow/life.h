/* life.h - between lives.c, which cuts the facts of a queue id into lives, count.c, which
 * counts one, bonds.c, which knows what other mails have to do with it, and owner.c, which counts
 * it for the account that sent it; and rcpts.c, their table of recipients. Nobody else includes it. */
#ifndef MX_LIFE_H
#define MX_LIFE_H

#include "flow/mail.h"

enum { LIFE_SKEW_S = 2 };	/* processes of one machine stamp their lines this much apart */

/* A life of an id: facts[from..to), sorted by time. */
struct life {
	const struct fact *fact;
	uint32_t n;
	const struct fact *bond;	/* all bonds of the id, see bond_belongs() */
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

/* Returns enum mail_found, or'ed. */
unsigned life_count(const struct life *l);

/* Is that bond of the id one of this life's? */
bool bond_belongs(const struct life *l, const struct fact *f);
/* What a Message-ID alone says is wrong where the mail goes the other way: picked up,
 * through a filter, and then to a mailbox behind pipe(8). */
bool bond_is_backwards(const struct life *l, const struct fact *b);
/* Was this delivery a hand-over to a mail of this host that is really there? */
bool bond_handed_over(const struct life *l, const struct fact *f);
/* Did another host of the farm take it, whose mail is there too? */
bool bond_left_host(const struct life *l, const struct fact *f);
/* Is INTO i the first that tells how many recipients a mail got of which no delivery speaks? */
bool bond_is_sibling(const struct life *l, uint32_t i);

/* A mail that an account submitted, and what is known of its recipients. */
struct owned {
	struct slice account;
	int64_t received;		/* time */
	uint32_t rcpts, done, bounced, deferred;
};

/* Count it for its account (owner.c). */
void owner_count(const struct life *l, const struct owned *o);

#endif
