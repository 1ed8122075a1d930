/* exim_session.c - SMTP sessions: connections, logins, TLS, and clients that misbehave.
 *
 *	SMTP connection from [192.0.2.1]:4711 (TCP/IP connection count = 1)
 *	SMTP connection from mx.example.net (helo) [192.0.2.1] closed by QUIT
 *	plain authenticator failed for (helo) [192.0.2.1]: 535 Incorrect authentication data (set_id=joe)
 *	plain authenticator failed H=(helo) [192.0.2.1]: 535 ...	(4.99)
 *	TLS error on connection from (helo) [192.0.2.1] (SSL_accept): error:...
 *	SMTP call from [192.0.2.1] dropped: too many syntax or protocol errors (last command was "x")
 *	no MAIL in SMTP connection from (helo) [192.0.2.1] D=5s C=EHLO,AUTH */
#include "dialect/exim.h"

#include "poison.h"

static void
skip_duration(struct slice *s)
{
	struct slice rest = *s;
	int64_t ms;

	if (slice_eat(&rest, SLICE(" D=")) && ex_duration(&rest, &ms))
		*s = rest;
}

/* "SMTP connection from HOST ...", in 4.97 and later with the session's own id first. */
static int
connection(struct slice s, struct event *e)
{
	static const char *const ends[] = { " (TCP/IP connection count", " (via inetd)", " D=",
		" closed ", " lost", "", NULL };
	struct slice word;

	if (slice_eat(&s, SLICE("Ci="))) {
		word = slice_head(s, slice_until(s, ' ', ' '));
		s = slice_from(s, word.n + 1);
	}
	if (!slice_eat(&s, SLICE("from ")) || !ex_client(&s, e, ends))
		return -1;
	slice_eat(&s, SLICE(" (via inetd)"));
	skip_duration(&s);
	e->text = slice_trim(s);
	if (slice_starts(s, SLICE(" (TCP/IP connection count")) || s.n == 0)
		e->kind = EV_CONNECT;
	else if (slice_starts(s, SLICE(" closed ")))
		e->kind = EV_DISCONNECT;
	else if (slice_starts(s, SLICE(" lost")))
		e->kind = EV_LOST_CONN;
	else
		return -1;
	if (slice_starts(s, SLICE(" lost while reading message data")))
		e->stage = SLICE("DATA");
	return 1;
}

/* "SMTP call from HOST dropped: too many nonmail commands (last was "x")" */
static int
dropped(const struct ex_line *l, struct slice s, struct event *e)
{
	static const char *const ends[] = { " dropped: too many ", NULL };

	if (!ex_client(&s, e, ends))
		return -1;
	e->kind = EV_RATELIMIT;
	e->twin = l->by_syslog;
	e->cls = REASON_ratelimit;
	e->sub = SLICE("error_limit");
	e->text = slice_from(s, sizeof " dropped: " - 1);
	return 1;
}

/* "Connection from HOST refused: too many connections[ from that IP address]" */
static int
too_many(struct slice s, struct event *e)
{
	static const char *const ends[] = { " refused: ", NULL };

	if (!ex_client(&s, e, ends))
		return -1;
	e->text = slice_from(s, sizeof " refused: " - 1);
	e->kind = EV_RATELIMIT;
	e->cls = REASON_ratelimit;
	e->sub = SLICE("conn_count");
	if (slice_starts(e->text, SLICE("load average"))) {
		e->cls = REASON_resource;
		e->sub = SLICE("load");
	}
	return 1;
}

/* "SMTP command timeout on connection from HOST[ D=1m]", "SMTP data timeout (message abandoned)
 * on connection from HOST F=<a@b>" */
static int
timed_out(struct slice s, struct slice stage, struct event *e)
{
	static const char *const ends[] = { "", " D=", " F=<", NULL };
	struct slice head;

	if (!slice_cut_at(&s, SLICE("connection from "), &head) || head.n > 30)
		return -1;
	if (!slice_eq(s, SLICE("local process")) && !slice_starts(s, SLICE("local process F=<")) &&
	    !ex_client(&s, e, ends))
		return -1;
	if (slice_eat(&s, SLICE(" F=")))
		(void)scan_address(&s, &e->from);
	e->kind = EV_TIMEOUT;
	e->stage = stage;
	return 1;
}

/* "unexpected disconnection while reading SMTP command from HOST[ TEXT] D=1s": in the middle of
 * a transaction. */
static int
lost(struct slice s, struct event *e)
{
	static const char *const ends[] = { "", " D=", " (error:", " TFO", NULL };

	if (!ex_client(&s, e, ends))
		return -1;
	e->kind = EV_LOST_CONN;
	e->text = slice_trim(s);
	return 1;
}

/* "SMTP syntax error in "COMMAND" H=HOST TEXT": told when the admin wants it, the reply was a
 * 5xx to a command. The command may imitate a host, TEXT is Exim's own. */
static int
wrong(struct slice s, struct event *e)
{
	static const char *const ends[] = { "", " ", NULL };
	struct slice rest = s, command;

	if (slice_rcut_at(&rest, SLICE("\" H="), &command))
		(void)ex_client(&rest, e, ends);
	e->cls = REASON_protocol;
	e->sub = SLICE("syntax");
	e->text = s;
	return 1;
}

/* "[on ]connection from HOST (FUNCTION): TEXT", up to 4.8x "... to mx [192.0.2.9] (FUNCTION): TEXT" for what
 * is delivered; with GnuTLS up to 4.7x "recv error on connection from HOST: TEXT". */
static int
tls_error(struct slice s, bool ended, struct event *e)
{
	static const char *const ends[] = { " (", " ", ": ", NULL };

	if (slice_eat(&s, SLICE("connection from ")) && !ex_client(&s, e, ends))
		return -1;
	e->outbound = slice_starts(s, SLICE("connection to "));
	(void)slice_eat(&s, SLICE(": "));
	e->text = slice_trim(s);
	ex_tls_reason(e);
	if (ended) {
		e->kind = EV_INFO;
		e->sub = SLICE("lost");
	}
	return 1;
}

/* "NAME authenticator failed ..." of a client; with an id it is ours with another server. */
static int
auth_failed(const struct ex_line *l, struct slice method, struct slice s, struct event *e)
{
	static const char *const ends[] = { ": ", NULL };
	struct slice reply, user;

	e->sasl_method = method;
	slice_eat(&s, SLICE("for "));
	slice_eat(&s, SLICE("H="));
	if (l->id.n > 0) {
		e->outbound = true;
		e->cls = REASON_auth_failed;
		e->text = s;
		return 1;
	}
	if (!ex_client(&s, e, ends))
		return -1;
	e->kind = EV_AUTH_FAIL;
	e->twin = l->by_syslog;
	scan_reply(slice_from(s, 2), e);
	user = e->text;
	if (slice_cut_at(&user, SLICE(" (set_id="), &reply)) {
		e->text = reply;
		e->sasl_user = user;
		(void)slice_rcut_at(&user, SLICE(")"), &e->sasl_user);
	}
	if (e->code / 100 == 4) {	/* nobody looked at the password */
		e->kind = EV_QWARN;
		e->cls = REASON_resource;
		e->sub = SLICE("auth_server");
	}
	return 1;
}

/* The name in front of " authenticator failed ", a word. */
static int
authenticator(const struct ex_line *l, struct event *e)
{
	struct slice s = l->text, name;

	if (!slice_cut(&s, ' ', &name) || !slice_eat(&s, SLICE("authenticator ")))
		return -1;
	if (slice_eat(&s, SLICE("failed ")))
		return auth_failed(l, name, s, e);
	if (!slice_eat(&s, SLICE("cancelled authentication ")) && !slice_starts(s, SLICE("(")))
		return -1;
	e->outbound = l->id.n > 0;
	e->text = l->text;
	return 1;
}

/* "no MAIL in SMTP connection from HOST D=5s C=EHLO,AUTH": one that only looked round. */
static int
no_mail(struct slice s, struct event *e)
{
	static const char *const ends[] = { " D=", NULL };

	slice_eat(&s, SLICE("TFO "));
	slice_eat(&s, SLICE("TFO* "));
	if (!slice_eat(&s, SLICE("SMTP connection from ")) || !ex_client(&s, e, ends))
		return -1;
	e->text = slice_trim(s);
	return 1;
}

/* "no host name found for IP address 192.0.2.1", "no IP address found for host X (during SMTP
 * connection from HOST)" */
static int
no_name(struct slice s, struct event *e)
{
	static const char *const ends[] = { ")", NULL };
	struct slice name;

	e->cls = REASON_rdns;
	if (slice_eat(&s, SLICE("no host name found for IP address "))) {
		e->sub = SLICE("no_ptr");
		e->client_ip = scan_is_ip(s) ? s : slice_head(s, 0);
		return 1;
	}
	slice_eat(&s, SLICE("no IP address found for host "));
	e->sub = SLICE("unverified");
	if (slice_rcut_at(&s, SLICE(" (during SMTP connection from "), &name))
		(void)ex_client(&s, e, ends);
	return 1;
}

int
ex_session(const struct ex_line *l, struct event *out)
{
	struct slice s = l->text;
	struct event *e = ex_event(out, EV_INFO, l);

	if (slice_eat(&s, SLICE("SMTP "))) {
		if (slice_eat(&s, SLICE("connection ")))
			return connection(s, e);
		if (slice_eat(&s, SLICE("call from ")))
			return dropped(l, s, e);
		if (slice_eat(&s, SLICE("command timeout on ")))
			return timed_out(s, SLICE("command"), e);
		if (slice_eat(&s, SLICE("data timeout (message abandoned) on ")))
			return timed_out(s, SLICE("DATA"), e);
		if (slice_eat(&s, SLICE("syntax error in ")) ||
		    slice_eat(&s, SLICE("protocol error in ")))
			return wrong(s, e);
		if (slice_eat(&s, SLICE("protocol violation: ")))
			return wrong(s, e);
		return -1;
	}
	if (slice_eat(&s, SLICE("Connection from ")))
		return too_many(s, e);
	if (slice_eat(&s, SLICE("unexpected disconnection while reading SMTP command from ")) ||
	    slice_eat(&s, SLICE("unexpected EOF while reading SMTP command from ")))
		return lost(s, e);
	if (slice_eat(&s, SLICE("TLS error on ")))
		return tls_error(s, false, e);
	if (slice_eat(&s, SLICE("TLS recv error on ")) || slice_eat(&s, SLICE("TLS send error on ")))
		return tls_error(s, !slice_has(s, SLICE("alert")), e);
	if (slice_starts(s, SLICE("TLS client disconnected cleanly")))
		return tls_error(s, false, e);
	if (slice_eat(&s, SLICE("no MAIL in ")))
		return no_mail(s, e);
	if (slice_starts(s, SLICE("no host name found for ")) ||
	    slice_starts(s, SLICE("no IP address found for ")))
		return no_name(s, e);
	if (slice_starts(s, SLICE("VRFY failed for ")) || slice_starts(s, SLICE("ETRN ")) ||
	    slice_starts(s, SLICE("ignoring AUTH=")))
		return ex_info(l, out, REASON_none, SLICE(""));
	return authenticator(l, e);
}
