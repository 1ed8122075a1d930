/* reputation.c - see reputation.h. Networks are the choice of those who send: the hash is seeded. */
#include "reputation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "hash.h"
#include "mem.h"
#include "metric.h"
#include "reason.h"
#include "stateread_top.h"

#include "poison.h"

/* What is known of an hour of a host. */
struct hour {
	int64_t accepted;	/* recipients */
	int64_t listed;		/* of them, by network, condemned ones included */
	uint32_t floor, nowhere;
	bool saved, told;	/* any table of ours is there; one of accepted mail is */
};

/* Which network a text of the tables is: nearly all come again hour by hour. A keyed hash of 64 bits stands
 * for the text. */
enum { RECALL = 2048, LATER_BYTES = 256 << 10 };
#define NO_NETWORK UINT32_MAX
struct recall {
	uint64_t hash;
	uint32_t at;		/* index + 1 */
};

struct accepted {
	int host;
	int64_t hour;
	struct toplist_reader table;
};

struct reading {
	struct reputations *all;
	const struct reputation_rule *rule;
	struct stateread *r;
	struct hash_key key;
	struct hour *hour;	/* by place of the host, then hour */
	int *place;		/* by host id */
	int *id;		/* by place */
	int64_t *newest;	/* hour of the host's newest line */
	bool *tells;		/* the host has a table of accepted mail somewhere */
	int ids, places;
	int64_t hours;
	double *weight;		/* of each hour */
	struct recall *recall;
	struct accepted *later;		/* tables of accepted mail: they are looked at when all that is bad is known */
	size_t n_later;
	struct arena bytes;
	bool again;			/* they were too many: to be read again */
};

static double
score_of(const struct reputation_rule *rule, double bad, double good)
{
	double all = bad + rule->good_weight * good + rule->doubt;

	return all > 0 ? 100 * bad / all : 0;
}

/* The newest hour weighs 1. */
static double
weight(const struct reading *x, int64_t hour)
{
	return x->weight[hour - x->rule->from];
}

static struct hour *
hour_of(const struct reading *x, int host, int64_t hour)
{
	if (host < 0 || host >= x->ids || x->place[host] < 0 || hour < x->rule->from || hour >= x->rule->to)
		return NULL;
	return &x->hour[(int64_t)x->place[host] * x->hours + (hour - x->rule->from)];
}

/* --- networks ----------------------------------------------------------------------------- */

static uint32_t *
slot_of(const struct reading *x, const struct network *n)
{
	uint64_t h = hash_bytes(&x->key, (struct slice){ (const char *)n->a, sizeof n->a }) ^ n->family;
	const struct reputations *all = x->all;
	size_t i = h & all->mask;

	while (all->slot[i] != 0 && network_compare(&all->net[all->slot[i] - 1].net, n) != 0)
		i = (i + 1) & all->mask;
	return &all->slot[i];
}

static void
reindex(struct reading *x)
{
	struct reputations *all = x->all;

	free(all->slot);
	for (all->mask = 63; all->mask < all->cap * 2; )
		all->mask = all->mask * 2 + 1;
	all->slot = xcalloc(all->mask + 1, sizeof *all->slot);
	for (size_t i = 0; i < all->n; i++)
		*slot_of(x, &all->net[i].net) = (uint32_t)i + 1;
}

static int
by_bad(const void *a, const void *b)
{
	const struct reputation *x = a, *y = b;

	if (x->bad != y->bad)
		return x->bad < y->bad ? 1 : -1;
	return network_compare(&x->net, &y->net);
}

static struct reputation *
find_or_add(struct reading *x, const struct network *n)
{
	struct reputations *all = x->all;
	uint32_t *slot;

	if (all->n == all->cap) {
		if (all->n >= REPUTATION_MAX) {	/* bad that is not counted: the safe side */
			qsort(all->net, all->n, sizeof *all->net, by_bad);
			all->n /= 2;
			memset(x->recall, 0, RECALL * sizeof *x->recall);
		} else {
			all->cap = all->cap > 0 ? all->cap * 2 : 256;
			all->net = xreallocarray(all->net, all->cap, sizeof *all->net);
		}
		reindex(x);
	}
	slot = slot_of(x, n);
	if (*slot == 0) {
		all->net[all->n++] = (struct reputation){ .net = *n };
		*slot = (uint32_t)all->n;
	}
	return &all->net[*slot - 1];
}

static struct reputation *
find(struct reading *x, const struct network *n)
{
	uint32_t *slot = x->all->n > 0 ? slot_of(x, n) : NULL;

	return slot != NULL && *slot != 0 ? &x->all->net[*slot - 1] : NULL;
}

static bool
is_ours(const struct reputation_rule *rule, const struct network *n)
{
	for (size_t i = 0; i < rule->n_ours; i++)
		if (network_meet(&rule->ours[i], n))
			return true;
	return false;
}

/* Whose are taken together: then it is not known which networks of it fell out of a table. */
static bool
is_group(const struct network *n)
{
	return n->family == NETWORK_AS || (n->family == 6 && n->bits < 64);
}

/* As what a network of a table counts. */
static struct network
group_of(const struct reputation_rule *rule, const struct network *of)
{
	struct network n = *of;
	char name[ASN_NAME];
	uint32_t as = rule->by_as && rule->asn != NULL ? asn_of(rule->asn, of, name) : 0;

	if (as != 0) {
		n = (struct network){ .family = NETWORK_AS, .bits = 32 };
		for (int i = 0; i < 4; i++)
			n.a[i] = (unsigned char)(as >> (24 - 8 * i));
	} else if (rule->wide6 && n.family == 6) {
		network_widen(&n, 48);
	}
	return n;
}

/* --- what was refused ------------------------------------------------------------------------ */

static struct recall *
recall(const struct reading *x, struct slice text)
{
	uint64_t h = hash_bytes(&x->key, text);
	struct recall *c = &x->recall[h % RECALL];

	if (c->hash != h)
		*c = (struct recall){ h, 0 };
	return c;
}

/* What a network counts for, which may be new; NULL: it is ours. */
static struct reputation *
suspect(struct reading *x, const struct network *of)
{
	const struct reputation_rule *rule = x->rule;
	struct network n = group_of(rule, of);
	struct reputation *p = find(x, &n);

	if (p != NULL && !is_group(&p->net))
		return p;	/* it was seen before */
	if (is_ours(rule, of))
		return NULL;
	p = p != NULL ? p : find_or_add(x, &n);
	if (p->first.family == 0)
		p->first = *of;
	return p;
}

static void
note_bad(const struct reading *x, struct reputation *p, int host, int64_t hour, enum top_kind kind,
    uint32_t count)
{
	double bad = count * weight(x, hour);

	p->bad += bad;
	if (hour < x->rule->rise)
		p->bad_old += bad;
	if (kind == TOP_JUDGED) {
		p->judged += count;
		return;
	}
	p->refused += count;
	if (hour >= x->rule->rise)
		p->recent += count;
	if (count > p->sample.n) {
		p->sample.host = host;
		p->sample.hour = hour;
		p->sample.n = count;
	}
}

static bool
put_off(struct reading *x, int host, int64_t hour, const struct toplist_reader *table)
{
	x->again = x->again || x->bytes.used_bytes + table->rest.n > LATER_BYTES;
	if (x->again)
		return true;
	if (x->n_later % 64 == 0)
		x->later = xreallocarray(x->later, x->n_later + 64, sizeof *x->later);
	x->later[x->n_later] = (struct accepted){ host, hour, *table };
	x->later[x->n_later++].table.rest = arena_slice(&x->bytes, table->rest);
	return true;
}

static bool
take_bad(void *arg, int host, int64_t hour, enum top_kind kind, struct toplist_reader *table)
{
	struct reading *x = arg;
	struct hour *h = hour_of(x, host, hour);
	struct slice text;
	uint32_t n, error;

	if (h == NULL)
		return true;
	if (kind == TOP_ACCEPTED)
		return put_off(x, host, hour, table);
	h->saved = true;
	if (kind == TOP_JUDGED)
		x->tells[x->place[host]] = true;
	while (toplist_next(table, &text, &n, &error)) {
		struct recall *c = recall(x, text);
		struct reputation *p = c->at > 0 ? &x->all->net[c->at - 1] : NULL;
		struct network net;

		if (kind == TOP_JUDGED && !slice_eq(text, SLICE(STATEREAD_NOWHERE)))
			h->listed += n;
		if (n == 0 || (p == NULL && (!network_parse(text, &net) || (p = suspect(x, &net)) == NULL)))
			continue;
		c->at = (uint32_t)(p - x->all->net) + 1;
		note_bad(x, p, host, hour, kind, n);
	}
	return true;
}

/* --- what was accepted ------------------------------------------------------------------------- */

/* Recipients of which no table says where they came from. */
static int64_t
hidden(const struct hour *h)
{
	return h->accepted > h->listed ? h->accepted - h->listed : 0;
}

/* So many may have come from a network that is not in the table; group: from all such networks of one.
 * Of a table that lost nothing the rest of the count is known better than its own error: it may be from before
 * an accident, or from an older release. But a host's newest hour is counted each second and its tables once a
 * minute: there the table is asked alone. */
static int64_t
at_most(const struct reading *x, int place, int64_t hour, const struct hour *h, bool group)
{
	int64_t one = (int64_t)h->floor + h->nowhere;
	bool newest = hour >= x->newest[place];

	if (newest && !h->told)
		return h->saved && !x->tells[place] ? hidden(h) : 0;
	if (h->floor == 0)
		return newest ? one : hidden(h);
	if (group)
		return hidden(h) > one ? hidden(h) : one;
	return !newest && hidden(h) < one ? hidden(h) : one;
}

static void
sum_table(struct hour *h, struct toplist_reader table)
{
	struct slice text;
	uint32_t n, error;

	h->told = true;
	h->floor = table.floor;
	while (toplist_next(&table, &text, &n, &error)) {
		if (slice_eq(text, SLICE(STATEREAD_NOWHERE)))
			h->nowhere = n + error;
		else
			h->listed += n;
	}
}

static void
note_good(struct reading *x, struct hour *h, int place, int64_t hour, struct reputation *p, uint32_t n,
    uint32_t error)
{
	bool group = is_group(&p->net);
	int64_t absent = at_most(x, place, hour, h, group);
	int64_t slack = h->floor == 0 ? absent : (int64_t)error + h->nowhere;
	int64_t more = group ? n : n + slack - absent;	/* absent is added for all networks */

	p->accepted += n;
	p->accepted_most += more;
	p->good += (double)more * weight(x, hour);
	if (hour < x->rule->rise)
		p->good_old += (double)more * weight(x, hour);
}

/* Its index + 1, where it is one that was refused. */
static uint32_t
find_text(struct reading *x, struct slice text)
{
	const struct reputation *p;
	struct network n;

	if (!network_parse(text, &n))
		return NO_NETWORK;
	n = group_of(x->rule, &n);
	return (p = find(x, &n)) != NULL ? (uint32_t)(p - x->all->net) + 1 : NO_NETWORK;
}

static bool
take_good(void *arg, int host, int64_t hour, enum top_kind kind, struct toplist_reader *table)
{
	struct reading *x = arg;
	struct hour *h = hour_of(x, host, hour);
	struct slice text;
	uint32_t n, error;

	(void)kind;
	if (h == NULL)
		return true;
	h->saved = x->tells[x->place[host]] = true;
	sum_table(h, *table);
	while (toplist_next(table, &text, &n, &error)) {
		struct recall *c = recall(x, text);

		if (c->at == 0)
			c->at = find_text(x, text);
		if (c->at != NO_NETWORK)
			note_good(x, h, x->place[host], hour, &x->all->net[c->at - 1], n, error);
	}
	return true;
}

/* What may have come from any network that is in none of the tables. */
static void
add_absent(struct reading *x)
{
	struct { double now, old; int64_t n; } base[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	struct reputations *all = x->all;

	for (int place = 0; place < x->places; place++)
		for (int64_t i = 0; i < x->hours; i++) {
			const struct hour *h = &x->hour[place * x->hours + i];
			int64_t hour = x->rule->from + i;

			if (!h->told && at_most(x, place, hour, h, true) > 0)
				all->unknown_hours++;
			for (int group = 0; group < 2; group++) {
				int64_t most = at_most(x, place, hour, h, group == 1);
				double w = (double)most * weight(x, hour);

				base[group].now += w;
				base[group].old += hour < x->rule->rise ? w : 0;
				base[group].n += most;
			}
		}
	for (size_t i = 0; i < all->n; i++) {
		struct reputation *p = &all->net[i];
		int group = is_group(&p->net);

		p->good += base[group].now;
		p->good_old += base[group].old;
		p->accepted_most += base[group].n;
	}
}

/* --- all together --------------------------------------------------------------------------- */

int64_t
reputation_blamed(const struct cell *c)
{
	int64_t n = cell_get(c, M_rej) + cell_get(c, M_tmp);

	for (int r = 1; r < REASON_N; r++) {
		if (!reason_blames((enum reason)r, false))
			n -= cell_get(c, (uint32_t)metric_rej[r]);
		if (!reason_blames((enum reason)r, true))
			n -= cell_get(c, (uint32_t)metric_tmp[r]);
	}
	return n;
}

static bool
take_cell(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct reading *x = arg;
	int64_t hour = minute / 60, n = reputation_blamed(c);
	struct hour *h = hour_of(x, host, hour);

	if (h == NULL)
		return true;
	h->accepted += cell_get(c, M_recv_rcpt);
	x->all->refused += n > 0 ? (uint64_t)n : 0;	/* corrections on their way can leave it below zero */
	if (hour >= x->rule->rise)
		x->all->recent += n > 0 ? (uint64_t)n : 0;
	return true;
}

static int
by_score(const void *a, const void *b)
{
	const struct reputation *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return by_bad(a, b);
}

static void
judge(struct reputations *all, const struct reputation_rule *rule)
{
	/* as of rise each hour weighed more */
	double then = exp2((double)(rule->to - rule->rise) / rule->half_life_h);

	for (size_t i = 0; i < all->n; i++) {
		struct reputation *p = &all->net[i];

		p->good = p->good > 0 ? p->good : 0;
		p->good_old = p->good_old > 0 ? p->good_old : 0;
		p->score = score_of(rule, p->bad, p->good);
		p->before = score_of(rule, p->bad_old * then, p->good_old * then);
	}
	if (all->n > 1)
		qsort(all->net, all->n, sizeof *all->net, by_score);
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
find_spread(struct reputations *all)
{
	uint64_t *recent = xcalloc(all->n + 1, sizeof *recent), sum = 0;
	size_t n = 0;	/* networks that something was refused to */

	for (size_t i = 0; i < all->n; i++) {
		if (all->net[i].recent > all->loudest.recent)
			all->loudest = all->net[i];
		recent[n] = all->net[i].recent;
		n += recent[n] > 0;
	}
	qsort(recent, n, sizeof *recent, by_number);
	while (all->spread < n && sum * 2 < all->recent)
		sum += recent[all->spread++];
	all->more = sum * 2 < all->recent;
	free(recent);
}

static bool
prepare(struct reading *x, int host, struct err *e)
{
	const struct stateread_host *hosts;
	size_t n;

	if (!stateread_hosts(x->r, &hosts, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (hosts[i].id >= x->ids)
			x->ids = hosts[i].id + 1;
	x->place = xcalloc((size_t)x->ids + 1, sizeof *x->place);
	x->newest = xcalloc(n + 1, sizeof *x->newest);
	x->tells = xcalloc(n + 1, sizeof *x->tells);
	for (int i = 0; i < x->ids; i++)
		x->place[i] = -1;
	for (size_t i = 0; i < n; i++) {
		if (host != STATEREAD_FARM && hosts[i].id != host)
			continue;
		x->newest[x->places] = hosts[i].newest / 3600;
		x->place[hosts[i].id] = x->places++;
	}
	x->hours = x->rule->to - x->rule->from;
	x->weight = xcalloc((size_t)x->hours + 1, sizeof *x->weight);
	for (int64_t i = 0; i < x->hours; i++)
		x->weight[i] = exp2(-(double)(x->hours - 1 - i) / x->rule->half_life_h);
	x->recall = xcalloc(RECALL, sizeof *x->recall);
	x->hour = xcalloc((size_t)x->places * (size_t)x->hours + 1, sizeof *x->hour);
	return true;
}

static bool
read_tables(struct reading *x, int host, struct err *e)
{
	const struct reputation_rule *rule = x->rule;
	bool good = stateread_tables(x->r, host, rule->from, rule->to,
	    1U << TOP_CLIENT | 1U << TOP_JUDGED | 1U << TOP_ACCEPTED, take_bad, x, e);

	if (good && x->again)
		good = stateread_tables(x->r, host, rule->from, rule->to, 1U << TOP_ACCEPTED, take_good, x, e);
	for (size_t i = 0; good && !x->again && i < x->n_later; i++)
		(void)take_good(x, x->later[i].host, x->later[i].hour, TOP_ACCEPTED, &x->later[i].table);
	return good;
}

bool
reputation_read(struct reputations *all, struct stateread *r, int host, const struct reputation_rule *rule,
    struct err *e)
{
	struct reading x = { .all = all, .rule = rule, .r = r, .key = hash_key_random() };
	bool good;

	*all = (struct reputations){ .n = 0 };
	stateread_only_metrics(r, true);
	good = prepare(&x, host, e) &&
	    stateread_parts(r, host, rule->from * 60, rule->to * 60, take_cell, &x, e) &&
	    read_tables(&x, host, e);
	stateread_only_metrics(r, false);
	if (good) {
		add_absent(&x);
		judge(all, rule);
		find_spread(all);
	}
	free(x.place);
	free(x.newest);
	free(x.tells);
	free(x.hour);
	free(x.weight);
	free(x.recall);
	free(x.later);
	arena_free(&x.bytes);
	free(all->slot);
	all->slot = NULL;
	return good;
}

void
reputation_free(struct reputations *all)
{
	free(all->net);
	all->net = NULL;
	all->n = 0;
}

uint32_t
reputation_as(const struct reputation_rule *rule, const struct reputation *p, char name[ASN_NAME])
{
	name[0] = '\0';
	return rule->asn != NULL ? asn_of(rule->asn, &p->first, name) : 0;
}

void
reputation_print(struct buf *b, const struct network *n)
{
	if (n->family == NETWORK_AS)
		buf_fmt(b, "AS%u", (unsigned)n->a[0] << 24 | (unsigned)n->a[1] << 16 |
		    (unsigned)n->a[2] << 8 | n->a[3]);
	else
		network_print(b, n);
}
