/* qmail.c - what stands before qmail's queue: sessions that are refused, guess passwords or
 * break, by programs of which several speak of one refusal; and what else fills its log. */
#include <stdarg.h>
#include <string.h>

#include "qmail.h"
#include "poison.h"

enum teller { SPAMDYKE, CHKUSER, QLOG, SIMSCAN, PLAIN };

/* One refusal is one count. text: SPAMDYKE's code and its reason, CHKUSER's title and
 * description, QLOG's reason and detail, a whole line. comment: what another program says of it
 * (CHKUSER: qlog's reason and detail). See fill_in(); %z is drawn. */
static const struct refusal {
	enum host host;
	enum class cls;
	unsigned weight, code;
	enum teller teller;
	const char *text[2], *comment;
} refusals[] = {
	{ MXA, C_dnsbl, 200, 554, SPAMDYKE, { "DENIED_RBL_MATCH", "%z" }, NULL },
	{ MXA, C_rhsbl, 30, 554, SPAMDYKE, { "DENIED_RHSBL_MATCH", "rhsbl.names.test" }, NULL },
	{ MXA, C_rdns, 90, 421, SPAMDYKE, { "DENIED_RDNS_MISSING", "(empty)" }, NULL },
	{ MXA, C_rdns, 40, 421, SPAMDYKE, { "DENIED_RDNS_RESOLVE", NULL }, NULL },
	{ MXA, C_generic_host, 60, 554, SPAMDYKE, { "DENIED_IP_IN_CC_RDNS", NULL }, NULL },
	{ MXA, C_greylist, 120, 421, SPAMDYKE, { "DENIED_GRAYLISTED", NULL }, NULL },
	{ MXA, C_protocol, 30, 554, SPAMDYKE, { "DENIED_EARLYTALKER", NULL }, NULL },
	{ MXA, C_unknown_sender, 40, 421, SPAMDYKE, { "DENIED_SENDER_NO_MX", NULL }, NULL },
	{ MXA, C_policy, 20, 554, SPAMDYKE, { "DENIED_SENDER_BLACKLISTED",
	    "/etc/spamdyke/blacklist_senders:12" }, NULL },
	{ MXA, C_relay_denied, 20, 554, SPAMDYKE, { "DENIED_RELAYING", NULL }, NULL },
	{ MXA, C_auth_required, 10, 554, SPAMDYKE, { "DENIED_AUTH_REQUIRED", NULL }, NULL },
	{ MXA, C_ratelimit, 6, 421, SPAMDYKE, { "DENIED_TOO_MANY_RECIPIENTS", NULL }, NULL },
	{ MXA, C_relay_denied, 20, 553, SPAMDYKE, { "DENIED_OTHER", "553 sorry, that domain isn't in my "
	    "list of allowed rcpthosts (#5.7.1)" }, NULL },
	{ MXA, C_unknown_rcpt, 90, 550, CHKUSER, { "rejected rcpt", "not existing recipient" },
	    "DENIED_OTHER" },
	{ MXA, C_mailbox_full, 8, 550, CHKUSER, { "mbx overquota", "rcpt mailbox is overquota" },
	    "DENIED_OTHER" },
	{ MXB, C_unknown_rcpt, 150, 550, CHKUSER, { "rejected rcpt", "not existing recipient" },
	    "reason=chkuser detail=nomailbox" },
	{ MXB, C_unknown_sender, 50, 550, CHKUSER, { "rejected sender", "invalid sender MX domain" },
	    "reason=chkusersender detail=sendermxinvalid" },
	{ MXB, C_dns, 20, 451, CHKUSER, { "rejected sender", "temporary DNS problem" },
	    "reason=chkusersender detail=sendermxdnstmpfail" },
	{ MXB, C_relay_denied, 20, 553, CHKUSER, { "rejected relaying", "client not allowed to relay" },
	    "reason=chkuser detail=relaying" },
	{ MXB, C_ratelimit, 8, 550, CHKUSER, { "rejected rcpt", "max number of recipients" },
	    "reason=chkuser detail=toomanyrcpt" },
	{ MXB, C_dnsbl, 150, 553, QLOG, { "rblreject", "%z" },
	    "rbl: ip=%i query=9.113.0.198.%z result=reject message='listed'" },
	{ MXB, C_dnsbl, 30, 451, QLOG, { "rbldelay", "%z" }, NULL },
	{ MXB, C_helo, 40, 553, QLOG, { "qregexbhelo", "^%h$" }, "badhelo: <%h> at %i" },
	{ MXB, C_policy, 30, 553, QLOG, { "qregexbmf", ".*@%d$" },
	    "badmailfrom: <%f> at %i matches pattern: .*@d1.test$" },
	{ MXB, C_unknown_rcpt, 20, 550, QLOG, { "validrcptto", "" },
	    "validrcptto: drop address <%t> at %i" },
	{ MXB, C_spf, 20, 550, QLOG, { "spf", "fail" }, NULL },
	{ MXB, C_relay_denied, 20, 553, QLOG, { "not_in_rcpthosts", "" }, NULL },
	{ MXB, C_auth_required, 10, 530, QLOG, { "authrequired", "" }, NULL },
	{ MXB, C_protocol, 12, 554, QLOG, { "pregreet", "" }, NULL },
	{ MXB, C_size, 5, 552, QLOG, { "databytes_limit_exceeded", "" }, NULL },
	{ MXB, C_spam_content, 40, 554, SIMSCAN, { "SPAM REJECT (14.20/12.00):2.1403s:buy: now",
	    NULL }, "reason=queuereject detail=Your_email_is_considered_spam_(14.20_spam-hits)" },
	{ MXC, C_dnsbl, 250, 451, PLAIN, { "rblsmtpd: %i pid 4711: 451 mail from %i listed at %z",
	    NULL }, NULL },
	{ MXC, C_dnsbl, 90, 553, PLAIN, { "rblsmtpd: %i pid 4711: 553 mail from %i listed at %z",
	    NULL }, NULL },
	{ MXC, C_helo, 40, 553, PLAIN, { "qmail-smtpd: badhelo: <%h> at %i", NULL }, NULL },
	{ MXC, C_policy, 40, 553, PLAIN, { "qmail-smtpd: badmailfrom: <%f> at %i matches pattern: "
	    ".*@d1.test$", NULL }, NULL },
	{ MXC, C_unknown_rcpt, 90, 550, PLAIN, { "qmail-smtpd: validrcptto: drop address <%t> at %i",
	    NULL }, NULL },
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static const struct refusal *
draw_refusal(enum host h)
{
	unsigned total = 0, x;

	for (int i = 0; i < REFUSALS; i++)
		total += refusals[i].host == h ? refusals[i].weight : 0;
	x = below(total);
	for (int i = 0; i < REFUSALS; i++) {
		if (refusals[i].host != h)
			continue;
		if (x < refusals[i].weight)
			return &refusals[i];
		x -= refusals[i].weight;
	}
	return NULL;
}

bool
qmail_smtpd(enum host h, int64_t t, const char *fmt, ...)
{
	char text[1500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return say(h, t, NULL, "smtpd", 0, "%lld.%06lld %s",
	    (long long)(day_epoch() + t / SECOND), (long long)(t % SECOND), text);
}

static bool
is_named(const struct client *c)
{
	return strcmp(c->name, "unknown") != 0;
}

void
qmail_open(struct qmail_session *s, enum host h, int64_t t, unsigned port)
{
	bool inside = s->client.ip[0] != '\0';

	s->h = h;
	s->pid = some_pid();
	s->local_port = port;
	if (!inside)
		client_draw(&s->client);
	helo_name(s->helo);
	remote_address(s->from);
	local_address(s->to);
	if (chance(2000))
		qmail_smtpd(h, t, "tcpserver: status: %u/100", 1 + below(60));
	if (chance(5000))
		qmail_smtpd(h, t, "tcpserver: pid %u from %s", s->pid, s->client.ip);
	if (qmail_smtpd(h, t, "%s: ok %u %s.example.org:192.0.2.1:%u %s:%s::%u",
	    port == 465 ? "sslserver" : "tcpserver", s->pid, host_name[h], port,
	    is_named(&s->client) ? s->client.name : "", s->client.ip, 1024 + below(60000)) && !inside)
		truth_add(h, F_conn, 1);
	if (port == 465 && qmail_smtpd(h, t + 30000, "sslserver: tls %u accept ", s->pid))
		truth_add(h, F_tls_in, 1);
}

void
qmail_close(const struct qmail_session *s, int64_t t)
{
	qmail_smtpd(s->h, t, "tcpserver: end %u status %u", s->pid, chance(8000) ? 0 : 256);
}

bool
qmail_qlog(const struct qmail_session *s, int64_t t, unsigned code, const char *reason,
    unsigned size, unsigned qp)
{
	char bytes[16] = "", queuer[16] = "";

	if (size > 0)
		snprintf(bytes, sizeof bytes, "%u", size);
	if (qp > 0)
		snprintf(queuer, sizeof queuer, "%u", qp);
	return qmail_smtpd(s->h, t, "%s: result=%s code=%u %s helo=%s mailfrom=%s rcptto=%s relay=%s "
	    "rcpthosts=%s size=%s authuser=%s authtype=%s encrypted=%s sslverified=no "
	    "localip=192.0.2.1 localport=%u remoteip=%s remoteport=4711 remotehost=%s qp=%s pid=%u",
	    qp > 0 ? "qlogreceived" : "qlogenvelope", code < 300 ? "accepted" : "rejected", code,
	    reason, s->helo, s->from, s->to, s->user != NULL ? "yes" : "no",
	    s->user != NULL ? "" : "yes", bytes, s->user != NULL ? s->user : "",
	    s->user != NULL ? "plain" : "", s->local_port == 465 ? "ssl" : "", s->local_port,
	    s->client.ip, s->client.name, queuer, s->pid);
}

/* --- refusals -------------------------------------------------------------------------- */

static unsigned
dyke(const struct qmail_session *s, int64_t t, const char *code, const char *reason)
{
	bool early = strcmp(code, "DENIED_EARLYTALKER") == 0;
	char line[900];
	unsigned again = 2 + below(5);
	unsigned pid = some_pid();

	snprintf(line, sizeof line, "%s from: %s to: %s origin_ip: %s origin_rdns: %s auth: (unknown) "
	    "encryption: %s%s%s", code, early ? "(unknown)" : s->from, early ? "(unknown)" : s->to,
	    s->client.ip, is_named(&s->client) ? s->client.name : "(unknown)",
	    chance(5000) ? "TLS" : "(none)", reason != NULL ? " reason: " : "",
	    reason != NULL ? reason : "");
	if (!say(s->h, t, NULL, "spamdyke", pid, "%s", line))
		return 0;
	if (chance(12) && say(s->h, t, NULL, "spamdyke", pid, "message repeated %u times: [ %s]",
	    again, line))
		return 1 + again;
	return 1;
}

static bool
chkuser(const struct qmail_session *s, int64_t t, const char *title, const char *why)
{
	return qmail_smtpd(s->h, t, "CHKUSER %s: from <%s|remoteinfo/auth:|chkuser-identify:> remote "
	    "<helo:%s|remotehostname:%s|remotehostip:%s> rcpt <%s> : %s", title, s->from, s->helo,
	    s->client.name, s->client.ip, strstr(title, "sender") != NULL ? "" : s->to, why);
}

static void
refuse(struct qmail_session *s, int64_t t, const struct refusal *r)
{
	unsigned zone = below_skewed(ZONE_N), n = 0;
	struct words w = { .client = &s->client, .helo = s->helo, .from = s->from, .to = s->to,
		.zone = zones[zone] };
	char text[2][400] = { "", "" }, comment[400], reason[820];

	for (int i = 0; i < 2; i++)
		if (r->text[i] != NULL)
			fill_in(text[i], sizeof text[i], r->text[i], &w);
	fill_in(comment, sizeof comment, r->comment != NULL ? r->comment : "", &w);
	switch (r->teller) {
	case SPAMDYKE:
		n = dyke(s, t, text[0], r->text[1] != NULL ? text[1] : NULL);
		break;
	case CHKUSER:
		n = chkuser(s, t, text[0], text[1]);
		if (s->h == MXB)
			qmail_qlog(s, t + 90, r->code, comment, 0, 0);
		else
			dyke(s, t + 400, comment, NULL);
		break;
	case QLOG:
		if (comment[0] != '\0')
			qmail_smtpd(s->h, t - 80, "qmail-smtpd[%u]: %s", s->pid, comment);
		snprintf(reason, sizeof reason, "reason=%s detail=%s", text[0], text[1]);
		n = qmail_qlog(s, t, r->code, reason, 0, 0);
		break;
	case SIMSCAN:
		n = qmail_smtpd(s->h, t, "simscan:[%u]:%s:%s:%s:%s", s->pid + 1, text[0], s->client.ip,
		    s->from, s->to);
		qmail_qlog(s, t + 3000, r->code, comment, 0, s->pid + 1);
		break;
	case PLAIN:
		n = qmail_smtpd(s->h, t, "%s", text[0]);
		break;
	}
	if (n > 0)
		truth_refused(s->h, r->code, r->cls, zone, n);
}

static void
refused(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h };
	const struct refusal *r = draw_refusal(h);
	bool whole = r->teller == SIMSCAN || strstr(r->text[0], "rblsmtpd") != NULL;
	unsigned n = !whole && chance(1800) ? 2 + below(4) : 1;

	qmail_open(&s, h, t, 25);
	t += 100000 + below(400000);
	for (unsigned i = 0; i < n; i++, t += 20000 + below(300000)) {
		refuse(&s, t, r);
		local_address(s.to);
	}
	if (n > 3 && r->teller == CHKUSER && chkuser(&s, t, "intrusion threshold",
	    "max number of allowed invalid rcpt"))
		truth_add(h, F_ratelimit, 1);
	qmail_close(&s, t + 50000);
}

/* --- the rest -------------------------------------------------------------------------- */

/* tcpserver's rules know the client. */
static void
denied(enum host h, int64_t t)
{
	struct client c;

	client_draw(&c);
	if (!qmail_smtpd(h, t, "tcpserver: deny %u %s.example.org:192.0.2.1:25 %s:%s::%u",
	    some_pid(), host_name[h], is_named(&c) ? c.name : "", c.ip, 1024 + below(60000)))
		return;
	truth_add(h, F_conn, 1);
	truth_refused(h, 553, C_policy, 0, 1);
}

static void
guessing(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h };
	unsigned n = 1 + below(3);

	qmail_open(&s, h, t, 587);
	for (unsigned i = 0; i < n; i++) {
		t += SECOND + below(2 * SECOND);
		if (say(h, t, NULL, "vpopmail", some_pid(), chance(5000) ?
		    "vchkpw-submission: password fail %s:%s" :
		    "vchkpw-submission: vpopmail user not found %s:%s", s.to, s.client.ip))
			truth_add(h, F_auth_fail, 1);
		if (h != MXB)
			continue;
		qmail_smtpd(h, t + 500, "qmail-smtpd[%u]: auth: auth-failed type=plain user=<%s>", s.pid,
		    s.to);
		qmail_qlog(&s, t + 600, 535, "reason=authfailed detail=", 0, 0);
	}
	qmail_close(&s, t + 90000);
}

static void
broken(enum host h, int64_t t)
{
	struct qmail_session s = { .h = h };

	qmail_open(&s, h, t, 25);
	t += SECOND;
	if (h == MXA && chance(5000)) {
		if (dyke(&s, t, "TIMEOUT", "TIMEOUT") == 1)
			truth_add(h, F_timeout, 1);
	} else if (h == MXA) {
		if (say(h, t, NULL, "spamdyke", some_pid(), "ERROR: unable to start SSL/TLS connection: A "
		    "protocol or library failure occurred"))
			truth_add(h, F_tls_fail, 1);
	} else if (h == MXB && chance(3000)) {
		if (qmail_qlog(&s, t, 451, "reason=alarmtimeout detail=", 0, 0))
			truth_add(h, F_timeout, 1);
	} else if (chance(7000)) {
		if (qmail_smtpd(h, t, "qmail-smtpd: read failed (connection closed by the client before "
		    "the quit cmd): %s from %s to %s helo %s", s.from, s.client.ip, s.to, s.helo))
			truth_add(h, F_lost, 1);
	} else if (qmail_smtpd(h, t, "qmail-smtpd: SSL error (sslv3 alert): (null) from %s to (null) "
	    "helo %s", s.client.ip, s.helo)) {
		truth_add(h, F_tls_fail, 1);
	}
	qmail_close(&s, t + 10000);
}

/* Lines that count for nothing, troubles, and other programs. */
static void
talk(enum host h, int64_t t)
{
	unsigned x = below(100);
	bool said;

	if (x < 30) {
		qmail_smtpd(h, t, "tcpserver: status: %u/100", below(100));
	} else if (x < 50) {
		qmail_smtpd(h, t, "tcpserver: ok %u 0:192.0.2.1:110 :198.18.%u.%u::4711", some_pid(),
		    below(256), below(256));
	} else if (x < 54) {
		said = say(h, t, NULL, "qmail", 0, "%lld.%06lld warning: unable to stat mess/12/9812; will "
		    "try again later", (long long)(day_epoch() + t / SECOND), (long long)(t % SECOND));
		truth_add(h, F_qwarn, said);
	} else if (x < 56) {
		said = qmail_smtpd(h, t, "simscan:[%u]: fatal error executing clamdscan", some_pid());
		truth_add(h, F_filter_fail, said);
	} else if (x < 64) {
		said = say(h, t, NULL, "vpopmail", some_pid(), "vchkpw-pop3: (PLAIN) login success "
		    "ada@example.org:198.18.%u.%u", below(256), below(256));
		truth_add(h, F_login_ok, said);
	} else if (x < 68) {
		said = say(h, t, NULL, "vpopmail", some_pid(), "vchkpw-imap: password fail "
		    "ada@example.org:198.18.%u.%u", below(256), below(256));
		truth_add(h, F_login_fail, said);
	} else if (x < 75) {
		qmail_smtpd(h, t, "rblsmtpd: 198.18.7.7 pid %u: greetdelay: 20", some_pid());
	} else {
		say(h, t, NULL, "CRON", some_pid(), "(root) CMD (qmail-clean)");
	}
}

const struct visit qmail_visits[] = {
	{ 440, refused, false },
	{ 20, denied, false },
	{ 40, guessing, false },
	{ 30, broken, false },
	{ 80, talk, false },
	{ 130, qmail_inbound, true },
	{ 60, qmail_submitted, true },
	{ 25, qmail_local, true },
	{ 0, NULL, false }
};
