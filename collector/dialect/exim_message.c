/* exim_message.c - a message in the queue: frozen, thawed, ended; checks and scans of it.
 *
 *	ID Completed QT=3s
 *	ID frozen by ACL		ID Frozen (delivery error message)
 *	ID unfrozen by joe		ID Unfrozen by auto-thaw
 *	ID removed by joe		ID cancelled by timeout_frozen_after
 *	ID H=mx.example.org [192.0.2.9]: Connection refused	a host on the way; no outcome
 *	ID DKIM: d=example.net s=x c=relaxed/relaxed a=rsa-sha256 b=2048 [verification succeeded]
 *	ID SA: Action: permanently rejected message: score=12.3 required=5.0 ...	(SA-Exim) */
#include "dialect/exim.h"

#include "poison.h"

static int
held(struct slice s, struct event *e)
{
	e->kind = EV_HELD;
	e->cls = REASON_policy;
	e->sub = SLICE("frozen");
	e->text = s;
	/* "frozen by ACL", "by local_scan()": nobody's hand */
	e->by_admin = slice_starts(s, SLICE("frozen by ")) && !slice_eq(s, SLICE("frozen by ACL")) &&
	    !slice_starts(s, SLICE("frozen by local_scan"));
	return 1;
}

/* Nobody will be told of each recipient: the rest was given up. */
static int
cancelled(struct slice s, struct event *e)
{
	e->kind = EV_EXPIRED;
	e->text = s;
	e->by_admin = !slice_starts(s, SLICE("timeout_frozen_after")) &&
	    !slice_starts(s, SLICE("system filter"));
	return 1;
}

/* "d=DOMAIN s=... [verification failed - TEXT]" */
static int
dkim(struct slice s, struct event *e)
{
	struct slice result, rest = s;

	e->text = s;
	if (!slice_eat(&rest, SLICE("d=")))
		return 1;	/* trouble of the check itself */
	e->kind = EV_DKIM;
	e->from = slice_head(rest, slice_until(rest, ' ', ' '));
	result = slice_rcut_at(&rest, SLICE(" ["), &s) ? rest : slice_head(rest, 0);
	if (slice_starts(result, SLICE("verification succeeded")) || slice_starts(result, SLICE("pass")))
		e->sub = SLICE("pass");
	else if (slice_starts(result, SLICE("not verified")) || slice_starts(result, SLICE("none")))
		e->sub = SLICE("none");
	else if (slice_starts(result, SLICE("invalid - public key record (currently?) unavailable")))
		e->sub = SLICE("temperror");
	else if (slice_starts(result, SLICE("invalid")))
		e->sub = SLICE("permerror");
	else
		e->sub = SLICE("fail");
	return 1;
}

/* SA-Exim's "Action: WHAT: score=12.3 required=5.0 (scanned in ...". */
static int
sa_exim(struct slice s, struct event *e)
{
	struct slice what, score;
	bool spam;

	e->text = s;
	if (!slice_eat(&s, SLICE("Action: ")) || !slice_cut_at(&s, SLICE("score="), &what))
		return 1;	/* its talk, or a mail that it did not scan */
	spam = !slice_starts(what, SLICE("scanned but message isn't spam"));
	if (spam && !slice_starts(what, SLICE("permanently rejected")) &&
	    !slice_starts(what, SLICE("temporarily rejected")) &&
	    !slice_starts(what, SLICE("flagged as Spam")) &&
	    !slice_starts(what, SLICE("silently tossed message")))
		return 1;
	score = slice_head(s, slice_until(s, ' ', ' '));
	e->kind = spam ? EV_SPAM : EV_HAM;
	e->text = score;
	return 1;
}

/* "H=HOST [ADDR][:PORT]...: TEXT": why this one was not it; the outcome has its own line. */
static int
on_the_way(struct slice s, struct event *e)
{
	struct slice name = slice_head(s, slice_until(s, ' ', ' ')), ip;

	s = slice_from(s, name.n);
	slice_eat(&s, SLICE(" DS"));
	if (!slice_eat(&s, SLICE(" [")) || !slice_cut(&s, ']', &ip) || !ex_is_address(ip))
		return -1;
	e->outbound = true;
	e->relay = name;
	e->relay_ip = ip;
	e->relay_loopback = address_is_loopback(ip);
	e->text = slice_trim(s);
	if (slice_eat(&s, SLICE(" TLS error on connection "))) {
		e->text = s;
		ex_tls_reason(e);
		return 1;
	}
	if (slice_eat_char(&s, ':')) {
		slice_u64(&s, &(uint64_t){ 0 });
		slice_eat(&s, SLICE(":"));
	}
	e->text = slice_trim(s);
	ex_delivery_reason(e, 0);
	return 1;
}

/* "SMTP connection lost after final dot H=HOST P=smtp" */
static int
lost_at_end(struct slice s, struct event *e)
{
	static const char *const ends[] = { "", NULL };

	if (!slice_eat(&s, SLICE("H=")) || !ex_client(&s, e, ends))
		return -1;
	e->kind = EV_LOST_CONN;
	e->stage = SLICE("END-OF-MESSAGE");
	return 1;
}

/* Lines that tell how it goes, and no outcome. */
static bool
is_progress(struct slice s)
{
	static const struct slice heads[] = {
#define H(head) { head, sizeof(head) - 1 }
		H("no immediate delivery: "), H("Message is frozen"), H("Spool file"),
		H("Delivery deferred by system filter"), H("original recipients ignored"),
		H("recipient <"), H("address <"), H("sender address changed"), H("moved from "),
		H("TLS session: "), H("DANE "), H("Required TLS certificate status"),
		H("Received TLS cert status"), H("Server certificate "), H("OCSP "),
		H("ARC: "), H("Message abandoned: "), H("Header modification in data ACLs"),
		H("internal scanner error (ignored)"), H("Failed to connect to "),
		H("peer close after all rcpt responses"), H("Authentication-Results:"),
		H("SpamAssassin: "), H("dkim_"), H("DMARC "), H("list matching forced to fail"),
		H("regex acl condition warning"), H("mime_regex acl condition warning"),
		H("MIME acl condition warning"), H("ident connection to "), H("cutthrough"),
#undef H
	};

	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return true;
	/* "a@example.org: error ignored", "<a@b>: pipe transport output: TEXT" */
	return slice_ends(s, SLICE(": error ignored")) ||
	    (slice_starts(s, SLICE("<")) && slice_has(s, SLICE(" transport output: "))) ||
	    slice_has(s, SLICE(": error ignored (")) ||
	    slice_has(s, SLICE(" router: skipped error: ")) ||
	    (slice_starts(s, SLICE("\"")) && slice_has(s, SLICE("\" rewritten as \""))) ||
	    (slice_starts(s, SLICE("\"")) && slice_has(s, SLICE(" rewritten as \"")));
}

/* The end of a message, or of its wait. -1: something else. */
static int
state(struct slice s, struct event *e)
{
	if (slice_eq(s, SLICE("Completed")) || slice_starts(s, SLICE("Completed QT="))) {
		e->kind = EV_REMOVED;
		e->all_done = true;	/* of addresses that became the same one was logged */
		return 1;
	}
	if (slice_eat(&s, SLICE("removed by ")) ||
	    slice_starts(s, SLICE("Message removed because older"))) {
		e->kind = EV_REMOVED;
		e->by_admin = true;
		e->text = s;
		return 1;
	}
	if (slice_eat(&s, SLICE("cancelled by ")))
		return cancelled(s, e);
	if (slice_starts(s, SLICE("frozen by ")) || slice_eq(s, SLICE("Frozen")) ||
	    slice_starts(s, SLICE("Frozen ")) || slice_starts(s, SLICE("*** Frozen")))
		return held(s, e);
	if (slice_starts(s, SLICE("unfrozen by ")) || slice_starts(s, SLICE("Unfrozen by ")) ||
	    slice_starts(s, SLICE("*** Unfrozen"))) {
		e->kind = EV_RELEASED;
		e->text = s;
		return 1;
	}
	return -1;
}

int
ex_message(const struct ex_line *l, struct event *out)
{
	struct event *e = ex_event(out, EV_INFO, l);
	struct slice s = l->text;
	int n = state(s, e);

	if (n >= 0)
		return n;
	if (slice_eat(&s, SLICE("DKIM: ")))
		return dkim(s, e);
	if (slice_eat(&s, SLICE("SA: ")))
		return sa_exim(s, e);
	if (slice_eat(&s, SLICE("SMTP connection lost after final dot ")))
		return lost_at_end(s, e);
	if (is_progress(s))
		return ex_info(l, out, REASON_none, SLICE(""));
	n = ex_refusal(l, out);
	if (n >= 0)
		return n;
	e = ex_event(out, EV_INFO, l);
	if (slice_eat(&s, SLICE("H=")) && (n = on_the_way(s, e)) >= 0)
		return n;
	n = ex_session(l, out);
	return n >= 0 ? n : ex_trouble(l, out);
}
