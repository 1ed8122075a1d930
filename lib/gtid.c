/* gtid.c - see gtid.h. Sets are compared interval by interval: the square of some thousand. */
#include "gtid.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "poison.h"

/* Where one is in a set; all zeros at the start. */
struct gtids {
	struct slice rest, one;
	struct slice uuid, tag;
	uint64_t from, to;
	bool begun;
};

static bool
take_interval(struct slice s, struct gtids *g)
{
	if (!slice_u64(&s, &g->from))
		return false;
	g->to = g->from;
	return s.n == 0 || (slice_eat_char(&s, '-') && slice_u64(&s, &g->to) && s.n == 0 && g->to >= g->from);
}

static bool
next_part(struct slice *s, char sep, struct slice *part)
{
	if (!slice_next(s, sep, part))
		return false;
	while (part->n > 0 && part->p[0] == '\n')	/* the server breaks lines */
		*part = slice_from(*part, 1);
	*part = slice_trim(*part);
	return true;
}

/* The next interval; what is neither interval nor tag is passed over. */
static bool
next_interval(struct gtids *g, struct slice set)
{
	struct slice part;

	if (!g->begun)
		g->rest = set;
	g->begun = true;
	for (;;) {
		while (next_part(&g->one, ':', &part)) {
			if (take_interval(part, g))
				return true;
			g->tag = part;
		}
		if (!next_part(&g->rest, ',', &g->one))
			return false;
		g->tag = SLICE("");
		if (!next_part(&g->one, ':', &g->uuid))
			g->uuid = SLICE("");
	}
}

double
gtid_lacks(struct slice has, struct slice set, struct slice only)
{
	struct gtids g = { .begun = false }, h;
	double n = 0;

	if (has.n >= GTID_BYTES || set.n >= GTID_BYTES)
		return (double)NAN;
	while (next_interval(&g, set)) {
		if (only.n > 0 && !slice_eq_nocase(only, g.uuid))
			continue;
		n += (double)(g.to - g.from) + 1;
		h = (struct gtids){ .begun = false };
		while (next_interval(&h, has)) {
			uint64_t from = h.from > g.from ? h.from : g.from, to = h.to < g.to ? h.to : g.to;

			if (slice_eq_nocase(g.uuid, h.uuid) && slice_eq_nocase(g.tag, h.tag) && from <= to)
				n -= (double)(to - from) + 1;
		}
	}
	return n > 0 ? n : 0;	/* no server's intervals overlap, but who knows */
}

static bool
take_gtid(struct slice *s, uint64_t *domain, uint64_t *seq)
{
	uint64_t server;

	while (s->n > 0 && (s->p[0] == ',' || s->p[0] == ' ' || s->p[0] == '\n'))
		*s = slice_from(*s, 1);
	return slice_u64(s, domain) && slice_eat_char(s, '-') && slice_u64(s, &server) &&
	    slice_eat_char(s, '-') && slice_u64(s, seq);
}

double
gtid_gap(struct slice from, struct slice to)
{
	uint64_t domain, seq, other, has;
	double gap = 0;

	from = slice_trim(from);
	to = slice_trim(to);
	if (from.n == 0)
		return (double)NAN;
	while (from.n > 0) {
		struct slice s = to;
		uint64_t reached = 0;

		if (!take_gtid(&from, &domain, &seq))
			return (double)NAN;
		while (s.n > 0) {
			if (!take_gtid(&s, &other, &has))
				return (double)NAN;
			if (other == domain && has > reached)
				reached = has;
		}
		gap += seq > reached ? (double)(seq - reached) : 0;
	}
	return gap;
}
