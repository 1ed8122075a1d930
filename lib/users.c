/* users.c - see users.h.
 *
 * Encoded: number of users, and for each its name, its cell, and both sets. A visit is its hash
 * in four bytes, name, numbers, and seconds since the hour began. A usual account takes some
 * 60 bytes. */
#include "users.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum { USERS_MAX = 1 << 20 };	/* more is damage */

static void
user_free(struct user *x)
{
	cell_free(&x->num);
	free(x->ok.v);
	free(x->failed.v);
	free(x);
}

void
users_free(struct users *u)
{
	for (uint32_t i = 0; i < u->n; i++)
		user_free(u->user[i]);
	free(u->user);
	free(u->slot);
	*u = (struct users){ 0 };
}

/* --- the table ------------------------------------------------------------------------ */

static uint32_t *
slot_of(const struct users *u, struct slice name)
{
	static struct hash_key key;	/* names are strangers' words */
	uint32_t i;

	if (key.k[0] == 0)
		key = hash_key_random();
	i = (uint32_t)hash_bytes(&key, name) & u->mask;
	while (u->slot[i] != 0 && !slice_eq(user_name(u->user[u->slot[i] - 1]), name))
		i = (i + 1) & u->mask;
	return &u->slot[i];
}

static void
reindex(struct users *u)
{
	memset(u->slot, 0, (u->mask + 1) * sizeof *u->slot);
	for (uint32_t i = 0; i < u->n; i++)
		*slot_of(u, user_name(u->user[i])) = i + 1;
}

uint32_t
users_place(const struct users *u, struct slice name)
{
	uint32_t i = u->slot != NULL ? *slot_of(u, slice_head(name, USERS_TEXT)) : 0;

	return i > 0 ? i - 1 : u->n;
}

struct user *
users_find(const struct users *u, struct slice name)
{
	uint32_t i = users_place(u, name);

	return i < u->n ? u->user[i] : NULL;
}

struct user *
users_get(struct users *u, struct slice name)
{
	struct user *x = users_find(u, name);

	if (x != NULL)
		return x;
	if (u->n == u->cap) {
		u->cap = u->cap > 0 ? u->cap * 2 : 16;
		u->user = xreallocarray(u->user, u->cap, sizeof *u->user);
		free(u->slot);
		u->mask = u->cap * 2 - 1;
		u->slot = xcalloc(u->mask + 1, sizeof *u->slot);
		reindex(u);
	}
	x = xcalloc(1, sizeof *x);
	name = slice_head(name, USERS_TEXT);
	x->len = (uint8_t)name.n;
	if (name.n > 0)
		memcpy(x->text, name.p, name.n);
	*slot_of(u, name) = u->n + 1;
	u->user[u->n++] = x;
	return x;
}

/* Mails weigh most: an account that sends is never a guesser's invention. */
static double
weight(const struct user *x)
{
	return fabs((double)cell_get(&x->num, USER_MSGS)) * 1e6 +
	    (double)(cell_get(&x->num, USER_OK) + cell_get(&x->num, USER_BOX)) * 1e3 +
	    (double)cell_get(&x->num, USER_FAILED) + x->failed.n;
}

static int
by_weight(const void *a, const void *b)
{
	const struct user *x = *(struct user *const *)a, *y = *(struct user *const *)b;
	double v = weight(x), w = weight(y);
	size_t n = x->len < y->len ? x->len : y->len;
	int c;

	if (v < w || v > w)
		return v < w ? 1 : -1;
	c = memcmp(x->text, y->text, n);	/* the same order every time */
	return c != 0 ? c : (int)x->len - (int)y->len;
}

size_t
users_prune(struct users *u, size_t max)
{
	size_t left = u->n > max ? u->n - max : 0;

	if (left == 0)
		return 0;
	qsort(u->user, u->n, sizeof(struct user *), by_weight);
	while (u->n > max)
		user_free(u->user[--u->n]);
	reindex(u);
	return left;
}

/* --- sets ----------------------------------------------------------------------------- */

static int
visit_order(const struct users_visit *v, uint32_t hash, struct slice name)
{
	size_t n = v->len < name.n ? v->len : name.n;
	int c;

	if (v->hash != hash)
		return v->hash < hash ? -1 : 1;
	c = n > 0 ? memcmp(v->text, name.p, n) : 0;
	return c != 0 ? c : (int)v->len - (int)name.n;
}

static uint32_t
saturated(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* Room at i. The last leaves if there are enough; false if the new one would be it. */
static bool
set_open(struct users_set *s, unsigned i)
{
	if (s->n == USERS_KEEP) {
		s->more = true;
		if (i == s->n)
			return false;
		s->n--;
	}
	if (s->n == s->cap) {
		s->cap = (uint8_t)(s->cap > 0 ? s->cap * 2 : 1);
		s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
	}
	memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof *s->v);
	s->n++;
	return true;
}

/* last: of two times the later one is kept, else the earlier one. */
static void
set_add(struct users_set *s, bool last, const struct users_visit *v, struct slice name)
{
	unsigned i = 0;
	struct users_visit *x;
	int c = 1;

	while (i < s->n && (c = visit_order(&s->v[i], v->hash, name)) < 0)
		i++;
	if (i < s->n && c == 0) {
		x = &s->v[i];
		x->n = saturated(x->n, v->n);
		x->other = saturated(x->other, v->other);
		if (last ? v->at > x->at : v->at < x->at)
			x->at = v->at;
		return;
	}
	if (!set_open(s, i))
		return;
	x = &s->v[i];
	*x = (struct users_visit){ .hash = v->hash, .n = v->n, .other = v->other, .at = v->at,
		.len = (uint8_t)name.n };
	if (name.n > 0)
		memcpy(x->text, name.p, name.n);
}

void
user_visit(struct user *u, const struct hash_key *key, bool failed, const struct users_visit *v,
    struct slice name)
{
	struct users_visit x = { .n = v->n, .other = v->other, .at = v->at };

	name = slice_head(name, USERS_TEXT);
	x.hash = (uint32_t)(hash_bytes(key, name) >> 32);
	set_add(failed ? &u->failed : &u->ok, !failed, &x, name);
}

static void
set_merge(struct users_set *a, bool last, const struct users_set *b)
{
	for (unsigned i = 0; i < b->n; i++)
		set_add(a, last, &b->v[i], users_visit_name(&b->v[i]));
	a->more |= b->more;
}

double
users_set_size(const struct users_set *s)
{
	if (!s->more || s->n < 2)
		return s->n;
	/* so many lie below the largest hash that is kept; that of all is 2^32 */
	return fmax(s->n + 1, (s->n - 1) * 4294967296.0 / (s->v[s->n - 1].hash + 1.0));
}

/* --- numbers -------------------------------------------------------------------------- */

uint32_t
users_domain(const struct hash_key *key, struct slice domain)
{
	char low[255];
	size_t n = domain.n < sizeof low ? domain.n : sizeof low;

	for (size_t i = 0; i < n; i++)
		low[i] = slice_lower(domain.p[i]);
	return USER_DOMAIN + (uint32_t)(hash_bytes(key, (struct slice){ low, n }) >> 40) %
	    USER_DOMAINS;
}

double
user_number(const struct user *u, enum users_number number)
{
	int64_t n = cell_get(&u->num, (uint32_t)number);

	return n > 0 ? (double)n : 0;
}

double
users_domains(const struct cell *num)
{
	uint32_t empty = USER_DOMAINS;

	for (uint32_t i = 0; i < num->n && num->pair[i].key < USER_DOMAINS; i++)
		empty -= num->pair[i].n > 0;
	return -(double)USER_DOMAINS * log((empty > 0 ? empty : 1) / (double)USER_DOMAINS);
}

void
users_merge(struct users *a, const struct users *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct user *from = b->user[i];
		struct user *to = users_get(a, user_name(from));

		cell_merge(&to->num, &from->num);
		set_merge(&to->ok, true, &from->ok);
		set_merge(&to->failed, false, &from->failed);
	}
}

/* --- bytes ---------------------------------------------------------------------------- */

static void
put_text(struct buf *b, const char *text, uint8_t len)
{
	buf_char(b, (char)len);
	buf_add(b, (struct slice){ text, len });
}

static void
put_set(struct buf *b, const struct users_set *s, int64_t hour)
{
	buf_char(b, (char)(s->n << 1 | s->more));
	for (unsigned i = 0; i < s->n; i++) {
		const struct users_visit *v = &s->v[i];

		for (int k = 0; k < 32; k += 8)
			buf_char(b, (char)(v->hash >> k & 0xff));
		put_text(b, v->text, v->len);
		buf_varint(b, v->n);
		buf_varint(b, v->other);
		buf_zigzag(b, v->at - hour * 3600);
	}
}

void
users_encode(const struct users *u, int64_t hour, struct buf *b)
{
	struct buf cell = buf_new(1 << 16);

	buf_varint(b, u->n);
	for (uint32_t i = 0; i < u->n; i++) {
		const struct user *x = u->user[i];

		put_text(b, x->text, x->len);
		buf_clear(&cell);
		cell_encode(&cell, &x->num);
		buf_varint(b, cell.n);
		buf_add(b, buf_slice(&cell));
		put_set(b, &x->ok, hour);
		put_set(b, &x->failed, hour);
	}
	buf_free(&cell);
}

static bool
take_text(struct slice *s, struct slice *text)
{
	size_t n;

	if (s->n < 1 || (n = (unsigned char)s->p[0]) > USERS_TEXT || n >= s->n)
		return false;
	*text = (struct slice){ s->p + 1, n };
	*s = slice_from(*s, n + 1);
	return true;
}

/* to may be NULL: it is only passed over. */
static bool
take_set(struct slice *s, bool last, int64_t hour, struct users_set *to)
{
	unsigned head = s->n > 0 ? (unsigned char)s->p[0] : 0xff;

	if (head >> 1 > USERS_KEEP)
		return false;
	*s = slice_from(*s, 1);
	for (unsigned i = 0; i < head >> 1; i++) {
		struct users_visit v = { 0 };
		struct slice text;
		uint64_t n, other;

		for (unsigned k = 0; k < 4 && k < s->n; k++)
			v.hash |= (uint32_t)(unsigned char)s->p[k] << 8 * k;
		*s = slice_from(*s, 4);
		if (!take_text(s, &text) || !slice_varint(s, &n) || !slice_varint(s, &other) ||
		    !slice_zigzag(s, &v.at) || n > UINT32_MAX || other > UINT32_MAX ||
		    v.at < -86400 || v.at > 86400)
			return false;
		v.n = (uint32_t)n;
		v.other = (uint32_t)other;
		v.at += hour * 3600;
		if (to != NULL)
			set_add(to, last, &v, text);
	}
	if (to != NULL)
		to->more |= head & 1;
	return true;
}

bool
users_decode(struct users *u, int64_t hour, struct slice s, const struct users *only)
{
	struct cell c = { 0 };
	uint64_t n, bytes;
	bool good = slice_varint(&s, &n) && n <= USERS_MAX;

	for (uint64_t i = 0; good && i < n; i++) {
		struct slice name;
		struct user *x = NULL;

		good = take_text(&s, &name) && slice_varint(&s, &bytes) && bytes <= s.n;
		if (!good)
			break;
		if (only == NULL || users_find(only, name) != NULL) {
			x = users_get(u, name);
			good = cell_decode(slice_head(s, (size_t)bytes), &c);
			cell_merge(&x->num, &c);
		}
		s = slice_from(s, (size_t)bytes);
		good = good && take_set(&s, true, hour, x != NULL ? &x->ok : NULL) &&
		    take_set(&s, false, hour, x != NULL ? &x->failed : NULL);
	}
	cell_free(&c);
	return good && s.n == 0;
}
