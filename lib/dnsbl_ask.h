/* dnsbl_ask.h - many questions to many block lists, all at once.
 *
 * For each list its test points, a name that cannot be listed, SOA and NS; and each address or name
 * that it is asked for. Nothing is judged here (dnsbl_judge.h). Answers are strangers': what is kept of
 * each is bounded, and records of other names than the one asked, or its aliases, are left out. */
#ifndef MX_DNSBL_ASK_H
#define MX_DNSBL_ASK_H

#include <stdint.h>

#include "dns.h"
#include "dnsbl.h"

enum { DNSBL_LISTS_MAX = 300, DNSBL_TARGETS_MAX = 4096, DNSBL_QUESTIONS_MAX = 50000,
	DNSBL_ADDRS = 16, DNSBL_TEXT_BYTES = 300, DNSBL_USES = 4 };

struct dnsbl_reply {
	bool asked, answered;
	enum dns_fault fault;		/* DNS_WELL and n is 0: nothing that could be used */
	unsigned char addr[DNSBL_ADDRS][4];
	unsigned n, left_out;
	char *text;			/* TXT, not cleaned; NULL: none */
	double took_s;
};

enum dnsbl_health {	/* the worst last, as far as there is an order */
	DNSBL_UNTESTED, DNSBL_OK, DNSBL_TIMED_OUT, DNSBL_SERVFAILS, DNSBL_REFUSES, DNSBL_IS_BLOCKED,
	DNSBL_DEAD, DNSBL_PARKED, DNSBL_WILDCARD
};

/* Who on this machine asks a list, and what it takes for a listing. */
struct dnsbl_use {
	const char *who;		/* "Postfix" */
	const char *how;		/* "reject_rbl_client" */
	const char *filter;		/* for dnsbl_match; NULL: any answer; "": not understood */
	double weight;			/* postscreen's; else 0 */
	bool rejects;			/* it refuses mail by this list alone */
	bool allows;			/* it trusts who is on it */
};

struct dnsbl_list {
	char *zone;
	unsigned kinds;
	const struct dnsbl_row *row;
	bool wanted;			/* an allow list on which the targets should be */
	struct dnsbl_use use[DNSBL_USES];
	size_t uses;
	struct dnsbl_reply test, test6;	/* the second where it is asked for both families */
	struct dnsbl_reply clean, random, soa, ns;
	struct dnsbl_reply *of;		/* one for each target; not asked where it does not fit */
	enum dnsbl_health health;	/* of dnsbl_judge.h, with a sentence */
	char why[400];
	double latency_s;		/* NAN: nothing was answered */
};

struct dnsbl_target {
	char *text;
	unsigned kind;			/* DNSBL_IP4, DNSBL_IP6 or DNSBL_DOMAIN */
	unsigned char ip[16];
};

struct dnsbl_run {
	struct arena memory;		/* of the texts of lists, uses and targets */
	struct dnsbl_list *list;
	size_t lists;
	struct dnsbl_target *target;
	size_t targets;
	struct dns *dns, *plain;	/* plain: opened with first_word, to learn why all failed */
	double deadline;		/* of clock.h */
	bool no_health;
	struct dnsbl_reply control;	/* a name that nobody has, and in no list's zone */
	struct dnsbl_reply *again;	/* one for each list: what plain said to its test point */
};

/* The list of that zone, added where it is new; NULL and *e: no such name, or too many. */
struct dnsbl_list *dnsbl_add_list(struct dnsbl_run *r, const struct dnsbl_table *t, struct slice zone,
    struct err *e);
/* An address or a name. False and *e: neither, or too many. Twice the same is once. */
bool dnsbl_add_target(struct dnsbl_run *r, struct slice text, struct err *e);

/* Forget lists and targets that were not asked yet. */
void dnsbl_clear(struct dnsbl_run *r);

/* Ask, until all is answered or the deadline has come. False and *e: that would be too many questions. */
bool dnsbl_ask(struct dnsbl_run *r, struct err *e);

/* The name that asks a list for a target: "2.0.0.127.zen.example.org". False: too long. */
bool dnsbl_question(struct buf *b, const struct dnsbl_target *t, const char *zone);
/* Keep of an answer what belongs to that name. */
void dnsbl_take(struct dnsbl_reply *reply, const char *name, const struct dns_answer *a);

#endif
