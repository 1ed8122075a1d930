/* test_logtime.c - dates, zones, skipped and repeated hours. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "logtime.h"
#include "tap.h"

#include "poison.h"

static int64_t
civil(int y, int m, int d, int hh, int mm)
{
	return civil_days(y, m, d) * DAY_S + hh * HOUR_S + mm * MINUTE_S;
}

static void
test_dates(void)
{
	is_int(civil_days(1970, 1, 1), 0, "day 0");
	is_int(civil_days(1969, 12, 31), -1, "the day before");
	is_int(civil_days(2000, 3, 1), 11017, "after a leap day");
	is_int(civil_days(2026, 11, 18), 20775, "2026-11-18");
	for (int year = 1890; year < 2200; year++) {
		if (civil_year(civil_days(year, 1, 1)) != year ||
		    civil_year(civil_days(year, 12, 31)) != year)
			ok(0, "year %d", year);
	}
	is_int(civil_year(civil_days(2026, 1, 1) - 1), 2025, "the last day of 2025");
	ok(civil_valid(2024, 2, 29) && civil_valid(2000, 2, 29), "there is a Feb 29");
	ok(!civil_valid(2026, 2, 29) && !civil_valid(2100, 2, 29), "there is none");
	ok(!civil_valid(2026, 4, 31) && !civil_valid(2026, 0, 1) && !civil_valid(2026, 13, 1) &&
	    !civil_valid(2026, 1, 0), "there are no such days");
}

static void
test_zones(void)
{
	struct err e = { "" };
	const struct zone *utc = zone_get("UTC", &e);
	const struct zone *berlin = zone_get("Europe/Berlin", &e);
	const struct zone *lord_howe = zone_get("Australia/Lord_Howe", &e);
	int64_t t[2] = { 0 };

	ok(utc != NULL && zone_utc(utc, 12345, t) == 1 && t[0] == 12345, "UTC");
	ok(zone_get("Mars/Olympus", &e) == NULL && strstr(e.text, "Mars/Olympus") != NULL, "%s",
	    e.text);
	ok(zone_get("../../../etc/passwd", &e) == NULL && zone_get("", &e) == NULL &&
	    zone_get("Europe", &e) == NULL && zone_get("/etc/localtime", &e) == NULL, "no zones");
	if (berlin == NULL || lord_howe == NULL) {
		ok(1, "zones with summer time # SKIP no zone database here");
		return;
	}
	ok(zone_get("Europe/Berlin", &e) == berlin, "a zone is loaded once");
	is_int(zone_offset(berlin, civil(2026, 1, 15, 12, 0)), HOUR_S, "winter");
	is_int(zone_offset(berlin, civil(2026, 7, 15, 12, 0)), 2 * HOUR_S, "summer");
	is_int(zone_utc(berlin, civil(2026, 7, 15, 12, 0), t), 1, "one moment");
	is_int(t[0], civil(2026, 7, 15, 10, 0), "two hours earlier in UTC");
	is_int(zone_utc(berlin, civil(2026, 10, 25, 2, 30), t), 2, "the repeated hour");
	is_int(t[0], civil(2026, 10, 25, 0, 30), "first pass");
	is_int(t[1], civil(2026, 10, 25, 1, 30), "second pass");
	is_int(zone_utc(berlin, civil(2026, 10, 25, 1, 59), t), 1, "before it");
	is_int(t[0], civil(2026, 10, 24, 23, 59), "in summer time");
	is_int(zone_utc(berlin, civil(2026, 10, 25, 3, 0), t), 1, "after it");
	is_int(t[0], civil(2026, 10, 25, 2, 0), "in winter time");
	is_int(zone_utc(berlin, civil(2026, 3, 29, 2, 30), t), 1, "the skipped hour");
	is_int(t[0], civil(2026, 3, 29, 1, 30), "as if not skipped");
	is_int(zone_utc(lord_howe, civil(2026, 4, 5, 1, 45), t), 2, "half an hour repeated");
	is_int(t[1] - t[0], 1800, "30 minutes apart");
	is_int(zone_offset(lord_howe, civil(2060, 1, 1, 0, 0)), 11 * HOUR_S, "far in the future");
	ok(getenv("TZ") == NULL || strcmp(getenv("TZ"), "Asia/Kolkata") == 0, "TZ is as it was");
}

int
main(void)
{
	struct err e;
	const struct zone *own;

	test_dates();
	(void)setenv("TZ", "XXX-5:30", 1);
	own = zone_get(NULL, &e);
	is_int(own != NULL ? zone_offset(own, 0) : 0, 19800, "the machine's own zone");
	(void)unsetenv("TZ");
	test_zones();
	return done_testing();
}
