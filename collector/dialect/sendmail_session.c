/* sendmail_session.c - sessions: TLS, AUTH, clients that hang up, flood or talk too early.
 *
 *	STARTTLS=server, relay=mx.example.net [192.0.2.3], version=TLSv1.3, verify=NO,
 *	    cipher=TLS_AES_256_GCM_SHA384, bits=256/256
 *	AUTH=server, relay=pc.example.net [192.0.2.7], authid=anna, mech=PLAIN, bits=0
 *	AUTH failure (LOGIN): authentication failure (-13) ..., user=anna, relay=[192.0.2.7]
 *	lost input channel from mx.example.net [192.0.2.3] to MTA after rcpt
 *	mx.example.net [192.0.2.3]: possible SMTP attack: command=AUTH, count=5 */
#include "dialect/sendmail.h"

#include "poison.h"

/* --- TLS and AUTH ------------------------------------------------------------------ */

/* "KEY=VALUE" where VALUE has no comma. */
static bool
take_key(struct slice *s, struct slice key, struct slice *value)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, SLICE(", ")) || !slice_eat(&rest, key))
		return false;
	*value = slice_head(rest, slice_until(rest, ',', ','));
	*s = slice_from(rest, value->n);
	return true;
}

static void
set_peer(struct slice s, struct event *e)
{
	if (sm_take_client(&s, e) && e->outbound)
		sm_set_outbound(e);
}

/* "relay=.., version=.., verify=.., cipher=.., bits=.." */
static bool
tls_session(struct slice s, struct event *e)
{
	struct slice relay;

	if (!slice_cut_at(&s, SLICE(", version="), &relay) || !slice_eat(&relay, SLICE("relay=")))
		return false;
	set_peer(relay, e);
	e->tls_proto = slice_head(s, slice_until(s, ',', ','));
	s = slice_from(s, e->tls_proto.n);
	return take_key(&s, SLICE("verify="), &e->tls_trust) &&
	       take_key(&s, SLICE("cipher="), &e->tls_cipher);
}

int
sm_starttls(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_TLS, p);
	struct slice s = slice_from(p->text, 8), relay;

	e->outbound = slice_starts(s, SLICE("=client"));
	if (slice_eat(&s, SLICE("=server, ")) || slice_eat(&s, SLICE("=client, "))) {
		if (tls_session(s, e))
			return 1;
		if (slice_starts(s, SLICE("error: accept failed")) ||
		    slice_starts(s, SLICE("error: connect failed"))) {
			sm_event(out, EV_TLS_FAIL, p)->outbound = !slice_starts(s, SLICE("error: a"));
			e->text = s;
			if (slice_rcut_at(&s, SLICE(", relay="), &relay))
				set_peer(s, e);
			return 1;
		}
		if (!slice_starts(s, SLICE("error: ")))
			return sm_info(p, out);	/* certificates, features, AltName ... */
	} else if (slice_starts(s, SLICE("=read")) || slice_starts(s, SLICE("=write")) ||
	    slice_starts(s, SLICE(": read error")) || slice_starts(s, SLICE(": write error")) ||
	    slice_has(slice_head(s, 24), SLICE(":error:")) || slice_has(s, SLICE("cert verify")) ||
	    slice_has(s, SLICE("init=")) ||
	    (slice_ends(s, SLICE(" missing")) && !slice_starts(s, SLICE(": Server")))) {
		/* the details of a failure that has a line of its own; what is not needed */
		return sm_info(p, out);
	}
	e = sm_event(out, EV_QWARN, p);
	e->cls = REASON_tls_error;
	e->sub = SLICE("config");
	e->text = p->text;
	return 1;
}

/* A user name may hold anything: what stands behind it is found from the end. */
static bool
login(struct slice s, struct event *e)
{
	struct slice relay, head;

	if (!slice_eat(&s, SLICE("=server, relay=")) ||
	    !slice_cut_at(&s, SLICE(", authid="), &relay) ||
	    !slice_rcut_at(&s, SLICE(", bits="), &head) ||
	    !slice_rcut_at(&head, SLICE(", mech="), &e->sasl_user))
		return false;
	e->sasl_method = head;
	sm_take_client(&relay, e);
	return true;
}

/* "failure (MECH): TEXT, user=U, relay=R"; "decode64 error [..], relay=R" */
static bool
failed_login(struct slice s, struct event *e)
{
	struct slice head, method, text;

	e->text = slice_from(s, 1);
	if (slice_eat(&s, SLICE(" failure ("))) {
		if (!slice_cut_at(&s, SLICE("): "), &method))
			return false;
		e->sasl_method = method;
		e->text = s;
	} else if (!slice_starts(s, SLICE(" decode64 error [")) &&
	    !slice_starts(s, SLICE(" encode64 error ["))) {
		return false;
	}
	if (slice_rcut_at(&s, SLICE(", relay="), &head)) {
		sm_take_client(&s, e);
		e->text = slice_trim(head);
	}
	s = e->text;
	if (e->sasl_method.n > 0 && slice_cut_at(&s, SLICE(", user="), &text)) {
		e->sasl_user = s;
		e->text = text;
	}
	return true;
}

int
sm_auth(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_AUTH_OK, p);
	struct slice s = slice_from(p->text, 4);

	if (login(s, e))
		return 1;
	e->kind = EV_AUTH_FAIL;
	if (failed_login(s, e))
		return 1;
	sm_event(out, EV_QWARN, p)->text = p->text;
	e->cls = REASON_auth_failed;
	if (slice_starts(s, SLICE(" error")) || slice_starts(s, SLICE(" warning")) ||
	    slice_starts(s, SLICE(": sasl_")) || slice_starts(s, SLICE("=client, error")))
		return 1;
	if (p->id.n > 0)
		return sm_info(p, out);
	return slice_starts(s, SLICE("=client")) || slice_starts(s, SLICE(": available")) ||
	    slice_starts(s, SLICE(" flags")) || slice_starts(s, SLICE(" username")) ||
	    slice_starts(s, SLICE(" authid")) ? 0 : -1;
}

/* --- lines that begin with the client ------------------------------------------------ */

static struct event *
limited(struct event *e, struct slice sub)
{
	e->kind = EV_RATELIMIT;
	e->sub = sub;
	return e;
}

/* "CLIENT: possible SMTP attack: ...", "CLIENT did not issue MAIL/..." */
static int
client_first(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_DISCONNECT, p);
	struct slice s = p->text;

	if (!sm_take_client(&s, e))
		return -1;
	if (slice_starts(s, SLICE(" did not issue MAIL/"))) {
		e->text = slice_from(s, 1);
		return 1;
	}
	if (e->client_ip.n > 0 || e->loopback)
		(void)slice_eat_char(&s, ':');
	if (!slice_eat_char(&s, ' '))
		return -1;
	e->text = s;
	if (slice_starts(s, SLICE("possible SMTP attack: command="))) {
		limited(e, SLICE("command"));
	} else if (slice_starts(s, SLICE("Possible SMTP RCPT flood"))) {
		limited(e, SLICE("rcpt_rate"));
	} else if (slice_starts(s, SLICE("probable open proxy: "))) {
		e->kind = EV_TEMPFAIL;
		e->code = 421;
		e->stage = SLICE("CONNECT");
		e->cls = REASON_protocol;
		e->sub = SLICE("non_smtp");
	} else if (slice_starts(s, SLICE("SMTP violation, input too long"))) {
		e->kind = EV_LOST_CONN;
	} else if (slice_starts(s, SLICE("SMTP ")) && slice_has(s, SLICE(" protocol error: "))) {
		return sm_info(p, out);	/* of a next hop; a to= line says what came of it */
	} else if (slice_ends(s, SLICE(" [rejected]")) || slice_starts(s, SLICE("ETRN ")) ||
	    slice_starts(s, SLICE("VRFY")) || slice_starts(s, SLICE("vrfy")) ||
	    slice_starts(s, SLICE("EXPN")) || slice_starts(s, SLICE("expn"))) {
		e->kind = EV_INFO;
	} else {
		return -1;
	}
	return 1;
}

/* --- other lines -------------------------------------------------------------------- */

/* "rejecting commands from CLIENT due to pre-greeting traffic after 6 seconds",
 * "rejecting server DATA from CLIENT due to traffic before response" */
static int
too_early(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);
	struct slice command;

	if (!slice_cut_at(&s, SLICE(" from "), &command) || !sm_take_client(&s, e))
		return -1;
	e->text = slice_from(s, 1);
	e->cls = REASON_protocol;
	if (slice_starts(s, SLICE(" due to pre-greeting traffic"))) {
		e->code = 554;
		e->stage = SLICE("CONNECT");
		e->sub = SLICE("pregreet");
	} else if (slice_starts(s, SLICE(" due to traffic before response"))) {
		(void)slice_eat(&command, SLICE("server "));
		e->stage = command;
		e->sub = SLICE("pipelining");
	} else {
		return -1;
	}
	return 1;
}

/* "CLIENT to DAEMON after COMMAND" */
static int
lost(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_LOST_CONN, p);
	struct slice head;

	if (!sm_take_client(&s, e) || !slice_rcut_at(&s, SLICE(" after "), &head))
		return -1;
	e->stage = s;
	return 1;
}

/* "CLIENT during PHASE" */
static int
timed_out(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_TIMEOUT, p);
	struct slice head;

	if (!sm_take_client(&s, e) || !slice_cut_at(&s, SLICE(" during "), &head))
		return -1;
	e->stage = s;
	if (slice_starts(s, SLICE("client ")))
		sm_set_outbound(e);
	return 1;
}

/* The message is too large, or its headers are. */
static int
too_large(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);

	e->code = 552;
	e->stage = SLICE("END-OF-MESSAGE");
	e->cls = REASON_size;
	e->text = p->text;
	return 1;
}

static int
bad_helo(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);

	e->code = 501;
	e->stage = SLICE("HELO");
	e->cls = REASON_helo;
	e->sub = SLICE("invalid");
	e->text = p->text;
	if (!slice_rcut_at(&s, SLICE(") from "), &e->helo))
		return -1;
	(void)slice_eat_char(&e->helo, '(');
	return sm_take_client(&s, e) ? 1 : -1;
}

static int
connected(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_CONNECT, p);

	if (!sm_take_client(&s, e) || s.n > 0)
		return -1;
	e->loopback |= e->client_ip.n == 0;	/* the submission program, by its standard input */
	return 1;
}

/* "tcpwrappers (NAME, 192.0.2.3) rejection" */
static int
wrapped(const struct sm_line *p, struct slice s, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);
	struct slice name, ip;

	if (!slice_cut_at(&s, SLICE(", "), &name) || !slice_cut_at(&s, SLICE(") rejection"), &ip))
		return -1;
	(void)slice_eat(&ip, SLICE("IPv6:"));
	scan_set_client(e, name, ip);
	e->code = 550;
	e->stage = SLICE("CONNECT");
	e->cls = REASON_policy;
	e->sub = SLICE("access_map");
	e->text = p->text;
	return 1;
}

/* "... command (ARG) from CLIENT tempfailed (due to previous checks)": what refused the
 * session was counted. */
static bool
is_echo(struct slice s)
{
	return slice_starts(s, SLICE("SMTP ")) && slice_has(s, SLICE(" command ("));
}

int
sm_session(const struct sm_line *p, struct event *out)
{
	struct slice s = p->text;
	struct event *e;

	if (slice_eat(&s, SLICE("connect from ")))
		return connected(p, s, out);
	if (slice_eat(&s, SLICE("rejecting ")))
		return too_early(p, s, out);
	if (slice_eat(&s, SLICE("lost input channel from ")))
		return lost(p, s, out);
	if (slice_eat(&s, SLICE("timeout waiting for input from ")))
		return timed_out(p, s, out);
	if (slice_eat(&s, SLICE("Null connection from ")))	/* 8.9 and older: did not issue MAIL/... */
		return sm_take_client(&s, sm_event(out, EV_DISCONNECT, p)) && s.n == 0 ? 1 : -1;
	if (slice_eat(&s, SLICE("tcpwrappers (")))
		return wrapped(p, s, out);
	if (slice_eat(&s, SLICE("invalid domain name ")))
		return bad_helo(p, s, out);
	if (slice_starts(s, SLICE("message size (")) || slice_starts(s, SLICE("header overflow ")) ||
	    slice_starts(s, SLICE("headers too large ")))
		return too_large(p, out);
	if (slice_starts(s, SLICE("collect: premature EOM"))) {
		e = sm_event(out, EV_LOST_CONN, p);
		e->stage = SLICE("DATA");
		e->text = s;
		return 1;
	}
	if (slice_eat(&s, SLICE("unauthorized PIPELINING, sleeping, relay="))) {
		e = limited(sm_event(out, EV_INFO, p), SLICE("pipelining"));
		return sm_take_client(&s, e) ? 1 : -1;
	}
	if (is_echo(s))
		return sm_info(p, out);
	return client_first(p, out);
}
