/* sendmail.c - Sendmail's sessions that bring no mail: refused, attacked, broken; and what else
 * fills its log. */
#include <string.h>

#include "sendmail.h"
#include "poison.h"

const char *
sm_tag(enum host h)
{
	return h == MXB ? "sendmail" : "sm-mta";
}

/* Year, month, day, hour, minute, second and a sequence by these letters, then a pid. */
void
sm_id(int64_t t, char out[QUEUE_ID])
{
	static const char b[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";
	static unsigned number;
	unsigned s = (unsigned)(t / SECOND), n = number++;

	snprintf(out, QUEUE_ID, "QA5%c%c%c%c%c%06u", b[s / 3600 % 24], b[s / 60 % 60], b[s % 60],
	    b[n / 60 % 60], b[n % 60], 900 + n / 3600);
}

int64_t
sm_begin(struct sm_session *s, enum host h, int64_t t)
{
	bool forged = chance(700);
	const char *v6;

	*s = (struct sm_session){ .h = h, .pid = some_pid() };
	client_draw(&s->client);
	v6 = strchr(s->client.ip, ':') != NULL ? "IPv6:" : "";
	if (strcmp(s->client.name, "unknown") == 0)
		snprintf(s->relay, sizeof s->relay, "[%s%s]", v6, s->client.ip);
	else
		snprintf(s->relay, sizeof s->relay, "%s [%s%s]%s", s->client.name, v6, s->client.ip,
		    forged ? " (may be forged)" : "");
	sm_id(t, s->id);
	if (chance(9700))
		remote_address(s->from);
	if (h == MXB && say(h, t, NULL, sm_tag(h), s->pid, "NOQUEUE: connect from %s", s->relay))
		truth_add(h, F_conn, 1);
	t += 20000 + below(200000);
	if (chance(4000) && say(h, t, NULL, sm_tag(h), s->pid, "STARTTLS=server, relay=%s, "
	    "version=TLSv1.3, verify=NO, cipher=TLS_AES_256_GCM_SHA384, bits=256/256", s->relay))
		truth_add(h, F_tls_in, 1);
	return t + 10000 + below(100000);
}

bool
sm_from_line(const struct sm_session *s, int64_t t, const char *from, uint32_t size, unsigned n,
    const char *msgid, const char *proto)
{
	return say(s->h, t, NULL, sm_tag(s->h), s->pid, "%s: from=<%s>, size=%u, class=0, nrcpts=%u%s%s%s, "
	    "proto=%s, daemon=MTA%s, relay=%s", s->id, from, size, n, msgid != NULL ? ", msgid=<" : "",
	    msgid != NULL ? msgid : "", msgid != NULL ? ">" : "", proto,
	    s->h == MXA ? ", tls_verify=NONE, auth=NONE" : "", s->relay);
}

/* What is refused, by which ruleset, and what it counts as. No ruleset: an unknown user. */
static const struct refusal {
	enum class cls;
	unsigned weight, code;
	const char *ruleset;
	const char *text;
} refusals[] = {
	{ C_dnsbl, 400, 550, "check_relay", "5.7.1 Rejected: %i listed at %z" },
	{ C_dnsbl, 100, 550, "check_rcpt", "5.7.1 <%t>... Rejected: %i listed at %z" },
	{ C_unknown_rcpt, 150, 550, NULL, "User unknown" },
	{ C_unknown_rcpt, 60, 550, "check_rcpt", "5.1.1 <%t>... User unknown" },
	{ C_rdns, 60, 550, "check_rcpt", "5.7.1 <%t>... Fix reverse DNS for %i" },
	{ C_rdns, 20, 451, "check_rcpt", "4.1.8 Client IP address %i does not resolve" },
	{ C_rdns, 10, 450, "check_rcpt", "4.4.0 <%t>... Relaying temporarily denied. Cannot resolve PTR "
	    "record for %i" },
	{ C_helo, 40, 550, "check_rcpt", "5.7.1 bogus HELO name used: %h" },
	{ C_relay_denied, 40, 550, "check_rcpt", "5.7.1 <%t>... Relaying denied" },
	{ C_relay_denied, 15, 550, "check_rcpt", "5.7.1 <%t>... Relaying denied. Proper authentication "
	    "required." },
	{ C_unknown_sender, 40, 553, "check_mail", "5.1.8 <%f>... Domain of sender address %f does not "
	    "exist" },
	{ C_unknown_sender, 20, 451, "check_mail", "4.1.8 Domain of sender address %f does not resolve" },
	{ C_greylist, 120, 451, "check_rcpt", "4.7.1 <%t>... Greylisting in action, please come back "
	    "later" },
	{ C_ratelimit, 30, 421, "check_relay", "4.3.2 Connection rate limit exceeded." },
	{ C_ratelimit, 10, 421, "check_relay", "4.3.2 Too many open connections." },
	{ C_policy, 30, 550, "check_relay", "5.7.1 Access denied" },
	{ C_policy, 20, 550, "check_mail", "5.7.1 <%f>... Access denied" },
	{ C_resource, 5, 451, "check_relay", "4.3.0 Temporary system failure. Please try again later." },
	{ C_protocol, 20, 553, "check_mail", "5.1.3 <%f>... User address required" },
};

enum { REFUSALS = sizeof refusals / sizeof refusals[0] };

static const struct refusal *
draw_refusal(void)
{
	unsigned total = 0, x;

	for (int i = 0; i < REFUSALS; i++)
		total += refusals[i].weight;
	x = below(total);
	for (int i = 0; i < REFUSALS; x -= refusals[i++].weight)
		if (x < refusals[i].weight)
			return &refusals[i];
	return &refusals[0];
}

/* A sender that tries to look like the rest of its line. */
static void
draw_sender(char out[ADDRESS])
{
	static const char *const hostile[] = {
		"\"a>, relay=[198.18.0.1], discard\"@d1.test",
		"\"x, size=1, class=0, nrcpts=77, msgid=<y>, relay=root@localhost\"@d2.test",
		"\"NOQUEUE: ruleset=check_rcpt, reject=450 4.7.1\"@d3.test",
	};

	if (chance(60))
		snprintf(out, ADDRESS, "%s", hostile[below(3)]);
	else
		remote_address(out);
}

/* One refusal's line. */
static void
refuse(const struct sm_session *s, const struct refusal *r, int64_t t)
{
	char to[ADDRESS], helo[ADDRESS], text[500], arg[400];
	unsigned zone = below_skewed(ZONE_N);
	bool relay = r->ruleset != NULL && strcmp(r->ruleset, "check_relay") == 0;
	bool mail = r->ruleset != NULL && strcmp(r->ruleset, "check_mail") == 0;

	helo_name(helo);
	if (r->cls == C_relay_denied)
		remote_address(to);
	else
		local_address(to);
	fill_in(text, sizeof text, r->text, &(struct words){ .client = &s->client, .helo = helo,
	    .from = s->from, .to = to, .zone = zones[zone] });
	if (relay)
		snprintf(arg, sizeof arg, "%.*s, arg2=%s", (int)strcspn(s->relay, " "), s->relay,
		    s->client.ip);
	else
		snprintf(arg, sizeof arg, "<%s>", mail ? s->from : to);
	if (r->ruleset == NULL ? say(s->h, t, NULL, sm_tag(s->h), s->pid, "%s: <%s>... %s", s->id, to, text) :
	    say(s->h, t, NULL, sm_tag(s->h), s->pid, "%s%sruleset=%s, arg1=%s, relay=%s, reject=%u %s",
	    relay ? "" : s->id, relay ? "" : ": ", r->ruleset, arg, s->relay, r->code, text))
		truth_refused(s->h, r->code, r->cls, zone, 1);
}

/* What the session's end says of a transaction without recipients, and of a client that left. */
static void
finish(const struct sm_session *s, int64_t t, bool transaction)
{
	if (transaction)
		sm_from_line(s, t, s->from, 0, 0, NULL, "ESMTP");
	if (chance(1500) && say(s->h, t, NULL, sm_tag(s->h), s->pid, "%s: lost input channel from %s to MTA "
	    "after %s", s->id, s->relay, chance(5000) ? "rcpt" : "mail"))
		truth_add(s->h, F_lost, 1);
}

static void
session_refused_here(enum host h, int64_t t)
{
	struct sm_session s;
	const struct refusal *r = draw_refusal();
	bool rcpt = r->ruleset == NULL || strcmp(r->ruleset, "check_rcpt") == 0;
	unsigned n = rcpt && chance(1800) ? 2 + below(4) : 1;

	t = sm_begin(&s, h, t);
	draw_sender(s.from);
	for (unsigned i = 0; i < n; i++, t += 10000 + below(300000))
		refuse(&s, r, t);
	if (n > 3 && say(h, t, NULL, sm_tag(h), s.pid, "%s: %s: Possible SMTP RCPT flood, throttling.", s.id,
	    s.relay))
		truth_add(h, F_ratelimit, 1);
	finish(&s, t, rcpt || strcmp(r->ruleset, "check_mail") == 0);
}

static void
session_guessing(enum host h, int64_t t)
{
	struct sm_session s;
	unsigned n = 1 + below(4);
	char line[500];

	t = sm_begin(&s, h, t);
	for (unsigned i = 0; i < n; i++, t += SECOND + below(2 * SECOND)) {
		snprintf(line, sizeof line, "%s: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): "
		    "authentication failure: checkpass failed%s, relay=%s", s.id, h == MXC ? "" :
		    chance(300) ? ", user=x, relay=[198.18.0.1]" : ", user=admin@example.org", s.relay);
		if (!say(h, t, NULL, sm_tag(h), s.pid, "%s", line))
			return;
		truth_add(h, F_auth_fail, 1);
		if (chance(300)) {
			unsigned again = 2 + below(6);

			if (say(h, t, NULL, sm_tag(h), s.pid, "message repeated %u times: [ %s]", again, line))
				truth_add(h, F_auth_fail, again);
		}
	}
	if (n > 3 && say(h, t, NULL, sm_tag(h), s.pid, "%s: %s: possible SMTP attack: command=AUTH, count=%u",
	    s.id, s.relay, n))
		truth_add(h, F_ratelimit, 1);
	if (chance(7000))
		say(h, t, NULL, sm_tag(h), s.pid, "%s: %s did not issue MAIL/EXPN/VRFY/ETRN during connection to "
		    "MSA", s.id, s.relay);
}

/* A message that is read to its end and then not wanted: by a milter, a header rule, its size. */
static void
session_unwanted(enum host h, int64_t t)
{
	static const struct {
		enum class cls;
		unsigned weight, code;
		enum { MILTER, RULE, SIZE } who;
		const char *dsn, *text;
	} kinds[] = {
		{ C_spam_content, 60, 554, MILTER, "5.7.1", "Message rejected as spam" },
		{ C_greylist, 10, 451, MILTER, "4.7.1", "Greylisting in action, come back later" },
		{ C_resource, 5, 451, MILTER, "4.3.2", "Please try again later" },
		{ C_policy, 15, 553, RULE, "5.7.1", "not here" },
		{ C_size, 10, 552, SIZE, "5.2.3", "Message exceeds maximum fixed size (10485760)" },
	};
	struct sm_session s;
	char mid[ADDRESS], to[ADDRESS], line[500];
	unsigned x = below(100), i = 0, n = chance(8000) ? 1 : 2;

	while (x >= kinds[i].weight)
		x -= kinds[i++].weight;
	t = sm_begin(&s, h, t);
	message_id(mid);
	sm_from_line(&s, t, s.from, 900 + below(90000), n, mid, "ESMTP");
	t += 10000 + below(SECOND);
	if (kinds[i].who == SIZE)
		snprintf(line, sizeof line, "message size (31457280) exceeds maximum (10485760)");
	else if (kinds[i].who == MILTER)
		snprintf(line, sizeof line, "Milter: data, reject=%u %s %s", kinds[i].code, kinds[i].dsn,
		    kinds[i].text);
	else
		snprintf(line, sizeof line, "ruleset=check_subject, arg1= you, relay=[198.18.0.1], discard, "
		    "relay=%s, reject=%u %s %s", s.relay, kinds[i].code, kinds[i].dsn, kinds[i].text);
	if (say(h, t, NULL, sm_tag(h), s.pid, "%s: %s", s.id, line))
		truth_refused(h, kinds[i].code, kinds[i].cls, 0, 1);
	for (unsigned k = 0; k < n; k++) {
		local_address(to);
		say(h, t, NULL, sm_tag(h), s.pid, "%s: to=<%s>, delay=00:00:0%u, pri=%u, stat=%s", s.id, to,
		    below(3), 30000 + below(90000), kinds[i].text);
	}
}

static void
session_broken_here(enum host h, int64_t t)
{
	struct sm_session s;
	unsigned x = below(100);

	t = sm_begin(&s, h, t);
	if (x < 25) {
		if (say(h, t, NULL, sm_tag(h), s.pid, "STARTTLS=server, error: accept failed=-1, reason=no shared "
		    "cipher, SSL_error=1, errno=0, retry=-1, relay=%s", s.relay))
			truth_add(h, F_tls_fail, 1);
	} else if (x < 50) {
		sm_from_line(&s, t, s.from, 900 + below(9000), 1, NULL, "ESMTP");
		if (say(h, t, NULL, sm_tag(h), s.pid, "%s: lost input channel from %s to MTA after rcpt", s.id,
		    s.relay))
			truth_add(h, F_lost, 1);
	} else if (x < 65) {
		if (say(h, t, NULL, sm_tag(h), s.pid, "%s: collect: premature EOM: unexpected close", s.id))
			truth_add(h, F_lost, 1);
		say(h, t, NULL, sm_tag(h), s.pid, "%s: collect: unexpected close on connection from %.*s, "
		    "sender=<%s>", s.id, (int)strcspn(s.relay, " "), s.relay, s.from);
		sm_from_line(&s, t, s.from, 900 + below(9000), 1, NULL, "ESMTP");
	} else if (x < 80) {
		if (say(h, t += 300 * SECOND, NULL, sm_tag(h), s.pid, "%s: timeout waiting for input from %s during "
		    "%s", s.id, s.relay, chance(5000) ? "message collect" : "server cmd read"))
			truth_add(h, F_timeout, 1);
	} else if (x < 92) {
		if (say(h, t, NULL, sm_tag(h), s.pid, "%s: rejecting commands from %s due to pre-greeting traffic "
		    "after %u seconds", s.id, s.relay, below(5)))
			truth_refused(h, 554, C_protocol, 0, 1);
	} else {
		say(h, t, NULL, sm_tag(h), s.pid, "%s: %s did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
		    s.id, s.relay);
	}
}

/* Lines that count for nothing, troubles, and other programs. */
static void
talk(enum host h, int64_t t)
{
	unsigned x = below(100), pid = some_pid();

	if (x < 25)
		say(h, t, NULL, sm_tag(h), pid, "gethostbyaddr(198.18.%u.%u) failed: 1", below(256), below(256));
	else if (x < 40)
		say(h, t, NULL, sm_tag(h), pid, "runqueue: Flushing queue from /var/spool/mqueue (pri %u, LA 0, 1 of "
		    "1)", below(99999));
	else if (x < 45 && say(h, t, NULL, sm_tag(h), pid, "rejecting connections on daemon MTA: load average: %u",
	    12 + below(9)))
		truth_add(h, F_qwarn, 1);
	else if (x < 50 && say(h, t, NULL, sm_tag(h), pid, "NOQUEUE: SYSERR(root): opendaemonsocket: daemon MTA: "
	    "cannot bind: Address already in use"))
		truth_add(h, F_qwarn, 1);
	else if (x < 55 && say(h, t, NULL, sm_tag(h), pid, "NOQUEUE: Milter (scanner): error connecting to filter: "
	    "Connection refused by local"))
		truth_add(h, F_filter_fail, 1);
	else if (x < 70)
		say(h, t, NULL, sm_tag(h), pid, "STARTTLS=client, cert-subject=/CN=d%u.test, cert-issuer=/CN=CA, "
		    "verifymsg=ok", below(999));
	else if (x >= 55)
		say(h, t, NULL, "CRON", pid, "(smmsp) CMD (sendmail-msp cron)");
}

const struct visit sendmail_visits[] = {
	{ 480, session_refused_here, false },
	{ 70, session_guessing, false },
	{ 40, session_unwanted, false },
	{ 40, session_broken_here, false },
	{ 70, talk, false },
	{ 120, sm_mail_inbound, true },
	{ 50, sm_mail_submitted, true },
	{ 15, sm_mail_local, true },
	{ 0, NULL, false }
};
