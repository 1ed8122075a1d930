/* meet.c - see meet.h. */
#include "flow/meet.h"

#include <stdlib.h>
#include <string.h>

#include "flow/track_table.h"
#include "mem.h"

#include "poison.h"

/* What a record is of: the second letter of its id. */
enum by { BY_PIPED_ID = 'p', BY_TASK = 't', BY_SESSION = 's', BY_QUEUER = 'q', BY_REDIRECT = 'r',
	BY_JUDGED_ID = MAIL_JUDGED };

static struct mail *
record_of(struct track *t, unsigned host, enum by by, uint64_t hash)
{
	char id[18] = { MAIL_RECORD, (char)by };

	for (int i = 0; i < 16; i++)
		id[2 + i] = "0123456789abcdef"[hash >> (i * 4) & 15];
	return track_mail(t, host, (struct slice){ id, sizeof id });
}

/* The record of a name. Names are strangers' words of any length: their hash is the id. */
static struct mail *
record(struct track *t, unsigned host, enum by by, struct slice name)
{
	return record_of(t, host, by, hash_bytes(&t->key, name));
}

/* --- pipes ------------------------------------------------------------------------ */

/* A filter behind pipe(8) gives a mail back through sendmail(1) and pickup; only the
 * Message-ID is the same. Both sides leave word with the record of that Message-ID. */
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
	track_bond(t, host, &from, picked->other_id);
}

static void
at_message_id(struct track *t, unsigned host, struct slice mid, const struct fact *new)
{
	uint32_t at = 0, said;
	struct fact f;
	struct mail *m;

	if (mid.n <= 2)
		return;		/* "<>" */
	m = record(t, host, BY_PIPED_ID, mid);
	said = (uint32_t)hash_mix(track_hash(t, host, new->other_id),
	    (uint64_t)new->time << 8 | new->kind) | 1;
	if (m->into == said)
		return;		/* another recipient in the same second */
	m->into = said;
	track_learn(t, m, new);
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

void
meet_pipe(struct track *t, struct mail *m, const struct fact *new)
{
	struct fact f, side;
	uint32_t at = 0;

	if (new->kind == FACT_MSGID) {
		if (m->msgids < UINT8_MAX)
			m->msgids++;
		while ((m->piped || m->picked) && mail_next(m, &at, &f))
			if (pipe_side(m, &f, &side))
				at_message_id(t, m->host, slice_head(new->a, MAIL_TEXT_MAX), &side);
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
		at_message_id(t, m->host, f.a, &side);
		left -= left < UINT8_MAX;
	}
}

/* --- qmail's deliveries ------------------------------------------------------------- */

enum { FEW_FACTS = 16, LONGEST_DELIVERY_S = 86400 };

struct pair {
	const struct fact *started, *ended;
};

struct pairs {
	struct fact few[FEW_FACTS], *fact;
	struct pair few_pairs[FEW_FACTS], *pair;
	uint32_t n_facts, n;
};

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (fact_at(x) != fact_at(y))
		return fact_at(x) < fact_at(y) ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind == FACT_STARTED ? -1 : 1;
	if (x->other_id.n != y->other_id.n)
		return x->other_id.n < y->other_id.n ? -1 : 1;
	return x->other_id.n > 0 ? memcmp(x->other_id.p, y->other_id.p, x->other_id.n) : 0;
}

/* The first upto bytes of the record's facts: an end is of the last delivery that had started
 * by then under that number, and each has one. */
static void
pair_up(struct pairs *p, const struct mail *m, uint32_t upto)
{
	const struct fact *running = NULL;

	p->pair = p->few_pairs;
	p->n = 0;
	p->n_facts = mail_facts(m, upto, p->few, FEW_FACTS, &p->fact);
	if (p->n_facts > FEW_FACTS)
		p->pair = xreallocarray(NULL, p->n_facts, sizeof *p->pair);
	qsort(p->fact, p->n_facts, sizeof *p->fact, by_time);
	for (uint32_t i = 0; i < p->n_facts; i++) {
		const struct fact *f = &p->fact[i];

		if (f->kind == FACT_STARTED) {
			running = f;
		} else if (running != NULL && f->time - running->time <= LONGEST_DELIVERY_S) {
			p->pair[p->n++] = (struct pair){ running, f };
			running = NULL;
		}
	}
}

static void
pairs_free(struct pairs *p)
{
	if (p->pair != p->few_pairs)
		free(p->pair);
	if (p->fact != p->few)
		free(p->fact);
}

static bool
has_pair(const struct pairs *p, const struct pair *q)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (fact_at(p->pair[i].started) == fact_at(q->started) &&
		    fact_at(p->pair[i].ended) == fact_at(q->ended) &&
		    slice_eq(p->pair[i].started->other_id, q->started->other_id))
			return true;
	return false;
}

static void came_by(struct track *t, unsigned host, struct slice qp, const struct fact *f);

static void
tell_delivery(struct track *t, unsigned host, const struct pair *p)
{
	struct mail *m = track_mail(t, host, p->started->other_id);
	struct fact f = *p->ended, forwarded;

	f.kind = FACT_DELIVERED + ((p->ended->flags & FACT_END) >> 5);
	f.flags = (p->ended->flags & ~(unsigned)(FACT_END | FACT_WHERE)) |
	    (p->started->flags & FACT_WHERE);
	f.a = p->started->a;
	f.other_id = slice_head(f.a, 0);
	track_own_fact(t, m, &f, 1);
	if (!(f.flags & FACT_BY_PIPE))
		return;
	fact_init(&forwarded, FACT_FORWARDED, f.time);
	forwarded.usec = f.usec;
	forwarded.other_id = p->started->other_id;
	came_by(t, host, p->ended->other_id, &forwarded);
}

static void
take_delivery_back(struct track *t, unsigned host, const struct pair *p)
{
	struct fact f;

	fact_init(&f, FACT_VOID, p->ended->time);
	f.usec = p->ended->usec;
	f.a = p->started->a;
	track_learn(t, track_mail(t, host, p->started->other_id), &f);
}

static bool
task_fact(const struct event *e, struct fact *f)
{
	switch (e->kind) {
	case EV_STARTED:
		f->kind = FACT_STARTED;
		f->flags = (unsigned)(e->where == WHERE_NONE ? 0 : e->where - 1) << 1;
		f->other_id = e->id;
		f->a = e->to;
		return e->id.n > 0;
	case EV_DELIVERED: f->flags = 0; break;
	case EV_DEFERRED: f->flags = 1 << 5; break;
	case EV_BOUNCED:
		f->flags = 2 << 5 | (e->cls == REASON_expired ? FACT_GIVEN_UP : 0);
		break;
	default:
		return false;
	}
	f->kind = FACT_ENDED;
	f->flags |= e->relay_loopback ? FACT_LOOPBACK : 0;
	f->cls = track_class(e);
	if (e->where == WHERE_FORWARD && e->qp.n > 0) {
		f->flags |= FACT_BY_PIPE;
		f->other_id = e->qp;
	}
	f->c = e->relay.n > 0 ? e->relay : e->relay_ip;
	f->d = e->dsn;
	f->text = e->text;
	return true;
}

void
meet_task(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	struct mail *m;
	struct fact f;
	struct pairs before, after;
	uint32_t known;

	fact_init(&f, FACT_STARTED, time);
	f.usec = e->usec;
	if (!task_fact(e, &f))
		return;
	/* indimail numbers the deliveries of each of its queues */
	m = record_of(t, host, BY_TASK, hash_mix(hash_bytes(&t->key, e->task),
	    hash_bytes(&t->key, e->sess) | 1));
	known = m->n;
	track_learn(t, m, &f);
	if (known == 0)
		return;
	pair_up(&before, m, known);
	pair_up(&after, m, m->n);
	for (uint32_t i = 0; i < before.n; i++)
		if (!has_pair(&after, &before.pair[i]))
			take_delivery_back(t, host, &before.pair[i]);
	for (uint32_t i = 0; i < after.n; i++)
		if (!has_pair(&before, &after.pair[i]))
			tell_delivery(t, host, &after.pair[i]);
	pairs_free(&before);
	pairs_free(&after);
}

/* --- sessions, and who filled the queue ----------------------------------------------- */

static void
who(const struct event *e, struct fact *f)
{
	f->kind = FACT_WHO;
	f->flags = (e->loopback ? FACT_LOOPBACK : 0) | (e->sasl_user.n > 0 ? FACT_SASL : 0);
	f->a = e->client_name;
	f->b = e->client_ip;
	f->c = e->sasl_user;
}

/* Each of the two learns it with the time of its own line: ids are used again within a second. */
static void
tell_forward(struct track *t, unsigned host, const struct fact *came, const struct fact *forwarded)
{
	struct mail *next = track_mail(t, host, came->other_id);
	struct fact f;

	fact_init(&f, FACT_FROM, came->time);
	f.usec = came->usec;
	f.flags = FACT_BY_DELIVERY | FACT_BY_MESSAGE_ID;
	f.other_id = forwarded->other_id;
	track_learn(t, next, &f);
	next->bound = true;
	f.kind = FACT_INTO;
	f.time = forwarded->time;
	f.usec = forwarded->usec;
	f.other_id = mail_id(next);
	track_learn(t, track_mail(t, host, forwarded->other_id), &f);
}

/* came: a mail came by what the record is of; other: what else is known of that. */
static void
tell_mail(struct track *t, unsigned host, const struct fact *came, const struct fact *other)
{
	struct fact f = *other;

	if (other->kind == FACT_FORWARDED) {
		tell_forward(t, host, came, other);
		return;
	}
	f.kind = other->kind == FACT_WHO ? FACT_SESSION : FACT_DSN_OF;
	f.time = came->time;
	f.usec = came->usec;
	track_learn(t, track_mail(t, host, came->other_id), &f);
}

/* within_s: process ids are used again; 0: sessions are not. */
static void
come_together(struct track *t, unsigned host, struct mail *m, const struct fact *new, int within_s)
{
	uint32_t at = 0, known = m->n;
	struct fact f;

	while (mail_next_of(m, known, &at, &f)) {
		if ((f.kind == FACT_CAME) == (new->kind == FACT_CAME) ||
		    (within_s > 0 && (f.time - new->time > within_s || new->time - f.time > within_s)))
			continue;
		if (new->kind == FACT_CAME)
			tell_mail(t, host, new, &f);
		else
			tell_mail(t, host, &f, new);
	}
	track_learn(t, m, new);
}

void
meet_session(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	struct fact f;

	fact_init(&f, FACT_CAME, time);
	f.usec = e->usec;
	f.other_id = e->id;
	if (e->kind == EV_CONNECT || e->kind == EV_AUTH_OK)
		who(e, &f);
	else if (e->kind != EV_QUEUED || e->id.n == 0)
		return;
	come_together(t, host, record(t, host, BY_SESSION, e->sess), &f, 0);
}

static void
came_by(struct track *t, unsigned host, struct slice qp, const struct fact *f)
{
	enum { WITHIN_S = 30 };

	come_together(t, host, record(t, host, BY_QUEUER, qp), f, WITHIN_S);
}

void
meet_queuer(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	struct fact f;

	fact_init(&f, FACT_CAME, time);
	f.usec = e->usec;
	f.other_id = e->id;
	if (e->kind == EV_CLIENT)
		who(e, &f);
	else if (e->kind == EV_DSN_SENT)
		f.kind = FACT_BOUNCED_BY;
	else if (e->kind != EV_QUEUED)
		return;
	if (f.kind == FACT_WHO || e->id.n > 0)
		came_by(t, host, e->qp, &f);
}

/* --- verdicts ----------------------------------------------------------------------- */

unsigned
meet_verdict_flag(enum event_kind kind)
{
	return kind == EV_SPAM ? FACT_SPAM : kind == EV_VIRUS ? FACT_VIRUS :
	    kind == EV_BANNED ? FACT_BANNED : kind == EV_HAM ? FACT_HAM : 0;
}

void
meet_verdict(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	struct fact f;

	if (e->kind == EV_HAM || e->mid.n <= 2)		/* "<>" */
		return;
	fact_init(&f, e->id.n > 0 ? FACT_JUDGED : FACT_VERDICT, time);
	f.flags = meet_verdict_flag(e->kind);
	f.text = e->text;
	track_learn(t, record(t, host, BY_JUDGED_ID, e->mid), &f);
}

/* --- redirected by the first recipient ------------------------------------------------ */

/* Where lines of a client, and of an address that mail is redirected to, meet. */
static struct mail *
redirect_record(struct track *t, unsigned host, struct slice client, struct slice to)
{
	return record_of(t, host, BY_REDIRECT, hash_mix(hash_bytes(&t->key, client),
	    hash_bytes(&t->key, slice_head(to, MAIL_TEXT_MAX)) | 1));
}

/* came: a mail's client; rule: before the mail got its id, but for what other rules took. */
static void
tell_redirect(struct track *t, unsigned host, const struct fact *came, const struct fact *rule)
{
	enum { LONGEST_S = 300, EARLIER_S = 2 };	/* policy services have 100 s each */
	struct fact f = *rule;

	if (came->time < rule->time - EARLIER_S || came->time > rule->time + LONGEST_S)
		return;
	f.time = came->time;
	track_learn(t, track_mail(t, host, came->other_id), &f);
}

void
meet_redirect(struct track *t, unsigned host, int64_t time, const struct event *e)
{
	struct mail *record;
	struct fact f, came;
	uint32_t at = 0;

	if (e->to.n == 0 || e->client_ip.n == 0)
		return;
	record = redirect_record(t, host, e->client_ip, e->to);
	fact_init(&f, FACT_VERDICT, time);
	f.flags = FACT_REDIRECTED_FIRST;
	f.text = e->to;
	track_learn(t, record, &f);
	while (mail_next_kind(record, FACT_CAME, &at, &came))
		tell_redirect(t, host, &came, &f);
}

static void
came_and_went(struct track *t, struct mail *m, const struct fact *client, struct slice to)
{
	struct mail *record = redirect_record(t, m->host, client->b, to);
	struct fact came, f;
	uint32_t at = 0;

	while (mail_next_kind(record, FACT_CAME, &at, &f))
		if (f.time == client->time && slice_eq(f.other_id, mail_id(m)))
			return;		/* said so before */
	fact_init(&came, FACT_CAME, client->time);
	came.other_id = mail_id(m);
	track_learn(t, record, &came);
	for (at = 0; mail_next_kind(record, FACT_VERDICT, &at, &f); )
		tell_redirect(t, m->host, &came, &f);
}

void
meet_one_of_several(struct track *t, struct mail *m)
{
	struct mail was = *m;		/* m learns meanwhile, and its facts move */
	struct fact client, went;
	uint32_t c = 0, d;

	was.facts = xmalloc(m->n);
	memcpy(was.facts, m->facts, m->n);
	/* of the lives of an id each is held against the others' addresses, too */
	while (mail_next_kind(&was, FACT_CLIENT, &c, &client)) {
		struct slice to = { NULL, 0 };

		for (d = 0; mail_next(&was, &d, &went); ) {
			if (!fact_is_delivery(went.kind) || slice_eq(went.a, to))
				continue;
			to = went.a;
			came_and_went(t, m, &client, to);
		}
	}
	free(was.facts);
}
