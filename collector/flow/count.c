/* count.c - what one life of a queue id gives to the counts.
 *
 * Pure: the same set of facts gives the same numbers. lives.c sorts the facts of an id and
 * cuts them into lives, bonds.c knows what other mails have to do with one.
 *
 * The books: a recipient enters once (b_in), where the mail entered the host, and
 * leaves once. A hand-over to a filter is no leaving; the mail that comes back is no
 * entering. What a removed mail does not explain is b_lost. What leaves for another host of the
 * farm, or comes from one, is counted like all else, and beside it as a hop. */
#include "flow/life.h"

#include <stdlib.h>
#include <string.h>

#include "flow/lost.h"
#include "flow/origin.h"
#include "flow/rcpts.h"

#include "poison.h"

enum { IN_SESSION = 256 };	/* beside the flags of a fact */

static void
add(const struct life *l, int64_t time, enum metric m, int64_t n)
{
	if (n != 0)
		tally_add(l->t, l->host, time / 60, m, n * l->sign);
}

/* So much of it another host of the farm has, too. */
static void
add_hop(const struct life *l, int64_t time, enum metric m, int64_t n)
{
	if (n != 0)
		tally_hop(l->t, l->host, time / 60, m, n * l->sign);
}

/* Recipients of which nothing says what became of them. */
static void
lose(const struct life *l, struct slice id, int64_t time, int64_t n)
{
	add(l, time, M_b_lost, n);
	lost_add(tally_lost(l->t), l->host, id, time, n * l->sign);
}

/* --- one life -------------------------------------------------------------------- */

/* Everything one pass over a life finds. */
struct found {
	const struct fact *client, *queued, *removed, *expired, *held;
	const struct fact *before;	/* FROM with the earliest arrival */
	int64_t received;		/* time */
	int64_t tried_at;		/* time of the last delivery */
	bool is_received, is_probe, tried, dsn, begun, is_new, any_deferred, condemned;
	bool in_filter;			/* the id is a filter's */
	bool held_anew, no_end, together, redirected, all_done, by_admin, aborted;
	unsigned session;		/* flags of all SESSION, and IN_SESSION */
	struct slice account;		/* that they name */
	struct slice by_session;	/* the client's address, by one of them */
	const struct fact *requeued;	/* INTO: it goes on under a new id */
	uint32_t nrcpt, by_delivery, linked;
	uint32_t by_hop;		/* recipients that other hosts of the farm handed over */
	uint32_t handed, named, delivered, bounced, given_up, discarded;
	struct slice one_of_several;	/* see there */
	struct slice parted;		/* the mail that a filter handed on, if it divided it */
	bool refused;
	struct rcpts *deferred, *failed;	/* slot is NULL as long as there is no need */
};

/* One of several names, the same in whatever order they are asked. */
static struct slice
lesser(struct slice a, struct slice b)
{
	return a.n == 0 || slice_order(a, b) > 0 ? b : a;
}

static int64_t
arrival(const struct fact *from)
{
	return from->time * 1000 - (from->delay_ms > 0 ? from->delay_ms : 0);
}

/* Of a mail to several, the one address that all attempts name, if it is gone or waits; empty: there
 * are more, or none. */
static struct slice
one_of_several(const struct life *l, const struct found *w)
{
	struct slice one = SLICE("");

	if (w->queued == NULL || w->queued->nrcpt < 2 ||
	    (w->removed == NULL && w->expired == NULL && !w->any_deferred))
		return one;
	for (uint32_t i = 0; i < l->n; i++) {
		if (!fact_is_delivery(l->fact[i].kind))
			continue;
		if (one.n > 0 && !slice_eq(one, l->fact[i].a))
			return slice_head(one, 0);
		one = l->fact[i].a;
	}
	return one;
}

static void
look_at_bonds(const struct life *l, struct found *w)
{
	unsigned verdicts = 0;

	for (uint32_t i = 0; i < l->n_bonds; i++) {
		const struct fact *b = &l->bond[i];

		if (!bond_belongs(l, b))
			continue;
		if (b->kind == FACT_DSN_OF) {
			w->dsn = true;
		} else if (b->kind == FACT_SESSION) {
			w->session |= b->flags | IN_SESSION;
			w->account = lesser(w->account, b->c);
			w->by_session = lesser(w->by_session, b->b);
		} else if (b->kind == FACT_HOP_FROM) {
			w->by_hop++;
		} else if (b->kind == FACT_FROM) {
			/* a filter on another machine: its address must be the client's */
			if (bond_is_backwards(l, b) ||
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
			w->redirected |= (b->flags & FACT_REDIRECTED) != 0 ||
			    ((b->flags & FACT_REDIRECTED_FIRST) && b->text.n > 0 &&
			    slice_starts(w->one_of_several, b->text));	/* cut, if very long */
			w->condemned |= (b->flags & (FACT_SPAM | FACT_VIRUS | FACT_BANNED)) != 0;
			add(l, b->time, M_spam, (new & FACT_SPAM) != 0);
			add(l, b->time, M_virus, (new & FACT_VIRUS) != 0);
			add(l, b->time, M_banned, (new & FACT_BANNED) != 0);
		}
	}
}

/* Fact i holds the mail. It was on hold before that second, and in it a line releases it: that
 * came first, and now it is held anew. */
static bool
is_held_anew(const struct life *l, const struct found *w, uint32_t i)
{
	int64_t at = fact_at(&l->fact[i]);

	if (w->held == NULL)
		return false;
	while (++i < l->n && fact_at(&l->fact[i]) == at)
		if (l->fact[i].kind == FACT_RELEASED)
			return true;
	return false;
}

static void
look_at_facts(const struct life *l, struct found *w)
{
	bool mail = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];

		switch (f->kind) {
		case FACT_NEW:
			w->begun = w->is_new = true;
			break;
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
			w->no_end |= (f->flags & FACT_NO_END) != 0;
			w->together |= (f->flags & FACT_TOGETHER) != 0;
			break;
		case FACT_DELIVERED:
		case FACT_DEFERRED:
		case FACT_BOUNCED:
			mail = true;
			w->in_filter |= f->kind == FACT_DELIVERED && (f->flags & FACT_IN_FILTER);
			w->any_deferred |= f->kind == FACT_DEFERRED;
			w->no_end |= (f->flags & FACT_NO_END) != 0;
			w->tried_at = f->time;
			break;
		case FACT_STARTED:
			mail = true;
			break;
		case FACT_REMOVED:
			w->removed = f;
			w->by_admin |= (f->flags & FACT_BY_ADMIN) != 0;
			w->all_done |= (f->flags & FACT_ALL_DONE) != 0;
			w->aborted |= (f->flags & FACT_ABORTED) != 0;
			break;
		case FACT_EXPIRED:
			w->expired = f;
			break;
		case FACT_HELD:
			if (w->held != NULL && fact_at(w->held) == fact_at(f))
				break;
			w->held_anew = is_held_anew(l, w, i);
			if (w->held == NULL || w->held_anew)
				add(l, f->time, M_held, 1);
			w->held = f;
			break;
		case FACT_RELEASED:
			if (w->held == NULL || fact_at(w->held) != fact_at(f) || !w->held_anew)
				w->held = NULL;
			break;
		case FACT_DISCARDED:
			add(l, f->time, M_discard, 1);
			break;
		case FACT_PROBE:
			w->is_probe = true;
			break;
		case FACT_REFUSED:
			w->refused = true;
			break;
		default:
			break;
		}
		if (!w->is_received && (f->kind == FACT_QUEUED || fact_is_delivery(f->kind))) {
			w->is_received = true;
			w->received = f->time;
		}
	}
	if (mail)
		w->is_probe = false;
	w->tried = mail;
}

/* Recipients of a mail of which no line says how many: those that were heard of. Postfix,
 * whose qmgr line was lost, counts them after aliases were expanded; others before. */
static uint32_t
distinct_rcpts(const struct life *l, bool by_original)
{
	struct rcpts r;

	rcpts_fill(&r, l, 0, by_original);
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
		rcpts_fill(w->deferred, l, FACT_DEFERRED, false);
	first = *rcpts_slot(w->deferred, l, f);
	return first != 0 && l->fact[first - 1].time <= f->time;
}

/* How long the recipient waited; -1 if that is not known. */
static int64_t
delay_of(const struct life *l, const struct found *w, const struct fact *f)
{
	int64_t since = fact_at(f) - fact_at(&l->fact[0]);

	if (f->delay_ms >= 0 || !w->begun)
		return f->delay_ms;
	return since > 0 ? since / 1000 : 0;
}

static void
count_parts(const struct life *l, const struct fact *f, unsigned hop)
{
	for (unsigned i = 0; (f->flags & FACT_PARTS) && i < HIST_PARTS; i++)
		if (f->part[i] < HIST_PART_N)
			tally_bucket(l->t, l->host, f->time / 60, hop + CELL_DELAY_PARTS,
			    i * HIST_PART_N + f->part[i], l->sign);
}

static void
count_delay(const struct life *l, struct found *w, const struct fact *f, bool hop)
{
	int64_t delay = delay_of(l, w, f), total = delay, minute = f->time / 60;

	if (delay < 0 || deferred_before(l, w, f))
		return;
	tally_delay(l->t, l->host, minute, CELL_DELAY, (uint64_t)delay, l->sign);
	count_parts(l, f, 0);
	if (w->before != NULL) {
		int64_t way = f->time * 1000 - arrival(w->before);

		if (way > total)
			total = way;
	}
	tally_delay(l->t, l->host, minute, CELL_DELAY_TOTAL, (uint64_t)total, l->sign);
	if (!hop)
		return;
	count_parts(l, f, CELL_HOP);
	tally_delay(l->t, l->host, minute, CELL_HOP + CELL_DELAY, (uint64_t)delay, l->sign);
	tally_delay(l->t, l->host, minute, CELL_HOP + CELL_DELAY_TOTAL, (uint64_t)total, l->sign);
}

static void
count_delivered(const struct life *l, struct found *w, const struct fact *f, enum where where)
{
	enum metric m = where == WHERE_EXT ? M_dlv_ext : M_dlv_local;
	int64_t size = where == WHERE_EXT && w->queued != NULL ? (int64_t)w->queued->size : 0;
	bool hop = bond_left_host(l, f);

	w->delivered++;
	add(l, f->time, m, 1);
	add(l, f->time, M_dlv_bytes, size);
	add(l, f->time, M_b_delivered, 1);
	count_delay(l, w, f, hop);
	if (!hop)
		return;
	add_hop(l, f->time, m, 1);
	add_hop(l, f->time, M_dlv_bytes, size);
	add_hop(l, f->time, M_b_delivered, 1);
}

/* Exim says so again when a notification that was frozen is thawed, and Sendmail of an alias when
 * postmaster hears of it too. */
static bool
bounced_before(const struct life *l, struct found *w, const struct fact *f)
{
	if (!l->unique && !w->together)
		return false;
	if (w->failed->slot == NULL)
		rcpts_fill(w->failed, l, FACT_BOUNCED, false);
	return &l->fact[*rcpts_slot(w->failed, l, f) - 1] != f;
}

static void
count_bounced(const struct life *l, struct found *w, const struct fact *f)
{
	if (bounced_before(l, w, f))
		return;
	if (f->flags & FACT_GIVEN_UP) {
		w->given_up++;
		add(l, f->time, M_expire, 1);
		add(l, f->time, M_b_expired, 1);
		return;
	}
	w->bounced++;
	add(l, f->time, M_bounce, 1);
	add(l, f->time, metric_bounce[f->cls != REASON_none ? f->cls : REASON_other], 1);
	add(l, f->time, M_b_bounced, 1);
}

static void
count_deliveries(const struct life *l, struct found *w)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];
		enum where where = (enum where)(((f->flags & FACT_WHERE) >> 1) + 1);

		if (f->kind == FACT_DEFERRED) {
			add(l, f->time, M_defer, 1);
			add(l, f->time, metric_defer[f->cls != REASON_none ? f->cls : REASON_other], 1);
		} else if (f->kind == FACT_BOUNCED) {
			count_bounced(l, w, f);
		} else if (f->kind != FACT_DELIVERED) {
			continue;
		} else if (bond_handed_over(l, f)) {
			w->handed++;
			w->named += f->other_id.n > 0;
			if (f->other_id.n > 0)
				w->parted = lesser(w->parted, f->other_id);
		} else if (where == WHERE_DISCARD) {
			w->discarded++;
			add(l, f->time, M_discard, 1);
			add(l, f->time, M_b_discarded, 1);
		} else {
			count_delivered(l, w, f, where);
		}
	}
}

/* Did the mail system make it itself? Either a line says so, or nothing says where it came from
 * and its sender is that of notifications. qmail never says where mail came from. */
static bool
is_own(const struct found *w)
{
	unsigned flags = w->queued != NULL ? w->queued->flags : 0;

	return w->dsn || (w->client == NULL && w->session == 0 && ((flags & FACT_OWN_SENDER) ||
	    (!w->is_new && (flags & FACT_NULL_SENDER))));
}

/* Where it came from; to: add() or add_hop(). */
static void
received(const struct life *l, const struct found *w,
    void to(const struct life *l, int64_t time, enum metric m, int64_t n))
{
	const struct fact *c = w->client;
	unsigned flags = (c != NULL ? c->flags : 0) | w->session;
	bool picked_up = c != NULL && c->kind == FACT_PICKUP;
	int64_t t = w->received, n = w->nrcpt;

	if (is_own(w)) {
		to(l, t, M_own_rcpt, n);
	} else if (picked_up || (flags & (FACT_LOOPBACK | FACT_OUTSIDE)) == FACT_LOOPBACK) {
		to(l, t, M_recv_local, 1);
		to(l, t, M_local_rcpt, n);
	} else {
		to(l, t, M_recv_msg, 1);
		to(l, t, M_recv_rcpt, n);
		to(l, t, M_recv_bytes, w->queued != NULL ? (int64_t)w->queued->size : 0);
	}
	if (!picked_up && (flags & FACT_SASL))
		to(l, t, M_auth_rcpt, n);
}

/* Which network it came from: what recv_rcpt has, divided. */
static void
note_origin(const struct life *l, const struct found *w)
{
	const struct fact *c = w->client;
	unsigned flags = (c != NULL ? c->flags : 0) | w->session;
	int64_t t = w->received;

	if (is_own(w) || (c != NULL && c->kind == FACT_PICKUP) ||
	    (flags & (FACT_LOOPBACK | FACT_OUTSIDE)) == FACT_LOOPBACK)
		return;
	origins_add(tally_origins(l->t), l->host, t >= 0 ? t / 3600 : -1,
	    w->condemned ? TOP_JUDGED : TOP_ACCEPTED,
	    c == NULL ? w->by_session : (c->flags & FACT_OUTSIDE) != 0 ? c->a : c->b,
	    (int64_t)w->nrcpt * l->sign);
}

/* The farm had it already: only recipients that addresses were expanded to are new. Where there
 * are fewer than were handed over, some were the same here; the rest stays delivered. */
static void
received_from_farm(const struct life *l, const struct found *w)
{
	int64_t t = w->received, n = w->nrcpt, same = (int64_t)w->by_hop - n;

	received(l, w, add_hop);
	add_hop(l, t, M_b_in, same < 0 ? w->by_hop : n);
	if (same <= 0)
		return;
	add_hop(l, t, M_dlv_ext, -same);
	add_hop(l, t, M_b_delivered, -same);
}

static void
count_reception(const struct life *l, const struct found *w)
{
	int64_t t = w->received, n = w->nrcpt;

	if (w->linked > 0) {
		/* more recipients than were handed over: addresses were expanded;
		 * fewer: the filter lost some */
		if (w->by_delivery > 0 && n > w->by_delivery)
			add(l, t, M_b_in, n - w->by_delivery);
		if (w->by_delivery > n)
			lose(l, l->id, t, w->by_delivery - n);
		/* a part of an envelope that was split; the rest of it does without these */
		if (w->by_delivery == 0 && w->queued == NULL && w->client == NULL)
			add(l, t, M_b_in, n);
		return;
	}
	add(l, t, M_b_in, n);
	received(l, w, add);
	note_origin(l, w);
	if (w->by_hop > 0)
		received_from_farm(l, w);
	if (!w->begun && w->session == 0 && !is_own(w))
		add(l, t, M_half_seen, 1);
}

enum { RUN_S = 15 * 60 };	/* one try of all recipients takes no longer, as a rule */

/* Of how many recipients it is not known what became. Where one was expanded to several, their number
 * hides others that wait; and where several were the same, less wait than there seem to. */
static int64_t
rest_of(const struct life *l, const struct found *w, int64_t rest)
{
	bool over = w->removed != NULL && w->expired == NULL && !w->by_admin;
	bool same = w->together || w->redirected;
	int64_t waiting;

	if (over || (!w->any_deferred && !same))
		return rest;
	waiting = rcpts_waiting(l, w->together ? w->tried_at - RUN_S : INT64_MIN);
	return (same && w->tried) || rest < waiting ? waiting : rest;
}

/* When the mail left the queue; NULL: it did not, as far as is known. */
static const int64_t *
end_of(const struct found *w, int64_t done, int64_t rest)
{
	if (w->removed != NULL)
		return &w->removed->time;
	if (w->requeued != NULL)
		return &w->requeued->time;
	if (w->no_end && w->expired != NULL)
		return &w->expired->time;
	return w->no_end && done > 0 && rest <= 0 ? &w->tried_at : NULL;
}

/* What became of the recipients that no line spoke of last. Is it still in the queue? */
static bool
count_rest(const struct life *l, const struct found *w)
{
	const int64_t *end;
	int64_t done = (int64_t)w->handed + w->delivered + w->bounced + w->given_up + w->discarded;
	int64_t told = (int64_t)w->nrcpt - done, rest = rest_of(l, w, told > 0 ? told : 0);

	if (rest != told)	/* local(8) expands aliases: one recipient, several deliveries */
		add(l, w->received, M_b_in, rest - told);
	if (rest > 0 && w->expired != NULL) {
		add(l, w->expired->time, M_expire, rest);
		add(l, w->expired->time, M_b_expired, rest);
	} else if (rest > 0 && w->by_admin) {
		add(l, w->removed->time, M_discard, rest);
		add(l, w->removed->time, M_b_discarded, rest);
	} else if (rest > 0 && w->removed != NULL &&
	    (w->all_done || w->redirected || (!w->begun && w->session == 0 && w->linked == 0 && !w->dsn))) {
		/* the same as others; or it was in the queue before our first line: the others
		 * were done then */
		add(l, w->received, M_b_in, -rest);
	} else if (rest > 0 && w->removed != NULL) {
		lose(l, l->id, w->removed->time, rest);
	} else if (rest > 0 && w->held != NULL && w->requeued == NULL) {
		add(l, w->held->time, M_b_held, rest);
		add(l, w->held->time, M_b_msgs, -1);	/* on hold is not under way */
	}
	end = end_of(w, done, rest);
	add(l, w->received, M_b_msgs, 1);
	if (end != NULL)
		add(l, *end, M_b_msgs, -1);
	/* on hold is not under way, and was told already */
	if (end == NULL && rest > 0 && w->held != NULL)
		end = &w->held->time;
	/* all are done, though the line was lost that says so of the mail */
	if (end == NULL && done > 0 && rest <= 0)
		end = &w->tried_at;
	tally_stay(l->t, l->host, l->id, w->received, end != NULL ? *end : 0);
	return end == NULL;
}

/* A filter that parts a mail answers with one id for all recipients: that mail has fewer
 * than it was told of, and counts them as lost; the others have them. */
static void
count_siblings(const struct life *l, struct found *w)
{
	for (uint32_t i = 0; i < l->n_into; i++) {
		const struct fact *b = &l->into[i];

		if (!bond_belongs(l, b))
			continue;
		if (b->flags & FACT_BY_REQUEUE)
			w->requeued = b;
		else if (w->named > 0 && bond_is_sibling(l, i))
			lose(l, w->parted, b->time, -(int64_t)b->nrcpt);
	}
}

/* Whose it is, if an authenticated user's. A filter's mail that continues it is not counted again. */
static void
count_owner(const struct life *l, struct found *w)
{
	bool client = w->client != NULL && w->client->kind == FACT_CLIENT && w->client->c.n > 0;
	struct owned o = { client ? w->client->c : w->account, w->received, w->nrcpt,
		w->handed + w->delivered + w->discarded, w->bounced + w->given_up, 0 };

	if (o.account.n == 0 || w->linked > 0 || w->dsn)
		return;
	if (w->any_deferred && w->deferred->slot == NULL)
		rcpts_fill(w->deferred, l, FACT_DEFERRED, false);
	if (w->any_deferred)
		o.deferred = w->deferred->n;
	owner_count(l, &o);
}

/* MailScanner takes mail out of the hold queue, and postsuper -r what is on hold: no line of qmgr has the
 * id under which such a mail came in. What it went on as says how many recipients it has. */
static void
look_at_next(const struct life *l, struct found *w, struct fact *queued)
{
	if (w->is_received || w->client == NULL || w->aborted || w->removed != NULL)
		return;
	fact_init(queued, FACT_QUEUED, 0);
	for (uint32_t i = 0; i < l->n_into; i++) {
		const struct fact *b = &l->into[i];

		if (!bond_belongs(l, b) || !bond_is_sibling(l, i))
			continue;
		if (w->requeued == NULL)
			w->requeued = b;
		queued->nrcpt += b->nrcpt;
		queued->size = b->size > queued->size ? b->size : queued->size;
	}
	if (w->requeued == NULL)
		return;
	w->is_received = true;
	w->received = w->requeued->time;
	w->queued = queued;
	w->handed = queued->nrcpt;
}

/* An address probe looks like a notice to postmaster until its outcome is there. */
static bool
may_be_probe(const struct found *w)
{
	return !w->tried && !w->dsn && !w->is_new && w->client == NULL && w->queued != NULL &&
	    (w->queued->flags & FACT_OWN_SENDER) != 0;
}

unsigned
life_count(const struct life *l)
{
	struct rcpts deferred, failed;
	struct fact queued;
	bool open;
	struct found w = { .deferred = &deferred, .failed = &failed };

	deferred.slot = failed.slot = NULL;
	look_at_facts(l, &w);
	w.one_of_several = one_of_several(l, &w);
	look_at_bonds(l, &w);
	look_at_next(l, &w, &queued);
	if (!w.is_received || w.is_probe || may_be_probe(&w) || (w.aborted && !w.tried) ||
	    (w.in_filter && w.linked == 0) ||
	    (w.refused && w.queued == NULL))	/* Exim may refuse a mail and deliver it all the same */
		return 0;
	w.nrcpt = w.queued != NULL && w.queued->nrcpt > 0 ? w.queued->nrcpt :
	    distinct_rcpts(l, w.queued != NULL);
	count_deliveries(l, &w);
	count_siblings(l, &w);
	count_reception(l, &w);
	open = count_rest(l, &w);
	count_owner(l, &w);
	if (deferred.slot != NULL)
		rcpts_free(&deferred);
	if (failed.slot != NULL)
		rcpts_free(&failed);
	return (open ? MAIL_OPEN : 0) | (w.one_of_several.n > 0 ? MAIL_ONE_OF_SEVERAL : 0);
}
