/* graph.c - see graph.h.
 *
 * What is drawn stands in rrd-templates; how it looks, here. Counts are rates in
 * the files and drawn per minute (or what the template says). A point of the curve is an
 * average over minutes, so that the eye sees the course and not the noise; the maximum in
 * the legend is that of single minutes, in a year as well. Where several counts are added
 * it is the sum of their maxima within a point: at most that. */
#include "view/graph.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rrd.h>

#include "buf.h"
#include "mem.h"
#include "store/rrd.h"
#include "poison.h"

enum { ARGS_MAX = 1000, WIDTH = 720, HEIGHT = 220, LABEL_BYTES = 28, TOTAL_BYTES = 17,
	HOST_BYTES = 60 };

const struct graph_span graph_spans[GRAPH_SPANS] = {
	{ "day", 86400, 300, 60 }, { "week", 7 * 86400, 1800, 1800 },
	{ "month", 31 * 86400, 7200, 1800 }, { "year", 366 * 86400, 86400, 7200 }
};

/* The words of a command line of rrdtool. */
struct args {
	struct arena memory;
	char *v[ARGS_MAX];
	int n;
};

static void add(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct args *a, const char *fmt, ...)
{
	struct buf t = buf_new(16384);
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&t, fmt, ap);
	va_end(ap);
	if (a->n < ARGS_MAX - 1)
		a->v[a->n++] = arena_strdup(&a->memory, buf_slice(&t));
	buf_free(&t);
}

/* rrdtool ends a word at a colon; strangers' text may hold control characters. */
static const char *
escaped(struct args *a, const char *text, size_t max)
{
	struct buf clean = buf_new(4096), t = buf_new(8192);
	const char *out;

	buf_clean(&clean, slice_of(text), max);
	for (size_t i = 0; i < clean.n; i++) {
		if (clean.p[i] == ':' || clean.p[i] == '\\')
			buf_char(&t, '\\');
		buf_char(&t, clean.p[i]);
	}
	out = t.n > 0 ? arena_strdup(&a->memory, buf_slice(&t)) : "";
	buf_free(&clean);
	buf_free(&t);
	return out;
}

int64_t
graph_end(int64_t newest, int64_t now, const struct graph_span *span)
{
	int64_t data = newest / 60 * 60 + 60, end = data < now - 6 * 3600 ? data : now;

	return (end + span->step_s - 1) / span->step_s * span->step_s;
}

void
graph_file(const struct graph *g, char out[GRAPH_FILE_BYTES])
{
	char folder[RRD_FOLDER_BYTES];

	rrd_folder(g->host, folder);
	(void)snprintf(out, GRAPH_FILE_BYTES, "%s/%.64s-%.64s-%s.%s", folder, g->template->name,
	    g->graph->name, g->span->name, g->svg ? "svg" : "png");
}

void
graph_rrd(const struct graph *g, const struct rrd_list *list, struct buf *path)
{
	char folder[RRD_FOLDER_BYTES];

	rrd_folder(g->host, folder);
	buf_fmt(path, "%s/%s/%s%s%s.rrd", g->rrd, folder, g->template->name,
	    list != NULL ? "-" : "", list != NULL ? list->zone : "");
}

bool
graph_has_data(const struct graph *g)
{
	struct buf path = buf_new(4096);
	bool has;

	if (g->template->lists)
		return g->lists > 0;	/* which have their files */
	graph_rrd(g, NULL, &path);
	has = !path.full && access(path.p, R_OK) == 0;
	buf_free(&path);
	return has;
}

/* A curve: all draws, or those of each block list one after the other. */
struct curve {
	const struct template_draw *draw;
	const struct rrd_list *list;	/* or NULL */
	const char *colour;
};

static size_t
curves(const struct graph *g)
{
	return g->graph->n * (g->template->lists ? g->lists : 1);
}

static struct curve
curve_at(const struct graph *g, size_t i)
{
	static const char colour[GRAPH_LISTS][7] = { "0072B2", "E69F00", "009E73", "D55E00", "CC79A7",
		"56B4E9", "F0E442", "999999" };
	const struct template_draw *d = &g->graph->draw[i % g->graph->n];
	size_t k = i / g->graph->n;

	if (!g->template->lists)
		return (struct curve){ d, NULL, d->colour };
	return (struct curve){ d, &g->list[k], colour[k % GRAPH_LISTS] };
}

/* The sum of the draw's data sources as NAME; most: of single minutes, else the average. */
static void
define_sum(struct args *a, const struct graph *g, size_t i, const char *name, bool most)
{
	/* minutes themselves reach back eight days, beyond that there are their maxima */
	bool minutes = g->span->s <= 8 * 86400;
	const char *which = !most ? "AVERAGE" : minutes ? "AVERAGE:reduce=MAX" : "MAX:reduce=MAX";
	long long rows = !most ? g->span->row_s : minutes ? 60 : g->span->step_s;
	struct curve c = curve_at(g, i);
	const struct template_draw *d = c.draw;
	struct buf path = buf_new(4096), rpn = buf_new(4096);
	const char *safe;

	graph_rrd(g, c.list, &path);
	safe = escaped(a, path.p, 4000);
	for (size_t k = 0; k < d->n; k++) {
		add(a, "DEF:%s%zud%zu=%s:%s:%s:step=%lld", name, i, k, safe,
		    g->template->ds[d->ds[k]].name, which, rows);
		buf_fmt(&rpn, "%s%s%zud%zu%s", k > 0 ? "," : "", name, i, k, k > 0 ? ",ADDNAN" : "");
	}
	add(a, "CDEF:%s%zu=%s", name, i, rpn.p);
	buf_free(&path);
	buf_free(&rpn);
}

/* raw: per second; val: per minute, what is drawn; top: of single minutes. */
static void
define(struct args *a, const struct graph *g, size_t i, bool counts)
{
	unsigned per = counts ? g->graph->per_s : 1, by = g->graph->divide;

	define_sum(a, g, i, "raw", false);
	define_sum(a, g, i, "most", true);
	add(a, "CDEF:val%zu=raw%zu,%u,*,%u,/", i, i, per, by);
	add(a, "CDEF:top%zu=most%zu,%u,*,%u,/", i, i, per, by);
	add(a, "VDEF:last%zu=val%zu,LAST", i, i);
	add(a, "VDEF:mean%zu=val%zu,AVERAGE", i, i);
	add(a, "VDEF:peak%zu=top%zu,MAXIMUM", i, i);
	add(a, "PRINT:last%zu:%%lf", i);	/* for known() */
}

/* The exact count of the span, as the state has it: 1,234,567. */
static const char *
total(struct args *a, const struct graph *g, const struct curve *c)
{
	const struct template_draw *d = c->draw;
	uint32_t word = c->list != NULL ? c->list->word : 0;
	struct buf t = buf_new(64);
	char digits[32];
	int64_t n = 0;
	const char *out;
	int len;

	for (size_t k = 0; k < d->n; k++)
		n += cell_get(g->sum, g->template->ds[d->ds[k]].key + word);
	n /= g->graph->divide;
	len = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
	buf_str(&t, n < 0 ? "-" : "");
	for (int i = 0; i < len; i++)
		buf_fmt(&t, "%s%c", i > 0 && (len - i) % 3 == 0 ? "," : "", digits[i]);
	out = arena_strdup(&a->memory, buf_slice(&t));
	buf_free(&t);
	return out;
}

/* A figure, or a dash where rrdtool would write "-nan". */
static void
figure(struct args *a, bool known, const char *what, size_t i, const char *number, const char *end)
{
	if (known)
		add(a, "GPRINT:%s%zu:%s%s", what, i, number, end);
	else
		add(a, "COMMENT:%11s%s", "-", end);
}

/* One line of the legend with its figures. */
static void
draw(struct args *a, const struct graph *g, size_t i, bool counts, bool known)
{
	struct curve c = curve_at(g, i);
	const struct template_draw *d = c.draw;
	const char *legend = c.list != NULL ? c.list->zone : d->legend;
	const char *number = counts ? "%11.1lf" : "%11.2lf";
	char label[LABEL_BYTES + 1];
	const char *safe;

	if (c.list != NULL && strlen(legend) > LABEL_BYTES)
		legend += strlen(legend) - LABEL_BYTES;		/* the end of a zone tells most */
	(void)snprintf(label, sizeof label, "%-*.*s", LABEL_BYTES, LABEL_BYTES, legend);
	safe = escaped(a, label, sizeof label);
	if (d->as == DRAW_LINE)
		add(a, "LINE%u:val%zu#%s:%s", d->width, i, c.colour, safe);
	else
		add(a, "AREA:val%zu#%s:%s%s", i, c.colour, safe,
		    d->as == DRAW_STACK && i > 0 ? ":STACK" : "");
	figure(a, known, "last", i, number, "");
	figure(a, known, "mean", i, number, "");
	figure(a, known, "peak", i, number, g->sum != NULL && counts ? "" : "\\l");
	if (g->sum != NULL && counts)
		add(a, "COMMENT:%*s\\l", TOTAL_BYTES, total(a, g, &c));
}

static void
when(int64_t t, char *out, size_t size)
{
	time_t at = (time_t)t;
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M %Z", &tm) == 0)
		(void)snprintf(out, size, "%lld", (long long)t);
}

static void
head(struct args *a, const struct graph *g, const char *file)
{
	bool farm = strcmp(g->host, RRD_FARM) == 0;
	struct buf host = buf_new(1024);

	buf_clean(&host, slice_of(g->host), HOST_BYTES);
	add(a, "graph");
	add(a, "%s", file);
	add(a, "--imgformat=%s", g->svg ? "SVG" : "PNG");
	add(a, "--start=%lld", (long long)(g->end - g->span->s));
	add(a, "--end=%lld", (long long)g->end);
	add(a, "--step=%lld", (long long)g->span->step_s);
	add(a, "--width=%d", WIDTH);
	add(a, "--height=%d", HEIGHT);
	add(a, "--title=%s: %s, %s", farm ? "farm" : host.p != NULL ? host.p : "?",
	    g->graph->title, g->span->name);
	add(a, "--vertical-label=%s", g->graph->unit);
	add(a, "--font=TITLE:11:");
	add(a, "--disable-rrdtool-tag");
	add(a, "--border=0");
	add(a, "--color=BACK#FFFFFF");
	add(a, "--color=CANVAS#FFFFFF");
	add(a, "--color=ARROW#FFFFFF");
	add(a, "--right-axis=1:0");	/* the newest values are there */
	if (g->graph->log_scale) {
		add(a, "--logarithmic");
		add(a, "--units=si");	/* else it writes 5e-01; on the right it can do better */
		add(a, "--right-axis-format=%%lg");
	} else {
		add(a, "--lower-limit=0");
		add(a, "--units-exponent=0");
		add(a, "--right-axis-format=%%.10lg");
	}
	buf_free(&host);
}

/* The headings of the figures. Each is a word of its own as the figures are: rrdtool puts
 * a space between words. */
static void
headings(struct args *a, bool total)
{
	add(a, "COMMENT:%*s", LABEL_BYTES + 2, "");
	add(a, "COMMENT:%11s", "last");
	add(a, "COMMENT:%11s", "average");
	add(a, "COMMENT:%11s%s", "maximum", total ? "" : "\\l");
	if (total)
		add(a, "COMMENT:%*s\\l", TOTAL_BYTES, "total");
}

static void
foot(struct args *a, const struct graph *g)
{
	char from[64], to[64];

	when(g->end - g->span->s, from, sizeof from);
	when(g->end, to, sizeof to);
	add(a, "COMMENT:%s to %s\\r", escaped(a, from, sizeof from), escaped(a, to, sizeof to));
}

/* Which curves have a value at all, by the PRINTs of define(). */
static void
known(const rrd_info_t *info, bool *curve, size_t n)
{
	size_t i = 0;

	for (; info != NULL && i < n; info = info->next)
		if (strncmp(info->key, "print[", 6) == 0)
			curve[i++] = strstr(info->value.u_str, "nan") == NULL;
}

static bool
render(struct args *a, struct graph_size *size, bool *curve, size_t n, const char *file,
    struct err *e)
{
	rrd_info_t *info = rrd_graph_v(a->n, a->v);

	if (info == NULL || rrd_test_error()) {
		err_set(e, "draw %s: %s", file, rrd_test_error() ? rrd_get_error() : "librrd failed");
		rrd_clear_error();
		if (info != NULL)
			rrd_info_free(info);
		return false;
	}
	for (const rrd_info_t *i = info; i != NULL; i = i->next) {
		if (strcmp(i->key, "image_width") == 0)
			size->width = (int)i->value.u_cnt;
		else if (strcmp(i->key, "image_height") == 0)
			size->height = (int)i->value.u_cnt;
	}
	known(info, curve, n);
	rrd_info_free(info);
	return true;
}

/* Draw into a file of our own; curve: which are known, as it was found out before. */
static bool
attempt(const struct graph *g, const char *new, const char *file, const bool *curve, bool *found,
    struct graph_size *size, struct err *e)
{
	struct args a = { .n = 0 };
	bool counts = true, good;

	head(&a, g, new);
	for (size_t i = 0; i < curves(g); i++) {
		counts = g->template->ds[curve_at(g, i).draw->ds[0]].source == DS_COUNT;
		define(&a, g, i, counts);
	}
	headings(&a, g->sum != NULL && counts);
	for (size_t i = 0; i < curves(g); i++)
		draw(&a, g, i, counts, curve[i]);
	foot(&a, g);
	good = render(&a, size, found, curves(g), file, e);
	arena_free(&a.memory);
	return good;
}

bool
graph_draw(const struct graph *g, struct graph_size *size, struct err *e)
{
	struct buf path = buf_new(4096), new = buf_new(4096);
	size_t n = curves(g);
	bool *curve = xcalloc(n, sizeof *curve), *found = xcalloc(n, sizeof *found);
	char file[GRAPH_FILE_BYTES];
	bool good;

	graph_file(g, file);
	buf_fmt(&path, "%s/%s", g->out, file);
	buf_fmt(&new, "%s.new", path.p);
	for (size_t i = 0; i < n; i++)
		curve[i] = found[i] = true;
	good = new.full ? err_set(e, "%s: the name is too long", g->out) :
	    attempt(g, new.p, path.p, curve, found, size, e);
	if (good && memcmp(curve, found, n * sizeof *curve) != 0)
		good = attempt(g, new.p, path.p, found, curve, size, e);
	if (good && rename(new.p, path.p) != 0)
		good = err_set(e, "rename %s: %s", new.p, strerror(errno));
	if (!good)
		(void)unlink(new.p);
	free(curve);
	free(found);
	buf_free(&path);
	buf_free(&new);
	return good;
}
