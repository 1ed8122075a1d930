/* opensmtpd_mail.c - mail that OpenSMTPD takes, through a filter on mxa, and to its end.
 *
 * mxb and mxc never say how many recipients a mail has: one is counted when it is first spoken
 * of. A bounce is a mail by the local socket like any other. */
#include <stdlib.h>
#include <string.h>

#include "opensmtpd.h"
#include "poison.h"

enum { ROUNDS = 12 };
static const int64_t lifetime = 3 * 3600 * SECOND;

struct failure {
	enum class cls;
	unsigned weight;
	bool relay;		/* somebody answered */
	const char *stat;
};

static const struct failure remote_later[] = {
	{ C_greylist, 40, true, "451 4.7.1 <%t>: Recipient address rejected: Greylisted, please try "
	    "again later" },
	{ C_remote_conn, 30, false, "Network error on destination MXs" },
	{ C_remote_conn, 8, true, "IO Error: Connection reset by peer" },
	{ C_remote_conn, 8, true, "Connection closed unexpectedly" },
	{ C_dns, 10, false, "Temporary failure in MX lookup" },
	{ C_ratelimit, 8, true, "421 4.7.0 Too many messages from your address, rate limited" },
	{ C_mailbox_full, 6, true, "452 4.2.2 <%t>: mailbox is over quota" },
	{ C_tls_required, 2, true, "TLS required but not supported by remote host" },
};

static const struct failure remote_never[] = {
	{ C_unknown_rcpt, 60, true, "550 5.1.1 <%t>: Recipient address rejected: User unknown in "
	    "virtual mailbox table" },
	{ C_dnsbl, 12, true, "554 5.7.1 Service unavailable; Client host [192.0.2.11] blocked using "
	    "zen.blocklist.example" },
	{ C_spam_content, 12, true, "550 5.7.1 Message rejected as spam; delay=0s result=Ok "
	    "stat=250 2.0.0 0badcafe Message accepted for delivery" },
	{ C_dns, 10, false, "Domain does not exist" },
	{ C_size, 4, true, "552 5.3.4 Message size exceeds fixed limit" },
};

static const struct failure local_later[] = {
	{ C_resource, 3, false, "Error (temporary failure: \"maildir: cannot write\")" },
	{ C_mailbox_full, 2, false, "Error (\"quota exceeded\")" },
};
static const struct failure local_never[] = {
	{ C_unknown_rcpt, 1, false, "Error (user unknown: exited abnormally)" },
};

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

/* --- what a mail is ------------------------------------------------------------------- */

static void
draw_id(struct os_mail *o)
{
	static uint32_t number;

	/* every number once, in no order that can be seen */
	snprintf(o->m.id, sizeof o->m.id, "%08x", ++number * UINT32_C(2654435761));
	for (unsigned i = 0; i < RCPT_MAX; i++)
		o->envelope[i] = below(UINT32_MAX);
}

static void
draw_mail(struct os_mail *o, enum host h, int64_t t, bool outbound)
{
	struct mail *m = &o->m;

	*o = (struct os_mail){ .m = { .host = h, .came_at = t, .size = mail_size_draw() } };
	draw_id(o);
	envelope_draw(m, outbound);
}

/* n recipients are known of. */
static void
count_rcpts(const struct os_mail *o, unsigned n)
{
	truth_add(o->m.host, o->local ? F_local_rcpt : F_recv_rcpt, n);
	if (o->authenticated)
		truth_add(o->m.host, F_auth_rcpt, n);
}

static void
take(const struct os_session *s, int64_t t, const struct os_mail *o)
{
	if (!os_accept(s, t, o) || o->linked)
		return;
	truth_add(s->h, o->local ? F_recv_local : F_recv_msg, 1);
	if (!o->local)
		truth_add(s->h, F_recv_bytes, o->m.size);
	if (s->h == MXA)
		count_rcpts(o, o->m.n);
}

/* --- one delivery --------------------------------------------------------------------- */

/* Of a recipient; the delay as printed, or -1. */
static int64_t
outcome(struct os_mail *o, unsigned i, int64_t t, const struct os_end *e)
{
	int64_t delay = os_outcome(o, i, t, e);

	if (delay >= 0 && o->m.host != MXA && !o->heard[i])
		count_rcpts(o, 1);
	o->heard[i] |= delay >= 0;
	return delay;
}

struct next_hop {
	char name[ADDRESS + 8], ip[24];
	bool dead;
};

static void
find_next_hop(struct next_hop *x, const char *to)
{
	unsigned long d = strtoul(domain_of(to) + 1, NULL, 10);

	snprintf(x->name, sizeof x->name, "mx%lu.%s", d % 2 + 1, domain_of(to));
	snprintf(x->ip, sizeof x->ip, "198.51.100.%lu", d % 250 + 1);
	x->dead = d % 40 == 17;
}

/* True if it is for good. */
static bool
fail(struct os_mail *o, unsigned i, int64_t t, const struct failure *f, bool for_good,
    const struct next_hop *x)
{
	struct rcpt *r = &o->m.rcpts[i];
	char stat[400];
	struct os_end e = { .result = for_good ? "PermFail" : "TempFail", .stat = stat };

	if (x != NULL) {
		e.relay = f->relay ? x->name : domain_of(r->to);
		e.relay_ip = f->relay ? x->ip : NULL;
	}
	fill_in(stat, sizeof stat, f->stat, &(struct words){ .to = r->to });
	if (outcome(o, i, t, &e) < 0)
		return false;
	if (!for_good) {
		truth_deferred(o->m.host, f->cls);
		r->deferred = true;
		return false;
	}
	truth_bounced(o->m.host, f->cls);
	r->open = false;
	return true;
}

static void
sent(struct os_mail *o, unsigned i, int64_t t, const struct os_end *e, enum figure where)
{
	struct rcpt *r = &o->m.rcpts[i];
	int64_t delay = outcome(o, i, t, e);

	if (delay < 0)
		return;
	truth_add(o->m.host, where, 1);
	if (where == F_dlv_ext)
		truth_add(o->m.host, F_dlv_bytes, o->m.size);
	if (!r->deferred && where != F_discard)
		truth_delay((double)delay);
	r->open = false;
}

static bool
try_remote(struct os_mail *o, unsigned i, int64_t *t)
{
	const struct rcpt *r = &o->m.rcpts[i];
	struct next_hop x;
	char stat[160], id[20];
	struct os_end e = { .result = "Ok", .stat = stat, .relay = x.name, .relay_ip = x.ip };
	enum host h = o->m.host;

	find_next_hop(&x, r->to);
	*t += 200000 + (below(2 * SECOND) << (chance(500) ? below(6) : 0));
	if (x.dead || (!r->deferred ? chance(800) : chance(3000))) {
		const struct failure *f = x.dead ? &remote_later[1] : DRAW(remote_later);

		if (!f->relay && f->cls == C_remote_conn) {
			say(h, *t += 10 * SECOND, NULL, "smtpd", OS_PID, "smtp-out: Disabling route [] <-> "
			    "%s (%s) for 15s", x.ip, x.name);
			say(h, *t + 15 * SECOND, NULL, "smtpd", OS_PID, "smtp-out: Enabling route [] <-> %s "
			    "(%s)", x.ip, x.name);
		}
		return fail(o, i, *t, f, false, &x);
	}
	if (chance(200))
		return fail(o, i, *t, DRAW(remote_never), true, &x);
	if (chance(6000) && os_outbound_tls(o, *t, x.ip, x.name))
		truth_add(h, F_tls_out, 1);
	token(id, 12);
	snprintf(stat, sizeof stat, chance(3000) ? "250 2.0.0 0badcafe Message accepted for delivery" :
	    "250 2.0.0 Ok: queued as %s", id);
	sent(o, i, *t, &e, F_dlv_ext);
	return false;
}

/* A maildir, or LMTP of Dovecot on this machine. */
static bool
try_local(struct os_mail *o, unsigned i, int64_t *t)
{
	const struct rcpt *r = &o->m.rcpts[i];
	char stat[200];
	struct os_end e = { .result = "Ok", .stat = "Delivered" };

	*t += 10000 + (below(400000) << (chance(600) ? below(5) : 0));
	if (chance(60) || (r->deferred && chance(5000)))
		return fail(o, i, *t, DRAW(local_later), false, NULL);
	if (chance(40))
		return fail(o, i, *t, DRAW(local_never), true, NULL);
	if (o->m.host == MXB) {
		snprintf(stat, sizeof stat, "250 2.0.0 <%s> Zx9aGwAB Saved", r->to);
		e = (struct os_end){ "Ok", stat, "localhost", "127.0.0.1" };
	}
	sent(o, i, *t, &e, F_dlv_local);
	return false;
}

/* --- rounds of attempts ------------------------------------------------------------------ */

static void deliver(struct os_mail *o, int64_t t);

static void
notify(const struct os_mail *o, int64_t t)
{
	struct os_mail n = { .local = true, .m = { .host = o->m.host, .came_at = t + SECOND,
	    .size = 1500 + below(3000), .n = 1 } };
	struct os_session s;

	if (o->m.from[0] == '\0')
		return;
	os_begin(&s, o->m.host);
	snprintf(s.client.ip, sizeof s.client.ip, "local");
	snprintf(s.client.name, sizeof s.client.name, "%s.example.org", host_name[o->m.host]);
	draw_id(&n);
	memcpy(n.m.rcpts[0].to, o->m.from, ADDRESS);
	n.m.rcpts[0].open = true;
	t += SECOND;
	os_connect(&s, t);
	take(&s, t, &n);
	os_close(&s, t, "quit");
	deliver(&n, t + 5000);
}

static unsigned
open_rcpts(const struct mail *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += m->rcpts[i].open;
	return n;
}

/* What is left expires, or the administrator removes it. */
static void
give_up(struct os_mail *o, int64_t t, const char *verb, enum figure what)
{
	bool said = false;

	for (unsigned i = 0; i < o->m.n; i++)
		if (o->m.rcpts[i].open && os_given_up(o, i, t, verb)) {
			truth_add(o->m.host, what, 1);
			said = true;
		}
	if (said && what == F_expire)
		notify(o, t);
}

static void
deliver(struct os_mail *o, int64_t t)
{
	struct mail *m = &o->m;

	for (int round = 0; round < ROUNDS && t < DAY_END; round++) {
		int64_t end = t, wait = 5 * MINUTE << (round < 4 ? round : 4);
		unsigned bounced = 0;

		for (unsigned i = 0; i < m->n; i++) {
			int64_t at = t + below(60000);

			if (!m->rcpts[i].open)
				continue;
			bounced += is_local(m->rcpts[i].to) ? try_local(o, i, &at) :
			    try_remote(o, i, &at);
			if (end < at)
				end = at;
		}
		if (bounced > 0 && end < DAY_END)
			notify(o, end);
		if (open_rcpts(m) == 0)
			return;
		if (end - m->came_at > lifetime) {
			give_up(o, end, "Expire", F_expire);
			return;
		}
		t = end + wait + below(MINUTE);
		if (chance(100)) {
			give_up(o, t, "Remove", F_discard);
			return;
		}
	}
}

/* --- how mail comes ------------------------------------------------------------------------ */

/* A filter on this machine takes the mail and gives it back, or drops it. */
static void
through_filter(struct os_mail *o, int64_t t)
{
	struct os_mail back = *o;
	struct os_session s;
	char stat[120];
	struct os_end e = { .result = "Ok", .stat = stat, .relay = "localhost",
		.relay_ip = "127.0.0.1" };
	bool dropped = chance(1500);

	t += 300000 + below(3 * SECOND);
	if (t >= DAY_END - SECOND)
		return;
	if (dropped) {
		snprintf(stat, sizeof stat, "250 2.7.0 Ok, discarded, id=%05u-01 - spam", below(100000));
		for (unsigned i = 0; i < o->m.n; i++)
			sent(o, i, t, &e, F_discard);
		return;
	}
	os_begin(&s, o->m.host);
	s.client = (struct client){ "localhost", "127.0.0.1" };
	back.linked = true;
	back.m.came_at = t;
	back.m.size += 420;
	draw_id(&back);
	os_connect(&s, t);
	take(&s, t, &back);
	os_close(&s, t, "quit");
	snprintf(stat, sizeof stat, "250 2.0.0 %s Message accepted for delivery", back.m.id);
	for (unsigned i = 0; i < o->m.n; i++)
		outcome(o, i, t, &e);
	deliver(&back, t + 20000);
}

void
os_mail_inbound(enum host h, int64_t t)
{
	struct os_session s;
	struct os_mail o;

	os_begin(&s, h);
	if (os_connect(&s, t))
		truth_add(h, F_conn, 1);
	t += 20000 + below(200000);
	if (chance(7000) && os_starttls(&s, t))
		truth_add(h, F_tls_in, 1);
	t += 50000 + below(600000);
	draw_mail(&o, h, t, false);
	take(&s, t, &o);
	os_close(&s, t + 30000, "quit");
	if (h == MXA && chance(4000))
		through_filter(&o, t);
	else
		deliver(&o, t + 20000);
}

void
os_mail_submitted(enum host h, int64_t t)
{
	struct os_session s;
	struct os_mail o;

	os_begin(&s, h);
	if (os_connect(&s, t))
		truth_add(h, F_conn, 1);
	if (os_starttls(&s, t + 20000))
		truth_add(h, F_tls_in, 1);
	t += 80000 + below(600000);
	draw_mail(&o, h, t, true);
	o.authenticated = os_login(&s, t - 40000, o.m.from, "ok");
	if (o.authenticated)
		truth_add(h, F_auth_ok, 1);
	take(&s, t, &o);
	if (chance(7000))
		os_close(&s, t + 30000, "quit");
	else if (os_close(&s, t + 300 * SECOND, "timeout"))
		truth_add(h, F_timeout, 1);
	deliver(&o, t + 20000);
}

/* By sendmail(8), or by webmail over loopback. */
void
os_mail_local(enum host h, int64_t t)
{
	struct os_session s;
	struct os_mail o;
	bool webmail = chance(4000);

	os_begin(&s, h);
	s.client = (struct client){ "localhost", "127.0.0.1" };
	if (!webmail)
		snprintf(s.client.ip, sizeof s.client.ip, "local");
	draw_mail(&o, h, t, chance(6000));
	if (!is_local(o.m.from))
		local_address(o.m.from);
	o.local = true;
	os_connect(&s, t);
	take(&s, t, &o);
	os_close(&s, t, "quit");
	deliver(&o, t + 20000);
}
