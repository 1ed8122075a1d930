/* exim.c - Exim's sessions that bring no mail: refused, attacked, broken; and what else fills its
 * log. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exim.h"
#include "poison.h"

/* Own stamp, where the host writes one. */
static void
own_stamp(enum host h, int64_t t, char *out, size_t size)
{
	time_t at = (time_t)(day_epoch() + t / SECOND);
	struct tm tm;

	out[0] = '\0';
	if (h == MXB && gmtime_r(&at, &tm) != NULL)
		strftime(out, size, "%Y-%m-%d %H:%M:%S ", &tm);
}

bool
ex_say(enum host h, int64_t t, unsigned pid, bool twice, const char *id, const char *fmt, ...)
{
	char text[1500], stamp[40];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	own_stamp(h, t, stamp, sizeof stamp);
	if (twice && h != MXC)
		say(h, t, NULL, "exim", pid, "%s%s%s%s", stamp, id, id[0] != '\0' ? " " : "", text);
	return say(h, t, NULL, "exim", pid, "%s%s%s%s", stamp, id, id[0] != '\0' ? " " : "", text);
}

const char *
ex_tls(const struct ex_session *s)
{
	if (!s->tls)
		return "";
	return s->h == MXC ? " X=TLS1.2:ECDHE_SECP256R1__RSA_PSS_RSAE_SHA256__AES_256_GCM__AEAD:256 CV=no" :
	    " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no";
}

void
ex_time(char *out, size_t size, enum host h, int64_t us)
{
	long long s = us / SECOND, hours = s / 3600, minutes = s / 60 % 60;
	char head[40] = "";

	if (hours > 0)
		snprintf(head, sizeof head, "%lldh%lldm", hours, minutes);
	else if (minutes > 0)
		snprintf(head, sizeof head, "%lldm", minutes);
	if (h == MXB)
		snprintf(out, size, "%s%lld.%03llds", head, s % 60, (long long)(us / 1000 % 1000));
	else
		snprintf(out, size, "%s%llds", head, s % 60);
}

int64_t
ex_connect(struct ex_session *s, enum host h, int64_t t)
{
	char port[12] = "", name[80] = "";

	*s = (struct ex_session){ .h = h, .pid = some_pid(), .port = 1024 + below(60000),
		.tls = chance(4000) };
	client_draw(&s->client);
	helo_name(s->helo);
	if (h == MXB)
		snprintf(port, sizeof port, ":%u", s->port);
	if (strcmp(s->client.name, "unknown") != 0)
		snprintf(name, sizeof name, "%s ", s->client.name);
	snprintf(s->at, sizeof s->at, "%s(%s) [%s]%s", name, s->helo, s->client.ip, port);
	if (h != MXC && ex_say(h, t, 77, false, "", "SMTP connection from [%s]%s (TCP/IP connection count = "
	    "%u)", s->client.ip, port, 1 + below(90)))
		truth_add(h, F_conn, 1);
	return t + 30000 + below(300000);
}

void
ex_quit(const struct ex_session *s, int64_t t)
{
	if (s->h != MXC)
		ex_say(s->h, t, s->pid, false, "", "SMTP connection from %s closed by QUIT", s->at);
}

/* --- what is refused ------------------------------------------------------------------ */

/* Texts: see fill_in(); %z is drawn. where: the command; C connect, H HELO, D the message. */
struct refusal {
	enum class cls;
	unsigned weight;
	char where;
	bool later;
	const char *text;
};

static const struct refusal refusals[] = {
	{ C_unknown_rcpt, 250, 'R', false, "Unrouteable address" },
	{ C_unknown_rcpt, 40, 'R', false, "response to \"RCPT TO:<%t>\" from store.example.org [192.0.2.7] "
	    "was: 550 5.1.1 User unknown" },
	{ C_dnsbl, 260, 'R', false, "%i is listed at %z (127.0.0.4)" },
	{ C_dnsbl, 50, 'C', false, "your host is on a list: found in %z" },
	{ C_relay_denied, 70, 'R', false, "relay not permitted" },
	{ C_greylist, 120, 'R', true, "greylisted" },
	{ C_unknown_sender, 60, 'V', false, "Sender verify failed" },
	{ C_unknown_sender, 20, 'R', true, "Could not complete sender verify callout" },
	{ C_helo, 50, 'H', false, "" },
	{ C_policy, 30, 'R', false, "" },
	{ C_spf, 20, 'R', false, "550 5.7.23 SPF check failed for <%f>: relay not permitted" },
	{ C_spam_content, 40, 'D', false, "This message scored 17.3 spam points." },
	{ C_ratelimit, 15, 'C', true, "Host is ratelimited (12.3/1h max:10)" },
	{ C_size, 8, 'S', false, "message too big: size=99999999 max=52428800" },
	{ C_resource, 10, 'D', true, "451 4.3.0 scanner unavailable" },
	{ C_auth_required, 20, 'R', false, "authentication required" },
	{ C_rdns, 20, 'R', false, "reverse DNS lookup failed" },
	{ C_protocol, 20, 'Y', false, "" },
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static const struct refusal *
pick_refusal(void)
{
	unsigned total = 0, x;
	const struct refusal *r;

	for (r = refusals; r < refusals + REFUSALS; r++)
		total += r->weight;
	x = below(total);
	for (r = refusals; x >= r->weight; r++)
		x -= r->weight;
	return r;
}

static void
new_id(char out[QUEUE_ID])
{
	char middle[8], end[8];

	token(middle, 4);
	token(end, 6);
	snprintf(out, QUEUE_ID, "1v%s-%s-00", middle, end);
}

/* The reject log's copy has the envelope and the mail's header, cut at its line ends. */
static bool
refused_with_header(const struct ex_session *s, int64_t t, const char *id, const char *from, const char *to,
    const char *word, const char *text)
{
	char line[1300];

	snprintf(line, sizeof line, "%s H=%s%s F=<%s> %srejected after DATA: %s", id, s->at, ex_tls(s), from, word,
	    text);
	ex_say(s->h, t, s->pid, false, "", "[1\\5] %s", line);
	ex_say(s->h, t, s->pid, false, "", "[2\\5] Envelope-from: <%s>", from);
	ex_say(s->h, t, s->pid, false, "", "[3\\5] Envelope-to: <%s>", to);
	ex_say(s->h, t, s->pid, false, "", "[4\\5] F From: %s => %s R=x T=y", id, to);
	ex_say(s->h, t, s->pid, false, "", "[5/5] I Message-ID: <%s@d1.test>", id);
	return ex_say(s->h, t, s->pid, false, "", "%s", line);
}

static bool
refusal_line(const struct ex_session *s, int64_t t, const struct refusal *r, const char *from,
    const char *to, const char *text)
{
	const char *word = r->later ? "temporarily " : "", *colon = text[0] != '\0' ? ": " : "";
	char id[QUEUE_ID];

	switch (r->where) {
	case 'C':
		return ex_say(s->h, t, s->pid, true, "", "H=[%s] %srejected connection in \"connect\" ACL%s%s",
		    s->client.ip, word, colon, text);
	case 'H':
		return ex_say(s->h, t, s->pid, true, "", "rejected EHLO from [%s]: syntactically invalid "
		    "argument(s): %s", s->client.ip, chance(5000) ? "(no argument given)" : "=> my host");
	case 'S':
		return ex_say(s->h, t, s->pid, true, "", "rejected MAIL FROM:<%s> H=%s: %s", from, s->at, text);
	case 'Y':
		return ex_say(s->h, t, s->pid, true, "", "SMTP protocol synchronization error (input sent "
		    "without waiting for greeting): rejected connection from H=[%s] input=\"EHLO x\\r\\n\"",
		    s->client.ip);
	case 'D':
		new_id(id);
		if (s->h == MXA)
			return refused_with_header(s, t, id, from, to, word, text);
		return ex_say(s->h, t, s->pid, true, id, "H=%s%s F=<%s> %srejected after DATA: %s", s->at,
		    ex_tls(s), from, word, text);
	case 'V':
		ex_say(s->h, t, s->pid, true, "", "H=%s sender verify fail for <%s>: Unrouteable address",
		    s->at, from);
		break;
	}
	return ex_say(s->h, t, s->pid, true, "", "H=%s%s F=<%s> %srejected RCPT <%s>%s%s", s->at, ex_tls(s),
	    from, word, to, colon, text);
}

static void
refuse(const struct ex_session *s, int64_t t, const struct refusal *r)
{
	char from[ADDRESS], to[ADDRESS], text[400];
	unsigned zone = below_skewed(ZONE_N);

	remote_address(from);
	if (chance(50))
		snprintf(from, sizeof from, "\"> rejected RCPT <x@d1.test>: relay not permitted\"@d%u.test",
		    below(99));
	local_address(to);
	fill_in(text, sizeof text, r->text, &(struct words){ .client = &s->client, .helo = s->helo,
	    .from = from, .to = to, .zone = zones[zone] });
	if (refusal_line(s, t, r, from, to, text))
		truth_refused(s->h, r->later ? 451 : 550, r->cls, zone, 1);
}

static void
refused_session(enum host h, int64_t t)
{
	struct ex_session s;
	const struct refusal *r = pick_refusal();
	unsigned n = r->where == 'R' && chance(1800) ? 2 + below(4) : 1;

	t = ex_connect(&s, h, t);
	for (unsigned i = 0; i < n; i++, t += SECOND + below(SECOND))
		refuse(&s, t, r);
	if (chance(300) && ex_say(h, t, s.pid, true, "", "SMTP call from %s dropped: too many syntax or "
	    "protocol errors (last command was \"1vabcd-abcdef-00 => x\")", s.at)) {
		truth_add(h, F_ratelimit, 1);
	} else {
		ex_quit(&s, t);
	}
}

/* --- attacks, breaks, noise ----------------------------------------------------------- */

static void
guessing_session(enum host h, int64_t t)
{
	struct ex_session s;
	unsigned n = 1 + below(3);

	t = ex_connect(&s, h, t);
	for (unsigned i = 0; i < n; i++, t += 2 * SECOND + below(SECOND))
		if (ex_say(h, t, s.pid, true, "", "%s authenticator failed %s%s: 535 Incorrect authentication "
		    "data (set_id=%s)", chance(5000) ? "plain" : "dovecot_login", h == MXA ? "H=" : "for ", s.at,
		    chance(100) ? "joe (set_id=root): 235 ok" : "admin@example.org"))
			truth_add(h, F_auth_fail, 1);
	ex_quit(&s, t);
}

static void
broken_session(enum host h, int64_t t)
{
	struct ex_session s;
	unsigned x = below(100);

	t = ex_connect(&s, h, t);
	if (x < 30) {
		if (ex_say(h, t, s.pid, false, "", "TLS error on connection from %s (gnutls_handshake): timed "
		    "out", s.at))
			truth_add(h, F_tls_fail, 1);
	} else if (x < 50) {
		if (ex_say(h, t + 300 * SECOND, s.pid, false, "", "SMTP command timeout on connection from %s "
		    "D=5m", s.at))
			truth_add(h, F_timeout, 1);
	} else if (x < 70) {
		if (ex_say(h, t, s.pid, false, "", "unexpected disconnection while reading SMTP command from %s "
		    "D=2s", s.at))
			truth_add(h, F_lost, 1);
	} else if (x < 80) {
		if (ex_say(h, t, s.pid, false, "", "SMTP connection from %s lost while reading message data "
		    "(header)", s.at))
			truth_add(h, F_lost, 1);
	} else if (x < 90) {
		if (ex_say(h, t, 77, false, "", "Connection from [%s] refused: too many connections",
		    s.client.ip))
			truth_add(h, F_ratelimit, 1);
	} else {
		ex_say(h, t, s.pid, false, "", "no MAIL in SMTP connection from %s D=2s C=EHLO,STARTTLS,QUIT",
		    s.at);
	}
}

/* Lines that count for nothing, troubles, and other programs. */
static void
talk(enum host h, int64_t t)
{
	unsigned x = below(100), pid = some_pid();

	if (x < 30) {
		ex_say(h, t, pid, false, "", "Start queue run: pid=%u", pid);
		ex_say(h, t + SECOND, pid, false, "", "End queue run: pid=%u", pid);
	} else if (x < 60) {
		ex_say(h, t, pid, false, "", "no host name found for IP address 198.18.%u.%u", below(256),
		    below(256));
	} else if (x < 63) {
		if (ex_say(h, t, pid, false, "", "spool directory space check failed: space=%u inodes=-1",
		    below(999)))
			truth_add(h, F_qwarn, 1);
	} else if (x < 66) {
		if (ex_say(h, t, pid, false, "", "DNS list lookup defer (probably timeout) for 1.2.18.198.%s: "
		    "assumed not in list", zones[0]))
			truth_add(h, F_qwarn, 1);
	} else if (x < 68) {
		char id[QUEUE_ID];

		new_id(id);
		if (ex_say(h, t, pid, false, id, "malware acl condition: clamd: unable to connect to UNIX "
		    "socket (/run/clamav/clamd.ctl): Connection refused"))
			truth_add(h, F_filter_fail, 1);
	} else {
		say(h, t, NULL, "CRON", some_pid(), "(root) CMD (exim_tidydb)");
	}
}

const struct visit exim_visits[] = {
	{ 480, refused_session, false },
	{ 90, guessing_session, false },
	{ 40, broken_session, false },
	{ 80, talk, false },
	{ 120, ex_mail_inbound, true },
	{ 50, ex_mail_submitted, true },
	{ 15, ex_mail_local, true },
	{ 0, NULL, false }
};
