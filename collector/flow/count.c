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

/* The facts of an instance, each kind in order of time. */
struct sorted {
	struct fact *fact, *into, *bond;	/* its lines, INTO, other bonds */
	uint32_t n, n_bonds, n_into;
	unsigned host;
	int sign;
	struct tally *t;
};

/* A life of an id: facts[from..to), sorted by time. */
struct life {
	const struct fact *fact;
	uint32_t n;
	const struct fact *bond;	/* all bonds of the id, see belongs() */
	uint32_t n_bonds;
	const struct fact *into;	/* those of kind INTO, in order of time */
	uint32_t n_into;
	bool first, last;		/* of the lives: takes what is before, after */
	int64_t until;			/* the next life begins then */
	int sign;
	unsigned host;
	struct tally *t;
};

uint64_t mail_steps;

static bool
is_delivery(enum fact_kind k)
{
	return k == FACT_DELIVERED || k == FACT_DEFERRED || k == FACT_BOUNCED;
}

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

/* What is told apart no further counts the same in any order; deliveries do. */
static int
by_content(const struct fact *x, const struct fact *y)
{
	const struct slice *s = &x->other_id, *o = &y->other_id;
	int c;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (is_delivery(x->kind))
		return 0;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	if (x->nrcpt != y->nrcpt)
		return x->nrcpt < y->nrcpt ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	if (x->kind == FACT_CLIENT) {
		s = &x->b;
		o = &y->b;
	}
	if (s->n != o->n)
		return s->n < o->n ? -1 : 1;
	c = s->n > 0 ? memcmp(s->p, o->p, s->n) : 0;
	return c;
}

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int c;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	c = rank(x) - rank(y);
	return c != 0 ? c : by_content(x, y);
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

/* --- hand-overs --------------------------------------------------------------- */

/* The first INTO that was told at time or later. */
static uint32_t
into_from(const struct life *l, int64_t time)
{
	uint32_t lo = 0, hi = l->n_into;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		mail_steps++;
		if (l->into[mid].time < time)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_among(const struct fact *f, uint32_t n, enum fact_kind kind, struct slice other)
{
	for (uint32_t i = 0; i < n; i++) {
		mail_steps++;
		if (f[i].kind == kind && slice_eq(f[i].other_id, other))
			return true;
	}
	return false;
}

/* What a Message-ID alone says is wrong where the mail goes the other way: picked up,
 * through a filter, and then to a mailbox behind pipe(8). */
static bool
is_backwards(const struct life *l, const struct fact *b)
{
	if (b->flags != FACT_BY_MESSAGE_ID)
		return false;
	return b->kind == FACT_FROM ? is_among(l->into, l->n_into, FACT_INTO, b->other_id) :
	    is_among(l->bond, l->n_bonds, FACT_FROM, b->other_id);
}

/* Was this delivery a hand-over to a mail that is really there? Most name its id: INTO has
 * the time of the very delivery then. A filter that does not is believed when the next
 * mail names this one. */
static bool
handed_over(const struct life *l, const struct fact *f)
{
	int64_t took = f->delay_ms > 0 ? f->delay_ms / 1000 : 0, from = f->time, to = f->time;
	unsigned by = f->other_id.n > 0 ? FACT_BY_DELIVERY :
	    f->flags & FACT_BY_PIPE ? FACT_BY_MESSAGE_ID : 0;

	if (l->n_into == 0 || (by == 0 && !(f->flags & FACT_LOOPBACK)))
		return false;
	if (by == 0) {
		from -= took + BOND_BEFORE_S;
		to += BOND_AFTER_S;
	}
	for (uint32_t i = into_from(l, from); i < l->n_into && l->into[i].time <= to; i++) {
		mail_steps++;
		if (l->into[i].flags == by && belongs(l, &l->into[i]) &&
		    !is_backwards(l, &l->into[i]) && (f->other_id.n == 0 || slice_eq(l->into[i].other_id, f->other_id)))
			return true;
	}
	return false;
}

/* --- recipients ----------------------------------------------------------------- */

/* Facts by recipient: the first of each, or the first deferral of each. */
struct rcpts {
	uint32_t *slot;		/* index + 1; open addressing */
	uint32_t mask, n;
	uint32_t few[32];
};

static uint32_t *
rcpt_slot(struct rcpts *r, const struct life *l, const struct fact *f)
{
	static struct hash_key key;	/* recipients are strangers' words */
	uint32_t i;

	if (key.k[0] == 0)
		key = hash_key_random();
	i = (uint32_t)(hash_bytes(&key, f->a) ^ hash_bytes(&key, f->b) * 3) & r->mask;
	while (r->slot[i] != 0 && !same_rcpt(&l->fact[r->slot[i] - 1], f)) {
		mail_steps++;
		i = (i + 1) & r->mask;
	}
	mail_steps++;
	return &r->slot[i];
}

static void
rcpts_fill(struct rcpts *r, const struct life *l, bool deferred_only)
{
	r->mask = sizeof r->few / sizeof *r->few - 1;
	while (r->mask < l->n * 2)
		r->mask = r->mask * 2 + 1;
	r->n = 0;
	memset(r->few, 0, sizeof r->few);
	r->slot = r->mask < sizeof r->few / sizeof *r->few ? r->few :
	    xcalloc(r->mask + 1, sizeof *r->slot);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];
		uint32_t *slot;

		if (deferred_only ? f->kind != FACT_DEFERRED : !is_delivery(f->kind))
			continue;
		slot = rcpt_slot(r, l, f);
		if (*slot != 0)
			continue;
		*slot = i + 1;
		r->n++;
	}
}

static void
rcpts_free(struct rcpts *r)
{
	if (r->slot != r->few)
		free(r->slot);
	r->slot = NULL;
}

/* --- one life -------------------------------------------------------------------- */

/* Everything one pass over a life finds. */
struct found {
	const struct fact *client, *queued, *removed, *expired, *held;
	const struct fact *before;	/* FROM with the earliest arrival */
	int64_t received;		/* time */
	bool is_received, is_probe, tried, dsn, begun, any_deferred;
	const struct fact *requeued;	/* INTO: it goes on under a new id */
	uint32_t nrcpt, by_delivery, linked;
	uint32_t handed, named, delivered, bounced, discarded;
	struct rcpts *deferred;		/* slot is NULL as long as there is no need */
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

		if (!belongs(l, b))
			continue;
		if (b->kind == FACT_DSN_OF) {
			w->dsn = true;
		} else if (b->kind == FACT_FROM) {
			/* a filter on another machine: its address must be the client's */
			if (is_backwards(l, b) ||
			    (b->b.n > 0 && (w->client == NULL || !slice_eq(w->client->b, b->b))))
				continue;
			w->linked++;
			w->by_delivery += (b->flags & FACT_BY_DELIVERY) != 0;
			if (b->delay_ms >= 0 && (w->before == NULL || arrival(b) < arrival(w->before)))
				w->before = b;
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
	w->tried = mail;
}

/* Recipients of a mail whose qmgr line is missing: those that were heard of. */
static uint32_t
distinct_rcpts(const struct life *l)
{
	struct rcpts r;

	rcpts_fill(&r, l, false);
	rcpts_free(&r);
	return r.n;
}

static bool
deferred_before(const struct life *l, struct found *w, const struct fact *f)
{
	uint32_t first;

	if (!w->any_deferred)
		return false;
	if (w->deferred->slot == NULL)
		rcpts_fill(w->deferred, l, true);
	first = *rcpt_slot(w->deferred, l, f);
	return first != 0 && l->fact[first - 1].time <= f->time;
}

static void
count_delay(const struct life *l, struct found *w, const struct fact *f)
{
	int64_t total = f->delay_ms;

	if (f->delay_ms < 0 || deferred_before(l, w, f))
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
			w->named += f->other_id.n > 0;
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
	} else if (rest > 0 && w->held != NULL && w->requeued == NULL) {
		add(l, w->held->time, M_b_held, rest);
		add(l, w->held->time, M_b_msgs, -1);	/* on hold is not under way */
	}
	add(l, w->received, M_b_msgs, 1);
	if (w->removed != NULL)
		add(l, w->removed->time, M_b_msgs, -1);
	else if (w->requeued != NULL)
		add(l, w->requeued->time, M_b_msgs, -1);
}

/* INTO i is the first that tells how many recipients a mail got of which no delivery
 * speaks. */
static bool
is_sibling(const struct life *l, uint32_t i)
{
	const struct fact *b = &l->into[i];

	if (b->flags != 0 || b->nrcpt == 0)
		return false;
	for (uint32_t k = 0; k < l->n_into; k++) {
		mail_steps++;
		if ((l->into[k].flags == FACT_BY_DELIVERY || (k < i && l->into[k].flags == 0 &&
		    l->into[k].nrcpt > 0)) && slice_eq(l->into[k].other_id, b->other_id))
			return false;
	}
	return true;
}

/* A filter that parts a mail answers with one id for all recipients: that mail has fewer
 * than it was told of, and counts them as lost; the others have them. */
static void
count_siblings(const struct life *l, struct found *w)
{
	for (uint32_t i = 0; i < l->n_into; i++) {
		const struct fact *b = &l->into[i];

		if (!belongs(l, b))
			continue;
		if (b->flags & FACT_BY_REQUEUE)
			w->requeued = b;
		else if (w->named > 0 && is_sibling(l, i))
			add(l, b->time, M_b_lost, -(int64_t)b->nrcpt);
	}
}

/* An address probe looks like a notice to postmaster until its outcome is there. */
static bool
may_be_probe(const struct found *w)
{
	return !w->tried && !w->dsn && w->client == NULL && w->queued != NULL &&
	    (w->queued->flags & FACT_OWN_SENDER) != 0;
}

static void
count_life(const struct life *l)
{
	struct rcpts deferred;
	struct found w = { .deferred = &deferred };

	deferred.slot = NULL;
	look_at_facts(l, &w);
	look_at_bonds(l, &w);
	if (!w.is_received || w.is_probe || may_be_probe(&w))
		return;
	w.nrcpt = w.queued != NULL ? w.queued->nrcpt : distinct_rcpts(l);
	count_deliveries(l, &w);
	count_siblings(l, &w);
	count_reception(l, &w);
	count_rest(l, &w);
	if (deferred.slot != NULL)
		rcpts_free(&deferred);
}

/* What the facts of a life said so far. */
struct so_far {
	bool begun, removed, named;	/* it has a client or was picked up; has ended; has MSGID */
	int64_t start, named_at;
};

/* Does a new life begin with f? A queue file has one message-id line: another one later is
 * of another file, though nothing told the end of the first (cleanup refused it, or the
 * line was lost). */
static bool
begins(const struct so_far *l, const struct fact *f)
{
	switch (f->kind) {
	case FACT_CLIENT:
	case FACT_PICKUP:
		return l->begun || l->removed || f->time - l->start > SKEW_S;
	case FACT_MSGID:
		return l->removed || (l->named && f->time - l->named_at > RESENT_S);
	case FACT_QUEUED:
		return l->removed;
	default:
		return false;
	}
}

static void
go_on(struct so_far *l, const struct fact *f)
{
	l->begun |= rank(f) == 0;
	l->removed |= f->kind == FACT_REMOVED;
	if (f->kind == FACT_MSGID && !l->named) {
		l->named = true;
		l->named_at = f->time;
	}
}

static void
count_lives(const struct sorted *s)
{
	struct life l = { .bond = s->bond, .n_bonds = s->n_bonds, .into = s->into,
		.n_into = s->n_into, .first = true, .sign = s->sign, .host = s->host, .t = s->t };
	struct so_far sum = { .start = s->n > 0 ? s->fact[0].time : 0 };
	const struct fact *f = s->fact;
	uint32_t from = 0;

	for (uint32_t i = 1; i <= s->n; i++) {
		bool end = i == s->n;

		go_on(&sum, &f[i - 1]);
		if (!end && !begins(&sum, &f[i]))
			continue;
		l.fact = f + from;
		l.n = i - from;
		l.last = end;
		l.until = end ? 0 : f[i].time;
		count_life(&l);
		l.first = false;
		sum = (struct so_far){ .start = l.until };
		from = i;
	}
	if (s->n == 0) {
		l.last = true;
		count_life(&l);
	}
}

/* --- instances -------------------------------------------------------------------- */

/* The names under which qmgr speaks, and its lines in order of time. */
struct labels {
	uint16_t label[4];
	uint32_t n;
	const struct fact **queued;
	uint32_t n_queued;
};

static uint32_t
number_of(const struct labels *l, uint16_t label)
{
	uint32_t i = 0;

	while (i < l->n && l->label[i] != label)
		i++;
	return i;
}

/* Whose is x: the instance of its own name, if own is said and qmgr speaks under it; else
 * that of the qmgr line nearest in time, one before rather than one after. */
static uint32_t
label_of(const struct labels *l, const struct fact *x, bool own)
{
	int64_t best = INT64_MAX;
	uint16_t label = l->label[0];
	uint32_t i;

	if (own && (i = number_of(l, x->label)) < l->n)
		return i;
	for (uint32_t q = 0; q < l->n_queued; q++) {
		int64_t d = x->time - l->queued[q]->time;

		mail_steps++;
		d = d >= 0 ? d * 2 : -d * 2 + 1;
		if (d < best) {
			best = d;
			label = l->queued[q]->label;
		}
	}
	i = number_of(l, label);
	return i < l->n ? i : 0;
}

static uint32_t
pick(const struct labels *l, uint32_t k, const struct fact *from, uint32_t n, bool own,
    struct fact *to)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < n; i++)
		if (label_of(l, &from[i], own) == k)
			to[size++] = from[i];
	return size;
}

/* Two instances on one host may use the same id: part the facts by the names
 * under which qmgr speaks; lines of other names (submission) go to the nearest. */
static void
count_instances(const struct sorted *s)
{
	struct labels l = { .n = 0 };
	struct sorted part = *s;

	for (uint32_t i = 0; i < s->n; i++) {
		bool new = s->fact[i].kind == FACT_QUEUED;

		l.n_queued += new;
		for (uint32_t k = 0; k < l.n && new; k++)
			new = l.label[k] != s->fact[i].label;
		if (new && l.n < 4)
			l.label[l.n++] = s->fact[i].label;
	}
	if (l.n < 2) {
		count_lives(s);
		return;
	}
	l.queued = xreallocarray(NULL, l.n_queued, sizeof *l.queued);
	l.n_queued = 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->fact[i].kind == FACT_QUEUED)
			l.queued[l.n_queued++] = &s->fact[i];
	part.fact = xreallocarray(NULL, s->n + s->n_bonds + s->n_into, sizeof *part.fact);
	part.bond = part.fact + s->n;
	part.into = part.bond + s->n_bonds;
	for (uint32_t k = 0; k < l.n; k++) {
		part.n = pick(&l, k, s->fact, s->n, true, part.fact);
		part.n_bonds = pick(&l, k, s->bond, s->n_bonds, false, part.bond);
		part.n_into = pick(&l, k, s->into, s->n_into, false, part.into);
		count_lives(&part);
	}
	free(part.fact);
	free(l.queued);
}

/* Bonds behind the others, INTO last, each part in its order. */
static void
part_bonds(struct sorted *s, uint32_t n, struct fact *room)
{
	s->bond = room;
	for (uint32_t i = 0; i < n; i++)
		if (fact_is_bond(s->fact[i].kind) && s->fact[i].kind != FACT_INTO)
			s->bond[s->n_bonds++] = s->fact[i];
	s->into = room + s->n_bonds;
	for (uint32_t i = 0; i < n; i++) {
		if (s->fact[i].kind == FACT_INTO)
			s->into[s->n_into++] = s->fact[i];
		else if (!fact_is_bond(s->fact[i].kind))
			s->fact[s->n++] = s->fact[i];
	}
}

void
mail_count(const struct mail *m, uint32_t upto, int sign, struct tally *t)
{
	struct fact few[FEW], *f = few, *room = NULL;
	struct sorted s = { .host = m->host, .sign = sign, .t = t };
	uint32_t n = 0, bonds = 0, cap = FEW, at = 0;

	while (n < cap && mail_next_of(m, upto, &at, &f[n])) {
		bonds += fact_is_bond(f[n].kind);
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
	s.fact = f;
	s.n = n;
	if (bonds > 0) {
		s.n = 0;
		room = xreallocarray(NULL, bonds, sizeof *room);
		part_bonds(&s, n, room);
	}
	count_instances(&s);
	free(room);
	if (f != few)
		free(f);
}
