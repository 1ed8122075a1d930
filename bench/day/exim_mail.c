/* exim_mail.c - mail that Exim takes, through a filter on mxa, and to its end. */
#include <stdlib.h>
#include <string.h>

#include "exim.h"
#include "poison.h"

enum { ROUNDS = 12 };
static const int64_t lifetime = 3 * 3600 * SECOND;

/* A mail and how it came. */
struct ex_mail {
	struct mail m;
	bool local, authenticated, linked,
	    own; /* linked: comes back from a filter; own: a notification */
	bool heard[RCPT_MAX];
};

/* What "== ... defer" or "** ..." says behind the host. */
struct failure {
	enum class cls;
	unsigned weight;
	bool relay; /* somebody answered */
	int error;
	const char *text;
};

static const struct failure later[] = {
	{ C_greylist, 40, true, -44,
	    ": SMTP error from remote mail server after RCPT TO:<%t>: 451 4.7.1 "
	    "<%t>: Recipient address rejected: Greylisted, please try again later" },
	{ C_remote_conn, 30, false, 110, ": Connection timed out" },
	{ C_remote_conn, 8, false, 111, ": Connection refused" },
	{ C_remote_conn, 8, true, -18,
	    ": Remote host closed connection in response to EHLO mx.example.org" },
	{ C_dns, 10, false, -1, ": host lookup did not complete" },
	{ C_ratelimit, 8, true, -45,
	    ": SMTP error from remote mail server after MAIL FROM:<%f>: 421 4.7.0 "
	    "Too many messages from your address, rate limited" },
	{ C_mailbox_full, 6, true, -46,
	    ": SMTP error from remote mail server after end of data: 452 4.2.2 "
	    "<%t>: mailbox is over quota" },
	{ C_tls_required, 2, true, -38,
	    ": a TLS session is required, but the server did not offer TLS "
	    "support" },
};

static const struct failure never[] = {
	{ C_unknown_rcpt, 60, true, 0,
	    ": SMTP error from remote mail server after RCPT TO:<%t>: 550 5.1.1 "
	    "<%t>: Recipient address rejected: User unknown in virtual mailbox table" },
	{ C_dnsbl, 12, true, 0,
	    ": SMTP error from remote mail server after RCPT TO:<%t>: 554 5.7.1 Service "
	    "unavailable; Client host [192.0.2.11] blocked using zen.blocklist.example" },
	{ C_spam_content, 12, true, 0,
	    ": SMTP error from remote mail server after end of data: 550 5.7.1 "
	    "Message rejected as spam; => x@d1.test R=x T=y: retry timeout exceeded" },
	{ C_dns, 10, false, 0, " : all relevant MX records point to non-existent hosts" },
	{ C_size, 4, false, 0, " : message is too big (transport limit = 10485760)" },
};

static const struct failure local_later = { C_mailbox_full, 1, false, -22,
	": mailbox is full (MTA-imposed quota exceeded while writing to /var/mail/x)" };
static const struct failure local_never = { C_unknown_rcpt, 1, false, 0,
	" : Unrouteable address" };

static const struct failure *
pick_failure(const struct failure *f, const struct failure *end)
{
	unsigned total = 0, x;

	for (const struct failure *i = f; i < end; i++)
		total += i->weight;
	for (x = below(total); x >= f->weight; f++)
		x -= f->weight;
	return f;
}

#define PICK_OF(a) pick_failure((a), (a) + sizeof(a) / sizeof((a)[0]))

/* --- what a mail is ------------------------------------------------------------------- */

/* Ids of mxb have sixteen characters, the others' are those of 4.97 and later. */
static void
draw_id(enum host h, char out[QUEUE_ID])
{
	char a[8], b[12], c[8];

	token(a, 4);
	token(b, h == MXB ? 6 : 9);
	token(c, h == MXB ? 2 : 4);
	snprintf(out, QUEUE_ID, h == MXB ? "1v%s-%s-%s" : "1v%s-00%s-%s", a, b, c);
}

static void
draw_mail(struct ex_mail *o, enum host h, int64_t t, bool outbound)
{
	struct mail *m = &o->m;

	*o = (struct ex_mail){ .m = { .host = h, .came_at = t, .size = mail_size_draw() } };
	draw_id(h, m->id);
	message_id(m->mid);
	envelope_draw(m, outbound);
}

static void
count_rcpts(const struct ex_mail *o, unsigned n)
{
	if (o->linked)
		return;
	truth_add(o->m.host,
	    o->own     ? F_own_rcpt
	    : o->local ? F_local_rcpt
		       : F_recv_rcpt,
	    n);
	if (o->authenticated)
		truth_add(o->m.host, F_auth_rcpt, n);
}

/* Recipient i is spoken of. */
static void
heard(struct ex_mail *o, unsigned i)
{
	if (o->m.host == MXC && !o->heard[i])
		count_rcpts(o, 1);
	o->heard[i] = true;
}

/* " for a b c" on hosts that say it */
static void
recipients(const struct ex_mail *o, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	if (o->m.host == MXC)
		return;
	n = (size_t)snprintf(out, size, " for");
	for (unsigned i = 0; i < o->m.n; i++)
		n += (size_t)snprintf(out + n, size - n, " %s", o->m.rcpts[i].to);
}

/* "<= SENDER HOW S=... id=... for ...". how: "H=... P=..." or "U=... P=local". */
static bool
arrived(struct ex_mail *o, int64_t t, unsigned pid, const char *how)
{
	char rcpts[RCPT_MAX * ADDRESS], mid[ADDRESS + 4];
	const struct mail *m = &o->m;

	recipients(o, rcpts, sizeof rcpts);
	if (strchr(m->mid, ' ') != NULL)
		snprintf(mid, sizeof mid, "\"%.100s\"@d1.test", m->mid);
	else
		snprintf(mid, sizeof mid, "%s", m->mid);
	if (!ex_say(m->host, t, pid, false, m->id, "<= %s %s S=%u%s%s%s",
		m->from[0] != '\0' ? m->from : "<>", how, m->size,
		o->own ? "" : " id=", o->own ? "" : mid, rcpts))
		return false;
	if (m->host != MXC)
		count_rcpts(o, m->n);
	return true;
}

static void
count_mail(const struct ex_mail *o)
{
	truth_add(o->m.host, o->local ? F_recv_local : F_recv_msg, 1);
	if (!o->local)
		truth_add(o->m.host, F_recv_bytes, o->m.size);
	if (o->authenticated)
		truth_add(o->m.host, F_auth_ok, 1);
}

static void
completed(const struct ex_mail *o, int64_t t)
{
	char qt[40];

	ex_time(qt, sizeof qt, o->m.host, t - o->m.came_at);
	ex_say(o->m.host, t, some_pid(), false, o->m.id,
	    o->m.host == MXA ? "Completed QT=%s" : "Completed", qt);
}

/* --- one delivery --------------------------------------------------------------------- */

static void deliver(struct ex_mail *o, int64_t t);

/* The delay of " QT=1m3.120s" in seconds. */
static double
as_printed(enum host h, int64_t us)
{
	return h == MXB ? (double)(us / 1000) / 1000 : (double)(us / SECOND);
}

static void
delivered(struct ex_mail *o, unsigned i, int64_t t, const char *flag, const char *how,
    enum figure where)
{
	struct rcpt *r = &o->m.rcpts[i];
	int64_t waited = t > o->m.came_at ? t - o->m.came_at : 0;
	char qt[40];

	ex_time(qt, sizeof qt, o->m.host, waited);
	if (!ex_say(o->m.host, t, some_pid(), false, o->m.id, "%s %s QT=%s DT=0s", flag,
		how, qt))
		return;
	heard(o, i);
	r->open = false;
	if (where == F_lines)
		return; /* handed over */
	truth_add(o->m.host, where, 1);
	if (where == F_discard)
		return;
	if (where == F_dlv_ext)
		truth_add(o->m.host, F_dlv_bytes, o->m.size);
	if (!r->deferred)
		truth_delay(as_printed(o->m.host, waited));
}

static void
fails(struct ex_mail *o, unsigned i, int64_t t, const struct failure *f, bool for_good,
    const char *route, const char *host, const struct words *w)
{
	struct rcpt *r = &o->m.rcpts[i];
	char text[500];
	bool said;

	fill_in(text, sizeof text, f->text, w);
	if (!f->relay)
		host = "";
	if (for_good)
		said = ex_say(o->m.host, t, some_pid(), false, o->m.id, "** %s %s%s%s",
		    r->to, route, host, text);
	else
		said = ex_say(o->m.host, t, some_pid(), false, o->m.id,
		    "== %s %s defer (%d)%s%s", r->to, route, f->error, host, text);
	if (!said)
		return;
	heard(o, i);
	if (for_good) {
		truth_bounced(o->m.host, f->cls);
		r->open = false;
	} else {
		truth_deferred(o->m.host, f->cls);
		r->deferred = true;
	}
}

/* A host that was dead lately is not tried. */
static void
not_yet(struct ex_mail *o, unsigned i, int64_t t)
{
	struct rcpt *r = &o->m.rcpts[i];

	ex_say(o->m.host, t, some_pid(), false, o->m.id,
	    "== %s R=dnslookup T=remote_smtp defer (-54): retry "
	    "time not reached for any host for '%s'",
	    r->to, domain_of(r->to));
}

/* True if the sender has to be told. */
static bool
try_remote(struct ex_mail *o, unsigned i, int round, int64_t t, const char *flag)
{
	struct rcpt *r = &o->m.rcpts[i];
	unsigned long d = strtoul(domain_of(r->to) + 1, NULL, 10);
	bool dead = d % 40 == 17, tls = chance(6000);
	char mx[ADDRESS + 8], ip[24], host[200], how[700], id[20];
	struct words w = { .from = o->m.from, .to = r->to, .mx = mx, .mx_ip = ip };

	snprintf(mx, sizeof mx, "mx%lu.%s", d % 2 + 1, domain_of(r->to));
	snprintf(ip, sizeof ip, "198.51.100.%lu", d % 250 + 1);
	snprintf(host, sizeof host, " H=%s [%s]%s", mx, ip, o->m.host == MXB ? ":25" : "");
	if (dead && round % 3 != 0) {
		not_yet(o, i, t);
		return false;
	}
	if (dead || chance(r->deferred ? 3000 : 800)) {
		fails(o, i, t, dead ? &later[1] : PICK_OF(later), false,
		    "R=dnslookup T=remote_smtp", host, &w);
		return false;
	}
	if (chance(200)) {
		fails(o, i, t, PICK_OF(never), true, "R=dnslookup T=remote_smtp", host, &w);
		return true;
	}
	token(id, 12);
	snprintf(how, sizeof how,
	    "%s R=dnslookup T=remote_smtp%s%s C=\"250 2.0.0 Ok: queued as %s\"", r->to,
	    host, tls ? " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes" : "", id);
	delivered(o, i, t, flag, how, F_dlv_ext);
	if (tls && t < DAY_END && flag[0] != '-')
		truth_add(o->m.host, F_tls_out, 1);
	return false;
}

static bool
try_local(struct ex_mail *o, unsigned i, int64_t t)
{
	struct rcpt *r = &o->m.rcpts[i];
	char how[400];
	int local = (int)(strchr(r->to, '@') - r->to);

	if (chance(60) || (r->deferred && chance(5000))) {
		fails(o, i, t, &local_later, false, "R=users T=mailbox", "",
		    &(struct words){ 0 });
		return false;
	}
	if (chance(40)) {
		fails(o, i, t, &local_never, true, "R=aliases", "", &(struct words){ 0 });
		return true;
	}
	if (chance(100)) {
		snprintf(how, sizeof how, ":blackhole: <%s> R=aliases", r->to);
		delivered(o, i, t, "=>", how, F_discard);
	} else if (o->m.host == MXB) {
		snprintf(how, sizeof how,
		    "%s R=store T=store_lmtp H=127.0.0.1 [127.0.0.1]:24 C=\"250 2.0.0 <%s> "
		    "Saved\"",
		    r->to, r->to);
		delivered(o, i, t, "=>", how, F_dlv_local);
	} else if (!r->deferred && chance(300)) { /* it would have waited under this name */
		snprintf(how, sizeof how,
		    "|/usr/bin/procmail -t \"R=x T=y\" <%s> R=users T=address_pipe", r->to);
		delivered(o, i, t, "=>", how, F_dlv_local);
	} else {
		snprintf(
		    how, sizeof how, "%.*s <%s> R=users T=mailbox", local, r->to, r->to);
		delivered(o, i, t, "=>", how, F_dlv_local);
	}
	return false;
}

/* --- to the end ------------------------------------------------------------------------ */

static void
notify(const struct ex_mail *o, int64_t t)
{
	struct ex_mail n = { .own = true,
		.m = {
		    .host = o->m.host, .came_at = t, .size = 2400 + below(3000), .n = 1 } };
	char how[80];

	if (o->m.from[0] == '\0')
		return;
	draw_id(n.m.host, n.m.id);
	memcpy(n.m.rcpts[0].to, o->m.from, ADDRESS);
	n.m.rcpts[0].open = true;
	snprintf(how, sizeof how, "R=%s U=Debian-exim P=local", o->m.id);
	if (arrived(&n, t, some_pid(), how))
		truth_add(n.m.host, F_dsn, 1);
	deliver(&n, t + SECOND);
}

static unsigned
open_rcpts(const struct ex_mail *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->m.n; i++)
		n += o->m.rcpts[i].open;
	return n;
}

/* Those that are left had their time: an attempt each, and the end of it. */
static void
give_up(struct ex_mail *o, int64_t t)
{
	for (unsigned i = 0; i < o->m.n; i++) {
		struct rcpt *r = &o->m.rcpts[i];

		if (!r->open)
			continue;
		fails(o, i, t, &later[2], false,
		    is_local(r->to) ? "R=users T=mailbox" : "R=dnslookup T=remote_smtp", "",
		    &(struct words){ 0 });
		if (ex_say(o->m.host, t, some_pid(), false, o->m.id,
			"** %s: retry timeout exceeded", r->to))
			truth_add(o->m.host, F_expire, 1);
	}
	notify(o, t);
	completed(o, t);
}

/* The administrator's hand. False if it was the end, or the mail stays where it is. */
static bool
meddle(struct ex_mail *o, int64_t *t)
{
	unsigned left = open_rcpts(o);

	for (unsigned i = 0; i < o->m.n; i++) /* who was never heard of cannot be missed */
		if (o->m.host == MXC && !o->heard[i])
			return true;
	if (chance(300)) {
		if (!ex_say(o->m.host, *t, some_pid(), false, o->m.id, "frozen by root"))
			return true;
		truth_add(o->m.host, F_held, 1);
		truth_on_hold(left);
		ex_say(o->m.host, *t + 5 * MINUTE, some_pid(), false, o->m.id,
		    "Message is frozen");
		*t += 10 * MINUTE + below(40) * MINUTE;
		if (chance(1500) || !ex_say(o->m.host, *t, some_pid(), false, o->m.id,
					"Unfrozen by auto-thaw"))
			return false;
		truth_on_hold(-(int64_t)left);
	} else if (chance(100)) {
		if (!ex_say(o->m.host, *t, some_pid(), false, o->m.id, "removed by root"))
			return true;
		truth_add(o->m.host, F_discard, left);
		ex_say(o->m.host, *t, some_pid(), false, o->m.id, "Completed");
		return false;
	} else if (chance(100)) {
		if (!ex_say(o->m.host, *t, some_pid(), false, o->m.id, "cancelled by root"))
			return true;
		truth_add(o->m.host, F_expire, left);
		notify(o, *t);
		ex_say(o->m.host, *t, some_pid(), false, o->m.id, "Completed");
		return false;
	}
	return true;
}

/* One round over those that are left; true if somebody must be told of a failure. */
static bool
deliver_round(struct ex_mail *o, int round, int64_t t, int64_t *end)
{
	const char *domain = "";
	bool tell = false;

	*end = t;
	for (unsigned i = 0; i < o->m.n; i++) {
		struct rcpt *r = &o->m.rcpts[i];
		bool ours = is_local(r->to);

		if (!r->open)
			continue;
		t += (below(2 * SECOND) << (chance(500) ? below(6) : 0)) + 10000;
		if (ours)
			tell |= try_local(o, i, t);
		else
			tell |= try_remote(o, i, round, t,
			    strcmp(domain, domain_of(r->to)) == 0 ? "->" : "=>");
		if (!ours && !r->open)
			domain = domain_of(r->to);
		*end = t;
	}
	return tell;
}

static void
deliver(struct ex_mail *o, int64_t t)
{
	for (int round = 0; round < ROUNDS && t < DAY_END; round++) {
		int64_t end, wait = 5 * MINUTE << (round < 4 ? round : 4);

		if (deliver_round(o, round, t, &end) && end < DAY_END)
			notify(o, end);
		if (open_rcpts(o) == 0) {
			completed(o, end);
			return;
		}
		if (end - o->m.came_at > lifetime) {
			give_up(o, end);
			return;
		}
		t = end + wait + below(MINUTE);
		if (!meddle(o, &t))
			return;
	}
}

/* amavis as a next hop: what it keeps is told to the client as taken, and by its Message-ID. */
static void
through_amavis(struct ex_mail *o, int64_t t)
{
	struct ex_mail back = *o;
	bool spam = chance(1200);
	char how[500];

	t += 300000 + below(3 * SECOND);
	if (t >= DAY_END - 5 * SECOND) {
		deliver(o, t);
		return;
	}
	draw_id(back.m.host, back.m.id);
	back.m.came_at = t;
	back.m.size += 420;
	back.linked = true;
	if (spam && say(o->m.host, t, NULL, "amavis", some_pid(),
			"(%05u-01) Blocked SPAM {DiscardedInbound,"
			"Quarantined}, [198.18.7.7]:4711 [198.18.7.7] <%s> -> <%s>, "
			"Message-ID: <%s>, mail_id: abcdefgh, "
			"Hits: 17.3, size: %u, 812 ms",
			below(100000), o->m.from, o->m.rcpts[0].to, o->m.mid, o->m.size))
		truth_add(o->m.host, F_spam, 1);
	if (!spam)
		arrived(&back, t, some_pid(),
		    "H=localhost (mx.example.org) [127.0.0.1] P=esmtp");
	for (unsigned i = 0; i < o->m.n; i++) {
		if (spam)
			snprintf(how, sizeof how,
			    "%s R=scan T=filter_smtp H=127.0.0.1 [127.0.0.1] C=\"250 2.7.0 "
			    "Ok, "
			    "discarded, id=00088-01 - spam\"",
			    o->m.rcpts[i].to);
		else
			snprintf(how, sizeof how,
			    "%s R=scan T=filter_smtp H=127.0.0.1 [127.0.0.1] C=\"250 2.0.0 "
			    "from "
			    "MTA(smtp:[127.0.0.1]:10025): 250 OK id=%s\"",
			    o->m.rcpts[i].to, back.m.id);
		delivered(o, i, t, i > 0 ? "->" : "=>", how, spam ? F_discard : F_lines);
	}
	completed(o, t);
	if (!spam)
		deliver(&back, t + 20000);
}

/* Passed on while it comes in: the delivery is told of before the mail. */
static bool
passed_on(struct ex_mail *o, int64_t t)
{
	char how[300];

	if (o->m.host != MXA || o->m.n != 1 || !chance(300))
		return false;
	snprintf(how, sizeof how,
	    "%s R=inner T=remote_smtp H=store.example.org [198.51.100.7] C=\"250 OK\"",
	    o->m.rcpts[0].to);
	delivered(o, 0, t, ">>", how, F_dlv_ext);
	return true;
}

/* An ACL drops it as a whole. */
static bool
dropped(struct ex_mail *o, int64_t t)
{
	if (o->m.host == MXC || !chance(100))
		return false;
	if (ex_say(o->m.host, t, some_pid(), false, o->m.id,
		"=> blackhole (DATA ACL discarded recipients)"))
		truth_add(o->m.host, F_discard, o->m.n);
	completed(o, t);
	return true;
}

void
ex_mail_inbound(enum host h, int64_t t)
{
	struct ex_session s;
	struct ex_mail o;
	char how[600];
	bool passed;

	t = ex_connect(&s, h, t);
	draw_mail(&o, h, t, false);
	passed = passed_on(&o, t);
	snprintf(how, sizeof how, "H=%s P=esmtp%s%s", s.at, s.tls ? "s" : "", ex_tls(&s));
	if (arrived(&o, t, s.pid, how)) {
		count_mail(&o);
		truth_add(h, F_tls_in, s.tls);
	}
	ex_quit(&s, t + 10000);
	if (passed)
		completed(&o, t);
	else if (dropped(&o, t))
		;
	else if (h == MXA && chance(5000))
		through_amavis(&o, t);
	else
		deliver(&o, t + 20000);
}

void
ex_mail_submitted(enum host h, int64_t t)
{
	struct ex_session s;
	struct ex_mail o;
	char how[800];

	t = ex_connect(&s, h, t);
	s.tls = true;
	draw_mail(&o, h, t, true);
	o.authenticated = true;
	snprintf(
	    how, sizeof how, "H=%s P=esmtpsa%s A=plain:%s", s.at, ex_tls(&s), o.m.from);
	if (arrived(&o, t, s.pid, how)) {
		count_mail(&o);
		truth_add(h, F_tls_in, 1);
	}
	ex_quit(&s, t + 10000);
	deliver(&o, t + 20000);
}

/* By a program of the machine: sendmail, or webmail over loopback. */
void
ex_mail_local(enum host h, int64_t t)
{
	struct ex_mail o;

	draw_mail(&o, h, t, chance(6000));
	if (!is_local(o.m.from))
		local_address(o.m.from);
	o.local = true;
	if (arrived(&o, t, some_pid(),
		chance(4000) ? "H=localhost [127.0.0.1] P=esmtp" : "U=www-data P=local"))
		count_mail(&o);
	deliver(&o, t + 20000);
}
