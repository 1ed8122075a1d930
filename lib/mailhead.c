/* mailhead.c - see mailhead.h. RFC 5322 3.3, 3.6.7 and 4.3; RFC 5321 4.4; RFC 3501 for IMAP's dates.
 *
 * A Received line is words up to a semicolon, and a date; comments stand everywhere. Of the
 * words only those behind "by" and "with" are kept. */
#include "mailhead.h"

#include "logtime.h"

#include "poison.h"

enum { COMMENT_DEPTH = 100 };

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_letter(char c)
{
	return slice_lower(c) >= 'a' && slice_lower(c) <= 'z';
}

/* --- fields -------------------------------------------------------------------------------- */

/* A line with its end, and with those that continue it. */
static struct slice
take_folded(struct slice *head)
{
	struct slice all = *head, line;

	do {
		if (!slice_cut(head, '\n', &line))
			*head = (struct slice){ all.p + all.n, 0 };
	} while (head->n > 0 && (head->p[0] == ' ' || head->p[0] == '\t'));
	return slice_head(all, (size_t)(head->p - all.p));
}

bool
mailhead_next(struct slice *head, struct slice *name, struct slice *value)
{
	while (head->n > 0 && head->p[0] != '\n' && !slice_starts(*head, SLICE("\r\n"))) {
		*value = take_folded(head);
		if (!slice_cut(value, ':', name))
			continue;
		*name = slice_trim(*name);	/* RFC 5322 4.5: blanks before the colon */
		while (value->n > 0 && is_blank(value->p[0]))
			*value = slice_from(*value, 1);
		while (value->n > 0 && is_blank(value->p[value->n - 1]))
			value->n--;
		return true;
	}
	return false;
}

/* --- words --------------------------------------------------------------------------------- */

/* Past blanks and comments, which may lie in one another. */
static void
skip(struct slice *s)
{
	int depth = 0;

	for (; s->n > 0; *s = slice_from(*s, 1)) {
		char c = s->p[0];

		if (c == '(' && depth < COMMENT_DEPTH)
			depth++;
		else if (depth == 0 && !is_blank(c))
			return;
		else if (c == ')')
			depth--;
		else if (c == '\\' && depth > 0)
			*s = slice_from(*s, 1);	/* quoted: no parenthesis */
	}
}

/* The letters in front. */
static struct slice
take_letters(struct slice *s)
{
	size_t n = 0;
	struct slice word;

	while (n < s->n && is_letter(s->p[n]))
		n++;
	word = slice_head(*s, n);
	*s = slice_from(*s, n);
	return word;
}

/* A number of so many digits. */
static bool
take_number(struct slice *s, size_t least, size_t most, int *v)
{
	size_t n = 0;

	*v = 0;
	for (; n < s->n && n <= most && slice_is_digit(s->p[n]); n++)
		*v = *v * 10 + (s->p[n] - '0');
	if (n < least || n > most)
		return false;
	*s = slice_from(*s, n);
	return true;
}

/* Up to a blank, a comment or a semicolon; one in quotes as a whole. Empty at a semicolon. */
static struct slice
take_word(struct slice *s)
{
	struct slice all = *s;
	bool quoted = false;

	for (; s->n > 0; *s = slice_from(*s, 1)) {
		char c = s->p[0];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted)
			*s = slice_from(*s, 1);
		else if (!quoted && (is_blank(c) || c == '(' || c == ';'))
			break;
	}
	return slice_head(all, all.n - s->n);
}

/* --- dates --------------------------------------------------------------------------------- */

static int
month_of(struct slice word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int m = 0; m < 12; m++)
		if (slice_eq_nocase(slice_head(word, 3), (struct slice){ names + m * 3, 3 }))
			return m + 1;
	return 0;
}

/* Day, month and year, with blanks or hyphens between. */
static bool
take_day(struct slice *s, int64_t *days)
{
	int day, month, year;
	size_t left;

	skip(s);
	if (!take_number(s, 1, 2, &day))
		return false;
	skip(s);
	(void)slice_eat_char(s, '-');
	month = month_of(take_letters(s));
	skip(s);
	(void)slice_eat_char(s, '-');
	left = s->n;
	if (month == 0 || !take_number(s, 2, 4, &year))
		return false;
	left -= s->n;
	if (left < 4)	/* RFC 5322 4.3 */
		year += left == 2 && year < 50 ? 2000 : 1900;
	if (year < 1970 || !civil_valid(year, month, day))
		return false;
	*days = civil_days(year, month, day);
	return true;
}

static bool
take_time(struct slice *s, int64_t *seconds)
{
	int hour, minute, second = 0;

	skip(s);
	if (!take_number(s, 1, 2, &hour))
		return false;
	skip(s);
	if (!slice_eat_char(s, ':'))
		return false;
	skip(s);
	if (!take_number(s, 2, 2, &minute))
		return false;
	skip(s);
	if (slice_eat_char(s, ':')) {
		skip(s);
		if (!take_number(s, 2, 2, &second))
			return false;
	}
	*seconds = (int64_t)hour * HOUR_S + minute * MINUTE_S + second;
	return hour < 24 && minute < 60 && second <= 60;
}

/* How far its clocks are ahead of UTC. */
static bool
take_zone(struct slice *s, int64_t *ahead)
{
	static const struct { char name[4]; int hours; } zones[] = {
		{ "ut", 0 }, { "utc", 0 }, { "gmt", 0 }, { "z", 0 }, { "est", -5 }, { "edt", -4 },
		{ "cst", -6 }, { "cdt", -5 }, { "mst", -7 }, { "mdt", -6 }, { "pst", -8 }, { "pdt", -7 }
	};
	bool west;
	struct slice word;
	int v;

	skip(s);
	west = s->n > 0 && s->p[0] == '-';
	if (west || (s->n > 0 && s->p[0] == '+')) {
		*s = slice_from(*s, 1);
		if (!take_number(s, 4, 4, &v) || v % 100 >= 60)
			return false;
		*ahead = ((int64_t)(v / 100) * HOUR_S + v % 100 * MINUTE_S) * (west ? -1 : 1);
		return true;
	}
	word = take_letters(s);
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
		if (slice_eq_nocase(word, slice_of(zones[i].name))) {
			*ahead = (int64_t)zones[i].hours * HOUR_S;
			return true;
		}
	return false;
}

bool
mailhead_date(struct slice s, int64_t *epoch)
{
	int64_t days, seconds, ahead;

	skip(&s);
	if (take_letters(&s).n > 0) {	/* the name of the day */
		skip(&s);
		(void)slice_eat_char(&s, ',');
	}
	if (!take_day(&s, &days) || !take_time(&s, &seconds) || !take_zone(&s, &ahead))
		return false;
	*epoch = days * DAY_S + seconds - ahead;
	return true;
}

/* --- Received ------------------------------------------------------------------------------ */

static void
keep(char *to, size_t size, struct slice word)
{
	word = slice_head(word, size - 1);
	if (word.n > 0)
		memcpy(to, word.p, word.n);
	to[word.n] = '\0';
}

void
mailhead_received(struct mailhead_way *w, struct slice value)
{
	struct mailhead_hop *h = &w->hop[w->hops];
	struct slice before = SLICE("");

	if (w->hops == MAILHEAD_HOPS_MAX) {
		w->left_out++;
		return;
	}
	*h = (struct mailhead_hop){ .dated = false };
	w->hops++;
	for (skip(&value); value.n > 0; skip(&value)) {
		struct slice word = take_word(&value);

		if (slice_eq_nocase(before, SLICE("by")) && h->by[0] == '\0')
			keep(h->by, sizeof h->by, word);
		else if (slice_eq_nocase(before, SLICE("with")) && h->with[0] == '\0')
			keep(h->with, sizeof h->with, word);
		before = word;
		if (slice_eat_char(&value, ';') && (h->dated = mailhead_date(value, &h->at)))
			return;
	}
}
