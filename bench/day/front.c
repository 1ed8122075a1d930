/* front.c - sessions that bring no mail: refused clients, guessers of passwords, content that
 * a milter, a header check or the proxy filter does not want, and connections that break.
 *
 * What is refused, and as which class it has to count, stands in one table. */
#include <string.h>

#include "day.h"
#include "poison.h"

static const struct refusal {
	enum class cls;
	unsigned weight, code;
	const char *stage;
	bool has_to;		/* the line names a recipient */
	const char *text;
} refusals[] = {
	{ C_dnsbl, 400, 554, "RCPT", true, "5.7.1 Service unavailable; Client host [%i] blocked "
	    "using %z; listed, see https://www.%z/why?a=%i" },
	{ C_rhsbl, 15, 554, "RCPT", true, "5.7.1 Service unavailable; Sender address [%f] blocked "
	    "using dbl.blocklist.example; domain of spammers" },
	{ C_rdns, 110, 450, "RCPT", true, "4.7.25 Client host rejected: cannot find your hostname, "
	    "[%i]" },
	{ C_rdns, 20, 450, "RCPT", true, "4.7.1 Client host rejected: cannot find your reverse "
	    "hostname, [%i]" },
	{ C_helo, 60, 504, "RCPT", true, "5.5.2 <%h>: Helo command rejected: need fully-qualified "
	    "hostname" },
	{ C_helo, 20, 450, "RCPT", true, "4.7.1 <%h>: Helo command rejected: Host not found" },
	{ C_unknown_rcpt, 150, 550, "RCPT", true, "5.1.1 <%t>: Recipient address rejected: User "
	    "unknown in virtual mailbox table" },
	{ C_unknown_rcpt, 20, 450, "RCPT", true, "4.1.1 <%t>: Recipient address rejected: "
	    "undeliverable address: host mx.%d[198.51.100.3] said: 550 5.1.1 <%t>: no such user "
	    "(in reply to RCPT TO command)" },
	{ C_relay_denied, 30, 554, "RCPT", true, "5.7.1 <%t>: Relay access denied" },
	{ C_relay_denied, 5, 454, "RCPT", true, "4.7.1 <%t>: Relay access denied" },
	{ C_greylist, 140, 450, "RCPT", true, "4.2.0 <%t>: Recipient address rejected: Greylisted, "
	    "see http://greylist.example/help/%d.html" },
	{ C_unknown_sender, 40, 450, "RCPT", true, "4.1.8 <%f>: Sender address rejected: Domain not "
	    "found" },
	{ C_spf, 25, 550, "RCPT", true, "5.7.23 <%t>: Recipient address rejected: Message rejected "
	    "due to: SPF fail - not authorized. Please see http://www.open-spf.example/Why?"
	    "s=mfrom;id=%f;ip=%i" },
	{ C_policy, 25, 554, "RCPT", true, "5.7.1 <%c>: Client host rejected: Access denied" },
	{ C_tls_required, 5, 450, "RCPT", true, "4.7.1 Session encryption is required" },
	{ C_auth_failed, 5, 553, "RCPT", true, "5.7.1 <%f>: Sender address rejected: not logged in" },
	{ C_resource, 5, 451, "RCPT", true, "4.3.0 <%t>: Temporary lookup failure" },
	{ C_resource, 3, 452, "MAIL", false, "4.3.1 Insufficient system storage" },
	{ C_size, 6, 552, "MAIL", false, "5.3.4 Message size exceeds fixed limit" },
	{ C_protocol, 6, 503, "DATA", true, "5.5.0 <DATA>: Data command rejected: Improper use of "
	    "SMTP command pipelining" },
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static const struct refusal *
draw_refusal(void)
{
	static unsigned total;
	unsigned x;

	if (total == 0)
		for (int i = 0; i < REFUSALS; i++)
			total += refusals[i].weight;
	x = below(total);
	for (int i = 0; i < REFUSALS; i++) {
		if (x < refusals[i].weight)
			return &refusals[i];
		x -= refusals[i].weight;
	}
	return &refusals[0];
}

int64_t
greet(enum host h, int64_t t, const char *who, const char *service, unsigned pid,
    const struct client *c)
{
	if (strcmp(c->name, "unknown") == 0 && chance(2000))
		say(h, t, who, service, pid, "warning: hostname h%u.isp%u.test does not resolve to "
		    "address %s: Name or service not known", below(9999), below(37), c->ip);
	if (say(h, t, who, service, pid, "connect from %s[%s]", c->name, c->ip))
		truth_add(h, F_conn, 1);
	t += 20000 + below(200000);
	if (chance(4500) && say(h, t, who, service, pid, "Anonymous TLS connection established from "
	    "%s[%s]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
	    "server-signature RSA-PSS (2048 bits) server-digest SHA256", c->name, c->ip))
		truth_add(h, F_tls_in, 1);
	return t + 10000 + below(100000);
}

/* A sender that tries to look like the rest of its own line. */
static void
draw_sender(char out[ADDRESS])
{
	static const char *const hostile[] = {
		"\"a> to=<ada@example.org> status=sent (250 ok\"@d1.test",
		"\"NOQUEUE: reject: RCPT from x[198.18.0.1]: 550 5.1.1\"@d2.test",
		"\"; from=<b@d3.test> proto=ESMTP\"@d3.test",
	};

	if (chance(40))
		snprintf(out, ADDRESS, "%s", hostile[below(3)]);
	else if (chance(300))
		out[0] = '\0';
	else
		remote_address(out);
}

struct session {
	enum host h;
	const char *who;
	unsigned pid;
	struct client client;
	char helo[ADDRESS], from[ADDRESS];
};

/* One refused recipient; sometimes the logger says that it was said again. */
static void
refuse(struct session *s, const struct refusal *r, int64_t t)
{
	char to[ADDRESS], text[700], line[1400];
	unsigned zone = below_skewed(ZONE_N);
	const char *verb = chance(150) ? "reject_warning" : "reject";
	int64_t n = 1;

	if (r->cls == C_relay_denied)
		remote_address(to);
	else
		local_address(to);
	fill_in(text, sizeof text, r->text, &(struct words){ .client = &s->client, .helo = s->helo,
	    .from = s->from, .to = to, .zone = zones[zone] });
	snprintf(line, sizeof line, "NOQUEUE: %s: %s from %s[%s]: %u %s; from=<%s>%s%s%s proto=%s "
	    "helo=<%s>", verb, r->stage, s->client.name, s->client.ip, r->code, text, s->from,
	    r->has_to ? " to=<" : "", r->has_to ? to : "", r->has_to ? ">" : "",
	    chance(9000) ? "ESMTP" : "SMTP", s->helo);
	if (!say(s->h, t, s->who, "smtpd", s->pid, "%s", line))
		return;
	if (chance(12)) {
		unsigned again = 2 + below(6);

		if (say(s->h, t, s->who, "smtpd", s->pid, "message repeated %u times: [ %s]",
		    again, line))
			n += again;
	}
	if (verb[6] == '_')
		truth_add(s->h, F_warn_rej, n);
	else
		truth_refused(s->h, r->code, r->cls, zone, n);
}

static void
begin(struct session *s, enum host h)
{
	*s = (struct session){ .h = h, .who = h == MXC ? "postfix-in" : "postfix",
		.pid = some_pid() };
	client_draw(&s->client);
	helo_name(s->helo);
	draw_sender(s->from);
}

void
session_refused(enum host h, int64_t t)
{
	struct session s;
	const struct refusal *r = draw_refusal();
	unsigned n = chance(8200) ? 1 : 2 + below(4);

	begin(&s, h);
	if (r->cls == C_helo)
		snprintf(s.helo, sizeof s.helo, "%s", chance(5000) ? "WIN-DESKTOP" : "localhost");
	t = screen_pass(h, t, &s.client);
	t = greet(h, t, s.who, "smtpd", s.pid, &s.client);
	for (unsigned i = 0; i < n; i++) {
		refuse(&s, i > 0 && r->has_to && chance(1500) ? draw_refusal() : r, t);
		t += 10000 + below(300000);
	}
	if (n > 3 && chance(3000) && say(h, t, s.who, "smtpd", s.pid,
	    "too many errors after RCPT from %s[%s]", s.client.name, s.client.ip))
		truth_add(h, F_ratelimit, 1);
	else if (chance(2200) && say(h, t, s.who, "smtpd", s.pid,
	    "lost connection after RCPT from %s[%s]", s.client.name, s.client.ip))
		truth_add(h, F_lost, 1);
	say(h, t, s.who, "smtpd", s.pid, "disconnect from %s[%s] ehlo=1 mail=1 rcpt=0/%u quit=1 "
	    "commands=3/%u", s.client.name, s.client.ip, n, n + 3);
}

void
session_attack(enum host h, int64_t t)
{
	struct session s;
	const char *service = "submission/smtpd";
	unsigned n = 1 + below(3), tried = 0;
	char line[300];

	begin(&s, h);
	t = greet(h, t, s.who, service, s.pid, &s.client);
	for (unsigned i = 0; i < n; i++, t += SECOND + below(2 * SECOND)) {
		const char *more = h == MXB ? ", sasl_username=admin@example.org" : "";

		snprintf(line, sizeof line, "warning: %s[%s]: SASL LOGIN authentication failed: "
		    "UGFzc3dvcmQ6%s", s.client.name, s.client.ip, more);
		if (!say(h, t, s.who, service, s.pid, "%s", line))
			break;	/* the day is over */
		tried++;
		if (chance(900)) {
			unsigned again = 2 + below(9);

			if (say(h, t + SECOND, s.who, service, s.pid,
			    "message repeated %u times: [ %s]", again, line))
				tried += again;
		}
	}
	truth_add(h, F_auth_fail, tried);
	if (chance(7000)) {
		if (say(h, t, s.who, service, s.pid, "lost connection after AUTH from %s[%s]",
		    s.client.name, s.client.ip))
			truth_add(h, F_lost, 1);
	} else if (chance(3000)) {
		if (say(h, t, s.who, service, s.pid, "warning: Connection rate limit exceeded: %u "
		    "from %s[%s] for service submission", 60 + below(90), s.client.name,
		    s.client.ip))
			truth_add(h, F_ratelimit, 1);
	}
	say(h, t, s.who, service, s.pid, "disconnect from %s[%s] ehlo=1 auth=0/%u commands=1/%u",
	    s.client.name, s.client.ip, tried, tried + 1);
}

/* The end-of-data reply of one who looked at the content: client= was said, but no mail came. */
void
session_content_refused(enum host h, int64_t t)
{
	struct session s;
	char id[QUEUE_ID], mid[ADDRESS], to[ADDRESS];
	const struct client *c = &s.client;
	unsigned cleanup = some_pid(), x = below(100);

	begin(&s, h);
	local_address(to);
	message_id(mid);
	t = greet(h, t, s.who, "smtpd", s.pid, c);
	if (h == MXB && x < 20) {
		say(h, t, s.who, "smtpd", s.pid, "NOQUEUE: client=%s[%s]", c->name, c->ip);
		if (say(h, t + SECOND, s.who, "smtpd", s.pid, "proxy-reject: END-OF-MESSAGE: 554 "
		    "5.7.1 Message content rejected: spam; from=<%s> to=<%s> proto=ESMTP helo=<%s>",
		    s.from, to, s.helo))
			truth_refused(h, 554, C_spam_content, 0, 1);
		say(h, t + SECOND, s.who, "smtpd", s.pid, "disconnect from %s[%s] ehlo=1 mail=1 "
		    "rcpt=1 data=0/1 commands=3/4", c->name, c->ip);
		return;
	}
	queue_id(h, t, id);
	say(h, t, s.who, "smtpd", s.pid, "%s: client=%s[%s]", id, c->name, c->ip);
	say(h, t + 200000, s.who, "cleanup", cleanup, "%s: message-id=<%s>", id, mid);
	t += 300000 + below(2 * SECOND);
	if (x < 70) {
		if (say(h, t, s.who, "cleanup", cleanup, "%s: milter-reject: END-OF-MESSAGE from "
		    "%s[%s]: 5.7.1 Spam message rejected; from=<%s> to=<%s> proto=ESMTP helo=<%s>",
		    id, c->name, c->ip, s.from, to, s.helo))
			truth_refused(h, 550, C_spam_content, 0, 1);
	} else if (x < 85) {
		if (say(h, t, s.who, "cleanup", cleanup, "%s: milter-reject: END-OF-MESSAGE from "
		    "%s[%s]: 4.7.1 Greylisted, please try again later; from=<%s> to=<%s> "
		    "proto=ESMTP helo=<%s>", id, c->name, c->ip, s.from, to, s.helo))
			truth_refused(h, 450, C_greylist, 0, 1);
	} else if (say(h, t, s.who, "cleanup", cleanup, "%s: reject: header Subject: you won; to=<%s>"
	    ", relay=none, status=sent (250 ok) NOQUEUE: reject: from %s[%s]; from=<%s> to=<%s> "
	    "proto=ESMTP helo=<%s>: 5.7.1 message content rejected", id, to, c->name, c->ip,
	    s.from, to, s.helo)) {
		truth_refused(h, 550, C_spam_content, 0, 1);
	}
	say(h, t + 1000, s.who, "smtpd", s.pid, "disconnect from %s[%s] ehlo=1 mail=1 rcpt=1 data=0/1 "
	    "quit=1 commands=4/5", c->name, c->ip);
	queue_id_free(h, id, t + SECOND);
}

/* TLS that fails, silence, a client that goes away in the middle of its mail. */
void
session_broken(enum host h, int64_t t)
{
	struct session s;
	const struct client *c = &s.client;
	unsigned x = below(100);

	begin(&s, h);
	t = greet(h, t, s.who, "smtpd", s.pid, c);
	if (x < 35) {
		if (say(h, t, s.who, "smtpd", s.pid, "SSL_accept error from %s[%s]: lost connection",
		    c->name, c->ip))
			truth_add(h, F_tls_fail, 1);
		if (say(h, t, s.who, "smtpd", s.pid, "lost connection after STARTTLS from %s[%s]",
		    c->name, c->ip))
			truth_add(h, F_lost, 1);
	} else if (x < 65) {
		char id[QUEUE_ID], mid[ADDRESS];

		queue_id(h, t, id);
		message_id(mid);
		say(h, t, s.who, "smtpd", s.pid, "%s: client=%s[%s]", id, c->name, c->ip);
		say(h, t + SECOND, s.who, "cleanup", some_pid(), "%s: message-id=<%s>", id, mid);
		t += 30 * SECOND;
		if (say(h, t, s.who, "smtpd", s.pid, "%s%slost connection after DATA (%u bytes) from "
		    "%s[%s]", h == MXB ? id : "", h == MXB ? ": " : "", below(90000), c->name,
		    c->ip))
			truth_add(h, F_lost, 1);
		queue_id_free(h, id, t);
	} else if (x < 85) {
		t += 300 * SECOND;
		if (say(h, t, s.who, "smtpd", s.pid, "timeout after %s from %s[%s]",
		    chance(5000) ? "END-OF-MESSAGE" : "RCPT", c->name, c->ip))
			truth_add(h, F_timeout, 1);
	} else if (say(h, t, s.who, "smtpd", s.pid, "lost connection after CONNECT from %s[%s]",
	    c->name, c->ip)) {
		truth_add(h, F_lost, 1);
	}
	say(h, t, s.who, "smtpd", s.pid, "disconnect from %s[%s] commands=0/0", c->name, c->ip);
}
