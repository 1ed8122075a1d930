/* graph.c - see graph.h.
 *
 * What is drawn stands in rrd-templates; how it looks, here. Counts are rates in
 * the files and drawn per minute (or what the template says). A point of the curve is an
 * average over minutes, so that the eye sees the course and not the noise; the maximum in
 * the legend is that of single minutes, in a year as well. Where several counts are added
 * it is the sum of their maxima within a point: at most that.
 *
 * What has the axis on the right is drawn to the scale of the left one: a first attempt tells how high
 * both reach. */
#include "view/graph.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "host.h"
#include "mem.h"
#include "store/rrd.h"
#include "store/rrdlib.h"
#include "poison.h"

enum { ARGS_MAX = 1000, WIDTH = 720, HEIGHT = 220, LABEL_BYTES = 28, TOTAL_BYTES = 17,
	LIST_BYTES = 26, TITLE_BYTES = 92, HOST_BYTES_MIN = 20, SMOOTH = 6 };

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

/* A curve: all draws; of block lists, each draw of each of them. */
struct curve {
	const struct template_draw *draw;
	const struct rrd_list *list;	/* or NULL */
	size_t nth;			/* list */
	const char *colour;
};

/* What an attempt to draw found out. */
struct found {
	bool *curve;			/* has it a value at all? */
	double left, right;		/* how high the stack, and curves of the axis on the right, reach */
};

static size_t
lists(const struct graph *g)
{
	return g->template->lists ? g->lists : 1;
}

static size_t
curves(const struct graph *g)
{
	return g->graph->n * lists(g);
}

const char *
graph_list_colour(size_t i)
{
	static const char colour[GRAPH_LISTS][7] = { "0072B2", "E69F00", "009E73", "D55E00", "CC79A7",
		"56B4E9", "F0E442", "999999" };

	return colour[i % GRAPH_LISTS];
}

static struct curve
curve_at(const struct graph *g, size_t i)
{
	size_t k = i % lists(g);
	const struct template_draw *d = &g->graph->draw[i / lists(g)];

	if (!g->template->lists)
		return (struct curve){ d, NULL, 0, d->colour };
	return (struct curve){ d, &g->list[k], k, graph_list_colour(k) };
}

static bool
is_count(const struct graph *g, const struct template_draw *d)
{
	return g->template->ds[d->ds[0]].source == DS_COUNT;
}

/* How much a step of the left axis is on the right: a round number by which all fits. */
static double
right_scale(const struct found *f)
{
	double least = f->right / f->left, scale;

	if (!(f->left > 0) || !(f->right > 0) || !(least > 1e-9) || !(least < 1e9))
		return 1;
	scale = pow(10, floor(log10(least)));
	return least <= scale ? scale : least <= 2 * scale ? 2 * scale : least <= 5 * scale ? 5 * scale : 10 * scale;
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

/* raw: per second; val: per minute, what is drawn; top: of single minutes; at: val by the left axis. */
static void
define(struct args *a, const struct graph *g, size_t i, double scale)
{
	const struct template_draw *d = curve_at(g, i).draw;
	unsigned per = is_count(g, d) ? g->graph->per_s : 1;
	unsigned by = d->right || d->as == DRAW_MARK ? 1 : g->graph->divide;

	define_sum(a, g, i, "raw", false);
	define_sum(a, g, i, "most", true);
	add(a, "CDEF:val%zu=raw%zu,%u,*,%u,/", i, i, per, by);
	add(a, "CDEF:top%zu=most%zu,%u,*,%u,/", i, i, per, by);
	if (d->right)	/* by the half hour in a day's picture: single questions are noise */
		add(a, "CDEF:run%zu=val%zu,%lld,TRENDNAN", i, i, (long long)(SMOOTH * g->span->step_s));
	else
		add(a, "CDEF:run%zu=val%zu", i, i);
	add(a, "CDEF:at%zu=run%zu,%.9f,/", i, i, d->right ? scale : 1.0);
	add(a, "VDEF:last%zu=val%zu,LAST", i, i);
	add(a, "VDEF:mean%zu=val%zu,AVERAGE", i, i);
	add(a, "VDEF:peak%zu=top%zu,MAXIMUM", i, i);
	add(a, "PRINT:last%zu:%%lf", i);	/* for take_found() */
	if (g->graph->right[0] != '\0') {
		add(a, "VDEF:crest%zu=run%zu,MAXIMUM", i, i);
		add(a, "PRINT:crest%zu:%%lf", i);
	}
}

/* How high the stack is, for take_found(). */
static void
define_stack(struct args *a, const struct graph *g)
{
	struct buf rpn = buf_new(4096);

	if (g->graph->right[0] == '\0')
		return;
	for (size_t i = 0; i < curves(g); i++) {
		if (curve_at(g, i).draw->as == DRAW_STACK || curve_at(g, i).draw->as == DRAW_AREA)
			buf_fmt(&rpn, "%sval%zu%s", rpn.n > 0 ? "," : "", i, rpn.n > 0 ? ",ADDNAN" : "");
	}
	if (rpn.n > 0) {
		add(a, "CDEF:stack=%s", rpn.p);
		add(a, "VDEF:crest=stack,MAXIMUM");
		add(a, "PRINT:crest:%%lf");
	}
	buf_free(&rpn);
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
figure(struct args *a, bool known, const char *what, size_t i, int width, int digits, const char *end)
{
	if (known)
		add(a, "GPRINT:%s%zu:%%%d.%dlf%s", what, i, width, digits, end);
	else
		add(a, "COMMENT:%*s%s", width, "-", end);
}

/* Draw a curve; legend is escaped, "": it has none. */
static void
draw(struct args *a, const struct graph *g, size_t i, const char *legend)
{
	struct curve c = curve_at(g, i);
	const char *colon = legend[0] != '\0' ? ":" : "";

	if (c.draw->as == DRAW_MARK)
		add(a, "TICK:at%zu#%s:-%.3f%s%s", i, c.colour, GRAPH_MARK * (double)(c.nth + 1), colon, legend);
	else if (c.draw->as == DRAW_LINE)
		add(a, "LINE%u:at%zu#%s%s%s", c.draw->width, i, c.colour, colon, legend);
	else
		add(a, "AREA:at%zu#%s:%s%s", i, c.colour, legend, c.draw->as == DRAW_STACK && i > 0 ? ":STACK" : "");
}

/* One line of the legend with its figures. */
static void
draw_row(struct args *a, const struct graph *g, size_t i, bool known)
{
	struct curve c = curve_at(g, i);
	bool counts = is_count(g, c.draw);
	char label[LABEL_BYTES + 1];

	(void)snprintf(label, sizeof label, "%-*.*s", LABEL_BYTES, LABEL_BYTES, c.draw->legend);
	draw(a, g, i, escaped(a, label, sizeof label));
	figure(a, known, "last", i, 11, counts ? 1 : 2, "");
	figure(a, known, "mean", i, 11, counts ? 1 : 2, "");
	figure(a, known, "peak", i, 11, counts ? 1 : 2, g->sum != NULL && counts ? "" : "\\l");
	if (g->sum != NULL && counts)
		add(a, "COMMENT:%*s\\l", TOTAL_BYTES, total(a, g, &c));
}

/* The same of a block list, with the figures of all its curves. */
static void
draw_list(struct args *a, const struct graph *g, size_t nth, const bool *known)
{
	const char *zone = g->list[nth].zone;
	char label[LIST_BYTES + 1];

	if (strlen(zone) > LIST_BYTES)
		zone += strlen(zone) - LIST_BYTES;	/* the end of a zone tells most */
	(void)snprintf(label, sizeof label, "%-*.*s", LIST_BYTES, LIST_BYTES, zone);
	for (size_t i = nth; i < curves(g); i += lists(g)) {
		struct curve c = curve_at(g, i);

		if (i == nth)
			draw(a, g, i, escaped(a, label, sizeof label));
		if (c.draw->as != DRAW_MARK) {
			figure(a, known[i], "last", i, 8, 1, "");
			figure(a, known[i], "mean", i, 8, 1, "");
			figure(a, known[i], "peak", i, 8, 1, "");
		} else {
			figure(a, known[i], "mean", i, 6, 1, "");
		}
		if (is_count(g, c.draw) && g->sum != NULL)
			add(a, "COMMENT:%11s", total(a, g, &c));
	}
	add(a, "COMMENT:\\l");
}

/* Curves of lists that are not the first of theirs: lines with a white rim, since they cross the
 * areas of their own colour; marks in lanes, the first list's above the others. */
static void
draw_rest(struct args *a, const struct graph *g)
{
	for (size_t i = lists(g); i < curves(g); i++) {
		struct curve c = curve_at(g, i);

		if (c.draw->as == DRAW_LINE)
			add(a, "LINE%u:at%zu#FFFFFF", c.draw->width + 2, i);
		if (c.draw->as != DRAW_MARK)
			draw(a, g, i, "");
	}
	for (size_t i = curves(g); i-- > lists(g); ) {
		struct curve c = curve_at(g, i);

		if (c.draw->as != DRAW_MARK)
			continue;
		if (c.nth + 1 == lists(g))
			add(a, "CDEF:lane%zu=at%zu", i, i);
		else
			add(a, "CDEF:lane%zu=at%zu,lane%zu,ADDNAN", i, i, i + 1);
		add(a, "TICK:lane%zu#FFFFFF:-%.3f", i, GRAPH_MARK * (double)(c.nth + 1));
		draw(a, g, i, "");
	}
}

static void
when(int64_t t, char *out, size_t size)
{
	time_t at = (time_t)t;
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M %Z", &tm) == 0)
		(void)snprintf(out, size, "%lld", (long long)t);
}

/* A host's name in so many bytes: what does not fit is left out in its middle, since names of a farm
 * often begin alike. */
static struct buf
host_in(size_t room, struct slice name)
{
	struct buf host = buf_new(1024);

	room = room < HOST_BYTES_MIN ? HOST_BYTES_MIN : room;
	if (name.n <= room) {
		buf_clean(&host, name, room);
	} else {
		buf_clean(&host, name, room / 2);
		buf_char(&host, '~');
		buf_clean(&host, slice_from(name, name.n - (room - 1 - room / 2)), room);
	}
	return host;
}

static void
head(struct args *a, const struct graph *g, const char *file, const struct found *known)
{
	bool farm = strcmp(g->host, HOST_FARM) == 0;
	size_t others = strlen(g->graph->title) + strlen(g->span->name) + 4;
	struct buf host = host_in(others < TITLE_BYTES ? TITLE_BYTES - others : 0, slice_of(g->host));

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
	add(a, "--right-axis=%.9f:0", right_scale(known));	/* the newest values are there */
	if (known->right > 0)	/* else it shows the scale of the left one */
		add(a, "--right-axis-label=%s", g->graph->right);
	if (g->graph->log_scale) {
		add(a, "--logarithmic");
		add(a, "--units=si");	/* else it writes 5e-01; on the right it can do better */
		add(a, "--right-axis-format=%%lg");
	} else {
		add(a, "--lower-limit=0");
		add(a, "--units-exponent=0");
		add(a, "--left-axis-format=%%.7lg");	/* else 0.06 and 0.14 both are 0.1 */
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

/* Those of the lists: all curves side by side. */
static void
headings_lists(struct args *a, const struct graph *g)
{
	add(a, "COMMENT:%*s", LIST_BYTES + 2, "");
	for (size_t k = 0; k < g->graph->n; k++) {
		const struct template_draw *d = &g->graph->draw[k];

		if (d->as == DRAW_MARK) {
			add(a, "COMMENT:%6.6s", d->legend);
			continue;
		}
		add(a, "COMMENT:%8s", k == 0 ? "last" : d->legend);
		add(a, "COMMENT:%8s", "average");
		add(a, "COMMENT:%8s", "maximum");
		if (is_count(g, d) && g->sum != NULL)
			add(a, "COMMENT:%11s", "total");
	}
	add(a, "COMMENT:\\l");
}

static void
foot(struct args *a, const struct graph *g)
{
	char from[64], to[64];

	when(g->end - g->span->s, from, sizeof from);
	when(g->end, to, sizeof to);
	add(a, "COMMENT:%s to %s\\r", escaped(a, from, sizeof from), escaped(a, to, sizeof to));
}

/* By the PRINTs of define() and define_stack(). */
static void
take_found(const rrd_info_t *info, const struct graph *g, struct found *f)
{
	bool right = g->graph->right[0] != '\0';
	size_t n = 0, each = right ? 2 : 1;

	f->left = f->right = 0;
	for (; info != NULL; info = info->next) {
		double v;

		if (strncmp(info->key, "print[", 6) != 0)
			continue;
		v = strtod(info->value.u_str, NULL);
		if (n >= each * curves(g))
			f->left = v;
		else if (n % each == 0)
			f->curve[n / each] = !isnan(v);
		else if (curve_at(g, n / each).draw->right && v > f->right)
			f->right = v;
		n++;
	}
}

static bool
render(struct args *a, const struct graph *g, struct graph_size *size, struct found *f, const char *file,
    struct err *e)
{
	rrd_info_t *info;

	if (!librrd_load(e))
		return false;
	info = librrd.rrd_graph_v(a->n, a->v);
	if (info == NULL || librrd.rrd_test_error()) {
		err_set(e, "draw %s: %s", file, librrd.rrd_test_error() ? librrd.rrd_get_error() : "librrd failed");
		librrd.rrd_clear_error();
		if (info != NULL)
			librrd.rrd_info_free(info);
		return false;
	}
	for (const rrd_info_t *i = info; i != NULL; i = i->next) {
		if (strcmp(i->key, "image_width") == 0)
			size->width = (int)i->value.u_cnt;
		else if (strcmp(i->key, "image_height") == 0)
			size->height = (int)i->value.u_cnt;
	}
	take_found(info, g, f);
	librrd.rrd_info_free(info);
	return true;
}

/* Draw into a file of our own, with what was found out before. */
static bool
attempt(const struct graph *g, const char *new, const char *file, const struct found *known,
    struct found *found, struct graph_size *size, struct err *e)
{
	struct args a = { .n = 0 };
	double scale = right_scale(known);
	bool good;

	head(&a, g, new, known);
	for (size_t i = 0; i < curves(g); i++)
		define(&a, g, i, scale);
	define_stack(&a, g);
	if (g->template->lists) {
		headings_lists(&a, g);
		for (size_t k = 0; k < lists(g); k++)
			draw_list(&a, g, k, known->curve);
		draw_rest(&a, g);
	} else {
		headings(&a, g->sum != NULL && is_count(g, g->graph->draw));
		for (size_t i = 0; i < curves(g); i++)
			draw_row(&a, g, i, known->curve[i]);
	}
	foot(&a, g);
	good = render(&a, g, size, found, file, e);
	arena_free(&a.memory);
	return good;
}

bool
graph_draw(const struct graph *g, struct graph_size *size, struct err *e)
{
	struct buf path = buf_new(4096), new = buf_new(4096);
	size_t n = curves(g);
	struct found before = { .curve = xcalloc(n, sizeof *before.curve) };
	struct found after = { .curve = xcalloc(n, sizeof *after.curve) };
	char file[GRAPH_FILE_BYTES];
	bool good;

	graph_file(g, file);
	buf_fmt(&path, "%s/%s", g->out, file);
	buf_fmt(&new, "%s.new", path.p);
	for (size_t i = 0; i < n; i++)
		before.curve[i] = after.curve[i] = true;
	good = new.full ? err_set(e, "%s: the name is too long", g->out) :
	    attempt(g, new.p, path.p, &before, &after, size, e);
	if (good && (memcmp(before.curve, after.curve, n * sizeof *before.curve) != 0 || after.right > 0))
		good = attempt(g, new.p, path.p, &after, &before, size, e);
	if (good && rename(new.p, path.p) != 0)
		good = err_set(e, "rename %s: %s", new.p, strerror(errno));
	if (!good)
		(void)unlink(new.p);
	free(before.curve);
	free(after.curve);
	buf_free(&path);
	buf_free(&new);
	return good;
}
