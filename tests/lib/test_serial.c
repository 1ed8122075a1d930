/* test_serial.c - serials of zones: which is newer, and since when a server is behind. */
#include "serial.h"

#include "tap.h"

static void
compare(void)
{
	static const struct {
		uint32_t a, b;
		bool newer;
	} cases[] = {
		{ 1, 0, true }, { 0, 1, false }, { 5, 5, false }, { 1, 4294967295u, true }, { 4294967295u, 1, false },
		{ 2026112001, 2026112000, true }, { 0x7fffffff, 0, true }, { 0x80000000u, 0, false }, { 0, 0x80000000u, false },
		{ 0x80000001u, 0, false }, { 0, 0x80000001u, true },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(serial_newer(cases[i].a, cases[i].b) == cases[i].newer, "%u after %u", cases[i].a, cases[i].b);
	ok(serial_apart(0x80000000u, 0) && serial_apart(0, 0x80000000u) && !serial_apart(3, 1), "half the way round");
}

static void
since(void)
{
	struct serials s = { .n = 0 }, t;
	struct buf b = buf_new(4096);

	ok(serials_lag(&s, 7, 1000) == 0, "nothing was seen yet");
	serials_see(&s, 10, 1000);
	serials_see(&s, 11, 1100);
	serials_see(&s, 11, 1150);
	serials_see(&s, 13, 1200);
	ok(s.n == 3, "each is kept once");
	ok(serials_lag(&s, 13, 1300) == 0, "the newest is not behind");
	ok(serials_lag(&s, 11, 1300) == 100 && serials_lag(&s, 12, 1300) == 100, "since the first newer one");
	ok(serials_lag(&s, 10, 1300) == 200 && serials_lag(&s, 9, 1300) == 300, "however many they are");
	ok(serials_lag(&s, 11, 900) == 0, "a clock that was set back");
	serials_write(&s, &b);
	serials_read(&t, buf_slice(&b));
	ok(t.n == 3 && t.serial[2] == 13 && t.at[0] == 1000, "written and read");
	serials_read(&t, SLICE("10 1000\n11 x\n12 1200\n"));
	ok(t.n == 1, "what is damaged ends it");
	serials_read(&t, SLICE("4294967296 1\n"));
	ok(t.n == 0, "no serial is that large");
	serials_see(&s, 5, 1400);
	ok(s.n == 1 && serials_lag(&s, 4, 1410) == 10, "a serial that was set back begins anew");
	serials_read(&t, SLICE("2029484406 1000\n2484400716 1100\n7 1200\n"));
	ok(serials_lag(&t, 7, 1300) == 0 && serials_lag(&t, 2484400716u, 1300) == 100, "large steps go round");
	for (uint32_t i = 6; i < 200; i++)
		serials_see(&s, i, 1400 + (int64_t)i);
	ok(s.n == SERIALS_KEPT && s.serial[SERIALS_KEPT - 1] == 199, "there is a cap, and the newest stay");
	buf_free(&b);
}

int
main(void)
{
	compare();
	since();
	return done_testing();
}
