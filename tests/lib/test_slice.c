/* test_slice.c - taking text apart, at its edges. */
#include "tap.h"

#include "buf.h"
#include "slice.h"

#include "poison.h"

static void
test_cut(void)
{
	struct slice s = SLICE("a:b"), head = { 0 }, none = { NULL, 0 };

	ok(!slice_cut(&s, ';', &head) && s.n == 3, "no separator: untouched");
	ok(slice_cut(&s, ':', &head) && slice_eq(head, SLICE("a")) && slice_eq(s, SLICE("b")),
	    "cut at a byte");
	s = SLICE(":");
	ok(slice_cut(&s, ':', &head) && head.n == 0 && s.n == 0, "both sides empty");
	ok(!slice_cut(&none, ':', &head), "nothing to cut");
	ok(slice_eq(none, SLICE("")), "an empty slice equals any other");
	ok(slice_from(none, 9).n == 0 && slice_head(none, 9).n == 0, "parts of nothing");
	ok(slice_eq(slice_from(SLICE("abc"), 2), SLICE("c")), "from a byte on");
	ok(slice_from(SLICE("abc"), 9).n == 0, "from behind the end: empty");
	s = SLICE("abab");
	ok(slice_cut_at(&s, SLICE("b"), &head) && slice_eq(head, SLICE("a")) &&
	    slice_eq(s, SLICE("ab")), "cut at the first");
	s = SLICE("abab");
	ok(slice_rcut_at(&s, SLICE("b"), &head) && slice_eq(head, SLICE("aba")) && s.n == 0,
	    "cut at the last");
	ok(!slice_cut_at(&s, SLICE("x"), &head), "not there");
	s = SLICE("ab");
	ok(!slice_eat(&s, SLICE("abc")) && s.n == 2, "what is longer cannot be eaten");
	ok(slice_eat(&s, SLICE("a")) && slice_eat_char(&s, 'b') && !slice_eat_char(&s, 'b'),
	    "eaten up");
}

/* Each part of text, "[part]" by "[part]". */
static bool
parts_are(struct slice text, const char *want)
{
	struct buf got = buf_new(100);
	struct slice part = SLICE("not empty");
	bool good;

	while (slice_next(&text, ',', &part))
		buf_fmt(&got, "[%.*s]", (int)part.n, part.p);
	good = slice_eq(buf_slice(&got), slice_of(want)) && part.n == 0 && text.n == 0;
	buf_free(&got);
	return good;
}

static void
test_next(void)
{
	ok(parts_are(SLICE("a,bc,"), "[a][bc]"), "parts with a separator behind the last");
	ok(parts_are(SLICE("a,bc"), "[a][bc]"), "and without");
	ok(parts_are(SLICE(",,a"), "[][][a]"), "empty ones are parts, too");
	ok(parts_are(SLICE(","), "[]") && parts_are(SLICE(""), "") &&
	    parts_are((struct slice){ NULL, 0 }, ""), "of nothing there is none");
}

/* Every place of needles of every length, in a text of its own so that the sanitizer sees
 * a byte too many. */
static void
test_find(void)
{
	bool good = true, until = true, near = true, upto = true;
	struct slice rest, head;

	for (size_t n = 0; n <= 70; n++) {
		char *p = malloc(n + (n == 0));

		if (p == NULL)
			return;
		memset(p, 'x', n);
		for (size_t at = 0; at < n; at++) {
			for (size_t k = 1; k <= 20 && at + k <= n; k++) {
				char needle[20];
				struct slice s = { p, n }, f = { needle, k };

				memset(needle, 'y', sizeof needle);
				memset(p + at, 'y', k);
				good &= slice_find(s, f) == (ptrdiff_t)at;
				good &= slice_rfind(s, f) == (ptrdiff_t)at;
				good &= slice_find_nocase(s, f) == (ptrdiff_t)at;
				memset(p + at, 'x', k);
				good &= slice_find(s, f) == -1 && slice_rfind(s, f) == -1;
			}
			p[at] = 'z';
			until &= slice_until((struct slice){ p, n }, 'z', 'q') == at;
			until &= slice_until((struct slice){ p, n }, 'q', 'z') == at;
			rest = (struct slice){ p, n };
			upto &= slice_upto_last((struct slice){ p, n }, 'z') == at + 1;
			p[at / 2] = 'z';	/* or there */
			upto &= slice_upto_last((struct slice){ p, n }, 'z') == at + 1;
			p[at / 2] = at / 2 == at ? 'z' : 'x';
			near &= slice_cut_near(&rest, 'z', &head) && head.p == p && head.n == at &&
			    rest.p == p + at + 1 && rest.n == n - at - 1;
			p[at] = 'x';
		}
		until &= slice_until((struct slice){ p, n }, 'q', 'r') == n;
		upto &= slice_upto_last((struct slice){ p, n }, 'q') == 0;
		rest = (struct slice){ p, n };
		near &= !slice_cut_near(&rest, 'q', &head) && rest.p == p && rest.n == n;
		free(p);
	}
	ok(good, "needles of any length anywhere");
	ok(until, "up to either of two bytes");
	ok(near, "cut at one that is near");
	ok(upto, "up to the last of a byte");
	ok(slice_find(SLICE("aab"), SLICE("ab")) == 1, "after a false start");
	ok(slice_find_nocase(SLICE("Content-Type"), SLICE("type")) == 8, "in either case");
	ok(slice_eq_nocase(SLICE("AbC"), SLICE("aBc")) && !slice_eq_nocase(SLICE("a"), SLICE("ab")),
	    "equal in either case");
}

static void
test_hex(void)
{
#ifdef __SSE2__
	const bool looks = true;
#else
	const bool looks = false;
#endif
	bool right = true;

	for (int c = 0; c < 256; c++) {
		char text[16];
		bool hex = c != '\0' && strchr("0123456789ABCDEF", c) != NULL;

		for (size_t at = 0; at < sizeof text; at++) {
			memset(text, 'A', sizeof text);
			text[at] = (char)c;
			right &= slice_hex16((struct slice){ text, sizeof text }) ==
			    (!looks ? 0 : hex ? 16 : at);
			right &= slice_hex16((struct slice){ text, sizeof text - 1 }) == 0;
		}
	}
	ok(right, "hexadecimal digits among sixteen bytes");
}

static void
test_numbers(void)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t v;
		const char *rest;
	} cases[] = {
		{ "0", true, 0, "" }, { "12x", true, 12, "x" }, { "", false, 0, "" },
		{ "x", false, 0, "x" }, { "-1", false, 0, "-1" },
		{ "18446744073709551615", true, UINT64_MAX, "" },
		{ "18446744073709551616", false, 0, "18446744073709551616" },
		{ "99999999999999999999999", false, 0, "99999999999999999999999" },
		{ "00000000000000000000000000007", true, 7, "" },
	};
	struct buf { char p[900]; } big;
	struct slice s;
	uint64_t u;
	double d;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s = slice_of(cases[i].text);
		u = 0;
		ok(slice_u64(&s, &u) == cases[i].good && u == cases[i].v &&
		    slice_eq(s, slice_of(cases[i].rest)), "number \"%s\"", cases[i].text);
	}
	s = SLICE("12.5s");
	ok(slice_decimal(&s, &d) && d > 12.49 && d < 12.51 && slice_eq(s, SLICE("s")), "12.5");
	s = SLICE(".5");
	ok(slice_decimal(&s, &d) && d > 0.49 && d < 0.51, ".5");
	s = SLICE(".");
	ok(!slice_decimal(&s, &d) && s.n == 1, "a dot alone is no number");
	memset(big.p, '9', sizeof big.p);
	big.p[450] = '.';
	s = (struct slice){ big.p, sizeof big.p };
	ok(!slice_decimal(&s, &d) && s.n == sizeof big.p, "what no double holds is none");
}

int
main(void)
{
	test_cut();
	test_next();
	test_find();
	test_hex();
	test_numbers();
	ok(slice_order(SLICE("ab"), SLICE("b")) < 0 && slice_order(SLICE("b"), SLICE("ab")) > 0, "by bytes");
	ok(slice_order(SLICE("a"), SLICE("ab")) < 0 && slice_order(SLICE("ab"), SLICE("a")) > 0,
	    "the shorter comes first");
	ok(slice_order(SLICE("ab"), SLICE("ab")) == 0 && slice_order(SLICE(""), SLICE("")) == 0, "equal ones are");
	ok(slice_eq(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")), "trimmed");
	ok(slice_trim(SLICE(" \t ")).n == 0, "blanks alone are nothing");
	return done_testing();
}
