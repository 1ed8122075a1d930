/* delaylist.c - see delaylist.h. */
#include "delaylist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum { FIRST_MS = 16, LETTER = 'a' };	/* up to 16 ms is the first letter, 37 hours the last */

struct slice
delaylist_entry(struct slice name, int64_t ms, char room[TOP_TEXT_MAX])
{
	unsigned bucket = 0;

	for (int64_t least = FIRST_MS; ms >= least && bucket < DELAYLIST_N - 1; least *= 2)
		bucket++;
	name = slice_head(name, DELAYLIST_NAME_MAX);
	room[0] = (char)(LETTER + bucket);
	if (name.n > 0)
		memcpy(room + 1, name.p, name.n);
	return (struct slice){ room, name.n + 1 };
}

static struct delayed *
find(struct delayed *d, size_t *n, size_t max, struct slice name)
{
	for (size_t i = 0; i < *n; i++)
		if (slice_eq(name, slice_of(d[i].name)))
			return &d[i];
	if (*n == max)
		return NULL;
	d[*n] = (struct delayed){ .n = 0 };
	memcpy(d[*n].name, name.p, name.n);
	return &d[(*n)++];
}

static int
busiest_first(const void *a, const void *b)
{
	const struct delayed *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->name, y->name);
}

size_t
delaylist_read(struct stateread *r, int host, int64_t from, int64_t to, enum top_kind kind,
    struct delayed *d, size_t max)
{
	struct stateread_top *top = xcalloc(TOP_ROOM, sizeof *top);
	struct delayed *all = xcalloc(TOP_ROOM, sizeof *all);
	size_t entries = stateread_top(r, host, from, to, kind, top, TOP_ROOM), n = 0;

	for (size_t i = 0; i < entries; i++) {
		struct slice name = slice_from(top[i].text, 1);
		unsigned bucket = top[i].text.n > 0 ? (unsigned char)top[i].text.p[0] - (unsigned)LETTER :
		    DELAYLIST_N;
		struct delayed *x;

		if (bucket >= DELAYLIST_N || name.n == 0 || memchr(name.p, '\0', name.n) != NULL ||
		    (x = find(all, &n, TOP_ROOM, name)) == NULL)
			continue;
		x->of[bucket] += top[i].n;
		x->n += top[i].n;
	}
	if (n > 1)
		qsort(all, n, sizeof *all, busiest_first);
	n = n < max ? n : max;
	memcpy(d, all, n * sizeof *d);
	free(all);
	free(top);
	return n;
}

double
delaylist_quantile(const struct delayed *d, double q)
{
	double rank = q * (double)d->n, below = 0;

	for (unsigned i = 0; i < DELAYLIST_N; i++) {
		double n = (double)d->of[i], low = i == 0 ? 0 : FIRST_MS * ldexp(1, (int)i - 1);

		if (n > 0 && below + n >= rank)
			return (low + (i == 0 ? FIRST_MS : low) * fmin(fmax((rank - below) / n, 0), 1)) / 1000;
		below += n;
	}
	return (double)NAN;
}
