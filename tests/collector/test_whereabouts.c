/* test_whereabouts.c - the table of mails that were put away, beside a plain list. */
#include "tap.h"

#include "dice.h"
#include "flow/hop_index.h"
#include "store/whereabouts.h"

#include "poison.h"

enum { HASHES = 3000, BLOCKS = 40, STEPS = 20000, AT_ONCE = 12 };

/* hash i: some begin at the same place of the table, and of those some have the same tag */
static uint64_t
hash_of(uint32_t i)
{
	return (uint64_t)(i % 7) << 61 | (uint64_t)i << 20 | (i * 2654435761u & 0xffff);
}

static bool there[HASHES][BLOCKS + 1];
static unsigned blocks_of[HASHES];

static bool
is_true(const struct whereabouts *w)
{
	size_t n = 0;

	for (uint32_t i = 0; i < HASHES; i++) {
		int64_t block = whereabouts_find(w, hash_of(i));

		n += blocks_of[i];
		if (block == 0 ? blocks_of[i] > 0 : block > BLOCKS || !there[i][block])
			return false;
	}
	return w->n == n;
}

static void
put(uint32_t i, int64_t block, bool in)
{
	if (there[i][block] == in || (in && blocks_of[i] == HOP_KEY_MAILS))
		return;
	there[i][block] = in;
	blocks_of[i] += in ? 1 : -1u;
}

int
main(void)
{
	struct whereabouts w = { 0 };
	uint64_t hash[AT_ONCE];
	bool good = true;

	ok(whereabouts_find(&w, 5) == 0, "nothing is there at first");
	whereabouts_remove(&w, 5, 1);
	for (int step = 0; step < STEPS; step++) {
		size_t n = 1 + roll(AT_ONCE);
		int64_t block = 1 + (int64_t)roll(BLOCKS);
		bool in = roll(step < STEPS / 2 ? 10 : 4) > 2;

		for (size_t k = 0; k < n; k++) {
			uint32_t i = roll(4) == 0 ? roll(20) : roll(HASHES);

			hash[k] = hash_of(i);
			put(i, block, in);
		}
		if (in)
			whereabouts_add(&w, (struct slice){ (const char *)hash, n * 8 }, block);
		else
			whereabouts_remove_all(&w, (struct slice){ (const char *)hash, n * 8 }, block);
		if (step % 1000 == 0)
			good = good && is_true(&w);
	}
	ok(good && is_true(&w), "each hash leads to a block that has it, and to none when none has");
	ok(blocks_of[3] > 1, "several blocks have the same");
	for (uint32_t i = 0; i < HASHES; i++)
		for (int64_t b = 1; b <= BLOCKS; b++)
			if (there[i][b])
				whereabouts_remove(&w, hash_of(i), b);
	ok(w.n == 0 && whereabouts_find(&w, hash_of(3)) == 0, "and all can be taken out");
	whereabouts_free(&w);
	return done_testing();
}
