/* logtime.c - see logtime.h. */
#include "logtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"

#include "poison.h"

enum { CHANGES_MAX = 512, ZONES_MAX = 64, NAME_MAX_BYTES = 64 };

struct zone {
	char name[NAME_MAX_BYTES];	/* empty: the machine's own */
	int32_t first;			/* offset before the first change */
	size_t n;
	struct {
		int64_t at;
		int32_t offset;
	} change[CHANGES_MAX];
};

static struct {
	struct zone *zone[ZONES_MAX];
	size_t n;
} known;

int64_t
civil_days(int year, int month, int day)
{
	/* Years that begin in March have the leap day at their end; 400 of
	 * them are 146097 days. */
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int
civil_year(int64_t days)
{
	int year = (int)(1970 + days / 366);	/* never too late a year after 1970 */

	if (days < 0)
		year = (int)(1970 + days / 365 - 1);
	while (civil_days(year + 1, 1, 1) <= days)
		year++;
	return year;
}

bool
civil_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool
civil_valid(int year, int month, int day)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= length[month - 1] + (month == 2 && civil_leap(year));
}

int32_t
zone_offset(const struct zone *z, int64_t utc)
{
	size_t lo = 0, hi = z->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (z->change[mid].at <= utc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == 0 ? z->first : z->change[lo - 1].offset;
}

int
zone_utc(const struct zone *z, int64_t civil, int64_t utc[2])
{
	int32_t before = zone_offset(z, civil - DAY_S);
	int32_t after = zone_offset(z, civil + DAY_S);
	bool early, late;

	utc[0] = civil - before;
	if (before == after)
		return 1;
	early = zone_offset(z, civil - before) == before;
	late = zone_offset(z, civil - after) == after;
	if (early && late) {
		utc[1] = civil - after;
		return 2;
	}
	if (late)
		utc[0] = civil - after;
	return 1;
}

/* What the C library says, under the TZ of now. */
static int32_t
offset_at(int64_t utc)
{
	time_t t = (time_t)utc;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return 0;
	return (int32_t)(civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * DAY_S +
	    tm.tm_hour * HOUR_S + tm.tm_min * MINUTE_S + tm.tm_sec - utc);
}

/* Ask the library week by week; where the offset changed, halve until the second. */
static void
probe(struct zone *z)
{
	const int64_t begin = civil_days(1990, 1, 1) * DAY_S;
	const int64_t end = civil_days(2070, 1, 1) * DAY_S;
	int32_t was = offset_at(begin);

	z->first = was;
	for (int64_t t = begin; t < end && z->n < CHANGES_MAX; t += 7 * DAY_S) {
		int64_t lo = t, hi = t + 7 * DAY_S;
		int32_t is = offset_at(hi);

		if (is == was)
			continue;
		while (hi - lo > 1) {
			int64_t mid = lo + (hi - lo) / 2;

			if (offset_at(mid) == was)
				lo = mid;
			else
				hi = mid;
		}
		z->change[z->n].at = hi;
		z->change[z->n++].offset = is;
		was = is;
	}
}

/* The C library takes a name that it does not know for UTC, without a word. */
static bool
in_database(const char *name)
{
	const char *dir = getenv("TZDIR");
	char path[512], magic[4] = "";
	FILE *f;

	if (name[0] == '\0' || strstr(name, "..") != NULL || name[0] == '/' || name[0] == ':')
		return false;
	if (snprintf(path, sizeof path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", name) >=
	    (int)sizeof path)
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fread(magic, 1, sizeof magic, f) != sizeof magic)
		magic[0] = '\0';
	fclose(f);
	return memcmp(magic, "TZif", sizeof magic) == 0;
}

static void
load(struct zone *z)
{
	const char *env = getenv("TZ");
	char *old = env != NULL ? xstrdup(env) : NULL;

	if (setenv("TZ", z->name, 1) != 0)
		abort();	/* only without memory */
	tzset();
	probe(z);
	if (old != NULL)
		(void)setenv("TZ", old, 1);
	else
		(void)unsetenv("TZ");
	tzset();
	free(old);
}

const struct zone *
zone_get(const char *name, struct err *e)
{
	bool utc = name != NULL && (strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0);
	const char *key = name != NULL ? name : "";
	struct zone *z;

	for (size_t i = 0; i < known.n && (name == NULL || name[0] != '\0'); i++)
		if (strcmp(known.zone[i]->name, key) == 0)
			return known.zone[i];
	if (strlen(key) >= NAME_MAX_BYTES || (name != NULL && !utc && !in_database(name))) {
		err_set(e, "time zone \"%s\": not in the zone database", name);
		return NULL;
	}
	if (known.n == ZONES_MAX) {
		err_set(e, "time zone %s: more than %d zones", key, ZONES_MAX);
		return NULL;
	}
	z = xcalloc(1, sizeof *z);
	memcpy(z->name, key, strlen(key) + 1);
	if (name == NULL) {
		tzset();
		probe(z);
	} else if (!utc) {	/* UTC is there without a database too */
		load(z);
	}
	known.zone[known.n++] = z;
	return z;
}
