/* sendmail_refuse.c - refusals: by rulesets, by milters, of unknown recipients.
 *
 *	ruleset=check_rcpt, arg1=<u@example.org>, relay=mx.example.net [192.0.2.3],
 *	    reject=550 5.7.1 <u@example.org>... Relaying denied
 *	ruleset=check_relay, arg1=NAME, arg2=192.0.2.3, relay=NAME [192.0.2.3], discard
 *	<u@example.org>... User unknown
 *	Milter: to=<u@example.org>, reject=451 4.7.1 Greylisting in action
 *	Milter: data, discard
 *	Milter (NAME): error connecting to filter: Connection refused
 * A refusal has one such line; milter=NAME, action=... of high log levels says it again.
 * A rule that discards lets the message in; it counts when "discarded" is said of it. */
#include "dialect/sendmail.h"

#include "poison.h"

/* Texts of Sendmail and of its own rule files (cf/m4/proto.m4, cf/feature). */
static const struct {
	struct slice head;
	enum reason cls;
	struct slice sub;
} fixed_texts[] = {
#define F(head, cls, sub) { { head, sizeof(head) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }
	F("User unknown", unknown_rcpt, "table"), F("Addressee unknown", unknown_rcpt, "table"),
	F("No such user", unknown_rcpt, "table"),
	F("Relaying denied", relay_denied, ""), F("Relaying temporarily denied", rdns, "temp"),
	F("Domain of sender address ", unknown_sender, "domain"),
	F("Domain name required", unknown_sender, "non_fqdn"),
	F("Real domain name required", unknown_sender, "non_fqdn"),
	F("Access denied", policy, "access_map"),
	F("Mailbox disabled for this recipient", unknown_rcpt, "mailbox_disabled"),
	F("Fix reverse DNS", rdns, "no_ptr"), F("Client IP address ", rdns, "temp"),
	F("Possibly forged hostname", rdns, "unverified"), F("bogus HELO name", helo, "invalid"),
	F("Connection rate limit exceeded", ratelimit, "conn_rate"),
	F("Too many open connections", ratelimit, "conn_count"),
	F("Too many recipients", ratelimit, "too_many_rcpt"),
	F("Temporary lookup failure", resource, "lookup"),
	F("Temporary system failure", resource, "lookup"),
	F("Insufficient disk space", resource, "disk"),
	F("Command rejected", policy, "milter"), F("Message is too large", size, ""),
	F("Message size exceeds", size, ""), F("Authentication required", auth_required, ""),
	F("TLS handshake failed", tls_error, "handshake"),
	F("encryption too weak", tls_required, ""), F("STARTTLS required", tls_required, ""),
	F("User address required", protocol, "syntax"), F("Hostname required", protocol, "syntax"),
	F("Invalid route address", protocol, "syntax"), F("Invalid host name", protocol, "syntax"),
	F("List:; syntax illegal", protocol, "syntax"), F("Colon illegal", protocol, "syntax"),
	F("Syntax error in ", protocol, "syntax"), F("8-bit character in ", protocol, "syntax"),
	F("Unbalanced ", protocol, "syntax"), F("Illegal character ", protocol, "syntax"),
	F("Address \"", protocol, "syntax"), F("Address too long", protocol, "syntax"),
	F("Address requires SMTPUTF8", protocol, "syntax"), F("prescan: ", protocol, "syntax"),
	F("aliasing/forwarding loop", loop, ""), F("Cannot mail directly to ", policy, ""),
	F("open timeout on ", resource, "mailbox"), F("Cannot open ", resource, "mailbox"),
#undef F
};

enum { FIXED_TEXTS = sizeof fixed_texts / sizeof fixed_texts[0] };

static int
fixed_text(struct slice s)
{
	for (int i = 0; i < FIXED_TEXTS; i++)
		if (slice_starts(s, fixed_texts[i].head))
			return i;
	return -1;
}

/* The class of a refusal of ours, from e->text, dsn and code. */
static void
set_reason(struct event *e)
{
	int i = fixed_text(e->text);

	if (i < 0) {
		e->cls = reason_of_text(e->text, e->dsn, e->code, false, &e->sub);
		if (e->cls == REASON_resource && e->sub.n == 0 && slice_eq(e->dsn, SLICE("5.3.0"))) {
			e->cls = REASON_policy;	/* what an ERROR: of the access map has that names no code */
			e->sub = SLICE("access_map");
		}
		return;
	}
	e->cls = fixed_texts[i].cls;
	e->sub = fixed_texts[i].sub;
}

/* "550 5.7.1 <u@example.org>... Relaying denied" into code, dsn, text without the address,
 * kind and class. */
static void
refusal(struct slice s, struct slice address, struct event *e)
{
	char digit;
	struct slice rest;

	scan_reply(s, e);
	rest = e->text;
	if (address.n > 0 && slice_eat(&rest, address) && slice_eat(&rest, SLICE("... ")))
		e->text = rest;
	if (e->code / 100 != 4 && e->code / 100 != 5)
		e->code = 0;
	digit = e->code > 0 ? (char)('0' + e->code / 100) : e->dsn.n > 0 ? e->dsn.p[0] : '5';
	e->kind = digit == '4' ? EV_TEMPFAIL : EV_REJECT;
	set_reason(e);
}

/* --- rulesets --------------------------------------------------------------------- */

static struct slice
stage_of(struct slice ruleset)
{
	static const struct {
		struct slice ruleset, stage;
	} stages[] = {
#define S(ruleset, stage) { { ruleset, sizeof(ruleset) - 1 }, { stage, sizeof(stage) - 1 } }
		S("check_relay", "CONNECT"), S("greet_pause", "CONNECT"),
		S("srv_features", "CONNECT"), S("check_mail", "MAIL"), S("tls_client", "MAIL"),
		S("check_rcpt", "RCPT"), S("check_compat", "RCPT"),
		S("check_data", "DATA"), S("check_etrn", "ETRN"), S("check_vrfy", "VRFY"),
		S("check_expn", "EXPN"), S("check_eom", "END-OF-MESSAGE"),
#undef S
	};

	for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
		if (slice_eq(ruleset, stages[i].ruleset))
			return stages[i].stage;
	return SLICE("END-OF-MESSAGE");	/* check_eoh, and what the admin has headers checked by */
}

struct verdict {
	struct slice arg1, printed;	/* printed: with its <> */
	struct slice reply;
	enum { REJECTED, DISCARDED, QUARANTINED } what;
};

/* ", reject=...", ", discard" or ", quarantine=..." is all of s. */
static bool
take_verdict(struct slice s, struct verdict *v)
{
	v->what = REJECTED;
	if (slice_eq(s, SLICE(", discard")))
		v->what = DISCARDED;
	else if (slice_eat(&s, SLICE(", quarantine=")))
		v->what = QUARANTINED;
	else if (!slice_eat(&s, SLICE(", reject=")))
		return false;
	v->reply = s;
	return true;
}

/* "[, arg2=A][, relay=CLIENT], reject=..." is all of s. */
static bool
take_rest(struct slice s, struct event *e, struct verdict *v)
{
	struct slice head;

	if (slice_starts(s, SLICE(", arg2=")) && !slice_cut_at(&s, SLICE(", relay="), &head))
		return false;
	if (slice_starts(s, SLICE(", relay=")))
		s = slice_from(s, 8);
	else if (take_verdict(s, v))
		return true;
	return sm_take_client(&s, e) && take_verdict(s, v);
}

/* arg1 is an address, a host's name, or a header's text: a stranger's all three. An address
 * is read as such; of a header, which the reply does not repeat, the last place counts
 * at which the rest fits. */
static bool
take_arguments(struct slice s, bool address, struct event *e, struct verdict *v)
{
	struct slice rest = s, head = s;

	if (scan_address(&rest, &v->arg1)) {
		v->printed = slice_head(s, v->arg1.n + 2);
		if (take_rest(rest, e, v))
			return true;
	}
	for (;;) {
		ptrdiff_t at = address ? slice_find(head, SLICE(", relay=")) :
		    slice_rfind(head, SLICE(", relay="));

		if (at < 0)
			break;
		v->arg1 = v->printed = slice_head(s, (size_t)(head.p - s.p) + (size_t)at);
		rest = slice_from(s, v->arg1.n);
		if (take_rest(rest, e, v))
			return true;
		head = address ? slice_from(rest, 8) : slice_head(s, (size_t)at);
	}
	if (!slice_cut_at(&s, SLICE(", reject="), &v->arg1))
		return false;
	v->printed = v->arg1;
	v->reply = s;
	v->what = REJECTED;
	return true;
}

/* Rulesets about a server that we are a client of. */
static bool
is_outbound(struct slice ruleset)
{
	return slice_eq(ruleset, SLICE("tls_server")) || slice_eq(ruleset, SLICE("tls_rcpt")) ||
	       slice_eq(ruleset, SLICE("try_tls")) || slice_eq(ruleset, SLICE("authinfo"));
}

int
sm_ruleset(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);
	struct slice s = slice_from(p->text, 8), ruleset;
	struct verdict v = { .what = REJECTED };
	bool rcpt, mail;

	if (!slice_cut_at(&s, SLICE(", arg1="), &ruleset))
		return -1;
	if (slice_eq(ruleset, SLICE("trust_auth")))
		return sm_info(p, out);	/* only the AUTH= of MAIL is not believed */
	rcpt = slice_eq(ruleset, SLICE("check_rcpt"));
	mail = slice_eq(ruleset, SLICE("check_mail"));
	if (!take_arguments(s, rcpt || mail || slice_eq(ruleset, SLICE("check_relay")), e, &v))
		return -1;
	e->stage = stage_of(ruleset);
	if (rcpt)
		e->to = v.arg1;
	else if (mail)
		e->from = v.arg1;
	if (v.what == REJECTED)
		refusal(v.reply, v.printed, e);
	if (is_outbound(ruleset)) {
		e->kind = EV_TLS_FAIL;
		sm_set_outbound(e);
		e->stage = SLICE("");
		e->cls = REASON_none;
		e->sub = slice_head(e->sub, 0);
	} else if (v.what == DISCARDED) {
		e->kind = EV_FILTERED;
		e->sub = SLICE("discard");
	} else if (v.what == QUARANTINED) {
		/* of a whole session it is said again for each message */
		e->kind = p->id.n > 0 ? EV_HELD : EV_FILTERED;
		e->cls = REASON_policy;
		e->sub = SLICE("hold");
		e->text = v.reply;
	}
	return 1;
}

/* --- milters ---------------------------------------------------------------------- */

/* "NAME" of "milter_read(NAME): ...", " (NAME): ...", "=NAME, ...". */
static struct slice
milter_name(struct slice s)
{
	struct slice head, name;

	if (slice_starts(s, SLICE("milter=")) && slice_cut(&s, '=', &head) &&
	    slice_cut(&s, ',', &name))
		return name;
	if (slice_cut(&s, '(', &head) && head.n < 20 && slice_cut(&s, ')', &name))
		return name;
	return SLICE("milter");
}

/* What a milter that works is told to have done: headers that it added and the like. */
static bool
is_milter_talk(struct slice s)
{
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("add"), H("insert"), H("change"), H("delete"), H("chgfrom"), H("message"),
		H("accept"), H("init success"), H("headers, "), H("header, "), H("header: "),
		H("body, "), H("quit filter"), H("abort filter"), H("time command"),
		H("connect to filters"), H("connect, ending"), H("no active filter"),
		H("sender: "), H("rcpts: "), H("reject, "), H("lied about"), H("senders: "),
		H("connect"), H("replbody"), H("quarantine"),
#undef H
	};

	return slice_starts_any(s, heads, sizeof heads / sizeof heads[0]);
}

static int
filter_fail(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_FILTER_FAIL, p);

	e->sub = milter_name(p->text);
	e->text = p->text;
	return 1;
}

/* "VERB[=REPLY]": what a milter answered; s begins with it. */
static bool
take_answer(struct slice s, struct event *e)
{
	static const struct {
		struct slice verb;
		uint16_t code;
	} verbs[] = {
		{ { "rejecting commands", 18 }, 554 }, { { "temp failing commands", 21 }, 421 },
		{ { "shutdown", 8 }, 421 }, { { "reject", 6 }, 550 },
	};

	if (slice_eq(s, SLICE("discard"))) {
		e->kind = EV_FILTERED;
		e->sub = SLICE("discard");
		return true;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (!slice_eat(&s, verbs[i].verb))
			continue;
		if (s.n > 0 && !slice_eat_char(&s, '='))
			return false;
		refusal(s, slice_head(s, 0), e);
		if (e->code == 0 && s.n == 0) {
			e->code = verbs[i].code;
			e->kind = e->code < 500 ? EV_TEMPFAIL : EV_REJECT;
			e->cls = e->code < 500 ? REASON_resource : REASON_policy;
			e->sub = SLICE("milter");
		} else if (slice_starts(e->text, SLICE("Please try again later"))) {
			e->cls = REASON_resource;	/* what Sendmail says where the milter did not */
			e->sub = SLICE("milter");
		}
		return true;
	}
	return false;
}

/* "host=NAME, addr=192.0.2.3, " */
static void
take_host(struct slice s, struct event *e)
{
	struct slice name, ip;

	if (!slice_eat(&s, SLICE("host=")) || !slice_rcut_at(&s, SLICE(", addr="), &name))
		return;
	ip = s;
	(void)slice_eat(&ip, SLICE("IPv6:"));
	if (name.n > 0 && name.p[0] == '[')
		name.n = 0;
	scan_set_client(e, name, ip);
}

/* "KEY=VALUE, ANSWER": value is a stranger's, the answer ours and the milter's. */
static int
answered(const struct sm_line *p, struct slice s, struct event *out)
{
	static const struct {
		struct slice key, stage;
	} keys[] = {
#define K(key, stage) { { key, sizeof(key) - 1 }, { stage, sizeof(stage) - 1 } }
		K("connect: ", "CONNECT"), K("helo=", "HELO"), K("from=", "MAIL"), K("to=", "RCPT"),
		K("cmd=data, ", "DATA"), K("data, ", "END-OF-MESSAGE"), K("unknown=", "UNKNOWN"),
#undef K
	};
	struct event *e = sm_event(out, EV_INFO, p);
	struct slice value = slice_head(s, 0), rest, address;
	size_t i = 0;

	while (i < sizeof keys / sizeof keys[0] && !slice_eat(&s, keys[i].key))
		i++;
	if (i == sizeof keys / sizeof keys[0])
		return -1;
	e->stage = keys[i].stage;
	if (i == 4 || i == 5)
		return take_answer(s, e) ? 1 : -1;
	rest = s;
	if ((i == 2 || i == 3) && scan_address(&rest, &address) && slice_eat(&rest, SLICE(", ")) &&
	    take_answer(rest, e)) {
		*(i == 2 ? &e->from : &e->to) = address;
		return 1;
	}
	/* the last place where an answer fits: what is in front may imitate one */
	for (value = s; slice_rcut_at(&value, SLICE(", "), &rest); value = rest) {
		if (!take_answer(slice_from(s, rest.n + 2), e))
			continue;
		if (i == 0)
			take_host(rest, e);
		else
			*(i == 1 ? &e->helo : i == 2 ? &e->from : &e->to) = rest;
		return 1;
	}
	return -1;
}

int
sm_milter(const struct sm_line *p, struct event *out)
{
	struct slice s = p->text, head;
	struct event *e;
	int n;

	if (slice_eat(&s, SLICE("Milter: "))) {
		n = answered(p, s, out);
		if (n > 0)
			return n;
		if (slice_starts(s, SLICE("initialization failed")))
			return filter_fail(p, out);
		return is_milter_talk(s) ? sm_info(p, out) : -1;
	}
	if (slice_eat(&s, SLICE("milter="))) {
		if (!slice_cut_at(&s, SLICE(", "), &head))
			return -1;
		if (!slice_eat(&s, SLICE("quarantine=")))
			return sm_info(p, out);	/* "Milter: ..." said so */
		e = sm_event(out, EV_HELD, p);
		e->cls = REASON_policy;
		e->sub = SLICE("hold");
		e->text = s;
		return 1;
	}
	/* "Milter (NAME): x", "Milter (NAME) add: x", "Milter add: x", "milter_read(NAME): x" */
	if (slice_eat(&s, SLICE("Milter ")) && slice_starts(s, SLICE("("))) {
		if (!slice_cut_at(&s, SLICE(")"), &head))
			return -1;
		(void)slice_eat_char(&s, ':');
		(void)slice_eat_char(&s, ' ');
	} else if (slice_starts(p->text, SLICE("milter_"))) {
		(void)slice_cut_at(&s, SLICE("): "), &head);
	}
	return is_milter_talk(s) ? sm_info(p, out) : filter_fail(p, out);
}

/* --- usrerr() --------------------------------------------------------------------- */

/* The reply's code is not printed. */
static void
guess_code(struct event *e)
{
	static const struct slice later[] = {
#define L(text) { text, sizeof(text) - 1 }
		L("try again"), L("try later"), L("temporar"), L("too many recipients"),
		L("insufficient disk space"), L("greylist"), L("open timeout"),
#undef L
	};

	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
		if (slice_find_nocase(e->text, later[i]) >= 0)
			e->kind = EV_TEMPFAIL;
}

/* "<u@example.org>... User unknown": the reply to RCPT; and texts about addresses that
 * cannot be read. Without <> it is of the command line, and a to= line says it too. */
int
sm_usrerr(const struct sm_line *p, struct event *out)
{
	struct event *e = sm_event(out, EV_REJECT, p);
	struct slice s = p->text, to;

	if (p->id.n == 0)
		return -1;
	e->stage = SLICE("RCPT");
	if (scan_address(&s, &to) && slice_eat(&s, SLICE("... "))) {
		e->to = to;
		e->text = s;
	} else if (fixed_text(p->text) >= 0) {
		e->text = p->text;
	} else if (slice_cut_at(&s, SLICE("... "), &to)) {
		if (slice_has(to, SLICE(" ")) || slice_has(to, SLICE("=")))
			return -1;
		return sm_info(p, out);
	} else {
		return -1;
	}
	guess_code(e);
	set_reason(e);
	return 1;
}
