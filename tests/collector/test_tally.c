/* test_tally.c - corrections of minutes that wait for the commit. */
#include "tap.h"

#include "flow/tally.h"

#include "poison.h"

struct sums {
	int64_t all, cells;
	unsigned host;
	int64_t minute;
	struct cell last;
};

static bool
add_up(void *arg, unsigned host, int64_t minute, const struct cell *c)
{
	struct sums *s = arg;

	s->cells++;
	s->host = host;
	s->minute = minute;
	for (uint32_t i = 0; i < c->n; i++)
		s->all += c->pair[i].n;
	cell_clear(&s->last);
	cell_merge(&s->last, c);
	return true;
}

static bool
stop(void *arg, unsigned host, int64_t minute, const struct cell *c)
{
	(void)host;
	(void)minute;
	(void)c;
	++*(int *)arg;
	return false;
}

int
main(void)
{
	struct tally *t = tally_new();
	struct sums s = { 0 };
	char wide[300];
	int calls = 0;
	bool words;

	tally_add(t, HOSTS_MAX - 1, 29000000, M_rej, 2);
	tally_add(t, HOSTS_MAX - 1, 29000000, M_rej, -2);
	tally_counts(t, HOSTS_MAX - 1, 29000000)[M_lines]++;
	tally_delay(t, HOSTS_MAX - 1, 29000000, CELL_DELAY, 1500, 2);
	tally_delay(t, HOSTS_MAX - 1, 29000000, CELL_DELAY_TOTAL, UINT64_MAX, 1);
	tally_word(t, HOSTS_MAX - 1, 29000000, SLICE("BL.example.NET"), 3);
	tally_word(t, HOSTS_MAX - 1, 29000000, SLICE("bl.example.net"), -1);
	tally_each(t, add_up, &s);
	ok(s.cells == 1 && s.host == HOSTS_MAX - 1 && s.minute == 29000000, "host and minute");
	ok(cell_get(&s.last, CELL_METRIC + M_rej) == 0 && cell_get(&s.last, CELL_METRIC + M_lines) == 1,
	    "what was taken back is not there");
	is_int(cell_get(&s.last, CELL_DELAY + hist_bucket(1500)), 2, "a delay");
	is_int(cell_get(&s.last, CELL_DELAY_TOTAL + HIST_N - 1), 1, "one for ever");
	is_int(cell_get(&s.last, CELL_WORD), 2, "a word in either case");
	tally_clear(t);
	is_int((long long)tally_cells(t), 0, "cleared");

	for (int i = 0; i < 20000; i++)
		tally_add(t, (unsigned)i % 37, 1000 + i % 1440, M_lines, 1);
	for (int i = 0; i < 20000; i++)
		tally_add(t, (unsigned)i % 37, 1000 + i % 1440, M_lines, 1);
	s = (struct sums){ .last = s.last };
	tally_each(t, add_up, &s);
	ok(s.all == 40000 && s.cells == (int64_t)tally_cells(t), "many cells");
	ok(!tally_each(t, stop, &calls) && calls == 1, "stopped when asked to");

	memset(wide, 'W', sizeof wide);
	for (int i = 0; i < WORDS_MAX + 50; i++) {
		char text[20];

		tally_word(t, 0, 1, (struct slice){ text, (size_t)snprintf(text, sizeof text, "w%d", i) }, 1);
	}
	words = tally_words(t) == WORDS_MAX &&
	    slice_eq(tally_word_text(t, WORDS_MAX - 1), SLICE("other"));
	ok(words, "more words than a state may know are \"other\"");
	tally_word(t, 0, 1, (struct slice){ wide, sizeof wide }, 1);
	is_int((long long)tally_words(t), WORDS_MAX, "also long ones");
	ok(tally_word_text(t, WORDS_MAX).n == 0, "no such word");
	tally_free(t);
	t = tally_new();
	tally_word(t, 0, 1, (struct slice){ wide, sizeof wide }, 1);
	tally_word(t, 0, 1, (struct slice){ wide, 100 }, 1);
	ok(tally_words(t) == 1 && tally_word_text(t, 0).n == 100, "a long word is cut");
	cell_free(&s.last);
	tally_free(t);
	return done_testing();
}
