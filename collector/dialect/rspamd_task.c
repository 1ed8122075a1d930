/* rspamd_task.c - rspamd: the line of each message (log_format of logging.inc).
 *
 *	id: <MID|undef>, qid: <4F1A2B>, ip: 192.0.2.1, user: anna, from: <a@example.net>,
 *	    (default: T (reject): [22.1/15.0] [R_SPF_FAIL(1.00){-all;},GTUBE(0.00){}]), len: 2345,
 *	    time: 120.3ms, dns req: 40, digest: <...>, rcpts: <b@example.org>, mime_rcpts: <...>
 * T, F or S only says which class the action is of. Message-ID, sender, the symbols' options
 * and the addresses in To: are a stranger's and are printed as they are, so each of them may
 * imitate the rest. Where "(default: " or "qid: <" could be in two places, the worst verdict
 * is taken, and neither an id nor a Message-ID: it counts as it stands and for no other mail. */
#include "dialect/rspamd.h"

#include "poison.h"

static const struct {
	const char *name;
	enum event_kind kind;
} actions[] = {
	/* the worst first */
	{ "reject", EV_SPAM },
	{ "discard", EV_SPAM },
	{ "quarantine", EV_SPAM },
	{ "rewrite subject", EV_SPAM },
	{ "add header", EV_SPAM },
	{ "soft reject", EV_POLICY },
	{ "greylist", EV_POLICY },
	{ "custom", EV_POLICY },
	{ "no action", EV_HAM },
	{ "accept", EV_HAM },
};

enum { ACTIONS = sizeof actions / sizeof actions[0] };

/* "T (reject): [22.1/15.0] [" */
struct metric {
	unsigned action; /* index, ACTIONS: none of them */
	struct slice name, score;
};

static bool
take_metric(struct slice *s, struct metric *m)
{
	struct slice rest = *s, need;

	if (rest.n < 4 || memchr("TFS", rest.p[0], 3) == NULL)
		return false;
	rest = slice_from(rest, 1);
	if (!slice_eat(&rest, SLICE(" (")) || !slice_cut(&rest, ')', &m->name) ||
	    !slice_eat(&rest, SLICE(": [")) || !slice_cut(&rest, '/', &m->score) ||
	    !slice_cut(&rest, ']', &need) || !slice_eat(&rest, SLICE(" [")))
		return false;
	for (m->action = 0; m->action < ACTIONS; m->action++)
		if (slice_eq(m->name, slice_of(actions[m->action].name)))
			break;
	*s = rest;
	return true;
}

/* The verdict: how many places could be it; *head is what comes before the first and *tail
 * what comes behind it. */
static unsigned
find_metric(struct slice s, struct metric *best, struct slice *head, struct slice *tail)
{
	static const struct slice mark = SLICE("(default: ");
	struct slice rest = s, before;
	struct metric m = { .action = ACTIONS };
	unsigned n = 0;

	while (slice_cut_at(&rest, mark, &before)) {
		if (!take_metric(&rest, &m))
			continue;
		if (n++ == 0) {
			*best = m;
			*head = slice_head(s, (size_t)(before.p + before.n - s.p));
			*tail = rest;
		} else if (m.action < best->action) {
			*best = m;
		}
	}
	return n;
}

/* "id: <M>, qid: <Q>, ip: I, user: U, from: <F>, " */
static void
take_envelope(struct slice s, struct event *e)
{
	static const struct slice qid = SLICE(">, qid: <");
	struct slice mid, rest;

	if (!slice_eat(&s, SLICE("id: <")))
		return;
	if (slice_rcut_at(&s, SLICE(", from: <"), &rest)) {
		e->from = slice_head(s, s.n >= 3 ? s.n - 3 : 0);
		s = rest;
	}
	rest = s;
	if (slice_cut_at(&rest, qid, &mid)) {
		ptrdiff_t end = slice_find(rest, SLICE(">"));

		if (slice_has(rest, qid) || end < 0)
			return;
		if (filter_is_id(slice_head(rest, (size_t)end)))
			e->id = slice_head(rest, (size_t)end);
		rest = slice_from(rest, (size_t)end);
	} else if (slice_cut_at(&rest, SLICE(">, ip: "), &mid)) {
		rest = (struct slice){ mid.p + mid.n, s.n - mid.n };
	} else if (slice_ends(s, SLICE(">, ")) || slice_ends(s, SLICE(">"))) {
		mid = slice_head(s, (size_t)slice_rfind(s, SLICE(">")));
		rest = slice_head(s, 0);
	} else {
		return;
	}
	if (!slice_eq(mid, SLICE("undef")) && mid.n > 0) /* with its < and > */
		e->mid = (struct slice){ mid.p - 1, mid.n + 2 };
	if (slice_eat(&rest, SLICE(">, ip: "))) {
		e->client_ip = slice_head(rest, slice_until(rest, ',', ' '));
		if (!scan_is_ip(e->client_ip))
			e->client_ip.n = 0;
		e->loopback = address_is_loopback(e->client_ip);
	}
}

/* "NAME(1.00){opt;opt;}" at the front, and the comma behind it; releases before 1.6: "NAME". */
static bool
take_symbol(struct slice *s, struct slice *name, struct slice *options)
{
	struct slice rest = *s, score;
	ptrdiff_t end;
	size_t n = 0;

	while (n < rest.n && (slice_is_alnum(rest.p[n]) || rest.p[n] == '_'))
		n++;
	if (n == 0)
		return false;
	*name = slice_head(rest, n);
	*options = slice_head(rest, 0);
	rest = slice_from(rest, n);
	if (slice_eat_char(&rest, '(') && !slice_cut(&rest, ')', &score))
		return false;
	if (slice_eat_char(&rest, '{')) {
		/* to the brace behind which the next symbol, or the end, begins */
		for (end = 0; (size_t)end < rest.n; end++)
			if (rest.p[end] == '}' &&
			    ((size_t)end + 1 == rest.n ||
				memchr(",])", rest.p[end + 1], 3) != NULL))
				break;
		if ((size_t)end == rest.n)
			return false;
		*options = slice_head(rest, (size_t)end);
		rest = slice_from(rest, (size_t)end + 1);
	}
	slice_eat_char(&rest, ',');
	*s = rest;
	return true;
}

static const struct {
	const char *symbol;
	enum event_kind kind;
	const char *sub;
} checks[] = {
	{ "R_SPF_ALLOW", EV_SPF, "pass" },
	{ "R_SPF_PLUSALL", EV_SPF, "pass" },
	{ "R_SPF_FAIL", EV_SPF, "fail" },
	{ "R_SPF_SOFTFAIL", EV_SPF, "softfail" },
	{ "R_SPF_NEUTRAL", EV_SPF, "neutral" },
	{ "R_SPF_NA", EV_SPF, "none" },
	{ "R_SPF_DNSFAIL", EV_SPF, "temperror" },
	{ "R_SPF_PERMFAIL", EV_SPF, "permerror" },
	{ "R_DKIM_ALLOW", EV_DKIM, "pass" },
	{ "R_DKIM_REJECT", EV_DKIM, "fail" },
	{ "R_DKIM_NA", EV_DKIM, "none" },
	{ "R_DKIM_TEMPFAIL", EV_DKIM, "temperror" },
	{ "R_DKIM_PERMFAIL", EV_DKIM, "permerror" },
	{ "DMARC_POLICY_ALLOW", EV_DMARC, "pass" },
	{ "DMARC_POLICY_REJECT", EV_DMARC, "fail" },
	{ "DMARC_POLICY_ALLOW_WITH_FAILURES", EV_DMARC, "pass" },
	{ "DMARC_POLICY_QUARANTINE", EV_DMARC, "fail" },
	{ "DMARC_POLICY_SOFTFAIL", EV_DMARC, "fail" },
	{ "DMARC_NA", EV_DMARC, "none" },
	{ "DMARC_DNSFAIL", EV_DMARC, "temperror" },
	{ "DMARC_BAD_POLICY", EV_DMARC, "permerror" },
};

/* What a symbol says of the sender; where it is none of these, nothing. */
static bool
check_of(struct slice name, struct slice options, struct event *e)
{
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		if (!slice_eq(name, slice_of(checks[i].symbol)))
			continue;
		event_begin(e, checks[i].kind);
		e->sub = slice_of(checks[i].sub);
		e->text = options;
		if (e->kind == EV_DKIM) /* "example.org:s=key;", "example.org : ..." */
			e->from = slice_head(options, slice_until(options, ':', ';'));
		else if (e->kind == EV_DMARC)
			e->from = slice_head(options, slice_until(options, ' ', ';'));
		return true;
	}
	return false;
}

/* The symbols of scanners: CLAM_VIRUS, FPROT_VIRUS, ... and not those of their troubles. */
static bool
is_virus(struct slice name)
{
	return slice_ends(name, SLICE("_VIRUS")) || slice_eq(name, SLICE("VIRUS"));
}

static int
symbols(struct slice s, struct event *out)
{
	struct slice name, options, reason = slice_head(s, 0);
	int n = 1;

	while (take_symbol(&s, &name, &options)) {
		if (is_virus(name)) {
			out->kind = EV_VIRUS;
			out->sub = options.n > 0
				       ? slice_head(options, slice_until(options, ';', ';'))
				       : name;
		} else if (out->kind == EV_POLICY && reason.n == 0 &&
			   (slice_starts(name, SLICE("GREYLIST")) ||
			       slice_starts(name, SLICE("RATELIMIT")))) {
			reason = name;
		} else if (n < EVENTS_MAX && check_of(name, options, &out[n])) {
			out[n].id = out->id;
			out[n].mid = out->mid;
			n++;
		}
	}
	if (out->kind == EV_POLICY && reason.n > 0)
		out->sub = slice_starts(reason, SLICE("G")) ? SLICE("greylist")
							    : SLICE("ratelimit");
	return n;
}

int
rspamd_task(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice head, tail;
	struct metric m = { .action = ACTIONS };
	unsigned places = find_metric(s, &m, &head, &tail);

	if (places == 0 || !slice_starts(s, SLICE("id: <")))
		return -1;
	if (m.action < ACTIONS)
		e->kind = actions[m.action].kind;
	e->sub = m.name;
	e->text = m.score;
	if (places > 1)
		return 1;
	take_envelope(head, e);
	return symbols(tail, out);
}
