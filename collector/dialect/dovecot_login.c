/* dovecot_login.c - imap-login, pop3-login, managesieve-login, submission-login.
 *
 *	Login: user=<bob>, method=PLAIN, rip=192.0.2.7, lip=198.51.100.1, mpid=4711, TLS, session=<x>
 *	Logged in: user=<bob>, ...						2.4
 *	Disconnected: Connection closed (auth failed, 3 attempts in 12 secs): user=<bob>, method=...
 *	Login aborted: Logged out (auth failed, 1 attempts in 10 secs) (auth_failed): user=<bob>, ...	2.4
 *	Aborted login (no auth attempts in 0 secs): user=<>, rip=...
 *	proxy(bob,192.0.2.9:143): Started proxying to <192.0.2.9> (0.01 secs): user=<bob>, ...
 * These lines are the farm's logins, each one line: AUTH_OK, and AUTH_FAIL with the number of
 * attempts. What a proxy hands on is the backend's to count. The words before the fields are
 * Dovecot's; a user's name may be anything up to the last ", rip=". */
#include "dialect/dovecot.h"

#include "poison.h"

/* Where the fields begin: what stands before is Dovecot's own. */
static bool
cut_fields(struct slice *s, struct slice *reason)
{
	static const char *const firsts[] = { ": user=<", ": method=", ": rip=" };
	ptrdiff_t at = -1;

	for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
		ptrdiff_t found = slice_find(*s, slice_of(firsts[i]));

		if (found >= 0 && (at < 0 || found < at))
			at = found;
	}
	if (at < 0)
		return false;
	*reason = slice_head(*s, (size_t)at);
	*s = slice_from(*s, (size_t)at + 2);
	return true;
}

static struct slice
before_comma(struct slice s)
{
	return slice_head(s, slice_until(s, ',', ' '));
}

/* "user=<bob>, method=PLAIN, rip=192.0.2.7, lip=198.51.100.1, TLS, session=<x>" */
static void
take_fields(struct slice s, struct event *e)
{
	struct slice head, rip = s;
	ptrdiff_t at;

	if (slice_rcut_at(&rip, SLICE(", rip="), &head)) {
		rip = before_comma(rip);
	} else if (slice_eat(&rip, SLICE("rip="))) {
		head = slice_head(s, 0);
		rip = before_comma(rip);
	} else {
		head = s;
		rip = slice_head(s, 0);
	}
	if (scan_is_ip(rip))
		scan_set_client(e, slice_head(rip, 0), rip);
	at = slice_rfind(head, SLICE("method="));
	if (at == 0 || (at > 1 && head.p[at - 1] == ' ' && head.p[at - 2] == ',')) {
		e->sasl_method = before_comma(slice_from(head, (size_t)at + 7));
		head = slice_head(head, at > 1 ? (size_t)at - 2 : 0);
	}
	if (slice_eat(&head, SLICE("user=<")) && head.n > 0 && head.p[head.n - 1] == '>')
		e->sasl_user = slice_head(head, head.n - 1);
}

/* What stands in the last brackets before the fields, without the code that 2.4 adds. */
static struct slice
why_of(struct slice reason)
{
	struct slice head, code = reason;

	if (reason.n == 0 || reason.p[reason.n - 1] != ')')
		return slice_head(reason, 0);
	if (slice_rcut_at(&code, SLICE(") ("), &head) && memchr(code.p, ' ', code.n) == NULL)
		reason = slice_head(reason, head.n + 1);
	if (!slice_rcut_at(&reason, SLICE(" ("), &head))
		return slice_head(reason, 0);
	return slice_head(reason, reason.n - 1);
}

/* "auth failed, 3 attempts in 12 secs", "authorization failed, 1 attempts", "2 authentication
 * attempts" (1.0, 1.1). */
static bool
attempts(struct slice why, uint64_t *n)
{
	if (slice_eat(&why, SLICE("auth failed, ")) || slice_eat(&why, SLICE("authorization failed, ")))
		return slice_u64(&why, n) && slice_starts(why, SLICE(" attempts"));
	return slice_u64(&why, n) && slice_starts(why, SLICE(" authentication attempts"));
}

static const struct {
	const char *head;
	enum event_kind kind;
	const char *sub;
} whys[] = {
	{ "user disabled", EV_AUTH_FAIL, "user_disabled" },
	{ "password expired", EV_AUTH_FAIL, "password_expired" },
	{ "login disabled", EV_AUTH_FAIL, "login_disabled" },
	{ "tried to use di", EV_AUTH_FAIL, "plaintext" },	/* disallowed, disabled plaintext auth */
	{ "cleartext authentication", EV_AUTH_FAIL, "plaintext" },
	{ "tried to use uns", EV_AUTH_FAIL, "mechanism" },	/* unsupported auth mechanism */
	{ "sent invalid base64", EV_AUTH_FAIL, "base64" },
	{ "client didn't finish SASL auth", EV_AUTH_FAIL, "unfinished" },
	{ "client sent an invalid cert", EV_AUTH_FAIL, "certificate" },
	{ "client didn't send a cert", EV_AUTH_FAIL, "certificate" },
	{ "cert required", EV_AUTH_FAIL, "certificate" },
	{ "auth service reported", EV_QWARN, "auth" },
	{ "internal failure", EV_QWARN, "auth" },
	{ "auth process", EV_QWARN, "auth" },
	{ "proxy dest auth failed", EV_INFO, "proxy" },
	{ "disconnected during TLS", EV_INFO, "tls" },
	{ "", EV_INFO, "no_auth" },	/* no auth attempts, disconnected before ... */
};

static int
ended(const struct dv_line *d, struct slice reason, struct slice fields, struct event *out)
{
	struct event *e = dv_event(out, EV_INFO, d, slice_head(reason, 0));
	struct slice why = why_of(reason);
	uint64_t n;
	size_t i = 0;

	e->text = reason;
	take_fields(fields, e);
	if (attempts(why, &n)) {
		e->kind = EV_AUTH_FAIL;
		e->count = n == 0 ? 1 : n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		return 1;
	}
	if (slice_starts(reason, SLICE("Maximum number of connections from user+IP"))) {
		e->kind = EV_RATELIMIT;
		e->sub = SLICE("user_ip");
		return 1;
	}
	while (!slice_starts(why, slice_of(whys[i].head)))
		i++;
	e->kind = whys[i].kind;
	e->sub = slice_of(whys[i].sub);
	if (e->kind == EV_QWARN)
		e->cls = REASON_resource;
	return 1;
}

/* How a session of a login process may end, so that a new text shows as unknown. */
static bool
is_end(struct slice s)
{
	static const char *const heads[] = {
		"Disconnected", "Aborted login", "Login aborted", "Connection closed", "Connection queue full",
		"Client has quit", "Remote closed connection", "Inactivity", "Maximum number of connections",
		"Internal login failure", "Logged out", "Shutting down", "Timeout", "Login timed out",
		"TLS initialization failed", "Too many", "Auth process broken", "EOF", "Lost connection",
		"Killed", "Access denied", "Disconnecting", "Authentication ", "Auth failed", "Input buffer full",
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		if (s.n > 0 && s.p[0] == heads[i][0] && slice_starts(s, slice_of(heads[i])))
			return true;
	return false;
}

/* What is said in the middle of a session, with imap_id_log or auth_verbose: its end has the count. */
static bool
is_talk(struct slice s)
{
	return slice_starts(s, SLICE("ID sent: ")) || slice_starts(s, SLICE("Login failed: ")) ||
	    slice_starts(s, SLICE("APOP failed: ")) || slice_starts(s, SLICE("SSL is disabled ")) ||
	    (slice_starts(s, SLICE("Authenticate ")) && slice_has(s, SLICE(" failed: ")));
}

/* "Login: bob [192.0.2.7]", "Disconnected [192.0.2.7]", "Disconnected: Logged out": 0.99 and early 1.0. */
static int
early(const struct dv_line *d, struct event *out)
{
	struct slice s = d->text, ip = d->text, head;
	struct event *e = dv_event(out, EV_INFO, d, slice_head(d->text, 0));

	if (slice_rcut_at(&ip, SLICE(" ["), &head) && slice_ends(ip, SLICE("]"))) {
		ip.n--;
		if (!scan_is_ip(ip))
			return -1;
		scan_set_client(e, slice_head(ip, 0), ip);
		s = head;
	}
	if (e->client_ip.n > 0 && slice_eat(&s, SLICE("Login: "))) {
		e->kind = EV_AUTH_OK;
		e->sasl_user = s;
		return 1;
	}
	e->sub = SLICE("no_auth");
	e->text = s;
	return slice_eq(s, SLICE("Disconnected")) || slice_eq(s, SLICE("Aborted login")) ||
	    slice_eq(s, SLICE("Disconnected: Logged out")) ? 1 : -1;
}

/* "access(tcpwrap): Client refused (rip=192.0.2.7)": no session came of it. */
static int
no_fields(const struct dv_line *d, struct event *out)
{
	struct slice ip = d->text, head;
	struct event *e;

	if (slice_starts(d->text, SLICE("Waiting for auth")) ||
	    slice_starts(d->text, SLICE("Killed with signal ")))	/* 1.x, for each of them */
		return 0;
	if (!slice_starts(d->text, SLICE("access(")))
		return early(d, out);
	e = dv_event(out, EV_INFO, d, SLICE("access"));
	e->text = d->text;
	if (slice_rcut_at(&ip, SLICE(" (rip="), &head) && slice_ends(ip, SLICE(")"))) {
		ip.n--;
		if (scan_is_ip(ip))
			scan_set_client(e, slice_head(ip, 0), ip);
	}
	return 1;
}

static int
login(const struct dv_line *d, struct event *out)
{
	struct slice fields = d->text, reason;
	struct event *e;

	if (!cut_fields(&fields, &reason))
		return no_fields(d, out);
	if (slice_eq(reason, SLICE("Login")) || slice_eq(reason, SLICE("Logged in"))) {
		e = dv_event(out, EV_AUTH_OK, d, slice_head(reason, 0));
		take_fields(fields, e);
		return 1;
	}
	if (slice_starts(reason, SLICE("proxy("))) {
		e = dv_event(out, EV_INFO, d, SLICE("proxy"));
		e->text = reason;
		take_fields(fields, e);
		return 1;
	}
	if (is_talk(reason)) {
		e = dv_event(out, EV_INFO, d, SLICE("talk"));
		e->text = reason;
		take_fields(fields, e);
		return 1;
	}
	return is_end(reason) ? ended(d, reason, fields, out) : -1;
}

int
dv_login(const struct dv_line *d, struct event *out)
{
	int n = login(d, out);

	/* who logs in to send mail counts with the MTA's own */
	for (int i = 0; i < n; i++)
		out[i].mailbox = (out[i].kind == EV_AUTH_OK || out[i].kind == EV_AUTH_FAIL) &&
		    !slice_starts(d->service, SLICE("submission"));
	return n;
}
