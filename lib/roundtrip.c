/* roundtrip.c - what a check says of a round trip. See roundtrip.h.
 *
 * The time of this run's message is one clock's, from the start of sending to the moment it was
 * seen. That of earlier ones is told by the mailbox's clock, where it is plausible. Hops are
 * differences between the clocks of servers: a negative one is told as skew and not as zero. */
#include "roundtrip.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "plural.h"
#include "when.h"

#include "poison.h"

enum { CLOCK_S = 2, TOLD_MAX = 5 };	/* stamps are whole seconds */

const struct measure roundtrip_measures[] = {
	{ "delivery", "s", "from the start of sending until the message was found; with --no-wait that of "
	    "the newest found, or the age of the oldest that is waited for" },
	{ "send", "s", "the whole dialogue with the server that takes it" },
	{ "find", "s", "login to the mailbox, and the first look through it" },
	{ "hop", "s", "the longest stay between two servers, by the Received lines" },
	{ "skew", "s", "by how much a server's clock is behind the one before it" },
	{ "loss", "%", "share of the last --probes messages that never came", "0" },
	{ "junk", "", "messages that this run found in a junk folder", "0" },
	{ "late", "s", "the longest way of a message that came after its run had given up" },
	{ "waiting", "", "messages that are still looked for" },
	{ "p50", "s", "half of the last --probes messages took at most this" },
	{ "p95", "s", "95 % of them took at most this" },
	{ "max", "s", "the longest of them" },
	{ 0 }
};

/* --- found --------------------------------------------------------------------------------- */

/* How long one of an earlier run took. It may seem to be from the future, where our clock was set back. */
static double
took_by_stamp(const struct probe *p, const struct mailbox_found *f)
{
	double longest = fmax(clock_wall() - p->sent, 0), took = f->arrived - p->sent;

	if (isnan(took) || took < -CLOCK_S || took > longest + CLOCK_S)
		return longest;
	return took > 0 ? took : 0;
}

void
roundtrip_found(void *arg, const struct mailbox_found *f)
{
	struct roundtrip *r = arg;
	struct probe *p = probes_find(&r->probes, f->token);
	bool own = strcmp(f->token, r->token) == 0;

	if (p == NULL || p->fate == PROBE_FOUND) {
		r->leftovers += p == NULL;
		return;
	}
	p->took = own ? clock_now() - r->began : took_by_stamp(p, f);
	p->late = !own && (!r->no_wait || p->fate == PROBE_LOST);
	p->junk = f->folder->junk;
	p->fate = PROBE_FOUND;
	r->arrived = r->arrived || own;
	r->junk += p->junk;
	if (p->late && r->late++ < TOLD_MAX)
		check_detail("a message came %s after it was sent, late", check_people(p->took, "s"));
	if (p->late && p->took > r->late_s)
		r->late_s = p->took;
	if (r->found++ == 0 || p->sent >= r->last_sent) {
		r->last = *f;
		r->last_sent = p->sent;
		r->last_took = p->took;
	}
}

/* --- hops ---------------------------------------------------------------------------------- */

struct leg {
	const char *from, *to;
	const char *with;
	double seconds;
};

/* From the sending through all stamps, the oldest first, into the mailbox. */
static size_t
legs(const struct roundtrip *r, struct leg leg[MAILHEAD_HOPS_MAX + 1])
{
	const struct mailhead_way *w = &r->last.way;
	double before = floor(r->last_sent);
	const char *from = "here";
	size_t n = 0;

	for (size_t i = w->hops; i-- > 0; ) {
		const struct mailhead_hop *h = &w->hop[i];

		if (!h->dated)
			continue;
		leg[n++] = (struct leg){ from, h->by[0] != '\0' ? h->by : "a server", h->with,
			(double)h->at - before };
		before = (double)h->at;
		from = leg[n - 1].to;
	}
	if (w->hops > 0 && !isnan(r->last.arrived))
		leg[n++] = (struct leg){ from, "the mailbox", "", floor(r->last.arrived) - before };
	return n;
}

static void
tell_leg(const struct leg *l)
{
	const char *from = check_clean(slice_of(l->from)), *to = check_clean(slice_of(l->to)),
	    *with = check_clean(slice_of(l->with));

	if (l->seconds < 0)
		check_detail("  %s to %s%s%s: by their clocks it came %s before it left", from, to,
		    *with != '\0' ? " by " : "", with, check_people(-l->seconds, "s"));
	else
		check_detail("  %s to %s%s%s: %s", from, to, *with != '\0' ? " by " : "", with,
		    check_people(l->seconds, "s"));
}

static void
tell_hops(const struct roundtrip *r)
{
	struct leg leg[MAILHEAD_HOPS_MAX + 1];
	size_t n = r->found > 0 ? legs(r, leg) : 0, longest = 0, skewed = 0;

	if (n == 0) {
		check_show("hop", (double)NAN, "s");
		check_show("skew", (double)NAN, "s");
		return;
	}
	for (size_t i = 1; i < n; i++) {
		longest = leg[i].seconds > leg[longest].seconds ? i : longest;
		skewed = leg[i].seconds < leg[skewed].seconds ? i : skewed;
	}
	if (check_value("hop", leg[longest].seconds > 0 ? leg[longest].seconds : 0, "s") != CHECK_OK)
		check_words("hop", NULL, "%s from %s to %s", check_people(leg[longest].seconds, "s"),
		    check_clean(slice_of(leg[longest].from)), check_clean(slice_of(leg[longest].to)));
	if (check_value("skew", leg[skewed].seconds < 0 ? -leg[skewed].seconds : 0, "s") != CHECK_OK)
		check_words("skew", NULL, "the clock of %s is %s behind that of %s",
		    check_clean(slice_of(leg[skewed].to)), check_people(-leg[skewed].seconds, "s"),
		    check_clean(slice_of(leg[skewed].from)));
	check_detail("the way of the message:");
	for (size_t i = 0; i < n; i++)
		tell_leg(&leg[i]);
	if (r->last.way.left_out > 0)
		check_detail("  and %zu Received lines more", r->last.way.left_out);
}

/* --- findings ------------------------------------------------------------------------------ */

static const char *
accepted_words(const struct roundtrip *r)
{
	return check_clean(slice_of(r->session->s.accepted));
}

static void
tell_send(const struct roundtrip *r)
{
	const struct smtp *s = &r->session->s;
	struct slice talk = buf_slice(&s->talk), line;
	struct buf name = buf_new(600);

	while (slice_cut(&talk, '\n', &line))
		check_verbose(2, "  %.*s", (int)line.n, line.p);
	smtp_session_name(r->session, &name);
	if (r->accepted)
		check_detail("%s took the message: %s", check_clean(buf_slice(&name)), accepted_words(r));
	if (r->accepted && s->verdict == SMTP_WELL) {
		buf_free(&name);
		return;
	}
	if (s->verdict == SMTP_GREYLISTED && r->greylist_ok)
		check_detail("%s: %s", check_clean(buf_slice(&name)), s->sentence);
	else
		check_state(s->verdict == SMTP_OURS ? CHECK_UNKNOWN : r->accepted ? CHECK_WARNING :
		    CHECK_CRITICAL, "send to %s: %s", check_clean(buf_slice(&name)), s->sentence);
	buf_free(&name);
}

static void
tell_find(const struct roundtrip *r)
{
	const char *later = r->accepted && !r->arrived ? "; the message was taken, later runs look for it" : "";

	if (r->trouble[0] != '\0')
		check_state(r->trouble_ours ? CHECK_UNKNOWN : CHECK_CRITICAL, "find in %s: %s%s", r->where,
		    check_clean(slice_of(r->trouble)), later);
	else if (r->accepted && !r->arrived && !r->no_wait)
		check_state(CHECK_CRITICAL, "not delivered within %s, though the server had taken it: %s",
		    check_people(r->waited, "s"), accepted_words(r));
}

static void
tell_lost(const struct roundtrip *r, const struct probes_sum *s)
{
	size_t told = 0;

	if (s->last_lost)
		check_state(CHECK_CRITICAL, "messages are lost: the newest of which the fate is known did not "
		    "come within %s", check_people(r->lost_s, "s"));
	for (size_t i = r->probes.n; i-- > 0 && told < TOLD_MAX; ) {
		struct buf when = buf_new(64);

		if (r->probes.v[i].fate == PROBE_LOST) {
			when_print(&when, (int64_t)r->probes.v[i].sent);
			check_detail("lost: the message sent at %s, Message-ID %s@...", when.p,
			    r->probes.v[i].token);
			told++;
		}
		buf_free(&when);
	}
}

/* --- values -------------------------------------------------------------------------------- */

static void
value(const char *name, double v, const char *unit)
{
	if (isnan(v))
		check_show(name, v, unit);
	else
		(void)check_value(name, v, unit);
}

/* The age of the oldest that is waited for, but for this run's own; NAN: there is none. */
static double
oldest(const struct roundtrip *r)
{
	double now = clock_wall();

	for (size_t i = 0; i < r->probes.n; i++) {
		const struct probe *p = &r->probes.v[i];

		if (p->fate == PROBE_SENT && strcmp(p->token, r->token) != 0)
			return now > p->sent ? now - p->sent : 0;
	}
	return (double)NAN;
}

/* With --no-wait the clock of a message that is waited for has not stopped yet: its age is a value. */
static void
tell_delivery(const struct roundtrip *r)
{
	double age = oldest(r);
	bool found = r->no_wait ? r->found > 0 : r->arrived;

	if (r->no_wait && !isnan(age) && !(found && r->last_took >= age)) {
		(void)check_value("delivery", age, "s");
		check_words("delivery", NULL, "a message is waited for since %s", check_people(age, "s"));
	} else if (found) {
		(void)check_value("delivery", r->last_took, "s");
		check_words("delivery", NULL, "delivered in %s to %s", check_people(r->last_took, "s"),
		    check_clean(slice_of(r->last.folder->name)));
	} else {
		check_show("delivery", (double)NAN, "s");
		if (r->trouble[0] == '\0' && r->accepted && r->no_wait)
			check_words("delivery", NULL, "sent, for later runs to find");
		else if (r->trouble[0] == '\0' && r->session != NULL && r->greylist_ok &&
		    r->session->s.verdict == SMTP_GREYLISTED)
			check_words("delivery", NULL, "greylisted, nothing was sent");
	}
}

static void
tell_values(const struct roundtrip *r, const struct probes_sum *s)
{
	double known = (double)(s->found + s->lost);

	tell_delivery(r);
	value("send", r->accepted ? r->session->s.phase_s[SMTP_TOTAL] : (double)NAN, "s");
	value("find", r->find_s, "s");
	tell_hops(r);
	value("loss", known > 0 ? 100 * (double)s->lost / known : (double)NAN, "%");
	if (s->lost > 0)
		check_words("loss", NULL, "%zu of the last %.0f %s lost (%s)", s->lost, known,
		    known == 1 ? "message was" : PLURAL(s->lost, "messages was", "messages were"),
		    check_people(100 * (double)s->lost / known, "%"));
	value("junk", r->looked ? (double)r->junk : (double)NAN, "");
	if (r->junk > 0)
		check_words("junk", NULL, "found in the junk folder %s", r->last.folder->junk ?
		    check_clean(slice_of(r->last.folder->name)) : "");
	value("late", r->looked ? r->late_s : (double)NAN, "s");
	if (r->late > 0)
		check_words("late", NULL, "%zu came late, after up to %s", r->late, check_people(r->late_s, "s"));
	(void)check_value("waiting", (double)s->waiting, "");
	value("p50", s->p50, "s");
	value("p95", s->p95, "s");
	value("max", s->max, "s");
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void
json_number(struct buf *b, const char *name, double v)
{
	if (isnan(v))
		buf_fmt(b, ",\"%s\":null", name);
	else
		buf_fmt(b, ",\"%s\":%.6f", name, v);
}

static void
json_text(struct buf *b, const char *name, const char *text)
{
	buf_fmt(b, ",\"%s\":", name);
	buf_json(b, slice_of(check_clean(slice_of(text))));
}

static void
json_way(struct buf *b, const struct roundtrip *r)
{
	struct leg leg[MAILHEAD_HOPS_MAX + 1];
	size_t n = r->found > 0 ? legs(r, leg) : 0;

	buf_str(b, ",\"hops\":[");
	for (size_t i = 0; i < n; i++) {
		buf_fmt(b, "%s{\"seconds\":%.0f", i > 0 ? "," : "", leg[i].seconds);
		json_text(b, "from", leg[i].from);
		json_text(b, "to", leg[i].to);
		json_text(b, "with", leg[i].with);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
tell_json(const struct roundtrip *r, const struct mailbox *m, const struct probes_sum *s)
{
	struct buf b = buf_new(1 << 16);

	buf_fmt(&b, "{\"accepted\":%s,\"arrived\":%s", r->accepted ? "true" : "false",
	    r->arrived ? "true" : "false");
	json_text(&b, "token", r->token);
	json_text(&b, "reply", r->session != NULL ? r->session->s.accepted : "");
	json_text(&b, "folder", r->found > 0 ? r->last.folder->name : "");
	json_way(&b, r);
	buf_fmt(&b, ",\"found\":%zu,\"deleted\":%zu,\"leftovers\":%zu,\"over_probes\":{\"found\":%zu,"
	    "\"lost\":%zu,\"late\":%zu,\"junk\":%zu,\"waiting\":%zu", r->found, m->deleted, r->leftovers,
	    s->found, s->lost, s->late, s->junk, s->waiting);
	json_number(&b, "p50", s->p50);
	json_number(&b, "p95", s->p95);
	json_number(&b, "max", s->max);
	buf_str(&b, "}}");
	check_extra("roundtrip", buf_slice(&b));
	buf_free(&b);
}

void
roundtrip_tell(struct roundtrip *r, const struct mailbox *m)
{
	struct probes_sum s;

	probes_sum(&r->probes, &s);
	if (r->session != NULL)
		tell_send(r);
	tell_find(r);
	tell_lost(r, &s);
	tell_values(r, &s);
	if (r->leftovers > 0)
		check_detail("deleted, too: %zu left over from runs that nobody remembers", r->leftovers);
	if (m->undeleted[0] != '\0')
		check_state(CHECK_WARNING, "%s", check_clean(slice_of(m->undeleted)));
	for (size_t i = 0; i < m->folders; i++)
		check_verbose(1, "folder %s%s%s", m->folder[i].name, m->folder[i].junk ? ", junk" : "",
		    m->folder[i].missing ? ": there is none" : "");
	if (check_is_json())
		tell_json(r, m, &s);
}
