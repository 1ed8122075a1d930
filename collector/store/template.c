/* template.c - see template.h.
 *
 * The files are the administrator's, so every mistake in them is named with file
 * and line; nothing half-read is used. */
#include "template.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "buf.h"
#include "cell.h"
#include "near.h"
#include "poison.h"

enum { DS_MAX = 200, RRA_MAX = 20, NAME_MAX_BYTES = 64, ROWS_MAX = 1000000 };

/* libconfuse hands its error function no argument of ours. */
static struct {
	struct err *e;
	bool said;
} report;

static void __attribute__((format(printf, 2, 0)))
complain(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[400];

	if (report.said)
		return;		/* the first mistake causes the others */
	report.said = true;
	(void)vsnprintf(text, sizeof text, fmt, ap);
	err_set(report.e, "%s:%d: %s", cfg->filename != NULL ? cfg->filename : "?",
	    cfg->line, text);
}

/* A file name, part of others: letters, digits, dash. */
static bool
plain_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < NAME_MAX_BYTES &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static const struct template_ds *
find_ds(const struct template *t, const char *name, unsigned *at)
{
	for (unsigned i = 0; i < t->n_ds; i++) {
		if (strcmp(t->ds[i].name, name) == 0) {
			*at = i;
			return &t->ds[i];
		}
	}
	return NULL;
}

/* "delay_p95", "delay_total_max" */
static bool
quantile(const char *name, struct template_ds *ds)
{
	static const struct {
		const char *tail;
		double q;
	} tails[] = { { "p50", 0.50 }, { "p95", 0.95 }, { "p99", 0.99 }, { "max", 1 } };
	struct slice s = slice_of(name);

	ds->source = DS_QUANTILE;
	ds->hist = CELL_DELAY;
	if (slice_eat(&s, SLICE("delay_total_")))
		ds->hist = CELL_DELAY_TOTAL;
	else if (!slice_eat(&s, SLICE("delay_")))
		return false;
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		ds->q = tails[i].q;
		if (slice_eq(s, slice_of(tails[i].tail)))
			return true;
	}
	return false;
}

/* What is known of a block list. */
static bool
of_list(const char *name, struct template_ds *ds)
{
	static const struct {
		const char *name;
		enum cell_fact of, by;
		double scale;
	} shares[] = {
		{ "latency", CELL_FACT_US, CELL_FACT_TIMED, 1e-3 },	/* milliseconds */
		{ "unhealthy", CELL_FACT_ILL, CELL_FACT_TESTED, 100 },
		{ "unanswered", CELL_FACT_UNANSWERED, CELL_FACT_ASKED, 100 },
	};

	ds->source = DS_COUNT;
	ds->key = CELL_WORD;
	for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
		if (strcmp(name, shares[i].name) != 0)
			continue;
		ds->source = DS_SHARE;
		ds->of = shares[i].of;
		ds->by = shares[i].by;
		ds->scale = shares[i].scale;
	}
	return ds->source == DS_SHARE || strcmp(name, "hits") == 0;
}

/* Called while the file is read, when libconfuse still knows the line. */
static int
check_ds(cfg_t *cfg, cfg_opt_t *opt)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		const char *name = cfg_opt_getnstr(opt, i);
		struct template_ds ds;
		enum metric m;

		if (!metric_by_name(slice_of(name), &m) && !quantile(name, &ds) &&
		    !of_list(name, &ds)) {
			cfg_error(cfg, "there is no metric %s; docs/metrics.md has all", name);
			return -1;
		}
	}
	return 0;
}

static bool
take_ds(cfg_t *cfg, struct template *t, struct arena *a)
{
	unsigned n = cfg_size(cfg, "ds"), twin;
	struct template_ds *ds;

	if (n == 0 || n > DS_MAX) {
		cfg_error(cfg, "ds names %u metrics, it must be 1 to %d", n, DS_MAX);
		return false;
	}
	t->ds = ds = arena_alloc(a, n * sizeof *ds);
	t->sampled = true;
	for (unsigned i = 0; i < n; i++) {
		const char *name = cfg_getnstr(cfg, "ds", i);
		enum metric m;

		if (find_ds(t, name, &twin) != NULL) {
			cfg_error(cfg, "%s is named twice", name);
			return false;
		}
		if (of_list(name, &ds[i]) != t->lists) {
			cfg_error(cfg, "%s: %s", name, t->lists ? "that is not known of each block list" :
			    "that is of a block list, and each = \"dnsbl\" is missing");
			return false;
		}
		if (t->lists) {
			;	/* all said */
		} else if (metric_by_name(slice_of(name), &m)) {
			ds[i].source = metrics[m].kind == METRIC_COUNT ? DS_COUNT : DS_GAUGE;
			ds[i].key = CELL_METRIC + (uint32_t)m;
			ds[i].metric = m;
		} else {
			(void)quantile(name, &ds[i]);
		}
		(void)snprintf(ds[i].name, sizeof ds[i].name, "%s", name);
		t->sampled = t->sampled && ds[i].source == DS_GAUGE;
		t->n_ds = i + 1;
	}
	return true;
}

/* "10m" in seconds, 0 if it is no such thing. */
static unsigned
span_s(struct slice s)
{
	static const struct {
		char unit;
		unsigned s;
	} units[] = { { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'y', 366 * 86400 } };
	uint64_t n;

	if (!slice_u64(&s, &n) || n == 0 || n > 100000 || s.n != 1)
		return 0;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (s.p[0] == units[i].unit && n * units[i].s <= UINT32_MAX)
			return (unsigned)n * units[i].s;
	return 0;
}

/* "AVERAGE 10m 35d 0.9": what, each, for how long, share that may be unknown. */
static bool
parse_rra(struct slice s, struct template_rra *rra)
{
	struct slice cf, step, keep;
	unsigned keep_s;

	if (!slice_cut(&s, ' ', &cf) || !slice_cut(&s, ' ', &step) || !slice_cut(&s, ' ', &keep))
		return false;
	rra->max = slice_eq(cf, SLICE("MAX"));
	if (!rra->max && !slice_eq(cf, SLICE("AVERAGE")))
		return false;
	rra->step_s = span_s(step);
	keep_s = span_s(keep);
	if (rra->step_s == 0 || 86400 % rra->step_s != 0 || keep_s < rra->step_s)
		return false;
	rra->rows = keep_s / rra->step_s;
	return slice_decimal(&s, &rra->xff) && s.n == 0 && rra->xff < 1 && rra->rows <= ROWS_MAX;
}

static int
check_rra(cfg_t *cfg, cfg_opt_t *opt)
{
	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		const char *text = cfg_opt_getnstr(opt, i);
		struct template_rra rra;

		if (!parse_rra(slice_of(text), &rra)) {
			cfg_error(cfg, "rra \"%s\" is not \"AVERAGE|MAX STEP KEEP XFF\" with a "
			    "step that divides a day, as in \"AVERAGE 10m 35d 0.9\"", text);
			return -1;
		}
	}
	return 0;
}

static bool
take_rra(cfg_t *cfg, struct template *t, struct arena *a)
{
	unsigned n = cfg_size(cfg, "rra");
	struct template_rra *rra;
	bool minutes = false;

	if (n > RRA_MAX) {
		cfg_error(cfg, "%u RRAs are too many, at most %d", n, RRA_MAX);
		return false;
	}
	t->rra = rra = arena_alloc(a, n * sizeof *rra);
	t->n_rra = n;
	for (unsigned i = 0; i < n; i++) {
		(void)parse_rra(slice_of(cfg_getnstr(cfg, "rra", i)), &rra[i]);
		minutes |= !rra[i].max && rra[i].step_s == 60;
	}
	if (!minutes)
		cfg_error(cfg, "no rra keeps the minutes: \"AVERAGE 1m 8d 0.5\" is missing");
	return minutes;
}

static bool
take_as(cfg_t *cfg, struct template_draw *d)
{
	static const char *const ways[] = { "area", "stack", "line", "mark" };
	const char *as = cfg_getstr(cfg, "as"), *axis = cfg_getstr(cfg, "axis");
	size_t way = 0;

	while (way < sizeof ways / sizeof ways[0] && strcmp(ways[way], as) != 0)
		way++;
	d->as = (enum draw_as)way;
	d->right = strcmp(axis, "right") == 0;
	if (way == sizeof ways / sizeof ways[0])
		cfg_error(cfg, "as = %s is none of area, stack, line, mark", as);
	else if (!d->right && strcmp(axis, "left") != 0)
		cfg_error(cfg, "axis = %s is neither left nor right", axis);
	else if (d->right && d->as != DRAW_LINE)
		cfg_error(cfg, "axis = right is for as = line alone");
	else
		return true;
	return false;
}

static bool
take_draw(cfg_t *cfg, const struct template *t, struct template_draw *d, struct arena *a)
{
	const char *colour = cfg_getstr(cfg, "colour");
	unsigned n = cfg_size(cfg, "of"), *ds;

	if (!take_as(cfg, d))
		return false;
	if (strlen(colour) != 7 || colour[0] != '#' ||
	    strspn(colour + 1, "0123456789abcdefABCDEF") != 6) {
		cfg_error(cfg, "colour = \"%s\" is not like \"#0072B2\"", colour);
		return false;
	}
	(void)snprintf(d->colour, sizeof d->colour, "%s", colour + 1);
	d->width = (unsigned)cfg_getint(cfg, "width");
	if (d->width < 1 || d->width > 5) {
		cfg_error(cfg, "width = %u is not within 1 to 5", d->width);
		return false;
	}
	d->legend = arena_strdup(a, slice_of(cfg_title(cfg)));
	d->n = n;
	d->ds = ds = arena_alloc(a, n * sizeof *ds);
	for (unsigned i = 0; i < n; i++) {
		if (find_ds(t, cfg_getnstr(cfg, "of", i), &ds[i]) == NULL) {
			cfg_error(cfg, "%s is not among the ds of this template",
			    cfg_getnstr(cfg, "of", i));
			return false;
		}
	}
	if (n == 0)
		cfg_error(cfg, "\"%s\" does not say of what", d->legend);
	return n > 0;
}

static bool
take_graph(cfg_t *cfg, const struct template *t, struct template_graph *g, struct arena *a)
{
	unsigned n = cfg_size(cfg, "draw");
	struct template_draw *d;
	long per = cfg_getint(cfg, "per"), divide = cfg_getint(cfg, "divide");

	if (!plain_name(cfg_title(cfg)) || n == 0 || (per != 1 && per != 60 && per != 3600)) {
		cfg_error(cfg, "graph \"%s\" needs a name of a-z0-9-, something to draw, and "
		    "per = 1, 60 or 3600 seconds", cfg_title(cfg));
		return false;
	}
	if (divide < 1 || divide > 1000000000) {
		cfg_error(cfg, "divide = %ld is not within 1 to 1000000000", divide);
		return false;
	}
	g->name = arena_strdup(a, slice_of(cfg_title(cfg)));
	g->title = arena_strdup(a, slice_of(cfg_getstr(cfg, "title")));
	g->unit = arena_strdup(a, slice_of(cfg_getstr(cfg, "unit")));
	g->right = arena_strdup(a, slice_of(cfg_getstr(cfg, "right")));
	g->per_s = (unsigned)per;
	g->log_scale = cfg_getbool(cfg, "log") == cfg_true;
	g->divide = (unsigned)divide;
	g->draw = d = arena_alloc(a, n * sizeof *d);
	g->n = n;
	for (unsigned i = 0; i < n; i++)
		if (!take_draw(cfg_getnsec(cfg, "draw", i), t, &d[i], a))
			return false;
	return true;
}

static bool
take(cfg_t *cfg, struct template *t, struct arena *a)
{
	const char *each = cfg_getstr(cfg, "each");
	unsigned n = cfg_size(cfg, "graph");
	struct template_graph *g;

	t->lists = strcmp(each, "dnsbl") == 0;
	if (!t->lists && each[0] != '\0') {
		cfg_error(cfg, "each = \"%s\" is not \"dnsbl\"", each);
		return false;
	}
	t->title = arena_strdup(a, slice_of(cfg_getstr(cfg, "title")));
	t->order = cfg_getint(cfg, "order");
	if (!take_ds(cfg, t, a) || !take_rra(cfg, t, a))
		return false;
	t->graph = g = arena_alloc(a, n * sizeof *g);
	t->n_graph = n;
	for (unsigned i = 0; i < n; i++)
		if (!take_graph(cfg_getnsec(cfg, "graph", i), t, &g[i], a))
			return false;
	return true;
}

static bool
load(const char *path, struct template *t, struct arena *a, struct err *e)
{
	cfg_opt_t draw[] = {
		CFG_STR("as", "line", CFGF_NONE), CFG_STR("axis", "left", CFGF_NONE),
		CFG_STR("colour", "#000000", CFGF_NONE),
		CFG_INT("width", 1, CFGF_NONE), CFG_STR_LIST("of", NULL, CFGF_NONE), CFG_END()
	};
	cfg_opt_t graph[] = {
		CFG_STR("title", "", CFGF_NONE), CFG_STR("unit", "", CFGF_NONE),
		CFG_STR("right", "", CFGF_NONE),
		CFG_INT("per", 60, CFGF_NONE), CFG_BOOL("log", cfg_false, CFGF_NONE),
		CFG_INT("divide", 1, CFGF_NONE),
		CFG_SEC("draw", draw, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()
	};
	cfg_opt_t root[] = {
		CFG_STR("title", "", CFGF_NONE), CFG_INT("order", 100, CFGF_NONE),
		CFG_STR("each", "", CFGF_NONE),
		CFG_STR_LIST("ds", NULL, CFGF_NONE), CFG_STR_LIST("rra", NULL, CFGF_NONE),
		CFG_SEC("graph", graph, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()
	};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);
	bool good = false;
	int rc;

	report.e = e;
	report.said = false;
	(void)cfg_set_error_function(cfg, complain);
	(void)cfg_set_validate_func(cfg, "ds", check_ds);
	(void)cfg_set_validate_func(cfg, "rra", check_rra);
	rc = cfg_parse(cfg, path);
	if (rc == CFG_FILE_ERROR)
		err_set(e, "%s: %s", path, strerror(errno));
	else if (rc == CFG_SUCCESS)
		good = take(cfg, t, a);
	(void)cfg_free(cfg);
	return good;
}

bool
templates_find(const char *given, char *dir, size_t size, struct err *e)
{
	static const char *const near[] = {
		"../share/mxgauge/rrd-templates", "../../rrd-templates", "../../../rrd-templates", NULL
	};

	if (given != NULL)
		return snprintf(dir, size, "%s", given) < (int)size ||
		    err_set(e, "%s: the name is too long", given);
	return near_find(near, dir, size) ||
	    err_set(e, "no RRD templates were found near the program; name their folder "
	    "(--templates, or the configuration)");
}

static int
only_conf(const struct dirent *d)
{
	return d->d_name[0] != '.' && slice_ends(slice_of(d->d_name), SLICE(".conf"));
}

static int
by_order(const void *a, const void *b)
{
	const struct template *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool
load_named(const char *dir, const char *file, struct templates *t, struct err *e)
{
	struct template *one = &t->t[t->n];
	struct buf path = buf_new(4096);
	char *name = arena_strdup(&t->memory,
	    slice_head(slice_of(file), strlen(file) - strlen(".conf")));
	bool good;

	buf_fmt(&path, "%s/%s", dir, file);
	one->name = name;
	if (path.full || !plain_name(name))
		good = err_set(e, "%s/%s: a template's file name is of a-z0-9-", dir, file);
	else
		good = load(path.p, one, &t->memory, e);
	buf_free(&path);
	t->n++;
	return good;
}

bool
templates_load(const char *dir, struct templates *t, struct err *e)
{
	struct dirent **file;
	int n = scandir(dir, &file, only_conf, alphasort);
	bool good = n > 0;

	*t = (struct templates){ 0 };
	if (n < 0)
		return err_set(e, "read the templates in %s: %s", dir, strerror(errno));
	if (n == 0)
		err_set(e, "there is no template (*.conf) in %s", dir);
	t->t = arena_alloc(&t->memory, (size_t)n * sizeof *t->t);
	for (int i = 0; i < n; i++) {
		good = good && load_named(dir, file[i]->d_name, t, e);
		free(file[i]);
	}
	free(file);
	if (!good)
		templates_free(t);
	else
		qsort(t->t, t->n, sizeof *t->t, by_order);
	return good;
}

void
templates_free(struct templates *t)
{
	arena_free(&t->memory);
	*t = (struct templates){ 0 };
}
