/* check_rrd - the newest values of RRDs, anybody's, against limits; and when they will reach one.
 *
 * Reads files, or asks rrdcached to write down what it holds first. The value is arithmetic over
 * data sources (expr.h), brought together over a window; the trend is trend.h's. Names of data
 * sources come from files and are cleaned. The home of librrd among the checks. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rrd.h>
#include <rrd_client.h>

#include "check.h"
#include "expr.h"
#include "mem.h"
#include "quantity.h"
#include "trend.h"

#include "poison.h"

enum { DEFS_MAX = 50, POINTS_MAX = 1 << 22 };

static struct opt_list defs_given;
static const char *expression, *consolidation = "AVERAGE", *take = "avg", *unit_given = "none";
static const char *daemon_address, *daemon_base, *until_text, *title, *graph_url;
static double window_s = 900, stale_s = 900, span_s = 14 * 86400;
static int64_t at;
static bool season, below;

static const struct opt opts[] = {
	{ 'e', "expr", OPT_STRING, &expression, "EXPR",
	    "the value: arithmetic over data sources of FILE and names of --def: \"used/(used+free)*100\" "
	    "(default: the first data source)" },
	{ 0, "def", OPT_LIST, &defs_given, "NAME=FILE:DS[:CF]",
	    "a data source of some file, under a name; may be given again" },
	{ 0, "cf", OPT_CHOICE, &consolidation, "AVERAGE|MIN|MAX|LAST", "which archives are read" },
	{ 0, "window", OPT_DURATION, &window_s, "TIME", "how far to look back", .min = 1, .max = 4e8 },
	{ 0, "take", OPT_CHOICE, &take, "avg|min|max|last", "what of the values in the window" },
	{ 0, "unit", OPT_CHOICE, &unit_given, "none|%|s|B|/min", "what the value is" },
	{ 0, "name", OPT_STRING, &title, "TEXT", "what the value is called in the answer" },
	{ 0, "stale", OPT_DURATION, &stale_s, "TIME", "UNKNOWN if the newest known value is older",
	    .min = 1, .max = 4e8 },
	{ 0, "until", OPT_STRING, &until_text, "VALUE",
	    "measure left: how long until the trend reaches VALUE, \"90%\", \"500GB\"" },
	{ 0, "below", OPT_FLAG, &below, NULL, "VALUE is reached from above: free space, remaining days" },
	{ 0, "span", OPT_DURATION, &span_s, "TIME", "what the trend is drawn from", .min = 3600, .max = 4e8 },
	{ 0, "season", OPT_FLAG, &season, NULL, "the value has a daily tide, which is no growth" },
	{ 'd', "daemon", OPT_STRING, &daemon_address, "ADDRESS",
	    "rrdcached, unix:/path or host:port: it writes first what it holds of the files" },
	{ 0, "daemon-base", OPT_STRING, &daemon_base, "DIR",
	    "the base folder (-b) of an rrdcached that is asked over TCP: it knows files by where they are below it" },
	{ 0, "at", OPT_TIME, &at, "TIME",
	    "answer as of then: \"2026-11-20 03:00\", \"yesterday 03:00\", \"-2h\", \"@EPOCH\"" },
	{ 0, "graph-url", OPT_STRING, &graph_url, "URL", "address of the graph, printed with the details" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "value", quantity_any, "the value, in the unit of --unit" },
	{ "left", "s", "time until the trend reaches --until; a bare number is the least", .least = true },
	{ "per_day", quantity_any, "what the trend adds in a day, with --until; a number alone is the most", .most = true },
	{ "age", "s", "age of the newest known value" },
	{ "failures", "", "steps in the window that Holt-Winters' archives call aberrant" },
	{ 0 }
};

static const struct program program = {
	"check_rrd", "values of RRD files, and when their trend reaches a limit",
	"Any RRD will do: the collector's, Cacti's, those of other tools. Names in EXPR are data sources of "
	"FILE, or of --def; there are + - * / ( ) min(a,b) max(a,b) abs(a).\n\n"
	"The trend is the median of the slopes between points of --span, so single jumps do not move it. "
	"Where it is as likely to fall as to rise, left is not judged. With --season a day's tide is no "
	"growth, and the limit is reached at its height.\n\n"
	"failures is measured when it has a limit, and needs an RRA of FAILURES in the first file.",
	opts, .args = "[FILE]", .measures = measures,
	.examples = "check_rrd -w 80 -c 95 --unit % -e 'used/(used+free)*100' /var/lib/rrd/disk.rrd\n"
	    "check_rrd --until 90% --unit % -w left=7d -c left=2d -e 'used/(used+free)*100' disk.rrd\n"
	    "check_rrd -d unix:/run/rrdcached.sock --window 1h --take max -w 500 queue.rrd\n"
	    "check_rrd --def a=mx1.rrd:conn --def b=mx2.rrd:conn -e 'abs(a-b)/max(a,b)' -w 0.3"
};

/* One data source, over the time that was asked for. */
struct def {
	char *name, *file, *ds, *cf;
	bool used;
	int64_t start, step;		/* value i is of the step that ends at start + (i + 1) * step */
	size_t n;
	double *v;
};

static struct {
	struct def def[DEFS_MAX];
	size_t n;
	struct expr x;
	const char *unit;
	int64_t now;
} run;

/* --- what is asked ---------------------------------------------------------------------- */

static struct def *
add_def(struct slice name, struct slice file, struct slice ds, struct slice cf)
{
	struct def *d = &run.def[run.n];

	if (run.n == DEFS_MAX)
		check_unknown("more than %d data sources", DEFS_MAX);
	run.n++;
	*d = (struct def){ .name = xslicedup(name), .file = xslicedup(file), .ds = xslicedup(ds),
		.cf = xslicedup(cf) };
	return d;
}

/* NAME=FILE:DS[:CF]; a colon of the file's name is written as "\:". */
static void
read_def(const char *text)
{
	struct slice all = slice_of(text), name, part[3] = { { 0 } };
	char *file = xstrdup(text), *to = file;
	size_t n = 0;

	if (!slice_cut(&all, '=', &name) || name.n == 0)
		check_unknown("--def %s: it is NAME=FILE:DS or NAME=FILE:DS:CF", check_clean(slice_of(text)));
	part[0].p = to;
	for (size_t i = 0; i < all.n; i++) {
		if (all.p[i] == '\\' && i + 1 < all.n && all.p[i + 1] == ':') {
			*to++ = all.p[++i];
		} else if (all.p[i] == ':' && n < 2) {
			part[n].n = (size_t)(to - part[n].p);
			part[++n].p = to;
		} else {
			*to++ = all.p[i];
		}
	}
	part[n].n = (size_t)(to - part[n].p);
	if (n == 0 || part[0].n == 0 || part[1].n == 0)
		check_unknown("--def %s: it is NAME=FILE:DS or NAME=FILE:DS:CF", check_clean(slice_of(text)));
	(void)add_def(name, part[0], part[1], n == 2 ? part[2] : slice_of(consolidation));
	free(file);
}

static const char *
rrd_error(const char *file)
{
	const char *why = rrd_get_error();
	size_t n = strlen(file);

	/* it often begins with the file's name */
	if (strncmp(why, file, n) == 0 && strncmp(why + n, ": ", 2) == 0)
		why += n + 2;
	return check_clean(slice_of(why));
}

/* What librrd says of a folder or an empty file has no cause. */
static void
look_at(const char *file)
{
	struct stat st;

	if (access(file, R_OK) != 0 || stat(file, &st) != 0)
		check_unknown("%s: %s", check_clean(slice_of(file)), strerror(errno));
	if (!S_ISREG(st.st_mode))
		check_unknown("%s: this is no file", check_clean(slice_of(file)));
	if (st.st_size == 0)
		check_unknown("%s: it is empty", check_clean(slice_of(file)));
}

/* The data sources of FILE, each under its own name; the info has them in order. */
static void
read_file_sources(const char *file)
{
	rrd_info_t *info, *i;

	look_at(file);
	check_phase("reading %s", file);
	if ((info = rrd_info_r(file)) == NULL)
		check_unknown("%s: %s", check_clean(slice_of(file)), rrd_error(file));
	for (i = info; i != NULL; i = i->next) {
		struct slice key = slice_of(i->key), name;

		if (slice_eat(&key, SLICE("ds[")) && slice_cut(&key, ']', &name) &&
		    slice_eq(key, SLICE(".index")))
			(void)add_def(name, slice_of(file), name, slice_of(consolidation));
	}
	rrd_info_free(info);
}

static bool
resolve(void *arg, struct slice name, unsigned *number)
{
	(void)arg;
	for (size_t i = run.n; i-- > 0; )	/* a name of --def comes before FILE's */
		if (slice_eq(name, slice_of(run.def[i].name))) {
			run.def[i].used = true;
			*number = (unsigned)i;
			return true;
		}
	return false;
}

static void
read_expression(void)
{
	struct buf known = buf_new(700);
	struct slice unknown;
	struct err e = { "" };

	if (run.n == 0)
		check_unknown("no FILE and no --def: there is nothing to read");
	if (expression == NULL)
		expression = run.def[0].name;
	if (expr_parse(&run.x, slice_of(expression), resolve, NULL, &unknown, &e))
		return;
	for (size_t i = 0; i < run.n; i++)
		buf_fmt(&known, "%s%s", i > 0 ? ", " : "", check_clean(slice_of(run.def[i].name)));
	if (unknown.n > 0)
		check_unknown("\"%s\": %s: \"%s\"; there are: %s", check_clean(slice_of(expression)), e.text,
		    check_clean(unknown), known.p);
	check_unknown("\"%s\": %s", check_clean(slice_of(expression)), e.text);
}

/* --- reading ------------------------------------------------------------------------------ */

/* As rrdcached knows the file: over TCP it takes no path from the root, but those below its base folder. */
static const char *
daemon_path(const char *file)
{
	struct slice s = slice_of(file);

	if (file[0] != '/' || daemon_address[0] == '/' || slice_starts(slice_of(daemon_address), SLICE("unix:")))
		return file;
	if (daemon_base == NULL)
		check_unknown("rrdcached at %s knows %s by where it is below a folder of its own (-b): --daemon-base DIR",
		    check_clean(slice_of(daemon_address)), check_clean(s));
	if (!slice_eat(&s, slice_of(daemon_base)) || (!slice_eat_char(&s, '/') && s.p[-1] != '/'))
		check_unknown("%s is not below --daemon-base %s", check_clean(slice_of(file)),
		    check_clean(slice_of(daemon_base)));
	return s.p;
}

static void
flush(const char *file)
{
	if (daemon_address == NULL)
		return;
	check_phase("asking rrdcached at %s to write %s", daemon_address, file);
	if (rrdc_connect(daemon_address) != 0)
		check_unknown("rrdcached at %s: %s", check_clean(slice_of(daemon_address)),
		    rrd_error(daemon_address));
	if (rrdc_flush(daemon_path(file)) != 0)
		check_unknown("rrdcached does not write %s: %s", check_clean(slice_of(file)),
		    check_clean(slice_of(rrd_get_error())));
}

/* The steps that end in from < t <= to, as fine as the file has them. */
static void
fetch(struct def *d, int64_t from, int64_t to)
{
	time_t start = (time_t)from, end = (time_t)to;
	unsigned long step = 1, sources = 0;
	char **names = NULL;
	rrd_value_t *data = NULL;
	size_t which = 0;

	check_phase("reading %s", d->file);
	look_at(d->file);
	if (rrd_fetch_r(d->file, d->cf, &start, &end, &step, &sources, &names, &data) != 0)
		check_unknown("%s: %s", check_clean(slice_of(d->file)), rrd_error(d->file));
	while (which < sources && strcmp(names[which], d->ds) != 0)
		which++;
	if (which == sources)
		check_unknown("%s has no data source \"%s\"", check_clean(slice_of(d->file)),
		    check_clean(slice_of(d->ds)));
	d->start = (int64_t)start;
	d->step = (int64_t)step;
	d->n = (size_t)((end - start) / (time_t)step);
	if (d->n > POINTS_MAX)
		check_unknown("%s has more than %d values in that time", check_clean(slice_of(d->file)),
		    POINTS_MAX);
	free(d->v);
	d->v = xcalloc(d->n + 1, sizeof *d->v);
	for (size_t i = 0; i < d->n; i++)
		d->v[i] = data[i * sources + which];
	for (unsigned long i = 0; i < sources; i++)
		rrd_freemem(names[i]);
	rrd_freemem(names);
	rrd_freemem(data);
}

static double
value_at(void *arg, unsigned number)
{
	const struct def *d = &run.def[number];
	int64_t t = *(const int64_t *)arg, i = (t - d->start + d->step - 1) / d->step - 1;

	return i >= 0 && (size_t)i < d->n ? d->v[i] : (double)NAN;
}

/* The coarsest of what the expression names. */
static const struct def *
coarsest(void)
{
	const struct def *c = NULL;

	for (size_t i = 0; i < run.n; i++)
		if (run.def[i].used && (c == NULL || run.def[i].step > c->step))
			c = &run.def[i];
	return c;
}

struct series {
	int64_t *t;
	double *v;
	size_t n;
	int64_t step;
};

static struct series
read_series(double length_s)
{
	int64_t from = run.now - (int64_t)length_s;
	const struct def *c;
	struct series s = { .step = 1 };

	for (size_t i = 0; i < run.n; i++)
		if (run.def[i].used)
			fetch(&run.def[i], from, run.now);
	if ((c = coarsest()) == NULL)
		check_unknown("\"%s\" names no data source", check_clean(slice_of(expression)));
	s.step = c->step;
	s.t = xcalloc(c->n + 1, sizeof *s.t);
	s.v = xcalloc(c->n + 1, sizeof *s.v);
	for (size_t i = 0; i < c->n; i++) {
		int64_t t = c->start + (int64_t)(i + 1) * c->step;

		if (t - c->step >= run.now)	/* fetch gives the step behind as well */
			break;
		s.t[s.n] = t;
		s.v[s.n++] = expr_eval(&run.x, value_at, &t);
	}
	return s;
}

/* --- answer ------------------------------------------------------------------------------- */

static double
taken(const struct series *s, int64_t from)
{
	double sum = 0, least = (double)INFINITY, most = -(double)INFINITY, last = (double)NAN;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->t[i] <= from || !isfinite(s->v[i]))
			continue;
		n++;
		sum += s->v[i];
		last = s->v[i];
		least = fmin(least, last);
		most = fmax(most, last);
	}
	if (n == 0)
		return (double)NAN;
	return strcmp(take, "avg") == 0 ? sum / (double)n : strcmp(take, "min") == 0 ? least :
	    strcmp(take, "max") == 0 ? most : last;
}

static void
measure_value(void)
{
	/* to see how old the newest is, further back than it may be */
	struct series s = read_series(fmax(window_s, stale_s) + 86400);
	const char *what = title != NULL ? title : expression;
	int64_t newest = 0;
	double v, age;

	for (size_t i = 0; i < s.n; i++)
		if (isfinite(s.v[i]))
			newest = s.t[i];
	/* a step that is not over yet is not late */
	age = newest > 0 ? fmax((double)(run.now - newest), 0) : (double)NAN;
	if (newest == 0)
		check_unknown("%s has no known value in %s: is anybody writing it?",
		    check_clean(slice_of(what)), check_people(fmax(window_s, stale_s) + 86400, "s"));
	if (age > stale_s)
		check_unknown("the newest value of %s is %s old: is anybody writing it?",
		    check_clean(slice_of(what)), check_people(age, "s"));
	v = taken(&s, run.now - (int64_t)fmax(window_s, (double)s.step));
	(void)check_value("value", v, run.unit);
	if (isnan(v))
		check_words("value", NULL, "%s has no known value in %s", check_clean(slice_of(what)),
		    check_people(window_s, "s"));
	else
		check_words("value", NULL, "%s %s", check_clean(slice_of(what)), check_people(v, run.unit));
	(void)check_value("age", age, "s");
	check_verbose(1, "%s of %s, steps of %s", take, check_people(window_s, "s"),
	    check_people((double)s.step, "s"));
	free(s.t);
	free(s.v);
}

static void
measure_trend(void)
{
	struct series s;
	struct trend r;
	struct err e = { "" };
	double target, left;

	if (until_text == NULL) {
		if (check_has_limit("left") || check_has_limit("per_day"))
			check_unknown("left and per_day need --until VALUE");
		return;
	}
	if (!quantity_parse(slice_of(until_text), run.unit, &target, &e))
		check_unknown("--until: %s", e.text);
	s = read_series(span_s);
	trend_fit(&r, s.t, s.v, s.n, run.now, season);
	left = trend_until(&r, target, !below);
	if (!r.known) {
		check_show("left", (double)NAN, "s");
		check_show("per_day", (double)NAN, run.unit);
		check_detail("No trend: too few known values in %s", check_people(span_s, "s"));
		return;
	}
	if (isinf(left))
		check_show("left", (double)NAN, "s");
	else if (check_value("left", left, "s") >= CHECK_OK)
		check_words("left", NULL, left > 0 ? "reaches %s in %s" : "has reached %s",
		    check_people(target, run.unit), check_people(left, "s"));
	(void)check_value("per_day", r.slope * 86400, run.unit);
	check_words("per_day", NULL, "%s a day", check_people(r.slope * 86400, run.unit));
	check_detail(isinf(left) ? "Trend of %s: %s a day (half of it between %s and %s): %s is not reached" :
	    "Trend of %s: %s a day (half of it between %s and %s), %s in %s", check_people(span_s, "s"),
	    check_people(r.slope * 86400, run.unit), check_people(r.least * 86400, run.unit),
	    check_people(r.most * 86400, run.unit), check_people(target, run.unit),
	    check_people(isinf(left) ? 0 : left, "s"));
	free(s.t);
	free(s.v);
}

static void
measure_failures(void)
{
	struct def *d = &run.def[0];
	double n = 0;

	if (!check_has_limit("failures"))
		return;
	d->cf = xstrdup("FAILURES");
	fetch(d, run.now - (int64_t)window_s, run.now);
	for (size_t i = 0; i < d->n; i++)
		n += d->v[i] > 0;
	(void)check_value("failures", n, "");
	check_words("failures", NULL, "%s aberrant steps of %zu", check_people(n, ""), d->n);
}

int
main(int argc, char **argv)
{
	int files;

	check_begin("RRD");
	files = opt_parse(&program, argc, argv);
	if (files > 1)
		check_unknown("more than one FILE: name data sources of others by --def");
	run.unit = strcmp(unit_given, "none") == 0 ? "" : unit_given;
	run.now = at != 0 ? at : (int64_t)time(NULL);
	if (files == 1) {
		flush(argv[1]);
		read_file_sources(argv[1]);
	}
	for (size_t i = 0; i < defs_given.n; i++)
		read_def(defs_given.v[i]);
	for (size_t i = 0; i < run.n; i++)
		if (files == 0 || strcmp(run.def[i].file, argv[1]) != 0)
			flush(run.def[i].file);
	read_expression();
	measure_value();
	measure_trend();
	measure_failures();
	if (graph_url != NULL)
		check_link("Graph", graph_url);
	check_done();	/* the kernel closes and frees quicker than we could */
}
