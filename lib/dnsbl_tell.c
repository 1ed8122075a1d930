/* dnsbl_tell.c - see dnsbl_tell.h. Codes and texts of lists are strangers' words. */
#include "dnsbl_tell.h"

#include <math.h>
#include <string.h>

#include "plural.h"
#include "quantity.h"

#include "poison.h"

enum { JSON_BYTES = 1 << 18, NAMED = 12 };

const struct measure dnsbl_measures[] = {
	{ "lists", "", "lists with one of the addresses or names on them" },
	{ "weight", "", "their weights, of the heaviest code of each list" },
	{ "operators", "", "who run these lists: several lists of one operator are often one list" },
	{ "missing", "", "addresses and names that are not on an allow list that was given", "0" },
	{ "unhealthy", "%", "share of the lists on which nobody should rely", "0" },
	{ "latency", "s", "the slowest list of this run" },
	{ "p50", "s", "half of the last 100 runs were faster; of the slowest list" },
	{ "p95", "s", "19 of 20 of the last 100 runs were faster; of the slowest list" },
	{ "logged_ill", "", "with --from-state: lists that half of the runs that --log logged found ill", "0" },
	{ "slowed", "%", "with --from-state: logged latency of the list that slowed most, of that in its week; lists "
	    "of 100 ms and more", "300" },
	{ "hits_least", "%", "with --from-state: hits of the list that lost most, of what its week lets expect",
	    "20:" },
	{ "hits_most", "%", "with --from-state: hits of the list that gained most", "500" },
	{ 0 }
};

/* What is added up on the way. */
struct sums {
	size_t lists, operators, missing, tested, ill;
	double weight;
	struct buf names, ills;		/* "zen.example.org, bl.example.net" */
	size_t named, ills_named;
};

static void
add_name(struct buf *b, size_t *n, const char *zone, const char *what)
{
	if (++*n <= NAMED)
		buf_fmt(b, "%s%s%s%s", b->n > 0 ? ", " : "", zone, what[0] != '\0' ? " " : "", what);
	else if (*n == NAMED + 1)
		buf_str(b, ", ...");
}

/* --- listings ------------------------------------------------------------------------------------- */

static const struct dnsbl_limit *
limit_of(const struct dnsbl_tell *t, const char *zone)
{
	const struct dnsbl_limit *found = NULL;

	for (size_t i = 0; i < t->limits; i++)
		if (slice_eq_nocase(slice_of(t->limit[i].zone), slice_of(zone)) &&
		    (found == NULL || t->limit[i].critical))
			found = &t->limit[i];
	return found;
}

/* How bad a listing is of itself; OK: the thresholds on numbers say it. */
static enum check_state
state_of(const struct dnsbl_tell *t, const struct dnsbl_list *l, double weight)
{
	const struct dnsbl_limit *limit = limit_of(t, l->zone);

	if (limit != NULL)
		return limit->critical ? CHECK_CRITICAL : CHECK_WARNING;
	if (check_has_limit("lists") || check_has_limit("weight") || check_has_limit("operators"))
		return CHECK_OK;
	return t->limits > 0 || weight < 1 ? CHECK_WARNING : CHECK_CRITICAL;
}

static void
tell_target(const struct dnsbl_list *l, const struct dnsbl_target *target, const struct dnsbl_reply *reply,
    const struct dnsbl_found *f)
{
	const char *removal = l->row->removal;

	check_detail("%s: %s %s: %s%s%s", l->zone, target->text, dnsbl_verdict_name[f->verdict],
	    check_clean(slice_of(f->words)), f->verdict == DNSBL_IS_LISTED && removal[0] != '\0' ?
	    "; removal: " : "", f->verdict == DNSBL_IS_LISTED ? removal : "");
	if (reply->text != NULL)
		check_detail("    \"%s\"", check_clean(slice_of(reply->text)));
	if (reply->left_out > 0)
		check_detail("    and %u more %s", reply->left_out, PLURAL(reply->left_out, "code", "codes"));
}

/* One list's listings, told by the first of them. */
static void
tell_listed(const struct dnsbl_tell *t, const struct dnsbl_list *l, struct sums *s)
{
	const struct dnsbl_run *r = t->run;
	struct dnsbl_found f, first = { .verdict = DNSBL_CLEAN };
	const char *who = NULL;
	size_t n = 0;
	double weight = 0;

	for (size_t i = 0; i < r->targets; i++) {
		if (!l->of[i].asked)
			continue;
		dnsbl_find(l, i, &f);
		if (f.verdict != DNSBL_IS_LISTED)
			continue;
		tell_target(l, &r->target[i], &l->of[i], &f);
		weight = f.weight > weight ? f.weight : weight;
		if (n++ == 0) {
			first = f;
			who = r->target[i].text;
		}
	}
	if (n == 0)
		return;
	s->lists++;
	s->weight += weight;
	add_name(&s->names, &s->named, l->zone, "");
	if (state_of(t, l, weight) > CHECK_OK && n == 1)
		check_state(state_of(t, l, weight), "%s is on %s (%s)", who, l->zone,
		    check_clean(slice_of(first.words)));
	else if (state_of(t, l, weight) > CHECK_OK)
		check_state(state_of(t, l, weight), "%s and %zu more are on %s (%s)", who, n - 1, l->zone,
		    check_clean(slice_of(first.words)));
}

/* Of an allow list that somebody wants to be on. */
static void
tell_allowed(const struct dnsbl_tell *t, const struct dnsbl_list *l, struct sums *s)
{
	const struct dnsbl_run *r = t->run;
	struct dnsbl_found f;

	for (size_t i = 0; i < r->targets; i++) {
		if (!l->of[i].asked)
			continue;
		dnsbl_find(l, i, &f);
		if (f.verdict == DNSBL_CLEAN) {
			s->missing++;
			check_detail("%s: %s is not on this allow list", l->zone, r->target[i].text);
		} else if (f.verdict == DNSBL_IS_LISTED) {
			check_verbose(1, "%s: %s is on it: %s", l->zone, r->target[i].text,
			    check_clean(slice_of(f.words)));
		}
	}
}

/* Answers that are neither yes nor no, of a list that is well otherwise. */
static void
tell_strange(const struct dnsbl_run *r, const struct dnsbl_list *l)
{
	struct dnsbl_found f;

	for (size_t i = 0; i < r->targets; i++) {
		if (!l->of[i].asked)
			continue;
		dnsbl_find(l, i, &f);
		if (f.strange)
			check_state(CHECK_WARNING, "%s answers %s for %s", l->zone,
			    check_clean(slice_of(f.words)), r->target[i].text);
		else if (f.verdict == DNSBL_NOT_KNOWN && !dnsbl_is_ill(l->health))
			check_detail("%s: %s is not known: %s", l->zone, r->target[i].text,
			    check_clean(slice_of(f.words)));
	}
}

/* --- health ------------------------------------------------------------------------------------------ */

/* What it does to an MTA of this machine that asks the list. */
static void
tell_use(const struct dnsbl_list *l, const struct dnsbl_use *u)
{
	bool everybody = l->health >= DNSBL_IS_BLOCKED && l->health != DNSBL_DEAD && dnsbl_use_hit(l, u);

	if (!everybody)
		return;
	if (u->allows)
		check_state(CHECK_CRITICAL, "%s trusts everybody: %s %s takes that for an entry", u->who,
		    u->how, l->zone);
	else if (u->rejects)
		check_state(CHECK_CRITICAL, "%s refuses all mail: %s %s takes that for a listing", u->who,
		    u->how, l->zone);
	else
		check_state(CHECK_WARNING, "%s takes that for a listing of everybody: %s %s", u->who, u->how,
		    l->zone);
}

/* "Postfix and SpamAssassin still ask ..." */
static void
tell_dead(const struct dnsbl_list *l)
{
	struct buf who = buf_new(200);
	size_t n = 0;

	for (size_t i = 0; i < l->uses; i++) {
		if (i > 0 && strcmp(l->use[i].who, l->use[i - 1].who) == 0)
			continue;
		buf_fmt(&who, "%s%s", n++ > 0 ? " and " : "", l->use[i].who);
	}
	check_state(CHECK_WARNING, "%s still %s %s", who.p, PLURAL(n, "asks", "ask"), l->zone);
	buf_free(&who);
}

static void
tell_health(const struct dnsbl_list *l, struct sums *s)
{
	bool world = l->health == DNSBL_WILDCARD || l->health == DNSBL_PARKED;

	s->tested += l->health != DNSBL_UNTESTED;
	if (!dnsbl_is_ill(l->health))
		return;
	s->ill++;
	add_name(&s->ills, &s->ills_named, l->zone, dnsbl_health_name[l->health]);
	check_detail("%s %s", l->zone, check_clean(slice_of(l->why)));
	if (world && l->uses == 0)
		check_state(CHECK_CRITICAL, "%s %s", l->zone, check_clean(slice_of(l->why)));
	for (size_t i = 0; i < l->uses; i++)
		tell_use(l, &l->use[i]);
	if (l->health == DNSBL_DEAD && l->uses > 0)
		tell_dead(l);
}

static void
tell_latency(const struct dnsbl_list *l, const struct dnsbl_past *past)
{
	struct buf b = buf_new(300);

	buf_fmt(&b, "%s %s", l->zone, dnsbl_health_name[l->health]);
	if (!isnan(l->latency_s))
		buf_fmt(&b, ", %s", check_people(l->latency_s, "s"));
	if (past != NULL && past->runs > 1 && !isnan(past->p50_s))
		buf_fmt(&b, "; of %u runs half within %s, 19 of 20 within %s, %u without an answer", past->runs,
		    check_people(past->p50_s, "s"), check_people(past->p95_s, "s"), past->unanswered);
	if (l->soa.fault <= DNS_NO_RECORD && l->soa.answered && (l->soa.n == 0 || l->ns.n == 0))
		buf_fmt(&b, "; %s%s%s at its name", l->soa.n == 0 ? "no SOA" : "",
		    l->soa.n == 0 && l->ns.n == 0 ? " and " : "", l->ns.n == 0 ? "no NS" : "");
	for (size_t i = 0; i < l->uses; i++)
		buf_fmt(&b, "; %s: %s", l->use[i].who, l->use[i].how);
	check_verbose(1, "%s", b.p);
	buf_free(&b);
}

/* True: nothing more is to be said of the lists. */
static bool
tell_resolver(const struct dnsbl_tell *t)
{
	enum dnsbl_resolver resolver = dnsbl_resolver(t->run);

	if (resolver == DNSBL_LIES)
		check_state(CHECK_CRITICAL, "the resolver %s answers for names that do not exist: each list "
		    "seems to list the world", t->resolver);
	if (resolver == DNSBL_MUTE)
		check_state(CHECK_CRITICAL, "the resolver %s gives no answer", t->resolver);
	return resolver == DNSBL_MUTE;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static double
slowest(const struct dnsbl_tell *t, size_t which, const char **zone)
{
	double most = (double)NAN;

	for (size_t i = 0; i < t->run->lists; i++) {
		double v = which == 0 ? t->run->list[i].latency_s : t->past == NULL ? (double)NAN :
		    which == 1 ? t->past[i].p50_s : t->past[i].p95_s;

		if (isnan(v) || v <= most)
			continue;
		most = v;
		*zone = t->run->list[i].zone;
	}
	return most;
}

static void
measure_time(const struct dnsbl_tell *t, const char *name, size_t which)
{
	const char *zone = "";
	double v = slowest(t, which, &zone);

	if (isnan(v)) {
		check_show(name, v, "s");
		return;
	}
	check_value(name, v, "s");
	check_words(name, NULL, "%s of %s is %s", name, zone, check_people(v, "s"));
}

/* How many operators have the listings: a list without one in the table is its own. */
static size_t
operators(const struct dnsbl_run *r, const bool *listed)
{
	size_t n = 0;

	for (size_t i = 0; i < r->lists; i++) {
		const char *by = r->list[i].row->by;
		bool again = false;

		for (size_t j = 0; j < i && by[0] != '\0' && !again; j++)
			again = listed[j] && strcmp(r->list[j].row->by, by) == 0;
		n += listed[i] && !again;
	}
	return n;
}

/* Targets that a list was asked for: a name only where there are lists of domains. */
static size_t
asked_for(const struct dnsbl_run *r)
{
	size_t n = 0;

	for (size_t t = 0; t < r->targets; t++) {
		bool asked = false;

		for (size_t i = 0; i < r->lists && !asked; i++)
			asked = r->list[i].of[t].asked;
		n += asked;
	}
	return n;
}

/* Where the resolver was mute, or no address was found, nobody knows: 0 would say that we are on no list. */
static void
count(const char *name, bool unknown, double n)
{
	if (unknown)
		check_show(name, (double)NAN, "");
	else
		check_value(name, n, "");
}

static void
measure(const struct dnsbl_tell *t, const struct sums *s, bool mute)
{
	const struct dnsbl_run *r = t->run;
	const char *zone = "";
	double slow = slowest(t, 0, &zone);
	struct buf b = buf_new(800);
	size_t asked = asked_for(r);
	bool unknown = mute || (t->unfound && asked == 0);

	count("lists", unknown, (double)s->lists);
	count("weight", unknown, s->weight);
	count("operators", unknown, (double)s->operators);
	count("missing", unknown, (double)s->missing);
	if (s->tested == 0 || mute)
		check_show("unhealthy", s->tested == 0 ? (double)NAN : 100, "%");
	else
		check_value("unhealthy", 100.0 * (double)s->ill / (double)s->tested, "%");
	measure_time(t, "latency", 0);
	measure_time(t, "p50", 1);
	measure_time(t, "p95", 2);
	if (asked > 0 && mute)
		buf_str(&b, "what is on the lists is not known");
	else if (asked > 0)
		buf_fmt(&b, "%zu %s on %s of %zu %s%s%s", asked, PLURAL(asked, "address", "addresses"),
		    s->lists == 0 ? "none" : check_people((double)s->lists, ""), r->lists,
		    PLURAL(r->lists, "list", "lists"), s->names.n > 0 ? ": " : "",
		    s->names.n > 0 ? s->names.p : "");
	if (s->tested > 0)
		buf_fmt(&b, "%s%zu of %zu %s healthy", b.n > 0 ? "; " : "", s->tested - s->ill, s->tested,
		    PLURAL(s->tested, "list", "lists"));
	if (!isnan(slow))
		buf_fmt(&b, "%sslowest %s", b.n > 0 ? ", " : "", check_people(slow, "s"));
	check_words("lists", NULL, "%s", b.n > 0 ? b.p : "nothing was asked");
	if (s->ill > 0)
		check_words("unhealthy", NULL, "%zu of %zu %s unhealthy: %s", s->ill, s->tested,
		    PLURAL(s->tested, "list", "lists"), s->ills.p);
	if (s->missing > 0)
		check_words("missing", NULL, "missing on %zu allow %s", s->missing,
		    PLURAL(s->missing, "list", "lists"));
	buf_free(&b);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
json_number(struct buf *b, const char *name, double v)
{
	buf_fmt(b, ",\"%s\":", name);
	if (isnan(v))
		buf_str(b, "null");
	else
		quantity_plain(b, v, 6);
}

static void
json_texts(struct buf *b, const struct dnsbl_run *r, const struct dnsbl_list *l)
{
	const char *comma = "";

	buf_str(b, ",\"listed\":[");
	for (size_t i = 0; i < r->targets; i++) {
		struct dnsbl_found f;

		dnsbl_find(l, i, &f);
		if (!l->of[i].asked || f.verdict != DNSBL_IS_LISTED)
			continue;
		buf_fmt(b, "%s{\"address\":", comma);
		buf_json(b, slice_of(r->target[i].text));
		buf_str(b, ",\"codes\":");
		buf_json(b, slice_of(f.words));
		json_number(b, "weight", f.weight);
		buf_str(b, ",\"text\":");
		buf_json(b, slice_of(check_clean(slice_of(l->of[i].text != NULL ? l->of[i].text : ""))));
		buf_str(b, ",\"removal\":");
		buf_json(b, slice_of(l->row->removal));
		buf_char(b, '}');
		comma = ",";
	}
	buf_char(b, ']');
}

static void
json_list(struct buf *b, const struct dnsbl_tell *t, size_t index)
{
	const struct dnsbl_list *l = &t->run->list[index];
	enum dnsbl_verdict worst = DNSBL_CLEAN;
	struct buf a = buf_new(JSON_BYTES);
	bool any = false;

	for (size_t i = 0; i < t->run->targets; i++) {
		struct dnsbl_found f;

		if (!l->of[i].asked)
			continue;
		dnsbl_find(l, i, &f);
		worst = f.verdict > worst ? f.verdict : worst;
		buf_str(&a, any ? "," : "");
		buf_json(&a, slice_of(t->run->target[i].text));
		buf_fmt(&a, ":\"%s\"", dnsbl_verdict_name[f.verdict]);
		any = true;
	}
	buf_json(b, slice_of(l->zone));
	buf_fmt(b, ":{\"verdict\":\"%s\",\"health\":\"%s\",\"why\":", dnsbl_verdict_name[any ? worst :
	    DNSBL_NOT_KNOWN], dnsbl_health_name[l->health]);
	buf_json(b, slice_of(l->why));
	json_number(b, "latency", l->latency_s);
	json_number(b, "p50", t->past != NULL ? t->past[index].p50_s : (double)NAN);
	json_number(b, "p95", t->past != NULL ? t->past[index].p95_s : (double)NAN);
	buf_fmt(b, ",\"addresses\":{%s}", a.n > 0 ? a.p : "");
	json_texts(b, t->run, l);
	buf_char(b, '}');
	buf_free(&a);
}

static void
tell_json(const struct dnsbl_tell *t)
{
	struct buf b = buf_new(JSON_BYTES), one = buf_new(JSON_BYTES);
	size_t left_out = 0;

	if (!check_is_json())
		return;
	buf_char(&b, '{');
	for (size_t i = 0; i < t->run->lists; i++) {
		buf_clear(&one);
		buf_str(&one, b.n > 1 ? "," : "");
		json_list(&one, t, i);
		if (!one.full && b.n + one.n + 1 < JSON_BYTES)
			buf_add(&b, buf_slice(&one));
		else
			left_out++;
	}
	buf_char(&b, '}');
	if (left_out > 0)
		check_detail("%zu %s no room in the JSON: ask for fewer addresses at once", left_out,
		    PLURAL(left_out, "list has", "lists have"));
	check_extra("lists", buf_slice(&b));
	buf_clear(&b);
	buf_json(&b, slice_of(t->resolver));
	check_extra("resolver", buf_slice(&b));
	buf_free(&b);
	buf_free(&one);
}

void
dnsbl_tell(const struct dnsbl_tell *t)
{
	const struct dnsbl_run *r = t->run;
	bool *listed = xcalloc(r->lists + 1, sizeof *listed), mute = tell_resolver(t);
	struct sums s = { .names = buf_new(500), .ills = buf_new(500) };

	for (size_t i = 0; i < r->lists && !mute; i++) {
		size_t before = s.lists;

		tell_health(&r->list[i], &s);
		if (r->list[i].wanted)
			tell_allowed(t, &r->list[i], &s);
		else if ((r->list[i].kinds & DNSBL_ALLOW) == 0)
			tell_listed(t, &r->list[i], &s);
		tell_strange(r, &r->list[i]);
		listed[i] = s.lists > before;
	}
	s.operators = operators(r, listed);
	measure(t, &s, mute);
	for (size_t i = 0; i < r->lists; i++)
		tell_latency(&r->list[i], t->past != NULL ? &t->past[i] : NULL);
	tell_json(t);
}
