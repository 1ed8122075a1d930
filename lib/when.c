/* when.c - see when.h. */
#include "when.h"

#include <time.h>

#include "quantity.h"

#include "poison.h"

/* A point in time as written: fields of the calendar, and a zone if there is one. */
struct stamp {
	int year, month, day, hour, min, sec;
	bool has_zone;
	int zone_s;		/* east of UTC */
};

static bool
digits(struct slice *s, size_t n, int *v)
{
	int r = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		r = r * 10 + (s->p[i] - '0');
	}
	*v = r;
	*s = slice_from(*s, n);
	return true;
}

static bool
take_date(struct slice *s, struct stamp *w)
{
	struct slice r = *s;

	if (!digits(&r, 4, &w->year) || !slice_eat_char(&r, '-') ||
	    !digits(&r, 2, &w->month) || !slice_eat_char(&r, '-') || !digits(&r, 2, &w->day))
		return false;
	*s = r;
	return true;
}

/* [H]H:MM[:SS[.fraction]] */
static bool
take_time(struct slice *s, struct stamp *w)
{
	struct slice r = *s;
	uint64_t fraction;

	if ((!digits(&r, 2, &w->hour) && !digits(&r, 1, &w->hour)) || !slice_eat_char(&r, ':') || !digits(&r, 2, &w->min))
		return false;
	if (slice_eat_char(&r, ':')) {
		if (!digits(&r, 2, &w->sec))
			return false;
		if (slice_eat_char(&r, '.') && !slice_u64(&r, &fraction))
			return false;
	}
	*s = r;
	return w->hour < 24 && w->min < 60 && w->sec < 61;
}

/* Z, UTC, +01:00, +0100, +01; as "ls --full-time" prints them, behind a blank */
static bool
take_zone(struct slice *s, struct stamp *w)
{
	bool west;
	int h, m = 0;

	w->has_zone = true;
	(void)slice_eat_char(s, ' ');
	if (slice_eat_char(s, 'Z') || slice_eat(s, SLICE("UTC")))
		return true;
	west = slice_starts(*s, SLICE("-"));
	if ((!west && !slice_starts(*s, SLICE("+"))) || s->n < 3)
		return false;
	*s = slice_from(*s, 1);
	if (!digits(s, 2, &h))
		return false;
	if (s->n > 0) {
		(void)slice_eat_char(s, ':');
		if (!digits(s, 2, &m))
			return false;
	}
	w->zone_s = (west ? -1 : 1) * (h * 3600 + m * 60);
	return h < 15 && m < 60;
}

static void
stamp_of_day(struct stamp *w, int64_t t, int days_before)
{
	time_t at = (time_t)t;
	struct tm tm;

	localtime_r(&at, &tm);
	tm.tm_mday -= days_before;
	tm.tm_hour = 12;	/* no change of clocks at noon */
	tm.tm_isdst = -1;
	(void)mktime(&tm);
	w->year = tm.tm_year + 1900;
	w->month = tm.tm_mon + 1;
	w->day = tm.tm_mday;
}

static bool
day_exists(const struct stamp *w)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (w->year % 4 == 0 && w->year % 100 != 0) || w->year % 400 == 0;

	if (w->month < 1 || w->month > 12 || w->day < 1 || w->year < 1970)
		return false;
	return w->day <= days[w->month - 1] + (leap && w->month == 2);
}

/* Days since 1970-01-01 in the Gregorian calendar (timegm is not in POSIX.1-2008). */
static int64_t
days_since_epoch(const struct stamp *w)
{
	int64_t y = w->month <= 2 ? w->year - 1 : w->year;
	int64_t m = (w->month + 9) % 12;	/* March is 0 */

	return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + w->day - 1 - 719468;
}

static int64_t
stamp_epoch(const struct stamp *w)
{
	struct tm tm = { .tm_year = w->year - 1900, .tm_mon = w->month - 1,
		.tm_mday = w->day, .tm_hour = w->hour, .tm_min = w->min,
		.tm_sec = w->sec, .tm_isdst = -1 };

	if (!w->has_zone)
		return (int64_t)mktime(&tm);
	return days_since_epoch(w) * 86400 + w->hour * 3600 + w->min * 60 + w->sec - w->zone_s;
}

static bool
bad(struct slice text, struct err *e)
{
	return err_set(e, "\"%.*s\" is no time; write \"2026-11-20 03:00\", \"yesterday 03:00\", "
	    "\"-2h\", \"now\" or \"@1795200000\"", (int)slice_head(text, 60).n, text.p);
}

bool
when_parse(struct slice text, int64_t now, int64_t *t, struct err *e)
{
	struct slice s = text;
	struct stamp w = { 0 };
	bool day = true, wants_clock;
	uint64_t epoch;
	double ago;

	if (slice_eq(s, SLICE("now"))) {
		*t = now;
		return true;
	}
	if (slice_eat_char(&s, '@')) {
		if (!slice_u64(&s, &epoch) || s.n > 0 || epoch > INT32_MAX * INT64_C(100))
			return bad(text, e);
		*t = (int64_t)epoch;
		return true;
	}
	if (slice_eat_char(&s, '-')) {
		if (!quantity_parse(s, "s", &ago, NULL) || ago < 0 || ago > (double)now)
			return bad(text, e);
		*t = now - (int64_t)ago;
		return true;
	}
	if (slice_eat(&s, SLICE("today")))
		stamp_of_day(&w, now, 0);
	else if (slice_eat(&s, SLICE("yesterday")))
		stamp_of_day(&w, now, 1);
	else if (!take_date(&s, &w))
		day = false;
	wants_clock = !day || s.n > 0;
	if (day && s.n > 0 && !slice_eat_char(&s, ' ') && !slice_eat_char(&s, 'T'))
		return bad(text, e);
	if (!day)
		stamp_of_day(&w, now, 0);
	if (wants_clock && (!take_time(&s, &w) || (s.n > 0 && !take_zone(&s, &w)) || s.n > 0))
		return bad(text, e);
	if (!day_exists(&w))
		return err_set(e, "\"%.*s\": there is no such day", (int)slice_head(text, 60).n, text.p);
	*t = stamp_epoch(&w);
	if (!day && *t > now) {
		stamp_of_day(&w, now, 1);
		*t = stamp_epoch(&w);
	}
	return true;
}

void
when_print(struct buf *b, int64_t t)
{
	time_t at = (time_t)t;
	char text[32];
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		buf_fmt(b, "@%lld", (long long)t);
	else
		buf_str(b, text);
}
