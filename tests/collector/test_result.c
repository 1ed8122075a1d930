/* test_result.c - texts of results: cleaned, cut, taken apart. */
#include "store/result.h"
#include "tap.h"

static const struct {
	const char *what, *printed, *want;
} clean[] = {
	{ "one line", "OK - fine | a=1\n", "OK - fine | a=1" },
	{ "several, with tabs, blanks and empty ones", "\nOK\t-  x \r\n\n  a\t\n", "OK -  x\n  a" },
	{ "control bytes and escapes of terminals", "OK \033[2J\a\177 \302\233x", "OK ?[2J?? ?x" },
	{ "broken UTF-8", "OK \377 \303\244 \303", "OK ? \303\244 ?" },
	{ "nothing", "\n \n", "" },
};

static const struct {
	const char *what, *text;
	size_t most;
	enum result_form form;
	const char *want;
} fit[] = {
	{ "what fits stays", "OK | a=1\nb\nc", 100, RESULT_LINES, "OK | a=1\nb\nc" },
	{ "to the byte", "OK | a=1\nb\nc", 12, RESULT_LINES, "OK | a=1\nb\nc" },
	{ "one line", "a\\b\nc", 100, RESULT_ONE_LINE, "a\\\\b\\nc" },
	{ "one line, to the byte", "a\\b\nc", 7, RESULT_ONE_LINE, "a\\\\b\\nc" },
	{ "last lines go first", "OK | a=1\nbbbbbbbb\ncccccccc\ndddd", 24, RESULT_LINES, "OK | a=1\nbbbbbbbb\n[...]" },
	{ "and all of them", "OK | a=1\nbbbbbbbb", 14, RESULT_LINES, "OK | a=1\n[...]" },
	{ "even the word for it", "OK | a=1\nbbbbbbbb", 12, RESULT_LINES, "OK | a=1" },
	{ "then words", "OK - very long| a=1", 12, RESULT_LINES, "OK - ve| a=1" },
	{ "then values, whole", "OK - very long|a=1 bb=22 cc=33", 16, RESULT_LINES, "OK - very lo|a=1" },
	{ "no values at all", "OK - very long|aaaaaaaaaaaaaaaaaaa=1", 12, RESULT_LINES, "OK - very lo" },
	{ "a character is not cut", "OK \303\244\303\244", 6, RESULT_LINES, "OK \303\244" },
	{ "an escape is not cut", "ab\\\\", 3, RESULT_ONE_LINE, "ab" },
	{ "lines that somebody makes one", "a\\b\nc", 7, RESULT_LINES_TO_ONE, "a\\b\nc" },
	{ "which are longer then", "a\\b\nc", 6, RESULT_LINES_TO_ONE, "a\\b" },
	{ "nothing", "", 3, RESULT_ONE_LINE, "" },
};

static const struct {
	const char *text, *says, *values;
} split[] = {
	{ "OK - x | a=1 b=2", "OK - x", "a=1 b=2" },
	{ "OK\nmore\nstill | c=3\nd=4", "OK\nmore\nstill", "c=3 d=4" },
	{ "OK | a=1\nmore | b=2", "OK\nmore", "a=1 b=2" },
	{ "", "", "" },
};

static void
test_long(void)
{
	struct buf big = buf_new(1 << 20), out = buf_new(1 << 20);

	for (int i = 0; i < 4000; i++)
		buf_fmt(&big, "line %d \\ of a long text\n", i);
	result_clean(&out, buf_slice(&big));
	ok(out.n <= RESULT_TEXT_MAX && out.n > RESULT_TEXT_MAX - 40, "a long text is cut when it is cleaned");
	for (size_t most = 0; most < 300; most++) {
		struct buf little = buf_new(1 << 20);

		result_fit(&little, buf_slice(&out), most, RESULT_ONE_LINE);
		if (little.n > most || memchr(little.p != NULL ? little.p : "", '\n', little.n) != NULL)
			ok(0, "%zu bytes: %zu", most, little.n);
		buf_free(&little);
	}
	buf_free(&big);
	buf_free(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof clean / sizeof *clean; i++) {
		struct buf out = buf_new(1000);

		result_clean(&out, slice_of(clean[i].printed));
		is_str(out.p == NULL ? "" : out.p, clean[i].want, clean[i].what);
		buf_free(&out);
	}
	for (size_t i = 0; i < sizeof fit / sizeof *fit; i++) {
		struct buf out = buf_new(1000);

		result_fit(&out, slice_of(fit[i].text), fit[i].most, fit[i].form);
		is_str(out.p == NULL ? "" : out.p, fit[i].want, fit[i].what);
		buf_free(&out);
	}
	for (size_t i = 0; i < sizeof split / sizeof *split; i++) {
		struct buf says = buf_new(1000), values = buf_new(1000);

		result_split(slice_of(split[i].text), &says, &values);
		is_str(says.p == NULL ? "" : says.p, split[i].says, "what it says");
		is_str(values.p == NULL ? "" : values.p, split[i].values, "and its values");
		buf_free(&says);
		buf_free(&values);
	}
	test_long();
	return done_testing();
}
