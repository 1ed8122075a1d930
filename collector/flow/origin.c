/* origin.c - see origin.h. Each accepted mail comes by here once or twice: no text is made before
 * it is saved. Addresses are the client's own choice: the hash is seeded. */
#include "flow/origin.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

struct origins {
	struct hash_key key;
	struct origin *list;
	size_t n, cap;
	uint32_t *slot;		/* index + 1; open addressing */
	size_t mask;
};

struct origins *
origins_new(void)
{
	struct origins *o = xcalloc(1, sizeof *o);

	o->key = hash_key_random();
	return o;
}

void
origins_free(struct origins *o)
{
	if (o == NULL)
		return;
	free(o->list);
	free(o->slot);
	free(o);
}

/* The first three numbers of an IPv4 address; false: it is none. */
static bool
three_bytes(struct slice ip, uint64_t *net)
{
	uint64_t v = 0;
	unsigned part = 0, dots = 0, digits = 0;

	for (size_t i = 0; i < ip.n; i++) {
		if (ip.p[i] == '.') {
			if (digits == 0)
				return false;
			v = v << 8 | part;
			part = digits = 0;
			dots++;
		} else if (slice_is_digit(ip.p[i]) && digits < 3) {
			part = part * 10 + (unsigned)(ip.p[i] - '0');
			digits++;
		} else {
			return false;
		}
		if (part > 255)
			return false;
	}
	*net = v;
	return dots == 3 && digits > 0;
}

static bool
upper_half(struct slice ip, uint64_t *net)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (ip.n >= sizeof text)
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET6, text, &a) != 1 || IN6_IS_ADDR_LOOPBACK(&a))
		return false;
	*net = 0;
	for (int i = 0; i < 8; i++)
		*net = *net << 8 | a.s6_addr[i];
	return true;
}

static void
place_of(struct slice ip, struct origin *at)
{
	at->family = 0;
	at->net = 0;
	if (ip.n == 0)
		return;
	if (memchr(ip.p, ':', ip.n) == NULL) {
		if (three_bytes(ip, &at->net) && at->net >> 16 != 127)
			at->family = 4;
	} else if (upper_half(ip, &at->net)) {
		at->family = 6;
	}
	if (at->family == 0)
		at->net = 0;
}

static bool
same(const struct origin *a, const struct origin *b)
{
	return a->net == b->net && a->hour == b->hour && a->host == b->host && a->kind == b->kind &&
	    a->family == b->family;
}

static uint32_t *
slot_of(const struct origins *o, const struct origin *at)
{
	uint64_t who = (uint64_t)at->hour << 24 ^ (uint64_t)at->host << 8 ^
	    (uint64_t)at->kind << 4 ^ at->family;
	size_t i = hash_mix(hash_u64(&o->key, at->net), who ^ o->key.k[2]) & o->mask;

	while (o->slot[i] != 0 && !same(&o->list[o->slot[i] - 1], at))
		i = (i + 1) & o->mask;
	return &o->slot[i];
}

static void
reindex(struct origins *o)
{
	free(o->slot);
	o->mask = o->cap * 2 - 1;
	o->slot = xcalloc(o->mask + 1, sizeof *o->slot);
	for (size_t i = 0; i < o->n; i++)
		*slot_of(o, &o->list[i]) = (uint32_t)i + 1;
}

void
origins_put(struct origins *o, const struct origin *at)
{
	uint32_t *slot;

	if (o->n == o->cap) {
		o->cap = o->cap > 0 ? o->cap * 2 : 256;
		o->list = xreallocarray(o->list, o->cap, sizeof *o->list);
		reindex(o);
	}
	slot = slot_of(o, at);
	if (*slot != 0) {
		o->list[*slot - 1].n += at->n;
		return;
	}
	o->list[o->n++] = *at;
	*slot = (uint32_t)o->n;
}

void
origins_add(struct origins *o, unsigned host, int64_t hour, enum top_kind kind, struct slice ip,
    int64_t n)
{
	struct origin at;

	at.hour = hour;
	at.host = (uint16_t)host;
	at.kind = (uint8_t)kind;
	at.n = n;
	place_of(ip, &at);
	origins_put(o, &at);
}

/* By hand: snprintf() would be a third of a save. */
static size_t
put_byte(char *to, unsigned v)
{
	size_t n = 0;

	if (v >= 100)
		to[n++] = (char)('0' + v / 100);
	if (v >= 10)
		to[n++] = (char)('0' + v / 10 % 10);
	to[n++] = (char)('0' + v % 10);
	to[n++] = '.';
	return n;
}

struct slice
origin_text(const struct origin *n, char text[ORIGIN_TEXT])
{
	struct in6_addr a = { 0 };

	if (n->family == 0)
		return SLICE(STATEREAD_NOWHERE);
	if (n->family == 4) {
		size_t len = 0;

		for (int shift = 16; shift >= 0; shift -= 8)
			len += put_byte(text + len, (unsigned)(n->net >> shift & 255));
		memcpy(text + len, "0/24", 4);
		return (struct slice){ text, len + 4 };
	}
	for (int i = 0; i < 8; i++)
		a.s6_addr[i] = (unsigned char)(n->net >> (56 - 8 * i));
	(void)inet_ntop(AF_INET6, &a, text, INET6_ADDRSTRLEN);
	memcpy(text + strlen(text), "/64", 4);
	return slice_of(text);
}

static int
by_list(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->hour != y->hour)
		return x->hour < y->hour ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return x->net < y->net ? -1 : x->net > y->net;
}

bool
origins_each(struct origins *o, origins_fn *f, void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->n; i++)
		if (o->list[i].n != 0)	/* most corrections take back and give again */
			o->list[kept++] = o->list[i];
	o->n = kept;
	if (kept > 1)
		qsort(o->list, kept, sizeof *o->list, by_list);
	if (kept > 0)
		reindex(o);
	else
		origins_clear(o);
	for (size_t i = 0, end; i < o->n; i = end) {
		for (end = i + 1; end < o->n && o->list[end].host == o->list[i].host &&
		    o->list[end].hour == o->list[i].hour && o->list[end].kind == o->list[i].kind; end++)
			continue;
		if (!f(arg, &o->list[i], end - i))
			return false;
	}
	return true;
}

void
origins_clear(struct origins *o)
{
	free(o->list);
	free(o->slot);
	o->list = NULL;
	o->slot = NULL;
	o->n = o->cap = o->mask = 0;
}
