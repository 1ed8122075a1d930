/* screen.c - postscreen in front of mxa and mxb, and what else fills a mail log: statistics,
 * Dovecot, cron, address probes, warnings. */
#include "day.h"
#include "poison.h"

static const unsigned postscreen_pid[HOSTS] = { 1811, 1822, 1833 };

static const char *
own_ip(enum host h)
{
	return h == MXA ? "192.0.2.11" : "192.0.2.12";
}

/* A client that smtpd gets to see: a third of them has passed postscreen in the log. */
int64_t
screen_pass(enum host h, int64_t t, const struct client *c)
{
	unsigned port = 1024 + below(60000), pid = postscreen_pid[h], x;

	if (h == MXC || !chance(3300))
		return t;
	if (say(h, t, "postfix", "postscreen", pid, "CONNECT from [%s]:%u to [%s]:25", c->ip, port,
	    own_ip(h)))
		truth_add(h, F_screened, 1);
	x = below(100);
	if (x < 20)
		t += 6 * SECOND;	/* the pause before a stranger is greeted */
	if (say(h, t + 500, "postfix", "postscreen", pid, "%s [%s]:%u", x < 20 ? "PASS NEW" :
	    x < 90 ? "PASS OLD" : h == MXB ? "ALLOWLISTED" : "WHITELISTED", c->ip, port))
		truth_add(h, F_screen_pass, 1);
	return t + 20000;
}

static void
verdict(enum host h, int64_t t, const char *text)
{
	if (say(h, t, "postfix", "postscreen", postscreen_pid[h], "%s", text))
		truth_add(h, F_screen_bad, 1);
}

/* The client is on lists: each list's answer, the rank, refusals of its recipients. */
static int64_t
listed(enum host h, int64_t t, const struct client *c, unsigned port)
{
	char text[160], from[ADDRESS], to[ADDRESS], helo[ADDRESS];
	unsigned lists = 1 + below(3), rcpts = chance(8500) ? 1 : 2;

	for (unsigned z = 0; z < lists; z++)
		say(h, t, "postfix", "dnsblog", some_pid(), "addr %s listed by domain %s as 127.0.0.%u",
		    c->ip, zones[z], 2 + below(9));
	t += 6 * SECOND;
	snprintf(text, sizeof text, "DNSBL rank %u for [%s]:%u", 2 + below(9), c->ip, port);
	verdict(h, t, text);
	remote_address(from);
	helo_name(helo);
	for (unsigned i = 0; i < rcpts; i++) {
		local_address(to);
		t += 100000;
		if (say(h, t, "postfix", "postscreen", postscreen_pid[h], "NOQUEUE: reject: RCPT from "
		    "[%s]:%u: 550 5.7.1 Service unavailable; client [%s] blocked using %s; from=<%s>, "
		    "to=<%s>, proto=ESMTP, helo=<%s>", c->ip, port, c->ip, zones[0], from, to, helo))
			truth_refused(h, 550, C_dnsbl, 0, 1);
	}
	return t;
}

/* It speaks before it is spoken to, or breaks the protocol later. */
static int64_t
rude(enum host h, int64_t t, const struct client *c, unsigned port)
{
	char text[200], from[ADDRESS], to[ADDRESS], helo[ADDRESS];
	unsigned x = below(4);

	if (x < 2)
		snprintf(text, sizeof text, "PREGREET 18 after 0.%02u from [%s]:%u: EHLO status=sent"
		    "\\r\\n", below(100), c->ip, port);
	else if (x == 2)
		snprintf(text, sizeof text, "COMMAND PIPELINING from [%s]:%u after EHLO: MAIL "
		    "FROM:<a@d1.test>\\r\\n", c->ip, port);
	else
		snprintf(text, sizeof text, "NON-SMTP COMMAND from [%s]:%u after CONNECT: GET / "
		    "HTTP/1.1", c->ip, port);
	verdict(h, t, text);
	if (x > 1)
		return t;
	remote_address(from);
	local_address(to);
	helo_name(helo);
	t += SECOND;
	if (say(h, t, "postfix", "postscreen", postscreen_pid[h], "NOQUEUE: reject: RCPT from [%s]:%u: "
	    "550 5.5.1 Protocol error; from=<%s>, to=<%s>, proto=SMTP, helo=<%s>", c->ip, port, from,
	    to, helo))
		truth_refused(h, 550, C_protocol, 0, 1);
	return t;
}

/* A new good client, after the deep tests: it has to come again. */
static int64_t
self_greylisted(enum host h, int64_t t, const struct client *c, unsigned port)
{
	char from[ADDRESS], to[ADDRESS], helo[ADDRESS];

	remote_address(from);
	local_address(to);
	helo_name(helo);
	t += 7 * SECOND;
	if (say(h, t, "postfix", "postscreen", postscreen_pid[h], "NOQUEUE: reject: RCPT from [%s]:%u: "
	    "450 4.3.2 Service currently unavailable; from=<%s>, to=<%s>, proto=ESMTP, helo=<%s>",
	    c->ip, port, from, to, helo))
		truth_refused(h, 450, C_greylist, 0, 1);
	if (say(h, t + SECOND, "postfix", "postscreen", postscreen_pid[h], "PASS NEW [%s]:%u", c->ip,
	    port))
		truth_add(h, F_screen_pass, 1);
	return t + SECOND;
}

void
session_screened(enum host h, int64_t t)
{
	struct client c;
	char text[100];
	unsigned port = 1024 + below(60000), pid, x = below(100);

	if (h == MXC)
		h = MXA;
	pid = postscreen_pid[h];
	client_draw(&c);
	if (say(h, t, "postfix", "postscreen", pid, "CONNECT from [%s]:%u to [%s]:25", c.ip, port,
	    own_ip(h)))
		truth_add(h, F_screened, 1);
	t += 300000;
	if (x < 60) {
		t = listed(h, t, &c, port);
	} else if (x < 75) {
		t = rude(h, t, &c, port);
	} else if (x < 85) {
		t = self_greylisted(h, t, &c, port);
	} else if (x < 92) {
		snprintf(text, sizeof text, "%s [%s]:%u", h == MXB ? "DENYLISTED" : "BLACKLISTED",
		    c.ip, port);
		verdict(h, t, text);
	}
	if (x >= 92 || chance(3000)) {
		if (say(h, t, "postfix", "postscreen", pid, "HANGUP after %u.%u from [%s]:%u in tests "
		    "%s SMTP handshake", below(6), below(10), c.ip, port,
		    chance(5000) ? "before" : "after"))
			truth_add(h, F_screen_hangup, 1);
	}
	say(h, t, "postfix", "postscreen", pid, "DISCONNECT [%s]:%u", c.ip, port);
}

/* Is that recipient there? Asked of its server, never counted as mail. */
static void
probe(enum host h, int64_t t, const char *who)
{
	char id[QUEUE_ID], to[ADDRESS], mid[ADDRESS];
	bool good = chance(5000);

	queue_id(h, t, id);
	local_address(to);
	message_id(mid);
	say(h, t, who, "cleanup", some_pid(), "%s: message-id=<%s>", id, mid);
	say(h, t, who, "qmgr", QMGR_PID, "%s: from=<double-bounce@%s.example.org>, size=260, nrcpt=1 "
	    "(queue active)", id, host_name[h]);
	t += 200000 + below(SECOND);
	say(h, t, who, "smtp", some_pid(), "%s: to=<%s>, relay=inside.example.org[192.0.2.40]:25, "
	    "delay=0.3, delays=0.01/0/0.1/0.19, dsn=%s, status=%s", id, to,
	    good ? "2.1.5" : "5.1.1", good ? "deliverable (250 2.1.5 Ok)" :
	    "undeliverable (host inside.example.org[192.0.2.40] said: 550 5.1.1 no such user "
	    "(in reply to RCPT TO command))");
	say(h, t, who, "qmgr", QMGR_PID, "%s: removed", id);
	queue_id_free(h, id, t);
}

static void
trouble(enum host h, int64_t t, const char *who)
{
	switch (below(3)) {
	case 0:
		if (say(h, t, who, "master", 655, "warning: service \"smtp\" (25) has reached its "
		    "process limit \"100\": new clients may experience noticeable delays"))
			truth_add(h, F_qwarn, 1);
		break;
	case 1:
		if (say(h, t, who, "smtpd", some_pid(), "warning: connect to Milter service "
		    "inet:127.0.0.1:11332: Connection refused"))
			truth_add(h, F_filter_fail, 1);
		break;
	default:
		if (say(h, t, who, "smtpd", some_pid(), "warning: problem talking to server "
		    "private/policy: Connection timed out"))
			truth_add(h, F_filter_fail, 1);
	}
}

/* anvil counts what came in the last ten minutes; Dovecot logs into the same file. */
static void
statistics(enum host h, int64_t t, const char *who)
{
	struct client c;
	unsigned pid = some_pid(), m = (unsigned)(t / MINUTE);

	client_draw(&c);
	say(h, t, who, "anvil", pid, "statistics: max connection rate %u/60s for (smtp:%s) at Nov  5 "
	    "%02u:%02u:07", 1 + below(40), c.ip, m / 60, m % 60);
	say(h, t, who, "anvil", pid, "statistics: max connection count %u for (smtp:%s) at Nov  5 "
	    "%02u:%02u:11", 1 + below(9), c.ip, m / 60, m % 60);
	say(h, t, who, "anvil", pid, "statistics: max cache size %u at Nov  5 %02u:%02u:30",
	    1 + below(40), m / 60, m % 60);
}

static void
dovecot(enum host h, int64_t t)
{
	struct client c;
	char user[ADDRESS], session[20];

	client_draw(&c);
	local_address(user);
	token(session, 16);
	if (say(h, t, NULL, "dovecot", 0, "imap-login: Login: user=<%s>, method=PLAIN, rip=%s, "
	    "lip=192.0.2.20, mpid=%u, TLS, session=<%s>", user, c.ip, some_pid(), session))
		truth_add(h, F_login_ok, 1);
}

void
noise(enum host h, int64_t t)
{
	const char *who = h == MXC ? "postfix-in" : "postfix";
	unsigned x = below(100), pid = some_pid();

	if (x < 25) {
		statistics(h, t, who);
	} else if (x < 55) {
		dovecot(h, t);
	} else if (x < 65) {
		say(h, t, NULL, "CRON", pid, "(root) CMD (test -x /usr/sbin/anacron || run-parts "
		    "/etc/cron.hourly)");
	} else if (x < 75) {
		probe(h, t, who);
	} else if (x < 77) {
		trouble(h, t, who);
	} else {
		/* The load balancer looks whether we are there. */
		say(h, t, who, "smtpd", pid, "connect from localhost[127.0.0.1]");
		say(h, t, who, "smtpd", pid, "disconnect from localhost[127.0.0.1] quit=1 commands=1");
	}
}
