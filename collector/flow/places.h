/* places.h - what is kept of a host in a minute, an hour or another span of time.
 *
 * One struct for each place, which begins with it: uint64_t at. Whoever keeps them owns them.
 * Lines of a host come in order, so what was asked for last, of each host, is found at once. */
#ifndef MX_PLACES_H
#define MX_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "flow/tally.h"
#include "hash.h"

struct places {
	struct hash_key key;
	uint64_t **slot;	/* open addressing */
	size_t mask;
	uint64_t **item;	/* in order of birth */
	size_t n, cap;
	uint64_t *recent[HOSTS_MAX];	/* by host */
};

/* time: in the unit of whoever asks. */
static inline uint64_t
place_of(unsigned host, int64_t time)
{
	return (uint64_t)host << 48 | ((uint64_t)time & 0xffffffffffff);
}

static inline unsigned
place_host(uint64_t at)
{
	return (unsigned)(at >> 48);
}

static inline int64_t
place_time(uint64_t at)
{
	return (int64_t)(at << 16) / 65536;
}

void places_init(struct places *p);
/* The items themselves are freed before. */
void places_free(struct places *p);

/* What is there, or NULL. */
void *places_find(struct places *p, uint64_t at);
/* item, whose place is set, was not there. */
void places_add(struct places *p, void *item);
/* What was asked for last of that host, if it is there; else NULL, which says nothing. */
static inline void *
places_near(const struct places *p, uint64_t at)
{
	uint64_t *item = p->recent[place_host(at) % HOSTS_MAX];

	return item != NULL && *item == at ? item : NULL;
}

/* What is there; it is made of size zeros if there is none. */
void *places_make(struct places *p, uint64_t at, size_t size);
static inline void *
places_get(struct places *p, uint64_t at, size_t size)
{
	void *item = places_near(p, at);

	return item != NULL ? item : places_make(p, at, size);
}

/* Forget all but the first n of p->item, which may have been changed. */
void places_keep(struct places *p, size_t n);

#endif
