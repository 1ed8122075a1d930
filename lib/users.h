/* users.h - accounts that log in and send, and the networks that log in: what each did in
 * an hour.
 *
 * Two tables have the same shape: one has accounts, and of each the networks that it was used
 * from; the other has networks, and of each the accounts. All numbers only add up: those of
 * mails take corrections, and what was corrected is as if it had never been counted. So two
 * tables of an hour merge to the one that all their lines together would have given, in
 * whatever order.
 *
 * Distinct recipient domains are counted by 256 counters, chosen by a keyed hash of the
 * domain: they take corrections too, and how many of them are not zero tells how many domains
 * there are (to a twentieth or so up to 300, and nothing above 1,400). Distinct visitors, which
 * are never taken back, are the USERS_KEEP with the smallest keyed hashes, by name and with
 * exact numbers; their hashes tell how many there are beyond (to a fifth or so).
 *
 * All names are strangers' words. A table is bounded by users_prune(); within its bound
 * everything here is exact, and what leaves is counted by who prunes. */
#ifndef MX_USERS_H
#define MX_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cell.h"
#include "hash.h"
#include "slice.h"

enum { USERS_KEEP = 32, USERS_TEXT = 79 };

enum users_table { USERS_ACCOUNTS, USERS_NETWORKS, USERS_TABLES };

enum { USERS_DOMAINS = 256 };

enum users_number {
	USER_MSGS,			/* messages received in this hour, and ... */
	USER_RCPTS,			/* ... their recipients, those of which an end is known: */
	USER_DONE,			/* delivered or handed to the next machine or filter */
	USER_BOUNCED,			/* refused for good or given up */
	USER_DEFERRED,			/* and those that had to wait at least once */
	USER_OK,			/* logins to send */
	USER_BOX,			/* logins to read mail */
	USER_FAILED,			/* failed logins, by the program that was asked */
	USER_NAMELESS,			/* of these, those whose line does not say the account */
	USER_N
};

/* Somebody beside: a network of an account, an account of a network. */
struct users_visit {
	uint32_t hash;
	uint32_t n;		/* logins to send; failed ones by the program that was asked */
	uint32_t other;		/* logins to read; failed ones by the service that knows passwords */
	uint8_t len;
	int64_t at;		/* time of the last login, of the first failed one */
	char text[USERS_TEXT];
};

struct users_set {
	struct users_visit *v;	/* by hash, then by text; &only where that is all */
	uint8_t n, cap;
	bool more;		/* there are others */
};

struct user {
	struct user *next;	/* while nobody has it */
	uint8_t len;
	char text[USERS_TEXT];
	int64_t num[USER_N];	/* may be negative as corrections */
	struct cell domains;	/* by users_domain(): recipients */
	struct users_set ok, failed;
	struct users_visit only;	/* the first one, of whichever set: most have no other */
};

struct users {
	struct user **user;	/* in order of birth */
	struct users_chunk *chunk;	/* where they live, some at a time */
	struct user *spare;
	uint32_t n, cap;
	uint32_t *slot;		/* index + 1; open addressing */
	uint32_t mask;
};

/* All zero is an empty table. */
void users_free(struct users *u);

/* The user of that name, cut at USERS_TEXT; new ones begin with nothing. Valid until the
 * table is pruned or freed. */
struct user *users_get(struct users *u, struct slice name);
/* Its place in user[], n if there is none; and itself, NULL if there is none. */
uint32_t users_place(const struct users *u, struct slice name);
struct user *users_find(const struct users *u, struct slice name);

static inline struct slice
user_name(const struct user *u)
{
	return (struct slice){ u->text, u->len };
}

static inline struct slice
users_visit_name(const struct users_visit *v)
{
	return (struct slice){ v->text, v->len };
}

/* Which of the USERS_DOMAINS counters a domain has; case does not matter. */
uint32_t users_domain(const struct hash_key *key, struct slice domain);
/* Somebody logged in, or failed to, n and other times as in a visit; key is the same for all
 * tables that are ever merged. */
void user_visit(struct user *u, const struct hash_key *key, bool failed, struct slice name, uint32_t n,
    uint32_t other, int64_t at);

/* a += b, user by user. */
void users_merge(struct users *a, const struct users *b);
/* Keep the max that did most; returns how many left. */
size_t users_prune(struct users *u, size_t max);

/* Append the table of that hour to b; add what a blob has to u: all users, or those that only
 * has. False if it is damaged. */
void users_encode(const struct users *u, int64_t hour, struct buf *b);
bool users_decode(struct users *u, int64_t hour, struct slice s, const struct users *only);

/* A blob taken apart user by user, for who needs little of most of them. What is damaged inside a
 * part is found when that is asked for. */
struct users_part {
	struct slice name;
	struct slice numbers, domains, ok, failed;	/* as they are encoded; visitors for users_next() */
	uint16_t has;			/* a bit for each number that is not 0 */
	uint8_t oks, faileds;		/* so many visitors; and there are others: */
	bool more_ok, more_failed;
};
struct users_seen {		/* as in a visit, but at counts from the beginning of the hour */
	uint32_t hash, n, other;
	int64_t at;
};
/* How many users a blob has, and then one after the other. False if it is damaged. */
bool users_begin(struct slice *s, uint32_t *n);
bool users_take(struct slice *s, struct users_part *p);
/* The first visitor of what is left of a set; false: there is none, or it is damaged. */
bool users_next(struct slice *set, struct slice *name, struct users_seen *v);
/* Add what a part has: its numbers to num, its domains to c, its visitors to x. False if it is damaged. */
bool users_part_numbers(const struct users_part *p, int64_t num[USER_N]);
bool users_part_domains(const struct users_part *p, struct cell *c);
bool users_part_visits(const struct users_part *p, int64_t hour, struct user *x);
/* Of the bytes that users_take() took: add the numbers; messages and their recipients alone; the name. */
bool users_numbers(struct slice s, int64_t num[USER_N]);
bool users_sent(struct slice s, int64_t *messages, int64_t *recipients);

static inline struct slice
users_bytes_name(const char *bytes)
{
	return (struct slice){ bytes + 1, (unsigned char)*bytes };
}

/* A number; corrections on their way can leave less than nothing, which is 0. */
double user_number(const struct user *u, enum users_number number);
/* About how many distinct ones. */
double users_set_size(const struct users_set *s);
double users_domains(const struct cell *domains);

#endif
