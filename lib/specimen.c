/* specimen.c - see specimen.h. */
#include "specimen.h"

#include <string.h>

#include "hash.h"

#include "poison.h"

uint64_t
specimen_slow(int64_t delay_ms, uint64_t hash)
{
	uint64_t ms = delay_ms < 0 ? 0 : delay_ms > UINT32_MAX ? UINT32_MAX : (uint64_t)delay_ms;

	return (UINT32_MAX - ms) << 32 | hash >> 32;
}

int64_t
specimen_delay_ms(const struct specimen *s)
{
	return (int64_t)(UINT32_MAX - (s->rank >> 32));
}

/* Lengths fit a byte of LEB128. */
_Static_assert(SPECIMEN_TEXT_MAX < 128 && SPECIMEN_KIND_MAX < 128, "lengths");

static char *
put(char *p, struct slice text, size_t max)
{
	text = slice_head(text, max);
	*p++ = (char)text.n;
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	return p + text.n;
}

static bool
take(struct slice *blob, size_t max, struct slice *text)
{
	size_t n = blob->n > 0 ? (unsigned char)blob->p[0] : SIZE_MAX;

	if (n > max || n >= blob->n)
		return false;
	*blob = slice_from(*blob, 1);
	*text = slice_head(*blob, n);
	*blob = slice_from(*blob, n);
	return true;
}

/* There are many of them in a commit: one buf_add() for all. */
void
specimen_encode(struct buf *b, const struct specimen *s)
{
	char bytes[SPECIMEN_KIND_MAX + SPECIMEN_TEXTS * SPECIMEN_TEXT_MAX + 40], *p = bytes;

	p = put(p, s->kind, SPECIMEN_KIND_MAX);
	memcpy(p, &s->rank, sizeof s->rank);
	memcpy(p + 8, &s->time, sizeof s->time);
	p += 16;
	for (int i = 0; i < SPECIMEN_TEXTS; i++)
		p = put(p, s->text[i], SPECIMEN_TEXT_MAX);
	buf_add(b, (struct slice){ bytes, (size_t)(p - bytes) });
}

bool
specimen_decode(struct slice *blob, struct specimen *s)
{
	if (!take(blob, SPECIMEN_KIND_MAX, &s->kind) || blob->n < 16)
		return false;
	s->rank = hash_read64(blob->p);
	s->time = (int64_t)hash_read64(blob->p + 8);
	*blob = slice_from(*blob, 16);
	for (int i = 0; i < SPECIMEN_TEXTS; i++)
		if (!take(blob, SPECIMEN_TEXT_MAX, &s->text[i]))
			return false;
	return true;
}
