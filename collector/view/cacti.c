/* cacti.c - see cacti.h. */
#include "view/cacti.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"
#include "mem.h"
#include "view/cactigraph.h"
#include "view/cactixml.h"
#include "poison.h"

/* Cacti keeps 512 bytes of an answer and of a command line, 150 of a part of a CDEF. */
enum { XML_BYTES = 32 << 20, ANSWER_BYTES = 511, CHUNK_BYTES = 140,
	TITLE_BYTES = 200, VALUE_BYTES = 17 /* ":-12345678901234 " */ };

/* Cacti's numbers. */
enum { TYPE_GAUGE = 1, TYPE_DERIVE = 3, TYPE_ABSOLUTE = 4, CDEF_TEXT = 6 };

/* Data sources that are one RRD of Cacti's: all of a template, or what it takes to ask for those of
 * a graph. Cacti makes an RRD of those that the graph draws, and then of no others. */
struct part {
	const struct template *t;
	const struct template_graph *g;	/* NULL: the collector's RRD */
	unsigned *ds;			/* their places in the template */
	size_t n, all;			/* of so many of the graph */
};

static const char *
graph_name(const struct part *p)
{
	return p->g != NULL ? p->g->name : "";
}

static struct cacti_hash
field_hash(const struct part *p, const char *name)
{
	return cacti_hash(CACTI_FIELD, "field %s %s %s %s", p->t->name, graph_name(p),
	    p->t->ds[p->ds[0]].name, name);
}

static struct cacti_hash
method_hash(const struct part *p)
{
	return cacti_hash(CACTI_METHOD, "method %s %s %s", p->t->name, graph_name(p),
	    p->t->ds[p->ds[0]].name);
}

/* What a script is asked with, or answers. */
static void
field(struct cacti_writer *w, const struct part *p, const char *name, bool in)
{
	struct cacti_hash h = field_hash(p, name);
	struct buf *x = &w->xml;

	cactixml_open(x, h.s);
	cactixml_field(x, "name", "%s", name);
	cactixml_field(x, "update_rra", "%s", in ? "" : "on");
	cactixml_field(x, "regexp_match", "%s", "");
	cactixml_field(x, "allow_nulls", "%s", "");
	cactixml_field(x, "type_code", "%s", strcmp(name, "hostname") == 0 ? name : "");
	cactixml_field(x, "input_output", "%s", in ? "in" : "out");
	cactixml_field(x, "data_name", "%s", name);
	cactixml_close(x, h.s);
}

/* Names that people see: of the RRD, or of the graph, and where that takes several, of which. */
static void
title(const struct part *p, char out[TITLE_BYTES])
{
	if (p->g == NULL)
		(void)snprintf(out, TITLE_BYTES, "%s", p->t->title);
	else if (p->n == p->all)
		(void)snprintf(out, TITLE_BYTES, "%s", p->g->title);
	else
		(void)snprintf(out, TITLE_BYTES, "%.160s, from %s on", p->g->title,
		    p->t->ds[p->ds[0]].name);
}

/* A script that Cacti's poller runs, and its answers. */
static void
method(struct cacti_writer *w, const struct part *p)
{
	struct cacti_hash h = method_hash(p);
	struct buf *x = &w->xml, call = buf_new(4096);
	char name[TITLE_BYTES];

	title(p, name);
	buf_fmt(&call, "%s cacti-value --host <hostname>%s %s", w->program,
	    p->t->lists ? " --list <zone>" : "", p->t->name);
	for (size_t i = 0; i < p->n; i++)
		buf_fmt(&call, "%c%s", i > 0 ? ',' : ' ', p->t->ds[p->ds[i]].name);
	cactixml_open(x, h.s);
	cactixml_field(x, "name", "mxgauge - %s", name);
	cactixml_field(x, "type_id", "1");
	buf_str(x, "<input_string>");
	digest_base64(x, buf_slice(&call));
	buf_str(x, "</input_string>\n");
	cactixml_open(x, "fields");
	field(w, p, "hostname", true);
	if (p->t->lists)
		field(w, p, "zone", true);
	for (size_t i = 0; i < p->n; i++)
		field(w, p, p->t->ds[p->ds[i]].name, false);
	cactixml_close(x, "fields");
	cactixml_close(x, h.s);
	w->xml.full |= call.full || call.n > ANSWER_BYTES;
	buf_free(&call);
}

/* One of an RRD, as Cacti would make it. Counts that are polled are totals that grow. */
static void
ds_item(struct cacti_writer *w, const struct part *p, const struct template_ds *ds)
{
	struct cacti_hash h = cacti_ds_hash(w, p->t, p->g, ds);
	struct buf *x = &w->xml;
	bool counts = ds->source == DS_COUNT;

	cactixml_open(x, h.s);
	cactixml_field(x, "data_source_name", "%s", ds->name);
	cactixml_field(x, "rrd_minimum", "0");
	cactixml_field(x, "rrd_maximum", "U");
	cactixml_field(x, "data_source_type_id", "%d",
	    !counts ? TYPE_GAUGE : w->polled ? TYPE_DERIVE : TYPE_ABSOLUTE);
	cactixml_field(x, "rrd_heartbeat", "%d", w->polled ? 600 : 120);
	cactixml_field(x, "data_input_field_id", "%s", w->polled ? field_hash(p, ds->name).s : "0");
	cactixml_close(x, h.s);
}

/* What the script is asked with: the host is Cacti's, which block list is to be typed in. */
static void
ds_data(struct cacti_writer *w, const struct part *p)
{
	struct buf *x = &w->xml;

	cactixml_open(x, "data");
	for (int i = 0; w->polled && i < (p->t->lists ? 2 : 1); i++) {
		buf_fmt(x, "<item_%03d>\n", i);
		cactixml_field(x, "data_input_field_id", "%s",
		    field_hash(p, i == 0 ? "hostname" : "zone").s);
		cactixml_field(x, "t_value", "%s", i == 0 ? "" : "on");
		cactixml_field(x, "value", "%s", "");
		buf_fmt(x, "</item_%03d>\n", i);
	}
	cactixml_close(x, "data");
}

/* A data template. */
static void
data(struct cacti_writer *w, const struct part *p)
{
	struct cacti_hash h = p->g == NULL ? cacti_hash(CACTI_DATA, "drawn data %s", p->t->name) :
	    cacti_hash(CACTI_DATA, "polled data %s %s %s", p->t->name, p->g->name,
	    p->t->ds[p->ds[0]].name);
	struct buf *x = &w->xml;
	char name[TITLE_BYTES];

	title(p, name);
	cactixml_open(x, h.s);
	cactixml_field(x, "name", "%s - %s", cacti_whose(w), name);
	cactixml_open(x, "ds");
	cactixml_field(x, "t_name", "%s", p->t->lists ? "on" : "");
	cactixml_field(x, "name", "|host_description|: %s", name);
	cactixml_field(x, "data_source_path", "%s", "");
	cactixml_field(x, "data_input_id", "%s", w->polled ? method_hash(p).s : "0");
	cactixml_field(x, "rrd_step", "%d", w->polled ? 300 : 60);
	cactixml_field(x, "active", "%s", w->polled ? "on" : "");
	cactixml_close(x, "ds");
	cactixml_open(x, "items");
	for (size_t i = 0; i < p->n; i++)
		ds_item(w, p, &p->t->ds[p->ds[i]]);
	cactixml_close(x, "items");
	ds_data(w, p);
	cactixml_close(x, h.s);
}

static bool
draws(const struct template_graph *g, unsigned ds)
{
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->draw[i].n; k++)
			if (g->draw[i].ds[k] == ds)
				return true;
	return false;
}

/* How many of the data sources from the place first on fit into an answer. */
static size_t
fitting(const struct part *p, size_t first)
{
	size_t bytes = 0, n = 0;

	for (; first + n < p->all; n++) {
		bytes += strlen(p->t->ds[p->ds[first + n]].name) + VALUE_BYTES;
		if (bytes > ANSWER_BYTES)
			break;
	}
	return n;
}

/* The collector's RRD is one. Cacti's own are one a graph, or as many as it takes to ask for all. */
static void
data_all(struct cacti_writer *w, const struct template *t)
{
	unsigned *ds = xcalloc(t->n_ds, sizeof *ds);
	struct part p = { .t = t, .ds = ds };

	while (p.n < t->n_ds) {
		ds[p.n] = (unsigned)p.n;
		p.n++;
	}
	if (!w->polled)
		data(w, &p);
	for (size_t i = 0; w->polled && i < t->n_graph; i++) {
		p = (struct part){ .t = t, .g = &t->graph[i], .ds = ds };
		for (unsigned k = 0; k < t->n_ds; k++)
			if (draws(p.g, k))
				ds[p.all++] = k;
		for (size_t at = 0; at < p.all; at += p.n) {
			p.ds = ds;
			p.n = fitting(&p, at);
			p.ds = ds + at;
			method(w, &p);
			data(w, &p);
		}
	}
	free(ds);
}

/* Parts of at most CHUNK_BYTES, cut at commas: Cacti joins them by one. */
static void
cdef(struct cacti_writer *w, const char *rpn)
{
	struct cacti_hash h = cacti_cdef_hash(rpn), part;
	struct slice rest = slice_of(rpn);
	struct buf *x = &w->xml;

	cactixml_open(x, h.s);
	cactixml_field(x, "name", "mxgauge %.200s", rpn);
	cactixml_open(x, "items");
	for (unsigned i = 1; rest.n > 0; i++) {
		size_t n = rest.n;

		while (n > CHUNK_BYTES || (n < rest.n && rest.p[n] != ','))
			n--;
		part = cacti_hash(CACTI_CDEF_ITEM, "part %u of %s", i, rpn);
		cactixml_open(x, part.s);
		cactixml_field(x, "sequence", "%u", i);
		cactixml_field(x, "type", "%d", CDEF_TEXT);
		cactixml_field(x, "value", "%.*s", (int)n, rest.p);
		cactixml_close(x, part.s);
		n += n < rest.n;	/* the comma */
		rest = (struct slice){ rest.p + n, rest.n - n };
	}
	cactixml_close(x, "items");
	cactixml_close(x, h.s);
}

/* Figures as mxgauge graph writes them. mxgauge-cacti gives axes theirs by its name. */
static void
gprints(struct cacti_writer *w)
{
	static const struct { const char *name, *format; } all[] = {
		{ "mxgauge axis", "%.10lg" }, { "mxgauge 1", "%11.1lf" }, { "mxgauge 2", "%11.2lf" }
	};

	for (int digits = 0; digits <= 2; digits++) {
		struct cacti_hash h = cacti_gprint_hash(digits);

		cactixml_open(&w->xml, h.s);
		cactixml_field(&w->xml, "name", "%s", all[digits].name);
		cactixml_field(&w->xml, "gprint_text", "%s", all[digits].format);
		cactixml_close(&w->xml, h.s);
	}
}

/* Block lists that are polled have a file of their own: of a device template Cacti makes all graphs
 * at once, and nobody knows their names then. */
enum file { FILE_DRAWN, FILE_POLLED, FILE_POLLED_LISTS, FILES };
static const char *const file_name[FILES] = { "mxgauge.xml", "mxgauge-polled.xml",
	"mxgauge-polled-lists.xml" };

static bool
belongs(const struct template *t, enum file f)
{
	return f == FILE_DRAWN || t->lists == (f == FILE_POLLED_LISTS);
}

/* What a host of that kind has. */
static void
device(struct cacti_writer *w, const struct templates *t, enum file f)
{
	struct cacti_hash h = cacti_hash(CACTI_DEVICE, "%s device", w->family);
	const char *between = "";

	cactixml_open(&w->xml, h.s);
	cactixml_field(&w->xml, "name", "%s - Mail server", cacti_whose(w));
	cactixml_field(&w->xml, "class", "application");
	buf_str(&w->xml, "<graph_templates>");
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; belongs(&t->t[i], f) && k < t->t[i].n_graph; k++) {
			buf_fmt(&w->xml, "%s%s", between,
			    cacti_graph_hash(w, &t->t[i], &t->t[i].graph[k]).s);
			between = "|";
		}
	}
	buf_str(&w->xml, "</graph_templates>\n");
	cactixml_field(&w->xml, "data_queries", "%s", "");
	cactixml_close(&w->xml, h.s);
}

static bool
write_file(const struct cacti *c, const struct templates *t, enum file f, struct err *e)
{
	struct cacti_writer *w = xcalloc(1, sizeof *w);
	bool good;

	w->xml = buf_new(XML_BYTES);
	w->polled = f != FILE_DRAWN;
	w->family = w->polled ? "polled" : "drawn";
	w->program = c->program;
	cactixml_open(&w->xml, "cacti");
	for (size_t i = 0; i < t->n; i++) {
		if (!belongs(&t->t[i], f))
			continue;
		data_all(w, &t->t[i]);
		for (size_t k = 0; k < t->t[i].n_graph; k++)
			cacti_graph(w, &t->t[i], &t->t[i].graph[k]);
	}
	if (f != FILE_POLLED_LISTS)
		device(w, t, f);
	gprints(w);
	for (size_t i = 0; i < w->n_rpn; i++)
		cdef(w, w->rpn[i]);
	cactixml_close(&w->xml, "cacti");
	good = w->too_wide == NULL || err_set(e, "the graph \"%s\" adds up too much for Cacti: it may "
	    "have 25 data sources, or more if its RRD keeps maxima (MAX in rra)", w->too_wide);
	good = good && cactixml_write(&w->xml, c->out, file_name[f], e);
	buf_free(&w->xml);
	arena_free(&w->memory);
	free(w);
	return good;
}

/* The draws of one axis as a graph of its own; false: there are none. */
static bool
one_axis(const struct template_graph *g, bool right, struct template_graph *one, struct arena *a)
{
	struct template_draw *draw = arena_alloc(a, g->n * sizeof *draw);
	struct buf text = buf_new(4096);

	*one = *g;
	one->n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->draw[i].right == right)
			draw[one->n++] = g->draw[i];
	one->draw = draw;
	if (right && one->n > 0) {
		buf_fmt(&text, "%s-right", g->name);
		one->name = arena_strdup(a, buf_slice(&text));
		buf_clear(&text);
		buf_fmt(&text, "%s (%s)", g->title, draw[0].legend);
		one->title = arena_strdup(a, buf_slice(&text));
		one->unit = draw[0].legend;
		one->divide = 1;
	}
	buf_free(&text);
	return one->n > 0;
}

/* Cacti cannot scale a second axis by what both reach: what has the one on the right gets a graph. */
static void
split_axes(struct templates *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct template *one = &t->t[i];
		struct template_graph *g = arena_alloc(&t->memory, 2 * one->n_graph * sizeof *g);
		size_t n = 0;

		for (size_t k = 0; k < one->n_graph; k++) {
			n += one_axis(&one->graph[k], false, &g[n], &t->memory);
			n += one_axis(&one->graph[k], true, &g[n], &t->memory);
		}
		one->graph = g;
		one->n_graph = n;
	}
}

bool
cacti_run(const struct cacti *c, struct err *e)
{
	struct templates t = { 0 };
	char dir[4096];
	size_t graphs = 0;
	bool good = templates_find(c->templates, dir, sizeof dir, e) && templates_load(dir, &t, e);

	if (good && mkdir(c->out, 0755) != 0 && errno != EEXIST)
		good = err_set(e, "make the folder %s: %s", c->out, strerror(errno));
	split_axes(&t);
	for (enum file f = 0; good && f < FILES; f++)
		good = write_file(c, &t, f, e);
	for (size_t i = 0; i < t.n; i++)
		graphs += t.t[i].n_graph;
	if (good)
		printf("%zu graph templates in %s/%s, the same for Cacti's poller in %s and %s\n", graphs,
		    c->out, file_name[0], file_name[1], file_name[2]);
	templates_free(&t);
	return good;
}
