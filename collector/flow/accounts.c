/* accounts.c - see accounts.h. */
#include "flow/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "flow/places.h"
#include "flow/top.h"
#include "mem.h"

#include "poison.h"

struct table {
	uint64_t at;		/* host and hour */
	struct users users[USERS_TABLES];
};

struct accounts {
	struct hash_key key;
	struct places tables;
	size_t dropped;
};

struct accounts *
accounts_new(const struct hash_key *key)
{
	struct accounts *a = xcalloc(1, sizeof *a);

	a->key = *key;
	places_init(&a->tables);
	return a;
}

void
accounts_clear(struct accounts *a)
{
	for (size_t i = 0; i < a->tables.n; i++) {
		struct table *t = (struct table *)a->tables.item[i];

		for (int k = 0; k < USERS_TABLES; k++)
			users_free(&t->users[k]);
		free(t);
	}
	places_keep(&a->tables, 0);
}

void
accounts_free(struct accounts *a)
{
	if (a == NULL)
		return;
	accounts_clear(a);
	places_free(&a->tables);
	free(a);
}

/* A name in lower case: clients spell accounts as their owners typed them. */
static struct slice
low(struct slice name, char to[USERS_TEXT])
{
	name = slice_head(slice_trim(name), USERS_TEXT);
	for (size_t i = 0; i < name.n; i++)
		to[i] = slice_lower(name.p[i]);
	return (struct slice){ to, name.n };
}

static struct user *
user_of(struct accounts *a, unsigned host, int64_t time, enum users_table which, struct slice name)
{
	struct table *t = places_get(&a->tables, place_of(host, time >= 0 ? time / 3600 : -1), sizeof *t);
	struct users *u = &t->users[which];

	if (u->n >= 2 * ACCOUNTS_MAX)
		a->dropped += users_prune(u, ACCOUNTS_MAX);
	return users_get(u, name);
}

/* What a line says of a login. */
struct login {
	enum users_number number;
	bool failed;
	bool counts;		/* not only said beside the line that counts */
	bool other;		/* of a visit: other, not n */
};

static bool
login_of(const struct event *e, struct login *l)
{
	l->failed = e->kind != EV_AUTH_OK;
	l->counts = e->kind != EV_INFO;
	l->number = l->failed ? USER_FAILED : e->mailbox ? USER_BOX : USER_OK;
	l->other = !l->counts || l->number == USER_BOX;
	/* the service says which account, where the server that asked does not */
	return l->counts || slice_eq(e->sub, SLICE("password_mismatch")) ||
	    slice_eq(e->sub, SLICE("unknown_user"));
}

void
accounts_login(struct accounts *a, unsigned host, int64_t time, const struct event *e, uint32_t n)
{
	char text[TOP_NETWORK_MAX], name_low[USERS_TEXT];
	struct slice name = low(e->sasl_user, name_low), network;
	bool from = !e->loopback && top_network(e->client_ip, text);
	uint32_t times, other;
	struct user *u;
	struct login l;

	if ((name.n == 0 && !from) || !login_of(e, &l))
		return;
	network = from ? slice_of(text) : SLICE("");
	times = l.other ? 0 : n;
	other = l.other ? n : 0;
	if (name.n > 0) {
		u = user_of(a, host, time, USERS_ACCOUNTS, name);
		if (l.counts)
			u->num[l.number] += n;
		if (from)
			user_visit(u, &a->key, l.failed, network, times, other, time);
	}
	if (from) {
		u = user_of(a, host, time, USERS_NETWORKS, network);
		if (l.counts)
			u->num[l.number] += n;
		if (l.counts && l.failed && name.n == 0)
			u->num[USER_NAMELESS] += n;
		if (name.n > 0)
			user_visit(u, &a->key, l.failed, name, times, other, time);
	}
}

struct user *
accounts_mail(struct accounts *a, unsigned host, int64_t time, struct slice account)
{
	char name[USERS_TEXT];

	return user_of(a, host, time, USERS_ACCOUNTS, low(account, name));
}

uint32_t
accounts_domain(const struct accounts *a, struct slice address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return users_domain(&a->key, slice_from(address, at));
}

bool
accounts_any(const struct accounts *a)
{
	return a->tables.n > 0;
}

bool
accounts_each(struct accounts *a, accounts_fn *f, void *arg)
{
	for (size_t i = 0; i < a->tables.n; i++) {
		const struct table *t = (const struct table *)a->tables.item[i];

		if (!f(arg, place_host(t->at), place_time(t->at), t->users))
			return false;
	}
	return true;
}

size_t
accounts_dropped(struct accounts *a)
{
	size_t n = a->dropped;

	a->dropped = 0;
	return n;
}

void
accounts_drop(struct accounts *a, size_t n)
{
	a->dropped += n;
}
