/* postfix_reason.c - why smtpd or postscreen refused, from the text of the reply.
 *
 * Most replies are "<what>: CLASS rejected: REASON" where CLASS and REASON are fixed
 * texts of smtpd_check.c, or REASON is what an access map or a policy service says. The
 * codes are configurable, so the text decides. <what> is the client's own word. */
#include "dialect/postfix.h"

#include "poison.h"

struct fixed {
	struct slice head;	/* how the text begins */
	enum reason cls;
	struct slice sub;
};

#define F(head, cls, sub) \
	{ { head, sizeof(head) - 1 }, REASON_##cls, { sub, sizeof(sub) - 1 } }

/* Replies, or what follows "<what>: ". */
static const struct fixed replies[] = {
	F("Relay access denied", relay_denied, ""),
	F("Temporary lookup failure", resource, "lookup"),
	F("User unknown", unknown_rcpt, "table"),	/* 2.0 */
	F("Server configuration error", resource, "config"),
	F("Server configuration problem", resource, "config"),
	F("Server local data error", resource, "lookup"),
	F("Server internal error", resource, ""),
	F("Insufficient system storage", resource, "disk"),
	F("Message size exceeds fixed limit", size, ""),
	F("Error: message file too big", size, ""),
	F("Session encryption is required", tls_required, ""),
	F("Must issue a STARTTLS command first", tls_required, ""),
	F("Authentication required", auth_required, ""),
	F("Error: authentication not enabled", auth_required, ""),
	F("Service unavailable - try again later", resource, "milter_down"),
	F("Server error - try again later", resource, "milter_down"),
	F("Command rejected", policy, "milter"),
	F("Error: too much mail", ratelimit, "msg_rate"),
	F("Error: too many recipients", ratelimit, "too_many_rcpt"),
	F("Error: too many connections", ratelimit, "conn_count"),
	F("Error: too many", ratelimit, "error_limit"),
	F("Error: SMTP protocol synchronization", protocol, "sync"),
	F("Protocol error", protocol, "screen"),
	F("bare <LF> received", protocol, "bare_lf"),
	F("Error: bare <LF> received", protocol, "bare_lf"),
	F("Improper use of SMTP command pipelining", protocol, "pipelining"),
	F("Service currently unavailable", policy, "denylist"),
	F("message content rejected", spam_content, "filter"),
};

/* What follows "CLASS rejected: ", whatever the class. */
static const struct fixed reasons[] = {
	F("Access denied", policy, "access_map"),
	F("cannot find your reverse hostname", rdns, "no_ptr"),
	F("cannot find your hostname", rdns, "unverified"),
	F("need fully-qualified hostname", helo, "non_fqdn"),
	F("Host not found", helo, "unresolved"),
	F("Invalid name", helo, "invalid"),
	F("invalid ip address", helo, "invalid"),
	F("Try again later", policy, "defer"),
	F("defer_if_permit requested", policy, "defer"),
	F("defer_if_reject requested", policy, "defer"),
	F("not logged in", auth_failed, "sender_login_mismatch"),
	F("not owned by user", auth_failed, "sender_login_mismatch"),
	F("Multi-recipient bounce", policy, "multi_rcpt_bounce"),
	F("Improper use of SMTP command pipelining", protocol, "pipelining"),
	F("Relay access denied", relay_denied, ""),
	F("Temporary lookup failure", resource, "lookup"),
};

/* The same, where the class decides whose fault it was: sender's, recipient's, HELO's. */
static const struct {
	struct slice head;
	struct slice sub;
} address_reasons[] = {
#define A(head, sub) { { head, sizeof(head) - 1 }, { sub, sizeof(sub) - 1 } }
	A("Domain not found", "domain"),
	A("Malformed DNS server reply", "domain"),
	A("need fully-qualified address", "non_fqdn"),
	A("User unknown", "table"),
	A("undeliverable address", "verify"),
	A("unverified address", "verify"),
	A("unknown address", "table"),
	A("address verification problem", "verify"),
	A("Unable to look up ", "domain"),
	A("Unable to verify host ", "domain"),
#undef A
};

enum class { CLASS_OTHER, CLASS_CLIENT, CLASS_HELO, CLASS_SENDER, CLASS_RCPT };

/* "CLASS rejected: " at the front of *s. */
static bool
take_class(struct slice *s, enum class *class)
{
	static const struct {
		struct slice text;
		enum class class;
	} classes[] = {
#define C(text, class) { { text, sizeof(text) - 1 }, class }
		C("Recipient address rejected: ", CLASS_RCPT),
		C("Helo command rejected: ", CLASS_HELO),
		C("Sender address rejected: ", CLASS_SENDER),
		C("Client host rejected: ", CLASS_CLIENT),
		C("Unverified Client host rejected: ", CLASS_CLIENT),
		C("Client certificate rejected: ", CLASS_CLIENT),
		C("SASL login name rejected: ", CLASS_OTHER),
		C("Etrn command rejected: ", CLASS_OTHER),
		C("Data command rejected: ", CLASS_OTHER),
		C("End-of-data rejected: ", CLASS_OTHER),
#undef C
	};

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (s->n > 0 && s->p[0] == classes[i].text.p[0] &&
		    slice_eat(s, classes[i].text)) {
			*class = classes[i].class;
			return true;
		}
	return false;
}

static bool
find_fixed(const struct fixed *f, size_t n, struct slice s, struct event *e)
{
	for (size_t i = 0; i < n; i++)
		if (s.n >= f[i].head.n && s.p[0] == f[i].head.p[0] &&
		    slice_starts(s, f[i].head)) {
			e->cls = f[i].cls;
			e->sub = f[i].sub;
			return true;
		}
	return false;
}

/* Of a client: its address, else its name, which no digit ends. */
static bool
is_address(struct slice what)
{
	return what.n > 0 && (memchr(what.p, ':', what.n) != NULL ||
	    (slice_is_digit(what.p[0]) && slice_is_digit(what.p[what.n - 1])));
}

/* "Service unavailable; CLASS [WHAT] blocked using ZONE[; why]": a client's address is on
 * a DNSBL, any name on an RHSBL. */
static bool
block_list(struct slice s, struct event *e)
{
	struct slice class, what, zone;

	if (!slice_eat(&s, SLICE("Service unavailable; ")) &&
	    !slice_eat(&s, SLICE("Service denied; ")))
		return false;
	if (!slice_cut(&s, '[', &class) ||
	    !slice_cut_at(&s, SLICE("] blocked using "), &what))
		return false;
	/* s: the zone, or an administrator's words for it */
	zone = reason_zone_here(s);
	if (zone.n == 0)
		zone = reason_zone(s);
	if (zone.n == 0) {
		size_t n = 0;

		while (n < s.n && s.p[n] != ';' && s.p[n] != ',' && s.p[n] != ' ')
			n++;
		zone = slice_head(s, n);
	}
	e->sub = zone;
	e->cls =
	    is_address(what) && (class.n == 0 || class.p[0] == 'C' || class.p[0] == 'c')
		? REASON_dnsbl
		: REASON_rhsbl;
	return true;
}

/* What a map or a policy service said: its words, else whom it spoke of. */
static void
free_text(struct slice s, enum class class, struct event *e)
{
	e->cls = reason_of_text(s, e->dsn, e->code, false, &e->sub);
	if (e->cls == REASON_unknown_rcpt && class == CLASS_SENDER)
		e->cls = REASON_unknown_sender;
	if (e->cls == REASON_greylist && e->sub.n == 0)
		e->sub = SLICE("policy");
	if (e->cls == REASON_protocol && class == CLASS_HELO)
		e->cls = REASON_helo;
	if (e->cls != REASON_other && (e->cls != REASON_policy || e->sub.n > 0))
		return;
	e->cls = class == CLASS_HELO ? REASON_helo : REASON_policy;
	e->sub = class == CLASS_HELO ? SLICE("") : SLICE("access_map");
}

static void
address_reason(enum class class, struct slice sub, struct event *e)
{
	e->sub = sub;
	if (class == CLASS_HELO) {
		e->cls = REASON_helo;
		e->sub = SLICE("unresolved");
	} else if (class == CLASS_SENDER) {
		e->cls = REASON_unknown_sender;
		if (slice_eq(sub, SLICE("table")))
			e->sub = SLICE("address");
	} else {
		e->cls = class == CLASS_CLIENT ? REASON_rdns : REASON_unknown_rcpt;
	}
}

/* After "CLASS rejected: ". */
static void
class_reason(struct slice s, enum class class, struct slice what, struct event *e)
{
	if (slice_starts(s, SLICE("Access denied")) && s.n > sizeof "Access denied") {
		free_text(s, class, e);		/* an administrator's: "Access denied. Your line is dynamic" */
		return;
	}
	if (find_fixed(reasons, sizeof reasons / sizeof reasons[0], s, e)) {
		if (e->cls == REASON_helo && slice_eq(e->sub, SLICE("non_fqdn")) &&
		    memchr(what.p, '.', what.n) == NULL)
			e->sub = SLICE("one_word");
		return;
	}
	for (size_t i = 0; i < sizeof address_reasons / sizeof address_reasons[0]; i++)
		if (s.n > 0 && s.p[0] == address_reasons[i].head.p[0] &&
		    slice_starts(s, address_reasons[i].head)) {
			address_reason(class, address_reasons[i].sub, e);
			return;
		}
	if (slice_starts(s, SLICE("Greylisted")) && e->code / 100 == 4) {
		e->cls = REASON_greylist;
		e->sub = SLICE("policy");
		return;
	}
	if (slice_starts(s, SLICE("Domain ")) &&
	    slice_ends(s, SLICE(" does not accept mail (nullMX)"))) {
		address_reason(class, SLICE("nullmx"), e);
		return;
	}
	free_text(s, class, e);
}

/* Drop "<what>: ". The address in it is one that the line's tail names too, which tells
 * where it ends even when it holds ">: " itself. */
static bool
take_what(struct slice *s, const struct event *e, struct slice *what)
{
	const struct slice known[] = { e->to, e->from, e->helo };
	struct slice rest = slice_from(*s, 1);

	if (s->n == 0 || s->p[0] != '<')
		return false;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		rest = slice_from(*s, 1);
		if (known[i].n > 0 && slice_eat(&rest, known[i]) &&
		    slice_eat(&rest, SLICE(">: "))) {
			*what = known[i];
			*s = rest;
			return true;
		}
	}
	rest = slice_from(*s, 1);
	if (!slice_cut_at(&rest, SLICE(">: "), what))
		return false;
	*s = rest;
	return true;
}

void
pf_reject_reason(struct event *e)
{
	struct slice s = e->text, what = { "", 0 };
	enum class class = CLASS_OTHER;

	if (block_list(s, e))
		return;
	if (!take_what(&s, e, &what))
		slice_eat(&s, SLICE(": "));	/* "450 4.7.1 : Helo command rejected" */
	while (s.n > 0 && s.p[0] == ' ')
		s = slice_from(s, 1);
	if (take_class(&s, &class)) {
		class_reason(s, class, what, e);
	} else if (find_fixed(replies, sizeof replies / sizeof replies[0], s, e)) {
		if (slice_eq(e->sub, SLICE("denylist")) && e->code / 100 == 4) {
			/* postscreen's deep tests: a new client must come back once */
			e->cls = REASON_greylist;
			e->sub = SLICE("postscreen");
		}
	} else {
		e->cls = reason_of_text(s, e->dsn, e->code, false, &e->sub);
		if (e->cls == REASON_greylist && e->sub.n == 0)
			e->sub = SLICE("policy");
	}
}
