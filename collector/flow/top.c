/* top.c - see top.h. */
#include "flow/top.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delaylist.h"
#include "flow/places.h"
#include "mem.h"

#include "poison.h"

_Static_assert((int)TOP_NETWORK_MAX >= (int)INET6_ADDRSTRLEN + 8, "room for the prefix");

struct table {
	uint64_t at;		/* host and hour */
	struct toplist *list[TOP_KIND_N];	/* NULL until used */
};

struct tops {
	struct places tables;
};

struct tops *
tops_new(void)
{
	struct tops *t = xcalloc(1, sizeof *t);

	places_init(&t->tables);
	return t;
}

static void
table_free(struct table *b)
{
	for (int k = 0; k < TOP_KIND_N; k++) {
		if (b->list[k] != NULL)
			toplist_free(b->list[k]);
		free(b->list[k]);
	}
	free(b);
}

__attribute__((noinline)) struct toplist *
tops_list(struct tops *t, unsigned host, int64_t hour, enum top_kind kind)
{
	struct table *b = places_get(&t->tables, place_of(host, hour), sizeof *b);

	if (b->list[kind] == NULL) {
		b->list[kind] = xmalloc(sizeof *b->list[kind]);
		toplist_init(b->list[kind]);
	}
	return b->list[kind];
}

/* Nearly always of the hour of the line before. */
static inline struct toplist *
list_of(struct tops *t, unsigned host, int64_t hour, enum top_kind kind)
{
	const struct table *b = places_near(&t->tables, place_of(host, hour));

	return b != NULL && b->list[kind] != NULL ? b->list[kind] : tops_list(t, host, hour, kind);
}

void
tops_add(struct tops *t, unsigned host, int64_t hour, enum top_kind kind, struct slice text,
    uint32_t n)
{
	toplist_add(list_of(t, host, hour, kind), text, n);
}

bool
top_network(struct slice ip, char text[TOP_NETWORK_MAX])
{
	struct in6_addr a;

	if (ip.n == 0 || ip.n >= INET6_ADDRSTRLEN)
		return false;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (slice_until(ip, ':', ':') == ip.n) {
		size_t dot = slice_upto_last(ip, '.');

		if (dot <= 1)
			return false;
		memcpy(text + dot, "0/24", 5);
		return true;
	}
	if (inet_pton(AF_INET6, text, &a) != 1)
		return false;
	memset(a.s6_addr + 8, 0, 8);
	if (inet_ntop(AF_INET6, &a, text, INET6_ADDRSTRLEN) == NULL)
		return false;
	memcpy(text + strlen(text), "/64", 4);
	return true;
}

void
tops_client(struct tops *t, unsigned host, int64_t hour, struct slice ip, uint32_t n)
{
	char text[TOP_NETWORK_MAX];

	if (top_network(ip, text))
		tops_add(t, host, hour, TOP_CLIENT, slice_of(text), n);
}

void
tops_domain(struct tops *t, unsigned host, int64_t hour, enum top_kind kind,
    struct slice address, uint32_t n)
{
	tops_add(t, host, hour, kind, address.n == 0 ? SLICE("<>") :
	    slice_from(address, slice_upto_last(address, '@')), n);
}

/* The bytes before the first one that differs from line to line: a digit or one of
 * "<[@;". */
static inline size_t
fixed_length(struct slice s)
{
	static const char ends[256] = { ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1,
		['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['<'] = 1, ['['] = 1,
		['@'] = 1, [';'] = 1 };
	size_t i = 0;

	while (i < s.n && !ends[(unsigned char)s.p[i]])
		i++;
	return i;
}

/* Without the blanks, brackets and commas at its end. */
static size_t
trimmed(struct slice s, size_t n)
{
	while (n > 0 && (s.p[n - 1] == ' ' || s.p[n - 1] == '(' || s.p[n - 1] == ','))
		n--;
	return n;
}

void
tops_reason(struct tops *t, unsigned host, int64_t hour, struct slice text, uint32_t n)
{
	size_t i;

	/* "5.7.1 <x@y>: Recipient address rejected: ..." speaks from behind the address */
	if (text.n > 0 && text.p[0] == '<') {
		struct slice skip, rest = text;

		if (slice_cut_at(&rest, SLICE(">: "), &skip))
			text = rest;
	}
	i = trimmed(text, fixed_length(slice_head(text, TOP_TEXT_MAX)));
	if (i > 0)
		tops_add(t, host, hour, TOP_REASON, slice_head(text, i), n);
}

void
tops_delay(struct tops *t, unsigned host, int64_t hour, struct slice relay, struct slice to,
    int64_t ms, uint32_t n)
{
	char room[TOP_TEXT_MAX];
	size_t at = slice_upto_last(to, '@');

	if (ms < 0)
		return;
	if (relay.n > 0 && !slice_eq(relay, SLICE("none")))
		tops_add(t, host, hour, TOP_RELAY_DELAY, delaylist_entry(relay, ms, room), n);
	if (at > 0)
		tops_add(t, host, hour, TOP_RCPT_DELAY, delaylist_entry(slice_from(to, at), ms, room), n);
}

void
tops_unknown(struct tops *t, unsigned host, int64_t hour, struct slice tag, struct slice text)
{
	struct buf b = buf_new(TOP_TEXT_MAX);

	buf_add(&b, slice_head(tag, TOP_TEXT_MAX / 2));
	buf_str(&b, ": ");
	text = slice_head(text, TOP_TEXT_MAX - b.n);
	buf_add(&b, slice_head(text, trimmed(text, fixed_length(text))));
	tops_add(t, host, hour, TOP_UNKNOWN, buf_slice(&b), 1);
	buf_free(&b);
}

bool
tops_each(struct tops *t, tops_fn *f, void *arg)
{
	for (size_t i = 0; i < t->tables.n; i++) {
		const struct table *b = (const struct table *)t->tables.item[i];

		for (int k = 0; k < TOP_KIND_N; k++)
			if (b->list[k] != NULL &&
			    !f(arg, place_host(b->at), place_time(b->at), (enum top_kind)k, b->list[k]))
				return false;
	}
	return true;
}

void
tops_clear(struct tops *t)
{
	for (size_t i = 0; i < t->tables.n; i++)
		table_free((struct table *)t->tables.item[i]);
	places_keep(&t->tables, 0);
}

void
tops_free(struct tops *t)
{
	if (t == NULL)
		return;
	tops_clear(t);
	places_free(&t->tables);
	free(t);
}
