/* sendmail_mail.c - mail that Sendmail takes, and its way to the end: rounds of attempts, retries,
 * quarantine, discards, expiry, and notifications, which have no from= line of their own.
 *
 * Recipients with one outcome share a line. A recipient of a notification counts when it is
 * first spoken of. */
#include <stdlib.h>
#include <string.h>

#include "sendmail.h"
#include "poison.h"

enum { ROUNDS = 12 };
static const int64_t lifetime = 3 * 3600 * SECOND;

/* relay: somebody answered; reply: and 8.17 prints what. */
struct failure {
	enum class cls;
	unsigned weight;
	bool relay;
	const char *dsn, *reply, *stat;
};

static const struct failure remote_later[] = {
	{ C_greylist, 40, true, "4.7.1", "451 4.7.1 <%t>: Recipient address rejected: Greylisted, please "
	    "try again later", "Deferred: 451 4.7.1 <%t>: Recipient address rejected: Greylisted, please "
	    "try again later" },
	{ C_remote_conn, 30, true, "4.4.1", NULL, "Deferred: Connection timed out with %m." },
	{ C_remote_conn, 8, true, "4.4.1", NULL, "Deferred: Connection refused by %m." },
	{ C_remote_conn, 8, true, "4.4.2", NULL, "Deferred: Connection reset by %m." },
	{ C_dns, 10, false, "4.0.0", NULL, "Deferred: Name server: %m.: host name lookup failure" },
	{ C_ratelimit, 8, true, "4.7.0", "421 4.7.0 Too many messages from your address, rate limited",
	    "Deferred: 421 4.7.0 Too many messages from your address, rate limited" },
	{ C_mailbox_full, 6, true, "4.2.2", "452 4.2.2 <%t>: mailbox is over quota", "Deferred: 452 4.2.2 "
	    "<%t>: mailbox is over quota" },
};

/* Where no reply= is printed, all that is left of the reply is in dsn and stat. */
static const struct failure remote_never[] = {
	{ C_unknown_rcpt, 60, true, "5.1.1", "550 5.1.1 <%t>: Recipient address rejected: User unknown in "
	    "virtual mailbox table", "User unknown" },
	{ C_mailbox_full, 12, true, "5.2.2", "552 5.2.2 <%t> over quota, dsn=2.0.0, stat=Sent (ok)",
	    "Service unavailable" },
	{ C_policy, 12, true, "5.7.1", "550 5.7.1 Access denied, stat=Sent (Ok: queued as 4711ABCDEF)",
	    "Service unavailable" },
	{ C_dns, 10, false, "5.1.2", NULL, "Host unknown (Name server: %m.: host not found)" },
	{ C_size, 4, true, "5.2.3", "552 5.2.3 Message too large", "Service unavailable" },
};

static const struct failure local_later = { C_resource, 1, false, "4.0.0", NULL, "Deferred: local mailer "
    "(/usr/bin/procmail) exited with EX_TEMPFAIL" };
static const struct failure local_never = { C_unknown_rcpt, 1, false, "5.1.1", NULL, "User unknown" };

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

/* --- one line ---------------------------------------------------------------------------- */

static void
print_interval(char *out, size_t size, int64_t s)
{
	if (s >= 86400)
		snprintf(out, size, "%lld+%02lld:%02lld:%02lld", (long long)(s / 86400),
		    (long long)(s / 3600 % 24), (long long)(s / 60 % 60), (long long)(s % 60));
	else
		snprintf(out, size, "%02lld:%02lld:%02lld", (long long)(s / 3600),
		    (long long)(s / 60 % 60), (long long)(s % 60));
}

/* What one line says of the recipients in its list; relay and reply may be NULL. */
struct outcome {
	const char *mailer, *relay, *dsn, *reply, *stat;
};

/* Returns the delay as printed, in seconds; -1 past the day's end. */
static int64_t
to_line(const struct mail *m, int64_t t, const char *list, const struct outcome *o)
{
	int64_t delay = t / SECOND - m->came_at / SECOND;
	char printed[24];
	bool reply = m->host != MXC && o->reply != NULL;

	print_interval(printed, sizeof printed, delay);
	if (!say(m->host, t, NULL, sm_tag(m->host), some_pid(), "%s: to=%s, delay=%s, xdelay=00:00:0%u, "
	    "mailer=%s, pri=%u%s%s, dsn=%s%s%s, stat=%s", m->id, list, printed, below(9), o->mailer,
	    30000 + m->size, o->relay != NULL ? ", relay=" : "", o->relay != NULL ? o->relay : "", o->dsn,
	    reply ? ", reply=" : "", reply ? o->reply : "", o->stat))
		return -1;
	return delay;
}

/* A notification's recipient is known once a line speaks of it. */
static void
hear(struct mail *m)
{
	if (m->mid[0] != '\0')
		return;
	m->mid[0] = '-';
	truth_add(m->host, F_own_rcpt, 1);
}

static void
sent(struct mail *m, struct rcpt *r, int64_t delay, enum figure where)
{
	hear(m);
	truth_add(m->host, where, 1);
	if (where == F_dlv_ext)
		truth_add(m->host, F_dlv_bytes, m->size);
	if (!r->deferred && where != F_discard)
		truth_delay((double)delay);
	r->open = false;
}

/* True if it is for good. */
static bool
fail(struct mail *m, struct rcpt *r, int64_t t, const struct failure *f, bool for_good,
    const struct words *w, const char *mailer)
{
	char list[ADDRESS + 4], relay[ADDRESS + 40], reply[400], stat[400];
	struct outcome o = { mailer, NULL, f->dsn, f->reply != NULL ? reply : NULL, stat };

	snprintf(list, sizeof list, "<%s>", r->to);
	fill_in(stat, sizeof stat, f->stat, w);
	fill_in(reply, sizeof reply, f->reply != NULL ? f->reply : "", w);
	if (w->mx != NULL) {
		fill_in(relay, sizeof relay, f->relay ? "%m. [%p]" : "%m.", w);
		o.relay = relay;
	}
	if (to_line(m, t, list, &o) < 0)
		return false;
	hear(m);
	if (!for_good) {
		truth_deferred(m->host, f->cls);
		r->deferred = true;
		return false;
	}
	truth_bounced(m->host, f->cls);
	r->open = false;
	return true;
}

/* --- one recipient -------------------------------------------------------------------------- */

static bool
try_remote(struct mail *m, struct rcpt *r, int64_t *t)
{
	unsigned long d = strtoul(domain_of(r->to) + 1, NULL, 10);
	char mx[ADDRESS + 8], ip[24], relay[ADDRESS + 40], list[ADDRESS + 4], stat[80], id[20];
	struct outcome o = { "esmtp", relay, "2.0.0", NULL, stat };
	struct words w = { .to = r->to, .mx = mx, .mx_ip = ip };
	bool dead = d % 40 == 17;
	int64_t delay;

	snprintf(mx, sizeof mx, "mx%lu.%s", d % 2 + 1, domain_of(r->to));
	snprintf(ip, sizeof ip, "198.51.100.%lu", d % 250 + 1);
	snprintf(relay, sizeof relay, "%s. [%s]", mx, ip);
	*t += 200000 + (below(2 * SECOND) << (chance(500) ? below(6) : 0));
	if (dead || (!r->deferred ? chance(800) : chance(3000)))
		return fail(m, r, *t, dead ? &remote_later[1] : DRAW(remote_later), false, &w, "esmtp");
	if (chance(200))
		return fail(m, r, *t, DRAW(remote_never), true, &w, "esmtp");
	if (chance(6000) && say(m->host, *t, NULL, sm_tag(m->host), some_pid(), "STARTTLS=client, relay=%s., "
	    "version=TLSv1.3, verify=FAIL, cipher=TLS_AES_256_GCM_SHA384, bits=256/256", mx))
		truth_add(m->host, F_tls_out, 1);
	token(id, 12);
	snprintf(stat, sizeof stat, chance(3000) ? "Sent (QA5000xx000001 Message accepted for delivery)" :
	    "Sent (Ok: queued as %s)", id);
	snprintf(list, sizeof list, "<%s>", r->to);
	delay = to_line(m, *t, list, &o);
	if (delay >= 0)
		sent(m, r, delay, F_dlv_ext);
	return false;
}

/* Mailboxes: those that take the mail are on one line, or two if that is too long. */
static void
deliver_locally(struct mail *m, int64_t *t)
{
	static const struct outcome ways[HOSTS] = {
		{ "cyrusv2", "localhost", "2.1.5", NULL, "Sent" },
		{ "local", NULL, "2.0.0", NULL, "Sent" },
		{ "procmail", NULL, "2.0.0", NULL, "Sent" },
	};
	char list[RCPT_MAX * (ADDRESS + 4)];
	struct rcpt *on_line[RCPT_MAX];
	size_t used = 0;
	unsigned n = 0, left = 0;

	for (unsigned i = 0; i < m->n; i++)
		left += m->rcpts[i].open && is_local(m->rcpts[i].to);
	if (left == 0)
		return;
	*t += 10000 + (below(400000) << (chance(600) ? below(5) : 0));
	for (unsigned i = 0; i < m->n; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (!r->open || !is_local(r->to))
			continue;
		used += (size_t)snprintf(list + used, sizeof list - used, "%s<%s>", n > 0 ? "," : "", r->to);
		on_line[n++] = r;
		left--;
		if (left > 0 && n < 4 && m->host == MXA)
			continue;
		if (left > 0 && m->host == MXA)
			snprintf(list + used, sizeof list - used, ", [more]");
		int64_t delay = to_line(m, *t, list, &ways[m->host]);

		for (unsigned k = 0; k < n && delay >= 0; k++)
			sent(m, on_line[k], delay, F_dlv_local);
		used = n = 0;
	}
}

/* Some mailboxes are full, some are no more. */
static unsigned
local_failures(struct mail *m, int64_t t)
{
	unsigned bounced = 0;

	for (unsigned i = 0; i < m->n; i++) {
		struct rcpt *r = &m->rcpts[i];
		struct words w = { .to = r->to };

		if (!r->open || !is_local(r->to) || m->mid[0] == '\0')
			continue;
		if (chance(40))
			bounced += fail(m, r, t + 20000, &local_never, true, &w, "local");
	}
	return bounced;
}

/* --- to the end ------------------------------------------------------------------------------ */

static void deliver(struct mail *m, int64_t t);

static unsigned
open_rcpts(const struct mail *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->rcpts[i].open;
	return n;
}

/* A notification to the sender, or to postmaster of what has none. */
static void
notify(const struct mail *m, int64_t t, const char *what, const char *text)
{
	struct mail n = { .host = m->host, .came_at = t, .n = 1 };
	bool to_sender = m->from[0] != '\0';

	sm_id(t, n.id);
	if (to_sender)
		snprintf(n.rcpts[0].to, ADDRESS, "%s", m->from);
	else
		snprintf(n.rcpts[0].to, ADDRESS, "postmaster@example.org");
	n.rcpts[0].open = true;
	if (!say(m->host, t, NULL, sm_tag(m->host), some_pid(), "%s: %s: %s: %s", m->id, n.id,
	    to_sender ? what : "postmaster notify", text))
		return;
	truth_add(m->host, F_dsn, 1);
	deliver(&n, t + 5000);
}

static void
done(const struct mail *m, int64_t t, int tries)
{
	char delay[24];

	print_interval(delay, sizeof delay, t / SECOND - m->came_at / SECOND);
	if (m->host == MXB)
		say(m->host, t, NULL, sm_tag(m->host), some_pid(), "%s: done; delay=%s, ntries=%d", m->id, delay,
		    tries);
}

static void
expire(struct mail *m, int64_t t, int tries)
{
	if (t >= DAY_END)
		return;
	truth_add(m->host, F_expire, open_rcpts(m));
	notify(m, t, "DSN", "Cannot send message for 3 hours");
	done(m, t, tries);
}

static void
deliver(struct mail *m, int64_t t)
{
	for (int round = 0; round < ROUNDS && t < DAY_END; round++) {
		int64_t end = t, wait = 10 * MINUTE << (round < 3 ? round : 3);
		unsigned bounced = local_failures(m, t);

		deliver_locally(m, &end);
		if (round == 0 && chance(100) && m->host == MXB)	/* in the night it is full */
			for (unsigned i = 0; i < m->n; i++)
				if (m->rcpts[i].open && is_local(m->rcpts[i].to))
					fail(m, &m->rcpts[i], end, &local_later, false,
					    &(struct words){ .to = m->rcpts[i].to }, "local");
		for (unsigned i = 0; i < m->n; i++) {
			int64_t at = t + below(60000);

			if (!m->rcpts[i].open || is_local(m->rcpts[i].to))
				continue;
			bounced += try_remote(m, &m->rcpts[i], &at);
			if (end < at)
				end = at;
		}
		if (bounced > 0 && end < DAY_END)
			notify(m, end, "DSN", "User unknown");
		if (open_rcpts(m) == 0) {
			done(m, end, round + 1);
			return;
		}
		if (end - m->came_at > lifetime) {
			expire(m, end, round + 1);
			return;
		}
		if (round == 3 && m->from[0] != '\0')
			notify(m, end, "sender notify", "Warning: could not send message for past 1 hour");
		t = end + wait + below(MINUTE);
	}
}

/* --- how mail comes ------------------------------------------------------------------------------ */

static void
draw_mail(struct mail *m, enum host h, int64_t t, bool outbound)
{
	*m = (struct mail){ .host = h, .came_at = t, .size = mail_size_draw() };
	message_id(m->mid);
	envelope_draw(m, outbound);
}

static bool
take(const struct sm_session *s, int64_t t, struct mail *m, const char *proto, bool local)
{
	memcpy(m->id, s->id, QUEUE_ID);
	if (!sm_from_line(s, t, m->from, m->size, m->n, m->mid, proto))
		return false;
	truth_add(m->host, local ? F_recv_local : F_recv_msg, 1);
	truth_add(m->host, local ? F_local_rcpt : F_recv_rcpt, m->n);
	if (!local)
		truth_add(m->host, F_recv_bytes, m->size);
	return true;
}

/* Rules that drop a message or put it aside; true if it goes no further now. */
static bool
ruled(const struct sm_session *s, struct mail *m, int64_t t)
{
	if (chance(150)) {
		for (unsigned i = 0; i < m->n && m->host == MXB; i++)	/* each by name */
			if (say(m->host, t, NULL, sm_tag(m->host), s->pid, "%s: to=<%s>, delay=00:00:00, pri=%u, "
			    "stat=discarded", m->id, m->rcpts[i].to, 30000 + m->size))
				truth_add(m->host, F_discard, 1);
		if (m->host != MXB && say(m->host, t, NULL, sm_tag(m->host), s->pid, "%s: discarded", m->id))
			truth_add(m->host, F_discard, m->n);
		return true;
	}
	if (!chance(100))
		return false;
	if (!say(m->host, t, NULL, sm_tag(m->host), s->pid, "%s: milter=scanner, quarantine=looks odd, "
	    "reject=550 5.7.1 not", m->id))
		return true;
	truth_add(m->host, F_held, 1);
	truth_on_hold(m->n);
	t += 10 * MINUTE + below(40) * MINUTE;
	if (chance(2000) || !say(m->host, t, NULL, "sendmail", some_pid(), "%s: unquarantine", m->id))
		return true;
	truth_on_hold(-(int64_t)m->n);
	deliver(m, t + 5000);
	return true;
}

/* Through amavis to the second daemon, or dropped by it. */
static void
through_filter(struct mail *m, int64_t t)
{
	struct mail back = *m;
	struct sm_session s = { .h = m->host, .pid = some_pid(), .relay = "localhost [127.0.0.1]" };
	char list[RCPT_MAX * (ADDRESS + 4)], stat[160];
	struct outcome o = { "esmtp", "[127.0.0.1] [127.0.0.1]", "2.6.0", NULL, stat };
	bool dropped = chance(1200);
	size_t n = 0;

	t += 300000 + below(3 * SECOND);
	if (t >= DAY_END - SECOND)
		return;
	for (unsigned i = 0; i < m->n; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s<%s>", i > 0 ? "," : "", m->rcpts[i].to);
	if (dropped) {
		snprintf(stat, sizeof stat, "Sent (2.7.0 Ok, discarded, id=%05u-01 - spam)", below(99999));
		if (to_line(m, t, list, &o) >= 0)
			truth_add(m->host, F_discard, m->n);
		return;
	}
	sm_id(t, s.id);
	memcpy(back.id, s.id, QUEUE_ID);
	back.came_at = t;
	back.size += 420;
	sm_from_line(&s, t, back.from, back.size, back.n, back.mid, "ESMTP");
	snprintf(stat, sizeof stat, "Sent (2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 %s Message accepted "
	    "for delivery)", back.id);
	to_line(m, t, list, &o);
	deliver(&back, t + 20000);
}

void
sm_mail_inbound(enum host h, int64_t t)
{
	struct sm_session s;
	struct mail m;

	t = sm_begin(&s, h, t) + below(600000);
	draw_mail(&m, h, t, false);
	if (!take(&s, t, &m, "ESMTP", false) || ruled(&s, &m, t + 10000))
		return;
	if (h == MXC)
		through_filter(&m, t);
	else
		deliver(&m, t + 20000);
}

void
sm_mail_submitted(enum host h, int64_t t)
{
	struct sm_session s;
	struct mail m;

	t = sm_begin(&s, h, t);
	draw_mail(&m, h, t, true);
	if (say(h, t, NULL, sm_tag(h), s.pid, "AUTH=server, relay=%s, authid=%s, mech=PLAIN, bits=0", s.relay, m.from))
		truth_add(h, F_auth_ok, 1);
	t += 50000 + below(600000);
	if (take(&s, t, &m, "ESMTPSA", false))
		truth_add(h, F_auth_rcpt, m.n);
	deliver(&m, t + 20000);
}

/* By sendmail(8), which hands over to the daemon, or by webmail over loopback. */
void
sm_mail_local(enum host h, int64_t t)
{
	struct sm_session s = { .h = h, .pid = some_pid(), .relay = "localhost [127.0.0.1]" };
	struct mail m;
	bool webmail = chance(4000);
	char list[RCPT_MAX * (ADDRESS + 4)], stat[80], msp[QUEUE_ID];
	struct outcome o = { "relay", "[127.0.0.1] [127.0.0.1]", "2.0.0", NULL, stat };
	size_t n = 0;

	draw_mail(&m, h, t, chance(6000));
	if (!is_local(m.from))
		local_address(m.from);
	sm_id(t, s.id);
	if (webmail) {
		take(&s, t, &m, "ESMTP", true);
		deliver(&m, t + 20000);
		return;
	}
	snprintf(s.relay, sizeof s.relay, "www-data@localhost");
	if (!say(h, t, NULL, "sendmail", s.pid, "%s: from=%s, size=%u, class=0, nrcpts=%u, msgid=<%s>, relay=%s",
	    s.id, m.from, m.size, m.n, m.mid, s.relay))
		return;
	truth_add(h, F_recv_local, 1);
	truth_add(h, F_local_rcpt, m.n);
	memcpy(msp, s.id, QUEUE_ID);
	snprintf(s.relay, sizeof s.relay, "localhost [127.0.0.1]");
	sm_id(t, s.id);
	memcpy(m.id, s.id, QUEUE_ID);
	if (!sm_from_line(&s, t, m.from, m.size + 310, m.n, m.mid, "ESMTP"))
		return;
	snprintf(stat, sizeof stat, "Sent (%s Message accepted for delivery)", m.id);
	for (unsigned i = 0; i < m.n; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? "," : "", m.rcpts[i].to);
	memcpy(m.id, msp, QUEUE_ID);
	to_line(&m, t, list, &o);
	memcpy(m.id, s.id, QUEUE_ID);
	m.size += 310;
	deliver(&m, t + 20000);
}
