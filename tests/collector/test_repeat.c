/* test_repeat.c - what a sender sends again is dropped, and nothing else. */
#include <assert.h>

#include "tap.h"

#include "hash.h"
#include "input/repeat.h"
#include "mem.h"

#include "poison.h"

/* Each letter is a line. */
static const struct {
	const char *what, *before, *session, *taken;
} cases[] = {
	{ "nothing before", "", "abc", "abc" },
	{ "nothing sent again", "abc", "def", "def" },
	{ "the last one", "abc", "cde", "de" },
	{ "all", "abc", "abcd", "d" },
	{ "and nothing else", "abc", "bc", "" },
	{ "only from the session's beginning", "abc", "dbc", "dbc" },
	{ "a run that does not reach the end is none", "abcd", "bcx", "bcx" },
	{ "a session that ends within the run", "abcd", "bc", "bc" },
	{ "of lines that are equal the longest run", "xaaa", "aaab", "b" },
	{ "a run that ended, and a longer one that broke", "abab", "abx", "x" },
	{ "a longer one that broke later", "ababab", "ababx", "x" },
	{ "once only", "abc", "cabc", "abc" },
};

static void
one(char c, struct buf *out)
{
	buf_char(out, c);
}

static uint64_t
hash_of(char c)
{
	return (uint64_t)(unsigned char)c * 0x9e3779b97f4a7c15u;
}

static void
session(const char *text, const struct recent *recent, struct buf *out)
{
	struct repeat r;
	struct slice line;
	bool cut;

	repeat_begin(&r, recent);
	for (; *text != '\0'; text++) {
		if (repeat_hold(&r, hash_of(*text), (struct slice){ text, 1 }, *text == 'c'))
			continue;
		while (repeat_rest(&r, &line, &cut)) {
			assert(line.n == 1 && cut == (line.p[0] == 'c'));
			one(line.p[0], out);
		}
		one(*text, out);
	}
	while (repeat_rest(&r, &line, &cut))
		one(line.p[0], out);
	repeat_free(&r);
}

static void
test_bounds(void)
{
	static char line[10000];
	struct recent recent = { 0 }, again = { 0 };
	struct buf b = buf_new(RECENT_BYTES);
	struct slice held;
	struct repeat r;
	size_t n = 0;
	bool cut;

	for (uint64_t i = 0; i < RECENT_MAX + 10; i++)
		recent_add(&recent, i);
	recent_store(&recent, &b);
	is_int((long long)b.n, RECENT_BYTES, "so many are kept");
	recent_load(&again, buf_slice(&b));
	repeat_begin(&r, &again);
	ok(!repeat_hold(&r, 9, SLICE("a"), false), "the oldest are forgotten");
	while (n < RECENT_MAX && repeat_hold(&r, 10 + n, (struct slice){ line, sizeof line }, false))
		n++;
	is_int((long long)n, REPEAT_HELD_MAX / 10000, "no more is held than may be");
	is_int((long long)repeat_undecided(&r), REPEAT_HELD_MAX / 10000, "and not known to be safe");
	while (repeat_rest(&r, &held, &cut))
		n -= held.n == sizeof line;
	is_int((long long)n, 0, "and all of it is taken");
	recent_load(&again, SLICE("123"));
	is_int((long long)again.n, 0, "a damaged list is empty");
	recent_free(&recent);
	recent_free(&again);
	repeat_free(&r);
	buf_free(&b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct recent recent = { 0 };
		struct buf out = buf_new(100);

		for (const char *c = cases[i].before; *c != '\0'; c++)
			recent_add(&recent, hash_of(*c));
		session(cases[i].session, &recent, &out);
		is_str(out.p == NULL ? "" : out.p, cases[i].taken, cases[i].what);
		recent_free(&recent);
		buf_free(&out);
	}
	test_bounds();
	return done_testing();
}
