/* opensmtpd.c - OpenSMTPD's sessions that bring no mail: refused, attacked, broken; and what
 * else fills its log. */
#include <string.h>

#include "opensmtpd.h"
#include "poison.h"

/* Texts: see fill_in(); %z is drawn. where: the command, by its first letter. */
struct refusal {
	enum class cls;
	unsigned weight, code;
	char where;
	const char *reply;	/* behind the code */
};

static const struct refusal refusals[] = {
	{ C_unknown_rcpt, 260, 550, 'R', "Invalid recipient: <%t>" },
	{ C_unknown_rcpt, 60, 524, 'R', "5.2.4 Mailing list expansion problem: <%t>" },
	{ C_dnsbl, 250, 554, 'C', "5.7.1 Your address is listed at %z" },
	{ C_dnsbl, 60, 550, 'M', "5.7.1 Service unavailable; Client host [%i] blocked using %z" },
	{ C_rdns, 70, 421, 'C', "you must have rDNS to contact this MX" },
	{ C_rdns, 40, 550, 'C', "you must have FCrDNS to contact this MX" },
	{ C_helo, 60, 501, 'E', "5.5.4 Invalid command arguments: Invalid domain name" },
	{ C_greylist, 120, 451, 'R', "4.7.1 Greylisted, please try again in 5 minutes" },
	{ C_spam_content, 90, 550, 'D', "5.7.1 Spam message rejected" },
	{ C_size, 8, 554, 'D', "5.3.4 Message too big for system: Transaction failed, message too "
	    "big" },
	{ C_protocol, 8, 550, 'D', "5.7.1 Delivery not authorized, message refused: Message is not RFC "
	    "2822 compliant" },
	{ C_protocol, 50, 500, 'G', "5.5.1 Invalid command: Command unrecognized" },
	{ C_protocol, 20, 503, 'R', "5.5.1 Invalid command: Command not allowed at this point." },
	{ C_tls_required, 15, 530, 'M', "5.5.1 Invalid command: Must issue a STARTTLS command first" },
	{ C_auth_required, 25, 530, 'M', "5.5.1 Invalid command: Must issue an AUTH command first" },
	{ C_auth_failed, 5, 530, 'M', "Sender rejected" },
	{ C_ratelimit, 8, 452, 'M', "4.5.3 Too many recipients: Too many messages sent" },
	{ C_resource, 8, 421, 'M', "4.3.0 Temporary Error" },
	{ C_resource, 8, 424, 'R', "4.2.4 Mailing list expansion problem: <%t>" },
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

/* What the client says; now and then it imitates the end of its own line. */
static void
draw_command(char where, const char *from, const char *to, char *out, size_t size)
{
	char helo[ADDRESS];

	helo_name(helo);
	switch (where) {
	case 'C': snprintf(out, size, "%s", ""); break;
	case 'E': snprintf(out, size, "EHLO %s_%s", chance(5000) ? "one word" : "!", helo); break;
	case 'M': snprintf(out, size, "MAIL FROM:<%s> SIZE=%u", from, 900 + below(9000)); break;
	case 'R': snprintf(out, size, "RCPT TO:<%s>%s", to, chance(100) ?
	    " X=\" result=\"250 2.0.0 Ok" : ""); break;
	case 'D': snprintf(out, size, "DATA"); break;
	default: snprintf(out, size, "%s", chance(5000) ? "GET / HTTP/1.1" :
	    "X\" => 250 2.0.0 Ok\" result=\"250 2.0.0 Ok"); break;
	}
}

static void
refuse(const struct os_session *s, int64_t t, const struct refusal *r)
{
	char from[ADDRESS], to[ADDRESS], text[400], reply[420], command[700];
	unsigned zone = below_skewed(ZONE_N);

	remote_address(from);
	local_address(to);
	draw_command(r->where, from, to, command, sizeof command);
	fill_in(text, sizeof text, r->reply, &(struct words){ .client = &s->client, .from = from,
	    .to = to, .zone = zones[zone] });
	snprintf(reply, sizeof reply, "%u %s", r->code, text);
	if (os_refuse(s, t, command, reply))
		truth_refused(s->h, r->code, r->cls, zone, 1);
}

static int64_t
hello(const struct os_session *s, int64_t t)
{
	if (os_connect(s, t))
		truth_add(s->h, F_conn, 1);
	t += 20000 + below(200000);
	if (chance(3000) && os_starttls(s, t))
		truth_add(s->h, F_tls_in, 1);
	return t + 10000 + below(100000);
}

static void
session_refused_here(enum host h, int64_t t)
{
	struct os_session s;
	const struct refusal *r = draw_refusal();
	unsigned n = r->where == 'R' && chance(1800) ? 2 + below(4) : 1;

	os_begin(&s, h);
	t = hello(&s, t);
	for (unsigned i = 0; i < n; i++, t += 10000 + below(300000))
		refuse(&s, t, r);
	if (chance(7000))
		os_close(&s, t, "quit");
	else if (os_close(&s, t, chance(8000) ? "disconnect" : "io-error: Connection reset by peer"))
		truth_add(h, F_lost, 1);
}

static void
session_guessing(enum host h, int64_t t)
{
	struct os_session s;
	unsigned n = 1 + below(3);
	bool asked = chance(6000);	/* else nobody may log in there */

	os_begin(&s, h);
	t = hello(&s, t);
	for (unsigned i = 0; i < n; i++, t += SECOND + below(2 * SECOND)) {
		if (!asked) {
			if (os_refuse(&s, t, "AUTH LOGIN", "503 5.5.1 Invalid command: Command not "
			    "supported"))
				truth_add(h, F_auth_fail, 1);
			continue;
		}
		if (os_login(&s, t, "admin@example.org", "permfail"))
			truth_add(h, F_auth_fail, 1);
		os_refuse(&s, t + 500000, h == MXC ? "AUTH [...]" : "AUTH LOGIN (password)",
		    "535 Authentication failed");
	}
	if (os_close(&s, t, "disconnect"))
		truth_add(h, F_lost, 1);
}

static void
session_broken_here(enum host h, int64_t t)
{
	struct os_session s;
	unsigned x = below(100);

	os_begin(&s, h);
	if (os_connect(&s, t))
		truth_add(h, F_conn, 1);
	t += SECOND;
	if (x < 40) {
		if (os_close(&s, t, "io-error: handshake failed: error:0A0000C1:SSL routines::no shared "
		    "cipher"))
			truth_add(h, F_tls_fail, 1);
	} else if (x < 60) {
		if (os_close(&s, t + 300 * SECOND, "timeout"))
			truth_add(h, F_timeout, 1);
	} else if (x < 70 && h == MXC) {
		if (say(h, t, NULL, "smtpd", OS_PID, "smtp-in: Disconnecting session %s: session not "
		    "moving forward", s.id))
			truth_add(h, F_ratelimit, 1);
	} else if (os_close(&s, t, "disconnect")) {
		truth_add(h, F_lost, 1);
	}
}

/* Lines that count for nothing, troubles, and other programs. */
static void
talk(enum host h, int64_t t)
{
	unsigned x = below(100);

	if (x < 35)
		say(h, t, NULL, "smtpd", OS_PID, "smtp-out: No valid route for "
		    "[connector:[]->[relay:d%u.test,smtp,mx],0x0]", below(999));
	else if (x < 45)
		say(h, t, NULL, "smtpd", OS_PID, "getnameinfo: 198.18.%u.%u: Temporary failure in name "
		    "resolution", below(256), below(256));
	else if (x < 50 && say(h, t, NULL, "smtpd", OS_PID, "smtp-out: hiwat reached on "
	    "[relay:d%u.test]: holding envelopes", below(999)))
		truth_add(h, F_qwarn, 1);
	else if (x < 54 && say(h, t, NULL, "smtpd", OS_PID, "warn: failure during userinfo lookup "
	    "vusers:%u", below(999)))
		truth_add(h, F_qwarn, 1);
	else if (x < 55 && say(h, t, NULL, "smtpd", OS_PID, "warn: lost processor: rspamd exited "
	    "abnormally"))
		truth_add(h, F_filter_fail, 1);
	else if (x < 70)
		say(h, t, NULL, "smtpd", OS_PID, "rspamd: %u messages were looked at", below(999));
	else if (x >= 55)
		say(h, t, NULL, "CRON", some_pid(), "(root) CMD (newaliases)");
}

const struct visit opensmtpd_visits[] = {
	{ 480, session_refused_here, false },
	{ 90, session_guessing, false },
	{ 40, session_broken_here, false },
	{ 80, talk, false },
	{ 120, os_mail_inbound, true },
	{ 50, os_mail_submitted, true },
	{ 15, os_mail_local, true },
	{ 0, NULL, false }
};
