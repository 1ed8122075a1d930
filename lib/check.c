/* check.c - collect what a check says, judge it, answer. See check.h. */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_priv.h"
#include "clock.h"
#include "mem.h"
#include "quantity.h"

#include "poison.h"

enum { DETAIL_BYTES = 1000, PEER_BYTES = 200, ANSWER_BYTES = 1 << 19 };

/* One -w or -c. */
struct limit {
	bool critical;
	bool named;		/* else for the main measurement */
	bool used;
	bool of_file;		/* of --extra-opts */
	struct slice name;
	struct slice range;
};

static struct {
	struct opt_list warn, crit;
	double timeout_s, begun;
	int verbose;
	bool json;
	const char *extra_opts;		/* read by extraopts.c; here for the help */

	const struct program *program;
	void (*before_done)(void);
	bool (*take_limit)(const char *text, bool critical);
	struct limit *limit;
	size_t limits;
	struct check_answer answer;
} run = { .timeout_s = 9 };

static const struct opt common[] = {
	{ 'w', "warning", OPT_LIST, &run.warn, "[NAME=]RANGE",
	    "WARNING if NAME is outside RANGE: 10 (0 to 10), 10: (at least), ~:10 (at most), "
	    "10:20, @10:20 (inside), with units if you like: 500ms, 15m, 2h, 8d, 10%, 5MB, 50/min; without "
	    "NAME the main measurement; may be given again" },
	{ 'c', "critical", OPT_LIST, &run.crit, "[NAME=]RANGE", "the same for CRITICAL" },
	{ 't', "timeout", OPT_DURATION, &run.timeout_s, "TIME",
	    "answer CRITICAL after this time, whatever happens; a TIME is 90s, 15m, 2h, 8d or 2w",
	    .min = 0.1, .max = 3600 },
	{ 'v', "verbose", OPT_COUNT, &run.verbose, NULL, "more lines; up to three times", .max = 3 },
	{ 0, "json", OPT_FLAG, &run.json, NULL, "print one JSON object, with the same exit status" },
	{ 0, "extra-opts", OPT_STRING, &run.extra_opts, "[=SECTION][@FILE]",
	    "read options from an ini file, by default plugins.ini in /etc/nagios or "
	    "/etc/monitoring-plugins, and there the section named like the program" },
	{ 0 }
};

static const char exits[] =
    "0 OK, 1 WARNING, 2 CRITICAL (also: the time is up), 3 UNKNOWN (also: a wrong option, or "
    "trouble of the check's own).";

/* A clean copy of what was formatted. */
static char *__attribute__((format(printf, 2, 0)))
formatted(size_t max, const char *fmt, va_list ap)
{
	struct buf b = buf_new(1 << 16);
	char *text;

	buf_vfmt(&b, fmt, ap);
	text = check_out_clean(b.p != NULL ? buf_slice(&b) : SLICE(""), max, false);
	buf_free(&b);
	return text;
}

static void
add_finding(enum check_state state, char *text)
{
	struct check_answer *a = &run.answer;

	a->finding = xreallocarray(a->finding, a->findings + 1, sizeof *a->finding);
	a->finding[a->findings++] = (struct check_finding){ state, text };
	if (state > a->state)
		a->state = state;
}

static void
add_detail(char *text)
{
	struct check_answer *a = &run.answer;

	a->detail = xreallocarray(a->detail, a->details + 1, sizeof *a->detail);
	a->detail[a->details++] = text;
}

/* Print and end. Nothing is freed: the kernel is quicker. */
static _Noreturn void
finish(void)
{
	struct buf b = buf_new(ANSWER_BYTES);
	int status = check_state_exit(run.answer.state);
	size_t done = 0;

	if (run.json)
		check_out_json(&b, &run.answer);
	else
		check_out_text(&b, &run.answer);
	check_alarm_answering(status);
	while (done < b.n) {
		ssize_t n = write(STDOUT_FILENO, b.p + done, b.n - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	_exit(status);
}

void
check_unknown(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_finding(CHECK_UNKNOWN, formatted(DETAIL_BYTES, fmt, ap));
	va_end(ap);
	finish();
}

void
check_readable(const char *what, const char *path)
{
	struct stat st;

	if (path == NULL)
		return;
	if (access(path, R_OK) != 0 || stat(path, &st) != 0)
		check_unknown("%s %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		check_unknown("%s %s: this is no file", what, path);
}

double
check_deadline(void)
{
	double margin = run.timeout_s / 10;

	return run.begun + run.timeout_s - (margin < 0.25 ? margin : 0.25);
}

/* --- options and limits ------------------------------------------------------- */

static void
fail(const struct program *p, const char *sentence)
{
	(void)p;
	check_unknown("%s", sentence);
}

/* Before any option is read, and again with those of an ini file: --json also shapes the complaint about a bad one. */
static void
begin(const struct program *p, int argc, char **argv)
{
	run.program = p;
	run.answer.program = p->name;
	for (int i = 1; i < argc; i++)
		run.json = run.json || strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--json=") == 0;
	check_alarm_arm(run.answer.name, run.json ? p->name : NULL, run.timeout_s);
}

/* "ratio, dnsbl, rhsbl" */
static void
list_names(struct buf *b)
{
	const struct measure *m = run.program != NULL ? run.program->measures : NULL;
	const char *comma = "";

	if (m == NULL) {
		for (size_t i = 0; i < run.answer.values; i++, comma = ", ")
			buf_fmt(b, "%s%s", comma, run.answer.value[i].name);
		return;
	}
	for (; m->name != NULL; m++, comma = ", ")
		buf_fmt(b, "%s%s", comma, m->name);
}

/* "--extra-opts: -w": where it was given. */
static const char *
given_as(const struct limit *l)
{
	static const char *const ways[2][2] = { { "-w", "-c" }, { "--extra-opts: -w", "--extra-opts: -c" } };

	return ways[l->of_file][l->critical];
}

static void
no_such_name(const struct limit *l, struct buf *b)
{
	const char *typed = check_clean(l->name);
	struct opt_near near = { 0 };

	buf_fmt(b, "%s %s: there is no measurement \"%s\"", given_as(l),
	    check_clean((struct slice){ l->name.p, l->name.n + 1 + l->range.n }), typed);
	for (size_t i = 0; i < run.answer.values; i++)
		opt_near(&near, typed, run.answer.value[i].name);
	if (run.program != NULL && run.program->measures != NULL)
		for (const struct measure *m = run.program->measures; m->name != NULL; m++)
			opt_near(&near, typed, m->name);
	if (near.word != NULL)
		buf_fmt(b, "; did you mean %s?", near.word);
	buf_str(b, near.word != NULL ? " There are: " : "; there are: ");
	list_names(b);
}

static const struct measure *
find_measure(const struct limit *l)
{
	const struct measure *m = run.program->measures;

	if (!l->named)
		return m;
	for (; m->name != NULL; m++)
		if (slice_eq(l->name, slice_of(m->name)))
			return m;
	return NULL;
}

static void
read_range(const struct limit *l, const char *unit, struct range *r)
{
	const struct measure *m = run.program->measures != NULL ? find_measure(l) : NULL;
	struct err e = { "" };

	if (m != NULL && m->in_full != NULL && range_lacks_unit(l->range))
		check_unknown("%s %s=%s: a number without a unit would be seconds; write %s=%s for days",
		    given_as(l), m->name, check_clean(l->range), m->name, m->in_full);
	if (!range_parse(l->range, unit, r, &e))
		check_unknown("%s%s%s: %s", given_as(l), l->named ? " " : "",
		    l->named ? check_clean(l->name) : "", e.text);
	if (m == NULL || r->inside || slice_has(l->range, SLICE(":")))
		return;
	if (m->least)
		*r = (struct range){ .start = r->end, .end = (double)INFINITY };
	else if (m->most)
		r->start = -(double)INFINITY;
}

/* Look at a limit as closely as can be before anything is measured. */
static void
add_limit(const char *text, bool critical, bool of_file)
{
	struct limit l = { .critical = critical, .of_file = of_file, .range = slice_of(text) };
	const struct measure *m = NULL;
	struct range r;

	if (run.take_limit != NULL && run.take_limit(text, critical))
		return;
	l.named = slice_cut(&l.range, '=', &l.name);
	if (run.program->measures != NULL && (m = find_measure(&l)) == NULL) {
		struct buf b = buf_new(4096);

		no_such_name(&l, &b);
		check_unknown("%s", b.p);
	}
	read_range(&l, m != NULL ? m->unit : quantity_any, &r);
	run.limit = xreallocarray(run.limit, run.limits + 1, sizeof *run.limit);
	run.limit[run.limits++] = l;
}

/* What the table says comes first: the last limit of a name wins. */
static void
add_default(const struct measure *m, const char *range, bool critical)
{
	if (range == NULL)
		return;
	run.limit = xreallocarray(run.limit, run.limits + 1, sizeof *run.limit);
	run.limit[run.limits++] = (struct limit){ .critical = critical, .named = true, .used = true,
		.name = slice_of(m->name), .range = slice_of(range) };
}

static void
ready(const struct program *p)
{
	check_alarm_arm(run.answer.name, run.json ? p->name : NULL, run.timeout_s);
	for (const struct measure *m = p->measures; m != NULL && m->name != NULL; m++) {
		add_default(m, m->warn, false);
		add_default(m, m->crit, true);
	}
	for (size_t i = 0; i < run.warn.n; i++)
		add_limit(run.warn.v[i], false, i < run.warn.of_file);
	for (size_t i = 0; i < run.crit.n; i++)
		add_limit(run.crit.v[i], true, i < run.crit.of_file);
}

void
check_begin(const char *name)
{
	static const struct opt_manner manner = {
		.common = common, .exit_status = exits, .extra_opts = true, .help_status = 3,
		.begin = begin, .fail = fail, .ready = ready
	};

	run.begun = clock_now();
	run.answer.name = name;
	run.answer.program = name;
	run.answer.extra = buf_new(ANSWER_BYTES / 2);
	opt_set_manner(&manner);
	check_alarm_arm(name, NULL, run.timeout_s);
}

void
check_own_limits(bool (*take)(const char *text, bool critical))
{
	run.take_limit = take;
}

/* --- what was measured --------------------------------------------------------- */

/* Is l meant for this name? The main measurement is the first of the table, else
 * the first that was given. */
static bool
applies(const struct limit *l, const char *name)
{
	const char *main_name = name;

	if (l->named)
		return slice_eq(l->name, slice_of(name));
	if (run.program != NULL && run.program->measures != NULL)
		main_name = run.program->measures[0].name;
	else if (run.answer.values > 0)
		main_name = run.answer.value[0].name;
	return strcmp(name, main_name) == 0;
}

bool
check_has_limit(const char *name)
{
	for (size_t i = 0; i < run.limits; i++)
		if (applies(&run.limit[i], name))
			return true;
	return false;
}

struct slice
check_limit_name(size_t i)
{
	for (size_t l = 0; l < run.limits; l++) {
		bool again = !run.limit[l].named;

		for (size_t k = 0; k < l && !again; k++)
			again = run.limit[k].named && slice_eq(run.limit[k].name, run.limit[l].name);
		if (!again && i-- == 0)
			return run.limit[l].name;
	}
	return SLICE("");
}

static enum check_state
judge(const struct check_measured *v)
{
	if (!isfinite(v->value))
		return CHECK_UNKNOWN;
	if (v->has_crit && range_alerts(&v->crit, v->value))
		return CHECK_CRITICAL;
	if (v->has_warn && range_alerts(&v->warn, v->value))
		return CHECK_WARNING;
	return CHECK_OK;
}

/* A value with the limits that are meant for it. */
static struct check_measured
limited(const char *name, double value, const char *unit)
{
	struct check_measured v = { .name = name, .unit = unit,
		.value = isfinite(value) ? value : (double)NAN };

	for (size_t i = 0; i < run.limits; i++) {
		struct limit *l = &run.limit[i];

		if (!applies(l, name))
			continue;
		l->used = true;
		read_range(l, unit, l->critical ? &v.crit : &v.warn);	/* the last one wins */
		v.has_crit = v.has_crit || l->critical;
		v.has_warn = v.has_warn || !l->critical;
	}
	return v;
}

/* Keep it; later additions move it. */
static struct check_measured *
add_value(struct check_measured v)
{
	struct check_answer *a = &run.answer;

	a->value = xreallocarray(a->value, a->values + 1, sizeof *a->value);
	a->value[a->values] = v;
	return &a->value[a->values++];
}

bool
check_would_ring(const char *name, double value, const char *unit)
{
	const struct check_measured v = limited(name, value, unit);

	return judge(&v) > CHECK_OK;
}

enum check_state
check_value(const char *name, double value, const char *unit)
{
	struct check_measured *v = add_value(limited(name, value, unit));

	v->state = judge(v);
	if (v->state > run.answer.state)
		run.answer.state = v->state;
	return v->state;
}

void
check_show(const char *name, double value, const char *unit)
{
	(void)add_value(limited(name, value, unit));
}

void
check_known(const char *name, double value, const char *unit)
{
	if (isnan(value))
		check_show(name, value, unit);
	else
		check_value(name, value, unit);
}

void
check_asked(const char *name, double value, const char *unit)
{
	if (check_has_limit(name))
		check_value(name, value, unit);
	else
		check_known(name, value, unit);
}

void
check_words(const char *name, const char *after, const char *fmt, ...)
{
	va_list ap;

	for (size_t i = 0; i < run.answer.values; i++) {
		struct check_measured *v = &run.answer.value[i];

		if (strcmp(v->name, name) != 0)
			continue;
		va_start(ap, fmt);
		free(v->words);
		v->words = formatted(DETAIL_BYTES, fmt, ap);
		va_end(ap);
		free(v->after);
		v->after = after == NULL ? NULL :
		    check_out_clean(slice_of(after), DETAIL_BYTES, false);
	}
}

void
check_state(enum check_state state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_finding(state, formatted(DETAIL_BYTES, fmt, ap));
	va_end(ap);
}

void
check_detail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_detail(formatted(DETAIL_BYTES, fmt, ap));
	va_end(ap);
}

enum check_state
check_worst(void)
{
	return run.answer.state;
}

bool
check_is_verbose(int level)
{
	return run.verbose >= level;
}

bool
check_is_json(void)
{
	return run.json;
}

void
check_verbose(int level, const char *fmt, ...)
{
	va_list ap;

	if (!check_is_verbose(level))
		return;
	va_start(ap, fmt);
	add_detail(formatted(DETAIL_BYTES, fmt, ap));
	va_end(ap);
}

void
check_link(const char *what, const char *url)
{
	struct buf b = buf_new(4096);

	buf_fmt(&b, "%s: %s", what, url);
	if (!b.full)
		add_detail(check_out_clean(buf_slice(&b), 4096, true));
	buf_free(&b);
}

void
check_extra(const char *name, struct slice json)
{
	struct buf *b = &run.answer.extra;
	struct buf t = buf_new(ANSWER_BYTES / 2);

	buf_char(&t, ',');
	buf_json(&t, slice_of(name));
	buf_char(&t, ':');
	buf_add(&t, json);
	if (!t.full)
		buf_add(b, buf_slice(&t));
	buf_free(&t);
}

void
check_phase(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = formatted(PEER_BYTES, fmt, ap);
	va_end(ap);
	check_alarm_phase(text);
	free(text);
}

const char *
check_clean(struct slice s)
{
	static char *ring[8];
	static unsigned next;
	char **slot = &ring[next++ % 8];

	free(*slot);
	*slot = check_out_clean(s, PEER_BYTES, false);
	return *slot;
}

const char *
check_people(double v, const char *unit)
{
	static struct buf ring[16];
	static unsigned next;
	struct buf *b = &ring[next++ % 16];

	buf_free(b);
	*b = buf_new(64);
	quantity_people(b, v, unit);
	return b->p;
}

/* A limit that judged nothing is a mistake that must not pass for OK. When
 * the check found something bad first, it just did not get that far. */
static void
unused_limits(void)
{
	bool cut_short = run.answer.state >= CHECK_WARNING;

	for (size_t i = 0; i < run.limits; i++) {
		const struct limit *l = &run.limit[i];
		struct buf b = buf_new(4096);

		if (l->used)
			continue;
		if (l->named && run.program->measures == NULL)
			no_such_name(l, &b);
		else
			buf_fmt(&b, "%s %s: not measured", l->critical ? "-c" : "-w",
			    l->named ? check_clean(l->name) : check_clean(l->range));
		if (cut_short)
			check_detail("%s", b.p);
		else
			check_state(CHECK_UNKNOWN, "%s", b.p);
		buf_free(&b);
	}
}

void
check_before_done(void (*f)(void))
{
	run.before_done = f;
}

void
check_done(void)
{
	if (run.before_done != NULL)
		run.before_done();
	unused_limits();
	finish();
}
