/* deliver.c - from the queue to the end: rounds of attempts, retries, hold, requeue, expiry, and
 * the notifications that come of it.
 *
 * A final delivery's delay counts unless that recipient was deferred before under the same
 * queue id. A forwarded mail goes on under another id; nothing is delivered by that. */
#include <stdlib.h>
#include <string.h>

#include "day.h"
#include "poison.h"

enum { ROUNDS = 12 };
static const int64_t lifetime = 3 * 3600 * SECOND;

enum verdict { SENT, DEFERRED, BOUNCED };

/* What goes wrong, and as which class it counts. relay: the answer came from somebody. */
struct failure {
	enum class cls;
	unsigned weight;
	bool relay;
	const char *dsn, *text;
};

static const struct failure remote_later[] = {
	{ C_greylist, 40, true, "4.7.1", "host %m[%p] said: 451 4.7.1 <%t>: Recipient address "
	    "rejected: Greylisted, please try again later (in reply to RCPT TO command)" },
	{ C_remote_conn, 30, false, "4.4.1", "connect to %m[%p]:25: Connection timed out" },
	{ C_remote_conn, 8, false, "4.4.1", "connect to %m[%p]:25: Connection refused" },
	{ C_remote_conn, 8, true, "4.4.2", "lost connection with %m[%p] while sending RCPT TO" },
	{ C_dns, 10, false, "4.4.3", "Host or domain name not found. Name service error for name=%d "
	    "type=MX: Host not found, try again" },
	{ C_ratelimit, 8, true, "4.7.0", "host %m[%p] said: 421 4.7.0 Too many messages from your "
	    "address, rate limited (in reply to MAIL FROM command)" },
	{ C_mailbox_full, 6, true, "4.2.2", "host %m[%p] said: 452 4.2.2 <%t>: mailbox is over quota "
	    "(in reply to RCPT TO command)" },
};

static const struct failure remote_never[] = {
	{ C_unknown_rcpt, 60, true, "5.1.1", "host %m[%p] said: 550 5.1.1 <%t>: Recipient address "
	    "rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)" },
	{ C_dnsbl, 12, true, "5.7.1", "host %m[%p] said: 554 5.7.1 Service unavailable; Client host "
	    "[192.0.2.11] blocked using zen.blocklist.example (in reply to RCPT TO command)" },
	{ C_spam_content, 12, true, "5.7.1", "host %m[%p] said: 550 5.7.1 Message rejected as spam; "
	    "to=<%t>, status=sent (250 2.0.0 Ok: queued as 4711ABCDEF) (in reply to end of DATA "
	    "command)" },
	{ C_dns, 10, false, "5.4.4", "Host or domain name not found. Name service error for name=%d "
	    "type=A: Host not found" },
	{ C_size, 4, true, "5.3.4", "message size 31457280 exceeds size limit 10485760 of server "
	    "%m[%p]" },
};

static const struct failure lmtp_later = { C_mailbox_full, 1, true, "4.2.2",
    "host %m[%p] said: 452 4.2.2 <%t> Quota exceeded (mailbox for user is full) (in reply to RCPT "
    "TO command)" };
static const struct failure lmtp_never = { C_unknown_rcpt, 1, true, "5.1.1",
    "host %m[%p] said: 550 5.1.1 <%t> User doesn't exist: %t (in reply to RCPT TO command)" };

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

bool
mail_queued(const struct mail *m, int64_t t)
{
	return say(m->host, t, m->who, "qmgr", QMGR_PID, "%s: from=<%s>, size=%u, nrcpt=%u "
	    "(queue active)", m->id, m->from, m->size, m->n);
}

void
mail_removed(const struct mail *m, int64_t t)
{
	if (say(m->host, t, m->who, "qmgr", QMGR_PID, "%s: removed", m->id))
		queue_id_free(m->host, m->id, t);
}

/* Two digits that matter, as Postfix prints seconds: 0, 0.05, 0.3, 2.7, 14. */
static void
print_seconds(char *out, size_t size, int64_t us)
{
	char *end;

	if (us < 5000) {
		snprintf(out, size, "0");
		return;
	}
	if (us >= 10 * SECOND) {
		snprintf(out, size, "%lld", (long long)((us + SECOND / 2) / SECOND));
		return;
	}
	snprintf(out, size, us < SECOND ? "%.2f" : "%.1f", (double)us / (double)SECOND);
	for (end = out + strlen(out) - 1; *end == '0'; end--)
		*end = '\0';
	if (*end == '.')
		*end = '\0';
}

double
delivery_line(const struct mail *m, int64_t t, const char *service, const char *to,
    const char *relay, const char *dsn, const char *status, const char *text)
{
	int64_t total = t > m->came_at ? t - m->came_at : 0;
	int64_t part[4] = { 0, total / 50, total / 10, total / 4 };
	char delay[24], delays[4][24];

	for (int i = 1; i < 4; i++)	/* only the wait before can be long */
		if (part[i] > 2 * SECOND)
			part[i] = 2 * SECOND - below(900000);
	part[0] = total - part[1] - part[2] - part[3];
	print_seconds(delay, sizeof delay, total);
	for (int i = 0; i < 4; i++)
		print_seconds(delays[i], sizeof delays[i], part[i]);
	if (!say(m->host, t, m->who, service, some_pid(), "%s: to=<%s>, relay=%s, delay=%s, "
	    "delays=%s/%s/%s/%s, dsn=%s, status=%s (%s)", m->id, to, relay, delay, delays[0],
	    delays[1], delays[2], delays[3], dsn, status, text))
		return -1;
	return strtod(delay, NULL);
}

/* The mail exchanger of a recipient. Every fortieth domain has had none for years. */
struct next_hop {
	char name[ADDRESS + 8], ip[24], relay[200];
	bool dead;
};

static void
find_next_hop(struct next_hop *x, const char *to)
{
	unsigned long d = strtoul(domain_of(to) + 1, NULL, 10);

	snprintf(x->name, sizeof x->name, "mx%lu.%s", d % 2 + 1, domain_of(to));
	snprintf(x->ip, sizeof x->ip, "198.51.100.%lu", d % 250 + 1);
	snprintf(x->relay, sizeof x->relay, "%s[%s]:25", x->name, x->ip);
	x->dead = d % 40 == 17;
}

static void
fail(struct mail *m, struct rcpt *r, int64_t t, const char *service, const struct failure *f,
    bool for_good, const char *relay, const struct words *w, bool suspended)
{
	char text[700], reason[800];

	fill_in(text, sizeof text, f->text, w);
	snprintf(reason, sizeof reason, "%s%s", suspended ? "delivery temporarily suspended: " : "",
	    text);
	if (delivery_line(m, t, service, r->to, f->relay && !suspended ? relay : "none", f->dsn,
	    for_good ? "bounced" : "deferred", reason) < 0)
		return;
	if (for_good) {
		truth_bounced(m->host, f->cls);
		r->open = false;
	} else {
		truth_deferred(m->host, f->cls);
		r->deferred = true;
	}
}

static void
delivered(const struct mail *m, struct rcpt *r, double delay, enum figure where)
{
	if (delay < 0)
		return;
	truth_add(m->host, where, 1);
	if (where == F_dlv_ext)
		truth_add(m->host, F_dlv_bytes, m->size);
	if (!r->deferred)
		truth_delay(delay);
	r->open = false;
}

static enum verdict
try_remote(struct mail *m, struct rcpt *r, int round, int64_t *t)
{
	struct next_hop x;
	char text[160], id[20];
	int64_t began = *t;

	find_next_hop(&x, r->to);
	struct words w = { .to = r->to, .mx = x.name, .mx_ip = x.ip };

	if (x.dead && round > 1) {
		fail(m, r, *t, "error", &remote_later[1], false, x.relay, &w, true);
		return DEFERRED;
	}
	*t += 200000 + (below(2 * SECOND) << (chance(500) ? below(6) : 0));
	if (x.dead || (!r->deferred ? chance(800) : chance(3000))) {
		const struct failure *f = x.dead ? &remote_later[1] : DRAW(remote_later);

		if (!f->relay && f->cls == C_remote_conn)
			say(m->host, *t += 30 * SECOND, m->who, "smtp", some_pid(), "connect to %s[%s]:25: "
			    "Connection timed out", x.name, x.ip);
		fail(m, r, *t, "smtp", f, false, x.relay, &w, false);
		return DEFERRED;
	}
	if (chance(200)) {
		fail(m, r, *t, "smtp", DRAW(remote_never), true, x.relay, &w, false);
		return BOUNCED;
	}
	if (chance(6000) && say(m->host, began, m->who, "smtp", some_pid(), "Untrusted TLS connection "
	    "established to %s: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)", x.relay))
		truth_add(m->host, F_tls_out, 1);
	if (chance(100))
		say(m->host, began, m->who, "smtp", some_pid(), "%s: host mx9.%s[198.51.100.251] said: 451 "
		    "4.3.0 temporarily rejected (in reply to RCPT TO command)", m->id,
		    domain_of(r->to));
	token(id, 12);
	snprintf(text, sizeof text, "250 2.0.0 Ok: queued as %s", id);
	if (chance(5000))
		fill_in(text, sizeof text, chance(5000) ? "250 OK id=1tBxYz-%t" :
		    "250 2.6.0 <%t> [InternalId=7] Queued mail for delivery", &w);
	delivered(m, r, delivery_line(m, *t, "smtp", r->to, x.relay, "2.0.0", "sent", text),
	    F_dlv_ext);
	return SENT;
}

/* Dovecot behind LMTP: by a socket, or over TCP on loopback. */
static enum verdict
try_lmtp(struct mail *m, struct rcpt *r, int64_t *t)
{
	char relay[80], text[240], id[24];
	bool tcp = m->host == MXB;
	struct words w = { .to = r->to, .mx = tcp ? "127.0.0.1" : "mxa.example.org",
		.mx_ip = tcp ? "127.0.0.1" : "private/dovecot-lmtp" };

	snprintf(relay, sizeof relay, tcp ? "127.0.0.1[127.0.0.1]:24" :
	    "mxa.example.org[private/dovecot-lmtp]");
	*t += 10000 + (below(400000) << (chance(600) ? below(5) : 0));
	if (chance(60) || (r->deferred && chance(5000))) {
		fail(m, r, *t, "lmtp", &lmtp_later, false, relay, &w, false);
		return DEFERRED;
	}
	if (chance(40)) {
		fail(m, r, *t, "lmtp", &lmtp_never, true, relay, &w, false);
		return BOUNCED;
	}
	token(id, 22);
	snprintf(text, sizeof text, "250 2.0.0 <%s> %s Saved", r->to, id);
	delivered(m, r, delivery_line(m, *t, "lmtp", r->to, relay, "2.0.0", "sent", text), F_dlv_local);
	return SENT;
}

/* An alias leads elsewhere: the recipient goes on in a new queue file. */
static void
forward(struct mail *m, struct rcpt *r, int64_t t)
{
	struct mail f = { .host = m->host, .who = m->who, .came_at = t, .size = m->size + 300,
		.n = 1 };
	char text[60];

	queue_id(f.host, t, f.id);
	memcpy(f.from, m->from, ADDRESS);
	memcpy(f.mid, m->mid, ADDRESS);
	remote_address(f.rcpts[0].to);
	f.rcpts[0].open = true;
	say(f.host, t, f.who, "cleanup", some_pid(), "%s: message-id=<%s>", f.id, f.mid);
	mail_queued(&f, t);
	snprintf(text, sizeof text, "forwarded as %s", f.id);
	if (delivery_line(m, t, "local", r->to, "local", "2.0.0", "sent", text) >= 0)
		r->open = false;
	mail_deliver(&f, t + 5000);
}

/* mxc delivers itself: mailbox, maildir, a command; some addresses lead elsewhere. */
static enum verdict
try_mailbox(struct mail *m, struct rcpt *r, int64_t *t)
{
	static const struct {
		const char *service, *relay, *text;
	} ways[] = {
		{ "virtual", "virtual", "delivered to maildir" },
		{ "local", "local", "delivered to mailbox" },
		{ "pipe", "maildrop", "delivered via maildrop service" },
		{ "local", "local", "delivered to command: /usr/bin/procmail" },
	};
	unsigned way = below(4);

	*t += 10000 + below(300000);
	if (chance(400)) {
		forward(m, r, *t);
	} else if (chance(200)) {
		if (delivery_line(m, *t, "discard", r->to, "none", "2.0.0", "sent",
		    "nobody reads this address") >= 0) {
			truth_add(m->host, F_discard, 1);
			r->open = false;
		}
	} else {
		delivered(m, r, delivery_line(m, *t, ways[way].service, r->to, ways[way].relay, "2.0.0",
		    "sent", ways[way].text), F_dlv_local);
	}
	return SENT;
}

/* *t: when it begins, and then when it was over. */
static enum verdict
attempt(struct mail *m, struct rcpt *r, int round, int64_t *t)
{
	if (!is_local(r->to))
		return try_remote(m, r, round, t);
	return m->host == MXC ? try_mailbox(m, r, t) : try_lmtp(m, r, t);
}

/* Bounce's message to the sender: a mail of its own, delivered like others, but not received. */
static void
notify(const struct mail *m, int64_t t, const char *what)
{
	struct mail n = { .host = m->host, .who = m->who, .came_at = t, .size = 2400 + below(3000),
		.n = 1 };

	if (m->from[0] == '\0')
		return;
	queue_id(n.host, t, n.id);
	message_id(n.mid);
	memcpy(n.rcpts[0].to, m->from, ADDRESS);
	n.rcpts[0].open = true;
	if (n.host != MXB)	/* newer ones say it first */
		say(n.host, t, n.who, "cleanup", some_pid(), "%s: message-id=<%s>", n.id, n.mid);
	if (say(n.host, t, n.who, "bounce", some_pid(), "%s: %s notification: %s", m->id, what, n.id))
		truth_add(n.host, F_dsn, 1);
	if (n.host == MXB)
		say(n.host, t, n.who, "cleanup", some_pid(), "%s: message-id=<%s>", n.id, n.mid);
	if (mail_queued(&n, t))
		truth_add(n.host, F_own_rcpt, 1);
	mail_deliver(&n, t + 5000);
}

static unsigned
open_rcpts(const struct mail *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->rcpts[i].open;
	return n;
}

static void
expire(struct mail *m, int64_t t)
{
	if (!say(m->host, t, m->who, "qmgr", QMGR_PID, "%s: from=<%s>, status=expired, returned to "
	    "sender", m->id, m->from))
		return;
	truth_add(m->host, F_expire, open_rcpts(m));
	notify(m, t, "sender non-delivery");
	mail_removed(m, t);
}

/* The administrator's hand on a mail that waits. False if it stays where he put it. */
static bool
meddle(struct mail *m, int64_t *t)
{
	unsigned left = open_rcpts(m);

	if (chance(300)) {
		if (!say(m->host, *t, m->who, "postsuper", some_pid(), "%s: placed on hold", m->id))
			return true;
		truth_add(m->host, F_held, 1);
		truth_on_hold(left);
		*t += 10 * MINUTE + below(40) * MINUTE;
		if (chance(1500) || !say(m->host, *t, m->who, "postsuper", some_pid(),
		    "%s: released from hold", m->id))
			return false;
		truth_on_hold(-(int64_t)left);
	} else if (chance(200)) {
		char old[QUEUE_ID];
		unsigned n = 0;

		if (!say(m->host, *t, m->who, "postsuper", some_pid(), "%s: requeued", m->id))
			return true;
		memcpy(old, m->id, QUEUE_ID);
		queue_id_free(m->host, old, *t + 2 * SECOND);
		*t += SECOND;
		for (unsigned i = 0; i < m->n; i++)
			if (m->rcpts[i].open)
				m->rcpts[n++] = m->rcpts[i];
		m->n = n;
		for (unsigned i = 0; i < n; i++)
			m->rcpts[i].deferred = false;
		queue_id(m->host, *t, m->id);
		say(m->host, *t, m->who, "pickup", 690, "%s: uid=0 from=<%s> orig_id=%s", m->id, m->from,
		    old);
		say(m->host, *t, m->who, "cleanup", some_pid(), "%s: message-id=<%s>", m->id, m->mid);
	}
	return true;
}

/* One round over the recipients that are left; *end: when its last line was. */
static unsigned
deliver_round(struct mail *m, int round, int64_t t, int64_t *end)
{
	unsigned bounced = 0;

	*end = t;
	for (unsigned i = 0; i < m->n; i++) {
		int64_t at = t + below(60000);

		if (!m->rcpts[i].open)
			continue;
		if (attempt(m, &m->rcpts[i], round, &at) == BOUNCED)
			bounced++;
		if (*end < at)
			*end = at;
	}
	return bounced;
}

void
mail_deliver(struct mail *m, int64_t t)
{
	for (int round = 0; round < ROUNDS && t < DAY_END; round++) {
		int64_t end, wait = 5 * MINUTE << (round < 4 ? round : 4);
		unsigned bounced = deliver_round(m, round, t, &end);

		if (bounced > 0 && end < DAY_END)
			notify(m, end, "sender non-delivery");
		if (open_rcpts(m) == 0) {
			mail_removed(m, end);
			return;
		}
		if (end - m->came_at > lifetime) {
			expire(m, end);
			return;
		}
		if (round == 3)
			notify(m, end, "sender delay");
		t = end + wait + below(MINUTE);
		if (!meddle(m, &t) || !mail_queued(m, t))
			return;
	}
}
