/* cactigraph.c - see cactigraph.h.
 *
 * A graph of ours adds up several data sources in one colour; an item of Cacti's has one. So
 * CDEFs here name the others by the letters that Cacti gives to DEFs, in the order of the items:
 * a, b, ... j, ba, bb. Items that only bring a DEF are text alignments without alignment, of which
 * nothing is drawn, printed or exported. The maximum in the legend is the greater one of what is
 * drawn and of the file's own maxima, which are those of single minutes. */
#include "view/cactigraph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/graph.h"
#include "poison.h"

enum { RPN_BYTES = 32768 };

/* Cacti's numbers. */
enum { ITEM_LINE1 = 4, ITEM_AREA = 7, ITEM_STACK = 8, ITEM_LAST = 11, ITEM_MAX = 12,
	ITEM_AVERAGE = 14, ITEM_MARK = 30, ITEM_DEF_ALONE = 40 };
enum { CF_AVERAGE = 1, CF_MAX = 3 };
enum { UNUSABLE = 25 };	/* a place of DEFs: see spend() */

struct cacti_hash
cacti_graph_hash(const struct cacti_writer *w, const struct template *t,
    const struct template_graph *g)
{
	return cacti_hash(CACTI_GRAPH, "%s graph %s %s", w->family, t->name, g->name);
}

struct cacti_hash
cacti_ds_hash(const struct cacti_writer *w, const struct template *t,
    const struct template_graph *g, const struct template_ds *ds)
{
	return cacti_hash(CACTI_DS, "%s ds %s %s %s", w->family, t->name, w->polled ? g->name : "",
	    ds->name);
}

struct cacti_hash
cacti_gprint_hash(int digits)
{
	return cacti_hash(CACTI_GPRINT, "gprint %d", digits);
}

struct cacti_hash
cacti_cdef_hash(const char *rpn)
{
	return cacti_hash(CACTI_CDEF, "cdef %s", rpn);
}

const char *
cacti_whose(const struct cacti_writer *w)
{
	return w->polled ? "mxgauge, polled" : "mxgauge";
}

/* A data source item of a graph: of lists, of the slot-th one. */
struct source {
	size_t slot, ds;
	int cf;
};

/* The graph being written. */
struct sheet {
	struct cacti_writer *w;
	const struct template *t;
	const struct template_graph *g;
	struct source *def;		/* by Cacti's letters */
	size_t n_def;
	struct source *of;		/* of each item so far, */
	struct cacti_hash *item;	/* and its hash */
	size_t items;
	bool maxima;			/* the file has some */
};

static size_t
slots(const struct cacti_writer *w, const struct template *t)
{
	return t->lists && !w->polled ? GRAPH_LISTS : 1;
}

static bool
has_maxima(const struct template *t)
{
	for (size_t i = 0; i < t->n_rra; i++)
		if (t->rra[i].max)
			return true;
	return false;
}

/* Digits as letters: 0 is a, 12 is bc. */
static void
letters(struct buf *b, size_t n)
{
	char digits[24];

	(void)snprintf(digits, sizeof digits, "%zu", n);
	for (const char *p = digits; *p != '\0'; p++)
		buf_char(b, (char)('a' + (*p - '0')));
}

/* The place of a DEF; SIZE_MAX: there is none yet. */
static size_t
place(const struct sheet *s, size_t slot, size_t ds, int cf)
{
	for (size_t i = 0; i < s->n_def; i++)
		if (s->def[i].slot == slot && s->def[i].ds == ds && s->def[i].cf == cf)
			return i;
	return SIZE_MAX;
}

/* The hash of a CDEF, which is written at the end. None for an empty one. */
static struct cacti_hash
cdef(struct cacti_writer *w, const char *rpn)
{
	if (rpn[0] == '\0')
		return (struct cacti_hash){ "0" };
	for (size_t i = 0; i < w->n_rpn; i++)
		if (strcmp(w->rpn[i], rpn) == 0)
			return cacti_cdef_hash(rpn);
	if (w->n_rpn < CACTI_CDEFS_MAX)
		w->rpn[w->n_rpn++] = arena_strdup(&w->memory, slice_of(rpn));
	else
		w->xml.full = true;
	return cacti_cdef_hash(rpn);
}

/* The sum of what the draw adds up. */
static void
sum(struct buf *rpn, const struct sheet *s, size_t slot, const struct template_draw *d, int cf)
{
	for (size_t k = 0; k < d->n; k++) {
		size_t at = place(s, slot, d->ds[k], cf);

		if (at == UNUSABLE)
			at = place(s, slot, d->ds[k], CF_AVERAGE);
		buf_str(rpn, k > 0 ? "," : "");
		letters(rpn, at);
		buf_str(rpn, k > 0 ? ",ADDNAN" : "");
	}
}

static void
scale(struct buf *rpn, const struct sheet *s, const struct template_draw *d)
{
	if (s->t->ds[d->ds[0]].source == DS_COUNT && s->g->per_s > 1)
		buf_fmt(rpn, ",%u,*", s->g->per_s);
	if (s->g->divide > 1 && d->as != DRAW_MARK)
		buf_fmt(rpn, ",%u,/", s->g->divide);
}

/* What is drawn. */
static struct cacti_hash
cdef_value(struct sheet *s, size_t slot, const struct template_draw *d)
{
	struct buf rpn = buf_new(RPN_BYTES);
	struct cacti_hash h;

	if (d->n > 1)
		sum(&rpn, s, slot, d, CF_AVERAGE);
	else
		buf_str(&rpn, "CURRENT_DATA_SOURCE");
	scale(&rpn, s, d);
	if (strcmp(rpn.p, "CURRENT_DATA_SOURCE") == 0)
		buf_clear(&rpn);
	h = cdef(s->w, rpn.n > 0 ? rpn.p : "");
	s->w->xml.full |= rpn.full;
	buf_free(&rpn);
	return h;
}

/* Its maximum: the greater one, unknown only if both are. */
static struct cacti_hash
cdef_peak(struct sheet *s, size_t slot, const struct template_draw *d)
{
	static const char least[] = ",DUP,UN,EXC,NEGINF,EXC,IF";
	struct buf rpn = buf_new(RPN_BYTES);
	struct cacti_hash h;

	sum(&rpn, s, slot, d, CF_AVERAGE);
	buf_str(&rpn, least);
	buf_char(&rpn, ',');
	sum(&rpn, s, slot, d, CF_MAX);
	buf_str(&rpn, least);
	buf_str(&rpn, ",MAX");
	scale(&rpn, s, d);
	h = cdef(s->w, rpn.p);
	s->w->xml.full |= rpn.full;
	buf_free(&rpn);
	return h;
}

/* Cacti 1.2.24 exports no figures of a graph that has a legend with an apostrophe: its quotes for the
 * shell are none for rrdtool. A printer's apostrophe does. */
static void
legend(struct buf *x, const char *text)
{
	struct buf t = buf_new(4096);

	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			buf_str(&t, "\xe2\x80\x99");
		else
			buf_char(&t, *p);
	cactixml_field(x, "text_format", "%s", t.n > 0 ? t.p : "");
	buf_free(&t);
}

/* What an item of a graph has besides its data source; what is left out is none. */
struct item {
	int type;
	const char *text, *colour;
	double value;
	struct cacti_hash cdef, gprint;
	size_t draw;
	bool end_of_line;
};

static void
item(struct sheet *s, size_t slot, size_t ds, int cf, const struct item *i)
{
	struct buf *x = &s->w->xml;
	struct cacti_hash h = i->type == ITEM_DEF_ALONE ?
	    cacti_hash(CACTI_ITEM, "%s def %s %s %zu %s %d", s->w->family, s->t->name, s->g->name, slot,
	    s->t->ds[ds].name, cf) :
	    cacti_hash(CACTI_ITEM, "%s item %s %s %zu %zu %d", s->w->family, s->t->name, s->g->name, slot,
	    i->draw, i->type >= ITEM_LAST ? i->type : 0);

	s->of[s->items] = (struct source){ slot, ds, cf };
	s->item[s->items++] = h;
	cactixml_open(x, h.s);
	cactixml_field(x, "graph_type_id", "%d", i->type);
	cactixml_field(x, "task_item_id", "%s", cacti_ds_hash(s->w, s->t, s->g, &s->t->ds[ds]).s);
	cactixml_field(x, "color_id", "%s", i->colour != NULL ? i->colour : "0");
	cactixml_field(x, "alpha", "FF");
	cactixml_field(x, "consolidation_function_id", "%d", cf);
	cactixml_field(x, "cdef_id", "%s", i->cdef.s[0] != '\0' ? i->cdef.s : "0");
	if (i->type == ITEM_MARK)
		cactixml_field(x, "value", "%.3f", i->value);
	else
		cactixml_field(x, "value", "%s", "");
	cactixml_field(x, "gprint_id", "%s", i->gprint.s[0] != '\0' ? i->gprint.s : "0");
	legend(x, i->text != NULL ? i->text : "");
	cactixml_field(x, "hard_return", "%s", i->end_of_line ? "on" : "");
	cactixml_field(x, "sequence", "%zu", s->items);
	cactixml_close(x, h.s);
}

/* The 26th DEF would be called cf, which rrdtool takes for something else (and some Cactis
 * rename). It is spent on the maxima that are missed least: of a data source that is added to
 * others, whose average is taken instead. */
static void
spend(struct sheet *s)
{
	const struct template_draw *widest = NULL;
	struct source it = { 0 };

	for (size_t i = 0; s->maxima && i < slots(s->w, s->t) * s->g->n; i++) {
		const struct template_draw *d = &s->g->draw[i % s->g->n];
		struct source last = { i / s->g->n, d->ds[d->n - 1], CF_MAX };

		if (place(s, last.slot, last.ds, CF_MAX) == SIZE_MAX &&
		    (widest == NULL || d->n > widest->n)) {
			widest = d;
			it = last;
		}
	}
	if (widest == NULL) {
		s->w->too_wide = s->g->name;
		return;
	}
	s->def[s->n_def++] = it;
	item(s, it.slot, it.ds, it.cf, &(struct item){ .type = ITEM_DEF_ALONE });
}

/* Cacti makes a DEF for the first item of its kind: the one that is written next. False: it has. */
static bool
bring(struct sheet *s, size_t slot, size_t ds, int cf)
{
	if (s->n_def == UNUSABLE && place(s, slot, ds, cf) == SIZE_MAX)
		spend(s);
	if (place(s, slot, ds, cf) != SIZE_MAX)
		return false;
	s->def[s->n_def++] = (struct source){ slot, ds, cf };
	return true;
}

/* Items that bring the DEFs of the data sources that are added to the first. */
static void
others(struct sheet *s, size_t slot, const struct template_draw *d, int cf)
{
	for (size_t k = 1; k < d->n; k++)
		if (bring(s, slot, d->ds[k], cf))
			item(s, slot, d->ds[k], cf, &(struct item){ .type = ITEM_DEF_ALONE });
}

static int
type_of(const struct template_draw *d, bool first)
{
	switch (d->as) {
	case DRAW_AREA: return ITEM_AREA;
	case DRAW_STACK: return first ? ITEM_AREA : ITEM_STACK;
	case DRAW_MARK: return ITEM_MARK;
	case DRAW_LINE: break;
	}
	return ITEM_LINE1 - 1 + (int)(d->width > 3 ? 3 : d->width);
}

/* One colour and its line of the legend. Items that only bring DEFs come before the one that
 * needs them. */
static void
draw(struct sheet *s, size_t slot, size_t at)
{
	const struct template_draw *d = &s->g->draw[at];
	bool several = slots(s->w, s->t) > 1;
	struct item i = { .type = type_of(d, slot == 0 && at == 0), .draw = at };
	size_t ds = d->ds[0];

	others(s, slot, d, CF_AVERAGE);
	(void)bring(s, slot, ds, CF_AVERAGE);
	i.cdef = cdef_value(s, slot, d);
	i.colour = several ? graph_list_colour(slot) : d->colour;
	if (d->as == DRAW_MARK) {	/* at the upper edge, without figures */
		i.value = -GRAPH_MARK * (double)(slot + 1);
		item(s, slot, ds, CF_AVERAGE, &i);
		return;
	}
	i.text = several ? "a block list" : d->legend;
	item(s, slot, ds, CF_AVERAGE, &i);
	i = (struct item){ ITEM_LAST, "last", .cdef = i.cdef, .draw = at,
		.gprint = cacti_gprint_hash(s->t->ds[ds].source == DS_COUNT ? 1 : 2) };
	item(s, slot, ds, CF_AVERAGE, &i);
	i.type = ITEM_AVERAGE;
	i.text = "average";
	item(s, slot, ds, CF_AVERAGE, &i);
	i.type = ITEM_MAX;
	i.text = "maximum";
	i.end_of_line = true;
	if (s->maxima) {
		others(s, slot, d, CF_MAX);
		(void)bring(s, slot, ds, CF_MAX);
		i.cdef = cdef_peak(s, slot, d);
	}
	item(s, slot, ds, s->maxima ? CF_MAX : CF_AVERAGE, &i);
}

/* What may differ from one graph to the next of a template: a column of these items. */
static void
input(struct sheet *s, const char *column, const char *name, size_t slot, size_t ds, bool texts)
{
	struct cacti_hash h = cacti_hash(CACTI_INPUT, "%s input %s %s %s", s->w->family, s->t->name,
	    s->g->name, name);
	struct buf *x = &s->w->xml;
	const char *between = "";

	cactixml_open(x, h.s);
	cactixml_field(x, "name", "%s", name);
	cactixml_field(x, "description", "%s", "");
	cactixml_field(x, "column_name", "%s", column);
	buf_str(x, "<items>");
	for (size_t i = 0; i < s->items; i++) {
		if (s->of[i].slot != slot || s->of[i].ds != ds)
			continue;
		buf_fmt(x, "%s%s", between, s->item[i].s);
		between = "|";
		if (texts)
			break;		/* the first: what is drawn */
	}
	buf_str(x, "</items>\n");
	cactixml_close(x, h.s);
}

static void
inputs(struct sheet *s)
{
	char name[64];

	cactixml_open(&s->w->xml, "inputs");
	for (size_t i = 0; i < s->n_def; i++) {
		const struct source *d = &s->def[i];
		const char *ds = s->t->ds[d->ds].name;

		if (d->cf != CF_AVERAGE)
			continue;
		if (slots(s->w, s->t) == 1) {
			(void)snprintf(name, sizeof name, "Data Source [%s]", ds);
			input(s, "task_item_id", name, d->slot, d->ds, false);
			continue;
		}
		(void)snprintf(name, sizeof name, "Block list %zu [%s]", d->slot + 1, ds);
		input(s, "task_item_id", name, d->slot, d->ds, false);
		(void)snprintf(name, sizeof name, "Legend of block list %zu [%s]", d->slot + 1, ds);
		input(s, "text_format", name, d->slot, d->ds, true);
	}
	cactixml_close(&s->w->xml, "inputs");
}

/* The fields of a graph that are much the same in all of ours. The axis on the right needs a format that the
 * importer drops, and mxgauge-cacti sets in graphs of RRDs alone: without one it says 900 m for 0.9. */
static void
graph_fields(struct cacti_writer *w, const struct template *t, const struct template_graph *g)
{
	const struct { const char *name, *value; } field[] = {
		{ "image_format_id", "1" }, { "height", "220" }, { "width", "720" },
		{ "base_value", "1000" }, { "slope_mode", "" }, { "auto_scale", "" },
		{ "auto_scale_opts", "2" }, { "auto_scale_log", g->log_scale ? "on" : "" },
		{ "scale_log_units", g->log_scale ? "on" : "" }, { "auto_scale_rigid", "" },
		{ "auto_padding", "on" }, { "upper_limit", "" },
		{ "lower_limit", g->log_scale ? "" : "0" }, { "unit_value", "" },
		{ "unit_exponent_value", "" }, { "unit_length", "" }, { "no_gridfit", "" },
		{ "alt_y_grid", "" }, { "right_axis", w->polled ? "" : "1:0" }, { "right_axis_label", "" },
		{ "right_axis_format", "0" }, { "right_axis_formatter", "" },
		{ "left_axis_formatter", "" }, { "dynamic_labels", "" },
		{ "force_rules_legend", "" }, { "tab_width", "" }, { "legend_position", "" },
		{ "legend_direction", "" }
	};
	struct buf *x = &w->xml;

	cactixml_open(x, "graph");
	cactixml_field(x, "t_title", "%s", t->lists ? "on" : "");
	cactixml_field(x, "title", "|host_description|: %s", g->title);
	cactixml_field(x, "vertical_label", "%s", g->unit);
	for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
		cactixml_field(x, field[i].name, "%s", field[i].value);
	}
	cactixml_close(x, "graph");
}

void
cacti_graph(struct cacti_writer *w, const struct template *t, const struct template_graph *g)
{
	struct cacti_hash h = cacti_graph_hash(w, t, g);
	struct sheet s = { .w = w, .t = t, .g = g, .maxima = w->polled || has_maxima(t) };
	size_t most = 2 * t->n_ds * slots(w, t), items = 0;

	for (size_t i = 0; i < g->n; i++)
		items += (5 + 2 * g->draw[i].n) * slots(w, t);
	s.def = xcalloc(most, sizeof *s.def);
	s.of = xcalloc(items, sizeof *s.of);
	s.item = xcalloc(items, sizeof *s.item);
	cactixml_open(&w->xml, h.s);
	cactixml_field(&w->xml, "name", "%s - %s - %s", cacti_whose(w), t->title, g->title);
	cactixml_field(&w->xml, "multiple", "%s", t->lists ? "on" : "");
	cactixml_field(&w->xml, "test_source", "%s", "");
	graph_fields(w, t, g);
	cactixml_open(&w->xml, "items");
	for (size_t slot = 0; slot < slots(w, t); slot++)
		for (size_t i = 0; i < g->n; i++)
			if (g->draw[i].as != DRAW_MARK)
				draw(&s, slot, i);
	for (size_t slot = slots(w, t); slot-- > 0; )	/* the longest marks below the others */
		for (size_t i = 0; i < g->n; i++)
			if (g->draw[i].as == DRAW_MARK)
				draw(&s, slot, i);
	cactixml_close(&w->xml, "items");
	inputs(&s);
	cactixml_close(&w->xml, h.s);
	free(s.def);
	free(s.of);
	free(s.item);
}
