/* misuse_priv.h - what misuse.c and misuse_kept.c share; nobody else includes it. */
#ifndef MX_MISUSE_PRIV_H
#define MX_MISUSE_PRIV_H

#include "misuse.h"

struct misuse_past;

struct misuse_own {
	struct roster roster[USERS_TABLES];	/* of the window */
	struct users whole[USERS_TABLES];	/* those of whom all was asked for */
	struct users except, wanted;
	struct misuse_change *change;		/* one for each of some accounts */
	struct misuse_past *past;
	int64_t from, to;
	bool all_networks, damaged;
};

/* All of somebody; valid until misuse_free(). */
const struct user *misuse_whole(struct misuse_own *o, enum users_table which, const struct roster_one *one);
/* It has so many failed logins. */
void misuse_count_failures(struct misuse_own *o, struct misuse_account *a, uint32_t failures);
/* Look at all that is in the rosters: networks first, by which it is told what accounts are. */
void misuse_look(struct misuse *m, const struct misuse_set *set);

#endif
