/* accounts.h - which accounts log in and send, and which networks log in, since the last commit.
 *
 * A table of accounts and one of networks for each host and hour (lib/users.h). A login counts
 * where its line is read; a mail where count.c learns what became of it, and what it gave
 * before is taken back like any other count. Bounded: a table that has twice as many users as
 * ACCOUNTS_MAX loses those that did least, and that is counted. */
#ifndef MX_ACCOUNTS_H
#define MX_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialect/dialect.h"
#include "hash.h"
#include "slice.h"
#include "users.h"

enum { ACCOUNTS_MAX = 4096 };	/* of each table, so of a host and hour; some 70 bytes each */

struct accounts;

/* With the state's key: numbers of this and later runs are to fit each other. */
struct accounts *accounts_new(const struct hash_key *key);
void accounts_free(struct accounts *a);

/* AUTH_OK, AUTH_FAIL, and what the password service said of a login (INFO), n times. */
void accounts_login(struct accounts *a, unsigned host, int64_t time, const struct event *e, uint32_t n);

/* The account that a mail of that time is of, to be added to until the next call. */
struct user *accounts_mail(struct accounts *a, unsigned host, int64_t time, struct slice account);
/* The counter of the domain of an address. */
uint32_t accounts_domain(const struct accounts *a, struct slice address);

bool accounts_any(const struct accounts *a);
/* Call f for the tables of each host and hour until it says false. */
typedef bool accounts_fn(void *arg, unsigned host, int64_t hour, const struct users u[USERS_TABLES]);
bool accounts_each(struct accounts *a, accounts_fn *f, void *arg);
/* They are stored: forget them. */
void accounts_clear(struct accounts *a);
/* How many users were given up since it was called last, to stay in bounds; and one who stores
 * had to give up more. */
size_t accounts_dropped(struct accounts *a);
void accounts_drop(struct accounts *a, size_t n);

#endif
