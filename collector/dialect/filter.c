/* filter.c - see filter.h. */
#include "dialect/filter.h"

#include "poison.h"

bool
filter_begins(struct slice s, const char *const heads[])
{
	for (size_t i = 0; heads[i] != NULL; i++)
		if (slice_starts(s, slice_of(heads[i])))
			return true;
	return false;
}

bool
filter_take_id(struct slice *s, struct slice *id)
{
	size_t n = 0, digits = 0;

	while (n < s->n && n < 32 && (slice_is_alnum(s->p[n]) || s->p[n] == '-'))
		digits += slice_is_digit(s->p[n++]);
	if (n < 4 || digits == 0) /* "NOQUEUE", and the name of a function */
		return false;
	*id = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

bool
filter_is_id(struct slice s)
{
	struct slice id;

	return filter_take_id(&s, &id) && s.n == 0;
}

bool
filter_is_mid(struct slice s)
{
	return s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>';
}

struct event *
filter_event(struct event *out, enum event_kind kind, struct slice sub)
{
	struct event *e = event_begin(out, kind);

	e->sub = sub;
	return e;
}

int
filter_trouble(
    struct event *out, enum event_kind kind, struct slice program, struct slice text)
{
	struct event *e = filter_event(out, kind, program);

	e->cls = REASON_resource;
	e->text = text;
	return 1;
}

int
filter_answer(const struct line *l, struct event *out, int n)
{
	for (int i = 0; i < n; i++)
		out[i].service = l->tag;
	return n;
}
