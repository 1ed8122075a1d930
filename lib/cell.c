/* cell.c - see cell.h.
 *
 * Encoded: varint number of pairs, then for each the distance of its key from
 * the one before and its count, zigzag. A minute takes some 60 bytes. */
#include "cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum { CELL_PAIRS_MAX = 65536 };

/* A larger number is damage: sums over years must not overflow. */
#define LARGEST ((int64_t)1 << 52)

void
cell_free(struct cell *c)
{
	free(c->pair);
	*c = (struct cell){ 0 };
}

void
cell_clear(struct cell *c)
{
	c->n = 0;
}

/* Where key is, or would have to be put. */
static uint32_t
place(const struct cell *c, uint32_t key)
{
	uint32_t lo = 0, hi = key < c->n ? key : c->n;	/* none comes twice: key has at most key before it */

	if (c->n > 0 && c->pair[c->n - 1].key < key)
		return c->n;	/* the usual case: keys come in order */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->pair[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
cell_add(struct cell *c, uint32_t key, int64_t n)
{
	uint32_t i = place(c, key);

	if (n == 0)
		return;
	if (i < c->n && c->pair[i].key == key) {
		c->pair[i].n += n;
		if (c->pair[i].n == 0) {
			memmove(c->pair + i, c->pair + i + 1, (c->n - i - 1) * sizeof *c->pair);
			c->n--;
		}
		return;
	}
	if (c->n == c->cap) {
		c->cap = c->cap > 0 ? c->cap * 2 : 32;
		c->pair = xreallocarray(c->pair, c->cap, sizeof *c->pair);
	}
	memmove(c->pair + i + 1, c->pair + i, (c->n - i) * sizeof *c->pair);
	c->pair[i] = (struct cell_pair){ key, n };
	c->n++;
}

int64_t
cell_get(const struct cell *c, uint32_t key)
{
	uint32_t i = place(c, key);

	return i < c->n && c->pair[i].key == key ? c->pair[i].n : 0;
}

static void
reserve(struct cell *c, uint32_t n)
{
	if (n <= c->cap)
		return;
	c->cap = n > c->cap * 2 ? n : c->cap * 2;
	c->pair = xreallocarray(c->pair, c->cap, sizeof *c->pair);
}

/* Add what sum has the keys of; how many it has not. */
static uint32_t
add_known(struct cell *sum, const struct cell *c, int64_t times, bool *zeros)
{
	struct cell_pair *a = sum->pair, *end = sum->n > 0 ? a + sum->n : a;
	uint32_t missing = 0;

	for (const struct cell_pair *b = c->pair, *last = b + c->n; b < last; b++) {
		uint32_t key = b->key;

		while (a < end && a->key < key)
			a++;
		if (a == end || a->key != key) {
			missing++;
			continue;
		}
		a->n += b->n * times;
		*zeros |= a->n == 0;
	}
	return missing;
}

/* The others, from the last on, since they are put between those that are there. */
static void
put_missing(struct cell *sum, const struct cell *c, int64_t times, uint32_t missing)
{
	uint32_t i = sum->n, k = c->n, to = sum->n + missing;

	reserve(sum, to);
	sum->n = to;
	while (to > i) {
		if (i == 0 || sum->pair[i - 1].key < c->pair[k - 1].key) {
			k--;
			sum->pair[--to] = (struct cell_pair){ c->pair[k].key, c->pair[k].n * times };
			continue;
		}
		k -= sum->pair[i - 1].key == c->pair[k - 1].key;
		sum->pair[--to] = sum->pair[--i];
	}
}

static void
drop_zeros(struct cell *c)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].n != 0)
			c->pair[left++] = c->pair[i];
	c->n = left;
}

void
cell_merge_times(struct cell *sum, const struct cell *c, int64_t times)
{
	bool zeros = false;
	uint32_t missing;

	if (c->n == 0 || times == 0)
		return;
	missing = add_known(sum, c, times, &zeros);
	if (missing > 0)
		put_missing(sum, c, times, missing);
	if (zeros)
		drop_zeros(sum);
}

void
cell_merge(struct cell *sum, const struct cell *c)
{
	if (sum->n == 0 && c->n > 0) {
		reserve(sum, c->n);
		memcpy(sum->pair, c->pair, c->n * sizeof *c->pair);
		sum->n = c->n;
		return;
	}
	cell_merge_times(sum, c, 1);
}

static inline void
sum_one(struct cell_sum *s, uint32_t key, int64_t n)
{
	int64_t **page = &s->page[key / CELL_SUM_KEYS % CELL_SUM_PAGES];

	if (key >= 2 * CELL_HOP) {
		cell_add(&s->rest, key, n);
		return;
	}
	if (*page == NULL)
		*page = xcalloc(CELL_SUM_KEYS, sizeof **page);
	(*page)[key % CELL_SUM_KEYS] += n;
}

void
cell_sum_add(struct cell_sum *s, const struct cell *c)
{
	for (const struct cell_pair *p = c->pair, *end = p + c->n; c->n > 0 && p < end; p++)
		sum_one(s, p->key, p->n);
}

void
cell_sum_end(struct cell_sum *s, struct cell *sum)
{
	struct cell all = { 0 };

	for (uint32_t i = 0; i < CELL_SUM_PAGES; i++) {
		if (s->page[i] == NULL)
			continue;
		reserve(&all, all.n + CELL_SUM_KEYS);
		for (uint32_t k = 0; k < CELL_SUM_KEYS; k++)
			if (s->page[i][k] != 0)
				all.pair[all.n++] = (struct cell_pair){ i * CELL_SUM_KEYS + k, s->page[i][k] };
		free(s->page[i]);
		s->page[i] = NULL;
	}
	cell_merge(sum, &all);
	cell_merge(sum, &s->rest);
	cell_free(&all);
	cell_free(&s->rest);
}

double
cell_gauge(const struct cell *c, enum metric m)
{
	int64_t n = cell_get(c, CELL_METRIC + (uint32_t)metric_samples(m));

	return n > 0 ? (double)cell_get(c, CELL_METRIC + (uint32_t)m) / (double)n : (double)NAN;
}

static void
set(struct cell *c, uint32_t key, int64_t n)
{
	cell_add(c, key, n - cell_get(c, key));
}

/* The sum's gauges stand for one sample each: the hosts' means, added up. */
static void
join_gauge(struct cell *sum, double before, const struct cell *c, enum metric m)
{
	double more = cell_gauge(c, m), both = before + more;

	if (isnan(more) || isnan(before))
		both = isnan(more) ? before : more;
	else if (metric_greatest(m))
		both = before > more ? before : more;
	if (!isnan(both))
		set(sum, CELL_METRIC + (uint32_t)m, llround(both));
}

void
cell_join(struct cell *sum, const struct cell *c)
{
	static const enum metric samples[] = { M_q_samples, M_q_age_samples, M_q_size_samples };
	double before[METRIC_GAUGE_LAST - METRIC_GAUGE_FIRST + 1];

	if (cell_get(c, CELL_METRIC + M_q_samples) == 0) {
		cell_merge(sum, c);
		return;
	}
	for (int m = METRIC_GAUGE_FIRST; m <= METRIC_GAUGE_LAST; m++)
		before[m - METRIC_GAUGE_FIRST] = cell_gauge(sum, (enum metric)m);
	cell_merge(sum, c);
	for (int m = METRIC_GAUGE_FIRST; m <= METRIC_GAUGE_LAST; m++)
		join_gauge(sum, before[m - METRIC_GAUGE_FIRST], c, (enum metric)m);
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		if (cell_get(sum, CELL_METRIC + (uint32_t)samples[i]) > 0)
			set(sum, CELL_METRIC + (uint32_t)samples[i], 1);
}

void
cell_whose(struct cell *c, bool farm)
{
	while (c->n > 0 && c->pair[c->n - 1].key >= CELL_HOP) {
		struct cell_pair hop = c->pair[--c->n];

		if (farm)
			cell_add(c, hop.key - CELL_HOP, -hop.n);
	}
}

void
cell_encode(struct buf *b, const struct cell *c)
{
	uint32_t before = 0;

	buf_varint(b, c->n);
	for (uint32_t i = 0; i < c->n; i++) {
		buf_varint(b, c->pair[i].key - before);
		buf_zigzag(b, c->pair[i].n);
		before = c->pair[i].key;
	}
}

/* An encoded cell, pair by pair. */
struct pairs {
	const unsigned char *p, *end;
	uint64_t left, key, below;	/* the first key that is not wanted */
	bool any, damaged;
};

static bool
pairs_begin(struct pairs *r, struct slice s, uint64_t below)
{
	*r = (struct pairs){ .end = (const unsigned char *)s.p + s.n, .below = below };
	if (below > UINT32_MAX)
		r->below = (uint64_t)UINT32_MAX + 1;
	r->p = varint_get((const unsigned char *)s.p, r->end, &r->left);
	r->damaged = r->p == NULL || r->left > CELL_PAIRS_MAX || r->left * 2 > s.n;
	return !r->damaged;
}

/* One that takes more than three bytes, is the last, or damaged. */
static inline __attribute__((always_inline)) bool
pairs_next_long(struct pairs *r, int64_t *count)
{
	uint64_t step = 0, v = 0;

	r->damaged = (r->p = varint_get(r->p, r->end, &step)) == NULL ||
	    (r->p = varint_get(r->p, r->end, &v)) == NULL || step > UINT32_MAX || (step == 0 && r->any);
	r->key += step;
	*count = zigzag_back(v);
	r->damaged |= *count > LARGEST || *count < -LARGEST;
	return !r->damaged;
}

/* The next one's key and count, which may be 0. False at the end, which damage makes too. */
static inline __attribute__((always_inline)) bool
pairs_next(struct pairs *r, uint32_t *key, int64_t *count)
{
	if (r->left == 0) {
		r->damaged = r->p != r->end;
		return false;
	}
	r->left--;
	if (r->end - r->p >= 3 && r->p[0] < 0x80 && r->p[0] > 0 && (r->p[1] & r->p[2]) < 0x80) {	/* nearly all */
		bool two = r->p[1] >= 0x80;

		r->key += r->p[0];
		*count = zigzag_back(two ? (r->p[1] & 0x7fU) | (uint64_t)r->p[2] << 7 : r->p[1]);
		r->p += two ? 3 : 2;
	} else if (!pairs_next_long(r, count)) {
		return false;
	}
	r->any = true;
	*key = (uint32_t)r->key;
	if (r->key < r->below)
		return true;
	r->damaged = r->key > UINT32_MAX;
	return false;
}

bool
cell_decode_below(struct slice s, uint64_t below, struct cell *c)
{
	struct pairs r;
	struct cell_pair *to;
	uint32_t key;
	int64_t count;

	cell_clear(c);
	if (!pairs_begin(&r, s, below))
		return false;
	reserve(c, (uint32_t)r.left);
	to = c->pair;
	while (pairs_next(&r, &key, &count))
		if (count != 0)
			*to++ = (struct cell_pair){ key, count };
	c->n = to != NULL ? (uint32_t)(to - c->pair) : 0;
	return !r.damaged;
}

bool
cell_sum_blob(struct cell_sum *sum, struct slice s, uint64_t below)
{
	struct pairs r;
	uint32_t key;
	int64_t count;

	if (!pairs_begin(&r, s, below))
		return false;
	while (pairs_next(&r, &key, &count))
		sum_one(sum, key, count);
	return !r.damaged;
}

bool
cell_decode(struct slice s, struct cell *c)
{
	return cell_decode_below(s, UINT64_MAX, c);
}

double
cell_list_share(const struct cell *c, enum cell_fact of, enum cell_fact by, uint32_t word)
{
	int64_t whole = word < CELL_LISTS ? cell_get(c, cell_list(by, word)) : 0;

	return whole > 0 ? (double)cell_get(c, cell_list(of, word)) / (double)whole : (double)NAN;
}

double
cell_quantile(const struct cell *c, uint32_t base, double q)
{
	uint32_t from = place(c, base), to = place(c, base + HIST_N);
	int64_t total = 0, seen = 0, rank;

	for (uint32_t i = from; i < to; i++)
		total += c->pair[i].n;
	if (total <= 0)
		return NAN;
	rank = (int64_t)(q * (double)total);
	for (uint32_t i = from; i < to && rank < total; i++) {
		seen += c->pair[i].n;
		if (seen > rank)
			return hist_value(c->pair[i].key - base);
	}
	while (to > from && c->pair[to - 1].n <= 0)
		to--;
	return to > from ? hist_value(c->pair[to - 1].key - base) : (double)NAN;
}

void
cell_hist(const struct cell *c, uint32_t base, struct hist *h)
{
	*h = (struct hist){ { 0 } };
	for (uint32_t i = place(c, base); i < c->n && c->pair[i].key < base + HIST_N; i++)
		h->n[c->pair[i].key - base] = (int32_t)c->pair[i].n;
}

void
cell_hist_part(const struct cell *c, unsigned part, struct hist *h)
{
	struct hist all;

	cell_hist(c, CELL_DELAY_PARTS, &all);
	hist_part(&all, part, h);
}
