/* tally.c - see tally.h.
 *
 * A cell here is dense, since a busy minute touches dozens of metrics per second;
 * some 2 KB each, 3 KB where there are delays. Whoever drives this commits before
 * there are too many of them (ingest.c). */
#include "flow/tally.h"

#include <stdlib.h>
#include <string.h>

#include "flow/accounts.h"
#include "flow/lost.h"
#include "flow/origin.h"
#include "flow/places.h"
#include "hash.h"
#include "mem.h"

#include "poison.h"

enum { WORD_TEXT_MAX = 100, PROGRAM_TEXT_MAX = 63 };

struct extra {			/* what is counted of a word */
	uint32_t key;
	int64_t n;
};

struct tcell {
	uint64_t at;		/* host and minute */
	int64_t v[METRIC_N];
	int64_t *hop;		/* as v, of hops; NULL until used */
	int32_t *hist[6];	/* delay, total, parts, and the same of hops; NULL until used */
	struct extra *extra;
	uint32_t extras, extras_cap;
};

struct thour {			/* the programs of a host in one hour */
	uint64_t at;		/* host and hour */
	uint32_t lines[PROGRAMS_MAX], unknown[PROGRAMS_MAX];
};

struct tally {
	struct hash_key key;
	struct places cells, hours;	/* struct tcell, struct thour */
	struct slice program[PROGRAMS_MAX];
	size_t programs;
	struct slice word[WORDS_MAX];
	size_t words;
	uint64_t left_out;	/* what is known of lists, and has no room */
	struct arena word_text;
	struct cell out;
	struct lost *lost;
	struct accounts *accounts;
	bool want_stays;	/* and nothing else */
	struct stay *stay;
	size_t stays, stays_cap;
	struct origins *origins;
};

struct tally *
tally_new(const struct hash_key *key)
{
	struct tally *t = xcalloc(1, sizeof *t);

	t->key = hash_key_random();
	t->lost = lost_new();
	t->accounts = accounts_new(key != NULL ? key : &t->key);
	t->origins = origins_new();
	places_init(&t->cells);
	places_init(&t->hours);
	return t;
}

static void
cells_drop(struct tally *t)
{
	for (size_t i = 0; i < t->cells.n; i++) {
		struct tcell *c = (struct tcell *)t->cells.item[i];

		for (int k = 0; k < 6; k++)
			free(c->hist[k]);
		free(c->hop);
		free(c->extra);
		free(c);
	}
	for (size_t i = 0; i < t->hours.n; i++)
		free(t->hours.item[i]);
}

void
tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	cells_drop(t);
	places_free(&t->cells);
	places_free(&t->hours);
	arena_free(&t->word_text);
	cell_free(&t->out);
	lost_free(t->lost);
	accounts_free(t->accounts);
	free(t->stay);
	origins_free(t->origins);
	free(t);
}

static inline struct tcell *
cell_at(struct tally *t, unsigned host, int64_t minute)
{
	return places_get(&t->cells, place_of(host, minute), sizeof(struct tcell));
}

void
tally_add(struct tally *t, unsigned host, int64_t minute, enum metric m, int64_t n)
{
	if (!t->want_stays)
		cell_at(t, host, minute)->v[m] += n;
}

void
tally_hop(struct tally *t, unsigned host, int64_t minute, enum metric m, int64_t n)
{
	struct tcell *c;

	if (t->want_stays)
		return;
	c = cell_at(t, host, minute);
	if (c->hop == NULL)
		c->hop = xcalloc(METRIC_N, sizeof *c->hop);
	c->hop[m] += n;
}

int64_t *
tally_counts(struct tally *t, unsigned host, int64_t minute)
{
	return cell_at(t, host, minute)->v;
}

void
tally_bucket(struct tally *t, unsigned host, int64_t minute, unsigned base, unsigned bucket, int64_t n)
{
	unsigned which = base % CELL_HOP;
	struct tcell *c;
	int32_t **h;

	if (t->want_stays)
		return;
	c = cell_at(t, host, minute);
	h = &c->hist[(which == CELL_DELAY_TOTAL ? 1 : which == CELL_DELAY_PARTS ? 2 : 0) +
	    3 * (base >= CELL_HOP)];

	if (*h == NULL)
		*h = xcalloc(HIST_N, sizeof **h);
	(*h)[bucket] += (int32_t)n;
}

void
tally_delay(struct tally *t, unsigned host, int64_t minute, unsigned base, uint64_t ms, int64_t n)
{
	tally_bucket(t, host, minute, base, hist_bucket(ms), n);
}

void
tally_word_load(struct tally *t, struct slice text)
{
	if (t->words < WORDS_MAX)
		t->word[t->words++] = arena_slice(&t->word_text, text);
}

/* Its number, or t->words. A farm asks a dozen lists. */
static size_t
find_word(const struct tally *t, struct slice text)
{
	size_t i = 0;

	while (i < t->words && !slice_eq(t->word[i], text))
		i++;
	return i;
}

/* The word's number; WORDS_MAX: it is not among the first, and no longer can be. */
static uint32_t
word_among(struct tally *t, struct slice text, size_t first)
{
	char low[WORD_TEXT_MAX];
	size_t at;

	text = slice_head(text, sizeof low);
	at = find_word(t, text);
	if (at == t->words) {	/* all are in lower case, and so are nearly all that come */
		for (size_t i = 0; i < text.n; i++)
			low[i] = slice_lower(text.p[i]);
		text.p = low;
		at = find_word(t, text);
	}
	if (at < t->words)
		return at < first ? (uint32_t)at : WORDS_MAX;
	if (t->words >= first)
		return WORDS_MAX;
	tally_word_load(t, t->words == WORDS_MAX - 1 ? SLICE("other") : text);
	return (uint32_t)t->words - 1;
}

static void
add_extra(struct tcell *c, uint32_t key, int64_t n)
{
	for (uint32_t i = 0; i < c->extras; i++) {
		if (c->extra[i].key == key) {
			c->extra[i].n += n;
			return;
		}
	}
	if (c->extras == c->extras_cap) {
		c->extras_cap = c->extras_cap > 0 ? c->extras_cap * 2 : 4;
		c->extra = xreallocarray(c->extra, c->extras_cap, sizeof *c->extra);
	}
	c->extra[c->extras++] = (struct extra){ key, n };
}

void
tally_word(struct tally *t, unsigned host, int64_t minute, struct slice text, int64_t n)
{
	uint32_t word = word_among(t, text, WORDS_MAX);

	add_extra(cell_at(t, host, minute), CELL_WORD + (word < WORDS_MAX ? word : WORDS_MAX - 1), n);
}

void
tally_list(struct tally *t, unsigned host, int64_t minute, struct slice text,
    const int64_t fact[CELL_FACTS], int64_t n)
{
	uint32_t word = word_among(t, text, CELL_LISTS);

	if (word == WORDS_MAX) {
		t->left_out += (uint64_t)n;
		return;
	}
	for (uint32_t i = 0; i < CELL_FACTS; i++)
		if (fact[i] != 0)
			add_extra(cell_at(t, host, minute), cell_list(i, word), n * fact[i]);
}

uint64_t
tally_left_out(struct tally *t)
{
	uint64_t n = t->left_out;

	t->left_out = 0;
	return n;
}

/* --- programs ----------------------------------------------------------------------- */

void
tally_program_load(struct tally *t, struct slice text)
{
	if (t->programs < PROGRAMS_MAX)
		t->program[t->programs++] = arena_slice(&t->word_text, text);
}

unsigned
tally_program(struct tally *t, struct slice tag)
{
	tag = slice_head(tag, PROGRAM_TEXT_MAX);
	for (size_t i = 0; i < t->programs; i++)
		if (slice_eq(t->program[i], tag))
			return (unsigned)i;
	if (t->programs == PROGRAMS_MAX)
		return PROGRAMS_MAX - 1;
	tally_program_load(t, t->programs == PROGRAMS_MAX - 1 ? SLICE("other") : tag);
	return (unsigned)t->programs - 1;
}

static inline struct thour *
hour_at(struct tally *t, unsigned host, int64_t hour)
{
	return places_get(&t->hours, place_of(host, hour), sizeof(struct thour));
}

void
tally_line(struct tally *t, unsigned host, int64_t hour, unsigned program)
{
	hour_at(t, host, hour)->lines[program]++;
}

void
tally_unknown(struct tally *t, unsigned host, int64_t hour, unsigned program)
{
	hour_at(t, host, hour)->unknown[program]++;
}

/* --- what waits for the commit -------------------------------------------------------- */

void
tally_want_stays(struct tally *t)
{
	t->want_stays = true;
}

void
tally_stay(struct tally *t, unsigned host, struct slice id, int64_t since, int64_t until)
{
	if (!t->want_stays)
		return;
	if (t->stays == t->stays_cap) {
		t->stays_cap = t->stays_cap > 0 ? t->stays_cap * 2 : 64;
		t->stay = xreallocarray(t->stay, t->stays_cap, sizeof *t->stay);
	}
	t->stay[t->stays++] = (struct stay){ host, id, since, until };
}

const struct stay *
tally_stays(const struct tally *t, size_t *n)
{
	*n = t->stays;
	return t->stay;
}

struct lost *
tally_lost(struct tally *t)
{
	return t->lost;
}

struct accounts *
tally_accounts(struct tally *t)
{
	return t->accounts;
}

struct origins *
tally_origins(struct tally *t)
{
	return t->origins;
}

size_t
tally_cells(const struct tally *t)
{
	return t->cells.n;
}

static void
add_hist(struct cell *out, uint32_t base, const int32_t *hist)
{
	_Static_assert(HIST_N % 4 == 0, "in fours");
	for (uint32_t i = 0; hist != NULL && i < HIST_N; i += 4) {	/* nearly all are 0 */
		if ((hist[i] | hist[i + 1] | hist[i + 2] | hist[i + 3]) == 0)
			continue;
		for (uint32_t k = i; k < i + 4; k++)
			if (hist[k] != 0)
				cell_add(out, base + k, hist[k]);
	}
}

static void
to_sparse(const struct tcell *c, struct cell *out)
{
	cell_clear(out);
	for (uint32_t m = 0; m < METRIC_N; m++)
		if (c->v[m] != 0)
			cell_add(out, CELL_METRIC + m, c->v[m]);
	add_hist(out, CELL_DELAY, c->hist[0]);
	add_hist(out, CELL_DELAY_TOTAL, c->hist[1]);
	add_hist(out, CELL_DELAY_PARTS, c->hist[2]);
	for (uint32_t i = 0; i < c->extras; i++)
		cell_add(out, c->extra[i].key, c->extra[i].n);
	for (uint32_t m = 0; c->hop != NULL && m < METRIC_N; m++)
		cell_add(out, CELL_HOP + m, c->hop[m]);
	add_hist(out, CELL_HOP + CELL_DELAY, c->hist[3]);
	add_hist(out, CELL_HOP + CELL_DELAY_TOTAL, c->hist[4]);
	add_hist(out, CELL_HOP + CELL_DELAY_PARTS, c->hist[5]);
}

bool
tally_each(struct tally *t, tally_fn *f, void *arg)
{
	for (size_t i = 0; i < t->cells.n; i++) {
		const struct tcell *c = (const struct tcell *)t->cells.item[i];

		to_sparse(c, &t->out);
		if (!f(arg, place_host(c->at), place_time(c->at), &t->out))
			return false;
	}
	return true;
}

bool
tally_each_hour(struct tally *t, tally_fn *f, void *arg)
{
	for (size_t i = 0; i < t->hours.n; i++) {
		const struct thour *h = (const struct thour *)t->hours.item[i];

		cell_clear(&t->out);
		for (uint32_t p = 0; p < t->programs; p++)
			if (h->lines[p] != 0)
				cell_add(&t->out, CELL_PROGRAM + p, h->lines[p]);
		for (uint32_t p = 0; p < t->programs; p++)
			if (h->unknown[p] != 0)
				cell_add(&t->out, CELL_UNKNOWN + p, h->unknown[p]);
		if (!f(arg, place_host(h->at), place_time(h->at), &t->out))
			return false;
	}
	return true;
}

void
tally_clear(struct tally *t)
{
	cells_drop(t);
	places_keep(&t->cells, 0);
	places_keep(&t->hours, 0);
	lost_clear(t->lost);
	accounts_clear(t->accounts);
	t->stays = 0;
}

size_t
tally_words(const struct tally *t)
{
	return t->words;
}

struct slice
tally_word_text(const struct tally *t, uint32_t word)
{
	return word < t->words ? t->word[word] : (struct slice){ "", 0 };
}

size_t
tally_programs(const struct tally *t)
{
	return t->programs;
}

struct slice
tally_program_text(const struct tally *t, uint32_t program)
{
	return program < t->programs ? t->program[program] : (struct slice){ "", 0 };
}
