/* misuse.c - see misuse.h. */
#include "misuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "misuse_past.h"
#include "misuse_priv.h"
#include "wholefile.h"

#include "poison.h"

enum { FILE_MAX = 4 << 20, MANY_PROVIDERS = 2 };

/* --- reading --------------------------------------------------------------------------- */

static bool
take_hour(void *arg, int host, int64_t hour, struct slice accounts, struct slice networks)
{
	struct misuse_own *o = arg;

	(void)host;
	o->damaged |= accounts.n > 0 && !roster_add(&o->roster[USERS_ACCOUNTS], hour, accounts, false);
	o->damaged |= networks.n > 0 &&
	    !roster_add(&o->roster[USERS_NETWORKS], hour, networks, !o->all_networks);
	return !o->damaged;
}

static void
except_line(struct users *except, struct slice s)
{
	struct slice one;
	char low[USERS_TEXT];

	while (slice_next(&s, ',', &one)) {
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
	while (slice_next(&s, '\n', &line)) {
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

const struct user *
misuse_whole(struct misuse_own *o, enum users_table which, const struct roster_one *one)
{
	struct user *x = users_find(&o->whole[which], roster_name(one));

	if (x == NULL) {
		x = users_get(&o->whole[which], roster_name(one));
		o->damaged |= !roster_numbers(one, x->num) || !roster_visits(one, x);
	}
	return x;
}

const struct user *
misuse_account(const struct misuse *m, const struct misuse_account *a)
{
	return misuse_whole(m->own, USERS_ACCOUNTS, a->one);
}

const struct user *
misuse_network(const struct misuse *m, const struct misuse_network *n)
{
	return misuse_whole(m->own, USERS_NETWORKS, n->one);
}

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

double
misuse_providers(const struct misuse *m, const struct misuse_account *a)
{
	return count_providers(misuse_account(m, a), NULL);
}

/* A number of a network; 0: it is not among those that failed. */
static double
number_of(const struct misuse_own *o, struct slice network, enum users_number number)
{
	const struct roster_one *net = roster_find(&o->roster[USERS_NETWORKS], network);
	int64_t num[USER_N] = { 0 };

	/* what is damaged was found when the networks were looked at */
	return net != NULL && roster_numbers(net, num) && num[number] > 0 ? (double)num[number] : 0;
}

/* Failed logins that the asked server told of, and those of which only the password service
 * said whose they were, as far as the server told of as many without a name. */
static double
count_failures(const struct misuse_own *o, const struct user *u)
{
	double n = user_number(u, USER_FAILED);

	for (unsigned i = 0; i < u->failed.n; i++) {
		const struct users_visit *v = &u->failed.v[i];

		if (v->other > v->n)
			n += fmin((double)(v->other - v->n),
			    number_of(o, users_visit_name(v), USER_NAMELESS));
	}
	return n;
}

struct sent {
	uint32_t messages, recipients;	/* of the busiest hour so far */
	int32_t hour;
	bool any;
};

/* Corrections on their way can leave less than nothing; what is absurd stays so. */
static uint32_t
count_of(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void
end_hour(struct sent *s, int32_t hour, int64_t messages, int64_t recipients)
{
	if (!s->any || recipients > (int64_t)s->recipients)
		*s = (struct sent){ count_of(messages), count_of(recipients), hour, true };
}

/* Parts without a message are no sending. */
static struct sent
busiest_hour(struct misuse_own *o, const struct roster_one *one)
{
	struct sent s = { .hour = (int32_t)o->from };
	int64_t messages = 0, recipients = 0;
	bool any = false;

	for (const struct roster_part *part = &one->first; part != NULL; part = part->next) {
		int64_t m = 0, n = 0;

		o->damaged |= !users_sent(roster_bytes(part), &m, &n);
		if (m != 0) {
			messages += m;
			recipients += n;
			any = true;
		}
		if (part->next != NULL && part->next->hour == part->hour)
			continue;
		if (any)
			end_hour(&s, part->hour, messages, recipients);
		messages = recipients = 0;
		any = false;
	}
	return s;
}

/* The domains of its busiest hour. */
static void
sum_domains(struct misuse_own *o, const struct misuse_account *a, struct cell *c)
{
	for (const struct roster_part *part = &a->one->first; part != NULL; part = part->next) {
		struct slice bytes = roster_bytes(part);
		struct users_part p;

		if (part->hour == a->hour && users_take(&bytes, &p) && (p.has & 1u << USER_MSGS) != 0)
			o->damaged |= !users_part_domains(&p, c);
	}
}

double
misuse_domains(const struct misuse *m, const struct misuse_account *a)
{
	struct cell c = { 0 };
	double n;

	sum_domains(m->own, a, &c);
	n = users_domains(&c);
	cell_free(&c);
	return n;
}

double
misuse_bounced(const struct misuse *m, const struct misuse_account *a)
{
	const struct user *u = misuse_account(m, a);
	double done = user_number(u, USER_DONE) + user_number(u, USER_BOUNCED);

	return done > 0 ? 100 * user_number(u, USER_BOUNCED) / done : (double)NAN;
}

double
misuse_deferred(const struct misuse *m, const struct misuse_account *a)
{
	const struct user *u = misuse_account(m, a);
	double rcpts = user_number(u, USER_RCPTS);

	return rcpts > 0 ? fmin(100, 100 * user_number(u, USER_DEFERRED) / rcpts) : (double)NAN;
}

double
misuse_value(const struct misuse *m, const struct misuse_account *a, enum misuse_measure which)
{
	bool sends = !a->exempt && a->judged, changes = !a->exempt && a->change != NULL;

	switch (which) {
	case MISUSE_RISE: return sends && changes ? a->change->rise : (double)NAN;
	case MISUSE_RECIPIENTS: return a->exempt ? (double)NAN : a->recipients;
	case MISUSE_MESSAGES: return a->exempt ? (double)NAN : a->messages;
	case MISUSE_DOMAINS: return sends && changes ? a->change->domains : (double)NAN;
	case MISUSE_NETWORKS: return changes ? a->change->networks : (double)NAN;
	case MISUSE_BOUNCED: return sends ? misuse_bounced(m, a) : (double)NAN;
	case MISUSE_DEFERRED: return sends ? misuse_deferred(m, a) : (double)NAN;
	case MISUSE_FAILURES: return a->failures;
	case MISUSE_SOURCES: return a->sources;
	default: return (double)NAN;
	}
}

void
misuse_count_failures(struct misuse_own *o, struct misuse_account *a, uint32_t failures)
{
	a->failures = failures;
	a->sources = failures == 0 ? 0 :
	    fmin(users_set_size(&misuse_whole(o, USERS_ACCOUNTS, a->one)->failed), (double)failures);
}

static void
look_at_account(struct misuse_own *o, const struct misuse_set *set, const struct roster_one *one,
    struct misuse_account *a)
{
	struct sent s = busiest_hour(o, one);

	*a = (struct misuse_account){ .one = one, .hour = s.hour, .messages = s.messages,
		.recipients = s.recipients, .exempt = is_exempt(&o->except, roster_name(one)),
		.judged = (int64_t)s.recipients >= set->min_rcpt };
	if (one->failed)
		misuse_count_failures(o, a, count_of((int64_t)count_failures(o,
		    misuse_whole(o, USERS_ACCOUNTS, one))));
}

static void
look_at_network(struct misuse_own *o, const struct roster_one *one, struct misuse_network *n)
{
	int64_t num[USER_N] = { 0 };

	o->damaged |= !roster_numbers(one, num);
	*n = (struct misuse_network){ one, is_exempt(&o->except, roster_name(one)),
		num[USER_FAILED] > 0 ? (double)num[USER_FAILED] : 0, 0 };
	if (n->attempts <= 0 || one->faileds == 0)
		return;
	n->targets = one->first.next == NULL && !one->more ? one->faileds :
	    users_set_size(&misuse_whole(o, USERS_NETWORKS, one)->failed);
	n->targets = fmin(n->targets, n->attempts);
}

/* --- against the past ------------------------------------------------------------------ */

/* A login from a provider that the account does not know, after many failed ones: of the account,
 * or from that network, whoever's. */
static const struct users_visit *
find_guessed(const struct misuse_own *o, const struct misuse_set *set, const struct misuse_account *a,
    const struct user *u)
{
	int64_t since = INT64_MAX;

	for (unsigned i = 0; i < u->failed.n; i++)
		if (u->failed.v[i].at < since)
			since = u->failed.v[i].at;
	for (unsigned i = 0; i < u->ok.n; i++) {
		const struct users_visit *v = &u->ok.v[i];
		double tried = number_of(o, users_visit_name(v), USER_FAILED);

		if (misuse_knows(o->past, user_name(u), misuse_provider(users_visit_name(v))))
			continue;
		if (tried >= (double)set->tries || (v->at > since && (int64_t)a->failures >= set->tries))
			return v;
	}
	return NULL;
}

static void
compare(struct misuse_own *o, const struct misuse_set *set, struct misuse_account *a)
{
	struct misuse_change *c = &o->change[users_place(&o->wanted, roster_name(a->one))];
	const struct user *u = misuse_whole(o, USERS_ACCOUNTS, a->one);
	struct cell domains = { 0 };

	sum_domains(o, a, &domains);
	c->usual = misuse_usual(o->past, roster_name(a->one));
	c->rise = (double)a->recipients / fmax(c->usual, (double)(set->base > 0 ? set->base : 1));
	c->domains = misuse_new_domains(o->past, roster_name(a->one), &domains);
	c->networks = count_providers(u, o->past);
	c->guessed = find_guessed(o, set, a, u);
	a->change = c;
	cell_free(&domains);
}

/* Was it used from a network that tried so often? */
static bool
from_guesser(const struct misuse_own *o, const struct misuse_account *a, double tries)
{
	for (const struct roster_part *part = &a->one->first; part != NULL; part = part->next) {
		struct slice bytes = roster_bytes(part), name;
		struct users_part p;
		struct users_seen v;

		if (users_take(&bytes, &p))
			while (users_next(&p.ok, &name, &v))
				if (number_of(o, name, USER_FAILED) >= tries)
					return true;
	}
	return false;
}

/* Whose past is worth reading. */
static bool
is_wanted(const struct misuse *m, const struct misuse_set *set, const struct misuse_account *a)
{
	double tries = (double)set->tries;

	return a->judged || (a->one->oks > 0 && ((double)a->failures >= tries ||
	    (a->one->oks >= MANY_PROVIDERS && misuse_providers(m, a) >= MANY_PROVIDERS) ||
	    from_guesser(m->own, a, tries)));
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
		if (is_wanted(m, set, &m->account[i]))
			(void)users_get(&o->wanted, roster_name(m->account[i].one));
	if (o->wanted.n == 0)
		return true;
	o->past = misuse_past_read(r, host, &o->wanted, o->from, o->to, first_hour, e);
	o->change = xcalloc(o->wanted.n, sizeof *o->change);
	for (size_t i = 0; o->past != NULL && i < m->accounts; i++)
		if (users_find(&o->wanted, roster_name(m->account[i].one)) != NULL)
			compare(o, set, &m->account[i]);
	return o->past != NULL;
}

void
misuse_look(struct misuse *m, const struct misuse_set *set)
{
	struct misuse_own *o = m->own;
	const struct roster *accounts = &o->roster[USERS_ACCOUNTS], *nets = &o->roster[USERS_NETWORKS];

	m->network = xcalloc(nets->n + 1, sizeof *m->network);
	for (const struct roster_one *one = nets->first; one != NULL; one = one->next)
		look_at_network(o, one, &m->network[m->networks++]);
	m->account = xreallocarray(NULL, accounts->n + 1, sizeof *m->account);
	for (const struct roster_one *one = accounts->first; one != NULL; one = one->next)
		look_at_account(o, set, one, &m->account[m->accounts++]);
}

bool
misuse_read(struct misuse *m, const struct misuse_set *set, struct stateread *r, int host,
    int64_t first, int64_t from, int64_t to, struct err *e)
{
	struct misuse_own *o = xcalloc(1, sizeof *o);

	*m = (struct misuse){ .own = o };
	o->from = from;
	o->to = to;
	o->all_networks = set->all_networks;
	if (!read_exceptions(&o->except, set, e) || !stateread_users(r, host, from, to, take_hour, o, e))
		return false;
	if (!o->damaged)
		misuse_look(m, set);
	if (!o->damaged && !compare_all(m, set, r, host, first, e))
		return false;
	return !o->damaged || err_set(e, "the state is damaged: a table of accounts cannot be read");
}

void
misuse_free(struct misuse *m)
{
	struct misuse_own *o = m->own;

	misuse_past_free(o->past);
	for (int k = 0; k < USERS_TABLES; k++) {
		roster_free(&o->roster[k]);
		users_free(&o->whole[k]);
	}
	users_free(&o->except);
	users_free(&o->wanted);
	free(o->change);
	free(o);
	free(m->account);
	free(m->network);
}
