/* reputation.h - which networks send refused mail and hardly any other, from the state's top tables.
 *
 *	score = 100 * bad / (bad + good_weight * good + doubt)
 *
 * bad are recipients refused, and those of mails that a filter condemned; good are recipients
 * accepted. Each hour's count is weighted: 1 for the newest, half for each half-life before. Tables are
 * bounded, so bad is what is known at least, and good what may have been at most: a network never looks
 * bad because its good mail fell out of a table. docs/reputation.md has the reasons, and an example that a test recomputes.
 *
 * Memory is bounded: of REPUTATION_MAX networks the better half is forgotten. */
#ifndef MX_REPUTATION_H
#define MX_REPUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asn.h"
#include "err.h"
#include "network.h"
#include "stateread.h"

enum {
	REPUTATION_MAX = 40000,
	NETWORK_AS = 1		/* family of an AS: its number is in the first four bytes */
};

struct reputation_rule {
	double half_life_h, good_weight, doubt;
	bool wide6;			/* IPv6 by /48 and not by /64 */
	struct asn *asn;		/* NULL: none */
	bool by_as;			/* an AS is one network */
	const struct network *ours;	/* left out */
	size_t n_ours;
	int64_t from, rise, to;		/* hours: from <= hour < to; since rise is new */
};

/* A network of which mail was refused or condemned. */
struct reputation {
	struct network net;
	struct network first;		/* one of its networks, as the tables have them */
	double score, before;		/* now, and at the hour rise */
	double bad, good;		/* weighted, as in the formula */
	uint64_t refused, judged;	/* recipients in all hours: at least so many */
	uint64_t accepted;		/* at least so many */
	int64_t accepted_most;
	uint64_t recent;		/* refused since rise */
	struct {			/* where most was refused at once */
		int host;
		int64_t hour;
		uint64_t n;
	} sample;
	double bad_old, good_old;	/* reputation.c's own: up to rise; good is first a difference */
};

struct reputations {
	struct reputation *net;		/* the worst first */
	size_t n;
	uint64_t refused, recent;	/* by all, known by network or not: in all hours, since rise */
	int64_t unknown_hours;		/* hours of hosts in which nothing says where accepted mail came from */
	/* How many networks it takes, those that sent most first, to make half of what was refused since rise; 0:
	 * nothing was. more: the tables have fewer than half, and it is more than that. */
	size_t spread;
	bool more;
	struct reputation loudest;	/* to which most was refused since rise; recent 0: to nobody was */

	size_t cap;			/* reputation.c's own */
	uint32_t *slot;
	size_t mask;
	uint64_t key;
};

/* Recipients that were refused for what the client did: not for our own trouble, nor greylisted. */
int64_t reputation_blamed(const struct cell *c);

/* Of one host, or of all of them. False and *e: the state cannot be read. */
bool reputation_read(struct reputations *all, struct stateread *r, int host, const struct reputation_rule *rule,
    struct err *e);
void reputation_free(struct reputations *all);

/* Its autonomous system by the rule's file, and that one's name (raw text); 0: none is known. */
uint32_t reputation_as(const struct reputation_rule *rule, const struct reputation *p, char name[ASN_NAME]);

/* "192.0.2.0/24", "AS64500" */
void reputation_print(struct buf *b, const struct network *n);

#endif
