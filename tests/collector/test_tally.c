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

static bool
note_hour(void *arg, unsigned host, int64_t hour, const struct cell *c)
{
	struct buf *b = arg;

	for (uint32_t i = 0; i < c->n; i++)
		buf_fmt(b, "%u@%d %u:%d ", host, (int)hour, c->pair[i].key, (int)c->pair[i].n);
	return true;
}

/* Lines of programs, by the hour. */
static void
test_programs(void)
{
	struct tally *t = tally_new(NULL);
	struct buf b = buf_new(4096);
	char text[8];
	unsigned smtpd = tally_program(t, SLICE("postfix/smtpd")), qmgr = tally_program(t, SLICE("qmgr"));

	ok(smtpd == 0 && qmgr == 1 && tally_program(t, SLICE("postfix/smtpd")) == 0, "each has a number");
	tally_line(t, 3, 100, smtpd);
	tally_line(t, 3, 100, smtpd);
	tally_line(t, 19, 100, qmgr);
	tally_line(t, 3, 101, smtpd);
	tally_line(t, 3, 100, qmgr);
	tally_unknown(t, 3, 100, qmgr);
	(void)tally_each_hour(t, note_hour, &b);
	is_str(b.p, "3@100 12288:2 3@100 12289:1 3@100 14337:1 19@100 12289:1 3@101 12288:1 ",
	    "lines by host, hour and program");
	tally_clear(t);
	buf_clear(&b);
	(void)tally_each_hour(t, note_hour, &b);
	is_int((long long)b.n, 0, "and after the commit none");
	for (int i = 0; i < 2 * PROGRAMS_MAX; i++)
		(void)tally_program(t, (struct slice){ text, (size_t)snprintf(text, sizeof text, "p%d", i) });
	ok(tally_programs(t) == PROGRAMS_MAX && slice_eq(tally_program_text(t, PROGRAMS_MAX - 1), SLICE("other")) &&
	    tally_program(t, SLICE("one more")) == PROGRAMS_MAX - 1, "too many are \"other\"");
	buf_free(&b);
	tally_free(t);
}

static void
test_lists(void)
{
	const int64_t fact[CELL_FACTS] = { [CELL_FACT_TESTED] = 1, [CELL_FACT_US] = 12300, [CELL_FACT_ASKED] = 6 };
	struct tally *t = tally_new(NULL);
	struct sums s = { 0 };
	char text[20];

	tally_word(t, 3, 100, SLICE("bl.example.net"), 4);
	tally_list(t, 3, 100, SLICE("zen.example.org"), fact, 1);
	tally_list(t, 3, 100, SLICE("BL.Example.Net"), fact, 2);
	tally_list(t, 3, 100, SLICE("zen.example.org"), fact, 1);
	tally_each(t, add_up, &s);
	ok(cell_get(&s.last, CELL_WORD) == 4 && cell_get(&s.last, cell_list(CELL_FACT_US, 0)) == 24600 &&
	    cell_get(&s.last, cell_list(CELL_FACT_US, 1)) == 24600 && cell_get(&s.last, CELL_WORD + 1) == 0 &&
	    cell_get(&s.last, cell_list(CELL_FACT_ASKED, 1)) == 12 && s.last.n == 7, "facts of lists beside their hits");
	for (int i = 0; i < CELL_LISTS + 50; i++)
		tally_list(t, 3, 100, (struct slice){ text, (size_t)snprintf(text, sizeof text, "w%d", i) }, fact, 1);
	is_int((long long)tally_words(t), CELL_LISTS, "there is room for so many");
	ok(tally_left_out(t) == 52 && tally_left_out(t) == 0, "and how often there was none is told once");
	tally_word(t, 3, 100, SLICE("late.example.net"), 1);
	tally_list(t, 3, 100, SLICE("late.example.net"), fact, 1);
	tally_each(t, add_up, &s);
	ok(cell_get(&s.last, CELL_WORD + CELL_LISTS) == 1 && tally_left_out(t) == 1, "hits have room yet");
	cell_free(&s.last);
	tally_free(t);
}

int
main(void)
{
	struct tally *t = tally_new(NULL);
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
	t = tally_new(NULL);
	tally_word(t, 0, 1, (struct slice){ wide, sizeof wide }, 1);
	tally_word(t, 0, 1, (struct slice){ wide, 100 }, 1);
	ok(tally_words(t) == 1 && tally_word_text(t, 0).n == 100, "a long word is cut");
	cell_free(&s.last);
	tally_free(t);
	test_programs();
	test_lists();
	return done_testing();
}
