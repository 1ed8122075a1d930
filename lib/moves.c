/* moves.c - see moves.h. A line is a thing: "THING PLACE TIME...", hashes in hexadecimal. */
#include "moves.h"

#include <inttypes.h>
#include <string.h>

#include "hash.h"

#include "poison.h"

static uint64_t
hashed(struct slice s)
{
	static const struct hash_key key = { { 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
		0x510e527fade682d1u, 0x9b05688c2b3e6c1fu } };

	return hash_bytes(&key, s);
}

static bool
hex(struct slice *s, uint64_t *v)
{
	size_t n = 0;

	for (*v = 0; n < s->n && n < 16; n++) {
		char c = slice_lower(s->p[n]);

		if (!slice_is_digit(c) && !(c >= 'a' && c <= 'f'))
			break;
		*v = *v << 4 | (uint64_t)(slice_is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	*s = slice_from(*s, n);
	return n > 0;
}

static bool
read_row(struct slice line, struct moves_row *r)
{
	uint64_t at;

	*r = (struct moves_row){ .n = 0 };
	if (!hex(&line, &r->thing) || !slice_eat_char(&line, ' ') || !hex(&line, &r->place))
		return false;
	while (r->n < MOVES_KEPT && slice_eat_char(&line, ' ')) {
		if (!slice_u64(&line, &at) || at > INT64_MAX)
			return false;
		r->at[r->n++] = (int64_t)at;
	}
	return r->n > 0 && line.n == 0;
}

void
moves_read(struct moves *m, struct slice kept)
{
	struct slice line;

	m->rows = 0;
	while (m->rows < MOVES_THINGS && slice_cut(&kept, '\n', &line) && read_row(line, &m->row[m->rows]))
		m->rows++;
}

void
moves_write(const struct moves *m, struct buf *b)
{
	for (const struct moves_row *r = m->row; r < m->row + m->rows; r++) {
		if (!r->seen)
			continue;
		buf_fmt(b, "%016" PRIx64 " %016" PRIx64, r->thing, r->place);
		for (size_t i = 0; i < r->n; i++)
			buf_fmt(b, " %lld", (long long)r->at[i]);
		buf_char(b, '\n');
	}
}

static struct moves_row *
row_of(struct moves *m, uint64_t thing)
{
	for (size_t i = 0; i < m->rows; i++)
		if (m->row[i].thing == thing)
			return &m->row[i];
	if (m->rows == MOVES_THINGS)
		return NULL;
	m->row[m->rows] = (struct moves_row){ .thing = thing };
	return &m->row[m->rows++];
}

const struct moves_row *
moves_see(struct moves *m, struct slice thing, struct slice place, int64_t now)
{
	struct moves_row *r = row_of(m, hashed(thing));
	uint64_t there = hashed(place);

	if (r == NULL)
		return NULL;
	r->seen = true;
	if (r->n > 0 && r->place == there)
		return r;
	if (r->n == MOVES_KEPT) {
		r->n--;
		memmove(r->at, r->at + 1, r->n * sizeof *r->at);
	}
	r->place = there;
	r->at[r->n++] = now;
	return r;
}

double
moves_since(const struct moves_row *r, int64_t now)
{
	int64_t at = r->at[r->n - 1];

	return at < now ? (double)(now - at) : 0;
}

/* The first time is no move, unless older ones were dropped. */
size_t
moves_in_hour(const struct moves_row *r, int64_t now)
{
	size_t moves = 0;

	for (size_t i = r->n == MOVES_KEPT ? 0 : 1; i < r->n; i++)
		moves += r->at[i] <= now && r->at[i] > now - MOVES_HOUR_S;
	return moves;
}
