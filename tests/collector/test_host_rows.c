/* test_host_rows.c - the minutes of one host among those of many: each is found, whoever else was busy. */
#include <string.h>

#include "commit.h"
#include "dice.h"
#include "stateread.h"
#include "tap.h"

#include "poison.h"

enum { HOSTS = 24, MINUTES = 240, T0 = 1795005000, FIRST = T0 / 60, SPANS = 40 };

static char dir[] = "/tmp/mx-rows.XXXXXX";
static int64_t lines[HOSTS][MINUTES];	/* what was counted; 0: no row */

/* Host 0 is in each minute, the last one in hardly any; some minutes have one host, others all. */
static void
fill(void)
{
	struct err e = { "" };
	struct ingest *in = ingest_open(dir, &ingest_defaults, &e);

	if (in == NULL)
		die(&e);
	for (int m = 0; m < MINUTES; m++) {
		uint32_t busy = m % 40 < 10 ? 1 : roll(HOSTS + 1);

		ingest_clock(in, T0 + 60 * m);
		for (uint32_t h = 0; h < HOSTS; h++) {
			char name[8];

			(void)snprintf(name, sizeof name, "mx%02u", h);
			if (h > 0 && roll(HOSTS) >= busy * (HOSTS - h) / HOSTS && m > 0)
				continue;	/* in the first minute all, so that their numbers are in order */
			lines[h][m] = 1 + (int64_t)roll(1000);
			ingest_count(in, name, M_lines, lines[h][m]);
		}
	}
	commit(in, true);
	ingest_close(in);
}

struct got {
	int host;
	int64_t minute, n;	/* of the row before; rows */
	bool wrong;
};

static bool
compare(void *arg, int host, int64_t minute, const struct cell *cell)
{
	struct got *g = arg;

	g->wrong = g->wrong || host != g->host || minute <= g->minute || minute < FIRST ||
	    minute >= FIRST + MINUTES || cell_get(cell, CELL_METRIC + M_lines) != lines[host][minute - FIRST];
	g->minute = minute;
	g->n++;
	return true;
}

/* All of its rows in minutes from to to - 1 of the test, and no other. */
static bool
right(struct stateread *r, int host, int from, int to)
{
	struct got g = { .host = host };
	struct err e = { "" };
	int64_t n = 0;

	for (int m = from; m < to; m++)
		n += lines[host][m] != 0;
	if (!stateread_minutes(r, host, FIRST + from, FIRST + to, compare, &g, &e))
		die(&e);
	return !g.wrong && g.n == n;
}

static void
look(void)
{
	struct err e = { "" };
	struct stateread *r = stateread_open(dir, &e);
	const struct stateread_host *hosts;
	int64_t oldest;
	size_t n;

	if (r == NULL || !stateread_hosts(r, &hosts, &n, &e))
		die(&e);
	is_int((long long)n, HOSTS, "all hosts are there");
	for (int h = 0; h < HOSTS; h++) {
		bool good = right(r, h, 0, MINUTES);

		for (int i = 0; i < SPANS; i++) {
			int from = (int)roll(MINUTES), to = from + (int)roll((uint32_t)(MINUTES - from) + 1);

			good = right(r, h, from, to) && good;
		}
		ok(good, "mx%02d: its rows and no others, of the whole and of %d spans", h, SPANS);
		ok(stateread_oldest(r, h, &oldest) && oldest == FIRST, "mx%02d: the oldest", h);
	}
	stateread_close(r);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	fill();
	look();
	drop_state(dir);
	(void)rmdir(dir);
	return done_testing();
}
