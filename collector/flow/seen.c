/* seen.c - see seen.h. */
#include "flow/seen.h"

#include <stdlib.h>
#include <string.h>

#include "flow/places.h"
#include "hash.h"
#include "mem.h"

#include "poison.h"

/* How often a source had a hash; source EVERY: the most that any had. */
struct entry {
	uint64_t hash;
	uint32_t source;
	uint32_t n;		/* 0: a free place */
};

#define EVERY UINT32_MAX
#define APART (UINT32_MAX - 1)	/* seen_nth()'s own, as if it were a source */

/* Hashes of one source that wait for the commit. */
struct fresh {
	uint32_t source;
	uint32_t n, cap;
	unsigned char *hash;	/* n * SEEN_BYTES */
};

struct minute {
	uint64_t at;		/* host and minute */
	uint32_t source;	/* the only one so far, unless table is there */
	bool stored;		/* the store may have more of this minute */
	bool used;		/* since the commit before */
	struct fresh *fresh;
	uint32_t n_fresh;
	struct entry *table;	/* NULL while one source alone spoke */
	uint32_t mask, filled;
};

struct seen {
	seen_load_fn *load;
	void *arg;
	struct places minutes;
	size_t bytes;
};

struct seen *
seen_new(seen_load_fn *load, void *arg)
{
	struct seen *s = xcalloc(1, sizeof *s);

	s->load = load;
	s->arg = arg;
	places_init(&s->minutes);
	return s;
}

static void
minute_free(struct seen *s, struct minute *m)
{
	for (uint32_t i = 0; i < m->n_fresh; i++) {
		s->bytes -= (size_t)m->fresh[i].cap * SEEN_BYTES;
		free(m->fresh[i].hash);
	}
	if (m->table != NULL)
		s->bytes -= (m->mask + 1) * sizeof *m->table;
	free(m->fresh);
	free(m->table);
	free(m);
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->minutes.n; i++)
		minute_free(s, (struct minute *)s->minutes.item[i]);
	places_free(&s->minutes);
	free(s);
}

static uint64_t
read48(const unsigned char *p)
{
	uint64_t v = 0;

	memcpy(&v, p, SEEN_BYTES);
	return v;
}

static struct entry *
find(const struct minute *m, uint64_t hash, uint32_t source)
{
	uint32_t i = (uint32_t)hash_mix(hash ^ 0x9e3779b97f4a7c15u,
	    source * 0x2545f4914f6cdd1dULL | 1) & m->mask;

	while (m->table[i].n != 0 && (m->table[i].hash != hash || m->table[i].source != source))
		i = (i + 1) & m->mask;
	return &m->table[i];
}

static void
room(struct seen *s, struct minute *m)
{
	struct entry *old = m->table;
	uint32_t old_mask = m->mask;

	if (old != NULL && m->filled * 2 < m->mask)
		return;
	m->mask = old == NULL ? 255 : old_mask * 2 + 1;
	m->table = xcalloc(m->mask + 1, sizeof *m->table);
	s->bytes += (m->mask + 1) * sizeof *m->table;
	for (uint32_t i = 0; old != NULL && i <= old_mask; i++)
		if (old[i].n > 0)
			*find(m, old[i].hash, old[i].source) = old[i];
	if (old != NULL)
		s->bytes -= (old_mask + 1) * sizeof *old;
	free(old);
}

/* Count one more of hash in source: is that more than any source had? */
static bool
count(struct seen *s, struct minute *m, uint64_t hash, uint32_t source)
{
	struct entry *own, *most;
	uint32_t n;

	room(s, m);
	own = find(m, hash, source);
	if (own->n == 0) {
		*own = (struct entry){ .hash = hash, .source = source };
		m->filled++;
	}
	n = ++own->n;
	room(s, m);
	most = find(m, hash, EVERY);
	if (most->n == 0) {
		*most = (struct entry){ .hash = hash, .source = EVERY };
		m->filled++;
	}
	if (n <= most->n)
		return false;
	most->n = n;
	return true;
}

struct filling {
	struct seen *s;
	struct minute *m;
};

static void
fill(void *arg, uint32_t source, const unsigned char *hashes, size_t n)
{
	struct filling *f = arg;

	for (size_t i = 0; i < n; i++)
		(void)count(f->s, f->m, read48(hashes + i * SEEN_BYTES), source);
}

/* A second source speaks of this minute: from now on every line is looked up. */
static bool
make_table(struct seen *s, struct minute *m, struct err *e)
{
	struct filling f = { s, m };

	room(s, m);
	if (m->stored && s->load != NULL && !s->load(s->arg, place_host(m->at), place_time(m->at),
	    fill, &f, e)) {
		s->bytes -= (m->mask + 1) * sizeof *m->table;
		free(m->table);
		m->table = NULL;
		m->filled = 0;
		return false;
	}
	for (uint32_t i = 0; i < m->n_fresh; i++)
		fill(&f, m->fresh[i].source, m->fresh[i].hash, m->fresh[i].n);
	return true;
}

static void
only_source(void *arg, uint32_t source, const unsigned char *hashes, size_t n)
{
	struct minute *m = arg;

	(void)hashes;
	(void)n;
	if (!m->stored)
		m->source = source;
	else if (m->source != source)
		m->source = EVERY;	/* more than one: a table is wanted */
	m->stored = true;
}

static __attribute__((noinline)) struct minute *
other_minute(struct seen *s, uint64_t at, uint32_t source, struct err *e)
{
	struct minute *m = places_find(&s->minutes, at);

	if (m != NULL)
		return m;
	m = xcalloc(1, sizeof *m);
	m->at = at;
	if (s->load != NULL &&
	    !s->load(s->arg, place_host(at), place_time(at), only_source, m, e)) {
		free(m);
		return NULL;
	}
	if (!m->stored)
		m->source = source;
	places_add(&s->minutes, m);
	return m;
}

/* Nearly always that of the line before. */
static inline struct minute *
minute_at(struct seen *s, unsigned host, int64_t minute, uint32_t source, struct err *e)
{
	uint64_t at = place_of(host, minute);
	struct minute *m = places_near(&s->minutes, at);

	return m != NULL ? m : other_minute(s, at, source, e);
}

/* Room for one hash more of that source. */
static __attribute__((noinline)) struct fresh *
fresh_room(struct seen *s, struct minute *m, uint32_t source)
{
	struct fresh *f = m->fresh;

	while (f < m->fresh + m->n_fresh && f->source != source)
		f++;
	if (f == m->fresh + m->n_fresh) {
		m->fresh = xreallocarray(m->fresh, m->n_fresh + 1, sizeof *m->fresh);
		f = &m->fresh[m->n_fresh++];
		*f = (struct fresh){ .source = source };
	}
	if (f->n == f->cap) {
		s->bytes += (size_t)(f->cap > 0 ? f->cap : 32) * SEEN_BYTES;
		f->cap = f->cap > 0 ? f->cap * 2 : 32;
		f->hash = xreallocarray(f->hash, f->cap, SEEN_BYTES);
	}
	return f;
}

static inline void
keep(struct seen *s, struct minute *m, uint32_t source, uint64_t hash)
{
	struct fresh *f = m->fresh;

	if (f == NULL || f->source != source || f->n == f->cap)
		f = fresh_room(s, m, source);
	memcpy(f->hash + (size_t)f->n * SEEN_BYTES, &hash, SEEN_BYTES);
	f->n++;
}

static __attribute__((noinline)) int
any_line(struct seen *s, unsigned host, int64_t minute, uint32_t source, uint64_t hash,
    struct err *e)
{
	struct minute *m = minute_at(s, host, minute, source, e);
	bool new = true;

	if (m == NULL)
		return -1;
	hash &= 0xffffffffffff;
	if (m->table == NULL && m->source != source && !make_table(s, m, e))
		return -1;
	m->used = true;
	if (m->table != NULL)
		new = count(s, m, hash, source);
	keep(s, m, source, hash);
	return new;
}

/* Nearly always it is of the minute and the source of the line before, and there is room. */
int
seen_line(struct seen *s, unsigned host, int64_t minute, uint32_t source, uint64_t hash,
    struct err *e)
{
	struct minute *m = places_near(&s->minutes, place_of(host, minute));
	struct fresh *f;

	if (m == NULL || m->table != NULL || m->source != source ||
	    m->n_fresh == 0 || m->fresh->source != source || m->fresh->n == m->fresh->cap)
		return any_line(s, host, minute, source, hash, e);
	f = m->fresh;
	m->used = true;
	memcpy(f->hash + (size_t)f->n++ * SEEN_BYTES, &hash, SEEN_BYTES);
	return true;
}

uint32_t
seen_nth(struct seen *s, unsigned host, int64_t minute, uint64_t hash, struct err *e)
{
	struct minute *m;

	if (seen_line(s, host, minute, APART, hash, e) < 0)
		return 0;
	m = minute_at(s, host, minute, APART, e);
	if (m == NULL || (m->table == NULL && !make_table(s, m, e)))
		return 0;
	return find(m, hash & 0xffffffffffff, APART)->n;
}

bool
seen_each(struct seen *s, seen_put_fn *put, void *arg)
{
	for (size_t i = 0; i < s->minutes.n; i++) {
		const struct minute *m = (const struct minute *)s->minutes.item[i];

		for (uint32_t k = 0; k < m->n_fresh; k++)
			if (m->fresh[k].n > 0 && !put(arg, place_host(m->at), place_time(m->at),
			    m->fresh[k].source, m->fresh[k].hash, m->fresh[k].n))
				return false;
	}
	return true;
}

void
seen_committed(struct seen *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->minutes.n; i++) {
		struct minute *m = (struct minute *)s->minutes.item[i];

		if (!m->used) {
			minute_free(s, m);
			continue;
		}
		for (uint32_t k = 0; k < m->n_fresh; k++) {
			s->bytes -= (size_t)m->fresh[k].cap * SEEN_BYTES;
			free(m->fresh[k].hash);
		}
		free(m->fresh);
		m->fresh = NULL;
		m->n_fresh = 0;
		m->stored = true;
		m->used = false;
		s->minutes.item[kept++] = &m->at;
	}
	places_keep(&s->minutes, kept);
}

size_t
seen_memory_bytes(const struct seen *s)
{
	return s->bytes;
}
