/* test_range.c - thresholds: every line of the Nagios table, units, and the way back. */
#include "quantity.h"
#include "range.h"

#include <math.h>

#include "tap.h"

static const struct {
	const char *text;
	bool good;
	double v;
	bool alerts;
} cases[] = {
	/* the guidelines' examples; both ends belong to the range */
	{ "10", true, 10, false }, { "10", true, 10.01, true }, { "10", true, -0.5, true },
	{ "10", true, 0, false },
	{ "10:", true, 9.99, true }, { "10:", true, 10, false }, { "10:", true, 1e9, false },
	{ "~:10", true, -5, false }, { "~:10", true, 10, false }, { "~:10", true, 11, true },
	{ "10:20", true, 9, true }, { "10:20", true, 10, false }, { "10:20", true, 20, false },
	{ "10:20", true, 21, true },
	{ "@10:20", true, 9, false }, { "@10:20", true, 10, true }, { "@10:20", true, 20, true },
	{ "@10:20", true, 21, false },
	{ "~:", true, -1e12, false }, { "~:", true, 1e12, false },
	{ "@10", true, 5, true }, { "@~:0", true, -3, true }, { "@10:", true, 9, false },
	{ "10:10", true, 10, false }, { "-20:-10", true, -15, false }, { "-20:-10", true, -5, true },
	{ "-1.5:1.5", true, -1.2, false }, { "-5", false, 0, false },
	/* what others guess at */
	{ "2:1", false, 0, false }, { ":", false, 0, false }, { "", false, 0, false },
	{ "abc", false, 0, false }, { "10%", false, 0, false }, { "10,5", false, 0, false },
	{ "010", true, 9, false }, { "010", true, 10.5, true },
	{ "0x10", false, 0, false }, { "1e3", true, 1000, false }, { "1e3", true, 1001, true },
	{ "nan", false, 0, false }, { "inf", false, 0, false }, { "-inf", false, 0, false },
	{ "1:2:3", false, 0, false }, { "@@10", false, 0, false }, { "10:~", false, 0, false },
	{ "~", false, 0, false }, { "@", false, 0, false }, { "@~", false, 0, false },
	{ ":10", false, 0, false }, { " 10", false, 0, false }, { "10 ", false, 0, false },
	{ "+10", false, 0, false }, { "5.", false, 0, false }, { ".5", true, 0.4, false },
	{ "1e", false, 0, false }, { "1e999", false, 0, false }, { "1e16", false, 0, false },
	{ "~:~", false, 0, false }, { "--1", false, 0, false }, { "10::", false, 0, false },
	{ "5m", false, 0, false }, { "1\t", false, 0, false },
};

/* With units: what it means, and how it is printed back. */
static const struct {
	const char *text, *unit, *printed;
} units[] = {
	{ "500ms", "s", "0.5" }, { "2s", "s", "2" }, { "5m", "s", "300" }, { "2h", "s", "7200" },
	{ "1d", "s", "86400" }, { "1w", "s", "604800" }, { "250us", "s", "0.00025" },
	{ "10min", "s", "600" }, { "500ms:2s", "s", "0.5:2" }, { "~:5m", "s", "~:300" },
	{ "@1m:2m", "s", "@60:120" }, { "1.5", "s", "1.5" }, { "1m:", "s", "60:" },
	{ "10%", "%", "10" }, { "10%:20%", "%", "10:20" }, { "10", "%", "10" },
	{ "99.95%:", "%", "99.95:" },
	{ "10KB", "B", "10000" }, { "10KiB", "B", "10240" }, { "2MB", "B", "2000000" },
	{ "1GiB", "B", "1073741824" }, { "1TB", "B", "1000000000000" }, { "512B", "B", "512" },
	{ "1000000", "", "1000000" }, { "1e6", "", "1000000" }, { "123456789012345", "", "123456789012345" },
	{ "0", "", "0" }, { "0:", "", "0:" }, { "-0", "", "0" }, { "~:", "", "~:" }, { "0.1", "", "0.1" },
	{ "10%", "s", NULL }, { "10m", "%", NULL }, { "10s", "B", NULL }, { "10%", "", NULL },
	{ "5m", "", NULL }, { "10M", "B", NULL }, { "10S", "s", NULL }, { "10 s", "s", NULL },
	{ "10%", "*x", NULL },
	{ "10%:5m", NULL, "10:300" },	/* NULL: any unit, before it is known */
	{ "10lightyears", NULL, NULL },
};

static void
test_explain(void)
{
	static const struct {
		const char *range, *unit;
		double v;
		const char *want;
	} t[] = {
		{ "90", "%", 93.4, "limit 90%" },
		{ "10:", "", 3, "at least 10" },
		{ "12000", "", 12345, "limit 12,000" },
		{ "@10:20", "", 15, "alert from 10 to 20" },
		{ "@~:20", "", 15, "alert up to 20" },
		{ "@5:", "", 15, "alert from 5" },
		{ "4h", "s", 20000, "limit 4 h" },
		{ "500ms", "s", 2, "limit 500 ms" },
		{ "1.5MB", "B", 2e6, "limit 1.5 MB" },
		/* what people's numbers do not tell apart */
		{ "1s", "s", 1.0075, "limit 1 s, it is 7.5 ms more" },
		{ "50:", "%", 49.9999, "at least 50%, it is 0.0001% less" },
		{ "1m", "s", 60.04, "limit 60 s, it is 40 ms more" },
		{ "7d:", "s", 604440, "at least 7 d, it is 6 min less" },
		{ "1s", "s", 1.00001, "limit 1 s, it is 0.00001s more" },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = buf_new(100);
		struct range r;

		ok(range_parse(slice_of(t[i].range), t[i].unit, &r, NULL), "explain: %s", t[i].range);
		range_explain(&b, &r, t[i].v, t[i].unit);
		is_str(b.p, t[i].want, "its words");
		buf_free(&b);
	}
}

static void
test_numbers(void)
{
	static const struct {
		double v;
		const char *want;
	} t[] = {
		{ 0, "0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1 + 0.2, "0.3" }, { 1e-5, "0.00001" },
		{ 1e15, "1000000000000000" }, { 93.3971292, "93.3971" }, { 0.000341, "0.000341" },
		{ 1e-12, "0" }, { -1e-12, "0" }, { 123456.7, "123457" }, { 1e22, "10000000000000000000000" },
		{ 100, "100" },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = buf_new(400);

		quantity_plain(&b, t[i].v, 6);
		is_str(b.p, t[i].want, "a plain number without exponent");
		buf_free(&b);
	}
}

static void
test_people(void)
{
	static const struct {
		double v;
		const char *unit, *want;
	} t[] = {
		{ 0, "", "0" }, { 999, "", "999" }, { 1000, "", "1,000" }, { 12345678, "", "12,345,678" },
		{ -1234, "", "-1,234" }, { 0.25, "", "0.25" },
		{ 93.37, "%", "93.4%" }, { 90, "%", "90%" }, { 99.97, "%", "100%" },
		{ 0.341, "s", "341 ms" }, { 0.0000215, "s", "22 us" }, { 1.25, "s", "1.2 s" },
		{ 9, "s", "9 s" }, { 0, "s", "0 s" }, { 900, "s", "15 min" }, { 12600, "s", "3.5 h" },
		{ 864000, "s", "10 d" }, { 1500000, "B", "1.5 MB" }, { 12, "B", "12 B" },
		{ 999999, "B", "1 MB" }, { NAN, "s", "an unknown number" },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = buf_new(100);

		quantity_people(&b, t[i].v, t[i].unit);
		is_str(b.p, t[i].want, "a number for people");
		buf_free(&b);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = { "" };
		struct range r;
		bool good = range_parse(slice_of(cases[i].text), "", &r, &e);

		ok(good == cases[i].good, "\"%s\" is %s%s%s", cases[i].text,
		    cases[i].good ? "a range" : "refused", good ? "" : ": ", e.text);
		ok(good || e.text[0] != '\0', "a refusal has a reason");
		if (good && cases[i].good)
			ok(range_alerts(&r, cases[i].v) == cases[i].alerts, "\"%s\" and %g",
			    cases[i].text, cases[i].v);
	}
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct buf b = buf_new(100);
		struct range r;

		if (!range_parse(slice_of(units[i].text), units[i].unit != NULL ? units[i].unit :
		    quantity_any, &r, NULL)) {
			ok(units[i].printed == NULL, "%s [%s] is refused", units[i].text, units[i].unit != NULL ? units[i].unit : "any");
			continue;
		}
		range_print(&b, &r);
		is_str(b.p, units[i].printed != NULL ? units[i].printed : "refused", units[i].text);
		buf_free(&b);
	}
	test_explain();
	test_numbers();
	test_people();
	return done_testing();
}
