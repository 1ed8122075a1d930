/* misuse.c - see misuse.h. */
#include "misuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "misuse_past.h"
#include "wholefile.h"

#include "poison.h"

enum { FILE_MAX = 4 << 20, MANY_PROVIDERS = 2 };

/* What accounts sent in an hour, by their place in the window. */
struct hour {
	struct { bool any; int64_t messages, recipients; struct cell domains; } *sent;
	uint32_t n;
};

struct misuse_own {
	struct hour *hour;		/* of the window */
	struct hour *reading;
	struct users window[USERS_TABLES];
	struct users except, wanted;
	struct misuse_past *past;
	int64_t from;
	size_t hours;
	bool damaged;
};

/* --- reading --------------------------------------------------------------------------- */

static void
take_sent(void *arg, uint32_t place, const int64_t num[USER_N], const struct cell *domains)
{
	struct misuse_own *o = arg;
	struct hour *h = o->reading;

	if (num[USER_MSGS] == 0)
		return;
	if (place >= h->n) {
		uint32_t n = o->window[USERS_ACCOUNTS].cap;

		h->sent = xreallocarray(h->sent, n, sizeof *h->sent);
		memset(h->sent + h->n, 0, (n - h->n) * sizeof *h->sent);
		h->n = n;
	}
	h->sent[place].any = true;
	h->sent[place].messages += num[USER_MSGS];
	h->sent[place].recipients += num[USER_RCPTS];
	cell_merge(&h->sent[place].domains, domains);
}

static bool
take_hour(void *arg, int host, int64_t hour, struct slice accounts, struct slice networks)
{
	struct misuse_own *o = arg;

	(void)host;
	o->reading = &o->hour[hour - o->from];
	o->damaged |= accounts.n > 0 &&
	    !users_decode_each(&o->window[USERS_ACCOUNTS], hour, accounts, take_sent, o);
	o->damaged |= networks.n > 0 &&
	    !users_decode(&o->window[USERS_NETWORKS], hour, networks, NULL);
	return !o->damaged;
}

static void
except_line(struct users *except, struct slice s)
{
	struct slice one;
	char low[USERS_TEXT];

	while (s.n > 0) {
		if (!slice_cut(&s, ',', &one)) {
			one = s;
			s = slice_from(s, s.n);
		}
		one = slice_head(slice_trim(one), sizeof low);
		for (size_t i = 0; i < one.n; i++)
			low[i] = slice_lower(one.p[i]);
		if (one.n > 0)
			(void)users_get(except, (struct slice){ low, one.n });
	}
}

static bool
read_exceptions(struct users *except, const struct misuse_set *set, struct err *e)
{
	struct buf b = buf_new(FILE_MAX);
	struct slice s, line, remark;

	for (size_t i = 0; i < set->except.n; i++)
		except_line(except, slice_of(set->except.v[i]));
	if (set->except_file == NULL)
		return true;
	if (!wholefile_read(&b, set->except_file, e)) {
		buf_free(&b);
		return false;
	}
	s = b.n > 0 ? buf_slice(&b) : SLICE("");
	while (s.n > 0) {
		if (!slice_cut(&s, '\n', &line)) {
			line = s;
			s = slice_from(s, s.n);
		}
		if (slice_cut(&line, '#', &remark))
			line = remark;
		except_line(except, line);
	}
	buf_free(&b);
	return true;
}

/* By its name, or an account by "@" and its domain. */
static bool
is_exempt(const struct users *except, struct slice name)
{
	size_t at = name.n;

	if (except->n == 0)
		return false;
	while (at > 0 && name.p[at - 1] != '@')
		at--;
	return users_find(except, name) != NULL ||
	    (at > 0 && users_find(except, slice_from(name, at - 1)) != NULL);
}

struct slice
misuse_provider(struct slice network)
{
	char sep = memchr(network.p, ':', network.n) != NULL ? ':' : '.';
	unsigned seen = 0;

	for (size_t i = 0; i < network.n; i++)
		if (network.p[i] == sep && ++seen == 2)
			return slice_head(network, i);
	return network;
}

/* --- accounts -------------------------------------------------------------------------- */

/* Providers it was used from to send; those that it does not know where past is not NULL. A set
 * that is full is a sample. */
static double
count_providers(const struct user *u, const struct misuse_past *past)
{
	const struct users_set *s = &u->ok;
	struct slice found[USERS_KEEP];
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct slice p = misuse_provider(users_visit_name(&s->v[i]));
		unsigned k = 0;

		while (k < n && !slice_eq(found[k], p))
			k++;
		if (k == n && s->v[i].n > 0 && (past == NULL || !misuse_knows(past, user_name(u), p)))
			found[n++] = p;
	}
	return s->more ? n * users_set_size(s) / s->n : n;
}

/* Failed logins that the asked server told of, and those of which only the password service
 * said whose they were, as far as the server told of as many without a name. */
static double
count_failures(const struct misuse_own *o, const struct user *u)
{
	double n = user_number(u, USER_FAILED);

	for (unsigned i = 0; i < u->failed.n; i++) {
		const struct users_visit *v = &u->failed.v[i];
		const struct user *net = users_find(&o->window[USERS_NETWORKS], users_visit_name(v));

		if (v->other > v->n && net != NULL)
			n += fmin((double)(v->other - v->n), user_number(net, USER_NAMELESS));
	}
	return n;
}

static void
look_at_hours(const struct misuse_own *o, uint32_t place, struct misuse_account *a)
{
	static const struct cell none;
	bool any = false;

	a->worst = (struct misuse_sent){ .domains = &none };
	a->hour = o->from;
	for (size_t i = 0; i < o->hours; i++) {
		const struct hour *h = &o->hour[i];
		double recipients;

		if (place >= h->n || !h->sent[place].any)
			continue;
		/* corrections on their way can leave less than nothing */
		recipients = fmax((double)h->sent[place].recipients, 0);
		if (any && recipients <= a->worst.recipients)
			continue;
		any = true;
		a->worst = (struct misuse_sent){ fmax((double)h->sent[place].messages, 0), recipients,
			&h->sent[place].domains };
		a->hour = o->from + (int64_t)i;
	}
}

static void
look_at_account(const struct misuse_own *o, const struct misuse_set *set, uint32_t place,
    struct misuse_account *a)
{
	const struct user *u = a->window = o->window[USERS_ACCOUNTS].user[place];
	double rcpts = user_number(u, USER_RCPTS);
	double done = user_number(u, USER_DONE) + user_number(u, USER_BOUNCED);

	look_at_hours(o, place, a);
	a->exempt = is_exempt(&o->except, user_name(u));
	a->judged = a->worst.recipients >= (double)set->min_rcpt;
	a->providers = count_providers(u, NULL);
	a->bounced = done > 0 ? 100 * user_number(u, USER_BOUNCED) / done : (double)NAN;
	a->deferred = rcpts > 0 ? fmin(100, 100 * user_number(u, USER_DEFERRED) / rcpts) : (double)NAN;
	a->failures = count_failures(o, u);
	a->sources = a->failures > 0 ? fmin(users_set_size(&u->failed), a->failures) : 0;
	a->domains = a->networks = a->rise = (double)NAN;
}

/* A login from a provider that the account does not know, after many failed ones: of the account,
 * or from that network, whoever's. */
static const struct users_visit *
find_guessed(const struct misuse_own *o, const struct misuse_set *set, const struct misuse_account *a)
{
	const struct user *u = a->window;
	int64_t since = INT64_MAX;

	for (unsigned i = 0; i < u->failed.n; i++)
		if (u->failed.v[i].at < since)
			since = u->failed.v[i].at;
	for (unsigned i = 0; i < u->ok.n; i++) {
		const struct users_visit *v = &u->ok.v[i];
		const struct user *net = users_find(&o->window[USERS_NETWORKS], users_visit_name(v));
		double tried = net != NULL ? user_number(net, USER_FAILED) : 0;

		if (misuse_knows(o->past, user_name(u), misuse_provider(users_visit_name(v))))
			continue;
		if (tried >= (double)set->tries || (v->at > since && a->failures >= (double)set->tries))
			return v;
	}
	return NULL;
}

static void
compare(const struct misuse_own *o, const struct misuse_set *set, struct misuse_account *a)
{
	struct slice name = user_name(a->window);

	a->usual = misuse_usual(o->past, name);
	a->rise = a->worst.recipients / fmax(a->usual, (double)(set->base > 0 ? set->base : 1));
	a->domains = misuse_new_domains(o->past, name, a->worst.domains);
	a->networks = count_providers(a->window, o->past);
	a->guessed = find_guessed(o, set, a);
}

/* Whose past is worth reading. */
static bool
is_wanted(const struct misuse_account *a, const struct misuse_set *set, const struct misuse_own *o)
{
	if (a->judged || a->providers >= MANY_PROVIDERS ||
	    (a->failures >= (double)set->tries && a->window->ok.n > 0))
		return true;
	for (unsigned i = 0; i < a->window->ok.n; i++) {
		const struct user *net = users_find(&o->window[USERS_NETWORKS],
		    users_visit_name(&a->window->ok.v[i]));

		if (net != NULL && user_number(net, USER_FAILED) >= (double)set->tries)
			return true;
	}
	return false;
}

static bool
compare_all(struct misuse *m, const struct misuse_set *set, struct stateread *r, int host,
    int64_t first, struct err *e)
{
	struct misuse_own *o = m->own;
	int64_t first_hour = (first + 3599) / 3600;

	m->past = o->from - first_hour >= MISUSE_NEEDED_DAYS * 24;
	if (!m->past)
		return true;
	for (size_t i = 0; i < m->accounts; i++)
		if (is_wanted(&m->account[i], set, o))
			(void)users_get(&o->wanted, user_name(m->account[i].window));
	if (o->wanted.n == 0)
		return true;
	o->past = misuse_past_read(r, host, &o->wanted, o->from, o->from + (int64_t)o->hours, first_hour, e);
	for (size_t i = 0; o->past != NULL && i < m->accounts; i++)
		if (users_find(&o->wanted, user_name(m->account[i].window)) != NULL)
			compare(o, set, &m->account[i]);
	return o->past != NULL;
}

bool
misuse_read(struct misuse *m, const struct misuse_set *set, struct stateread *r, int host,
    int64_t first, int64_t from, int64_t to, struct err *e)
{
	struct misuse_own *o = xcalloc(1, sizeof *o);
	const struct users *nets = &o->window[USERS_NETWORKS];

	*m = (struct misuse){ .own = o };
	o->from = from;
	o->hours = (size_t)(to - from);
	o->hour = xcalloc(o->hours, sizeof *o->hour);
	if (!read_exceptions(&o->except, set, e) || !stateread_users(r, host, from, to, take_hour, o, e))
		return false;
	if (o->damaged)
		return err_set(e, "the state is damaged: a table of accounts cannot be read");
	m->accounts = o->window[USERS_ACCOUNTS].n;
	m->account = xcalloc(m->accounts + 1, sizeof *m->account);
	for (uint32_t i = 0; i < m->accounts; i++)
		look_at_account(o, set, i, &m->account[i]);
	m->networks = nets->n;
	m->network = xcalloc(m->networks + 1, sizeof *m->network);
	for (size_t i = 0; i < m->networks; i++) {
		const struct user *u = nets->user[i];
		double failed = user_number(u, USER_FAILED);

		m->network[i] = (struct misuse_network){ u, is_exempt(&o->except, user_name(u)),
			failed, failed > 0 ? fmin(users_set_size(&u->failed), failed) : 0 };
	}
	return compare_all(m, set, r, host, first, e);
}

void
misuse_free(struct misuse *m)
{
	struct misuse_own *o = m->own;

	misuse_past_free(o->past);
	for (size_t h = 0; h < o->hours; h++) {
		for (uint32_t i = 0; i < o->hour[h].n; i++)
			cell_free(&o->hour[h].sent[i].domains);
		free(o->hour[h].sent);
	}
	for (int k = 0; k < USERS_TABLES; k++)
		users_free(&o->window[k]);
	users_free(&o->except);
	users_free(&o->wanted);
	free(o->hour);
	free(o);
	free(m->account);
	free(m->network);
}
