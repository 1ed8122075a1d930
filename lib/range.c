/* range.c - see range.h. */
#include "range.h"

#include <math.h>

#include "quantity.h"

#include "poison.h"

static bool
bad(struct slice text, const char *why, struct err *e)
{
	return err_set(e, "bad range \"%.*s\": %s", (int)slice_head(text, 100).n, text.p, why);
}

static bool
bound(struct slice text, struct slice number, const char *unit, double *v, struct err *e)
{
	struct err why = { "" };

	if (!quantity_parse(number, unit, v, &why))
		return bad(text, why.text, e);
	return true;
}

bool
range_parse(struct slice text, const char *unit, struct range *r, struct err *e)
{
	struct slice end = text, start;
	bool two;

	*r = (struct range){ .start = 0, .end = INFINITY };
	r->inside = slice_eat_char(&end, '@');
	two = slice_cut(&end, ':', &start);
	if (text.n == 0 || (!two && end.n == 0))
		return bad(text, "it is empty; write for example 10, 10:, ~:10 or @10:20", e);
	if (two && start.n == 0)
		return bad(text, "the start is missing; write 0: or ~: (no lower limit)", e);
	if (slice_eq(end, SLICE("~")))
		return bad(text, "~ stands for no lower limit and needs a colon: ~:10", e);
	if (two && slice_eq(start, SLICE("~")))
		r->start = -INFINITY;
	else if (two && !bound(text, start, unit, &r->start, e))
		return false;
	if ((!two || end.n > 0) && !bound(text, end, unit, &r->end, e))
		return false;
	if (r->start > r->end && !two)
		return bad(text, "it means 0 to a number below 0; write ~: in front of it", e);
	if (r->start > r->end)
		return bad(text, "the start is above the end", e);
	return true;
}

static bool
lacks_unit(struct slice number)
{
	double v;

	return quantity_parse(number, "", &v, &(struct err){ "" }) && v != 0;
}

bool
range_lacks_unit(struct slice text)
{
	struct slice start = SLICE("");

	(void)slice_eat_char(&text, '@');
	(void)slice_cut(&text, ':', &start);
	return lacks_unit(start) || lacks_unit(text);
}

bool
range_alerts(const struct range *r, double v)
{
	return (v >= r->start && v <= r->end) == r->inside;
}

void
range_print(struct buf *b, const struct range *r)
{
	if (r->inside)
		buf_char(b, '@');
	if (isinf(r->start)) {
		buf_str(b, "~:");
	} else if (r->start != 0 || isinf(r->end)) {
		quantity_plain(b, r->start, 15);
		buf_char(b, ':');
	}
	if (!isinf(r->end))
		quantity_plain(b, r->end, 15);
}

/* A limit that was passed by less than people's numbers show would read "1 s (limit 1 s)": then it is said by how much. */
static void
passed(struct buf *b, const char *what, double limit, double v, const char *unit)
{
	struct buf l = buf_new(64), n = buf_new(64);

	quantity_people(&l, limit, unit);
	quantity_people(&n, v, unit);
	buf_str(b, what);
	buf_add(b, buf_slice(&l));
	if (slice_eq(buf_slice(&l), buf_slice(&n)) && v != limit) {
		buf_str(b, ", it is ");
		if (strcmp(unit, "s") == 0 && fabs(v - limit) >= 0.001) {
			quantity_people(b, fabs(v - limit), unit);
		} else {
			quantity_plain(b, fabs(v - limit), 3);
			buf_str(b, unit);
		}
		buf_str(b, v > limit ? " more" : " less");
	}
	buf_free(&l);
	buf_free(&n);
}

void
range_explain(struct buf *b, const struct range *r, double v, const char *unit)
{
	if (r->inside && isinf(r->start) && isinf(r->end)) {
		buf_str(b, "alert at any value");
	} else if (r->inside && isinf(r->start)) {
		buf_str(b, "alert up to ");
		quantity_people(b, r->end, unit);
	} else if (r->inside && isinf(r->end)) {
		buf_str(b, "alert from ");
		quantity_people(b, r->start, unit);
	} else if (r->inside) {
		buf_str(b, "alert from ");
		quantity_people(b, r->start, unit);
		buf_str(b, " to ");
		quantity_people(b, r->end, unit);
	} else if (v > r->end) {
		passed(b, "limit ", r->end, v, unit);
	} else {
		passed(b, "at least ", r->start, v, unit);
	}
}
