/* misuse_kept.c - see misuse_kept.h.
 *
 * Encoded: when the newest line was, the hours, whether there is a past; for each hour a table of accounts and one
 * of networks (users.h), all hosts together; and for each account its name, failed logins and how it differs from
 * its past. What the tables alone tell is not written: it is looked at again. */
#include "misuse_kept.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "misuse_past.h"
#include "misuse_priv.h"
#include "stateread_top.h"

#include "poison.h"

enum {
	VERSION = 1, HOURS_MAX = 3,
	MOST = 100		/* accounts; with more nothing is kept */
};

static bool
read_span(struct stateread *r, int64_t *first, int64_t *newest)
{
	const struct stateread_host *hosts;
	size_t n;

	if (!stateread_hosts(r, &hosts, &n, NULL))
		return false;
	*first = stateread_begin(r, hosts, n, STATEREAD_FARM);
	*newest = stateread_newest(hosts, n, STATEREAD_FARM);
	return *newest != 0;
}

/* --- whom to keep ---------------------------------------------------------------------- */

struct best {
	double v[MISUSE_SHOWN];
	const struct roster_one *one[MISUSE_SHOWN];
	const void *what[MISUSE_SHOWN];		/* its account or network */
	size_t n, room;
};

/* The largest first, of equal ones by name. */
static void
enter(struct best *b, double v, const struct roster_one *one, const void *what)
{
	size_t i = b->n;

	if (isnan(v))
		return;
	while (i > 0 && (v > b->v[i - 1] || (v >= b->v[i - 1] && roster_order(one, b->one[i - 1]) < 0)))
		i--;
	if (i == b->room)
		return;
	if (b->n < b->room)
		b->n++;
	for (size_t k = b->n - 1; k > i; k--) {
		b->v[k] = b->v[k - 1];
		b->one[k] = b->one[k - 1];
		b->what[k] = b->what[k - 1];
	}
	b->v[i] = v;
	b->one[i] = one;
	b->what[i] = what;
}

struct chosen {
	const void *what[MOST];
	size_t n;
	bool many;
};

static void
choose(struct chosen *c, const void *what)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->what[i] == what)
			return;
	if (c->n < MOST)
		c->what[c->n++] = what;
	else
		c->many = true;
}

static void
choose_best(struct chosen *c, const struct best *b)
{
	for (size_t i = 0; i < b->n; i++)
		choose(c, b->what[i]);
}

static void
choose_accounts(struct chosen *c, const struct misuse *m)
{
	for (int which = 0; which < MISUSE_MEASURES; which++) {
		bool shown = which == MISUSE_RECIPIENTS || which == MISUSE_FAILURES;
		struct best b = { .room = shown ? MISUSE_SHOWN : 1 };

		for (size_t i = 0; i < m->accounts; i++)
			enter(&b, misuse_value(m, &m->account[i], (enum misuse_measure)which), m->account[i].one, &m->account[i]);
		choose_best(c, &b);
	}
	for (size_t i = 0; i < m->accounts; i++)
		if (m->account[i].change != NULL && m->account[i].change->guessed != NULL)
			choose(c, &m->account[i]);
}

static void
choose_networks(struct chosen *c, const struct misuse *m)
{
	struct best attempts = { .room = MISUSE_SHOWN }, targets = { .room = 1 };

	for (size_t i = 0; i < m->networks; i++) {
		const struct misuse_network *n = &m->network[i];

		enter(&attempts, n->attempts, n->one, n);
		enter(&targets, n->targets, n->one, n);
	}
	choose_best(c, &attempts);
	choose_best(c, &targets);
}

/* --- writing --------------------------------------------------------------------------- */

/* What it did in each hour; hosts are added up. */
static bool
add_parts(struct users *hour, int64_t from, int64_t to, const struct roster_one *one)
{
	bool good = true;

	for (const struct roster_part *part = &one->first; part != NULL && good; part = part->next) {
		struct slice bytes = roster_bytes(part);
		struct users_part p;
		struct user *x;

		if (part->hour < from || part->hour >= to || !users_take(&bytes, &p))
			return false;
		x = users_get(&hour[part->hour - from], p.name);
		good = users_part_numbers(&p, x->num) && users_part_domains(&p, &x->domains) &&
		    users_part_visits(&p, part->hour, x);
	}
	return good;
}

static void
put_tables(struct buf *b, struct users *hour, int64_t from, int64_t to)
{
	for (int64_t h = from; h < to; h++) {
		struct buf table = buf_new(b->max);

		users_encode(&hour[h - from], h, &table);
		buf_text(b, buf_slice(&table));
		users_free(&hour[h - from]);
		buf_free(&table);
	}
}

static void
put_account(struct buf *b, const struct misuse_account *a)
{
	const struct misuse_change *c = a->change;

	buf_text(b, roster_name(a->one));
	buf_varint(b, a->failures);
	buf_varint(b, c != NULL);
	if (c == NULL)
		return;
	buf_double(b, c->usual);
	buf_double(b, c->rise);
	buf_double(b, c->domains);
	buf_double(b, c->networks);
	buf_text(b, c->guessed != NULL ? users_visit_name(c->guessed) : SLICE(""));
}

static bool
put_all(struct buf *b, const struct misuse *m, int64_t newest, int64_t from, int64_t to)
{
	struct users hour[USERS_TABLES][HOURS_MAX] = { { { 0 } } };
	struct chosen accounts = { .n = 0 }, networks = { .n = 0 };
	bool good = true;

	choose_accounts(&accounts, m);
	choose_networks(&networks, m);
	for (size_t i = 0; i < accounts.n; i++)
		good &= add_parts(hour[USERS_ACCOUNTS], from, to,
		    ((const struct misuse_account *)accounts.what[i])->one);
	for (size_t i = 0; i < networks.n; i++)
		good &= add_parts(hour[USERS_NETWORKS], from, to,
		    ((const struct misuse_network *)networks.what[i])->one);
	buf_varint(b, VERSION);
	buf_zigzag(b, newest);
	buf_zigzag(b, from);
	buf_zigzag(b, to);
	buf_varint(b, m->past);
	put_tables(b, hour[USERS_ACCOUNTS], from, to);
	put_tables(b, hour[USERS_NETWORKS], from, to);
	buf_varint(b, accounts.n);
	for (size_t i = 0; i < accounts.n; i++)
		put_account(b, accounts.what[i]);
	return good && !accounts.many && !networks.many && !b->full;
}

/* As check_mail_accounts has them at that time, when it is not told otherwise. */
static void
usual_hours(int64_t as_of, int64_t *from, int64_t *to)
{
	int64_t minute = (as_of + 59) / 60;

	*from = (minute - MISUSE_WINDOW_S / 60) / 60;
	*to = (minute + 59) / 60;
}

bool
misuse_keep(struct buf *b, struct stateread *r, struct err *e)
{
	const struct misuse_set set = { .min_rcpt = MISUSE_MIN_RCPT, .base = MISUSE_BASE, .tries = MISUSE_TRIES };
	int64_t first, newest, from, to;
	struct misuse m;
	bool good;

	if (!read_span(r, &first, &newest))
		return true;	/* no line yet */
	usual_hours(newest, &from, &to);
	good = misuse_read(&m, &set, r, STATEREAD_FARM, first, from, to, e);
	if (!good || !put_all(b, &m, newest, from, to))
		buf_clear(b);
	misuse_free(&m);
	return good;
}

/* --- reading --------------------------------------------------------------------------- */

static bool
take_tables(struct misuse_own *o, enum users_table which, struct slice *s)
{
	struct slice table;

	for (int64_t h = o->from; h < o->to; h++)
		if (!slice_text(s, &table) || !roster_add(&o->roster[which], h, table, false))
			return false;
	return true;
}

static const struct users_visit *
visit_named(const struct user *u, struct slice name)
{
	for (unsigned i = 0; i < u->ok.n; i++)
		if (slice_eq(users_visit_name(&u->ok.v[i]), name))
			return &u->ok.v[i];
	return NULL;
}

static bool
take_change(struct misuse_own *o, struct misuse_account *a, struct misuse_change *c, struct slice *s)
{
	struct slice guessed;

	if (!slice_double(s, &c->usual) || !slice_double(s, &c->rise) || !slice_double(s, &c->domains) ||
	    !slice_double(s, &c->networks) || !slice_text(s, &guessed))
		return false;
	c->guessed = guessed.n > 0 ? visit_named(misuse_whole(o, USERS_ACCOUNTS, a->one), guessed) : NULL;
	a->change = c;
	return guessed.n == 0 || c->guessed != NULL;
}

static struct misuse_account *
account_named(const struct misuse *m, struct slice name)
{
	for (size_t i = 0; i < m->accounts; i++)
		if (slice_eq(roster_name(m->account[i].one), name))
			return &m->account[i];
	return NULL;
}

static bool
take_accounts(struct misuse *m, struct slice *s)
{
	uint64_t n, failures, changes;
	struct slice name;

	if (!slice_varint(s, &n) || n != m->accounts)
		return false;
	m->own->change = xcalloc(n + 1, sizeof *m->own->change);
	for (uint64_t i = 0; i < n; i++) {
		struct misuse_account *a;

		if (!slice_text(s, &name) || (a = account_named(m, name)) == NULL || !slice_varint(s, &failures) ||
		    !slice_varint(s, &changes) || failures > UINT32_MAX)
			return false;
		misuse_count_failures(m->own, a, (uint32_t)failures);
		if (changes != 0 && !take_change(m->own, a, &m->own->change[i], s))
			return false;
	}
	return s->n == 0;
}

static bool
decode(struct misuse *m, const struct misuse_set *set, struct slice s, int64_t newest)
{
	struct misuse_own *o = m->own;
	uint64_t version, past;
	int64_t then, from, to;

	if (!slice_varint(&s, &version) || version != VERSION || !slice_zigzag(&s, &then) ||
	    !slice_zigzag(&s, &from) || !slice_zigzag(&s, &to) || !slice_varint(&s, &past) ||
	    newest - then > 2 * MISUSE_KEPT_S || from != o->from || to != o->to || to - from > HOURS_MAX)
		return false;
	m->past = past != 0;
	if (!take_tables(o, USERS_ACCOUNTS, &s) || !take_tables(o, USERS_NETWORKS, &s))
		return false;
	misuse_look(m, set);
	return take_accounts(m, &s) && !o->damaged;
}

static bool
is_usual(const struct misuse_set *set)
{
	return set->min_rcpt == MISUSE_MIN_RCPT && set->base == MISUSE_BASE && set->tries == MISUSE_TRIES &&
	    set->except.n == 0 && set->except_file == NULL && !set->all_networks;
}

bool
misuse_kept(struct misuse *m, const struct misuse_set *set, struct stateread *r, int64_t from, int64_t to)
{
	struct buf b = buf_new(1 << 20);
	int64_t first, newest;
	bool good;

	if (!is_usual(set) || !read_span(r, &first, &newest) || !stateread_kept(r, TOP_MISUSE, &b)) {
		buf_free(&b);
		return false;
	}
	*m = (struct misuse){ .own = xcalloc(1, sizeof *m->own) };
	m->own->from = from;
	m->own->to = to;
	good = decode(m, set, buf_slice(&b), newest);
	buf_free(&b);
	if (!good)
		misuse_free(m);
	return good;
}
