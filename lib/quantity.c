/* quantity.c - see quantity.h. */
#include "quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "poison.h"

const char quantity_any[] = "*";

/* Beyond this a double no longer counts to the unit with some digits to spare. */
#define QUANTITY_MAX 1e15

static const struct suffix {
	const char *unit, *text;
	double factor;
} suffixes[] = {
	{ "%", "%", 1 },
	{ "s", "us", 1e-6 }, { "s", "ms", 1e-3 }, { "s", "s", 1 }, { "s", "m", 60 },
	{ "s", "min", 60 }, { "s", "h", 3600 }, { "s", "d", 86400 }, { "s", "w", 604800 },
	{ "B", "B", 1 }, { "B", "KB", 1e3 }, { "B", "MB", 1e6 }, { "B", "GB", 1e9 },
	{ "B", "TB", 1e12 }, { "B", "KiB", 1024 }, { "B", "MiB", 1048576 },
	{ "B", "GiB", 1073741824 }, { "B", "TiB", 1099511627776 },
	{ "/min", "/min", 1 }, { "/min", "/s", 60 }, { "/min", "/h", 1 / 60.0 },
};

static bool
same_unit(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* "ms" in 1 unit: its factor; 0 if the unit has no such suffix. */
static double
suffix_factor(struct slice text, const char *unit)
{
	if (text.n == 0)
		return 1;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (slice_eq(text, slice_of(suffixes[i].text)) &&
		    (same_unit(unit, suffixes[i].unit) || unit == quantity_any))
			return suffixes[i].factor;
	return 0;
}

static const char *
suffix_help(const char *unit)
{
	if (same_unit(unit, "%"))
		return "only % may follow the number";
	if (same_unit(unit, "s"))
		return "us, ms, s, m, h, d or w may follow the number";
	if (same_unit(unit, "B"))
		return "B, KB, MB, GB, TB, KiB, MiB, GiB or TiB may follow the number";
	if (same_unit(unit, "/min"))
		return "/s, /min or /h may follow the number";
	if (unit == quantity_any)
		return "no measurement has this unit";
	return "this measurement has no unit, write a plain number";
}

/* The length of the number at the front of s, 0 if there is none. Stricter than
 * strtod: no blanks, no hexadecimal, no "inf", no "5." */
static size_t
number_length(struct slice s)
{
	size_t i = s.n > 0 && s.p[0] == '-', digits = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	digits = i - digits;
	if (i + 1 < s.n && s.p[i] == '.' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') {
		for (i++, digits++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; )
			i++;
	}
	if (digits == 0)
		return 0;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		size_t j = i + 1;

		if (j < s.n && (s.p[j] == '-' || s.p[j] == '+'))
			j++;
		if (j < s.n && s.p[j] >= '0' && s.p[j] <= '9') {
			for (i = j; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; )
				i++;
		}
	}
	return i;
}

bool
quantity_parse(struct slice s, const char *unit, double *v, struct err *e)
{
	size_t n = number_length(s);
	char text[64];
	double factor;

	if (n == 0)
		return err_set(e, "\"%.*s\" is not a number", (int)slice_head(s, 60).n, s.p);
	if (n >= sizeof text)
		return err_set(e, "\"%.40s...\" has too many digits", s.p);
	factor = suffix_factor(slice_from(s, n), unit);
	if (factor == 0)
		return err_set(e, "\"%.*s\" behind %.*s: %s", (int)slice_head(slice_from(s, n), 60).n,
		    s.p + n, (int)n, s.p, suffix_help(unit));
	memcpy(text, s.p, n);
	text[n] = '\0';
	*v = strtod(text, NULL) * factor;	/* never after setlocale: poison.h */
	if (fabs(*v) > QUANTITY_MAX)
		return err_set(e, "\"%.*s\" is too large", (int)s.n, s.p);
	return true;
}

/* The power of ten of v's first digit, v is not 0. Not by log10(): libm is a tenth of the memory
 * of a check. */
static int
magnitude(double v)
{
	int m = 0;

	for (v = fabs(v); v >= 10; v /= 10)
		m++;
	for (; v < 1 && m > -20; v *= 10)
		m--;
	return m;
}

/* Is v nearly a whole number? */
static bool
nearly_whole(double v)
{
	return fabs(v - floor(v + 0.5)) < 0.05;
}

void
quantity_plain(struct buf *b, double v, int digits)
{
	char text[512];		/* DBL_MAX has 309 digits */
	int decimals = 0;
	size_t n;

	if (v != floor(v)) {
		decimals = digits - 1 - magnitude(v);
		decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
	}
	n = (size_t)snprintf(text, sizeof text, "%.*f", decimals, v);
	if (decimals > 0) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	if (n == 2 && text[0] == '-' && text[1] == '0')
		buf_char(b, '0');
	else
		buf_add(b, (struct slice){ text, n });
}

void
quantity_count(struct buf *b, int64_t n)
{
	uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	char text[32];
	size_t i = sizeof text;

	for (int digits = 0; v > 0 || digits == 0; digits++, v /= 10) {
		if (digits > 0 && digits % 3 == 0)
			text[--i] = ',';
		text[--i] = (char)('0' + v % 10);
	}
	if (n < 0)
		text[--i] = '-';
	buf_add(b, (struct slice){ text + i, sizeof text - i });
}

/* One decimal below 10 if it says something, none above. */
static void
scaled(struct buf *b, double v, const char *unit)
{
	bool whole = fabs(v) >= 9.95 || nearly_whole(v);

	buf_fmt(b, "%.*f %s", whole ? 0 : 1, v, unit);
}

static void
seconds(struct buf *b, double v)
{
	double a = fabs(v);

	if (a == 0)
		buf_str(b, "0 s");
	else if (a < 0.9995e-3)
		scaled(b, v * 1e6, "us");
	else if (a < 0.9995)
		scaled(b, v * 1e3, "ms");
	else if (a < 120)
		scaled(b, v, "s");
	else if (a < 2 * 3600)
		scaled(b, v / 60, "min");
	else if (a < 2 * 86400)
		scaled(b, v / 3600, "h");
	else
		scaled(b, v / 86400, "d");
}

static void
bytes(struct buf *b, double v)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB" };
	size_t i = 0;

	for (; fabs(v) >= 999.5 && i + 1 < sizeof units / sizeof *units; i++)
		v /= 1000;
	scaled(b, v, units[i]);
}

void
quantity_people(struct buf *b, double v, const char *unit)
{
	if (!isfinite(v))
		buf_str(b, "an unknown number");
	else if (same_unit(unit, "s"))
		seconds(b, v);
	else if (same_unit(unit, "B"))
		bytes(b, v);
	else if (same_unit(unit, "%"))
		buf_fmt(b, "%.*f%%", nearly_whole(v) ? 0 : 1, v);
	else if (same_unit(unit, "/min"))
		buf_fmt(b, "%.*f/min", fabs(v) >= 9.95 || nearly_whole(v) ? 0 : 1, v);
	else if (v == floor(v) && fabs(v) < 9e18)
		quantity_count(b, (int64_t)v);
	else
		quantity_plain(b, v, 4);
}
