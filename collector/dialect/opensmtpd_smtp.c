/* opensmtpd_smtp.c - clients' sessions with OpenSMTPD.
 *
 *	SESS smtp connected address=192.0.2.1 host=mx.example.org
 *	SESS smtp tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256
 *	SESS smtp authentication user=bob result=ok
 *	SESS smtp message msgid=85ed94e4 size=573 nrcpt=1 proto=ESMTP
 *	SESS smtp envelope evpid=85ed94e4c14c50ac from=<s@example.net> to=<u@example.org>
 *	SESS smtp failed-command command="RCPT TO:<x@example.org>" result="550 Invalid ..."
 *	SESS smtp disconnected reason=quit
 * 6.0 to 6.3 put "event=" before the word and "address=A host=H" behind it, and say "closed";
 * their "message" line is one for each recipient. 5.x says the same in sentences:
 *	smtp-in: Accepted message 85ed94e4 on session SESS: from=<s@example.net>, to=<...>, ...
 * A client's command is printed as it came but for control characters, quotes too: the reply
 * is what stands behind the last mark, for none of the daemon's replies can hold one. */
#include "dialect/opensmtpd.h"

#include "poison.h"

static struct event *
event_of(struct slice sess, enum event_kind kind, struct event *e)
{
	event_begin(e, kind);
	e->sess = sess;
	return e;
}

/* "address=A host=H " of 6.0 to 6.3; nothing is there in other releases. */
static bool
take_peer(struct slice *s, struct event *e)
{
	struct slice address, name;

	if (!slice_eat(s, SLICE("address=")))
		return true;
	return os_word(s, &address) && slice_eat(s, SLICE("host=")) && os_word(s, &name) &&
	    os_client(address, name, e);
}

static struct slice
unquoted(struct slice s)
{
	if (slice_eat_char(&s, '"') && s.n > 0 && s.p[s.n - 1] == '"')
		s.n--;
	return s;
}

/* --- the end of a session ------------------------------------------------------------ */

/* Two events: why it ended, where that is worth one, and that it did. */
static int
ended(struct slice reason, struct event *out)
{
	struct event *e = &out[0];

	out[1] = out[0];
	out[1].kind = EV_DISCONNECT;
	out[1].text = reason;
	e->text = reason;
	if (slice_eq(reason, SLICE("quit")) || reason.n == 0) {
		out[0] = out[1];
		return 1;
	}
	if (slice_eq(reason, SLICE("timeout"))) {
		e->kind = EV_TIMEOUT;
	} else if (os_is_tls_error(reason)) {
		e->kind = EV_TLS_FAIL;
		e->cls = REASON_tls_error;
		e->sub = slice_has(reason, SLICE("cert")) ? SLICE("cert") : SLICE("handshake");
	} else {
		e->kind = EV_LOST_CONN;
	}
	return 2;
}

/* --- refusals ------------------------------------------------------------------------ */

static const struct slice verbs[] = {
#define V(verb) { verb, sizeof(verb) - 1 }
	V("RCPT"), V("MAIL"), V("DATA"), V("EHLO"), V("HELO"), V("AUTH"), V("STARTTLS"), V("RSET"),
	V("QUIT"), V("NOOP"), V("HELP"), V("WIZ"), V("VRFY"), V("EXPN"), V("ETRN"),
#undef V
};

static struct slice
stage_of(struct slice command)
{
	size_t n = slice_until(command, ' ', '\t');

	if (command.n == 0)
		return SLICE("CONNECT");	/* a filter's answer to the connection itself */
	if (slice_eq(command, SLICE(".")))
		return SLICE("END-OF-MESSAGE");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_eq_nocase(slice_head(command, n), verbs[i]))
			return verbs[i];
	return SLICE("UNKNOWN");
}

/* The address in "RCPT TO:<x> NOTIFY=NEVER", whatever blanks the client likes. */
static struct slice
path_of(struct slice command)
{
	struct slice s = slice_head(command, 0), head;

	if (slice_cut(&command, ':', &head) && slice_cut(&command, '<', &head) &&
	    slice_trim(head).n == 0 && !slice_cut(&command, '>', &s))
		s = slice_head(command, slice_until(command, ' ', '\t'));
	return s;
}

/* An AUTH command that failed. A wrong password has its own line before this one ("smtp
 * authentication ... result=permfail"), and its command is masked here; of anything else
 * this is the only one. */
static int
failed_auth(struct slice command, bool masked, struct event *e)
{
	struct slice verb;

	e->kind = EV_AUTH_FAIL;
	if (os_word(&command, &verb) && (slice_eq_nocase(slice_head(command, 5), SLICE("plain")) ||
	    slice_eq_nocase(slice_head(command, 5), SLICE("login"))))
		e->sasl_method = slice_head(command, 5);
	if (masked && (e->code == 535 || e->code == 421))
		e->kind = EV_INFO;
	return 1;
}

/* Of 5.x: CMD => REPLY on a session, both sides of the arrow. */
static int
failed(struct slice command, struct slice reply, bool masked, struct event *e)
{
	os_reply(reply, e);
	if (e->code / 100 != 4 && e->code / 100 != 5)
		return -1;
	e->stage = stage_of(command);
	if (slice_eq(e->stage, SLICE("AUTH")))
		return failed_auth(command, masked, e);
	e->kind = e->code / 100 == 4 ? EV_TEMPFAIL : EV_REJECT;
	if (slice_eq(e->stage, SLICE("RCPT"))) {
		e->to = path_of(command);
	} else if (slice_eq(e->stage, SLICE("MAIL"))) {
		e->from = path_of(command);
	} else if (slice_ends(e->stage, SLICE("LO"))) {
		e->helo = slice_trim(slice_from(command, 4));
	}
	os_command_reason(e);
	return 1;
}

/* 'command="CMD" result="REPLY"' */
static int
failed_command(struct slice s, struct event *e)
{
	struct slice command;
	bool masked;

	if (!slice_eat(&s, SLICE("command=\"")) ||
	    !slice_rcut_at(&s, SLICE("\" result=\""), &command))
		return -1;
	if (s.n > 0 && s.p[s.n - 1] == '"')
		s.n--;
	masked = slice_eq(command, SLICE("AUTH PLAIN (...)")) ||
	    slice_eq(command, SLICE("AUTH LOGIN (password)"));
	return failed(command, s, masked, e);
}

/* What was no command at all: too long, or sent before it was its turn. */
static int
bad_input(struct slice reply, struct event *e)
{
	os_reply(reply, e);
	if (e->code / 100 != 4 && e->code / 100 != 5)
		return -1;
	e->kind = e->code / 100 == 4 ? EV_TEMPFAIL : EV_REJECT;
	e->stage = SLICE("UNKNOWN");
	os_command_reason(e);
	return 1;
}

/* --- messages ------------------------------------------------------------------------ */

/* "KEY" and a number, and what parts it from the next field. */
static bool
take_number(struct slice *s, struct slice key, uint64_t *n)
{
	if (!slice_eat(s, key) || !slice_u64(s, n))
		return false;
	(void)slice_eat_char(s, ',');
	(void)slice_eat_char(s, ' ');
	return true;
}

/* "size=573 nrcpt=1 proto=ESMTP", in 6.0 to 6.3 "size=573 ndest=2 proto=ESMTP", in 5.x with
 * commas, in 5.3 "nrcpts=". ndest is what one recipient was expanded to: how many recipients
 * there are it does not say. */
static int
take_message(struct slice s, struct event *e)
{
	uint64_t n = 0;

	e->kind = EV_QUEUED;
	e->no_end = true;
	if (!take_number(&s, SLICE("size="), &e->size))
		return -1;
	if (take_number(&s, SLICE("nrcpt="), &n) || take_number(&s, SLICE("nrcpts="), &n))
		e->nrcpt = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
	else if (!take_number(&s, SLICE("ndest="), &n))
		return -1;
	if (slice_eat(&s, SLICE("proto=")))
		e->proto = s;
	return 1;
}

static int
message(struct slice s, struct event *e)
{
	if (!slice_eat(&s, SLICE("msgid=")) || !os_hex(&s, OS_MSGID, &e->id) ||
	    !slice_eat_char(&s, ' '))
		return -1;
	if (os_address(&s, SLICE("from="), &e->from) &&
	    (!slice_eat_char(&s, ' ') || !os_address(&s, SLICE("to="), &e->to) ||
	    !slice_eat_char(&s, ' ')))
		return -1;
	return take_message(s, e);
}

static int
envelope(struct slice s, struct event *e)
{
	struct slice evpid;

	if (!slice_eat(&s, SLICE("evpid=")) || !os_hex(&s, OS_EVPID, &evpid) ||
	    !slice_eat_char(&s, ' ') || !os_address(&s, SLICE("from="), &e->from) ||
	    !slice_eat_char(&s, ' ') || !os_address(&s, SLICE("to="), &e->to))
		return -1;
	e->id = slice_head(evpid, OS_MSGID);
	return 1;
}

/* --- 6.0 and later ------------------------------------------------------------------- */

/* "user=bob result=ok"; a user has no blanks, they are encoded. */
static int
authentication(struct slice s, struct event *e)
{
	if (!slice_eat(&s, SLICE("user=")))
		return -1;
	e->sasl_user = slice_head(s, slice_until(s, ' ', ' '));
	s = slice_from(s, e->sasl_user.n);
	if (!slice_eat_char(&s, ' ') || !take_peer(&s, e) || !slice_eat(&s, SLICE("result=")))
		return -1;
	if (!slice_eq(s, SLICE("ok")) && !slice_eq(s, SLICE("permfail")) &&
	    !slice_eq(s, SLICE("tempfail")))
		return -1;
	e->kind = slice_eq(s, SLICE("ok")) ? EV_AUTH_OK : EV_AUTH_FAIL;
	e->text = s;
	if (slice_eq(s, SLICE("tempfail"))) {	/* nobody looked at the password */
		e->kind = EV_QWARN;
		e->cls = REASON_resource;
		e->sub = SLICE("auth_server");
	}
	return 1;
}

static int
connected(struct slice s, struct event *e)
{
	struct slice address, name;

	e->kind = EV_CONNECT;
	if (!slice_eat(&s, SLICE("address=")) || !os_word(&s, &address) ||
	    !slice_eat(&s, SLICE("host=")))
		return -1;
	name = slice_head(s, slice_until(s, ' ', ' '));
	return os_client(address, name, e) ? 1 : -1;
}

/* '[client-]cert-check result="verified" fingerprint="..."' */
static int
certificate(struct slice s, struct event *e)
{
	if (!slice_eat(&s, SLICE("result=\"")))
		return -1;
	e->tls_trust = slice_head(s, slice_until(s, '"', '"'));
	return 1;
}

int
os_smtp(struct slice sess, struct slice word, struct slice s, struct event *out)
{
	struct event *e = event_of(sess, EV_INFO, out);

	if (slice_eq(word, SLICE("connected")))
		return connected(s, e);
	if (slice_eq(word, SLICE("envelope")))
		return envelope(s, e);
	if (slice_eq(word, SLICE("authentication")))
		return authentication(s, e);
	if (slice_eq(word, SLICE("proxy")))	/* "address=A": the client behind it; connected follows */
		return 0;
	if (!take_peer(&s, e))
		return -1;
	if (slice_eq(word, SLICE("message")))
		return message(s, e);
	if (slice_eq(word, SLICE("failed-command")))
		return failed_command(s, e);
	if (slice_eq(word, SLICE("disconnected")) || slice_eq(word, SLICE("closed"))) {
		(void)slice_eat_char(&s, ' ');	/* 6.8 writes two before some reasons */
		return slice_eat(&s, SLICE("reason=")) ? ended(unquoted(s), out) : -1;
	}
	if (slice_eq(word, SLICE("tls")) || slice_eq(word, SLICE("starttls"))) {
		e->kind = EV_TLS;
		os_tls(slice_eat(&s, SLICE("ciphers=")) ? s : slice_from(s, s.n), e);
		return 1;
	}
	if (slice_ends(word, SLICE("cert-check")))
		return certificate(s, e);
	if (slice_eq(word, SLICE("bad-input")) && slice_eat(&s, SLICE("result=")))
		return bad_input(unquoted(s), e);
	return -1;
}

/* --- 5.x ----------------------------------------------------------------------------- */

/* "HEADSESS", and what is between it and the rest. */
static bool
take_session(struct slice *s, struct slice head, struct slice between, struct slice *sess)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, head) || !os_hex(&rest, OS_SESSION, sess) ||
	    !slice_eat(&rest, between))
		return false;
	*s = rest;
	return true;
}

/* "HEADuser U on session SESS": nothing in U is a blank. */
static bool
take_login(struct slice s, struct slice head, struct event *e)
{
	return slice_eat(&s, head) && os_word(&s, &e->sasl_user) &&
	    slice_eat(&s, SLICE("on session ")) && os_hex(&s, OS_SESSION, &e->sess) && s.n == 0;
}

/* "SESS from host mx.example.org [192.0.2.1]" */
static int
new_session(struct slice s, struct event *e)
{
	struct slice name;

	e->kind = EV_CONNECT;
	if (!os_hex(&s, OS_SESSION, &e->sess) || !slice_eat(&s, SLICE(" from host ")) ||
	    !slice_cut_at(&s, SLICE(" ["), &name) || s.n == 0 || s.p[s.n - 1] != ']')
		return -1;
	s.n--;
	return os_client(s, name, e) ? 1 : -1;
}

/* "85ed94e4 on session SESS: from=<>, to=<>, size=573, ndest=1, proto=ESMTP" */
static int
accepted_message(struct slice s, struct event *e)
{
	if (!os_hex(&s, OS_MSGID, &e->id) ||
	    !take_session(&s, SLICE(" on session "), SLICE(": "), &e->sess) ||
	    !os_address(&s, SLICE("from="), &e->from) || !slice_eat(&s, SLICE(", ")))
		return -1;
	if (os_address(&s, SLICE("to="), &e->to) && !slice_eat(&s, SLICE(", ")))
		return -1;
	return take_message(s, e);
}

/* Why the daemon ended a session. */
static int
cut_off(struct slice why, struct event *out)
{
	struct event *e = &out[0];

	if (slice_eq(why, SLICE("session timeout")))
		return ended(SLICE("timeout"), out);
	if (!slice_eq(why, SLICE("rejected by filter")) &&
	    !slice_eq(why, SLICE("session not moving forward")))
		return ended(why, out);
	out[1] = out[0];
	out[1].kind = EV_DISCONNECT;
	e->text = out[1].text = why;
	if (why.p[0] == 's') {	/* too many commands that led to nothing */
		e->kind = EV_RATELIMIT;
		e->sub = SLICE("error_limit");
	} else {
		e->kind = EV_REJECT;
		e->cls = REASON_policy;
		e->stage = SLICE("CONNECT");
	}
	return 2;
}

/* '"CMD" => REPLY' */
static int
failed_arrow(struct slice s, struct event *e)
{
	struct slice command;

	if (!slice_eat_char(&s, '"') || !slice_rcut_at(&s, SLICE("\" => "), &command))
		return -1;
	return failed(command, s, true, e);
}

static int
ending(struct slice s, struct event *e)
{
	if (slice_eat(&s, SLICE("Closing session ")))
		return os_hex(&s, OS_SESSION, &e->sess) ? ended(SLICE("quit"), e) : -1;
	if (slice_eat(&s, SLICE("Received disconnect from session ")))
		return os_hex(&s, OS_SESSION, &e->sess) ? ended(SLICE("disconnect"), e) : -1;
	if (take_session(&s, SLICE("Disconnecting session "), SLICE(": "), &e->sess))
		return cut_off(s, e);
	if (take_session(&s, SLICE("Ending session "), SLICE(": "), &e->sess)) {
		e->kind = EV_RATELIMIT;
		e->sub = SLICE("error_limit");
		e->text = s;
		return 1;
	}
	return -1;
}

int
os_smtp_in(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);

	if (slice_eat(&s, SLICE("New session ")))
		return new_session(s, e);
	if (slice_eat(&s, SLICE("Accepted message ")))
		return accepted_message(s, e);
	if (take_session(&s, SLICE("Failed command on session "), SLICE(": "), &e->sess))
		return failed_arrow(s, e);
	if (take_session(&s, SLICE("Bad input on session "), SLICE(": "), &e->sess))
		return bad_input(s, e);
	if (take_session(&s, SLICE("Started TLS on session "), SLICE(": "), &e->sess)) {
		e->kind = EV_TLS;
		os_tls(s, e);
		return 1;
	}
	if (take_login(s, SLICE("Accepted authentication for user "), e)) {
		e->kind = EV_AUTH_OK;
		return 1;
	}
	if (take_login(s, SLICE("Authentication failed for user "), e) ||
	    take_login(s, SLICE("Authentication temporarily failed for user "), e)) {
		e->kind = EV_AUTH_FAIL;
		return 1;
	}
	if (slice_eat(&s, SLICE("Client certificate verification "))) {
		e->tls_trust = slice_head(s, slice_until(s, ' ', ' '));
		return 1;
	}
	if (take_session(&s, SLICE("session "), SLICE(": vfprintf: "), &e->sess)) {
		e->kind = EV_QWARN;	/* 6.x: the message could not be written */
		e->cls = REASON_resource;
		e->sub = SLICE("disk");
		e->text = s;
		return 1;
	}
	return ending(s, e);
}
