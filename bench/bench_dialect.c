/* bench_dialect.c - what claims() and parse() cost per line.
 *
 *	bench_dialect LOG [ROUNDS]
 * Reads LOG into memory, takes the heads off once, then times the dialects alone, the
 * best of ROUNDS (5), and prints nanoseconds per line for each program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dialect/dialect.h"
#include "input/lines.h"
#include "mem.h"
#include "poison.h"

enum { PROGRAMS = 64 };

static struct {
	struct line *lines, *some;
	size_t n, cap;
	struct arena text;
	struct event events[EVENTS_MAX];
	uint64_t answers[3];
} b;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool
keep(void *arg, struct file_line *fl, struct err *e)
{
	struct line l = fl->line;

	(void)arg;
	(void)e;
	if (fl->answer != HEADER_LINE || l.repeat_of_last)
		return true;
	/* the slices must outlive the reader's buffer */
	l.tag = arena_slice(&b.text, l.tag);
	l.text = arena_slice(&b.text, l.text);
	if (b.n == b.cap) {
		b.cap = b.cap > 0 ? b.cap * 2 : 4096;
		b.lines = xreallocarray(b.lines, b.cap, sizeof b.lines[0]);
	}
	b.lines[b.n++] = l;
	return true;
}

/* Nanoseconds per line, best of the rounds. */
static double
measure(const struct line *lines, size_t n, int rounds)
{
	double best = 0;

	for (int i = 0; i < rounds; i++) {
		double start = now(), took;

		for (size_t k = 0; k < n; k++) {
			const struct dialect *d = dialect_of(&lines[k]);
			int got = d != NULL ? d->parse(&lines[k], b.events) : 0;

			b.answers[got > 0 ? 0 : got == 0 ? 1 : 2]++;
		}
		took = now() - start;
		if (i == 0 || took < best)
			best = took;
	}
	return n > 0 ? best / (double)n : 0;
}

static void
measure_programs(int rounds)
{
	struct slice seen[PROGRAMS];
	size_t nseen = 0;

	for (size_t k = 0; k < b.n && nseen < PROGRAMS; k++) {
		struct slice tag = b.lines[k].tag;
		size_t i = 0, n = 0;

		while (i < nseen && !slice_eq(seen[i], tag))
			i++;
		if (i < nseen)
			continue;
		seen[nseen++] = tag;
		for (size_t j = k; j < b.n; j++)
			if (slice_eq(b.lines[j].tag, tag))
				b.some[n++] = b.lines[j];
		printf("%-28.*s %9zu %8.1f\n", (int)tag.n, tag.p, n,
		    measure(b.some, n, rounds));
	}
}

int
main(int argc, char **argv)
{
	int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
	struct err e;

	if (argc < 2 || !lines_each(argv[1], "UTC", 2026, (int64_t)time(NULL), SLICE(""), keep,
	    NULL, &e)) {
		fprintf(stderr, "%s\n",
		    argc < 2 ? "usage: bench_dialect LOG [ROUNDS]" : e.text);
		return 1;
	}
	b.some = xreallocarray(NULL, b.n + 1, sizeof b.some[0]);
	printf("%-28s %9s %8s\n", "program", "lines", "ns/line");
	printf("%-28s %9zu %8.1f\n", "all", b.n, measure(b.lines, b.n, rounds));
	measure_programs(rounds);
	free(b.lines);
	free(b.some);
	arena_free(&b.text);
	return 0;
}
