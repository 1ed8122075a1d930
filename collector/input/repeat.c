/* repeat.c - what a sender sends again is not taken twice, see repeat.h. */
#include "input/repeat.h"

#include <stdlib.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

/* --- the last lines ---------------------------------------------------------------- */

void
recent_add(struct recent *r, uint64_t hash)
{
	if (r->hash == NULL)
		r->hash = xcalloc(RECENT_MAX, sizeof *r->hash);
	r->hash[r->next] = hash;
	r->next = (r->next + 1) % RECENT_MAX;
	r->n += r->n < RECENT_MAX;
}

void
recent_free(struct recent *r)
{
	free(r->hash);
	*r = (struct recent){ 0 };
}

/* The i-th, from the oldest. */
static uint64_t
recent_at(const struct recent *r, size_t i)
{
	return r->hash[(r->next + RECENT_MAX - r->n + i) % RECENT_MAX];
}

void
recent_store(const struct recent *r, struct buf *b)
{
	for (size_t i = 0; i < r->n; i++) {
		uint64_t hash = recent_at(r, i);

		buf_add(b, (struct slice){ (const char *)&hash, sizeof hash });
	}
}

void
recent_load(struct recent *r, struct slice bytes)
{
	recent_free(r);
	if (bytes.n > RECENT_BYTES || bytes.n % 8 != 0)
		return;
	for (; bytes.n > 0; bytes = slice_from(bytes, 8))
		recent_add(r, hash_read64(bytes.p));
}

/* --- the beginning of a session ------------------------------------------------------ */

void
repeat_begin(struct repeat *r, const struct recent *of)
{
	*r = (struct repeat){ .held = buf_new(REPEAT_HELD_MAX) };
	if (of->n == 0)
		return;
	r->n = of->n;
	r->list = xreallocarray(NULL, r->n, sizeof *r->list);
	r->start = xreallocarray(NULL, r->n, sizeof *r->start);
	r->starts = r->n;
	for (size_t i = 0; i < r->n; i++) {
		r->list[i] = recent_at(of, i);
		r->start[i] = (uint32_t)i;
	}
}

void
repeat_free(struct repeat *r)
{
	free(r->list);
	free(r->start);
	buf_free(&r->held);
	*r = (struct repeat){ 0 };
}

static bool
keep(struct repeat *r, struct slice line, bool cut)
{
	struct buf head = buf_new(16);
	bool fits;

	buf_varint(&head, line.n * 2 + cut);
	fits = head.n + line.n <= r->held.max - r->held.n;
	if (fits) {
		buf_add(&r->held, buf_slice(&head));
		buf_add(&r->held, line);
	}
	buf_free(&head);
	return fits;
}

bool
repeat_hold(struct repeat *r, uint64_t hash, struct slice line, bool cut)
{
	size_t left = 0, fit = 0;
	bool whole = false;

	if (r->list == NULL)
		return false;
	for (size_t i = 0; i < r->starts; i++) {
		size_t at = r->start[i] + r->taken;

		if (r->list[at] != hash)
			continue;
		fit++;
		if (at + 1 == r->n)
			whole = true;	/* this one ends here */
		else
			r->start[left++] = r->start[i];
	}
	if (fit == 0 || (!whole && !keep(r, line, cut)))
		return false;
	r->starts = left;
	r->taken++;
	if (whole) {
		r->known = r->taken;
		buf_clear(&r->held);
	}
	if (left == 0)
		repeat_free(r);
	return true;
}

bool
repeat_rest(struct repeat *r, struct slice *line, bool *cut)
{
	struct slice rest = slice_from(buf_slice(&r->held), r->n);
	uint64_t head;

	if (r->start != NULL) {		/* the first call */
		free(r->start);
		free(r->list);
		r->start = NULL;
		r->list = NULL;
		r->n = 0;		/* from now on: how far it was given */
		rest = buf_slice(&r->held);
	}
	if (!slice_varint(&rest, &head)) {
		repeat_free(r);
		return false;
	}
	*line = slice_head(rest, (size_t)(head / 2));
	*cut = head % 2 != 0;
	r->n = r->held.n - rest.n + line->n;
	return true;
}
