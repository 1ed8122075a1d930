/* reputation_kept.c - see reputation_kept.h.
 *
 * Encoded: the rule's hours, when the newest line was, totals, and the networks, the loudest last. Numbers are
 * varints; of a double, of its 64 bits. */
#include "reputation_kept.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "stateread_top.h"

#include "poison.h"

enum { VERSION = 1 };

void
reputation_house(struct netlist *l)
{
	static const char *const house[] = { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
		"127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10", "::1" };

	for (size_t i = 0; i < sizeof house / sizeof *house; i++)
		(void)netlist_add(l, slice_of(house[i]));
}

/* The usual rule, for an answer as of that time. ours is the caller's. */
static struct reputation_rule
usual_rule(int64_t as_of, const struct netlist *ours)
{
	int64_t to = (as_of + 3599) / 3600;

	return (struct reputation_rule){ .half_life_h = USUAL_HALF_LIFE_H, .good_weight = USUAL_GOOD_WEIGHT,
		.doubt = USUAL_DOUBT, .ours = ours->net, .n_ours = ours->n, .from = to - USUAL_WINDOW_H,
		.rise = to - USUAL_RISE_H - 1, .to = to };
}

static bool
same_rule(const struct reputation_rule *a, const struct reputation_rule *b)
{
	return a->half_life_h == b->half_life_h && a->good_weight == b->good_weight && a->doubt == b->doubt &&
	    a->wide6 == b->wide6 && a->by_as == b->by_as && a->from == b->from && a->rise == b->rise &&
	    a->to == b->to;
}

static bool
newest_line(struct stateread *r, int64_t *newest, struct err *e)
{
	const struct stateread_host *hosts;
	size_t n;

	if (!stateread_hosts(r, &hosts, &n, e))
		return false;
	*newest = stateread_newest(hosts, n, STATEREAD_FARM);
	return true;
}

/* --- writing --------------------------------------------------------------------------------- */

static void
put_network(struct buf *b, const struct reputation *p)
{
	buf_varint(b, p->net.family);
	buf_varint(b, p->net.bits);
	buf_add(b, (struct slice){ (const char *)p->net.a, p->net.family == 4 ? 4 : 16 });
	buf_double(b, p->score);
	buf_double(b, p->before);
	buf_double(b, p->bad);
	buf_double(b, p->good);
	buf_varint(b, p->refused);
	buf_varint(b, p->judged);
	buf_varint(b, p->accepted);
	buf_zigzag(b, p->accepted_most);
	buf_varint(b, p->recent);
	buf_varint(b, p->sample.n);
	buf_zigzag(b, p->sample.host);
	buf_zigzag(b, p->sample.hour);
}

bool
reputation_keep(struct buf *b, struct stateread *r, struct err *e)
{
	struct netlist house = { 0 };
	struct reputation_rule rule;
	struct reputations all;
	int64_t newest;
	size_t n = 0;

	if (!newest_line(r, &newest, e))
		return false;
	reputation_house(&house);
	rule = usual_rule(newest, &house);
	if (!reputation_read(&all, r, STATEREAD_FARM, &rule, e)) {
		free(house.net);
		return false;
	}
	while (n < all.n && (n < KEPT_WORST || all.net[n].score >= USUAL_BAD))
		n++;
	if (n <= KEPT_MOST) {
		buf_varint(b, VERSION);
		buf_zigzag(b, newest);
		buf_varint(b, all.refused);
		buf_varint(b, all.recent);
		buf_zigzag(b, all.unknown_hours);
		buf_varint(b, all.spread);
		buf_varint(b, all.more);
		buf_varint(b, all.n);
		buf_varint(b, n);
		for (size_t i = 0; i < n; i++)
			put_network(b, &all.net[i]);
		if (n > 0)
			put_network(b, &all.loudest);
	}
	free(house.net);
	reputation_free(&all);
	return true;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool
take_network(struct slice *s, struct reputation *p)
{
	uint64_t family, bits;
	int64_t host;
	size_t n;

	*p = (struct reputation){ .score = 0 };
	if (!slice_varint(s, &family) || !slice_varint(s, &bits) || (family != 4 && family != 6))
		return false;
	n = family == 4 ? 4 : 16;
	if (bits > n * 8 || s->n < n)
		return false;
	p->net.family = (uint8_t)family;
	p->net.bits = (uint8_t)bits;
	memcpy(p->net.a, s->p, n);
	*s = slice_from(*s, n);
	p->first = p->net;
	if (!slice_double(s, &p->score) || !slice_double(s, &p->before) || !slice_double(s, &p->bad) ||
	    !slice_double(s, &p->good) || !slice_varint(s, &p->refused) || !slice_varint(s, &p->judged) ||
	    !slice_varint(s, &p->accepted) || !slice_zigzag(s, &p->accepted_most) || !slice_varint(s, &p->recent) ||
	    !slice_varint(s, &p->sample.n) || !slice_zigzag(s, &host) || !slice_zigzag(s, &p->sample.hour))
		return false;
	p->sample.host = (int)host;
	return true;
}

static bool
decode(struct reputations *all, struct slice s, int64_t *newest, uint64_t *known)
{
	uint64_t version, spread, more, kept;

	if (!slice_varint(&s, &version) || version != VERSION || !slice_zigzag(&s, newest) ||
	    !slice_varint(&s, &all->refused) || !slice_varint(&s, &all->recent) ||
	    !slice_zigzag(&s, &all->unknown_hours) || !slice_varint(&s, &spread) || !slice_varint(&s, &more) ||
	    !slice_varint(&s, known) || !slice_varint(&s, &kept) || kept > KEPT_MOST)
		return false;
	all->spread = (size_t)spread;
	all->more = more != 0;
	all->net = xcalloc(kept + 1, sizeof *all->net);
	while (all->n < kept)
		if (!take_network(&s, &all->net[all->n++]))
			return false;
	return kept == 0 || take_network(&s, &all->loudest);
}

bool
reputation_kept(struct reputations *all, struct stateread *r, const struct reputation_rule *rule, double bad_score)
{
	struct netlist ours = { .n = 0 };
	struct buf b = buf_new(1 << 20);
	struct reputation_rule usual;
	int64_t newest, then = 0;
	uint64_t known = 0;
	bool good;

	*all = (struct reputations){ .n = 0 };
	good = newest_line(r, &newest, NULL) && stateread_kept(r, TOP_REPUTATION, &b) &&
	    decode(all, buf_slice(&b), &then, &known);
	buf_free(&b);
	usual = usual_rule(then, &ours);
	if (good && same_rule(rule, &usual) && newest - then <= KEPT_AGE_S &&
	    (all->n == known || all->net[all->n - 1].score < bad_score))
		return true;
	reputation_free(all);
	return false;
}
