/* policy.c - policy services that weigh, limit and match: policyd-weight, postfwd, policyd v2,
 * and milter-regex.
 *
 *	policyd-weight 0.1.x:	decided action=550 why; <client=m.example.net[192.0.2.7]> <helo=m>
 *				    <from=a@example.net> <to=c@example.org>; delay: 0s
 *				weighted check:  IN_DYN=3 NOT_IN_X=-1; <client=...> ...; rate: 4.5
 *	postfwd 1.x, 2.x:	[RULES] rule=3, id=R-003, queue=4F1A2B, client=m[192.0.2.7], user=u,
 *				    sender=<a>, recipient=<c>, helo=<m>, proto=ESMTP, state=RCPT,
 *				    delay=0s, hits=R-003, action=REJECT why
 *	cbpolicyd 2.0, 2.1:	module=Greylisting, action=defer, host=192.0.2.7, helo=m,
 *				    from=a@example.net, to=c@example.org, reason=greylisted
 *	milter-regex 1.x-3.x:	192.0.2.7: REJECT: why, HELO: m, FROM: <a>, RCPT: <c>, From: ..
 * Their answers are in the MTA's log too and therefore information. HELO names and addresses
 * stand unquoted between fields, so what is read behind them is a guess. */
#include "dialect/helper.h"

#include "poison.h"

static bool
is_postfwd(struct slice tag)
{
	return slice_has(tag, SLICE("postfwd"));	/* "postfwd2/policy", "postfix/postfwd" */
}

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return is_postfwd(l->tag) || slice_eq(t, SLICE("policyd-weight")) ||
	    slice_eq(t, SLICE("cbpolicyd")) || slice_eq(t, SLICE("milter-regex"));
}

/* "<client=m.example.net[192.0.2.7]> <helo=m> <from=a@example.net> <to=c@example.org>" */
static bool
take_weight_request(struct slice s, struct event *e)
{
	struct slice head, peer;

	if (!slice_cut_at(&s, SLICE("<client="), &head) ||
	    !slice_cut_at(&s, SLICE("> <helo="), &peer) ||
	    !slice_cut_at(&s, SLICE("> <from="), &e->helo))
		return false;
	helper_client(peer, e);
	if (slice_cut_at(&s, SLICE("> <to="), &e->from))
		e->to = slice_rcut_at(&s, SLICE(">; "), &head) ? head : s;
	return true;
}

static int
policyd_weight(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice talk[] = {
		H("child: "), H("master: "), H("cache"), H("policyd-weight "), H("Daemon "), H("rbl_lookup: "),
		H("could not connect to cache (maybe"), H("Abnormal exit"), H("debug: "), H("Got SIG"),
		H("warning: Got SIG"), H("Couldn't connect to cache"),
	};
#undef H
	struct event *e = event_begin(out, EV_POLICY);
	struct slice act;

	if (slice_eat(&s, SLICE("decided action="))) {
		act = s;
		if (slice_cut_at(&s, SLICE("; <"), &act)) {
			s = (struct slice){ s.p - 1, s.n + 1 };
			(void)take_weight_request(s, e);
		}
		helper_action(act, e);
		return 1;
	}
	if (slice_eat(&s, SLICE("weighted check: "))) {
		e->kind = EV_INFO;
		e->sub = SLICE("weight");
		e->text = s;
		if (slice_cut_at(&s, SLICE("; <"), &e->text)) {
			s = (struct slice){ s.p - 1, s.n + 1 };
			(void)take_weight_request(s, e);
		}
		return 1;
	}
	if (slice_starts(s, SLICE("warning: fatal_exit")) || slice_starts(s, SLICE("warning: err: ")))
		return helper_says(out, EV_FILTER_FAIL, SLICE("policyd-weight"), s);
	if (slice_starts_any(s, talk, sizeof talk / sizeof talk[0]))
		return helper_says(out, EV_INFO, SLICE("policyd-weight"), s);
	if (slice_starts(s, SLICE("warning: ")))
		return helper_says(out, EV_QWARN, SLICE("policyd-weight"), s);
	return -1;
}

/* "KEY=VALUE, " if it is what comes next; VALUE in <> or up to the comma. */
static bool
take_field(struct slice *s, struct slice key, struct slice *value)
{
	struct slice rest = *s;

	if (!slice_eat(&rest, key) || !slice_eat_char(&rest, '='))
		return false;
	if (!scan_address(&rest, value) || !slice_eat(&rest, SLICE(", "))) {
		rest = slice_from(*s, key.n + 1);
		if (!slice_cut_at(&rest, SLICE(", "), value))
			return false;
	}
	*s = rest;
	return true;
}

/* What was matched, in the order in which postfwd prints it. */
static int
postfwd_match(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice v, act = s;

	if (!take_field(&s, SLICE("rule"), &v) || !take_field(&s, SLICE("id"), &v))
		return -1;
	e->stage = v;		/* the rule's name */
	(void)take_field(&s, SLICE("queue"), &e->id);
	if (!take_field(&s, SLICE("client"), &v))
		return -1;
	helper_client(v, e);
	(void)take_field(&s, SLICE("user"), &e->sasl_user);
	(void)take_field(&s, SLICE("sender"), &e->from);
	(void)take_field(&s, SLICE("recipient"), &e->to);
	(void)take_field(&s, SLICE("helo"), &e->helo);
	(void)take_field(&s, SLICE("proto"), &e->proto);
	if (!slice_rcut_at(&act, SLICE(", action="), &v)) {
		e->kind = EV_INFO;
		e->sub = SLICE("rule");
		e->text = s;
		return 1;
	}
	helper_action(act, e);
	return 1;
}

/* "[RATES] ...", "[LOGS info]: ...": which part of postfwd speaks */
static bool
said_by_part(struct slice s)
{
	size_t n = 1;

	while (n < s.n && (slice_is_alnum(s.p[n]) || s.p[n] == '?' || s.p[n] == ' '))
		n++;
	return s.n > 1 && s.p[0] == '[' && s.p[1] >= 'A' && s.p[1] <= 'Z' &&
	    (slice_starts(slice_from(s, n), SLICE("] ")) || slice_starts(slice_from(s, n), SLICE("]: ")));
}

static int
postfwd(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice talk[] = {
		H("postfwd"), H("Started "), H("STATS requested"), H("Counters: "),
		H("Saved "), H("Fetched "), H("ready for input"), H("catched HUP"), H("terminating"),
		H("TESTMODE"), H("VERBOSE"), H("NODNS"), H("Overriding "), H("notice: "), H("loaded: "),
		H("reading file"), H("rate "), H("request cache "), H("Setting status"),
		H("disabling request cache"), H("setting new score"), H("redefined score"),
		H("Net::DNS "), H("successfully installed"),
		H("table "), H("file \""), H("Rule "), H("[RULES] "), H("dnsquery: "), H("DUMP requested"),
	};
#undef H
	struct slice kind;

	if (slice_has(slice_head(s, 64), SLICE("timeout")) || slice_starts(s, SLICE("warning")) ||
	    slice_starts(s, SLICE("ERROR")) || slice_starts(s, SLICE("error: ")) ||
	    slice_starts(s, SLICE("critical: ")) || slice_starts(s, SLICE("Could not ")) ||
	    slice_starts(s, SLICE("FATAL: ")) || slice_has(s, SLICE("-daemon check failed ")) ||
	    slice_starts(s, SLICE("ignoring invalid ")) || (slice_starts(s, SLICE("file ")) && slice_has(s, SLICE(", ignoring line "))) ||
	    (slice_starts(s, SLICE("Rule ")) && slice_ends(s, SLICE(" will be ignored"))) || slice_starts(s, SLICE("[DNS] ERROR")))
		return helper_says(out, EV_QWARN, SLICE("postfwd"), s);
	if (s.n > 0 && s.p[0] == '[') {
		struct slice rest = s;

		if (slice_cut_at(&rest, SLICE("] "), &kind) && slice_starts(rest, SLICE("rule=")))
			return postfwd_match(rest, out);
	}
	return said_by_part(s) || slice_starts_any(s, talk, sizeof talk / sizeof talk[0]) ?
	    helper_says(out, EV_INFO, SLICE("postfwd"), s) : -1;
}

/* "module=M, action=A, host=192.0.2.7, helo=m, from=a, to=c, reason=r" */
static int
cbpolicyd(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice v, rest;

	if (!slice_eat(&s, SLICE("module="))) {
		if (slice_has(s, SLICE("rror")) || slice_has(s, SLICE("ailed")))
			return helper_says(out, EV_FILTER_FAIL, SLICE("cbpolicyd"), s);
		return slice_starts(s, SLICE("[")) || slice_starts(s, SLICE("Policyd")) ? helper_says(out, EV_INFO, SLICE("cbpolicyd"), s) : -1;
	}
	if (!slice_cut_at(&s, SLICE(", "), &e->stage))
		return -1;
	if (take_field(&s, SLICE("mode"), &v)) {
		e->kind = EV_INFO;
		e->sub = v;
	}
	if (take_field(&s, SLICE("action"), &v))
		e->sub = v;
	if (e->sub.n == 0)
		return -1;
	if (take_field(&s, SLICE("host"), &v))
		helper_client(v, e);
	else if (!slice_starts(s, SLICE("reason=")))	/* a quota at the end of the message has none */
		return -1;
	rest = s;
	(void)take_field(&rest, SLICE("helo"), &e->helo);
	(void)take_field(&rest, SLICE("from"), &e->from);
	(void)take_field(&rest, SLICE("to"), &e->to);
	if (!slice_eat(&s, SLICE("reason=")) && !slice_rcut_at(&s, SLICE(", reason="), &v))
		s = rest;
	e->text = s;
	return 1;
}

/* "192.0.2.7: REJECT: why, HELO: m, FROM: <a>, RCPT: <c> <d>, From: x, To: y, Subject: z" */
static int
milter_regex(struct slice s, struct event *out)
{
	static const struct {
		struct slice head, action;
	} actions[] = {
#define A(head, action) { { head, sizeof(head) - 1 }, { action, sizeof(action) - 1 } }
		A("REJECT: ", "reject"), A("TEMPFAIL: ", "defer"), A("DISCARD", "discard"),
		A("ACCEPT", "pass"), A("QUARANTINE: ", "hold"),
#undef A
	};
	struct event *e = event_begin(out, EV_POLICY);
	struct slice peer, rest = s, v;
	size_t i = 0;

	if (!slice_cut_at(&rest, SLICE(": "), &peer))
		return -1;
	while (i < sizeof actions / sizeof actions[0] && !slice_eat(&rest, actions[i].head))
		i++;
	if (i == sizeof actions / sizeof actions[0]) {
		if (slice_starts_any(s, (const struct slice[]){ SLICE("started: "), SLICE("smfi_main: "),
		    SLICE("configuration file ") }, 3))
			return helper_says(out, slice_has(s, SLICE("due to error")) ? EV_FILTER_FAIL : EV_INFO,
			    SLICE("milter-regex"), s);
		if (slice_starts(s, SLICE("cb_")) || slice_starts(s, SLICE("parse_ruleset")) ||
		    slice_starts(s, SLICE("get_ruleset")) || slice_starts(s, SLICE("all rulesets")))
			return helper_says(out, EV_FILTER_FAIL, SLICE("milter-regex"), s);
		return -1;
	}
	helper_client(peer, e);
	e->sub = actions[i].action;
	if (!slice_cut_at(&rest, SLICE(", HELO: "), &e->text)) {
		if (!slice_eat(&rest, SLICE("HELO: ")))
			return -1;
	}
	if (slice_cut_at(&rest, SLICE(", FROM: "), &e->helo)) {
		(void)scan_address(&rest, &e->from);
		if (slice_eat(&rest, SLICE(", RCPT: ")) && scan_address(&rest, &v))
			e->to = v;
	}
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice t = scan_base(l->tag), s = slice_trim(l->text);
	int n;

	if (helper_is_net_server(s))
		n = 0;
	else if (is_postfwd(l->tag))
		n = postfwd(s, out);
	else if (slice_eq(t, SLICE("policyd-weight")))
		n = policyd_weight(s, out);
	else if (slice_eq(t, SLICE("cbpolicyd")))
		n = cbpolicyd(s, out);
	else
		n = milter_regex(s, out);
	if (n > 0)
		out[0].service = t;
	return n;
}

const struct dialect dialect_policy = { .name = "policy", .claims = claims, .parse = parse };
