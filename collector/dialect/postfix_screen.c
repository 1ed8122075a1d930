/* postfix_screen.c - postscreen and its helpers dnsblog and tlsproxy (2.8 and later).
 *
 *	CONNECT from [192.0.2.1]:4711 to [198.51.100.1]:25
 *	PASS NEW [192.0.2.1]:4711
 *	DNSBL rank 5 for [192.0.2.1]:4711
 *	PREGREET 14 after 0.04 from [192.0.2.1]:4711: EHLO x\r\n
 *	HANGUP after 1.2 from [192.0.2.1]:4711 in tests after SMTP handshake
 *	NOQUEUE: reject: RCPT from [192.0.2.1]:4711: 550 5.7.1 Service unavailable; client
 *	    [192.0.2.1] blocked using bl.example.org; from=<a@b>, to=<c@d>, proto=ESMTP, helo=<x>
 * 3.6 says ALLOWLISTED and DENYLISTED, older ones WHITELISTED and BLACKLISTED. */
#include "dialect/postfix.h"

#include "poison.h"

/* "HEAD [ADDR]:PORT" or "HEAD ... from [ADDR]:PORT REST". */
static const struct verdict {
	struct slice head;
	struct slice sub;
	bool somewhere;		/* the address follows the first " from " or " for " */
} verdicts[] = {
#define V(head, sub, somewhere) \
	{ { head, sizeof(head) - 1 }, { sub, sizeof(sub) - 1 }, somewhere }
	V("PASS OLD ", "pass_old", false), V("PASS NEW ", "pass_new", false),
	V("DNSBL rank ", "dnsbl", true), V("PREGREET ", "pregreet", true),
	V("HANGUP after ", "hangup", true),
	V("ALLOWLISTED ", "allowlisted", false), V("WHITELISTED ", "allowlisted", false),
	V("DENYLISTED ", "denylisted", false), V("BLACKLISTED ", "denylisted", false),
	V("ALLOWLIST VETO ", "allowlist_veto", false),
	V("WHITELIST VETO ", "allowlist_veto", false),
	V("COMMAND TIME LIMIT", "time_limit", true),
	V("COMMAND COUNT LIMIT", "count_limit", true),
	V("COMMAND LENGTH LIMIT", "length_limit", true),
	V("COMMAND PIPELINING", "pipelining", true), V("BARE NEWLINE", "bare_newline", true),
	V("NON-SMTP COMMAND", "non_smtp", true),
	V("DATA without valid RCPT", "no_valid_rcpt", true),
	V("BDAT without valid RCPT", "no_valid_rcpt", true),
#undef V
};

/* The client at the front of *s, or after the first "from " or "for ": all before it is
 * postscreen's own and holds neither word twice. */
static bool
find_client(struct slice *s, bool somewhere, struct event *e)
{
	struct slice head;

	if (somewhere && !slice_cut(s, '[', &head))
		return false;
	if (somewhere) {
		if (!slice_ends(head, SLICE("from ")) && !slice_ends(head, SLICE("for ")))
			return false;
		*s = (struct slice){ s->p - 1, s->n + 1 };
	}
	return pf_client(s, e) && e->client_name.n == 0;
}

static int
screen_verdict(const struct pf_line *p, const struct verdict *v, struct event *out)
{
	struct event *e = pf_event(out, EV_SCREEN, p);
	struct slice s = slice_from(p->text, v->head.n);

	e->screen = true;
	e->sub = v->sub;
	if (!find_client(&s, v->somewhere, e))
		return -1;
	e->text = p->text;
	if (slice_eat(&s, SLICE(" after ")) && !slice_cut(&s, ':', &e->stage))
		e->stage = s;
	return 1;
}

/* "NOQUEUE: reject: CONNECT from [A]:P: too many connections|all server ports busy" */
static int
screen_busy(const struct pf_line *p, struct event *out)
{
	bool many = slice_ends(p->text, SLICE(": too many connections"));
	struct slice s = p->text;
	struct event *e;

	if (!many && !slice_ends(s, SLICE(" ports busy")))
		return 0;
	e = pf_event(out, EV_RATELIMIT, p);
	e->screen = true;
	e->cls = many ? REASON_ratelimit : REASON_resource;
	e->sub = many ? SLICE("conn_count") : SLICE("proc_limit");
	e->stage = SLICE("CONNECT");
	if (!find_client(&s, true, e))
		return -1;
	slice_eat(&s, SLICE(": "));
	e->text = s;
	return 1;
}

static int
screen_connect(
    const struct pf_line *p, enum event_kind kind, struct slice s, struct event *out)
{
	struct event *e = pf_event(out, kind, p);

	e->screen = true;
	return find_client(&s, false, e) ? 1 : -1;
}

int
pf_screen(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;
	int n;

	if (slice_eat(&s, SLICE("CONNECT from ")))
		return screen_connect(p, EV_CONNECT, s, out);
	if (slice_eat(&s, SLICE("DISCONNECT ")))
		return screen_connect(p, EV_DISCONNECT, s, out);
	if (slice_starts(s, SLICE("reject: "))) {
		n = screen_busy(p, out);
		if (n == 0)
			n = pf_action(p, out);
		if (n > 0)
			out->screen = true;
		return n;
	}
	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
		if (s.n > 0 && s.p[0] == verdicts[i].head.p[0] &&
		    slice_starts(s, verdicts[i].head))
			return screen_verdict(p, &verdicts[i], out);
	if (slice_starts(s, SLICE("entering STRESS mode"))) {
		pf_event(out, EV_QWARN, p);
		out->cls = REASON_resource;
		out->sub = SLICE("stress");
		out->text = s;
		return 1;
	}
	if (slice_starts(s, SLICE("leaving STRESS mode")) ||
	    slice_starts(s, SLICE("cache ")) || slice_starts(s, SLICE("close database ")))
		return 0;
	if (s.n > 0 && s.p[0] == '[' && (slice_has(s, SLICE(": discarding EHLO keywords: ")) ||
	    slice_has(s, SLICE(": replacing command \""))))
		return 0;
	return -1;
}

/* "addr A listed by domain ZONE as 127.0.0.2": which list it was. */
int
pf_dnsblog(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;
	struct event *e = pf_event(out, EV_INFO, p);

	if (!slice_eat(&s, SLICE("addr ")) ||
	    !slice_cut_at(&s, SLICE(" listed by domain "), &e->client_ip) ||
	    !slice_cut_at(&s, SLICE(" as "), &e->sub))
		return -1;
	e->cls = REASON_dnsbl;
	e->screen = true;
	e->text = s;
	return 1;
}

/* "NAME peer=[ADDR]:PORT" of postscreen's clients, "NAME peer=HOST[ADDR]:PORT" of smtp's next hops */
static int
handshake_failed(struct slice s, struct event *e)
{
	struct slice service, peer;

	if (!slice_cut_at(&s, SLICE(" peer="), &service))
		return -1;
	e->cls = REASON_tls_error;
	e->sub = SLICE("handshake");
	e->outbound = !slice_starts(s, SLICE("["));
	peer = s;
	return (e->outbound ? pf_relay(&peer, e) : pf_client(&peer, e)) ? 1 : -1;
}

int
pf_tlsproxy(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;

	if (slice_starts(s, SLICE("CONNECT ")) || slice_starts(s, SLICE("DISCONNECT ")))
		return 0;	/* postscreen or smtp has it */
	if (slice_eat(&s, SLICE("TLS handshake failed for service=")))
		return handshake_failed(s, pf_event(out, EV_TLS_FAIL, p));
	return pf_tls(p, out);
}
