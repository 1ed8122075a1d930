/* test_expr.c - expressions: what they are worth, and what is wrong with bad ones. */
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expr.h"

#include "poison.h"

/* a is 10, b is 4, none is not known */
static bool
resolve(void *arg, struct slice name, unsigned *number)
{
	(void)arg;
	*number = slice_eq(name, SLICE("a")) ? 0 : slice_eq(name, SLICE("b")) ? 1 : 2;
	return *number < 2 || slice_eq(name, SLICE("none"));
}

static double
value(void *arg, unsigned number)
{
	(void)arg;
	return number == 0 ? 10 : number == 1 ? 4 : (double)NAN;
}

static const struct {
	const char *text;
	bool good;
	double v;		/* NAN: as it says */
	const char *says;	/* of a bad one */
} cases[] = {
	{ "a", true, 10, NULL }, { "a/b", true, 2.5, NULL }, { "a-b-1", true, 5, NULL },
	{ "a-(b-1)", true, 7, NULL }, { "1+2*3", true, 7, NULL }, { "(1+2)*3", true, 9, NULL },
	{ " a / ( b + 1 ) ", true, 2, NULL }, { "-a + 12", true, 2, NULL }, { "--3", true, 3, NULL },
	{ "a*-1", true, -10, NULL }, { "12/3/2", true, 2, NULL }, { "2.5*b", true, 10, NULL },
	{ "min(a, b) + max(1,2)", true, 6, NULL }, { "abs(b - a)", true, 6, NULL },
	{ "a/0", true, (double)NAN, NULL }, { "none + 1", true, (double)NAN, NULL },
	{ "max(none, 1)", true, (double)NAN, NULL }, { "min(1, none)", true, (double)NAN, NULL },
	{ "", false, 0, "a name or a number is missing at the end" },
	{ "a +", false, 0, "a name or a number is missing at the end" },
	{ "(a", false, 0, "\")\" is missing at the end" },
	{ "a b", false, 0, "+ - * / or the end is missing before b" },
	{ "a)", false, 0, "+ - * / or the end is missing before )" },
	{ "c", false, 0, "there is no such name" }, { "f(a)", false, 0, "there is no such function" },
	{ "min(a)", false, 0, "\",\" is missing before )" }, { "1.2.3", false, 0, "\".3\" behind 1.2" },
	{ "a,b", false, 0, "+ - * / or the end is missing before ,b" }, { "$(id)", false, 0, "before $(id)" },
};

static const struct {
	const char *text;
	double v;
} divisors[] = {
	{ "a/(a+b)", 14 }, { "(a/b)/(b-a)", -6 }, { "a*b/2", 2 }, { "a/b*2", (double)NAN }, { "a", (double)NAN },
	{ "a/none", (double)NAN }, { "a/0", 0 },
};

int
main(void)
{
	struct expr x;
	struct slice unknown;
	char deep[400];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = { "" };
		bool good = expr_parse(&x, slice_of(cases[i].text), resolve, NULL, &unknown, &e);
		double v = good ? expr_eval(&x, value, NULL) : 0;

		ok(good == cases[i].good && (!good || (isnan(cases[i].v) ? isnan(v) : v == cases[i].v)) &&
		    (good || strstr(e.text, cases[i].says) != NULL), "\"%s\"", cases[i].text);
		if (good != cases[i].good || !good)
			printf("# %s\n", e.text);
	}
	for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
		double v = expr_parse(&x, slice_of(divisors[i].text), resolve, NULL, &unknown, &(struct err){ "" }) ?
		    expr_divisor(&x, value, NULL) : 0;

		ok(isnan(divisors[i].v) ? isnan(v) : v == divisors[i].v, "what \"%s\" is divided by", divisors[i].text);
	}
	(void)expr_parse(&x, SLICE("a+nix/2"), resolve, NULL, &unknown, &(struct err){ "" });
	ok(slice_eq(unknown, SLICE("nix")), "an unknown name is told");
	for (int kind = 0; kind < 3; kind++) {
		struct err e = { "" };

		for (size_t i = 0; i < sizeof deep - 1; i++)
			deep[i] = kind == 0 ? '(' : kind == 1 ? '-' : i % 2 == 0 ? 'a' : '+';
		deep[sizeof deep - 1] = '\0';
		ok(!expr_parse(&x, slice_of(deep), resolve, NULL, &unknown, &e) &&
		    (strstr(e.text, "too deeply") != NULL || strstr(e.text, "too long") != NULL),
		    "400 of a kind: %s", e.text);
	}
	return done_testing();
}
