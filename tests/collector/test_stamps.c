/* test_stamps.c - of which second a line is: stamps without a year, of zones whose clocks change, and of logs that are followed for
 * years. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <time.h>

#include "input/header.h"
#include "logtime.h"
#include "tap.h"

#include "poison.h"

#define B0 1795005000	/* 2026-11-18 12:30:00 UTC */
#define NOW (B0 + 600)

/* The time of a BSD stamp by this parser, 0 if it is none. */
static int64_t
when(struct header *h, const char *stamp)
{
	char raw[64];
	struct line l;

	(void)snprintf(raw, sizeof raw, "%s mx1 p[7]: x", stamp);
	return header_parse(h, slice_of(raw), &l) == HEADER_LINE ? l.time : 0;
}

static int64_t
at(int y, int m, int d, int hh, int mm, int ss)
{
	return civil_days(y, m, d) * DAY_S + hh * HOUR_S + mm * MINUTE_S + ss;
}

static void
test_fractions(void)
{
	static const struct {
		const char *raw;
		uint32_t usec;
	} rows[] = {
		{ "2026-11-18T12:30:00.123456Z mx1 p: x", 123456 },
		{ "2026-11-18T12:30:00.5Z mx1 p: x", 500000 },
		{ "2026-11-18T12:30:00.000001Z mx1 p: x", 1 },
		{ "2026-11-18T12:30:00.123456789Z mx1 p: x", 123456 },
		{ "2026-11-18T12:30:00Z mx1 p: x", 0 },
		{ "Nov 18 12:30:00.025 mx1 p: x", 25000 },
	};
	struct header *h = header_new("UTC", 0, NOW, SLICE(""), NULL);
	struct line l;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ok(header_parse(h, slice_of(rows[i].raw), &l) == HEADER_LINE && l.time == B0 &&
		    l.usec == rows[i].usec, "%s", rows[i].raw);
	}
	header_free(h);
}

static void
test_years(void)
{
	struct header *h = header_new("UTC", 0, at(2027, 1, 1, 0, 5, 0), SLICE(""), NULL);

	is_int(when(h, "Dec 31 23:59:58"), at(2026, 12, 31, 23, 59, 58), "read after New Year");
	is_int(when(h, "Jan  1 00:00:01"), at(2027, 1, 1, 0, 0, 1), "the new year");
	is_int(when(h, "Dec 31 23:59:59"), at(2026, 12, 31, 23, 59, 59), "a late line");
	is_int(when(h, "Jan  2 00:04:00"), at(2027, 1, 2, 0, 4, 0), "a clock a day ahead");
	is_int(when(h, "Jan  3 00:04:00"), at(2026, 1, 3, 0, 4, 0), "not two days ahead");
	is_int(when(h, "Feb 29 12:00:00"), at(2024, 2, 29, 12, 0, 0), "Feb 29: the last leap year");
	header_free(h);
	h = header_new("UTC", 0, at(2028, 3, 1, 12, 0, 0), SLICE(""), NULL);
	is_int(when(h, "Feb 29 12:00:00"), at(2028, 2, 29, 12, 0, 0), "Feb 29 of this year");
	header_free(h);

	h = header_new("UTC", 0, at(2026, 11, 18, 0, 0, 0), SLICE(""), NULL);
	is_int(when(h, "Nov 30 10:00:00"), at(2025, 11, 30, 10, 0, 0), "last year's November");
	is_int(when(h, "Dec 31 10:00:00"), at(2025, 12, 31, 10, 0, 0), "December");
	is_int(when(h, "Jan  1 10:00:00"), at(2026, 1, 1, 10, 0, 0), "January");
	is_int(when(h, "Nov 17 10:00:00"), at(2026, 11, 17, 10, 0, 0), "yesterday");
	header_free(h);

	h = header_new("UTC", 2019, at(2026, 11, 18, 0, 0, 0), SLICE(""), NULL);
	is_int(when(h, "Dec 30 10:00:00"), at(2019, 12, 30, 10, 0, 0), "a year that is told");
	is_int(when(h, "Jan  2 10:00:00"), at(2020, 1, 2, 10, 0, 0), "goes on");
	is_int(when(h, "Dec 31 23:00:00"), at(2019, 12, 31, 23, 0, 0), "a late line");
	is_int(when(h, "2041-01-01T00:00:00Z"), at(2041, 1, 1, 0, 0, 0), "a clock gone wild");
	is_int(when(h, "Jan  2 10:00:01"), at(2020, 1, 2, 10, 0, 1), "changes nothing");
	is_int(when(h, "Feb 29 10:00:00"), at(2020, 2, 29, 10, 0, 0), "leap day");
	is_int(when(h, "Aug  1 10:00:00"), at(2020, 8, 1, 10, 0, 0), "a quiet summer");
	is_int(when(h, "Jul 31 10:00:00"), at(2020, 7, 31, 10, 0, 0), "a line that is a day late");
	is_int(header_newest(h), at(2020, 8, 1, 10, 0, 0), "the newest line");
	header_free(h);

	/* told 2026, interrupted on New Year's Eve, told 2026 again */
	h = header_new("UTC", 2026, at(2026, 11, 18, 0, 0, 0), SLICE(""), NULL);
	header_set_newest(h, at(2026, 12, 31, 23, 59, 0));
	is_int(when(h, "Jan  1 00:00:30"), at(2027, 1, 1, 0, 0, 30), "after a restart");
	is_int(when(h, "Dec 31 23:59:30"), at(2026, 12, 31, 23, 59, 30), "and back");
	header_free(h);

	h = header_new("UTC", 0, at(2026, 6, 1, 0, 0, 0), SLICE(""), NULL);
	is_int(when(h, "2041-01-01T00:00:00Z"), at(2041, 1, 1, 0, 0, 0), "a clock gone wild");
	is_int(header_newest(h), 0, "is not the newest line");
	is_int(when(h, "May 31 10:00:00"), at(2026, 5, 31, 10, 0, 0), "this year");
	header_free(h);
}

/* A feed that stays open for years: the daemon tells it the time. */
static void
test_live_years(void)
{
	static const struct {
		int64_t day;	/* of the clock, at noon */
		const char *stamp;
		int year;
		const char *why;
	} rows[] = {
		{ 0, "Dec 31 11:59:59", 2026, "New Year's Eve" },
		{ 1, "Dec 31 23:59:59", 2026, "a late line, on the next day" },
		{ 1, "Jan  1 11:59:59", 2027, "the new year" },
		{ 1, "Jan 30 12:00:00", 2027, "a clock that is 29 days ahead" },
		{ 1, "Feb  2 12:00:00", 2026, "last year's February" },
		{ 60, "Feb 28 12:00:00", 2027, "the end of February" },
		{ 60, "Feb 29 12:00:00", 2024, "no leap year" },
		{ 365, "Dec 31 11:00:00", 2027, "again New Year's Eve" },
		{ 366, "Dec 31 23:59:59", 2027, "a late line" },
		{ 425, "Feb 29 11:59:59", 2028, "a leap year" },
		{ 426, "Feb 29 11:59:59", 2028, "a line that is a day late" },
		{ 1500, "Feb  8 11:59:59", 2031, "after a silence of three years" },
	};
	struct header *h = header_new("UTC", 0, at(2026, 11, 18, 0, 0, 0), SLICE(""), NULL);
	int month, day, hh, mm, ss;
	char name[4];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		header_live(h, at(2026, 12, 31, 12, 0, 0) + rows[i].day * DAY_S, 30 * DAY_S);
		if (sscanf(rows[i].stamp, "%3s %d %d:%d:%d", name, &day, &hh, &mm, &ss) != 5)
			continue;
		month = name[0] == 'J' ? 1 : name[0] == 'F' ? 2 : 12;
		is_int(when(h, rows[i].stamp), at(rows[i].year, month, day, hh, mm, ss), rows[i].why);
	}
	header_live(h, at(2031, 2, 8, 12, 0, 0), DAY_S);
	is_int(when(h, "Feb 10 11:00:00"), at(2030, 2, 10, 11, 0, 0), "of a file only a day ahead");
	header_free(h);
}

/* What has no stamp is of now, and not of when the feed was opened. */
static void
test_live_unstamped(void)
{
	static const char *const raws[] = { "<22>1 - mx1 prog 7 - - text", "<22>prog[7]: text" };
	struct header *h = header_new("UTC", 0, NOW, SLICE("own"), NULL);
	struct line l;

	for (int day = 0; day < 3; day++) {
		header_live(h, NOW + day * DAY_S, DAY_S);
		for (size_t i = 0; i < 2; i++)
			ok(header_parse(h, slice_of(raws[i]), &l) == HEADER_LINE &&
			    l.time == NOW + day * DAY_S, "day %d: %s", day, raws[i]);
	}
	header_free(h);
}

static void
test_zones(void)
{
	struct header *h = header_new("Europe/Berlin", 0, at(2026, 11, 18, 0, 0, 0), SLICE(""), NULL);
	struct header *ny = header_new("America/New_York", 2026, 0, SLICE(""), NULL);
	struct err e;

	ok(header_new("No/Where", 0, 0, SLICE(""), &e) == NULL, "%s", e.text);
	if (h == NULL || ny == NULL) {
		ok(1, "summer time # SKIP no zone database here");
		return;
	}
	is_int(when(h, "Oct 25 01:59:59"), at(2026, 10, 24, 23, 59, 59), "before the clocks change");
	is_int(when(h, "Oct 25 02:59:00"), at(2026, 10, 25, 0, 59, 0), "first pass");
	is_int(when(h, "Oct 25 02:58:00"), at(2026, 10, 25, 0, 58, 0), "a minute late");
	is_int(when(h, "Oct 25 02:00:01"), at(2026, 10, 25, 1, 0, 1), "second pass");
	is_int(when(ny, "Nov  1 01:30:00"), at(2026, 11, 1, 5, 30, 0), "another zone beside it");
	is_int(when(h, "Oct 25 02:20:00"), at(2026, 10, 25, 1, 20, 0), "on in the second pass");
	is_int(when(h, "Oct 25 02:19:58"), at(2026, 10, 25, 1, 19, 58), "a late line in it");
	is_int(when(h, "Oct 25 02:59:59"), at(2026, 10, 25, 1, 59, 59), "its end");
	is_int(when(h, "Oct 25 03:00:00"), at(2026, 10, 25, 2, 0, 0), "winter");
	is_int(when(h, "2026-10-25T02:30:00+02:00"), at(2026, 10, 25, 0, 30, 0), "a zone in the stamp");
	is_int(when(ny, "Nov  1 01:10:00"), at(2026, 11, 1, 6, 10, 0), "second pass there");
	is_int(when(ny, "Mar 29 02:30:00"), at(2027, 3, 29, 6, 30, 0), "next spring");
	header_free(h);
	header_free(ny);

	/* January in the zone is still December in UTC */
	h = header_new("Asia/Tokyo", 0, at(2027, 1, 1, 0, 5, 0), SLICE(""), NULL);
	is_int(when(h, "Jan  1 03:00:00"), at(2026, 12, 31, 18, 0, 0), "New Year in Tokyo");
	is_int(when(h, "Jan  1 09:05:00"), at(2027, 1, 1, 0, 5, 0), "and in UTC");
	is_int(when(h, "Dec 31 23:59:00"), at(2026, 12, 31, 14, 59, 0), "a late line");
	header_free(h);
}

/* A line a minute from 20 minutes before a repeated hour to 20 behind it, each second one
 * 50 s late. */
static int
walk(struct header *h, int64_t begins, int minutes, const int offset_min[2], bool live)
{
	int64_t from = begins - 20 * 60;
	int wrong = 0;

	for (int m = 0; m < 2 * minutes + 40; m++) {
		int64_t t = from + m * 60 - m % 2 * 50;
		time_t civil = t + 60 * offset_min[t >= begins + 60 * minutes];
		char stamp[40];
		struct tm tm;

		if (live)
			header_live(h, from + m * 60, DAY_S);
		strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", gmtime_r(&civil, &tm));
		if (when(h, stamp) != t && wrong++ < 3)
			printf("# %s: off by %" PRId64 "\n", stamp, when(h, stamp) - t);
	}
	return wrong;
}

/* In zones of both hemispheres; and one of half an hour, and one that begins the day anew. */
static void
test_repeated_hours(void)
{
	static const struct {
		const char *zone;
		int64_t begins;		/* the first pass, in UTC */
		int minutes, offset_min[2];
	} rows[] = {
		{ "Europe/Berlin", 1792886400, 60, { 120, 60 } },	/* 2026-10-25 02:00 */
		{ "America/New_York", 1793509200, 60, { -240, -300 } },	/* 2026-11-01 01:00 */
		{ "Australia/Sydney", 1775314800, 60, { 660, 600 } },	/* 2026-04-05 02:00 */
		{ "Australia/Lord_Howe", 1775313000, 30, { 660, 630 } },	/* 2026-04-05 01:30 */
		{ "America/Sao_Paulo", 1518915600, 60, { -120, -180 } },	/* 2018-02-17 23:00 */
	};

	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		int64_t begins = rows[i / 2].begins;
		struct header *h = header_new(rows[i / 2].zone, 0, begins + 7 * DAY_S, SLICE(""), NULL);

		if (h == NULL)
			ok(1, "%s # SKIP no zone database here", rows[i / 2].zone);
		else
			is_int(walk(h, begins, rows[i / 2].minutes, rows[i / 2].offset_min, i % 2), 0,
			    rows[i / 2].zone);
		header_free(h);
	}
}

/* What only the clock can tell of the repeated hour in Berlin: 02:00 is 00:00 and 01:00. */
static void
test_repeated_live(void)
{
	const int64_t first = 1792886400, second = first + HOUR_S;
	struct header *h = header_new("Europe/Berlin", 0, first - DAY_S, SLICE(""), NULL);

	header_live(h, first + 1500, DAY_S);
	is_int(when(h, "Oct 25 02:25:00"), first + 1500, "first pass");
	header_live(h, first + 1501, DAY_S);
	is_int(when(h, "Oct 25 02:03:00"), first + 180, "late, but the second pass has not begun");
	is_int(when(h, "Oct 25 02:25:01"), first + 1501, "on in the first pass");
	header_live(h, second + 1510, DAY_S);
	is_int(when(h, "Oct 25 02:25:10"), second + 1510, "an hour of silence, to the minute");
	is_int(when(h, "Oct 25 02:25:11"), second + 1511, "on in the second pass");
	header_free(h);

	h = header_new("Europe/Berlin", 0, first - DAY_S, SLICE(""), NULL);
	header_live(h, first - 60, DAY_S);
	is_int(when(h, "Oct 25 01:59:00"), first - 60, "before it");
	header_live(h, second + 600, DAY_S);
	is_int(when(h, "Oct 25 02:00:30"), first + 30, "a spool of an hour arrives: its beginning");
	is_int(when(h, "Oct 25 02:10:00"), first + 600, "as old as an hour");
	is_int(when(h, "Oct 25 02:59:59"), first + 3599, "its first pass");
	is_int(when(h, "Oct 25 02:00:00"), second, "and its second");
	header_free(h);
}

/* The hour that is not there: clocks that were not moved. */
static void
test_skipped_hour(void)
{
	struct header *h = header_new("Europe/Berlin", 0, at(2026, 4, 1, 0, 0, 0), SLICE(""), NULL);

	is_int(when(h, "Mar 29 01:59:59"), at(2026, 3, 29, 0, 59, 59), "before it");
	is_int(when(h, "Mar 29 02:30:00"), at(2026, 3, 29, 1, 30, 0), "in it");
	is_int(when(h, "Mar 29 03:00:00"), at(2026, 3, 29, 1, 0, 0), "after it");
	header_free(h);
}

int
main(void)
{
	test_fractions();
	test_years();
	test_live_years();
	test_live_unstamped();
	test_zones();
	test_repeated_hours();
	test_repeated_live();
	test_skipped_hour();
	return done_testing();
}
