/* users_bytes.c - tables of accounts and networks as bytes. See users.h.
 *
 * Encoded: number of users, and for each its name, a bit for each number that is not zero, those
 * numbers, a bit for each that has domains or visitors, and these. A visit is its hash in four
 * bytes, name, numbers, and seconds since the hour began. A usual account takes some 60 bytes. */
#include <string.h>

#include "users_priv.h"

#include "poison.h"

enum { USERS_MAX = 1 << 20 };	/* more is damage */

/* A larger number is, too: sums must not overflow. */
#define LARGEST ((int64_t)1 << 40)

enum {
	VISIT_BYTES = 4 + 1 + USERS_TEXT + 3 * 10,
	USER_BYTES = 1 + USERS_TEXT + 2 + USER_N * 10 + 3,
	LEAST_BYTES = 3,		/* of a user: name, which numbers, what else */
	HAS_DOMAINS = 1, HAS_OK = 2, HAS_FAILED = 4
};
_Static_assert(USER_N <= 14, "their bits fit two bytes of a varint");

static unsigned char *
put_zigzag(unsigned char *p, int64_t v)
{
	return varint_put(p, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static unsigned char *
put_text(unsigned char *p, const char *text, uint8_t len)
{
	*p++ = len;
	memcpy(p, text, len);
	return p + len;
}

static void
put_set(struct buf *b, const struct users_set *s, int64_t hour)
{
	unsigned char raw[1 + USERS_KEEP * VISIT_BYTES], *p = raw;

	if (s->n == 0)
		return;
	*p++ = (unsigned char)(s->n << 1 | s->more);
	for (unsigned i = 0; i < s->n; i++) {
		const struct users_visit *v = &s->v[i];

		for (int k = 0; k < 32; k += 8)
			*p++ = (unsigned char)(v->hash >> k & 0xff);
		p = put_text(p, v->text, v->len);
		p = varint_put(p, v->n);
		p = varint_put(p, v->other);
		p = put_zigzag(p, v->at - hour * 3600);
	}
	buf_add(b, (struct slice){ (char *)raw, (size_t)(p - raw) });
}

static void
put_user(struct buf *b, const struct user *x, int64_t hour)
{
	unsigned char raw[USER_BYTES], *p = raw;
	struct buf cell = buf_new(1 << 16);
	unsigned has = 0;

	p = put_text(p, x->text, x->len);
	for (int n = 0; n < USER_N; n++)
		has |= (unsigned)(x->num[n] != 0) << n;
	p = varint_put(p, has);
	for (int n = 0; n < USER_N; n++)
		if (x->num[n] != 0)
			p = put_zigzag(p, x->num[n]);
	*p++ = (unsigned char)((x->domains.n > 0 ? HAS_DOMAINS : 0) | (x->ok.n > 0 ? HAS_OK : 0) |
	    (x->failed.n > 0 ? HAS_FAILED : 0));
	buf_add(b, (struct slice){ (char *)raw, (size_t)(p - raw) });
	if (x->domains.n > 0) {
		cell_encode(&cell, &x->domains);
		buf_varint(b, cell.n);
		buf_add(b, buf_slice(&cell));
		buf_free(&cell);
	}
	put_set(b, &x->ok, hour);
	put_set(b, &x->failed, hour);
}

void
users_encode(const struct users *u, int64_t hour, struct buf *b)
{
	buf_varint(b, u->n);
	for (uint32_t i = 0; i < u->n; i++)
		put_user(b, u->user[i], hour);
}

/* --- and back ------------------------------------------------------------------------- */

static inline bool
take_text(const unsigned char **p, const unsigned char *end, struct slice *text)
{
	size_t n;

	if (*p == end || (n = **p) > USERS_TEXT || n >= (size_t)(end - *p))
		return false;
	*text = (struct slice){ (const char *)*p + 1, n };
	*p += n + 1;
	return true;
}

/* Most numbers are small. */
static inline bool
take_number(const unsigned char **p, const unsigned char *end, uint64_t *v)
{
	if (*p < end && **p < 0x80) {
		*v = *(*p)++;
		return true;
	}
	return (*p = varint_get(*p, end, v)) != NULL;
}

/* Behind as many numbers as has has bits, NULL if there are less. */
static inline const unsigned char *
pass_numbers(const unsigned char *p, const unsigned char *end, unsigned has)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (end - p >= 8 && has != 0) {	/* nearly always they are in eight bytes: the last of each has no 0x80 */
		uint64_t ends;

		memcpy(&ends, p, sizeof ends);
		ends = ~ends & 0x8080808080808080;
		for (unsigned more = has & (has - 1); more != 0; more &= more - 1)
			ends &= ends - 1;
		if (ends != 0)
			return p + __builtin_ctzll(ends) / 8 + 1;
	}
#endif
	for (; has != 0; p++) {
		if (p >= end)
			return NULL;
		if (*p < 0x80)
			has &= has - 1;
	}
	return p;
}

/* Behind a set of visitors, NULL if it is cut off. */
static inline const unsigned char *
pass_set(const unsigned char *p, const unsigned char *end, struct slice *set, uint8_t *n, bool *more)
{
	enum { NUMBERS = 7 };		/* of a visitor: three */
	const unsigned char *begin;

	if (p == end || *p >> 1 == 0 || *p >> 1 > USERS_KEEP)
		return NULL;
	*n = *p >> 1;
	*more = *p & 1;
	begin = ++p;
	for (unsigned i = 0; i < *n; i++) {
		if (end - p < 5 || p[4] > USERS_TEXT || end - p < 5 + p[4])
			return NULL;
		if ((p = pass_numbers(p + 5 + p[4], end, NUMBERS)) == NULL)
			return NULL;
	}
	*set = (struct slice){ (const char *)begin, (size_t)(p - begin) };
	return p;
}

bool
users_begin(struct slice *s, uint32_t *n)
{
	uint64_t all;

	if (!slice_varint(s, &all) || all > USERS_MAX || all * LEAST_BYTES > s->n)
		return false;
	*n = (uint32_t)all;
	return true;
}

/* The name and which numbers there are. */
static inline bool
take_head(const unsigned char **p, const unsigned char *end, struct users_part *u)
{
	uint64_t has;

	if (!take_text(p, end, &u->name) || !take_number(p, end, &has) || has >> USER_N != 0)
		return false;
	u->has = (uint16_t)has;
	return true;
}

bool
users_take(struct slice *s, struct users_part *u)
{
	const unsigned char *p = (const unsigned char *)s->p, *end = p + s->n, *begin;
	uint64_t bytes;
	unsigned has;

	if (!take_head(&p, end, u))
		return false;
	begin = p;
	if ((p = pass_numbers(p, end, u->has)) == NULL || p == end)
		return false;
	u->numbers = (struct slice){ (const char *)begin, (size_t)(p - begin) };
	has = *p++;
	u->domains = u->ok = u->failed = (struct slice){ "", 0 };
	u->oks = u->faileds = 0;
	u->more_ok = u->more_failed = false;
	if (has & HAS_DOMAINS) {
		if (!take_number(&p, end, &bytes) || bytes > (size_t)(end - p))
			return false;
		u->domains = (struct slice){ (const char *)p, (size_t)bytes };
		p += bytes;
	}
	if ((has & HAS_OK) && (p = pass_set(p, end, &u->ok, &u->oks, &u->more_ok)) == NULL)
		return false;
	if ((has & HAS_FAILED) && (p = pass_set(p, end, &u->failed, &u->faileds, &u->more_failed)) == NULL)
		return false;
	*s = (struct slice){ (const char *)p, (size_t)(end - p) };
	return true;
}

static bool
add_numbers(const unsigned char *p, const unsigned char *end, unsigned has, int64_t *num)
{
	for (; has != 0; has &= has - 1) {
		uint64_t u;
		int64_t v;

		if (!take_number(&p, end, &u))
			return false;
		v = zigzag_back(u);
		if (v > LARGEST || v < -LARGEST)
			return false;
		num[__builtin_ctz(has)] += v;
	}
	return true;
}

bool
users_part_numbers(const struct users_part *p, int64_t num[USER_N])
{
	const unsigned char *at = (const unsigned char *)p->numbers.p;

	return add_numbers(at, at + p->numbers.n, p->has, num);
}

bool
users_numbers(struct slice s, int64_t num[USER_N])
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
	struct users_part u;

	return take_head(&p, end, &u) && add_numbers(p, end, u.has, num);
}

bool
users_sent(struct slice s, int64_t *messages, int64_t *recipients)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
	int64_t num[2] = { 0, 0 };
	struct users_part u;

	_Static_assert(USER_MSGS == 0 && USER_RCPTS == 1, "they are the first");
	if (!take_head(&p, end, &u) || ((u.has & 3) != 0 && !add_numbers(p, end, u.has & 3, num)))
		return false;
	*messages = num[USER_MSGS];
	*recipients = num[USER_RCPTS];
	return true;
}

static bool
in_range(const struct cell *c)
{
	return c->n == 0 || c->pair[c->n - 1].key < USERS_DOMAINS;
}

bool
users_part_domains(const struct users_part *p, struct cell *c)
{
	struct cell more = { 0 };
	bool good;

	if (p->domains.n == 0)
		return true;
	if (c->n == 0)
		return cell_decode(p->domains, c) && in_range(c);
	good = cell_decode(p->domains, &more) && in_range(&more);
	if (good)
		cell_merge(c, &more);
	cell_free(&more);
	return good;
}

bool
users_next(struct slice *set, struct slice *name, struct users_seen *v)
{
	const unsigned char *p = (const unsigned char *)set->p, *end = p + set->n;
	uint64_t n = 0, other = 0, at = 0;

	if (set->n < 4)
		return false;
	v->hash = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	p += 4;
	if (!take_text(&p, end, name) || !take_number(&p, end, &n) || !take_number(&p, end, &other) ||
	    !take_number(&p, end, &at) || n > UINT32_MAX || other > UINT32_MAX)
		return false;
	v->n = (uint32_t)n;
	v->other = (uint32_t)other;
	v->at = zigzag_back(at);
	*set = (struct slice){ (const char *)p, (size_t)(end - p) };
	return v->at >= -86400 && v->at <= 86400;
}

static bool
add_set(struct user *x, bool failed, int64_t hour, struct slice set)
{
	struct users_seen v;
	struct slice name;

	while (set.n > 0) {
		if (!users_next(&set, &name, &v))
			return false;
		v.at += hour * 3600;
		users_set_add(x, failed, name, &v);
	}
	return true;
}

bool
users_part_visits(const struct users_part *p, int64_t hour, struct user *x)
{
	x->ok.more |= p->more_ok;
	x->failed.more |= p->more_failed;
	return add_set(x, false, hour, p->ok) && add_set(x, true, hour, p->failed);
}

bool
users_decode(struct users *u, int64_t hour, struct slice s, const struct users *only)
{
	struct users_part p;
	bool good;
	uint32_t n;

	good = users_begin(&s, &n);
	if (good && only == NULL)
		users_reserve(u, n);
	for (uint32_t i = 0; good && i < n; i++) {
		struct user *x;

		good = users_take(&s, &p);
		if (!good || (only != NULL && users_find(only, p.name) == NULL))
			continue;
		x = users_get(u, p.name);
		good = users_part_numbers(&p, x->num) && users_part_domains(&p, &x->domains) &&
		    users_part_visits(&p, hour, x);
	}
	return good && s.n == 0;
}
