/* count.c - what the facts of a queue id give to the counts.
 *
 * Pure: the same set of facts gives the same numbers in whatever order it came.
 * The facts are sorted by their time and cut into lives, since ids are used again:
 * a life begins with client= or a pickup, or with another first line (message-id, qmgr) after the
 * id was removed. Facts of bonds (FROM, INTO, verdicts) are found by time.
 *
 * The books: a recipient enters once (b_in), where the mail entered the farm, and
 * leaves once. A hand-over to a filter is no leaving; the mail that comes back is no
 * entering. What a removed mail does not explain is b_lost. */
#include "flow/mail.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"

#include "poison.h"

enum {
	FEW = 24,		/* facts that need no memory of their own */
	SKEW_S = 2,		/* processes of one machine stamp their lines this much apart */
	RESENT_S = 60,		/* Message-ID and Resent-Message-ID are logged together */
	BOND_BEFORE_S = 120,	/* the next mail may begin this long before the transmission... */
	BOND_AFTER_S = 300	/* ...or be stamped this long after its end */
};

/* A life of an id: facts[from..to), sorted by time. */
struct life {
	const struct fact *fact;
	uint32_t n;
	const struct fact *bond;	/* all bonds of the id, see belongs() */
	uint32_t n_bonds;
	bool first, last;		/* of the lives: takes what is before, after */
	int64_t until;			/* the next life begins then */
	int sign;
	unsigned host;
	struct tally *t;
};

/* The order of facts with the same second: as a mail goes. */
static int
rank(const struct fact *f)
{
	switch (f->kind) {
	case FACT_CLIENT: case FACT_PICKUP: return 0;
	case FACT_MSGID: return 1;
	case FACT_QUEUED: return 2;
	case FACT_DEFERRED: return 3;
	case FACT_REMOVED: return 6;
	case FACT_EXPIRED: return 5;
	default: return 4;
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return rank(x) - rank(y);
}

static void
sort_facts(struct fact *f, uint32_t n)
{
	/* nearly always in order already */
	for (uint32_t i = 1; i < n; i++) {
		if (by_time(&f[i - 1], &f[i]) <= 0)
			continue;
		if (n > 64) {
			qsort(f, n, sizeof *f, by_time);
			return;
		}
		for (uint32_t k = i; k > 0 && by_time(&f[k - 1], &f[k]) > 0; k--) {
			struct fact x = f[k];

			f[k] = f[k - 1];
			f[k - 1] = x;
		}
	}
}

static bool
is_bond(enum fact_kind k)
{
	return k == FACT_FROM || k == FACT_INTO || k == FACT_DSN_OF || k == FACT_VERDICT;
}

static bool
is_delivery(enum fact_kind k)
{
	return k == FACT_DELIVERED || k == FACT_DEFERRED || k == FACT_BOUNCED;
}

static bool
same_rcpt(const struct fact *a, const struct fact *b)
{
	return slice_eq(a->a, b->a) && slice_eq(a->b, b->b);
}

static int64_t
life_start(const struct life *l)
{
	return l->n > 0 ? l->fact[0].time : 0;
}

bool
mail_bond_fits(const struct fact *f, int64_t start)
{
	int64_t took = f->delay_ms > 0 ? f->delay_ms / 1000 : 0;

	return start >= f->time - took - BOND_BEFORE_S && start <= f->time + BOND_AFTER_S;
}

/* Does a bond told at time t belong to this life? It goes to the last life that had
 * begun by then. FROM is told when the mail before was handed over, and this one began
 * meanwhile: one that is much older is another that has the same id by chance. */
static bool
belongs(const struct life *l, const struct fact *f)
{
	int64_t start = life_start(l), t = f->time;

	if (l->n == 0)
		return true;
	if (!l->last && t >= l->until - SKEW_S)
		return false;
	if (f->kind == FACT_FROM)
		return mail_bond_fits(f, start) && (l->first || start <= t + SKEW_S);
	return l->first || t >= start - SKEW_S;
}

static void
add(const struct life *l, int64_t time, enum metric m, int64_t n)
{
	if (n != 0)
		tally_add(l->t, l->host, time / 60, m, n * l->sign);
}

/* Does a delivery of this life say by its id that the mail went on as b? */
static bool
is_named(const struct life *l, const struct fact *b)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->fact[i].kind == FACT_DELIVERED && slice_eq(l->fact[i].other_id, b->other_id))
			return true;
	return false;
}

/* Was this delivery a hand-over to a mail that is really there? Most name its id; a
 * filter that does not is believed when the next mail names this one. */
static bool
handed_over(const struct life *l, const struct fact *f)
{
	for (uint32_t i = 0; i < l->n_bonds; i++) {
		const struct fact *b = &l->bond[i];

		if (b->kind != FACT_INTO || !belongs(l, b) || !mail_bond_fits(f, b->time))
			continue;
		if (f->other_id.n > 0 ? slice_eq(b->other_id, f->other_id) :
		    (f->flags & FACT_LOOPBACK) != 0 && !is_named(l, b))
			return true;
	}
	return false;
}

static bool
deferred_before(const struct life *l, const struct fact *f)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->fact[i].kind == FACT_DEFERRED && l->fact[i].time <= f->time &&
		    same_rcpt(&l->fact[i], f))
			return true;
	return false;
}

/* Everything one pass over a life finds. */
struct found {
	const struct fact *client, *queued, *removed, *expired, *held;
	const struct fact *before;	/* FROM with the earliest arrival */
	int64_t received;		/* time */
	bool is_received, is_probe, dsn, begun, any_deferred;
	uint32_t nrcpt, by_delivery, linked;
	uint32_t handed, delivered, bounced, discarded;
};

static int64_t
arrival(const struct fact *from)
{
	return from->time * 1000 - (from->delay_ms > 0 ? from->delay_ms : 0);
}

static void
look_at_bonds(const struct life *l, struct found *w)
{
	unsigned verdicts = 0;

	for (uint32_t i = 0; i < l->n_bonds; i++) {
		const struct fact *b = &l->bond[i];

		if (b->kind == FACT_INTO || !belongs(l, b))
			continue;
		if (b->kind == FACT_DSN_OF) {
			w->dsn = true;
		} else if (b->kind == FACT_FROM) {
			/* a filter on another machine: its address must be the client's */
			if (b->b.n > 0 && (w->client == NULL || !slice_eq(w->client->b, b->b)))
				continue;
			w->linked++;
			if (b->flags & FACT_BY_DELIVERY) {
				w->by_delivery++;
				if (w->before == NULL || arrival(b) < arrival(w->before))
					w->before = b;
			}
		} else if (b->kind == FACT_VERDICT) {
			/* bonds are in order of time: the first of a kind counts */
			unsigned new = b->flags & ~verdicts;

			verdicts |= b->flags;
			add(l, b->time, M_spam, (new & FACT_SPAM) != 0);
			add(l, b->time, M_virus, (new & FACT_VIRUS) != 0);
			add(l, b->time, M_banned, (new & FACT_BANNED) != 0);
		}
	}
}

static void
look_at_facts(const struct life *l, struct found *w)
{
	bool mail = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];

		switch (f->kind) {
		case FACT_CLIENT:
		case FACT_PICKUP:
			if (w->client == NULL)
				w->client = f;
			w->begun = true;
			break;
		case FACT_MSGID:
			w->begun = true;
			break;
		case FACT_QUEUED:
			if (w->queued == NULL)
				w->queued = f;
			break;
		case FACT_DELIVERED:
		case FACT_DEFERRED:
		case FACT_BOUNCED:
			mail = true;
			w->any_deferred |= f->kind == FACT_DEFERRED;
			break;
		case FACT_REMOVED:
			w->removed = f;
			break;
		case FACT_EXPIRED:
			w->expired = f;
			break;
		case FACT_HELD:
			if (w->held == NULL)
				add(l, f->time, M_held, 1);
			w->held = f;
			break;
		case FACT_RELEASED:
			w->held = NULL;
			break;
		case FACT_DISCARDED:
			add(l, f->time, M_discard, 1);
			break;
		case FACT_PROBE:
			w->is_probe = true;
			break;
		default:
			break;
		}
		if (!w->is_received && (f->kind == FACT_QUEUED || is_delivery(f->kind))) {
			w->is_received = true;
			w->received = f->time;
		}
	}
	if (mail)
		w->is_probe = false;
}

/* Recipients of a mail whose qmgr line is missing: those that were heard of. */
static uint32_t
distinct_rcpts(const struct life *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		bool new = is_delivery(l->fact[i].kind);

		for (uint32_t k = 0; new && k < i; k++)
			new = !is_delivery(l->fact[k].kind) || !same_rcpt(&l->fact[k], &l->fact[i]);
		n += new;
	}
	return n;
}

static void
count_delay(const struct life *l, const struct found *w, const struct fact *f)
{
	int64_t total = f->delay_ms;

	if (f->delay_ms < 0 || (w->any_deferred && deferred_before(l, f)))
		return;
	tally_delay(l->t, l->host, f->time / 60, CELL_DELAY, (uint64_t)f->delay_ms, l->sign);
	if (w->before != NULL) {
		int64_t way = f->time * 1000 - arrival(w->before);

		if (way > total)
			total = way;
	}
	tally_delay(l->t, l->host, f->time / 60, CELL_DELAY_TOTAL, (uint64_t)total, l->sign);
}

static void
count_deliveries(const struct life *l, struct found *w)
{
	uint64_t size = w->queued != NULL ? w->queued->size : 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];
		enum where where = (enum where)(((f->flags & FACT_WHERE) >> 1) + 1);

		if (f->kind == FACT_DEFERRED) {
			add(l, f->time, M_defer, 1);
			add(l, f->time, metric_defer[f->cls != REASON_none ? f->cls : REASON_other], 1);
		} else if (f->kind == FACT_BOUNCED) {
			w->bounced++;
			add(l, f->time, M_bounce, 1);
			add(l, f->time, metric_bounce[f->cls != REASON_none ? f->cls : REASON_other], 1);
			add(l, f->time, M_b_bounced, 1);
		} else if (f->kind != FACT_DELIVERED) {
			continue;
		} else if (handed_over(l, f)) {
			w->handed++;
		} else if (where == WHERE_DISCARD) {
			w->discarded++;
			add(l, f->time, M_discard, 1);
			add(l, f->time, M_b_discarded, 1);
		} else {
			w->delivered++;
			add(l, f->time, where == WHERE_EXT ? M_dlv_ext : M_dlv_local, 1);
			if (where == WHERE_EXT)
				add(l, f->time, M_dlv_bytes, (int64_t)size);
			add(l, f->time, M_b_delivered, 1);
			count_delay(l, w, f);
		}
	}
}

static void
count_reception(const struct life *l, const struct found *w)
{
	const struct fact *c = w->client;
	int64_t t = w->received, n = w->nrcpt;
	bool own = w->dsn || (c == NULL && w->queued != NULL &&
	    (w->queued->flags & (FACT_NULL_SENDER | FACT_OWN_SENDER)) != 0);

	if (w->linked > 0) {
		/* more recipients than were handed over: addresses were expanded;
		 * fewer: the filter lost some */
		if (w->by_delivery > 0 && n > w->by_delivery)
			add(l, t, M_b_in, n - w->by_delivery);
		if (w->by_delivery > n)
			add(l, t, M_b_lost, w->by_delivery - n);
		return;
	}
	add(l, t, M_b_in, n);
	if (own) {
		add(l, t, M_own_rcpt, n);
	} else if (c != NULL && (c->kind == FACT_PICKUP ||
	    (c->flags & (FACT_LOOPBACK | FACT_OUTSIDE)) == FACT_LOOPBACK)) {
		add(l, t, M_recv_local, 1);
		add(l, t, M_local_rcpt, n);
	} else {
		add(l, t, M_recv_msg, 1);
		add(l, t, M_recv_rcpt, n);
		add(l, t, M_recv_bytes, w->queued != NULL ? (int64_t)w->queued->size : 0);
		if (!w->begun)
			add(l, t, M_half_seen, 1);
	}
	if (c != NULL && (c->flags & FACT_SASL) && c->kind == FACT_CLIENT)
		add(l, t, M_auth_rcpt, n);
}

/* What became of the recipients that no line spoke of last. */
static void
count_rest(const struct life *l, const struct found *w)
{
	int64_t done = (int64_t)w->handed + w->delivered + w->bounced + w->discarded;
	int64_t rest = (int64_t)w->nrcpt - done;

	if (rest < 0)	/* local(8) expands aliases: one recipient, several deliveries */
		add(l, w->received, M_b_in, -rest);
	if (rest > 0 && w->expired != NULL) {
		add(l, w->expired->time, M_expire, rest);
		add(l, w->expired->time, M_b_expired, rest);
	} else if (rest > 0 && w->removed != NULL && (w->removed->flags & FACT_BY_ADMIN)) {
		add(l, w->removed->time, M_discard, rest);
		add(l, w->removed->time, M_b_discarded, rest);
	} else if (rest > 0 && w->removed != NULL && !w->begun && w->linked == 0 && !w->dsn) {
		/* it was in the queue before our first line: the others were done then */
		add(l, w->received, M_b_in, -rest);
	} else if (rest > 0 && w->removed != NULL) {
		add(l, w->removed->time, M_b_lost, rest);
	} else if (rest > 0 && w->held != NULL) {
		add(l, w->held->time, M_b_held, rest);
	}
	add(l, w->received, M_b_msgs, 1);
	if (w->removed != NULL)
		add(l, w->removed->time, M_b_msgs, -1);
}

static void
count_life(const struct life *l)
{
	struct found w = { 0 };

	look_at_facts(l, &w);
	look_at_bonds(l, &w);
	if (!w.is_received || w.is_probe)
		return;
	w.nrcpt = w.queued != NULL ? w.queued->nrcpt : distinct_rcpts(l);
	count_deliveries(l, &w);
	count_reception(l, &w);
	count_rest(l, &w);
}

/* Does a new life begin with fact i of one that began with fact from? A queue file has one
 * message-id line: another one later is of another file, though nothing told the end of
 * the first (cleanup refused it, or the line was lost). */
static bool
begins(const struct fact *f, uint32_t from, uint32_t i)
{
	bool begun = false, removed = false, named = false;

	for (uint32_t k = from; k < i; k++) {
		begun |= rank(&f[k]) == 0;
		removed |= f[k].kind == FACT_REMOVED;
		named |= f[k].kind == FACT_MSGID && f[i].time - f[k].time > RESENT_S;
	}
	switch (f[i].kind) {
	case FACT_CLIENT:
	case FACT_PICKUP:
		return begun || removed || f[i].time - f[from].time > SKEW_S;
	case FACT_MSGID:
		return removed || named;
	case FACT_QUEUED:
		return removed;
	default:
		return false;
	}
}

/* The facts of one instance, sorted. */
static void
count_lives(const struct fact *f, uint32_t n, const struct fact *bond, uint32_t n_bonds,
    unsigned host, int sign, struct tally *t)
{
	struct life l = { .bond = bond, .n_bonds = n_bonds, .first = true, .sign = sign,
		.host = host, .t = t };
	uint32_t from = 0;

	for (uint32_t i = 1; i <= n; i++) {
		bool end = i == n;

		/* only these can begin a life: most facts need no look back */
		if (!end && (rank(&f[i]) > 2 || !begins(f, from, i)))
			continue;
		l.fact = f + from;
		l.n = i - from;
		l.last = end;
		l.until = end ? 0 : f[i].time;
		count_life(&l);
		l.first = false;
		from = i;
	}
	if (n == 0) {
		l.last = true;
		count_life(&l);
	}
}

/* Whose is x: the instance of its own name, if own is said and qmgr speaks under it; else
 * that of the qmgr line nearest in time, one before rather than one after. */
static uint32_t
label_of(const struct fact *f, uint32_t n, const uint16_t *label, uint32_t labels,
    const struct fact *x, bool own)
{
	int64_t best = INT64_MAX;
	uint32_t near = 0;

	for (uint32_t i = 0; own && i < labels; i++)
		if (label[i] == x->label)
			return i;
	for (uint32_t q = 0; q < n; q++) {
		int64_t d = x->time - f[q].time;

		if (f[q].kind != FACT_QUEUED)
			continue;
		d = d >= 0 ? d * 2 : -d * 2 + 1;
		if (d >= best)
			continue;
		best = d;
		for (uint32_t i = 0; i < labels; i++)
			if (label[i] == f[q].label)
				near = i;
	}
	return near;
}

/* Two instances on one host may use the same id: part the facts by the names
 * under which qmgr speaks; lines of other names (submission) go to the nearest. */
static void
count_instances(struct fact *f, uint32_t n, const struct fact *bond, uint32_t n_bonds,
    unsigned host, int sign, struct tally *t)
{
	uint16_t label[4];
	struct fact *part;
	uint32_t labels = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool new = f[i].kind == FACT_QUEUED && labels < 4;

		for (uint32_t k = 0; k < labels && new; k++)
			new = label[k] != f[i].label;
		if (new)
			label[labels++] = f[i].label;
	}
	if (labels < 2) {
		count_lives(f, n, bond, n_bonds, host, sign, t);
		return;
	}
	part = xreallocarray(NULL, n + n_bonds, sizeof *part);
	for (uint32_t k = 0; k < labels; k++) {
		struct fact *part_bond = part + n;
		uint32_t size = 0, size_bond = 0;

		for (uint32_t i = 0; i < n_bonds; i++)
			if (label_of(f, n, label, labels, &bond[i], false) == k)
				part_bond[size_bond++] = bond[i];

		for (uint32_t i = 0; i < n; i++)
			if (label_of(f, n, label, labels, &f[i], true) == k)
				part[size++] = f[i];
		count_lives(part, size, part_bond, size_bond, host, sign, t);
	}
	free(part);
}

void
mail_count(const struct mail *m, uint32_t upto, int sign, struct tally *t)
{
	struct fact few[FEW], *f = few;
	struct mail view = *m;
	uint32_t n = 0, bonds = 0, cap = FEW, at = 0;

	view.n = upto;
	while (n < cap && mail_next(&view, &at, &f[n])) {
		bonds += is_bond(f[n].kind);
		n++;
		if (n < cap)
			continue;
		cap *= 2;
		if (f == few) {
			f = xreallocarray(NULL, cap, sizeof *f);
			memcpy(f, few, sizeof few);
		} else {
			f = xreallocarray(f, cap, sizeof *f);
		}
	}
	sort_facts(f, n);
	if (bonds > 0) {	/* bonds behind the others, each part in order */
		struct fact *bond = xreallocarray(NULL, bonds, sizeof *bond);
		uint32_t k = 0, kept = 0;

		for (uint32_t i = 0; i < n; i++) {
			if (is_bond(f[i].kind))
				bond[k++] = f[i];
			else
				f[kept++] = f[i];
		}
		count_instances(f, kept, bond, bonds, m->host, sign, t);
		free(bond);
	} else {
		count_instances(f, n, NULL, 0, m->host, sign, t);
	}
	if (f != few)
		free(f);
}
