/* result.c - see result.h.
 *
 * A monitor keeps some thousand bytes, and performance data on later lines are lost when those are cut
 * off: so the first line with its values goes first of all. */
#include "store/result.h"

#include "poison.h"

static const struct slice cut = { "[...]", 5 };

void
result_clean(struct buf *out, struct slice printed)
{
	struct buf text = buf_new(RESULT_TEXT_MAX);
	struct slice line;

	while (slice_next(&printed, '\n', &line)) {
		size_t left = text.max - text.n, blank;

		for (blank = line.n; blank > 0 && strchr(" \t\r", line.p[blank - 1]) != NULL; blank--)
			;
		if (blank == 0 || left < 2)
			continue;
		if (text.n > 0)
			buf_char(&text, '\n');
		for (size_t i = 0, n; i < blank; i = n + 1) {	/* a tab is a blank, no fault */
			for (n = i; n < blank && line.p[n] != '\t'; n++)
				;
			buf_clean(&text, (struct slice){ line.p + i, n - i }, text.max - text.n);
			if (n < blank)
				buf_char(&text, ' ');
		}
	}
	buf_add(out, buf_slice(&text));
	buf_free(&text);
}

static size_t
cost_of(char c, enum result_form form)
{
	return form != RESULT_LINES && (c == '\n' || c == '\\') ? 2 : 1;
}

static size_t
cost(struct slice s, enum result_form form)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += cost_of(s.p[i], form);
	return n;
}

/* As many whole characters as cost at most so much. */
static struct slice
shorten(struct slice s, size_t most, enum result_form form)
{
	size_t n = 0, used = 0;

	while (n < s.n && used + cost_of(s.p[n], form) <= most)
		used += cost_of(s.p[n++], form);
	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return slice_head(s, n);
}

static void
put(struct buf *out, struct slice s, enum result_form form)
{
	for (size_t i = 0; i < s.n; i++) {
		if (form != RESULT_ONE_LINE || cost_of(s.p[i], form) == 1)
			buf_char(out, s.p[i]);
		else
			buf_str(out, s.p[i] == '\n' ? "\\n" : "\\\\");
	}
}

/* The values that cost at most so much, whole. */
static struct slice
fewer_values(struct slice values, size_t most, enum result_form form)
{
	while (cost(values, form) > most) {
		do
			values.n--;
		while (values.n > 0 && values.p[values.n - 1] != ' ');
		values = slice_head(values, values.n > 0 ? values.n - 1 : 0);
	}
	return values;
}

static size_t
put_first(struct buf *out, struct slice line, size_t most, enum result_form form)
{
	struct slice says = line, values = { "", 0 };
	size_t room;

	if (cost(line, form) <= most) {
		put(out, line, form);
		return cost(line, form);
	}
	if (slice_cut(&line, '|', &says))
		values = fewer_values(line, most / 2, form);
	room = most - cost(values, form) - (values.n > 0 ? 1 : 0);
	says = shorten(says, room, form);
	put(out, says, form);
	if (values.n > 0)
		buf_char(out, '|');
	put(out, values, form);
	return cost(says, form) + cost(values, form) + (values.n > 0 ? 1 : 0);
}

void
result_fit(struct buf *out, struct slice text, size_t most, enum result_form form)
{
	size_t newline = cost_of('\n', form), used;
	struct slice line, rest = text;

	(void)slice_next(&rest, '\n', &line);
	used = put_first(out, line, most, form);
	for (struct slice all = rest; slice_next(&rest, '\n', &line); all = rest) {
		if (used + newline + cost(all, form) > most &&
		    used + 2 * newline + cost(line, form) + cut.n > most) {
			if (used + newline + cut.n <= most) {
				put(out, (struct slice){ "\n", 1 }, form);
				buf_add(out, cut);
			}
			return;
		}
		put(out, (struct slice){ "\n", 1 }, form);
		put(out, line, form);
		used += newline + cost(line, form);
	}
}

void
result_split(struct slice text, struct buf *says, struct buf *values)
{
	struct slice line, head;
	bool later = false, in_values = false;	/* behind the second "|" all lines are values */

	while (slice_next(&text, '\n', &line)) {
		bool bar;

		bar = !in_values && slice_cut(&line, '|', &head);
		if (!in_values) {
			buf_str(says, later ? "\n" : "");
			buf_add(says, slice_trim(bar ? head : line));
		}
		if (bar || in_values) {
			buf_str(values, values->n > 0 ? " " : "");
			buf_add(values, slice_trim(line));
		}
		in_values = in_values || (bar && later);
		later = true;
	}
}
