/* columns.c - see columns.h. */
#include "store/columns.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "mem.h"
#include "poison.h"

static int
by_key(const void *a, const void *b)
{
	const struct column *x = a, *y = b;
	bool counts = x->ds->source == DS_COUNT, also = y->ds->source == DS_COUNT;

	if (counts != also)
		return counts ? -1 : 1;
	if (counts && x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The data sources of the files, in the order in which a cell has them. */
static void
order(struct columns *c)
{
	c->n_counts = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct template *t = c->file[i].t;

		for (size_t k = 0; k < t->n_ds; k++) {
			c->column[c->first[i] + k] = (struct column){ t->ds[k].key + c->file[i].word,
				c->file[i].word, c->first[i] + k, &t->ds[k] };
			c->n_counts += t->ds[k].source == DS_COUNT;
		}
	}
	if (c->width > 0)
		qsort(c->column, c->width, sizeof *c->column, by_key);
}

void
columns_shape(struct columns *c, const struct columns_file *file, size_t n)
{
	if (n > c->n_cap) {
		c->n_cap = n;
		c->first = xreallocarray(c->first, n, sizeof *c->first);
		c->file = xreallocarray(c->file, n, sizeof *c->file);
	}
	c->n = n;
	c->width = 0;
	c->from = c->to = 0;
	c->holds = false;
	for (size_t i = 0; i < n; i++) {
		c->file[i] = file[i];
		c->first[i] = c->width;
		c->width += file[i].t->n_ds;
		for (size_t k = 0; k < file[i].t->n_ds; k++)
			c->holds = c->holds || (file[i].found && file[i].t->ds[k].source == DS_SHARE);
	}
	if (c->width > c->width_cap) {
		c->width_cap = c->width;
		c->last = xreallocarray(c->last, c->width, sizeof *c->last);
		c->last_at = xreallocarray(c->last_at, c->width, sizeof *c->last_at);
		c->column = xreallocarray(c->column, c->width, sizeof *c->column);
		c->value = xreallocarray(c->value, COLUMNS_MINUTES * c->width, sizeof *c->value);
	}
	order(c);
}

void
columns_free(struct columns *c)
{
	free(c->file);
	free(c->first);
	free(c->value);
	free(c->last);
	free(c->last_at);
	free(c->column);
	*c = (struct columns){ 0 };
}

/* What minutes without a cell have. */
static void
clear(struct columns *c)
{
	double *v = c->value;

	for (int64_t m = c->from; m < c->to; m++)
		for (size_t i = 0; i < c->n; i++)
			for (size_t k = 0; k < c->file[i].t->n_ds; k++)
				*v++ = c->file[i].t->ds[k].source == DS_COUNT ? 0 : NAN;
	memset(c->has_cell, 0, sizeof c->has_cell);
}

/* Nobody watched: minutes are unknown but for those with a cell. */
static void
forget_zeros(struct columns *c)
{
	for (int64_t m = c->from; m < c->to; m++)
		for (size_t i = 0; i < c->width && !c->has_cell[m - c->from]; i++)
			c->value[(size_t)(m - c->from) * c->width + i] = (double)NAN;
}

/* NAN: no run in this minute. */
static double
share(const struct cell *cell, const struct template_ds *ds, uint32_t word)
{
	return ds->scale * cell_list_share(cell, ds->of, ds->by, word);
}

/* A minute before those that are loaded. */
static void
note_last(struct columns *c, int64_t minute, const struct cell *cell)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct template *t = c->file[i].t;

		for (size_t k = 0; k < t->n_ds; k++) {
			double v = t->ds[k].source == DS_SHARE ? share(cell, &t->ds[k], c->file[i].word) :
			    (double)NAN;

			if (isnan(v))
				continue;
			c->last[c->first[i] + k] = v;
			c->last_at[c->first[i] + k] = minute;
		}
	}
}

/* Let what is known hold on. */
static void
hold(struct columns *c, size_t column)
{
	for (int64_t m = c->from; m < c->to; m++) {
		double *v = &c->value[(size_t)(m - c->from) * c->width + column];

		if (!isnan(*v)) {
			c->last[column] = *v;
			c->last_at[column] = m;
		} else if (m - c->last_at[column] < COLUMNS_HOLD) {
			*v = c->last[column];
		}
	}
}

/* What is no count: in each template a few. */
static double
other(const struct cell *cell, const struct column *k)
{
	const struct template_ds *ds = k->ds;

	return ds->source == DS_QUANTILE ? cell_quantile(cell, ds->hist, ds->q) :
	    ds->source == DS_SHARE ? share(cell, ds, k->word) : cell_gauge(cell, ds->metric);
}

/* Lines that are too late are of another time. */
static bool
is_watched(const struct cell *c)
{
	return c->n != 1 || c->pair[0].key != CELL_METRIC + M_too_late;
}

static bool
fill(void *arg, int host, int64_t minute, const struct cell *cell)
{
	struct columns *c = arg;
	uint32_t i = 0;
	double *v;

	(void)host;
	if (minute < c->from && c->holds)
		note_last(c, minute, cell);
	if (minute < c->from || minute >= c->to)
		return true;
	if (c->cells++ == 0)
		clear(c);
	c->has_cell[minute - c->from] = true;
	c->watched = c->watched || is_watched(cell);
	v = c->value + (size_t)(minute - c->from) * c->width;
	for (const struct column *k = c->column, *end = k + c->n_counts; k < end; k++) {
		while (i < cell->n && cell->pair[i].key < k->key)
			i++;
		v[k->at] = i < cell->n && cell->pair[i].key == k->key ? (double)cell->pair[i].n : 0;
	}
	for (size_t k = c->n_counts; k < c->width; k++)
		v[c->column[k].at] = other(cell, &c->column[k]);
	return true;
}

bool
columns_load(struct columns *c, int64_t from, int64_t to, bool watched, columns_source_fn *source, void *arg,
    struct err *e)
{
	assert(from <= to && to - from <= COLUMNS_MINUTES);
	c->from = from;
	c->to = to;
	c->cells = 0;
	c->silent = false;
	c->watched = watched;
	for (size_t i = 0; c->holds && i < c->width; i++)
		c->last_at[i] = from - COLUMNS_HOLD;
	if (from < to && !source(arg, c->holds ? from - COLUMNS_HOLD : from, to, fill, c, e))
		return false;
	if (c->cells == 0 && !watched && to - from == COLUMNS_MINUTES)
		c->silent = true;
	else if (c->cells == 0)
		clear(c);
	else if (!c->watched && to - from == COLUMNS_MINUTES)
		forget_zeros(c);
	for (size_t i = 0; !c->silent && c->holds && i < c->n; i++)
		for (size_t k = 0; k < c->file[i].t->n_ds; k++)
			if (c->file[i].t->ds[k].source == DS_SHARE)
				hold(c, c->first[i] + k);
	return true;
}
