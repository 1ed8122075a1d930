/* spf.c - the SPF policy services for Postfix, and the milter of the same family.
 *
 *	policyd-spf (pypolicyd-spf 0.x-2.x, spf-engine 2.9-3.1), tag policyd-spf, pyspf-milter:
 *	[ID: ]prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.7;
 *	    helo=m.example.net; envelope-from=a@example.net; receiver=<UNKNOWN>
 *	[ID: ]550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see URL
 *	Pass; identity=mailfrom; client-ip=...		(debugLevel 2 and more)
 *	Action: prepend: Text: Received-SPF: ... Reject action: 550 5.7.23	(3 and more)
 *	postfix-policyd-spf-perl 2.x, tag postfix/policy-spf:
 *	Policy action=PREPEND Received-SPF: pass (example.net: 192.0.2.7 is authorized ...)
 *	    receiver=mx; identity=mailfrom; envelope-from="a@example.net"; helo=m; client-ip=192.0.2.7
 *	SPF fail: HELO/EHLO: m.example.net, IP Address: 192.0.2.7, Recipient: c@example.org
 * A message gives one line or several of these, so nothing of it is counted. The reason
 * of a refusal is configurable: the result is looked for in its words. */
#include "dialect/helper.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_find_nocase(t, SLICE("spf")) >= 0 &&
	    (slice_find_nocase(t, SLICE("polic")) >= 0 || slice_starts(t, SLICE("pyspf")));
}

/* The result at the front of s, in small letters; empty if it is none. */
static struct slice
result_of(struct slice s)
{
	static const char *const results[] = { "pass", "fail", "softfail", "neutral", "none",
		"temperror", "permerror", "error" };
	size_t n = 0;

	while (n < s.n && ((s.p[n] | 0x20) >= 'a' && (s.p[n] | 0x20) <= 'z'))
		n++;
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		if (slice_eq_nocase(slice_head(s, n), slice_of(results[i])))
			return i == 7 ? SLICE("temperror") : slice_of(results[i]);
	return slice_head(s, 0);
}

/* What stands between key and the next "; " or the end. */
static struct slice
value_of(struct slice s, struct slice key)
{
	struct slice head = slice_head(s, 0), value;

	if (!slice_cut_at(&s, key, &head))
		return slice_head(s, 0);
	return slice_cut(&s, ';', &value) ? value : s;
}

static struct slice
unquoted(struct slice s)
{
	s = slice_trim(s);
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = (struct slice){ s.p + 1, s.n - 2 };
	return s;
}

/* "identity=mailfrom; client-ip=...; helo=...": the order differs from program to program. */
static void
take_identity(struct slice s, struct event *e)
{
	struct slice ip, sender;
	ptrdiff_t at = slice_find(s, SLICE("identity="));

	s = slice_from(s, at > 0 ? (size_t)at : 0);	/* a comment stands before it */
	e->stage = value_of(s, SLICE("identity="));
	ip = slice_trim(value_of(s, SLICE("client-ip=")));
	if (scan_is_ip(ip))
		scan_set_client(e, slice_head(ip, 0), ip);
	e->helo = unquoted(value_of(s, SLICE("helo=")));
	if (slice_has(s, SLICE("envelope-from="))) {
		sender = unquoted(value_of(s, SLICE("envelope-from=")));
		e->from = slice_eq(sender, SLICE("<>")) ? slice_head(sender, 0) : sender;
	}
}

/* "Pass (mailfrom) identity=...", "Pass; identity=...", "pass (COMMENT) receiver=...". */
static int
result(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(out, EV_SPF);

	e->id = id;
	e->sub = result_of(s);
	if (e->sub.n == 0)
		return -1;
	e->text = s;
	take_identity(slice_from(s, slice_until(s, ' ', ';')), e);
	return 1;
}

/* A header that is put on the message; of all of them the result is read. */
static int
header(struct slice s, struct slice id, struct event *out)
{
	struct slice head;
	struct event *e;

	s = slice_trim(s);
	if (slice_eat(&s, SLICE("Received-SPF: ")))
		return result(s, id, out);
	if (slice_eat(&s, SLICE("Authentication-Results: "))) {
		/* "mx.example.org; spf=pass (...) smtp.mailfrom=..." */
		if (!slice_cut_at(&s, SLICE("spf="), &head))
			return -1;
		return result(s, id, out);
	}
	if (!slice_starts(s, SLICE("X-Comment: ")) && !slice_starts(s, SLICE("None")))
		return -1;
	helper_says(out, EV_INFO, SLICE("skipped"), s);
	e = &out[0];
	e->id = id;
	take_identity(s, e);
	return 1;
}

/* "Message rejected due to: SPF fail - not authorized. ...": the result by its words. */
static struct slice
result_in(struct slice s)
{
	static const char *const words[] = { "softfail", "permerror", "permanent error", "temperror",
		"temporary error", "spf fail", "not authorized", "neutral" };
	static const char *const means[] = { "softfail", "permerror", "permerror", "temperror",
		"temperror", "fail", "fail", "neutral" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_find_nocase(s, slice_of(words[i])) >= 0)
			return slice_of(means[i]);
	return slice_head(s, 0);
}

/* The answer to a client that is refused; where its words tell, also the result. */
static int
refusal(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(&out[0], EV_POLICY);

	e->id = id;
	if (slice_eat(&s, SLICE("defer_if_permit ")) || slice_eat(&s, SLICE("DEFER_IF_PERMIT ")) ||
	    slice_eat(&s, SLICE("451 "))) {
		scan_reply(s, e);
		e->sub = SLICE("defer");
	} else {
		helper_action(s, e);
	}
	out[1] = out[0];
	out[1].kind = EV_SPF;
	out[1].sub = result_in(e->text);
	return out[1].sub.n > 0 ? 2 : 1;
}

/* "SPF fail: HELO/EHLO: m.example.net, IP Address: 192.0.2.7, Recipient: c@example.org" */
static int
perl_result(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_SPF);
	struct slice who, ip;

	e->sub = result_of(s);
	if (e->sub.n == 0 || !slice_cut_at(&s, SLICE(": "), &who))
		return -1;
	e->text = s;
	if (slice_rcut_at(&s, SLICE(", Recipient: "), &who))
		e->to = s, s = who;
	if (slice_rcut_at(&s, SLICE(", IP Address: "), &who)) {
		ip = s;
		s = who;
		if (scan_is_ip(ip))
			scan_set_client(e, slice_head(ip, 0), ip);
	}
	if (slice_cut_at(&s, SLICE(": "), &who)) {
		e->stage = slice_starts(who, SLICE("HELO")) ? SLICE("helo") : SLICE("mailfrom");
		if (slice_starts(who, SLICE("HELO")))
			e->helo = s;
		else
			e->from = s;
	}
	return 1;
}

/* What is written where debugging is on, and at start and end. */
static bool
is_talk(struct slice s)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice heads[] = {
		H("Starting"), H("Normal exit"), H("Config: "), H("Read line: "),
		H("Found the end of entry"), H("Cached data for this instance"),
		H("Per user configuration"), H("_get_resultcodes"), H("Scope "), H("helo policy "),
		H("mfrom policy "), H("spfcheck: "), H("Attribute: "), H("handler "),
		H("Domain Whitelist"), H("HELO "), H("PTR Domain"), H("skip_addresses"), H("Whitelist"),
		H("not peruser"), H("Pyspf Cached"), H("parsing configFile"), H("option "),
		H("mail from: "), H("connect from "), H("processing"), H("testing:"), H("  "),
		H("\t"), H("pyspf-milter "), H("Milter "), H("shutdown"), H("startup"),
		H("Mail From (sender) check failed"), H("readConfigFile: "), H("readUserConfigFile: "),
		H("User data: "), H("Reading per user data "), H("Per-user settings "), H("Domain_Whitelist"),
		H("HELO_Whitelist"), H("PID dir created"), H("drop_privileges: "), H("Authserv_Id before"),
		H("Authserv_Id after"),
		H("Skipping SPF check"), H("Temporary DNS"), H("Loading "), H("Local "),
	};
#undef H

	return slice_starts_any(s, heads, sizeof heads / sizeof heads[0]);
}

/* "dns.exception.Timeout: text", "ValueError: text": the last line of a Python traceback. */
static bool
is_exception(struct slice s)
{
	size_t n = 0;

	while (n < s.n && (slice_is_alnum(s.p[n]) || s.p[n] == '.' || s.p[n] == '_'))
		n++;
	s = slice_head(s, n);
	return slice_ends(s, SLICE("Error")) || slice_ends(s, SLICE("Exception")) ||
	    slice_ends(s, SLICE("Timeout"));
}

static int
trouble(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice broken[] = {
		H("Traceback "), H("fatal_exit: "), H("Ouch, caught exc"), H("ERROR: Could not match"),
		H("Authserv_Id not set"), H("Header_Type includes both"),
	};
	static const struct slice warnings[] = {
		H("ERROR"), H("WARNING: "), H("warning: "), H("Configuration File parsing error"), H("Could not "),
		H("Unable to "), H("Configuration item "),
	};
#undef H

	if (slice_starts_any(s, broken, sizeof broken / sizeof broken[0]))
		return helper_says(out, EV_FILTER_FAIL, SLICE("policyd-spf"), s);
	if (slice_starts_any(s, warnings, sizeof warnings / sizeof warnings[0]) || is_exception(s))
		return helper_says(out, EV_QWARN, SLICE("policyd-spf"), s);
	return is_talk(s) ? 0 : -1;
}

/* "Action: prepend: Text: HEADER Reject action: 550 5.7.23"; before 2.9 "Action: prepend HEADER" */
static int
action(struct slice s, struct slice id, struct event *out)
{
	struct slice head;

	if (slice_rcut_at(&s, SLICE(" Reject action: "), &head))
		s = head;
	if (slice_cut_at(&s, SLICE(": Text: "), &head) || slice_cut(&s, ' ', &head)) {
		if (slice_starts(head, SLICE("prepend")) || slice_starts(head, SLICE("None")) ||
		    slice_starts(head, SLICE("dunno")))
			return header(s, id, out);
		if (slice_starts(head, SLICE("reject")) || slice_starts(head, SLICE("defer"))) {
			helper_says(out, EV_POLICY, slice_head(head, slice_until(head, '_', ':')), s);
			out[0].id = id;
			return 1;
		}
	}
	return -1;
}

static int
dispatch(struct slice s, struct event *out)
{
	struct slice id = { 0 }, word;

	while (slice_eat(&s, SLICE(": ")))	/* an empty queue id, by old releases for Perl */
		;
	(void)helper_take_id(&s, &id);
	if (slice_eat(&s, SLICE("prepend ")) || slice_eat(&s, SLICE("Header field not prepended: ")) ||
	    slice_eat(&s, SLICE("result_only ")))
		return header(s, id, out);
	if (slice_eat(&s, SLICE("Action: ")))
		return action(s, id, out);
	if (slice_eat(&s, SLICE("Policy action=")) || slice_eat(&s, SLICE("decided action="))) {
		if (slice_eat(&s, SLICE("PREPEND ")))
			return header(s, id, out);
		return refusal(s, id, out);
	}
	if (slice_starts(s, SLICE("defer_if_permit ")) ||
	    (s.n > 4 && s.p[3] == ' ' && (s.p[0] == '4' || s.p[0] == '5') && slice_is_digit(s.p[1])))
		return refusal(s, id, out);
	if (slice_starts(s, SLICE("SPF not applicable ")))
		return helper_says(out, EV_INFO, SLICE("skipped"), s);
	if (slice_eat(&s, SLICE("SPF ")))
		return perl_result(s, out);
	if (slice_starts(s, SLICE("Received-SPF: ")) || slice_starts(s, SLICE("X-Comment: ")) ||
	    slice_starts(s, SLICE("Authentication-Results: ")))
		return header(s, id, out);
	if (result_of(s).n > 0 && slice_cut(&s, ';', &word)) {
		s = (struct slice){ word.p, word.n + 1 + s.n };
		return result(s, id, out);
	}
	return trouble(s, out);
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = l->text;
	int n;

	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
		s.n--;
	n = dispatch(s, out);
	for (int i = 0; i < n; i++)
		out[i].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_spf = { .name = "spf", .claims = claims, .parse = parse };
