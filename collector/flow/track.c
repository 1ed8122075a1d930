/* track.c - see track.h: what events tell of mails, and bonds between them. What lines have in
 * common besides a queue id is in meet.c, the table of mails in track_table.c. Not thread-safe. */
#include "flow/track.h"

#include <string.h>

#include "flow/hops.h"
#include "flow/meet.h"
#include "flow/track_table.h"

#include "poison.h"

enum { REPEAT_MAX = 1000 };	/* "message repeated": of a mail no more are believed */

void
track_learn(struct track *t, struct mail *m, const struct fact *f)
{
	uint32_t cap = m->cap;

	if (!mail_add(m, f)) {
		tally_add(t->tally, m->host, f->time / 60, M_evicted, 1);
		return;
	}
	t->bytes += m->cap - cap;
	m->touched = t->now;
	if (!m->dirty) {
		m->dirty = true;
		track_push(&t->dirty, &t->n_dirty, &t->cap_dirty, m);
	}
	if (!m->changed) {
		m->changed = true;
		track_push(&t->changed, &t->n_changed, &t->cap_changed, m);
	}
}

/* --- bonds ------------------------------------------------------------------------ */

/* FROM is in the mail that continues; the mail before learns INTO once a line of the
 * other's own, a witness, fits. What is told depends on FROM and the witness alone, with
 * FROM's time: so the same is known in the end in whatever order the lines came. */
static void
tell(struct track *t, const struct mail *next, const struct fact *from, const struct fact *witness)
{
	uint32_t nrcpt = witness != NULL ? witness->nrcpt : 0;
	struct mail *m = track_mail(t, next->host, from->other_id);
	uint32_t bond = (uint32_t)hash_mix(next->hash ^ (uint64_t)from->time ^
	    (uint64_t)from->flags << 40 ^ (uint64_t)nrcpt << 48, t->key.k[0]) | 1;
	struct fact f;

	if (m->into == bond)
		return;		/* said so for the recipient before */
	m->into = bond;
	fact_init(&f, FACT_INTO, from->time);
	f.flags = from->flags;
	f.nrcpt = nrcpt;
	f.size = nrcpt > 0 ? witness->size : 0;
	f.other_id = mail_id(next);
	track_learn(t, m, &f);
}

/* A filter on another machine hands a mail back from its own address. */
static bool
is_witness(const struct fact *from, const struct fact *own)
{
	if (fact_is_bond(own->kind) ||
	    (from->b.n > 0 && (own->kind != FACT_CLIENT || !slice_eq(from->b, own->b))))
		return false;
	return mail_bond_fits(from, own->time);
}

/* No delivery says how many recipients went on: the next mail's own number does. */
static bool
tells_rcpts(const struct fact *from)
{
	return (from->flags & ~(unsigned)FACT_BY_REQUEUE) == 0;
}

static struct fact
from_delivery(int64_t time, int64_t delay_ms, struct slice before)
{
	struct fact from;

	fact_init(&from, FACT_FROM, time);
	from.flags = FACT_BY_DELIVERY;
	from.delay_ms = delay_ms;
	from.other_id = before;
	return from;
}

static void
bond(struct track *t, unsigned host, const struct fact *from, struct slice next_id)
{
	struct mail *next;
	struct fact f;
	uint32_t at = 0;
	bool told = false;

	if (next_id.n == 0 || slice_eq(slice_head(from->other_id, MAIL_ID_MAX),
	    slice_head(next_id, MAIL_ID_MAX)))
		return;
	next = track_mail(t, host, next_id);
	track_learn(t, next, from);
	if (!next->bound)
		track_push(&t->news, &t->n_news, &t->cap_news, next);
	next->bound = true;
	while (next->real && mail_next(next, &at, &f)) {
		if (!is_witness(from, &f))
			continue;
		if (!told)
			tell(t, next, from, NULL);
		told = true;
		if (!tells_rcpts(from))
			break;
		if (f.kind == FACT_QUEUED)	/* one of several: how many has this one? */
			tell(t, next, from, &f);
	}
	if (!told)
		next->waiting = true;
}

/* m continues another mail, which is news. If a filter gave it its name, then what it handed on continues
 * m; else that was no mail of ours, and nobody's bond. */
static void
go_on(struct track *t, const struct mail *m)
{
	uint32_t at = 0;
	struct fact f, from;

	while (mail_next_kind(m, FACT_DELIVERED, &at, &f)) {
		if (!(f.flags & FACT_IN_FILTER) || f.other_id.n == 0)
			continue;
		from = from_delivery(f.time, f.delay_ms, mail_id(m));
		bond(t, m->host, &from, f.other_id);
	}
}

/* before continues as next: from->other_id is before. One by one what follows from it: forged names would
 * make a chain of any length. */
void
track_bond(struct track *t, unsigned host, const struct fact *from, struct slice next_id)
{
	bond(t, host, from, next_id);
	while (t->n_news > 0)
		go_on(t, t->news[--t->n_news]);
}

/* A line of its own came for a mail that others had spoken of. */
static void
tell_those_before(struct track *t, struct mail *m, const struct fact *new)
{
	uint32_t at = 0, end = m->n;
	struct fact f;
	bool waiting = false, queued = new->kind == FACT_QUEUED;

	if (!m->waiting && !queued)
		return;
	if (m->asked == new->time && new->kind != FACT_CLIENT && !queued)
		return;		/* another line of that second was no help */
	m->asked = new->time;
	while (at < end && mail_next_kind(m, FACT_FROM, &at, &f)) {
		if (!is_witness(&f, new)) {
			waiting = true;
			continue;
		}
		if (m->waiting)
			tell(t, m, &f, NULL);
		if (queued && tells_rcpts(&f))
			tell(t, m, &f, new);
	}
	m->waiting &= waiting;
}

void
track_own_fact(struct track *t, struct mail *m, const struct fact *f, uint32_t times)
{
	for (uint32_t i = 0; i < times && i < REPEAT_MAX; i++)
		track_learn(t, m, f);
	m->real = true;
	if (m->bound)
		tell_those_before(t, m, f);
}

/* --- events ----------------------------------------------------------------------- */

enum reason
track_class(const struct event *e)
{
	enum reason why = REASON_none;

	if (e->cls == REASON_remote_refused && e->sub.n > 0)
		why = reason_by_name(e->sub);
	return why != REASON_none && why != REASON_other ? why : e->cls;
}

/* What is known of the parts of the delay; of deliveries alone. */
static void
take_parts(struct fact *f, const struct event *e)
{
	for (unsigned i = 0; e->kind == EV_DELIVERED && i < HIST_PARTS; i++) {
		f->part[i] = PART_UNKNOWN;
		if (e->delays_ms[i] < 0)
			continue;
		f->part[i] = (unsigned char)(hist_bucket((uint64_t)e->delays_ms[i]) / 4);
		f->flags |= FACT_PARTS;
	}
}

static void
delivery(struct track *t, unsigned host, struct mail *m, struct fact *f, const struct event *e,
    uint32_t times)
{
	/* MX hosts elsewhere also say "queued as": theirs are no ids of ours. A filter
	 * is on loopback, or at least not on a port that MTAs listen on. */
	bool maybe_filter = e->relay_loopback || (e->relay_port != 0 && e->relay_port != 25 &&
	    e->relay_port != 465 && e->relay_port != 587 && e->where == WHERE_EXT);
	bool hands_over = e->kind == EV_DELIVERED && e->new_id.n > 0 &&
	    (e->where == WHERE_FORWARD || maybe_filter);
	bool outward = e->kind == EV_DELIVERED && e->new_id.n > 0 && !hands_over &&
	    e->where == WHERE_EXT;
	struct fact from;
	enum where where = e->where == WHERE_NONE ? WHERE_LOCAL :
	    e->where == WHERE_FORWARD ? WHERE_LOCAL : e->where;

	f->flags = (e->relay_loopback ? FACT_LOOPBACK : 0) | ((unsigned)where - 1) << 1 |
	    (e->no_end ? FACT_NO_END : 0);
	if (e->kind == EV_BOUNCED && e->cls == REASON_expired)
		f->flags |= FACT_GIVEN_UP;
	f->cls = track_class(e);
	f->delay_ms = e->delay_ms;
	take_parts(f, e);
	f->a = e->to;
	f->b = e->orig_to;
	f->c = e->relay;
	f->d = e->dsn;
	f->text = e->text;
	if (outward)
		f->flags |= FACT_OUTWARD;
	if (e->in_filter)
		f->flags |= FACT_IN_FILTER;
	if (outward || hands_over)
		f->other_id = e->new_id;
	if (e->kind == EV_DELIVERED && !hands_over && (e->piped || slice_eq(e->service, SLICE("pipe"))))
		f->flags |= FACT_BY_PIPE;
	track_own_fact(t, m, f, times);
	if (f->flags & FACT_BY_PIPE)
		meet_pipe(t, m, f);
	for (uint32_t i = 0; f->other_id.n > 0 && i < times && i < REPEAT_MAX; i++)
		hops_delivered(t, m, f);
	if (!hands_over || (e->in_filter && !m->bound))
		return;
	from = from_delivery(f->time, e->delay_ms, e->id);
	if (!e->relay_loopback && e->where != WHERE_FORWARD)
		from.b = e->relay_ip;
	for (uint32_t i = 0; i < times && i < REPEAT_MAX; i++)
		track_bond(t, host, &from, e->new_id);
}

/* Of a notification about a notification: Postfix's, qmail's. */
static bool
is_own_sender(struct slice from)
{
	return slice_starts(from, SLICE("double-bounce@")) || slice_eq(from, SLICE("#@[]"));
}

static void
verdict(struct track *t, struct mail *m, struct fact *f, const struct event *e)
{
	f->kind = FACT_VERDICT;
	f->flags = e->kind == EV_REDIRECTED ? FACT_REDIRECTED : meet_verdict_flag(e->kind);
	f->text = e->text;
	track_learn(t, m, f);
}

/* What ties a line to others is not, or not only, a queue id. True if that is all. */
static bool
met(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	if (e->task.n > 0)
		meet_task(t, host, time, e);
	if (e->sess.n > 0)
		meet_session(t, host, time, e);
	if (e->qp.n > 0)
		meet_queuer(t, host, time, e);
	if (e->mid.n > 0 && meet_verdict_flag(e->kind) != 0)
		meet_verdict(t, host, time, e);
	if (e->kind == EV_REDIRECTED && e->id.n == 0)
		meet_redirect(t, host, time, e);
	return e->id.n == 0;
}

static __attribute__((noinline)) void
mail_event(struct track *t, unsigned host, uint16_t label, int64_t time, const struct event *e,
    uint32_t times)
{
	struct fact f;
	struct mail *m;

	if (met(t, host, time, e))
		return;
	switch (e->kind) {
	case EV_LINK:
		fact_init(&f, FACT_FROM, time);
		f.other_id = e->id;
		track_bond(t, host, &f, e->new_id);
		return;
	case EV_CLIENT: case EV_NEW: case EV_PICKUP: case EV_MSGID: case EV_QUEUED:
	case EV_STARTED: case EV_DELIVERED:
	case EV_DEFERRED: case EV_BOUNCED: case EV_EXPIRED: case EV_REMOVED: case EV_HELD:
	case EV_RELEASED: case EV_DISCARDED: case EV_REJECT: case EV_TEMPFAIL: case EV_PROBE:
	case EV_SPAM: case EV_VIRUS: case EV_BANNED: case EV_HAM: case EV_DSN_SENT:
	case EV_REDIRECTED:
		break;
	default:
		return;
	}
	m = track_mail(t, host, e->id);
	fact_init(&f, 0, time);
	f.usec = e->usec;
	f.label = label;
	f.a = e->from;
	f.d = e->dsn;
	f.text = e->text;
	switch (e->kind) {
	case EV_CLIENT:
		f.kind = FACT_CLIENT;
		f.flags = (e->loopback ? FACT_LOOPBACK : 0) |
		    (e->sasl_user.n > 0 || e->sasl_method.n > 0 ? FACT_SASL : 0);
		f.a = e->client_name;
		if (e->orig_client_ip.n > 0 && !address_is_loopback(e->orig_client_ip)) {
			f.flags |= FACT_OUTSIDE;
			f.a = e->orig_client_ip;	/* nobody needs the name of a proxy */
		}
		f.b = e->client_ip;
		f.c = e->sasl_user;
		break;
	case EV_NEW: f.kind = FACT_NEW; times = 1; break;
	case EV_PICKUP:
		f.kind = FACT_PICKUP;
		f.flags = e->new_id.n > 0 ? FACT_REQUEUED : 0;
		break;
	case EV_MSGID:
		f.kind = FACT_MSGID;
		f.a = e->mid;
		hops_named(t, m, &f);
		break;
	case EV_QUEUED:
		f.kind = FACT_QUEUED;
		f.size = e->size;
		f.nrcpt = e->nrcpt;
		f.flags = (e->from.p != NULL && e->from.n == 0 ? FACT_NULL_SENDER : 0) |
		    (is_own_sender(e->from) ? FACT_OWN_SENDER : 0) |
		    (e->no_end ? FACT_NO_END : 0) | (e->together ? FACT_TOGETHER : 0);
		times = 1;
		break;
	case EV_STARTED:
		f.kind = FACT_STARTED;
		f.a = e->to;
		f.other_id = e->task;
		times = 1;
		break;
	case EV_DELIVERED: f.kind = FACT_DELIVERED; delivery(t, host, m, &f, e, times); return;
	case EV_DEFERRED: f.kind = FACT_DEFERRED; delivery(t, host, m, &f, e, times); return;
	case EV_BOUNCED: f.kind = FACT_BOUNCED; delivery(t, host, m, &f, e, times); return;
	case EV_EXPIRED: f.kind = FACT_EXPIRED; times = 1; break;
	case EV_REMOVED:
		f.kind = FACT_REMOVED;
		f.flags = (e->by_admin ? FACT_BY_ADMIN : 0) | (e->all_done ? FACT_ALL_DONE : 0) |
		    (e->aborted ? FACT_ABORTED : 0);
		times = 1;
		break;
	case EV_HELD:
		f.kind = FACT_HELD;
		f.flags = e->by_admin ? FACT_BY_ADMIN : 0;
		break;
	case EV_RELEASED: f.kind = FACT_RELEASED; break;
	case EV_DISCARDED: f.kind = FACT_DISCARDED; break;
	case EV_REJECT: case EV_TEMPFAIL: f.kind = FACT_REFUSED; times = 1; break;
	case EV_PROBE:
		f.kind = FACT_PROBE;
		f.a = e->to;
		break;
	case EV_DSN_SENT:
		f.kind = FACT_NOTIFIED;
		f.other_id = e->new_id;
		f.text = e->stage;
		track_own_fact(t, m, &f, 1);
		if (e->new_id.n == 0)
			return;
		fact_init(&f, FACT_DSN_OF, time);
		f.other_id = e->id;
		track_learn(t, track_mail(t, host, e->new_id), &f);
		return;
	default:
		verdict(t, m, &f, e);
		return;
	}
	track_own_fact(t, m, &f, times);
	if (e->kind == EV_PICKUP && e->new_id.n > 0) {	/* it goes on under a new id */
		fact_init(&f, FACT_FROM, time);
		f.flags = FACT_BY_REQUEUE;
		f.other_id = e->new_id;
		track_bond(t, host, &f, e->id);
	} else if (e->kind == EV_PICKUP || e->kind == EV_MSGID) {
		meet_pipe(t, m, &f);
	}
}

/* Most lines speak of no mail. */
void
track_event(struct track *t, unsigned host, uint16_t label, int64_t time, const struct event *e,
    uint32_t times)
{
	t->now++;
	if ((e->id.n | e->task.n | e->sess.n | e->qp.n | e->mid.n) != 0 || e->kind == EV_REDIRECTED)
		mail_event(t, host, label, time, e, times);
}

void
track_settle(struct track *t)
{
	for (size_t i = 0; i < t->n_dirty; i++) {
		struct mail *m = t->dirty[i];
		unsigned found;

		if (i + MAILS_AHEAD < t->n_dirty)
			mail_fetch(t->dirty[i + MAILS_AHEAD]);
		if (m->counted > 0)
			mail_count(m, m->counted, -1, t->tally);
		found = mail_count(m, m->n, 1, t->tally);
		m->open = found & MAIL_OPEN;
		m->counted = m->n;
		m->dirty = false;
		if (found & MAIL_ONE_OF_SEVERAL)
			meet_one_of_several(t, m);
	}
	t->n_dirty = 0;
}
