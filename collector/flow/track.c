/* track.c - see track.h: what events tell of mails, and bonds between them. The table of
 * mails itself is in track_table.c. Not thread-safe. */
#include "flow/track.h"

#include <string.h>

#include "flow/track_table.h"

#include "poison.h"

enum { REPEAT_MAX = 1000 };	/* "message repeated": of a mail no more are believed */

static void
learn(struct track *t, struct mail *m, const struct fact *f)
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
tell(struct track *t, const struct mail *next, const struct fact *from, uint32_t nrcpt)
{
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
	f.other_id = mail_id(next);
	learn(t, m, &f);
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

/* before continues as next: from->other_id is before. */
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
	learn(t, next, from);
	next->bound = true;
	while (next->real && mail_next(next, &at, &f)) {
		if (!is_witness(from, &f))
			continue;
		if (!told)
			tell(t, next, from, 0);
		told = true;
		if (from->flags != 0)
			break;
		if (f.kind == FACT_QUEUED)	/* one of several: how many has this one? */
			tell(t, next, from, f.nrcpt);
	}
	if (!told)
		next->waiting = true;
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
	while (at < end && mail_next(m, &at, &f)) {
		if (f.kind != FACT_FROM)
			continue;
		if (!is_witness(&f, new)) {
			waiting = true;
			continue;
		}
		if (m->waiting)
			tell(t, m, &f, 0);
		if (queued && f.flags == 0)
			tell(t, m, &f, new->nrcpt);
	}
	m->waiting &= waiting;
}

static void
own_fact(struct track *t, struct mail *m, const struct fact *f, uint32_t times)
{
	for (uint32_t i = 0; i < times && i < REPEAT_MAX; i++)
		learn(t, m, f);
	m->real = true;
	if (m->bound)
		tell_those_before(t, m, f);
}

/* --- pipes ------------------------------------------------------------------------ */

/* A filter behind pipe(8) gives a mail back through sendmail(1) and pickup; only the
 * Message-ID is the same. Both sides leave word with a record of that Message-ID. */
static bool
is_piped(const struct fact *piped, const struct fact *picked)
{
	enum { LONGEST_S = 1000, LATE_S = 60 };	/* command_time_limit; pickup looks once a minute */
	int64_t took = piped->delay_ms > 0 ? piped->delay_ms / 1000 : 0;

	return picked->time >= piped->time - (took < LONGEST_S ? took : LONGEST_S) - 2 &&
	    picked->time <= piped->time + LATE_S;
}

static void
pipe_bond(struct track *t, unsigned host, const struct fact *piped, const struct fact *picked)
{
	struct fact from;

	if (!is_piped(piped, picked))
		return;
	fact_init(&from, FACT_FROM, piped->time);
	from.flags = FACT_BY_MESSAGE_ID;
	from.delay_ms = piped->delay_ms;
	from.other_id = piped->other_id;
	bond(t, host, &from, picked->other_id);
}

static void
meet(struct track *t, unsigned host, struct slice mid, const struct fact *new)
{
	uint64_t hash = hash_bytes(&t->key, mid);
	char id[MAIL_ID_MAX] = "~";	/* no queue id has it */
	uint32_t at = 0, said;
	struct fact f;
	struct mail *m;

	if (mid.n <= 2)
		return;		/* "<>" */
	for (int i = 0; i < 16; i++)
		id[1 + i] = "0123456789abcdef"[hash >> (i * 4) & 15];
	m = track_mail(t, host, (struct slice){ id, 17 });
	said = (uint32_t)hash_mix(track_hash(t, host, new->other_id), (uint64_t)new->time) | 1;
	if (m->into == said)
		return;		/* another recipient in the same second */
	m->into = said;
	learn(t, m, new);
	m->piped |= new->kind == FACT_PIPED;
	m->picked |= new->kind == FACT_PICKED;
	while (m->piped && m->picked && mail_next(m, &at, &f)) {
		if (f.kind == FACT_PIPED && new->kind == FACT_PICKED)
			pipe_bond(t, host, &f, new);
		else if (f.kind == FACT_PICKED && new->kind == FACT_PIPED)
			pipe_bond(t, host, new, &f);
	}
}

/* f is a side of a pipe: what is to be left with the Message-ID? */
static bool
pipe_side(const struct mail *m, const struct fact *f, struct fact *side)
{
	enum fact_kind kind;

	if (f->kind == FACT_DELIVERED && (f->flags & FACT_BY_PIPE))
		kind = FACT_PIPED;
	else if (f->kind == FACT_PICKUP && !(f->flags & FACT_REQUEUED))
		kind = FACT_PICKED;
	else
		return false;
	fact_init(side, kind, f->time);
	side->delay_ms = f->delay_ms;
	side->other_id = mail_id(m);
	return true;
}

/* new: a MSGID, a pickup or a delivery by pipe of m. */
static void
look_for_pipes(struct track *t, struct mail *m, const struct fact *new)
{
	struct fact f, side;
	uint32_t at = 0;

	if (new->kind == FACT_MSGID) {
		if (m->msgids < UINT8_MAX)
			m->msgids++;
		while ((m->piped || m->picked) && mail_next(m, &at, &f))
			if (pipe_side(m, &f, &side))
				meet(t, m->host, slice_head(new->a, MAIL_TEXT_MAX), &side);
		return;
	}
	if (!pipe_side(m, new, &side))
		return;
	m->piped |= side.kind == FACT_PIPED;
	m->picked |= side.kind == FACT_PICKED;
	/* they are nearly always at the front */
	for (unsigned left = m->msgids; left > 0 && mail_next(m, &at, &f); ) {
		if (f.kind != FACT_MSGID)
			continue;
		meet(t, m->host, f.a, &side);
		left -= left < UINT8_MAX;
	}
}

/* --- events ----------------------------------------------------------------------- */

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
	struct fact from;
	enum where where = e->where == WHERE_NONE ? WHERE_LOCAL :
	    e->where == WHERE_FORWARD ? WHERE_LOCAL : e->where;

	f->flags = (e->relay_loopback ? FACT_LOOPBACK : 0) | ((unsigned)where - 1) << 1;
	f->cls = e->cls;
	if (e->cls == REASON_remote_refused && e->sub.n > 0) {
		enum reason why = reason_by_name(e->sub);

		/* why they refuse us must be seen */
		if (why != REASON_none && why != REASON_other)
			f->cls = why;
	}
	f->delay_ms = e->delay_ms;
	f->a = e->to;
	f->b = e->orig_to;
	f->c = e->relay;
	f->d = e->dsn;
	f->text = e->text;
	if (hands_over)
		f->other_id = e->new_id;
	if (e->kind == EV_DELIVERED && !hands_over && slice_eq(e->service, SLICE("pipe")))
		f->flags |= FACT_BY_PIPE;
	own_fact(t, m, f, times);
	if (f->flags & FACT_BY_PIPE)
		look_for_pipes(t, m, f);
	if (!hands_over)
		return;
	fact_init(&from, FACT_FROM, f->time);
	from.flags = FACT_BY_DELIVERY;
	from.delay_ms = e->delay_ms;
	from.other_id = e->id;
	if (!e->relay_loopback && e->where != WHERE_FORWARD)
		from.b = e->relay_ip;
	for (uint32_t i = 0; i < times && i < REPEAT_MAX; i++)
		bond(t, host, &from, e->new_id);
}

static void
verdict(struct track *t, struct mail *m, struct fact *f, const struct event *e)
{
	f->kind = FACT_VERDICT;
	f->flags = e->kind == EV_SPAM ? FACT_SPAM : e->kind == EV_VIRUS ? FACT_VIRUS :
	    e->kind == EV_BANNED ? FACT_BANNED : FACT_HAM;
	f->text = e->text;
	learn(t, m, f);
}

void
track_event(struct track *t, unsigned host, uint16_t label, int64_t time, const struct event *e,
    uint32_t times)
{
	struct fact f;
	struct mail *m;

	t->now++;
	if (e->id.n == 0)
		return;
	switch (e->kind) {
	case EV_LINK:
		fact_init(&f, FACT_FROM, time);
		f.other_id = e->id;
		bond(t, host, &f, e->new_id);
		return;
	case EV_CLIENT: case EV_PICKUP: case EV_MSGID: case EV_QUEUED: case EV_DELIVERED:
	case EV_DEFERRED: case EV_BOUNCED: case EV_EXPIRED: case EV_REMOVED: case EV_HELD:
	case EV_RELEASED: case EV_DISCARDED: case EV_REJECT: case EV_TEMPFAIL: case EV_PROBE:
	case EV_SPAM: case EV_VIRUS: case EV_BANNED: case EV_HAM: case EV_DSN_SENT:
		break;
	default:
		return;
	}
	m = track_mail(t, host, e->id);
	fact_init(&f, 0, time);
	f.label = label;
	f.a = e->from;
	f.d = e->dsn;
	f.text = e->text;
	switch (e->kind) {
	case EV_CLIENT:
		f.kind = FACT_CLIENT;
		f.flags = (e->loopback ? FACT_LOOPBACK : 0) | (e->sasl_user.n > 0 ? FACT_SASL : 0);
		if (e->orig_client_ip.n > 0 && !address_is_loopback(e->orig_client_ip))
			f.flags |= FACT_OUTSIDE;
		f.a = e->client_name;
		f.b = e->client_ip;
		f.c = e->sasl_user;
		break;
	case EV_PICKUP:
		f.kind = FACT_PICKUP;
		f.flags = e->new_id.n > 0 ? FACT_REQUEUED : 0;
		break;
	case EV_MSGID:
		f.kind = FACT_MSGID;
		f.a = e->mid;
		break;
	case EV_QUEUED:
		f.kind = FACT_QUEUED;
		f.size = e->size;
		f.nrcpt = e->nrcpt;
		f.flags = (e->from.n == 0 ? FACT_NULL_SENDER : 0) |
		    (slice_starts(e->from, SLICE("double-bounce@")) ? FACT_OWN_SENDER : 0);
		times = 1;
		break;
	case EV_DELIVERED: f.kind = FACT_DELIVERED; delivery(t, host, m, &f, e, times); return;
	case EV_DEFERRED: f.kind = FACT_DEFERRED; delivery(t, host, m, &f, e, times); return;
	case EV_BOUNCED: f.kind = FACT_BOUNCED; delivery(t, host, m, &f, e, times); return;
	case EV_EXPIRED: f.kind = FACT_EXPIRED; times = 1; break;
	case EV_REMOVED:
		f.kind = FACT_REMOVED;
		f.flags = e->by_admin ? FACT_BY_ADMIN : 0;
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
		own_fact(t, m, &f, 1);
		if (e->new_id.n == 0)
			return;
		fact_init(&f, FACT_DSN_OF, time);
		f.other_id = e->id;
		learn(t, track_mail(t, host, e->new_id), &f);
		return;
	default:
		verdict(t, m, &f, e);
		return;
	}
	own_fact(t, m, &f, times);
	if (e->kind == EV_PICKUP && e->new_id.n > 0) {	/* it goes on under a new id */
		fact_init(&f, FACT_FROM, time);
		f.flags = FACT_BY_REQUEUE;
		f.other_id = e->new_id;
		bond(t, host, &f, e->id);
	} else if (e->kind == EV_PICKUP || e->kind == EV_MSGID) {
		look_for_pipes(t, m, &f);
	}
}

void
track_settle(struct track *t)
{
	for (size_t i = 0; i < t->n_dirty; i++) {
		struct mail *m = t->dirty[i];

		if (m->counted > 0)
			mail_count(m, m->counted, -1, t->tally);
		mail_count(m, m->n, 1, t->tally);
		m->counted = m->n;
		m->dirty = false;
	}
	t->n_dirty = 0;
}
