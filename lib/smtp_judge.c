/* smtp_judge.c - what a check says about dialogues. See smtp_judge.h.
 *
 * One server: the sentence names it and its slowest phase. Several: how many are ill, then
 * each of these. What servers said is cleaned by check.h. */
#include "smtp_judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "plural.h"
#include "sample.h"

#include "poison.h"

enum { NAME_BYTES = 600, JSON_BYTES = 200000 };

/* Of one dialogue. */
static enum check_state
state_of(const struct smtp_judge *j, const struct smtp *s)
{
	if (s->verdict == SMTP_OURS)
		return CHECK_UNKNOWN;
	if (s->verdict == SMTP_REFUSED || s->verdict == SMTP_BROKEN ||
	    (s->verdict == SMTP_GREYLISTED && !j->greylist_ok))
		return CHECK_CRITICAL;
	if (s->was_tls && s->tls_facts.version_number < j->tls_min)
		return CHECK_WARNING;
	return CHECK_OK;
}

static const char *
name_of(const struct smtp_session *n)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(NAME_BYTES);
	smtp_session_name(n, &b);
	return check_clean(buf_slice(&b));
}

/* --- the worst first ------------------------------------------------------------------------ */

static const struct smtp_judge *sorting;

static int
by_weight(const void *a, const void *b)
{
	const struct smtp_session *x = *(struct smtp_session *const *)a,
	    *y = *(struct smtp_session *const *)b;
	enum check_state xs = state_of(sorting, &x->s), ys = state_of(sorting, &y->s);
	double xt = x->s.phase_s[SMTP_TOTAL], yt = y->s.phase_s[SMTP_TOTAL];

	if (xs != ys)
		return xs > ys ? -1 : 1;
	return xt > yt ? -1 : xt < yt;
}

static double
longest(const struct smtp_session *n, int phase)
{
	double most = n->s.phase_s[phase];

	for (size_t i = 0; i < n->samples; i++)
		if (!(n->sample[i][phase] <= most))	/* also when most is NAN */
			most = n->sample[i][phase];
	return most;
}

/* --- findings ------------------------------------------------------------------------------- */

static void
tell_findings(const struct smtp_judge *j, const struct smtp_targets *t)
{
	size_t ill = 0;

	for (size_t i = 0; i < t->sessions; i++)
		ill += state_of(j, &t->session[i]->s) > CHECK_OK;
	if (ill > 1)
		check_state(state_of(j, &t->session[0]->s), "%zu of %zu servers", ill, t->sessions);
	for (size_t i = 0; i < ill; i++) {
		const struct smtp_session *n = t->session[i];

		if (n->s.sentence[0] != '\0')
			check_state(state_of(j, &n->s), "%s: %s%s", name_of(n), n->s.sentence,
			    n->samples > 0 ? " (in a later run)" : "");
		else
			check_state(CHECK_WARNING, "%s: it speaks %s only", name_of(n),
			    n->s.tls_facts.version);
	}
	if (t->left_out > 0)
		check_state(CHECK_UNKNOWN, "%zu %s more than %d %s left out", t->left_out,
		    PLURAL(t->left_out, "server", "servers"), SMTP_TARGETS_MAX, PLURAL(t->left_out, "was", "were"));
}

/* --- values --------------------------------------------------------------------------------- */

static const struct smtp_session *
slowest(const struct smtp_targets *t, int phase, double *value)
{
	const struct smtp_session *at = NULL;

	*value = (double)NAN;
	for (size_t i = 0; i < t->sessions; i++) {
		double v = longest(t->session[i], phase);

		if (isnan(v) || v <= *value)
			continue;
		*value = v;
		at = t->session[i];
	}
	return at;
}

/* A limit on what was not asked for must not pass for well. */
static void
measure_phase(const struct smtp_targets *t, int phase, bool cut_short)
{
	const char *name = smtp_phase_name[phase];
	double value;
	const struct smtp_session *at = slowest(t, phase, &value);

	if (at == NULL && (cut_short || !check_has_limit(name))) {
		check_show(name, value, "s");
	} else if (check_value(name, value, "s") == CHECK_OK) {
		return;
	} else if (at == NULL) {
		check_words(name, NULL, "%s was not measured: the dialogue was not asked to go there", name);
	} else if (t->sessions > 1 || phase != SMTP_TOTAL) {
		check_words(name, NULL, "%s: %s %s", name_of(at), name, check_people(value, "s"));
	}
}

/* The times of one phase over all runs, sorted; returns how many. */
static size_t
samples(const struct smtp_session *const *session, size_t sessions, int phase, double **v)
{
	size_t n = 0;

	*v = NULL;
	for (size_t i = 0; i < sessions; i++) {
		*v = xreallocarray(*v, n + session[i]->samples + 1, sizeof **v);
		for (size_t k = 0; k < session[i]->samples; k++)
			if (!isnan(session[i]->sample[k][phase]))
				(*v)[n++] = session[i]->sample[k][phase];
	}
	if (n > 0)
		sample_sort(*v, n);
	return n;
}

static void
measure_runs(const struct smtp_targets *t, bool cut_short)
{
	static const struct { const char *name; double share; } shares[] = { { "p50", 0.5 },
		{ "p95", 0.95 }, { "max", 1 } };
	double *v;
	size_t n;

	if (t->count < 2 && !check_has_limit("p50") && !check_has_limit("p95") && !check_has_limit("max"))
		return;
	n = samples((const struct smtp_session *const *)t->session, t->sessions, SMTP_TOTAL, &v);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		double q = sample_quantile(v, n, shares[i].share);

		if (cut_short && n == 0)
			check_show(shares[i].name, q, "s");
		else
			check_value(shares[i].name, q, "s");
	}
	free(v);
}

static double
left_s(const struct tlsclient_facts *f)
{
	return difftime((time_t)f->until, time(NULL));
}

static double
left_percent(const struct tlsclient_facts *f)
{
	double life = (double)(f->until - f->from);

	if (!(life > 0))
		return (double)NAN;
	return left_s(f) > life ? 100 : floor(left_s(f) / life * 1000) / 10;	/* all of it, before it begins */
}

/* The certificate that ends first. */
static void
measure_certificate(const struct smtp_targets *t, bool cut_short)
{
	const struct smtp_session *at = NULL;
	const struct tlsclient_facts *f;

	for (size_t i = 0; i < t->sessions; i++) {
		const struct smtp_session *n = t->session[i];

		if (n->s.was_tls && n->s.tls_facts.until != 0 &&
		    (at == NULL || n->s.tls_facts.until < at->s.tls_facts.until))
			at = n;
	}
	if (at == NULL) {
		if (cut_short)
			return;
		if (check_has_limit("cert"))
			check_value("cert", (double)NAN, "s");
		if (check_has_limit("cert_left"))
			check_value("cert_left", (double)NAN, "%");
		return;
	}
	f = &at->s.tls_facts;
	if (check_value("cert", left_s(f), "s") > CHECK_OK)
		check_words("cert", NULL, "%s: certificate %s %s%s", name_of(at), left_s(f) < 0 ? "ended" : "ends in",
		    check_people(fabs(left_s(f)), "s"), left_s(f) < 0 ? " ago" : "");
	if (check_value("cert_left", left_percent(f), "%") > CHECK_OK)
		check_words("cert_left", NULL, "%s: %s of the certificate's lifetime left", name_of(at),
		    check_people(left_percent(f), "%"));
}

static int
slowest_phase(const struct smtp_session *n)
{
	int at = SMTP_CONNECT;

	for (int i = SMTP_DNS; i < SMTP_TOTAL; i++)
		if (n->s.phase_s[i] > n->s.phase_s[at] || isnan(n->s.phase_s[at]))
			at = i;
	return at;
}

static void
tell_well(const struct smtp_targets *t)
{
	const struct smtp_session *n = t->session[0];
	const char *total = check_people(longest(n, SMTP_TOTAL), "s");
	int slow = slowest_phase(n);
	struct buf after = buf_new(SMTP_TEXT + 100);

	buf_fmt(&after, ", slowest phase %s %s", smtp_phase_name[slow],
	    check_people(n->s.phase_s[slow], "s"));
	if (n->s.verdict == SMTP_GREYLISTED)
		buf_fmt(&after, "; %s", n->s.sentence);
	else if (n->s.ended)
		buf_fmt(&after, "; %s: %s, as expected", smtp_phase_name[n->s.ended_in],
		    check_clean(slice_of(n->s.ended_by)));
	if (t->sessions > 1)
		check_words("total", after.p, "%zu servers, the slowest %s: %s", t->sessions, name_of(n),
		    total);
	else
		check_words("total", after.p, "%s: %s", name_of(n), total);
	buf_free(&after);
}

/* --- lines ---------------------------------------------------------------------------------- */

static void
phases_text(struct buf *b, const struct smtp_session *n)
{
	const char *comma = "";

	for (int i = SMTP_DNS; i < SMTP_TOTAL; i++) {
		if (isnan(n->s.phase_s[i]))
			continue;
		buf_fmt(b, "%s%s %s", comma, smtp_phase_name[i], check_people(n->s.phase_s[i], "s"));
		comma = ", ";
	}
}

static void
day_of(int64_t at, char day[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	(void)snprintf(day, 32, "?");
	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(day, 32, "%Y-%m-%d", &tm);
}

/* ", begins 2026-12-01 (in 8 d), ends 2027-03-01 (98 d left)" */
static void
validity_text(struct buf *b, const struct tlsclient_facts *f)
{
	double wait_s = difftime((time_t)f->from, time(NULL)), left = left_s(f);
	char day[32];

	if (wait_s > 0) {
		day_of(f->from, day);
		buf_fmt(b, ", begins %s (in %s)", day, check_people(wait_s, "s"));
	}
	day_of(f->until, day);
	if (left < 0)
		buf_fmt(b, ", ended %s (%s ago)", day, check_people(-left, "s"));
	else
		buf_fmt(b, ", ends %s (%s left)", day, check_people(left, "s"));
}

static void
tell_tls(const struct smtp *s)
{
	const struct tlsclient_facts *f = &s->tls_facts;
	struct buf validity;

	if (!s->was_tls)
		return;
	validity = buf_new(200);
	validity_text(&validity, f);
	check_detail("  %s, %s, %s %d bits; certificate of %s by %s%s, %s%s", f->version,
	    f->cipher, f->key_kind, f->key_bits, check_clean(slice_of(f->subject)),
	    check_clean(slice_of(f->issuer)), validity.p,
	    f->pinned ? "as TLSA says" : f->trusted ? "trusted" : "not trusted: ",
	    f->trusted ? "" : f->why);
	if (strcmp(f->ends, f->subject) != 0)
		check_detail("  the first of its chain to end is %s", check_clean(slice_of(f->ends)));
	buf_free(&validity);
}

static void
tell_runs(const struct smtp_session *n)
{
	for (int i = SMTP_DNS; i <= SMTP_TOTAL && n->samples > 1; i++) {
		double *v;
		size_t k = samples(&n, 1, i, &v);

		if (k > 0)
			check_detail("  %s over %zu %s: p50 %s, p95 %s, max %s", smtp_phase_name[i], k, PLURAL(k, "run", "runs"),
			    check_people(sample_quantile(v, k, 0.5), "s"), check_people(sample_quantile(v, k, 0.95), "s"),
			    check_people(sample_quantile(v, k, 1), "s"));
		free(v);
	}
}

/* The kernel takes connections for a server, whatever became of that. */
static bool
is_mute(const struct smtp *s)
{
	return s->verdict == SMTP_BROKEN && s->phase == SMTP_BANNER && s->reply.bytes == 0 &&
	    strstr(s->sentence, "no whole reply") != NULL;
}

static void
tell_session(const struct smtp_session *n)
{
	struct buf times = buf_new(900), mx = buf_new(900);
	struct slice talk = buf_slice(&n->s.talk), line;

	phases_text(&times, n);
	if (n->target->domain != NULL && n->s.addrs > 0)
		buf_fmt(&mx, " (MX %u of %s)", n->target->preference, n->target->domain);
	check_detail("%s%s: total %s: %s", name_of(n), mx.n > 0 ? mx.p : "",
	    check_people(n->s.phase_s[SMTP_TOTAL], "s"), times.n > 0 ? times.p : "");
	if (n->s.banner[0] != '\0')
		check_detail("  %s", check_clean(slice_of(n->s.banner)));
	if (is_mute(&n->s))
		check_detail("  it took the connection and says nothing: all its processes are busy or none can start (its log "
		    "says so), or it waits for a name server");
	if (n->s.accepted[0] != '\0')
		check_detail("  the message: %s%s", check_clean(slice_of(n->s.accepted)),
		    n->s.chunked ? " (by BDAT)" : "");
	if (n->s.mech != SASL_NONE)
		check_detail("  login by %s", sasl_name(n->s.mech));
	if (n->s.unreached[0] != '\0')
		check_detail("  tried before: %s", n->s.unreached);
	tell_tls(&n->s);
	tell_runs(n);
	while (slice_cut(&talk, '\n', &line))
		check_verbose(2, "  %.*s", (int)line.n, line.p);
	buf_free(&times);
	buf_free(&mx);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void
json_text(struct buf *b, const char *name, struct slice text)
{
	buf_fmt(b, ",\"%s\":", name);
	buf_json(b, slice_of(check_clean(text)));
}

static void
json_phases(struct buf *b, const struct smtp *s)
{
	buf_str(b, ",\"phases\":{");
	for (int i = 0; i < SMTP_PHASES; i++) {
		buf_fmt(b, "%s\"%s\":", i > 0 ? "," : "", smtp_phase_name[i]);
		if (isnan(s->phase_s[i]))
			buf_str(b, "null");
		else
			buf_fmt(b, "%.6f", s->phase_s[i]);
	}
	buf_char(b, '}');
}

static void
json_runs(struct buf *b, const struct smtp_session *n)
{
	const char *comma = "";

	buf_fmt(b, ",\"runs\":%zu,\"over_runs\":{", n->samples);
	for (int i = 0; i < SMTP_PHASES && n->samples > 1; i++) {
		double *v;
		size_t k = samples(&n, 1, i, &v);

		if (k > 0)
			buf_fmt(b, "%s\"%s\":{\"p50\":%.6f,\"p95\":%.6f,\"max\":%.6f}", comma,
			    smtp_phase_name[i], sample_quantile(v, k, 0.5), sample_quantile(v, k, 0.95), sample_quantile(v, k, 1));
		comma = k > 0 ? "," : comma;
		free(v);
	}
	buf_char(b, '}');
}

static void
json_tls(struct buf *b, const struct tlsclient_facts *f)
{
	buf_fmt(b, ",\"tls\":{\"version\":\"%s\",\"cipher\":\"%s\",\"key\":\"%s %d\",\"trusted\":%s,"
	    "\"pinned\":%s,\"from\":%lld,\"until\":%lld", f->version, f->cipher, f->key_kind, f->key_bits,
	    f->trusted ? "true" : "false", f->pinned ? "true" : "false", (long long)f->from,
	    (long long)f->until);
	json_text(b, "why", slice_of(f->why));
	json_text(b, "subject", slice_of(f->subject));
	json_text(b, "issuer", slice_of(f->issuer));
	buf_char(b, '}');
}

static void
json_extensions(struct buf *b, const struct smtp *s)
{
	struct slice all = buf_slice(&s->extensions), line;
	bool more = slice_cut(&all, '\n', &line);

	buf_str(b, ",\"extensions\":[");
	for (int i = 0; more && i < 100; i++) {
		more = slice_cut(&all, '\n', &line);
		buf_str(b, i > 0 ? "," : "");
		buf_json(b, slice_of(check_clean(more ? line : all)));
	}
	buf_char(b, ']');
}

static void
json_session(struct buf *b, const struct smtp_judge *j, const struct smtp_session *n)
{
	static const char *const states[] = { "OK", "UNKNOWN", "WARNING", "CRITICAL" };
	const struct smtp *s = &n->s;

	buf_fmt(b, "{\"state\":\"%s\"", states[state_of(j, s)]);
	json_text(b, "name", slice_of(name_of(n)));
	json_text(b, "host", slice_of(n->target->host));
	if (n->target->domain != NULL)
		buf_fmt(b, ",\"preference\":%u", n->target->preference);
	buf_fmt(b, ",\"phase\":\"%s\",\"code\":%d", smtp_phase_name[s->phase], s->code);
	json_text(b, "text", slice_of(s->sentence));
	json_text(b, "banner", slice_of(s->banner));
	json_text(b, "accepted", slice_of(s->accepted));
	json_phases(b, s);
	json_runs(b, n);
	json_extensions(b, s);
	if (s->was_tls)
		json_tls(b, &s->tls_facts);
	buf_char(b, '}');
}

static void
tell_json(const struct smtp_judge *j, const struct smtp_targets *t)
{
	struct buf b = buf_new(JSON_BYTES), one = buf_new(JSON_BYTES);

	buf_char(&b, '[');
	for (size_t i = 0; i < t->sessions; i++) {
		buf_clear(&one);
		json_session(&one, j, t->session[i]);
		if (one.full || b.n + one.n + 2 > JSON_BYTES)
			continue;	/* a server with much to say: the others stay */
		if (b.n > 1)
			buf_char(&b, ',');
		buf_add(&b, buf_slice(&one));
	}
	buf_char(&b, ']');
	check_extra("targets", buf_slice(&b));
	buf_free(&b);
	buf_free(&one);
}

void
smtp_judge(const struct smtp_judge *j, struct smtp_targets *t)
{
	bool cut_short;		/* so that phases behind were not reached */

	if (t->sessions == 0)
		check_unknown("nobody was asked");
	sorting = j;
	qsort(t->session, t->sessions, sizeof *t->session, by_weight);
	cut_short = t->session[0]->s.verdict != SMTP_WELL;
	tell_findings(j, t);
	for (int i = SMTP_DNS; i <= SMTP_TOTAL; i++)
		measure_phase(t, i, cut_short);
	measure_runs(t, cut_short);
	measure_certificate(t, cut_short);
	if (state_of(j, &t->session[0]->s) == CHECK_OK)
		tell_well(t);
	for (size_t i = 0; i < t->sessions; i++)
		tell_session(t->session[i]);
	if (check_is_json())
		tell_json(j, t);
}
