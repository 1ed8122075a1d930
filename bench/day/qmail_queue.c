/* qmail_queue.c - qmail-send: messages with the numbers of inodes, deliveries with numbers that
 * begin again at 1 whenever it is restarted, retries, and bounces by way of qmail-queue.
 *
 * Each host has a heap of what will happen, since the numbers follow the order in which it does.
 * No two lines of a host have the same microsecond. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "qmail.h"
#include "poison.h"

enum { INODES = 4096, QUEUE_UID = 7791, LIFETIME_S = 3 * 3600 };

struct failure {
	enum class cls;
	unsigned weight;
	const char *text;	/* see fill_in(); blanks become "_" */
};

static const struct failure remote_later[] = {
	{ C_greylist, 40, "%p does not like recipient./Remote host said: 450 4.7.1 <%t>: Recipient "
	    "address rejected: Greylisted, please try again later/Giving up on %p./" },
	{ C_remote_conn, 30, "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)/" },
	{ C_remote_conn, 8, "Connected to %p but connection died. (#4.4.2)/" },
	{ C_remote_conn, 4, "Connected to %p but connection died. Possible duplicate! (#4.4.2)/" },
	{ C_dns, 10, "CNAME lookup failed temporarily. (#4.4.3)/" },
	{ C_ratelimit, 8, "Connected to %p but greeting failed./Remote host said: 421 4.7.0 Too many "
	    "messages from your address, rate limited/" },
	{ C_mailbox_full, 6, "%p does not like recipient./Remote host said: 452 4.2.2 <%t>: mailbox is "
	    "over quota/Giving up on %p./" },
};

static const struct failure remote_never[] = {
	{ C_unknown_rcpt, 60, "%p does not like recipient./Remote host said: 550 5.1.1 <%t>: Recipient "
	    "address rejected: User unknown in virtual mailbox table/Giving up on %p./" },
	{ C_dnsbl, 12, "Connected to %p but sender was rejected./Remote host said: 554 5.7.1 Service "
	    "unavailable; Client host [192.0.2.11] blocked using zen.blocklist.example/" },
	{ C_spam_content, 12, "%p failed after I sent the message./Remote host said: 550 5.7.1 Message "
	    "rejected as spam; delivery 7: success: did 1+0+0/" },
	{ C_dns, 10, "Sorry, I couldn't find any host named %d. (#5.1.2)/" },
	{ C_size, 4, "%p failed after I sent the message./Remote host said: 552 5.3.4 Message too "
	    "large/" },
};

static const struct failure local_later[] = {
	{ C_resource, 1, "Unable to chdir to maildir. (#4.2.1)/" },
	{ C_resource, 1, "System resources temporarily unavailable. (#4.3.0)/" },
};
static const struct failure local_never[] = {
	{ C_unknown_rcpt, 3, "Sorry, no mailbox here by that name. (#5.1.1)/" },
	{ C_mailbox_full, 1, "Recipient's mailbox is full, message returned to sender. (#5.2.2)/" },
};

/* A mail in the queue. */
struct letter {
	struct mail m;		/* id: the inode's number, once it has one */
	enum qmail_origin origin;
	unsigned qp, bounced, heard;
	struct {
		unsigned number;	/* of the delivery under way */
		bool for_good, tried;
		const struct failure *why;	/* NULL: it arrives */
	} now[RCPT_MAX];
};

enum what { ARRIVE, START, END, STOP, RESUME };

struct happening {
	int64_t t;
	uint64_t seq;		/* the order of equals */
	enum what what;
	unsigned rcpt;
	struct letter *l;
};

static struct queue {
	struct happening *heap;
	size_t n, cap;
	uint64_t seq;
	int64_t last;		/* stamp of the line before */
	unsigned qp, deliveries, running[2];
	bool stopping, away, begun;
	unsigned inode[INODES], inodes, next_inode;	/* those that are free, the last one first */
} queues[HOSTS];

/* --- what will happen ---------------------------------------------------------------- */

static bool
is_before(const struct happening *a, const struct happening *b)
{
	return a->t != b->t ? a->t < b->t : a->seq < b->seq;
}

static void
plan(struct queue *q, int64_t t, enum what what, struct letter *l, unsigned rcpt)
{
	struct happening x = { t, q->seq++, what, rcpt, l };
	size_t i = q->n++;

	if (q->n > q->cap) {
		q->cap = q->cap > 0 ? q->cap * 2 : 256;
		q->heap = realloc(q->heap, q->cap * sizeof q->heap[0]);
		if (q->heap == NULL)
			abort();
	}
	for (; i > 0 && is_before(&x, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = x;
}

static struct happening
take_first(struct queue *q)
{
	struct happening first = q->heap[0], x = q->heap[--q->n];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < q->n) {
		if (k + 1 < q->n && is_before(&q->heap[k + 1], &q->heap[k]))
			k++;
		if (!is_before(&q->heap[k], &x))
			break;
		q->heap[i] = q->heap[k];
		i = k;
	}
	q->heap[i] = x;
	return first;
}

/* --- lines --------------------------------------------------------------------------- */

/* *t moves on to when it was said. */
static bool __attribute__((format(printf, 3, 4)))
tell(enum host h, int64_t *t, const char *fmt, ...)
{
	struct queue *q = &queues[h];
	char text[1500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (*t <= q->last)
		*t = q->last + 1 + below(90);
	q->last = *t;
	return say(h, *t, NULL, "qmail", 0, "%lld.%06lld %s",
	    (long long)(day_epoch() + *t / SECOND), (long long)(*t % SECOND), text);
}

static void
tell_status(enum host h, int64_t *t)
{
	const struct queue *q = &queues[h];

	tell(h, t, "status: local %u/60 remote %u/120%s", q->running[0], q->running[1],
	    q->stopping ? " exitasap" : "");
}

/* --- messages ------------------------------------------------------------------------ */

static void
take_inode(struct queue *q, char out[QUEUE_ID])
{
	if (q->next_inode == 0)
		q->next_inode = 1311000 + below(100000);
	snprintf(out, QUEUE_ID, "%u", q->inodes > 0 ? q->inode[--q->inodes] : q->next_inode++);
}

static void
free_inode(struct queue *q, const char *id)
{
	if (q->inodes < INODES)
		q->inode[q->inodes++] = (unsigned)strtoul(id, NULL, 10);
}

static struct letter *
new_letter(const struct mail *m, enum qmail_origin origin)
{
	struct queue *q = &queues[m->host];
	struct letter *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	l->m = *m;
	l->origin = origin;
	q->qp = q->qp < 900 || q->qp > 31000 ? 900 + below(400) : q->qp + 1 + below(4);
	l->qp = q->qp;
	return l;
}

unsigned
qmail_enqueue(const struct mail *m, enum qmail_origin origin, int64_t t)
{
	struct letter *l = new_letter(m, origin);

	plan(&queues[m->host], t, ARRIVE, l, 0);
	return l->qp;
}

static void
count_rcpts(const struct letter *l, unsigned n)
{
	static const enum figure figure[] = { F_recv_rcpt, F_local_rcpt, F_recv_rcpt, F_own_rcpt };

	truth_add(l->m.host, figure[l->origin], n);
	if (l->origin == ORIGIN_LOGIN)
		truth_add(l->m.host, F_auth_rcpt, n);
}

static void
arrive(struct queue *q, struct letter *l, int64_t t)
{
	struct mail *m = &l->m;

	if (m->id[0] == '\0')
		take_inode(q, m->id);
	tell(m->host, &t, "new msg %s", m->id);
	m->came_at = t;
	t += 40 + below(60);
	if (!tell(m->host, &t, "info msg %s: bytes %u from <%s> qp %u uid %u", m->id, m->size,
	    m->from, l->qp, l->origin == ORIGIN_OWN ? QUEUE_UID : 89))
		return;
	count_rcpts(l, 1);
	if (l->origin == ORIGIN_LOOPBACK) {
		truth_add(m->host, F_recv_local, 1);
	} else if (l->origin != ORIGIN_OWN) {
		truth_add(m->host, F_recv_msg, 1);
		truth_add(m->host, F_recv_bytes, m->size);
	}
	for (unsigned i = 0; i < m->n; i++)
		plan(q, t + 300 + below(900), START, l, i);
}

/* --- deliveries ---------------------------------------------------------------------- */

#define DRAW(a) draw_failure((a), sizeof(a) / sizeof((a)[0]))

static const struct failure *
draw_failure(const struct failure *a, size_t n)
{
	unsigned total = 0, x;

	for (size_t i = 0; i < n; i++)
		total += a[i].weight;
	x = below(total);
	for (size_t i = 0; i < n; x -= a[i++].weight)
		if (x < a[i].weight)
			return &a[i];
	return &a[0];
}

static unsigned long
domain_number(const char *to)
{
	return strtoul(domain_of(to) + 1, NULL, 10);
}

/* How it will end, and how long it takes. */
static int64_t
decide(struct letter *l, unsigned i)
{
	const struct rcpt *r = &l->m.rcpts[i];
	bool dead = domain_number(r->to) % 40 == 17;

	l->now[i].why = NULL;
	l->now[i].for_good = false;
	if (is_local(r->to)) {
		/* notifications of notifications always arrive */
		if (strcmp(l->m.from, "#@[]") == 0)
			;
		else if (chance(60) || (r->deferred && chance(5000)))
			l->now[i].why = DRAW(local_later);
		else if ((l->now[i].for_good = chance(40)))
			l->now[i].why = DRAW(local_never);
		return 10000 + (below(400000) << (chance(600) ? below(5) : 0));
	}
	if (dead || (!r->deferred ? chance(800) : chance(3000)))
		l->now[i].why = dead ? &remote_later[1] : DRAW(remote_later);
	else if ((l->now[i].for_good = chance(l->origin == ORIGIN_OWN ? 2500 : 200)))
		l->now[i].why = DRAW(remote_never);	/* who bounces is often forged */
	return dead ? 60 * SECOND : 200000 + (below(2 * SECOND) << (chance(500) ? below(6) : 0));
}

static void
start(struct queue *q, struct letter *l, unsigned i, int64_t t)
{
	const struct rcpt *r = &l->m.rcpts[i];
	bool local = is_local(r->to), said;

	l->now[i].number = ++q->deliveries;
	said = local ? tell(l->m.host, &t, "starting delivery %u: msg %s to local %s-%s",
	    q->deliveries, l->m.id, domain_of(r->to), r->to) :
	    tell(l->m.host, &t, "starting delivery %u: msg %s to remote %s", q->deliveries, l->m.id,
	    r->to);
	if (said && !l->now[i].tried && l->heard++ > 0)
		count_rcpts(l, 1);
	l->now[i].tried = true;
	q->running[local ? 0 : 1]++;
	tell_status(l->m.host, &t);
	plan(q, t + decide(l, i), END, l, i);
}

static void
success_text(char *out, size_t size, const struct rcpt *r, const struct words *w)
{
	static const char *const here[] = { "did_1+0+0/", "did_0+0+1/", "filed_into_Junk/did_0+0+1/" };
	char id[16];

	token(id, 12);
	if (is_local(r->to))
		snprintf(out, size, "%s", here[below(3)]);
	else if (chance(3000))
		snprintf(out, size, "%s_accepted_message./Remote_host_said:_250_ok_%u_qp_%u/", w->mx_ip,
		    1793836800 + below(86400), below(30000));
	else
		snprintf(out, size, "%s_accepted_message./Remote_host_said:_250_2.0.0_Ok:_queued_as_%s/",
		    w->mx_ip, id);
}

static void
delivered(const struct letter *l, const struct rcpt *r, int64_t t)
{
	bool local = is_local(r->to);

	truth_add(l->m.host, local ? F_dlv_local : F_dlv_ext, 1);
	if (!local)
		truth_add(l->m.host, F_dlv_bytes, l->m.size);
	if (!r->deferred)
		truth_delay((double)(t - l->m.came_at) / (double)SECOND);
}

/* As qmail-send reckons: the square root of the age grows by the same each time. */
static int64_t
next_try(const struct letter *l, bool local, int64_t t)
{
	int64_t age = (t - l->m.came_at) / SECOND, root = 0;

	while ((root + 1) * (root + 1) <= age)
		root++;
	root += local ? 10 : 20;
	return l->m.came_at + root * root * SECOND + below(SECOND);
}

/* Its last recipient is done with: tell the sender, or the postmaster. */
static void
finish(struct queue *q, struct letter *l, int64_t t)
{
	if (l->bounced > 0) {
		struct mail n = { .host = l->m.host, .size = 1400 + below(3000), .n = 1 };
		struct letter *b;

		if (l->m.from[0] == '\0') {
			snprintf(n.from, ADDRESS, "#@[]");
			snprintf(n.rcpts[0].to, ADDRESS, "postmaster@example.org");
		} else {
			memcpy(n.rcpts[0].to, l->m.from, ADDRESS);
		}
		n.rcpts[0].open = true;
		t += 3000 + below(9000);
		b = new_letter(&n, ORIGIN_OWN);
		take_inode(q, b->m.id);
		if (tell(n.host, &t, "bounce msg %s qp %u", l->m.id, b->qp))
			truth_add(n.host, F_dsn, 1);
		plan(q, t + 500 + below(5000), ARRIVE, b, 0);
	}
	tell(l->m.host, &t, "end msg %s", l->m.id);
	free_inode(q, l->m.id);
	free(l);
}

static void
end(struct queue *q, struct letter *l, unsigned i, int64_t t)
{
	static const char *const word[] = { "success", "deferral", "failure" };
	struct rcpt *r = &l->m.rcpts[i];
	const struct failure *why = l->now[i].why;
	char ip[24], filled[500], text[700];
	struct words w = { .to = r->to, .mx_ip = ip };
	bool local = is_local(r->to), given_up = false;
	unsigned open = 0;

	snprintf(ip, sizeof ip, "198.51.100.%lu", domain_number(r->to) % 250 + 1);
	if (why == NULL) {
		success_text(text, sizeof text, r, &w);
	} else {
		given_up = !l->now[i].for_good && t - l->m.came_at > LIFETIME_S * SECOND;
		fill_in(filled, sizeof filled, why->text, &w);
		snprintf(text, sizeof text, "%s%s", filled, given_up ? "I'm not going to try again; this "
		    "message has been in the queue too long./" : "");
		for (char *p = text; *p != '\0'; p++)
			*p = *p == ' ' ? '_' : *p;
	}
	r->open = why != NULL && !l->now[i].for_good && !given_up;
	q->running[local ? 0 : 1]--;
	if (tell(l->m.host, &t, "delivery %u: %s: %s", l->now[i].number,
	    word[why == NULL ? 0 : r->open ? 1 : 2], text)) {
		if (why == NULL)
			delivered(l, r, t);
		else if (given_up)
			truth_add(l->m.host, F_expire, 1);
		else if (r->open)
			truth_deferred(l->m.host, why->cls);
		else
			truth_bounced(l->m.host, why->cls);
	}
	tell_status(l->m.host, &t);
	if (r->open) {
		r->deferred = true;
		plan(q, next_try(l, local, t), START, l, i);
	}
	l->bounced += why != NULL && !r->open;
	for (unsigned k = 0; k < l->m.n; k++)
		open += l->m.rcpts[k].open;
	if (open == 0)
		finish(q, l, t);
}

/* --- the day ------------------------------------------------------------------------- */

/* Asked to stop: deliveries under way end, nothing begins, then the next one is started. */
static bool
wait_for_the_next(struct queue *q, const struct happening *x)
{
	if (!q->stopping || (x->what != ARRIVE && x->what != START))
		return false;
	plan(q, x->t + SECOND, x->what, x->l, x->rcpt);
	return true;
}

static void
happen(enum host h, const struct happening *x)
{
	struct queue *q = &queues[h];
	int64_t t = x->t;

	if (wait_for_the_next(q, x))
		return;
	switch (x->what) {
	case ARRIVE: arrive(q, x->l, t); break;
	case START: start(q, x->l, x->rcpt, t); break;
	case END: end(q, x->l, x->rcpt, t); break;
	case STOP:
		q->stopping = true;
		tell_status(h, &t);
		break;
	case RESUME:
		q->stopping = q->away = false;
		q->deliveries = 0;
		tell_status(h, &t);
		plan(q, t + 3 * 3600 * SECOND + below(MINUTE), STOP, NULL, 0);
		return;
	}
	if (q->stopping && !q->away && q->running[0] + q->running[1] == 0) {
		q->away = true;
		tell(h, &t, "status: exiting");
		plan(q, t + 2 * SECOND, RESUME, NULL, 0);
	}
}

void
qmail_advance(unsigned second)
{
	for (enum host h = 0; h < HOSTS; h++) {
		struct queue *q = &queues[h];

		if (!q->begun)
			plan(q, 0, RESUME, NULL, 0);
		q->begun = true;
		while (q->n > 0 && q->heap[0].t < (int64_t)(second + 1) * SECOND) {
			struct happening x = take_first(q);

			happen(h, &x);
		}
	}
}
