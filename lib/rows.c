/* rows.c - see rows.h. Fields are a kind, and varints of length with bytes behind them. */
#include "rows.h"

#include <math.h>
#include <string.h>

#include "err.h"
#include "quantity.h"

#include "poison.h"

enum { ROW = 'R', FIELD = 'F', NONE = 'N' };

void
rows_row(struct buf *b, const char *table)
{
	buf_char(b, ROW);
	buf_text(b, slice_of(table));
}

void
rows_field(struct buf *b, const char *name, const char *value, size_t n)
{
	buf_char(b, value == NULL ? NONE : FIELD);
	buf_text(b, slice_head(slice_of(name), ROWS_VALUE));
	if (value != NULL)
		buf_text(b, slice_head((struct slice){ value, n }, ROWS_VALUE));
}

void
rows_text(struct buf *b, const char *name, const char *value)
{
	rows_field(b, name, value, value == NULL ? 0 : strlen(value));
}

static bool
take_field(struct slice *s, struct row_field *f)
{
	struct slice at = *s;

	f->null = slice_eat_char(&at, NONE);
	if (!f->null && !slice_eat_char(&at, FIELD))
		return false;
	f->value = (struct slice){ "", 0 };
	if (!slice_text(&at, &f->name) || (!f->null && !slice_text(&at, &f->value)))
		return false;
	*s = at;
	return true;
}

void
rows_read(struct rows *r, struct slice s)
{
	struct row_field field[ROWS_FIELDS], more;

	r->row = arena_alloc(&r->arena, ROWS_MAX * sizeof *r->row);
	while (r->n < ROWS_MAX) {
		struct row *row = &r->row[r->n];
		struct row_field *kept;

		if (!slice_eat_char(&s, ROW) || !slice_text(&s, &row->table))
			return;
		row->fields = 0;
		while (row->fields < ROWS_FIELDS && take_field(&s, &field[row->fields]))
			row->fields++;
		while (take_field(&s, &more))
			;
		if (s.n > 0 && s.p[0] != ROW)
			return;		/* cut off */
		kept = arena_alloc(&r->arena, row->fields * sizeof *kept + 1);
		memcpy(kept, field, row->fields * sizeof *kept);
		row->field = kept;
		r->n++;
	}
}

void
rows_free(struct rows *r)
{
	arena_free(&r->arena);
	*r = (struct rows){ .n = 0 };
}

const struct row *
rows_next(const struct rows *r, const char *table, const struct row *after)
{
	for (size_t i = after == NULL ? 0 : (size_t)(after - r->row) + 1; i < r->n; i++)
		if (slice_eq(r->row[i].table, slice_of(table)))
			return &r->row[i];
	return NULL;
}

const struct row *
rows_find(const struct rows *r, const char *table, const char *field, struct slice text)
{
	const struct row *row = NULL;

	while ((row = rows_next(r, table, row)) != NULL)
		if (slice_eq_nocase(row_text(row, field), text))
			break;
	return row;
}

size_t
rows_count(const struct rows *r, const char *table)
{
	size_t n = 0;

	for (const struct row *row = NULL; (row = rows_next(r, table, row)) != NULL; n++)
		;
	return n;
}

static const struct row_field *
find(const struct row *r, const char *name)
{
	for (size_t i = 0; r != NULL && i < r->fields; i++)
		if (slice_eq_nocase(r->field[i].name, slice_of(name)))
			return &r->field[i];
	return NULL;
}

bool
row_has(const struct row *r, const char *name)
{
	return find(r, name) != NULL;
}

struct slice
row_text(const struct row *r, const char *name)
{
	const struct row_field *f = find(r, name);

	return f == NULL ? SLICE("") : f->value;
}

bool
row_is(const struct row *r, const char *name, const char *text)
{
	return slice_eq_nocase(row_text(r, name), slice_of(text));
}

double
row_number(const struct row *r, const char *name)
{
	const struct row_field *f = find(r, name);
	double v;

	return f != NULL && !f->null && quantity_parse(slice_trim(f->value), "", &v, NULL) ? v : (double)NAN;
}

const char *
row_any(const struct row *r, const char *const *names)
{
	for (; *names != NULL; names++)
		if (row_has(r, *names))
			return *names;
	return NULL;
}

void
rows_error(struct buf *b, const char *step, long number, const char *text)
{
	struct buf n = buf_new(32);

	buf_fmt(&n, "%ld", number);
	rows_row(b, "error");
	rows_text(b, "step", step);
	rows_text(b, "number", n.p);
	rows_text(b, "text", text);
	buf_free(&n);
}

bool
rows_trouble(const struct apart_job *j, const struct rows *r, struct buf *sentence, bool *ours)
{
	const struct row *e = rows_next(r, "error", NULL);
	struct slice step = row_text(e, "step"), text = row_text(e, "text"), number = row_text(e, "number");

	*ours = j->end == APART_OURS || j->end == APART_DIED || row_is(e, "step", "library");
	if (e != NULL)
		buf_fmt(sentence, "%.*s: %.*s%s%.*s%s", (int)step.n, step.p, (int)text.n, text.p,
		    row_is(e, "number", "0") ? "" : " (", row_is(e, "number", "0") ? 0 : (int)number.n,
		    number.p, row_is(e, "number", "0") ? "" : ")");
	else if (j->end == APART_LATE)
		buf_fmt(sentence, "no answer in time while %s", j->phase);
	else if (j->end == APART_DIED)
		buf_fmt(sentence, "the client library crashed while %s", j->phase);
	else if (j->end == APART_MUCH)
		buf_fmt(sentence, "the answer is too long, while %s", j->phase);
	else if (j->end == APART_OURS)
		buf_str(sentence, j->phase);
	return sentence->n > 0;
}
