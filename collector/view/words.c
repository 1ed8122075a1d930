/* words.c - see words.h. */
#include "view/words.h"

#include <stdio.h>
#include <time.h>

#include "quantity.h"

#include "poison.h"

enum { NAME_MAX_COLUMNS = 76 };

/* What a quantity_ function writes, as a value. */
static struct words
words_of(struct buf *b)
{
	struct words w = { "?" };

	snprintf(w.s, sizeof w.s, "%s", b->p);
	buf_free(b);
	return w;
}

struct words
words_count(int64_t n)
{
	struct buf b = buf_new(sizeof(struct words));

	quantity_count(&b, n);
	return words_of(&b);
}

struct words
words_share(int64_t part, int64_t whole)
{
	struct words w = { "-" };
	double percent;

	if (whole == 0)
		return w;
	percent = 100 * (double)part / (double)whole;
	/* a few of very many are neither none nor all */
	if (part > 0 && percent < 0.05)
		snprintf(w.s, sizeof w.s, "< 0.1%%");
	else if (part < whole && percent >= 99.95 && percent < 100)
		snprintf(w.s, sizeof w.s, "> 99.9%%");
	else
		snprintf(w.s, sizeof w.s, "%.1f%%", percent);
	return w;
}

struct words
words_bytes(double n)
{
	struct buf b = buf_new(sizeof(struct words));

	quantity_people(&b, n, "B");
	return words_of(&b);
}

struct words
words_seconds(double s)
{
	struct buf b = buf_new(sizeof(struct words));

	quantity_people(&b, s, "s");
	return words_of(&b);
}

struct words
words_time(int64_t t, bool zone)
{
	time_t clock = (time_t)t;
	struct words w = { "?" };
	struct tm tm;

	if (localtime_r(&clock, &tm) == NULL)
		return w;
	if (strftime(w.s, sizeof w.s, zone ? "%a %Y-%m-%d %H:%M %Z" : "%a %Y-%m-%d %H:%M",
	    &tm) == 0)
		w = (struct words){ "?" };
	return w;
}

void
words_name(struct buf *out, struct slice name, size_t columns)
{
	size_t before = out->n + 2, n;

	buf_str(out, "  ");
	buf_clean(out, name, NAME_MAX_COLUMNS);
	n = out->n - before;
	if (n > columns) {
		buf_str(out, "\n  ");
		n = 0;
	}
	buf_fmt(out, "%*s", (int)(columns - n), "");
}
