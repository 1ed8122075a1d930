/* test_seen.c - a line counts as often as in the source that has it most often. */
#include "tap.h"

#include "dice.h"
#include "flow/seen.h"
#include "mem.h"

#include "poison.h"

enum { BLOCKS = 4000, MINUTES = 3, SOURCES = 4, HASHES = 9 };

/* What was committed. */
static struct block {
	unsigned host;
	int64_t minute;
	uint32_t source;
	unsigned char *p;
	size_t n;
} stored[BLOCKS];
static size_t n_stored;
static bool broken;

static bool
put(void *arg, unsigned host, int64_t minute, uint32_t source, const unsigned char *hashes, size_t n)
{
	struct block *b = &stored[n_stored];

	(void)arg;
	if (n_stored == BLOCKS)
		return false;
	*b = (struct block){ host, minute, source, xmalloc(n * SEEN_BYTES), n };
	memcpy(b->p, hashes, n * SEEN_BYTES);
	n_stored++;
	return true;
}

static bool
load(void *arg, unsigned host, int64_t minute, seen_block_fn *block, void *block_arg, struct err *e)
{
	(void)arg;
	if (broken)
		return err_set(e, "broken");
	for (size_t i = 0; i < n_stored; i++)
		if (stored[i].host == host && stored[i].minute == minute)
			block(block_arg, stored[i].source, stored[i].p, stored[i].n);
	return true;
}

static void
forget(void)
{
	while (n_stored > 0)
		free(stored[--n_stored].p);
}

/* Lines of some sources in any order, commits and restarts in between. */
static bool
test_random(uint64_t seed)
{
	uint32_t had[MINUTES][HASHES][SOURCES] = { { { 0 } } };
	uint32_t counted[MINUTES][HASHES] = { { 0 } };
	struct seen *s = seen_new(load, NULL);
	struct err e;
	bool good = true;

	dice = seed;
	for (int i = 0; i < 600; i++) {
		uint32_t m = roll(MINUTES), h = roll(HASHES), src = roll(SOURCES), most = 0;
		int new = seen_line(s, 3, 1000 + m, src + 1, h * 0x9e3779b97f4a7c15u, &e);

		had[m][h][src]++;
		counted[m][h] += (uint32_t)new;
		for (int k = 0; k < SOURCES; k++)
			most = had[m][h][k] > most ? had[m][h][k] : most;
		good &= new >= 0 && counted[m][h] == most;
		if (roll(30) == 0) {
			good &= seen_each(s, put, NULL);
			seen_committed(s);
		}
		if (roll(90) == 0) {	/* what was not committed is to be read again: commit */
			good &= seen_each(s, put, NULL);
			seen_free(s);
			s = seen_new(load, NULL);
		}
	}
	seen_free(s);
	forget();
	return good;
}

int
main(void)
{
	struct seen *s = seen_new(load, NULL);
	struct err e;
	bool good = true;

	ok(seen_line(s, 0, 5, 1, 42, &e) == 1 && seen_line(s, 0, 5, 1, 42, &e) == 1,
	    "twice in one source counts twice");
	ok(seen_line(s, 0, 5, 2, 42, &e) == 0 && seen_line(s, 0, 5, 2, 42, &e) == 0,
	    "as often in another adds nothing");
	is_int(seen_line(s, 0, 5, 2, 42, &e), 1, "a third time does");
	is_int(seen_line(s, 0, 6, 2, 42, &e), 1, "another minute is another line");
	is_int(seen_line(s, 1, 5, 2, 42, &e), 1, "so is another host");
	is_int(seen_line(s, 0, 5, 1, 42 + (UINT64_C(1) << 48), &e), 0, "48 bits are compared");
	seen_free(s);
	for (uint64_t seed = 1; seed <= 40 && good; seed++)
		good = test_random(seed);
	ok(good, "any order, with commits and restarts");

	s = seen_new(load, NULL);
	broken = true;
	ok(seen_line(s, 0, 7, 1, 1, &e) == -1 && strcmp(e.text, "broken") == 0,
	    "a store that cannot be read is said");
	broken = false;
	is_int(seen_line(s, 0, 7, 1, 1, &e), 1, "and the line can come again");
	broken = true;
	is_int(seen_line(s, 0, 7, 2, 1, &e), 0, "nothing stored of that minute: no need to read");
	broken = false;
	(void)seen_each(s, put, NULL);
	seen_committed(s);
	broken = true;
	is_int(seen_line(s, 0, 8, 1, 1, &e), -1, "a new minute that cannot be looked up");
	broken = false;
	seen_committed(s);
	seen_committed(s);
	ok(seen_memory_bytes(s) == 0, "what is no longer used takes no memory");
	is_int(seen_line(s, 0, 7, 3, 1, &e), 0, "and is known all the same");
	seen_free(s);
	forget();
	return done_testing();
}
