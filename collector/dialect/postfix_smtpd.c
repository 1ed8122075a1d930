/* postfix_smtpd.c - sessions and refusals of smtpd.
 *
 *	connect from mx.example.org[192.0.2.1]:4711
 *	disconnect from unknown[192.0.2.1] ehlo=1 auth=0/5 commands=1/6	(counters: 3.0)
 *	ID: client=mx.example.org[192.0.2.1], sasl_method=PLAIN, sasl_username=joe
 *	NOQUEUE: reject: RCPT from mx.example.org[192.0.2.1]: 554 5.7.1 <joe@example.org>:
 *	    Relay access denied; from=<a@example.net> to=<joe@example.org> proto=ESMTP helo=<x>
 *	[ID: ]lost connection after DATA (4096 bytes) from mx.example.org[192.0.2.1]
 * The prefix "ID: " of lost connections is 3.10's. */
#include "dialect/postfix.h"

#include "poison.h"

/* "auth=0/5": how many were refused. No other counter has a 't' two before its '=', which
 * is what slice_find() looks at first. */
static uint32_t
refused_auth(struct slice counters)
{
	ptrdiff_t at = slice_find(counters, SLICE("th="));
	uint64_t good, all;
	struct slice s;

	if (at < 3 || memcmp(counters.p + at - 3, " au", 3) != 0)
		return 0;
	s = slice_from(counters, (size_t)at + 3);
	if (!slice_u64(&s, &good) || !slice_eat_char(&s, '/') || !slice_u64(&s, &all) ||
	    all < good || all - good > UINT32_MAX)
		return 0;
	return (uint32_t)(all - good);
}

static int
disconnect(const struct pf_line *p, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, EV_DISCONNECT, p);

	if (!pf_client(&s, e))
		return -1;
	e->auth_fail = refused_auth(s);
	slice_eat_char(&s, ' ');
	e->text = s;
	return 1;
}

/* What stands before " from CLIENT": "RCPT", "DATA (4096 bytes)". */
static bool
stage_and_client(struct slice *s, struct event *e)
{
	struct slice stage, bytes;

	if (!slice_cut_at(s, SLICE(" from "), &stage))
		return false;
	if (slice_ends(stage, SLICE(" bytes)")) && slice_cut(&stage, '(', &bytes)) {
		slice_eat(&stage, SLICE("approximately "));
		slice_u64(&stage, &e->size);
		stage = slice_trim(bytes);
	}
	e->stage = stage;
	return pf_client(s, e);
}

static int
broken(const struct pf_line *p, enum event_kind kind, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, kind, p);

	if (kind == EV_RATELIMIT) {
		e->cls = REASON_ratelimit;
		e->sub = SLICE("error_limit");
	} else if (kind == EV_INFO || kind == EV_REJECT) {
		e->cls = REASON_protocol;
		e->sub = kind == EV_INFO ? SLICE("pipelining") : SLICE("bare_lf");
	}
	if (!stage_and_client(&s, e))
		return -1;
	slice_eat_char(&s, ':');
	e->text = slice_trim(s);
	return 1;
}

/* "name[addr]" up to the next field; the rest of a client= line in its order. */
static int
client(const struct pf_line *p, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, p->id.n > 0 ? EV_CLIENT : EV_INFO, p);
	struct slice link = { 0 }, word;
	int n = 1;

	if (!pf_client(&s, e))
		return -1;
	if (p->id.n == 0)
		e->stage = SLICE("proxy");	/* before the proxy filter: no queue file */
	if (s.n > 0 && slice_rcut_at(&s, SLICE(", orig_client="), &word)) {
		struct event orig = { 0 };

		if (pf_client(&s, &orig)) {
			e->orig_client_name = orig.client_name;
			e->orig_client_ip = orig.client_ip;
		}
		s = word;
	}
	if (s.n > 0 && slice_rcut_at(&s, SLICE(", orig_queue_id="), &word)) {
		if (pf_is_id(s))
			link = s;
		s = word;
	}
	if (slice_eat(&s, SLICE(", sasl_method="))) {
		e->sasl_method =
		    slice_cut_at(&s, SLICE(", sasl_username="), &word) ? word : s;
		if (e->sasl_method.p != s.p && !slice_rcut_at(&s, SLICE(", sasl_sender="),
		    &e->sasl_user))
			e->sasl_user = s;	/* the name may hold commas and blanks */
	} else if (slice_eat(&s, SLICE(", sasl_username="))) {
		e->sasl_user = s;
	} else if (slice_eat(&s, SLICE(", sasl_sender="))) {
		e->from = s;
	}
	if (e->sasl_user.n > 0) {
		out[n] = *e;
		out[n++].kind = EV_AUTH_OK;
	}
	if (link.n > 0 && p->id.n > 0) {
		struct event *l = event_begin(&out[n++], EV_LINK);

		l->id = link;
		l->new_id = p->id;
	}
	return n;
}

static enum event_kind
action_kind(struct slice action)
{
	static const struct {
		struct slice name;
		enum event_kind kind;
	} actions[] = {
#define A(name, kind) { { name, sizeof(name) - 1 }, kind }
		A("reject", EV_REJECT), A("reject_warning", EV_WARN_REJECT),
		A("milter-reject", EV_REJECT), A("proxy-reject", EV_REJECT),
		A("hangup", EV_REJECT), A("proxy-accept", EV_ACCEPT), A("permit", EV_ACCEPT),
		A("hold", EV_HELD), A("milter-hold", EV_HELD), A("discard", EV_DISCARDED),
		A("milter-discard", EV_DISCARDED), A("filter", EV_FILTERED),
		A("redirect", EV_REDIRECTED), A("bcc", EV_INFO), A("warn", EV_INFO),
		A("info", EV_INFO), A("warning", EV_INFO), A("prepend", EV_INFO),
		A("replace", EV_INFO), A("delay", EV_INFO), A("abort", EV_TLS_FAIL),
		A("reject-warning", EV_WARN_REJECT), A("trace", EV_INFO),
#undef A
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (slice_eq(action, actions[i].name))
			return actions[i].kind;
	return EVENT_KIND_N;
}

/* Held or dropped: a filter's finding, else somebody's rule. */
static void
verdict_reason(struct event *e)
{
	e->cls = reason_of_text(e->text, e->dsn, e->code, false, &e->sub);
	switch (e->cls) {
	case REASON_virus:
	case REASON_attachment:
	case REASON_spam_content:
	case REASON_spf:
	case REASON_dkim:
	case REASON_dmarc:
		return;
	default:
		e->cls = REASON_policy;
		e->sub = e->kind == EV_HELD ? SLICE("hold") : SLICE("discard");
	}
}

/* The rest of an action that has no reply: why. */
static void
action_reason(struct event *e, struct slice action)
{
	if (e->kind == EV_HELD || e->kind == EV_DISCARDED) {
		verdict_reason(e);
	} else if (e->kind == EV_TLS_FAIL) {
		e->cls = REASON_tls_error;
		e->sub = SLICE("cert");
	} else if (e->kind == EV_REDIRECTED) {
		struct slice to = e->text, what;

		e->orig_to = e->to;
		if (slice_rcut_at(&to, SLICE("triggers REDIRECT "), &what))
			e->to = to;
	} else if (slice_eq(action, SLICE("proxy-accept"))) {
		e->new_id = pf_queued_as(e->text);
		if (e->new_id.n > 0 || e->code / 100 != 2 ||
		    !slice_has(slice_head(e->text, 40), SLICE("discarded")))
			return;
		e->kind = EV_DISCARDED;	/* the filter took it and dropped it: no other line says so */
		verdict_reason(e);
	}
}

/* Here "helo=<H> sasl_username=<U>" has brackets, unlike in reject lines of 3.10. */
static void
proxy_user(struct event *e)
{
	struct slice user = e->helo, helo;

	if (slice_rcut_at(&user, SLICE("> sasl_username=<"), &helo)) {
		e->helo = helo;
		e->sasl_user = user;
	}
}

/* "reject: ETRN DOMAIN... from CLIENT": a 459 that is not logged. */
static int
etrn(struct slice s, struct event *e)
{
	struct slice domain;

	if (e->kind != EV_REJECT || !slice_rcut_at(&s, SLICE("... from "), &domain) ||
	    !pf_client(&s, e))
		return -1;
	e->kind = EV_TEMPFAIL;
	e->cls = REASON_policy;
	e->text = slice_trim(domain);
	return 1;
}

/* A milter that answers, but with a trouble of its own: the second event. */
static int
milter_failed(const struct pf_line *p, struct slice action, struct event *out)
{
	struct event *e;

	if (out->kind != EV_TEMPFAIL || !slice_eq(action, SLICE("milter-reject")) ||
	    !slice_eq(out->dsn, SLICE("4.3.0")))
		return 1;
	e = pf_event(out + 1, EV_FILTER_FAIL, p);
	e->cls = REASON_resource;
	e->sub = SLICE("milter");
	e->text = out->text;
	return 2;
}

int
pf_action(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text, action;
	struct event *e = pf_event(out, EV_INFO, p);
	size_t at = 0;

	if (!slice_cut_near(&s, ':', &action) || !slice_eat_char(&s, ' '))
		return -1;
	e->kind = action_kind(action);
	if (e->kind == EVENT_KIND_N)
		return -1;
	/* "proxy-reject: END-OF-MESSAGE: 554 ..." names no client */
	while (at < s.n && s.p[at] != ' ' && s.p[at] != ':')
		at++;
	e->stage = slice_head(s, at);
	s = slice_from(s, at);
	if (slice_eq(e->stage, SLICE("ETRN")) && !slice_starts(s, SLICE(" from ")))
		return etrn(s, e);
	if (slice_eat(&s, SLICE(" from "))) {
		if (!pf_client(&s, e))
			return -1;
	} else if (!slice_starts(action, SLICE("proxy-"))) {
		return -1;
	}
	if (!slice_eat_char(&s, ':'))
		return -1;
	slice_eat_char(&s, ' ');
	scan_reply(s, e);
	e->text = slice_head(e->text, pf_tail(e->text, e));
	if (slice_starts(action, SLICE("proxy-")))
		proxy_user(e);
	if (e->kind == EV_REJECT || e->kind == EV_WARN_REJECT) {
		pf_reject_reason(e);
		if (e->cls == REASON_other && slice_eq(action, SLICE("hangup"))) {
			e->cls = REASON_policy;
			e->sub = SLICE("access_map");
		}
		if (e->kind == EV_REJECT && (e->code / 100 == 4 ||
		    (e->code == 0 && e->dsn.n > 0 && e->dsn.p[0] == '4')))
			e->kind = EV_TEMPFAIL;
	} else if (e->kind == EV_HELD && e->id.n == 0 && slice_eq(action, SLICE("milter-hold"))) {
		e->kind = EV_INFO;	/* a dead milter holds at each step: the last one names the mail */
	} else {
		action_reason(e, action);
	}
	return milter_failed(p, action, out);
}

static int
connected(const struct pf_line *p, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, EV_CONNECT, p);

	return pf_client(&s, e) && (s.n == 0 || s.p[0] == ' ') ? 1 : -1;
}

int
pf_smtpd(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;

	switch (s.n > 0 ? s.p[0] : '\0') {
	case 'b':	/* 3.5.23, 3.6.13, 3.7.9, 3.8.4: the only line of a 521 */
		if (slice_eat(&s, SLICE("bare <LF> received after ")))
			return broken(p, EV_REJECT, s, out);
		break;
	case 'c':
		if (slice_eat(&s, SLICE("connect from ")))
			return connected(p, s, out);
		if (slice_eat(&s, SLICE("client=")) && p->has_id)
			return client(p, s, out);
		break;
	case 'd':
		if (slice_eat(&s, SLICE("disconnect from ")))
			return disconnect(p, s, out);
		if (slice_starts(s, SLICE("discarding EHLO keywords: ")))
			return 0;
		break;
	case 'l':
		if (slice_eat(&s, SLICE("lost connection after ")))
			return broken(p, EV_LOST_CONN, s, out);
		break;
	case 't':
		if (slice_eat(&s, SLICE("timeout after ")))
			return broken(p, EV_TIMEOUT, s, out);
		if (slice_eat(&s, SLICE("too many errors after ")))
			return broken(p, EV_RATELIMIT, s, out);
		break;
	case 'i':
		if (slice_eat(&s, SLICE("improper command pipelining after ")))
			return broken(p, EV_INFO, s, out);
		break;
	case 'w':
		if (!p->has_id && slice_starts(s, SLICE("warning: ")))
			return -1;	/* as all daemons write them */
		break;
	case 'A': case 'S': case 'T': case 'U': case 'V':
		return pf_tls(p, out);
	}
	if (p->has_id || slice_starts(s, SLICE("reject")) ||
	    slice_starts(s, SLICE("proxy-")) || slice_starts(s, SLICE("milter-")) ||
	    slice_starts(s, SLICE("hold: ")) || slice_starts(s, SLICE("discard: ")))
		return pf_action(p, out);
	if (slice_starts(s, SLICE("Refusing ")) || slice_has(s, SLICE(": replacing ")))
		return pf_info(p, out, REASON_none, SLICE(""));
	return pf_tls(p, out);
}
