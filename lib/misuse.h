/* misuse.h - accounts that behave unlike themselves, and networks that guess passwords, by the
 * state's hours of both (users.h).
 *
 * What an account sends is looked at hour by hour, and the worst hour of the window counts: a
 * thief is found in the hour that has just begun. Its usual is what it sent in an hour on its
 * third busiest day of the four weeks before: of each of the last seven days its busiest hour
 * counts, of those before what was sent at the same time of day, give or take two hours. An account
 * without a past is compared with what anybody may send.
 *
 * Networks are kept as /24 and /64, but those that an account is used from are told apart by
 * the provider, /16 and /32: telephones get another address of their provider's with each
 * connection, and a thief's machines are with many providers. An account knows the providers that it
 * was used from in those weeks. The twenty hours before the window are no past of it: a theft is not
 * to become usual on the day it happens. */
#ifndef MX_MISUSE_H
#define MX_MISUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "opt.h"
#include "roster.h"
#include "slice.h"
#include "stateread.h"
#include "users.h"

enum {
	MISUSE_DAYS = 28, MISUSE_NEEDED_DAYS = 3,
	/* what is asked as a rule */
	MISUSE_MIN_RCPT = 50, MISUSE_BASE = 10, MISUSE_TRIES = 20, MISUSE_WINDOW_S = 3600
};

struct misuse_set {
	int64_t min_rcpt;	/* fewer recipients in an hour say nothing */
	int64_t base;		/* recipients an hour that any account may send */
	int64_t tries;		/* so many failed logins are a guesser's */
	struct opt_list except;	/* accounts, "@domain", networks; each several, with commas */
	const char *except_file;	/* the same, one a line; NULL: none */
	bool all_networks;	/* those, too, that did not fail to log in */
};

/* What an account is judged by. */
enum misuse_measure {
	MISUSE_RISE, MISUSE_RECIPIENTS, MISUSE_MESSAGES, MISUSE_DOMAINS, MISUSE_NETWORKS, MISUSE_BOUNCED,
	MISUSE_DEFERRED, MISUSE_FAILURES, MISUSE_SOURCES, MISUSE_MEASURES
};

/* How an account differs from its past. */
struct misuse_change {
	double usual, rise;		/* recipients an hour; how many times that is sent */
	double domains;			/* of the busiest hour, new to the account */
	double networks;		/* providers of the window that are new to it */
	const struct users_visit *guessed;	/* it was logged into from there after many failures */
};

/* There are as many as the farm has accounts. */
struct misuse_account {
	const struct roster_one *one;	/* all of the window */
	const struct misuse_change *change;	/* NULL: not known, or not looked at */
	int32_t hour;			/* the one with most recipients, and what was sent in it: */
	uint32_t messages, recipients;
	uint32_t failures;		/* failed logins, and from how many networks: */
	double sources;
	bool exempt;			/* what it sends is not judged */
	bool judged;			/* enough recipients for shares and rise */
};

struct misuse_network {
	const struct roster_one *one;
	bool exempt;
	double attempts, targets;	/* failed logins, and of how many accounts */
};

struct misuse {
	struct misuse_account *account;
	struct misuse_network *network;	/* those that failed to log in; all if asked for */
	size_t accounts, networks;
	bool past;			/* the state goes back far enough */
	struct misuse_own *own;
};

/* Look at hours from <= hour < to of a host or STATEREAD_FARM; first is the time of its oldest line.
 * False and *e: the state or the file of exceptions cannot be read. *m is for misuse_free(). */
bool misuse_read(struct misuse *m, const struct misuse_set *set, struct stateread *r, int host,
    int64_t first, int64_t from, int64_t to, struct err *e);
void misuse_free(struct misuse *m);

/* Its numbers and visitors; no domains. Valid until misuse_free(). */
const struct user *misuse_account(const struct misuse *m, const struct misuse_account *a);
const struct user *misuse_network(const struct misuse *m, const struct misuse_network *n);
/* To how many domains it sent in its busiest hour, and how many providers it was used from to send. */
double misuse_domains(const struct misuse *m, const struct misuse_account *a);
double misuse_providers(const struct misuse *m, const struct misuse_account *a);
/* Percent of the window's recipients that bounced, that had to wait; NAN: there is none. */
double misuse_bounced(const struct misuse *m, const struct misuse_account *a);
double misuse_deferred(const struct misuse *m, const struct misuse_account *a);

/* NAN: it is not known, or not judged. */
double misuse_value(const struct misuse *m, const struct misuse_account *a, enum misuse_measure which);

/* "198.51" of "198.51.100.0/24", "2001:db8" of "2001:db8:1:2::/64". */
struct slice misuse_provider(struct slice network);

#endif
