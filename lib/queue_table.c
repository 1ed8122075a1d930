/* queue_table.c - see queue_table.h. */
#include "queue_table.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

static uint32_t *
slot_of(const struct queue_table *t, uint64_t hash)
{
	size_t mask = t->cap * 2 - 1, i = hash & mask;

	while (t->slot[i] != 0 && t->row[t->slot[i] - 1].hash != hash)
		i = (i + 1) & mask;
	return &t->slot[i];
}

static void
grow(struct queue_table *t)
{
	if (t->cap == 0)
		t->key = hash_key_random();
	t->cap = t->cap > 0 ? t->cap * 2 : 256;
	t->row = xreallocarray(t->row, t->cap, sizeof *t->row);
	free(t->slot);
	t->slot = xcalloc(t->cap * 2, sizeof *t->slot);
	for (size_t i = 0; i < t->n; i++)
		*slot_of(t, t->row[i].hash) = (uint32_t)i + 1;
}

static uint32_t
keep(struct queue_table *t, struct slice text)
{
	uint32_t at = (uint32_t)t->text_n;

	while (t->text_cap - t->text_n < text.n) {
		t->text_cap = t->text_cap > 0 ? t->text_cap * 2 : 4096;
		t->text = xrealloc(t->text, t->text_cap);
	}
	if (text.n > 0)
		memcpy(t->text + at, text.p, text.n);
	t->text_n += text.n;
	return at;
}

void
queue_table_add(struct queue_table *t, struct slice text, int64_t since)
{
	struct queue_row *r;
	uint32_t *slot;
	uint64_t hash;

	if (t->n == t->cap && t->cap < QUEUE_TABLE_MAX)
		grow(t);
	text = slice_head(text, QUEUE_TEXT_MAX);
	hash = hash_bytes(&t->key, text);
	slot = slot_of(t, hash);
	if (*slot == 0 && t->n == t->cap) {
		t->others++;
		return;
	}
	if (*slot == 0) {
		t->row[t->n] = (struct queue_row){ hash, keep(t, text), (uint32_t)text.n, 0, 0 };
		*slot = (uint32_t)++t->n;
	}
	r = &t->row[*slot - 1];
	r->n++;
	if (since > 0 && (r->oldest == 0 || since < r->oldest))
		r->oldest = since;
}

void
queue_table_free(struct queue_table *t)
{
	free(t->row);
	free(t->slot);
	free(t->text);
	*t = (struct queue_table){ .row = NULL };
}

struct slice
queue_table_text(const struct queue_table *t, const struct queue_row *r)
{
	return (struct slice){ t->text + r->at, r->len };
}

/* Equal ones in the order of their text, so that every run says the same. */
static bool
before(const struct queue_table *t, const struct queue_row *a, const struct queue_row *b)
{
	if (a->n != b->n)
		return a->n > b->n;
	return slice_order(queue_table_text(t, a), queue_table_text(t, b)) < 0;
}

size_t
queue_table_top(const struct queue_table *t, struct slice head, const struct queue_row **out,
    size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct queue_row *r = &t->row[i];
		size_t at = n;

		if (!slice_starts(queue_table_text(t, r), head))
			continue;
		while (at > 0 && before(t, r, out[at - 1]))
			at--;
		if (at == max)
			continue;
		n += n < max;
		memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof *out);
		out[at] = r;
	}
	return n;
}
