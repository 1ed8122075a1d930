/* test_toplist.c - the most frequent of many, with the error that is promised. */
#include "tap.h"

#include "dice.h"
#include "toplist.h"

#include "poison.h"

enum { TEXTS = 5000 };

static uint32_t truth[TEXTS];

static struct slice
text(uint32_t i)
{
	static char t[40];

	return (struct slice){ t, (size_t)snprintf(t, sizeof t, "text-%u", i) };
}

/* Is each stored n between the truth less error and the truth, and nothing frequent lost? */
static bool
is_true(struct toplist *t, uint32_t must)
{
	uint32_t found = 0;

	toplist_sort(t);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct top_entry *e = &t->entry[i];
		struct slice digits = slice_from(toplist_text(e), 5);
		uint64_t k;

		if (!slice_u64(&digits, &k) || k >= TEXTS || e->n > truth[k] || truth[k] > e->n + e->error ||
		    (i > 0 && e->n > t->entry[i - 1].n))
			return false;
		found += truth[k] >= must;
	}
	for (uint32_t i = 0; i < TEXTS; i++)
		found -= truth[i] >= must;
	return found == 0;
}

/* Few frequent ones among thousands that come once in a while. */
static void
fill(struct toplist *t, int times)
{
	for (int i = 0; i < times; i++) {
		uint32_t k = roll(3) > 0 ? roll(20) : roll(TEXTS);

		truth[k]++;
		toplist_add(t, text(k), 1);
	}
}

static void
test_true(void)
{
	struct toplist a, b, c;
	struct buf blob = buf_new(1 << 20);
	bool cut = true;

	toplist_init(&a);
	toplist_init(&b);
	toplist_init(&c);
	fill(&a, 20000);
	ok(is_true(&a, 300), "counts are lower bounds, too small by at most error");
	fill(&b, 20000);
	toplist_merge(&a, &b);
	ok(is_true(&a, 600), "merged, too");
	toplist_encode(&a, &blob);
	ok(a.n <= TOP_KEEP, "as many are stored as survive a prune");
	ok(toplist_decode(&c, buf_slice(&blob)) && is_true(&c, 600), "stored and read back");
	for (size_t n = 0; n < blob.n; n++) {
		toplist_free(&b);
		toplist_init(&b);
		cut &= !toplist_decode(&b, slice_head(buf_slice(&blob), n));
	}
	ok(cut, "cut anywhere: refused");
	for (size_t i = 0; i < blob.n; i++) {
		toplist_free(&b);
		toplist_init(&b);
		blob.p[i] ^= (char)(1 + i % 255);
		(void)toplist_decode(&b, buf_slice(&blob));
		toplist_sort(&b);
		blob.p[i] ^= (char)(1 + i % 255);
	}
	ok(b.n <= TOP_ROOM, "changed bytes: no harm");
	toplist_free(&a);
	toplist_free(&b);
	toplist_free(&c);
	buf_free(&blob);
}

/* What is taken back is counted less, whether it was pruned or not. */
static void
test_taken(void)
{
	struct toplist t;

	memset(truth, 0, sizeof truth);
	toplist_init(&t);
	for (int round = 0; round < 10; round++) {
		fill(&t, 3000);
		for (int i = 0; i < 2000; i++) {
			uint32_t k = roll(2) > 0 ? roll(20) : roll(TEXTS), n = roll(4);

			if (n > truth[k])
				n = truth[k];
			truth[k] -= n;
			toplist_take(&t, text(k), n);
		}
	}
	ok(is_true(&t, 500), "taken back, too");
	toplist_free(&t);
	toplist_init(&t);
	toplist_add(&t, text(1), 5);
	toplist_add(&t, text(2), 1);
	toplist_take(&t, text(1), 5);
	toplist_take(&t, text(3), 1);
	toplist_add(&t, text(2), 1);
	ok(t.n == 1 && t.entry[0].n == 2 && t.entry[0].error == 0, "what is none is gone");
	toplist_free(&t);
}

int
main(void)
{
	char wide[200];
	struct toplist t;
	bool left = false;

	dice = 7;
	test_true();
	test_taken();
	toplist_init(&t);
	toplist_sort(&t);
	toplist_add(&t, SLICE(""), 2);
	toplist_add(&t, SLICE(""), 3);
	ok(t.n == 1 && t.entry[0].n == 5, "an empty text is one");
	memset(wide, 'x', sizeof wide);
	toplist_add(&t, (struct slice){ wide, sizeof wide }, 1);
	toplist_add(&t, (struct slice){ wide, TOP_TEXT_MAX }, 1);
	ok(t.n == 2 && t.entry[1].n == 2 && t.entry[1].text->len == TOP_TEXT_MAX, "a long one is cut");
	toplist_add(&t, SLICE(""), UINT32_MAX);
	ok(t.entry[0].n == UINT32_MAX, "a count does not begin anew");
	for (uint32_t i = 0; i < 2000; i++)	/* all large: prune must sort */
		toplist_add(&t, text(i), 5000 + i);
	toplist_first(&t, 3);
	ok(t.entry[0].n == UINT32_MAX && t.entry[1].n == 6999 && t.entry[2].n == 6998, "the first three");
	for (uint32_t i = 3; i < t.n; i++)
		left |= t.entry[i].n > 6998;
	ok(!left, "are not among the others");
	toplist_first(&t, TOP_ROOM);
	for (uint32_t i = 1; i < t.n; i++)
		left |= t.entry[i].n > t.entry[i - 1].n;
	ok(!left, "more than there are is all of them");
	toplist_sort(&t);
	ok(t.n <= TOP_ROOM && t.entry[0].n == UINT32_MAX && t.entry[1].n == 6999, "many large ones");
	toplist_free(&t);
	return done_testing();
}
