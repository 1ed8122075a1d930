/* words.c - see words.h. */
#include "view/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "poison.h"

struct words
words_count(int64_t n)
{
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	char digits[24];
	struct words w;
	size_t len, k = 0;

	snprintf(digits, sizeof digits, "%" PRIu64, left);
	len = strlen(digits);
	if (n < 0)
		w.s[k++] = '-';
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			w.s[k++] = ',';
		w.s[k++] = digits[i];
	}
	w.s[k] = '\0';
	return w;
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
		snprintf(w.s, sizeof w.s, "< 0.1 %%");
	else if (part < whole && percent >= 99.95 && percent < 100)
		snprintf(w.s, sizeof w.s, "> 99.9 %%");
	else
		snprintf(w.s, sizeof w.s, "%.1f %%", percent);
	return w;
}

struct words
words_bytes(double n)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	struct words w;
	size_t u = 0;

	while (fabs(n) >= 999.95 && u + 1 < sizeof units / sizeof *units) {
		n /= 1000;
		u++;
	}
	snprintf(w.s, sizeof w.s, u == 0 || n >= 99.95 ? "%.0f %s" : "%.1f %s", n, units[u]);
	return w;
}

struct words
words_seconds(double s)
{
	struct words w;
	int64_t whole = (int64_t)(s + 0.5), min = whole / 60, hour = whole / 3600;

	if (s < 0.9995)
		snprintf(w.s, sizeof w.s, "%.0f ms", s * 1000);
	else if (s < 9.95)
		snprintf(w.s, sizeof w.s, "%.1f s", s);
	else if (whole < 60)
		snprintf(w.s, sizeof w.s, "%" PRId64 " s", whole);
	else if (whole < 600)
		snprintf(w.s, sizeof w.s, whole % 60 == 0 ? "%" PRId64 " min" :
		    "%" PRId64 " min %" PRId64 " s", min, whole % 60);
	else if (hour < 1)
		snprintf(w.s, sizeof w.s, "%" PRId64 " min", min);
	else if (hour < 48)
		snprintf(w.s, sizeof w.s, min % 60 == 0 ? "%" PRId64 " h" :
		    "%" PRId64 " h %" PRId64 " min", hour, min % 60);
	else
		snprintf(w.s, sizeof w.s, "%" PRId64 " d", hour / 24);
	return w;
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
