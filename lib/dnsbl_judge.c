/* dnsbl_judge.c - see dnsbl_judge.h. RFC 5782 5 has the test points, RFC 6471 3.3 what they mean. */
#include "dnsbl_judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "poison.h"

const char *const dnsbl_verdict_name[] = { "clean", "unknown", "listed" };
const char *const dnsbl_health_name[] = { "untested", "ok", "timeout", "servfail", "refused", "blocked",
	"dead", "parked", "wildcard" };

bool
dnsbl_is_ill(enum dnsbl_health h)
{
	return h != DNSBL_OK && h != DNSBL_UNTESTED;
}

/* The worst that an answer says, and the address and code that say so; false: there is none. */
struct worst {
	struct dnsbl_reading reading;
	const unsigned char *ip;
	bool any;
};

static struct worst
worst_of(const struct dnsbl_list *l, const struct dnsbl_reply *reply)
{
	struct worst w = { .any = false };

	for (unsigned i = 0; i < reply->n; i++) {
		struct dnsbl_reading r;
		size_t at = 0;

		while (dnsbl_next(l->row, reply->addr[i], &at, &r)) {
			if (w.any && r.says <= w.reading.says)
				continue;
			w = (struct worst){ r, reply->addr[i], true };
		}
	}
	return w;
}

static bool __attribute__((format(printf, 3, 4)))
is(struct dnsbl_list *l, enum dnsbl_health health, const char *fmt, ...)
{
	va_list ap;

	l->health = health;
	va_start(ap, fmt);
	(void)vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	return true;
}

/* --- what answers say that no working list gives ------------------------------------------------ */

static bool
judge_codes(struct dnsbl_list *l, const struct dnsbl_reply *reply)
{
	struct worst w = worst_of(l, reply);

	if (!w.any || w.reading.says < DNSBL_BLOCKED)
		return false;
	if (w.reading.says == DNSBL_OUTSIDE)
		return is(l, DNSBL_PARKED, "answers %u.%u.%u.%u, outside of 127/8: the domain has another owner, "
		    "or the resolver lies", w.ip[0], w.ip[1], w.ip[2], w.ip[3]);
	return is(l, DNSBL_IS_BLOCKED, "answers %u.%u.%u.%u: %s", w.ip[0], w.ip[1], w.ip[2], w.ip[3],
	    w.reading.code->words[0] != '\0' ? w.reading.code->words : "the resolver is blocked");
}

static bool
is_wild(struct dnsbl_list *l)
{
	struct worst w = worst_of(l, &l->clean);

	if (l->random.n > 0)
		return is(l, DNSBL_WILDCARD, "lists the world: answers %u.%u.%u.%u to a name that was never listed",
		    l->random.addr[0][0], l->random.addr[0][1], l->random.addr[0][2], l->random.addr[0][3]);
	if (!w.any || w.reading.says == DNSBL_NOTHING)
		return false;
	return is(l, DNSBL_WILDCARD, "lists the world: answers %u.%u.%u.%u to what must not be listed (%s)",
	    w.ip[0], w.ip[1], w.ip[2], w.ip[3], l->row->clean != NULL ?
	    l->row->clean : (l->kinds & DNSBL_IP) != 0 ? "127.0.0.1" : "invalid");
}

/* --- answers that did not come -------------------------------------------------------------------- */

static bool
judge_fault(struct dnsbl_list *l, const struct dnsbl_reply *reply, const struct dnsbl_reply *again)
{
	enum dns_fault fault = reply->answered ? reply->fault : DNS_TIMEOUT;
	bool several = fault == DNS_NOBODY && again->answered;

	if (!reply->asked)
		return false;
	if (several)
		fault = again->fault;
	switch (fault) {
	case DNS_TIMEOUT:
		return is(l, DNSBL_TIMED_OUT, "does not answer in time");
	case DNS_NOBODY:
		return is(l, DNSBL_TIMED_OUT, "is asked in vain: no name server gave an answer");
	case DNS_REFUSED:
		return is(l, DNSBL_REFUSES, "refuses to answer (REFUSED)");
	case DNS_SERVFAIL:
		return is(l, DNSBL_SERVFAILS, "fails (SERVFAIL of its name servers)");
	case DNS_OTHER:
		return is(l, DNSBL_SERVFAILS, "answers with nothing of use");
	case DNS_WELL: case DNS_NO_NAME: case DNS_NO_RECORD:
		break;
	}
	if (several)
		return is(l, DNSBL_SERVFAILS, "fails now and then (its name servers)");
	return false;
}

/* Some lists have no test points, but have us listed. */
static bool
has_a_listing(const struct dnsbl_run *r, const struct dnsbl_list *l)
{
	for (size_t t = 0; t < r->targets; t++)
		if (worst_of(l, &l->of[t]).any)
			return true;
	return false;
}

static bool
is_unheard_of(const struct dnsbl_list *l)
{
	return l->row->zone[0] == '*' && l->row->test == NULL;
}

static bool
is_empty(const struct dnsbl_run *r, struct dnsbl_list *l)
{
	const char *point = l->row->test != NULL ? l->row->test :
	    (l->kinds & DNSBL_IP4) != 0 ? "127.0.0.2" : (l->kinds & DNSBL_IP6) != 0 ? "::ffff:7f00:2" : "test";

	if (!l->test.asked || l->test.n > 0)
		return false;
	if (has_a_listing(r, l) || (is_unheard_of(l) && (l->kinds & DNSBL_IP) == 0 && l->soa.answered &&
	    l->soa.fault != DNS_NO_NAME))	/* few lists of domains have test points */
		return is(l, DNSBL_UNTESTED, "has no test point");
	if (l->test.fault == DNS_WELL)
		return is(l, DNSBL_DEAD, "answers without an address");
	if (l->soa.answered && l->soa.fault == DNS_NO_NAME)
		return is(l, DNSBL_DEAD, "is no zone that exists");
	return is(l, DNSBL_DEAD, "does not list its test point %s: emptied, or the zone or its key is wrong",
	    point);
}

/* --- a list ------------------------------------------------------------------------------------------ */

bool
dnsbl_answers(const struct dnsbl_reply *reply)
{
	return reply->answered && reply->fault <= DNS_NO_RECORD;
}

static void
take_latency(const struct dnsbl_run *r, struct dnsbl_list *l)
{
	const struct dnsbl_reply *of = dnsbl_answers(&l->random) ? &l->random : &l->test;

	for (size_t t = 0; t < r->targets && !dnsbl_answers(of); t++)
		of = &l->of[t];
	l->latency_s = dnsbl_answers(of) ? of->took_s : (double)NAN;
}

static bool
judge_targets(const struct dnsbl_run *r, struct dnsbl_list *l)
{
	bool any = false, well = false;

	for (size_t t = 0; t < r->targets && !any; t++) {
		any = judge_codes(l, &l->of[t]);
		well = well || dnsbl_answers(&l->of[t]);
	}
	for (size_t t = 0; t < r->targets && !any && !well; t++)
		any = judge_fault(l, &l->of[t], &l->of[t]);
	return any;
}

static void
judge_list(const struct dnsbl_run *r, struct dnsbl_list *l, const struct dnsbl_reply *again)
{
	bool told;

	if (dnsbl_answers(&l->test) && l->test.n == 0 && l->test6.n > 0)
		l->test = l->test6;	/* a list of IPv6 alone */
	told = judge_codes(l, &l->test) || judge_codes(l, &l->clean) || judge_codes(l, &l->random) ||
	    is_wild(l) || judge_fault(l, &l->test, again) || judge_fault(l, &l->random, again) ||
	    judge_fault(l, &l->clean, again) || is_empty(r, l);

	if (!told && !l->test.asked)
		told = judge_targets(r, l);
	if (!told)
		(void)is(l, l->test.asked ? DNSBL_OK : DNSBL_UNTESTED, "%s",
		    l->test.asked ? "" : "was not tested");
	if (l->row->dead != NULL && l->health < DNSBL_PARKED) {
		bool dated = strcmp(l->row->dead, "-") != 0;

		(void)is(l, DNSBL_DEAD, "is dead%s%s: %s", dated ? " since " : "", dated ? l->row->dead : "",
		    l->row->dead_words);
	}
	take_latency(r, l);
}

void
dnsbl_judge(struct dnsbl_run *r)
{
	for (size_t i = 0; i < r->lists; i++)
		judge_list(r, &r->list[i], &r->again[i]);
}

static bool
is_mute(const struct dnsbl_list *l)
{
	const struct dnsbl_reply *of = &l->random;	/* no cache has it */

	return of->asked && (!of->answered || of->fault == DNS_TIMEOUT || (of->fault == DNS_NOBODY &&
	    (l->health == DNSBL_TIMED_OUT || l->health == DNSBL_DEAD)));
}

enum dnsbl_resolver
dnsbl_resolver(const struct dnsbl_run *r)
{
	size_t mute = 0;

	for (size_t i = 0; i < r->lists; i++)
		mute += is_mute(&r->list[i]);
	if (mute == r->lists && r->control.asked && !dnsbl_answers(&r->control))
		return DNSBL_MUTE;
	return r->control.n > 0 ? DNSBL_LIES : DNSBL_RESOLVES;
}

bool
dnsbl_use_hit(const struct dnsbl_list *l, const struct dnsbl_use *u)
{
	const struct dnsbl_reply *all[] = { &l->random, &l->clean, &l->test };
	bool good, hit = false;

	if (u->filter != NULL && u->filter[0] == '\0')	/* we do not know; likely it takes what is usual */
		return u->rejects && l->health == DNSBL_WILDCARD;
	for (size_t i = 0; i < 3 && !hit; i++)
		for (unsigned a = 0; a < all[i]->n && !hit; a++)
			hit = u->filter == NULL || dnsbl_match(slice_of(u->filter), all[i]->addr[a], &good);
	return hit;
}

/* --- an address on a list --------------------------------------------------------------------- */

/* "127.0.0.4 XBL, 127.0.0.10 PBL" */
static void
put_codes(const struct dnsbl_list *l, const struct dnsbl_reply *reply, struct dnsbl_found *f)
{
	struct buf b = buf_new(sizeof f->words - 1);

	for (unsigned i = 0; i < reply->n; i++) {
		const unsigned char *ip = reply->addr[i];
		struct dnsbl_reading r;
		size_t at = 0;

		while (dnsbl_next(l->row, ip, &at, &r)) {
			buf_fmt(&b, "%s%u.%u.%u.%u", b.n > 0 ? ", " : "", ip[0], ip[1], ip[2], ip[3]);
			buf_str(&b, r.says == DNSBL_STRANGE ? ", a code that the table does not know" :
			    r.says == DNSBL_OUTSIDE ? ", outside of 127/8" : "");
			if (r.code != NULL && r.code->words[0] != '\0')
				buf_fmt(&b, " %s", r.code->words);
			if (r.says == DNSBL_LISTED && r.code->weight > f->weight)
				f->weight = r.code->weight;
		}
	}
	(void)snprintf(f->words, sizeof f->words, "%s", b.p != NULL ? b.p : "");
	buf_free(&b);
}

static void
read_codes(const struct dnsbl_list *l, const struct dnsbl_reply *reply, struct dnsbl_found *f)
{
	struct worst w = worst_of(l, reply);
	bool is_void = l->health >= DNSBL_DEAD && l->health != DNSBL_IS_BLOCKED;

	put_codes(l, reply, f);
	f->strange = (w.reading.says == DNSBL_STRANGE || w.reading.says == DNSBL_OUTSIDE) && !is_void;
	f->verdict = is_void || w.reading.says >= DNSBL_STRANGE ? DNSBL_NOT_KNOWN :
	    w.reading.says == DNSBL_LISTED ? DNSBL_IS_LISTED : DNSBL_CLEAN;
	/* a code that is known beside one that is not is a listing, too */
	if (f->strange && w.reading.says == DNSBL_STRANGE && f->weight > 0)
		f->verdict = DNSBL_IS_LISTED;
	if (f->verdict != DNSBL_IS_LISTED)
		f->weight = 0;
}

void
dnsbl_find(const struct dnsbl_list *l, size_t target, struct dnsbl_found *f)
{
	static const char *const faults[] = { "", "", "", "SERVFAIL", "REFUSED", "no answer in time",
		"no name server gave an answer", "an answer of no use" };
	const struct dnsbl_reply *reply = &l->of[target];

	*f = (struct dnsbl_found){ .verdict = DNSBL_NOT_KNOWN };
	if (!dnsbl_answers(reply)) {
		(void)snprintf(f->words, sizeof f->words, "%s", faults[reply->answered ? reply->fault : DNS_TIMEOUT]);
	} else if (reply->n > 0) {
		read_codes(l, reply, f);
	} else if (reply->fault == DNS_WELL) {
		(void)snprintf(f->words, sizeof f->words, "an answer without an address");
	} else if (l->health >= DNSBL_IS_BLOCKED) {
		(void)snprintf(f->words, sizeof f->words, "%s", dnsbl_health_name[l->health]);
	} else {
		f->verdict = DNSBL_CLEAN;
	}
}
