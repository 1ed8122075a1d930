/* roster.h - the accounts or networks of some hours by name, and where what each did stands.
 *
 * For who looks at all of them and shows a few. Most did little, in one hour and at one host, and a
 * struct user of each would take four times the memory. Names are strangers' words. Not bounded by
 * itself: it is no larger than the tables that it is given, as they are encoded. */
#ifndef MX_ROSTER_H
#define MX_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "mem.h"
#include "users.h"

/* What one table has of somebody; a later one is of the same hour or a later one. */
struct roster_part {
	struct roster_part *next;
	const char *bytes;		/* for users_take() */
	uint32_t n;
	int32_t hour;
};

/* There are many, and each page of memory that is touched first costs more than what is done in it. */
struct roster_one {
	struct roster_one *next;	/* in order of birth */
	struct roster_part *last;
	struct roster_part first;	/* most have no other */
	uint32_t hash;
	unsigned oks : 15, faileds : 15;	/* visitors of all parts, the same one of two parts twice */
	unsigned failed : 1;		/* it has failed logins */
	unsigned more : 1;		/* from more visitors than are named */
};

/* All zero is an empty one. */
struct roster {
	struct roster_one *first, *last;
	uint32_t n, mask;
	struct roster_one **slot;	/* open addressing */
	struct hash_key key;
	struct pool ones, parts;
	struct arena text;
};

/* Add a table of users.h, which need not live longer. failing: only parts that have failed logins.
 * False if it is damaged. */
bool roster_add(struct roster *r, int64_t hour, struct slice table, bool failing);
static inline struct slice
roster_bytes(const struct roster_part *p)
{
	return (struct slice){ p->bytes, p->n };
}

static inline struct slice
roster_name(const struct roster_one *one)
{
	return users_bytes_name(one->first.bytes);
}

/* NULL if there is none. */
struct roster_one *roster_find(const struct roster *r, struct slice name);
/* Add its numbers to num[], its visitors to *x. False if they are damaged. */
bool roster_numbers(const struct roster_one *one, int64_t num[USER_N]);
bool roster_visits(const struct roster_one *one, struct user *x);
void roster_free(struct roster *r);

/* By name, as qsort() wants it. */
int roster_order(const struct roster_one *a, const struct roster_one *b);

#endif
