/* opendmarc.c - OpenDMARC 1.0 to 1.4.
 *
 *	ID: example.net fail			the verdict: a domain and a word, one for each message
 *	ID: SPF(mailfrom): example.net pass	where it checks SPF itself
 *	ID: ignoring mail from example.net	and what else it says of a message
 *	ignoring connection from localhost
 * A refusal is the MTA's to tell ("rejected by DMARC policy for ..."). */
#include "dialect/helper.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	return slice_starts(scan_base(l->tag), SLICE("opendmarc"));
}

static struct slice
result_of(struct slice s)
{
	static const char *const results[] = { "pass", "fail", "none", "softfail", "neutral",
		"temperror", "permerror", "policy", "bestguesspass", "unknown" };

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		if (slice_eq(s, slice_of(results[i])))
			return s;
	return slice_head(s, 0);
}

/* "example.net fail": two words and no more. */
static bool
verdict(struct slice s, struct event *e)
{
	struct slice domain;

	if (!slice_cut(&s, ' ', &domain) || domain.n == 0)
		return false;
	e->sub = result_of(s);
	if (e->sub.n == 0)
		return false;
	e->from = domain;
	return true;
}

static int
of_message(struct slice s, struct slice id, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice heads[] = {
		H("implicit authentication service: "), H("ignoring "), H("RFC5322 requirement error: "),
		H("multi-valued From field"), H("unable to parse "), H("can't extract SPF address"),
		H("ARC "), H("arc_"), H("sender "), H("From header"), H("domain "), H("found "),
	};
#undef H
	struct event *e = event_begin(out, EV_DMARC);
	struct slice stage, rest = s;

	e->id = id;
	if (verdict(s, e))
		return 1;
	if (slice_eat(&rest, SLICE("SPF(")) && slice_cut_at(&rest, SLICE("): "), &stage)) {
		e->kind = EV_SPF;
		e->stage = stage;
		return verdict(rest, e) ? 1 : -1;
	}
	if (slice_eat(&rest, SLICE("opendmarc_policy_query_dmarc(")) &&
	    slice_rcut_at(&rest, SLICE(") returned status "), &e->from)) {
		e->sub = SLICE("temperror");	/* its record could not be had */
		e->text = s;
		return 1;
	}
	if (slice_starts_any(s, heads, sizeof heads / sizeof heads[0])) {
		helper_says(out, EV_INFO, slice_head(s, 0), s);
	} else if (slice_rcut_at(&rest, SLICE(" "), &stage) && result_of(rest).n > 0) {
		return -1;	/* a domain with blanks in it: nothing to learn from */
	} else if (helper_is_trouble(s) || slice_starts(s, SLICE("opendmarc_policy_"))) {
		helper_says(out, EV_FILTER_FAIL, SLICE("opendmarc"), s);
	} else {
		return -1;
	}
	e->id = id;
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = slice_trim(l->text), id = { 0 }, rest = s, word;
	int n;

	if (helper_take_id(&s, &id)) {
		n = of_message(s, id, out);
	} else if (slice_eat(&rest, SLICE("ignoring connection from "))) {
		n = helper_says(out, EV_INFO, SLICE("ignored"), slice_head(s, 0));
		out[0].client_name = rest;
	} else if (slice_cut(&rest, ' ', &word) &&
	    slice_starts(rest, SLICE("ignoring Authentication-Results at "))) {
		n = helper_says(out, EV_INFO, slice_head(s, 0), rest);	/* no colon behind the id */
		out[0].id = word;
	} else {
		n = helper_milter(out, SLICE("opendmarc"), s);
	}
	if (n > 0)
		out[0].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_opendmarc = { .name = "opendmarc", .claims = claims, .parse = parse };
