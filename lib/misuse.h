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
#include "slice.h"
#include "stateread.h"
#include "users.h"

enum { MISUSE_DAYS = 28, MISUSE_NEEDED_DAYS = 3 };

struct misuse_set {
	int64_t min_rcpt;	/* fewer recipients in an hour say nothing */
	int64_t base;		/* recipients an hour that any account may send */
	int64_t tries;		/* so many failed logins are a guesser's */
	struct opt_list except;	/* accounts, "@domain", networks; each several, with commas */
	const char *except_file;	/* the same, one a line; NULL: none */
};

/* What an account sent in an hour. */
struct misuse_sent {
	double messages, recipients;
	const struct cell *domains;
};

struct misuse_account {
	const struct user *window;	/* all of it */
	struct misuse_sent worst;	/* the hour with most recipients */
	int64_t hour;
	bool exempt;			/* what it sends is not judged */
	bool judged;			/* enough recipients for shares and rise */
	double usual, rise;		/* recipients an hour; how many times that is sent */
	double domains;			/* of the worst hour, new to the account; NAN: not known */
	double networks;		/* providers of the window that are new to it; NAN: not known */
	double providers;		/* all of them */
	double bounced, deferred;	/* percent of the window's recipients; NAN: none */
	double failures, sources;	/* failed logins, and from how many networks */
	const struct users_visit *guessed;	/* it was logged into from there after many failures */
};

struct misuse_network {
	const struct user *window;
	bool exempt;
	double attempts, targets;	/* failed logins, and of how many accounts */
};

struct misuse {
	struct misuse_account *account;
	struct misuse_network *network;
	size_t accounts, networks;
	bool past;			/* the state goes back far enough */
	struct misuse_own *own;
};

/* Look at hours from <= hour < to of a host or STATEREAD_FARM; first is the time of its oldest line.
 * False and *e: the state or the file of exceptions cannot be read. *m is for misuse_free(). */
bool misuse_read(struct misuse *m, const struct misuse_set *set, struct stateread *r, int host,
    int64_t first, int64_t from, int64_t to, struct err *e);
void misuse_free(struct misuse *m);

/* "198.51" of "198.51.100.0/24", "2001:db8" of "2001:db8:1:2::/64". */
struct slice misuse_provider(struct slice network);

#endif
