/* test_join.c - pieces of lines: put together in any order, given up in time, bounded, and
 * after a restart at any moment as if there had been none. */
#include "flow/join.h"

#include "buf.h"
#include "dice.h"
#include "mem.h"
#include "tap.h"

#include "poison.h"

static const struct hash_key key = { { 1, 2, 3, 4 } };
static struct buf out, own[3];	/* of all hosts, and of each */

static void
put_joined(struct buf *b, const struct joined *w)
{
	buf_fmt(b, "%s%d %s", b->n > 0 ? "; " : "", (int)w->line.time, w->whole ? "" : "?");
	buf_add(b, w->line.text);
	buf_fmt(b, "*%zu", w->pieces);
}

/* "TIME TEXT*PIECES" of a whole line, "TIME ?TEXT*PIECES" of another. */
static void
done(void *arg, const struct joined *w)
{
	(void)arg;
	put_joined(&out, w);
	put_joined(&own[w->host], w);
}

static struct join *
begin(void)
{
	buf_clear(&out);
	for (int h = 0; h < 3; h++)
		buf_clear(&own[h]);
	return join_new(&key, 1000, done, NULL);
}

static void
add(struct join *j, unsigned host, int time, const char *name, const char *text, struct part p)
{
	struct line l = { .time = time, .tag = SLICE("tag"), .pid = 7, .repeat = 1, .text = slice_of(text) };

	p.key = slice_of(name);
	p.text = slice_of(text);
	join_time(j, host, time);
	join_add(j, host, &l, &p, 0, (struct slice){ NULL, 0 });
}

/* What two lines in a row say is the time. */
static void
tell(struct join *j, unsigned host, int time)
{
	join_time(j, host, time);
	join_time(j, host, time);
}

/* end: join_end() is asked for all that waits. */
static void
is(struct join *j, bool end, const char *want, const char *name)
{
	if (end)
		join_end(j, true);
	buf_char(&out, '\0');
	is_str(out.p, want, name);
	if (end)
		ok(join_waiting(j) == 0, "nothing waits any more");
	join_free(j);
}

#define OF(k, m) (struct part){ .n = k, .of = m }
#define NUMBER(k, go) (struct part){ .n = k, .more = go }
#define FIRST (struct part){ .first = true, .more = true }
#define MIDDLE (struct part){ .more = true }
#define LAST (struct part){ .more = false }

static void
test_numbered(void)
{
	static const int orders[6][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 },
		{ 3, 2, 1 } };
	static const char *const texts[] = { "", "one ", "two ", "three" };
	struct join *j;

	for (int i = 0; i < 6; i++) {
		j = begin();
		for (int k = 0; k < 3; k++)
			add(j, 0, 100 + orders[i][k], "", texts[orders[i][k]], OF((unsigned)orders[i][k], 3));
		is(j, true, "101 one two three*3", "numbered, how many is said");
		j = begin();
		for (int k = 0; k < 3; k++)
			add(j, 0, 100, "Q", texts[orders[i][k]],
			    NUMBER((unsigned)orders[i][k], orders[i][k] < 3));
		is(j, true, "100 one two three*3", "numbered, the last one is told");
	}
	j = begin();
	add(j, 0, 100, "", "a", (struct part){ .n = 1, .of = 3, .newline = true });
	add(j, 0, 100, "", "b", (struct part){ .n = 2, .of = 3 });
	add(j, 0, 100, "", "c", (struct part){ .n = 3, .of = 3, .newline = true });
	is(j, true, "100 a\nbc*3", "cut at the end of a line");
	j = begin();
	add(j, 0, 100, "", "a", OF(1, 2));
	add(j, 0, 106, "", "b", OF(2, 2));
	is(j, true, "100 ?a*1; 106 ?b*1", "too far apart");
	j = begin();
	add(j, 0, 100, "", "a", OF(1, 2));
	add(j, 1, 100, "", "b", OF(2, 2));
	add(j, 0, 100, "x", "c", OF(2, 2));
	add(j, 0, 100, "", "d", OF(2, 3));
	is(j, true, "100 ?a*1; 100 ?b*1; 100 ?c*1; 100 ?d*1", "another host, key, or number of pieces");
	j = begin();
	add(j, 0, 100, "", "a1 ", OF(1, 2));
	add(j, 0, 103, "", "b1 ", OF(1, 2));
	add(j, 0, 103, "", "b2", OF(2, 2));
	add(j, 0, 100, "", "a2", OF(2, 2));
	is(j, true, "103 b1 b2*2; 100 a1 a2*2", "two lines: the nearest in time");
}

static void
test_waiting(void)
{
	struct join *j = begin();

	add(j, 0, 100, "", "a", OF(1, 2));
	tell(j, 0, 1100);
	is(j, false, "", "a line that lacks a piece waits long");
	j = begin();
	add(j, 0, 100, "", "a", OF(1, 2));
	tell(j, 0, 1101);
	is(j, false, "100 ?a*1", "but not for ever");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	tell(j, 0, 110);
	is(j, false, "", "what may go on waits 10 seconds");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	tell(j, 0, 111);
	is(j, false, "100 a*1", "and is then the line");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	join_end(j, false);
	is(j, false, "100 a*1", "or at the end");
	j = begin();
	add(j, 0, 100, "s", "a", OF(1, 2));
	join_end(j, false);
	is(j, false, "", "which a numbered one outlives");
	/* a source that lags behind: its pieces wait as long */
	j = begin();
	add(j, 0, 500, "s", "a", FIRST);
	tell(j, 0, 500);
	add(j, 0, 100, "t", "b", FIRST);
	tell(j, 0, 509);
	add(j, 0, 101, "t", "c", LAST);
	is(j, false, "100 bc*2", "the time that counts is that of the newest line");
}

/* What another host says is of its own clock. */
static void
test_hosts(void)
{
	struct join *j = begin();

	add(j, 0, 100, "s", "a", FIRST);
	add(j, 1, 7300, "s", "x", FIRST);
	tell(j, 1, 7301);
	add(j, 0, 101, "s", "b", LAST);
	add(j, 1, 7301, "s", "y", LAST);
	is(j, true, "100 ab*2; 7300 xy*2", "two hosts, the clock of one is ahead");
	j = begin();
	add(j, 0, 100, "", "a", OF(1, 2));
	tell(j, 1, 100000);
	add(j, 0, 101, "", "b", OF(2, 2));
	is(j, true, "100 ab*2", "nor has it a part in how long numbered ones wait");
	j = begin();
	add(j, 1, 7300, "s", "x", FIRST);
	add(j, 0, 100, "s", "a", FIRST);
	tell(j, 0, 111);
	is(j, false, "100 a*1", "another host's clock makes none wait for longer either");
}

/* One stamp that is wrong moves no clock. */
static void
test_one_far_ahead(void)
{
	struct join *j = begin();

	add(j, 0, 100, "s", "a", FIRST);
	join_time(j, 0, 86500);
	add(j, 0, 101, "s", "b", MIDDLE);
	join_time(j, 0, 101);
	join_time(j, 0, 86500);
	add(j, 0, 101, "s", "c", LAST);
	is(j, false, "100 abc*3", "a line that is far ahead takes no piece's time");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 86500, "t", "x", FIRST);
	add(j, 0, 101, "s", "b", LAST);
	is(j, true, "100 ab*2; 86500 x*1", "nor does a piece that is");
	j = begin();
	add(j, 0, 86500, "t", "x", FIRST);
	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 101, "u", "b", FIRST);
	tell(j, 0, 111);
	is(j, false, "100 a*1", "nothing waits for it, if it was the first");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	join_time(j, 0, 86500);
	tell(j, 0, 86501);
	is(j, false, "100 a*1", "two such lines are the time");
	/* one source's clock is wrong, and its lines take turns with the other's */
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 7300, "t", "x", FIRST);
	add(j, 0, 101, "u", "c", FIRST);
	add(j, 0, 7301, "t", "y", LAST);
	add(j, 0, 102, "s", "b", LAST);
	is(j, true, "7300 xy*2; 100 ab*2; 101 c*1", "two clocks of one host, by turns: the slower one's time");
}

static void
test_told(void)
{
	struct join *j = begin();

	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 100, "s", "b", MIDDLE);
	add(j, 0, 100, "s", "c", LAST);
	is(j, true, "100 abc*3", "by the order of arrival");
	j = begin();
	add(j, 0, 102, "s", "c", LAST);
	add(j, 0, 101, "s", "b", MIDDLE);
	add(j, 0, 100, "s", "a", FIRST);
	is(j, true, "100 abc*3", "by time");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 100, "s", "b", MIDDLE);
	is(j, true, "100 ab*2", "what may be whole is taken as it is");
	j = begin();
	add(j, 0, 100, "s", "b", LAST);
	is(j, true, "100 b*1", "a rest without a beginning");
	j = begin();
	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 101, "s", "b", FIRST);
	add(j, 0, 101, "s", "c", LAST);
	is(j, true, "100 a*1; 101 bc*2", "another line begins: the one before has ended");
	j = begin();
	add(j, 0, 100, "s", "b", LAST);
	add(j, 0, 101, "s", "c", FIRST);
	add(j, 0, 101, "s", "d", LAST);
	is(j, true, "101 cd*2; 100 b*1", "a rest belongs to no later beginning");
}

static void
test_bounds(void)
{
	struct join *j = begin();
	char name[20], *big = xmalloc(60001);
	size_t most = 0, i;

	for (i = 0; i < JOIN_PIECES + 5; i++) {
		(void)snprintf(name, sizeof name, "%zu", i);
		add(j, 0, 100, name, "x", OF(1, 2));
		most = join_waiting(j) > most ? join_waiting(j) : most;
	}
	ok(most == JOIN_PIECES, "so many wait, %zu", most);
	is(j, false, "100 ?x*1; 100 ?x*1; 100 ?x*1; 100 ?x*1; 100 ?x*1", "the oldest have left");

	memset(big, 'x', 60000);
	big[60000] = '\0';
	j = begin();
	for (i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof name, "%zu", i);
		add(j, 0, 100, name, big, OF(1, 2));
	}
	ok(join_waiting(j) == JOIN_BYTES / 60140, "so many bytes wait: %zu", join_waiting(j));
	join_free(j);
	j = begin();
	add(j, 0, 100, "", big, OF(1, 3));
	add(j, 0, 100, "", big, OF(2, 3));
	ok(join_waiting(j) == 0 && out.n > 0, "a line that is too long waits no longer");
	join_free(j);
	j = begin();
	for (i = 0; i < 1000; i++)
		add(j, 0, 100, "", "x", OF(1, 2));
	ok(join_waiting(j) == 8, "of one key only so many wait, %zu", join_waiting(j));
	join_free(j);
	free(big);
}

/* Our clock is set back: what came of later is forgotten, also what it said of the time. */
static void
test_disown(void)
{
	struct join *j = begin();

	add(j, 0, 100, "", "a", OF(1, 2));
	add(j, 0, 900, "", "x", OF(1, 2));
	add(j, 1, 900, "", "y", OF(1, 2));
	join_disown(j, 500);
	ok(join_waiting(j) == 1, "one waits on, two are of later");
	add(j, 0, 101, "", "b", OF(2, 2));
	is(j, true, "100 ab*2", "and is whole when its rest comes");
	j = begin();
	add(j, 0, 500, "", "a", OF(1, 3));
	add(j, 0, 501, "", "b", OF(2, 3));
	join_disown(j, 500);
	add(j, 0, 502, "", "c", OF(3, 3));
	ok(join_waiting(j) == 2 && out.n == 0, "of one line some pieces are of later");
	add(j, 0, 501, "", "b", OF(2, 3));
	is(j, true, "500 abc*3", "which come again");
	j = begin();
	add(j, 0, 100, "n", "z", OF(1, 2));
	tell(j, 0, 900);
	add(j, 0, 101, "s", "a", FIRST);
	tell(j, 0, 910);
	ok(out.n == 0, "a line waits for what goes on, by a clock that is ahead");
	join_disown(j, 500);
	tell(j, 0, 111);
	ok(out.n == 0, "and then by one that is right");
	tell(j, 0, 112);
	is(j, true, "101 a*1; 100 ?z*1", "not longer");
}

/* --- over restarts ------------------------------------------------------------------ */

struct row {
	uint64_t number;
	struct buf bytes;
};

static struct row rows[4096];
static size_t n_rows;

static bool
put(void *arg, uint64_t number, struct slice bytes)
{
	size_t i = 0;

	(void)arg;
	while (i < n_rows && rows[i].number != number)
		i++;
	if (i == n_rows) {
		if (bytes.n == 0)
			return true;
		rows[n_rows++] = (struct row){ number, buf_new(1 << 17) };
	}
	buf_clear(&rows[i].bytes);
	buf_add(&rows[i].bytes, bytes);
	if (bytes.n == 0) {
		buf_free(&rows[i].bytes);
		rows[i] = rows[--n_rows];
	}
	return true;
}

static int
by_number(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* Store, forget, load. */
static struct join *
restart(struct join *j)
{
	if (!join_each_change(j, put, NULL))
		abort();
	join_stored(j);
	join_free(j);
	j = join_new(&key, 1000, done, NULL);
	qsort(rows, n_rows, sizeof *rows, by_number);
	for (size_t i = 0; i < n_rows; i++)
		if (!join_load(j, rows[i].number, buf_slice(&rows[i].bytes)))
			abort();
	return j;
}

/* Some hundred pieces of many lines, in a mess. every: restart, or store alone, so often. */
static char *
mess(uint64_t seed, unsigned every, bool all)
{
	static const char *const names[] = { "a", "b", "c" };
	struct join *j = begin();
	unsigned fate = 0;
	int time = 1000;

	dice = seed;
	for (int i = 0; i < 300; i++) {
		char text[16];
		unsigned kind = roll(8);
		int at;

		time += roll(5) == 0 ? (int)roll(roll(20) == 0 ? 800 : 8) : 0;
		at = time - (roll(4) == 0 ? (int)roll(20) : 0);
		(void)snprintf(text, sizeof text, "%d,", i);
		if (roll(40) == 0)
			join_disown(j, time - (int)roll(30));
		if (kind == 0)
			join_time(j, roll(2), roll(9) == 0 ? at + 86400 : at);
		else if (kind < 5)
			add(j, roll(2), at, names[roll(3)], text, OF(roll(3) + 1, 3));
		else
			add(j, roll(2), at, names[roll(3)], text, (struct part){ .first = roll(2),
			    .more = roll(3) > 0 });
		if (every > 0 && ++fate % every == 0)
			j = restart(j);
		else if (all && fate % 7 == 0 && join_each_change(j, put, NULL))
			join_stored(j);
	}
	join_end(j, true);
	if (every > 0) {
		j = restart(j);
		ok(n_rows == 0, "seed %u: nothing is left on disk", (unsigned)seed);
	}
	join_free(j);
	buf_char(&out, '\0');
	return xstrdup(out.p);
}

static void
test_restarts(void)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		char *want = mess(seed, 0, false);
		unsigned bad = 0;

		for (unsigned every = 1; every <= 5; every++) {
			char *got = mess(seed, every, every > 2);

			bad += strcmp(got, want) != 0;
			free(got);
		}
		ok(bad == 0 && strlen(want) > 1000, "seed %u: restarts change nothing", (unsigned)seed);
		free(want);
	}
}

/* A state of a release that had one clock for all hosts. */
static void
test_one_clock(void)
{
	struct join *j = begin(), *k;
	struct buf clock = buf_new(20);

	add(j, 0, 100, "s", "a", FIRST);
	add(j, 0, 100, "", "b", OF(1, 2));
	(void)join_each_change(j, put, NULL);
	join_free(j);
	buf_zigzag(&clock, 105);
	put(NULL, 0, buf_slice(&clock));
	qsort(rows, n_rows, sizeof *rows, by_number);
	k = begin();
	for (size_t i = 0; i < n_rows; i++)
		ok(join_load(k, rows[i].number, buf_slice(&rows[i].bytes)), "row %d is read",
		    (int)rows[i].number);
	tell(k, 0, 110);
	ok(out.n == 0, "what waits still does");
	tell(k, 0, 111);
	add(k, 0, 101, "", "c", OF(2, 2));
	ok(join_each_change(k, put, NULL) && n_rows == 0, "and the old clock goes with it");
	is(k, true, "100 a*1; 100 bc*2", "its pieces wait as long as they were to");
	buf_free(&clock);
}

/* --- interleaved ---------------------------------------------------------------------- */

enum { HOSTS = 3, STEPS = 60 };

struct step {
	int time;
	unsigned kind, name, n;
	bool first, more;
};

/* What a host's lines are, its clock far from the others'. */
static void
make_steps(struct step *s, int time)
{
	for (int i = 0; i < STEPS; i++) {
		time += roll(3) == 0 ? (int)roll(roll(9) == 0 ? 900 : 6) : 0;
		s[i] = (struct step){ .time = time + (roll(25) == 0 ? 80000 : 0), .kind = roll(3),
			.name = roll(3), .n = roll(3) + 1, .first = roll(2), .more = roll(3) > 0 };
	}
}

static void
play(struct join *j, unsigned host, const struct step *s)
{
	static const char *const names[] = { "a", "b", "c" };
	char text[24];

	(void)snprintf(text, sizeof text, "%d.%u,", s->time, s->n);
	if (s->kind == 0)
		join_time(j, host, s->time);
	else
		add(j, host, s->time, names[s->name], text, s->kind == 1 ? OF(s->n, 3) :
		    (struct part){ .first = s->first, .more = s->more });
}

/* What a host's pieces become depends on its own lines, however those of others come between. */
static void
test_interleaved(void)
{
	static const int begins[HOSTS] = { 100000, 107200, 5000 };
	struct step steps[HOSTS][STEPS];

	for (uint64_t seed = 1; seed <= 50; seed++) {
		char *want[HOSTS];
		unsigned bad = 0;
		size_t said = 0;

		dice = seed;
		for (unsigned h = 0; h < HOSTS; h++) {
			struct join *j = begin();

			make_steps(steps[h], begins[h]);
			for (int i = 0; i < STEPS; i++)
				play(j, h, &steps[h][i]);
			join_end(j, true);
			join_free(j);
			said += own[h].n;
			want[h] = xslicedup(buf_slice(&own[h]));
		}
		for (int order = 0; order < 6; order++) {
			struct join *j = begin();
			int at[HOSTS] = { 0 };

			for (int left = HOSTS * STEPS; left > 0; left--) {
				unsigned h = roll(HOSTS);

				while (at[h] == STEPS)
					h = (h + 1) % HOSTS;
				play(j, h, &steps[h][at[h]++]);
				for (; order == 0 && at[h] < STEPS; left--)	/* one after the other */
					play(j, h, &steps[h][at[h]++]);
			}
			join_end(j, true);
			join_free(j);
			for (unsigned h = 0; h < HOSTS; h++)
				bad += !slice_eq(buf_slice(&own[h]), slice_of(want[h]));
		}
		ok(bad == 0 && said > 500, "seed %u: the order among hosts changes nothing", (unsigned)seed);
		for (unsigned h = 0; h < HOSTS; h++)
			free(want[h]);
	}
}

static void
test_damage(void)
{
	struct join *j = begin();
	struct slice whole;
	size_t good = 0;

	add(j, 0, 100, "key", "text", OF(1, 2));
	(void)join_each_change(j, put, NULL);
	qsort(rows, n_rows, sizeof *rows, by_number);
	whole = buf_slice(&rows[1].bytes);
	for (size_t n = 0; n < whole.n; n++) {
		struct join *k = begin();

		good += join_load(k, 1, slice_head(whole, n));
		join_free(k);
	}
	ok(n_rows == 2 && good == 0, "bytes that were cut are no piece");
	join_free(j);
	for (size_t i = 0; i < n_rows; i++)
		buf_free(&rows[i].bytes);
}

int
main(void)
{
	out = buf_new(1 << 20);
	for (int h = 0; h < 3; h++)
		own[h] = buf_new(1 << 20);
	test_numbered();
	test_waiting();
	test_hosts();
	test_one_far_ahead();
	test_told();
	test_disown();
	test_bounds();
	test_restarts();
	test_one_clock();
	test_interleaved();
	test_damage();
	buf_free(&out);
	for (int h = 0; h < 3; h++)
		buf_free(&own[h]);
	return done_testing();
}
