/* opendkim.c - OpenDKIM 2.0 to 2.11, with and without SyslogSuccess, LogWhy and LogResults.
 *
 *	ID: DKIM-Signature field added (s=SEL, d=example.org)		signed
 *	ID: DKIM verification successful				pass
 *	ID: bad signature data						fail
 *	ID: no signature data						none
 *	ID: key retrieval failed (s=SEL, d=example.net)[: WHY]		temperror, permerror
 *	ID: s=SEL d=example.net a=rsa-sha256 SSL [ERROR]		of each signature
 *	ID: signature=AAAA domain=example.net selector=SEL result="key not found in DNS"
 *	ID: m.example.net [192.0.2.7] not internal			why it verifies
 * The first five are one for each message. Refusals are the MTA's to tell. */
#include "dialect/helper.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	return slice_starts(scan_base(l->tag), SLICE("opendkim"));
}

/* "(s=SEL, d=example.org...)" */
static void
take_domain(struct slice s, struct event *e)
{
	struct slice head;

	if (slice_cut_at(&s, SLICE("(s="), &head) && slice_cut_at(&s, SLICE(", d="), &head))
		e->from = slice_head(s, slice_until(s, ')', ','));
}

/* The outcome for the message. */
static int
outcome(struct slice s, struct event *e)
{
	static const struct {
		const char *head, *result;
	} table[] = {
		{ "DKIM-Signature field added (", "signed" }, { "DKIM verification successful", "pass" },
		{ "bad signature data", "fail" }, { "no signature data", "none" },
		{ "key revoked", "permerror" }, { "key retrieval failed", "temperror" },
		{ "signature processing failed", "temperror" }, { "syntax error: ", "permerror" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (!slice_starts(s, slice_of(table[i].head)))
			continue;
		e->kind = EV_DKIM;
		e->sub = slice_of(table[i].result);
		e->text = s;
		take_domain(s, e);
		if (i == 5 && slice_has(s, SLICE("not found")))
			e->sub = SLICE("permerror");
		return 1;
	}
	return -1;
}

/* Of one of the signatures; a message may have many. */
static int
signature(struct slice s, struct event *e)
{
	struct slice head, rest = s;

	if (slice_eat(&rest, SLICE("s=")) && slice_cut_at(&rest, SLICE(" d="), &head) &&
	    slice_cut(&rest, ' ', &e->from)) {
		e->text = rest;
	} else if (rest = s, slice_eat(&rest, SLICE("signature=")) &&
	    slice_cut_at(&rest, SLICE(" domain="), &head) && slice_cut(&rest, ' ', &e->from) &&
	    slice_cut_at(&rest, SLICE(" result="), &head)) {
		e->text = rest;
	} else if (rest = s, slice_eat(&rest, SLICE("SSL "))) {
		e->text = rest;
	} else {
		return -1;
	}
	e->sub = SLICE("signature");
	return 1;
}

/* "m.example.net [192.0.2.7] not internal": the name is the client's own choice and comes
 * first, so the line is told by its end. */
static int
not_internal(struct slice s, struct event *e)
{
	struct slice name, rest = s;

	if (!slice_ends(s, SLICE("] not internal")) || !slice_rcut_at(&rest, SLICE(" ["), &name))
		return -1;
	rest = slice_head(rest, slice_until(rest, ']', ']'));
	if (name.n > 0 && name.p[0] == '[')	/* without a name: its address once more */
		name.n = 0;
	if (scan_is_ip(rest))
		scan_set_client(e, name, rest);
	e->sub = SLICE("not_internal");
	return 1;
}

/* How it was decided whether to sign or to verify, and what was wrong with the message. */
static int
why(struct slice s, struct event *e)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice heads[] = {
		H("not authenticated"), H("no signing domain match"), H("no signing subdomain match"),
		H("no signing table match"), H("no signing keylist match"), H("no MTA name match"),
		H("no macros match"), H("no sender match"), H("external host "),
		H("can't determine message sender"), H("can't parse "), H("failed to parse "),
		H("domain '"), H("ignoring "),
		H("RFC5322 header requirement error"), H("skipping signing of mail to "),
		H("BodyLengthDB matched "), H("message has signatures from "), H("mode select: "),
		H("overflow parsing "), H("ADSP "), H("DomainKeys"), H("sender ADSP"), H("peer "),
		H("not signing subdomains"), H("early EOF"), H("message not signed"), H("not POP authenticated"),
		H("too much header data"), H("allowed by reputation of "), H("no reputation data "),
		H("blocked by reputation of "), H("rate limit for "), H("settings found for deprecated value"),
	};
#undef H

	if (!slice_starts_any(s, heads, sizeof heads / sizeof heads[0]))
		return -1;
	e->text = s;
	return 1;
}

/* A key that is wanted and is not in the KeyTable, or is no good: mail is not signed, or has to wait. */
static bool
is_key_trouble(struct slice s)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice heads[] = {
		H("key '"), H("KeyTable entry for "), H("signing table references unknown key "),
		H("resource unavailable: "), H("required parameter "),
	};
#undef H

	return slice_starts_any(s, heads, sizeof heads / sizeof heads[0]);
}

static int
of_message(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);

	e->id = id;
	if (not_internal(s, e) > 0 || outcome(s, e) > 0 || signature(s, e) > 0 || why(s, e) > 0)
		return 1;
	if (!is_key_trouble(s) && !helper_is_trouble(s))
		return -1;
	helper_says(out, EV_FILTER_FAIL, SLICE("opendkim"), s);
	out->id = id;
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = slice_trim(l->text), id = { 0 };
	int n;

	if (slice_eat(&s, SLICE("(unknown-jobid): ")) || helper_take_id(&s, &id))
		n = of_message(s, id, out);
	else if (is_key_trouble(s))
		n = helper_says(out, EV_FILTER_FAIL, SLICE("opendkim"), s);
	else
		n = helper_milter(out, SLICE("opendkim"), s);
	if (n > 0)
		out[0].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_opendkim = { .name = "opendkim", .claims = claims, .parse = parse };
