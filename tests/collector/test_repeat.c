/* test_repeat.c - what a sender sends again is dropped, and nothing else. */
#include <assert.h>

#include "tap.h"

#include "hash.h"
#include "input/repeat.h"
#include "mem.h"

#include "poison.h"

/* Each letter is a line, a capital one has no equal; | parts sessions, and . ends one in due form. */
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
	{ "the end of one of two sessions", "abc|xyz", "bcd", "d" },
	{ "of the other one", "abc|xyz", "yzd", "d" },
	{ "the end of none", "abc|xyz", "abx", "abx" },
	{ "lines of both are no run", "abc|xyz", "czd", "zd" },
	{ "a session that ended in due form", "abc.", "bcd", "bcd" },
	{ "with lines that have no equal", "ABC.", "BCD", "D" },
	{ "or with some", "AbC.", "bC", "bC" },
	{ "another one, which broke", "ab.|ab", "abc", "c" },
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
session(const char *text, const struct recents *recents, struct buf *out)
{
	struct repeat r = { 0 };
	struct slice line;
	bool cut;

	repeat_begin(&r, recents, 99);
	for (; *text != '\0'; text++) {
		if (repeat_hold(&r, hash_of(*text), *text <= 'Z', (struct slice){ text, 1 }, *text == 'c'))
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
	struct recents recents = { 0 }, again = { 0 };
	struct buf b = buf_new(RECENTS_BYTES);
	struct slice held;
	struct repeat r = { 0 };
	size_t n = 0;
	bool cut;

	for (uint64_t i = 0; i < RECENT_MAX + 10; i++)
		recents_add(&recents, 1, i);
	recents_store(&recents, 1000, &b);
	ok(b.n > RECENT_MAX * 8 && b.n < RECENT_MAX * 8 + 32, "so many are kept");
	recents_load(&again, buf_slice(&b));
	repeat_begin(&r, &again, 2);
	ok(!repeat_hold(&r, 9, false, SLICE("a"), false), "the oldest are forgotten");
	while (n < RECENT_MAX && repeat_hold(&r, 10 + n, false, (struct slice){ line, sizeof line }, false))
		n++;
	is_int((long long)n, REPEAT_HELD_MAX / 10000, "no more is held than may be");
	is_int((long long)repeat_undecided(&r), REPEAT_HELD_MAX / 10000, "and not known to be safe");
	while (repeat_rest(&r, &held, &cut))
		n -= held.n == sizeof line;
	is_int((long long)n, 0, "and all of it is taken");
	b.p[b.n - 1] = 1;
	recents_load(&again, slice_head(buf_slice(&b), b.n - 1));
	is_int((long long)again.of[0].n, 0, "a damaged list is empty");
	recents_free(&recents);
	recents_free(&again);
	repeat_free(&r);
	buf_free(&b);
}

static bool
is_repeated(const struct recents *of, uint64_t hash)
{
	struct repeat r = { 0 };
	bool held;

	repeat_begin(&r, of, 99);
	held = repeat_hold(&r, hash, false, SLICE("x"), false);
	repeat_free(&r);
	return held;
}

static void
test_sessions(void)
{
	struct recents recents = { 0 }, again = { 0 };
	struct buf b = buf_new(RECENTS_BYTES);
	struct repeat r = { 0 };

	/* 1 was cut after the line 7; 2 sends it again and then 8; is cut; 3 sends both again */
	recents_add(&recents, 1, 7);
	repeat_begin(&r, &recents, 2);
	ok(repeat_hold(&r, 7, false, SLICE("7"), false), "a line is sent again");
	repeat_carry_on(&r, &recents);
	recents_add(&recents, 2, 8);
	repeat_begin(&r, &recents, 3);
	ok(repeat_hold(&r, 7, false, SLICE("7"), false) && repeat_hold(&r, 8, false, SLICE("8"), false) &&
	    r.known == 0 && r.of == 2 && !repeat_running(&r),
	    "it and those behind it are known when they are sent again once more");
	for (uint64_t i = 0; i < SESSIONS_MAX; i++)
		recents_add(&recents, 10 + i, 100 + i);
	ok(!is_repeated(&recents, 8) && is_repeated(&recents, 100), "the session that is silent goes");
	recents_end(&recents, 11);
	recents_drop(&recents, 12);
	recents_store(&recents, 1000, &b);
	recents_load(&again, buf_slice(&b));
	ok(is_repeated(&again, 100) && !is_repeated(&again, 101) && !is_repeated(&again, 102) &&
	    is_repeated(&again, 105), "a restart knows them, and which have ended");
	recents_add(&again, 10, 200);
	recents_store(&again, 1000 + RECENT_IDLE_S, &b);
	ok(is_repeated(&again, 105), "one is silent for half an hour");
	recents_add(&again, 10, 201);
	recents_store(&again, 1000 + RECENT_IDLE_S + 1, &b);
	ok(!is_repeated(&again, 105) && is_repeated(&again, 201), "and is forgotten after it");
	repeat_free(&r);
	recents_free(&recents);
	recents_free(&again);
	buf_free(&b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct recents recents = { 0 };
		uint64_t number = 1;
		struct buf out = buf_new(100);

		for (const char *c = cases[i].before; *c != '\0'; c++)
			if (*c == '|')
				number++;
			else if (*c == '.')
				recents_end(&recents, number);
			else
				recents_add(&recents, number, hash_of(*c));
		session(cases[i].session, &recents, &out);
		is_str(out.p == NULL ? "" : out.p, cases[i].taken, cases[i].what);
		recents_free(&recents);
		buf_free(&out);
	}
	test_bounds();
	test_sessions();
	return done_testing();
}
