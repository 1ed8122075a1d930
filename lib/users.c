/* users.c - see users.h. users_bytes.c has them as bytes. */
#include "users_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

struct users_chunk {
	struct users_chunk *next;
	struct user user[16];
};

static struct user *
user_new(struct users *u)
{
	struct user *x;

	if (u->spare == NULL) {
		struct users_chunk *c = xcalloc(1, sizeof *c);

		c->next = u->chunk;
		u->chunk = c;
		for (size_t i = sizeof c->user / sizeof *c->user; i-- > 0; ) {
			c->user[i].next = u->spare;
			u->spare = &c->user[i];
		}
	}
	x = u->spare;
	u->spare = x->next;
	return x;
}

static void
user_drop(struct user *x)
{
	cell_free(&x->domains);
	if (x->ok.v != &x->only)
		free(x->ok.v);
	if (x->failed.v != &x->only)
		free(x->failed.v);
}

void
users_free(struct users *u)
{
	for (uint32_t i = 0; i < u->n; i++)
		user_drop(u->user[i]);
	while (u->chunk != NULL) {
		struct users_chunk *c = u->chunk;

		u->chunk = c->next;
		free(c);
	}
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

void
users_reserve(struct users *u, uint32_t n)
{
	if (n <= u->cap)
		return;
	while (u->cap < n)
		u->cap = u->cap > 0 ? u->cap * 2 : 16;
	u->user = xreallocarray(u->user, u->cap, sizeof *u->user);
	free(u->slot);
	u->mask = u->cap * 2 - 1;
	u->slot = xcalloc(u->mask + 1, sizeof *u->slot);
	reindex(u);
}

struct user *
users_get(struct users *u, struct slice name)
{
	uint32_t *slot;
	struct user *x;

	name = slice_head(name, USERS_TEXT);
	users_reserve(u, u->n + 1);
	slot = slot_of(u, name);
	if (*slot != 0)
		return u->user[*slot - 1];
	x = user_new(u);
	x->len = (uint8_t)name.n;
	if (name.n > 0)
		memcpy(x->text, name.p, name.n);
	u->user[u->n++] = x;
	*slot = u->n;
	return x;
}

/* Mails weigh most: an account that sends is never a guesser's invention. */
static double
weight(const struct user *x)
{
	return fabs((double)x->num[USER_MSGS]) * 1e6 +
	    (double)(x->num[USER_OK] + x->num[USER_BOX]) * 1e3 + (double)x->num[USER_FAILED] +
	    x->failed.n;
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
	while (u->n > max) {
		struct user *x = u->user[--u->n];

		user_drop(x);
		*x = (struct user){ .next = u->spare };
		u->spare = x;
	}
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

/* Room for one more. */
static void
set_grow(struct user *u, struct users_set *s)
{
	bool inside = s->v == &u->only;

	if (s->cap == 0 && u->ok.v != &u->only && u->failed.v != &u->only) {
		s->v = &u->only;
		s->cap = 1;
		return;
	}
	s->cap = (uint8_t)(s->cap > 0 ? s->cap * 2 : 1);
	s->v = xreallocarray(inside ? NULL : s->v, s->cap, sizeof *s->v);
	if (inside)
		s->v[0] = u->only;
}

/* Room at i. The last leaves if there are enough; false if the new one would be it. */
static bool
set_open(struct user *u, struct users_set *s, unsigned i)
{
	if (s->n == USERS_KEEP) {
		s->more = true;
		if (i == s->n)
			return false;
		s->n--;
	}
	if (s->n == s->cap)
		set_grow(u, s);
	memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof *s->v);
	s->n++;
	return true;
}

/* Of two times the later one is kept, of failed logins the earlier one. */
void
users_set_add(struct user *u, bool failed, struct slice name, const struct users_seen *v)
{
	struct users_set *s = failed ? &u->failed : &u->ok;
	unsigned i = 0;
	struct users_visit *x;
	int c = 1;

	while (i < s->n && (c = visit_order(&s->v[i], v->hash, name)) < 0)
		i++;
	if (i < s->n && c == 0) {
		x = &s->v[i];
		x->n = saturated(x->n, v->n);
		x->other = saturated(x->other, v->other);
		if (failed ? v->at < x->at : v->at > x->at)
			x->at = v->at;
		return;
	}
	if (!set_open(u, s, i))
		return;
	x = &s->v[i];
	x->hash = v->hash;
	x->n = v->n;
	x->other = v->other;
	x->at = v->at;
	x->len = (uint8_t)name.n;
	if (name.n > 0)
		memcpy(x->text, name.p, name.n);
}

void
user_visit(struct user *u, const struct hash_key *key, bool failed, struct slice name, uint32_t n,
    uint32_t other, int64_t at)
{
	struct users_seen v = { 0, n, other, at };

	name = slice_head(name, USERS_TEXT);
	v.hash = (uint32_t)(hash_bytes(key, name) >> 32);
	users_set_add(u, failed, name, &v);
}

static void
set_merge(struct user *to, bool failed, const struct users_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		users_set_add(to, failed, users_visit_name(&s->v[i]),
		    &(struct users_seen){ s->v[i].hash, s->v[i].n, s->v[i].other, s->v[i].at });
	(failed ? &to->failed : &to->ok)->more |= s->more;
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
	return (uint32_t)(hash_bytes(key, (struct slice){ low, n }) >> 40) % USERS_DOMAINS;
}

double
user_number(const struct user *u, enum users_number number)
{
	return u->num[number] > 0 ? (double)u->num[number] : 0;
}

double
users_domains(const struct cell *domains)
{
	uint32_t empty = USERS_DOMAINS;

	for (uint32_t i = 0; i < domains->n; i++)
		empty -= domains->pair[i].n > 0;
	return -(double)USERS_DOMAINS * log((empty > 0 ? empty : 1) / (double)USERS_DOMAINS);
}

/* Add what x did to the user of its name. */
static void
add_user(struct users *u, const struct user *x)
{
	struct user *to = users_get(u, user_name(x));

	for (int n = 0; n < USER_N; n++)
		to->num[n] += x->num[n];
	cell_merge(&to->domains, &x->domains);
	set_merge(to, false, &x->ok);
	set_merge(to, true, &x->failed);
}

void
users_merge(struct users *a, const struct users *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		add_user(a, b->user[i]);
}
