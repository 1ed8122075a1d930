/* bench_header.c - what taking the envelope off a line costs.
 *
 * bench_header FILE...: reads each file into memory, parses its lines twenty times
 * and prints the best: nanoseconds a line, beside looking for newlines alone. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "input/header.h"
#include "mem.h"

#include "poison.h"

static double
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct slice
slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *p;
	long n;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	p = xmalloc((size_t)n + 1);
	n = (long)fread(p, 1, (size_t)n, f);
	fclose(f);
	return (struct slice){ p, (size_t)n };
}

struct result {
	size_t lines, known;
	double ns;
};

static struct result
pass(struct slice all, bool parse)
{
	struct header *h = header_new("UTC", 2026, 0, SLICE(""), NULL);
	struct result r = { .ns = now_ns() };
	struct slice raw;
	struct line line;

	while (slice_cut(&all, '\n', &raw)) {
		r.lines++;
		if (parse && header_parse(h, raw, &line) == HEADER_LINE)
			r.known++;
	}
	r.ns = now_ns() - r.ns;
	header_free(h);
	return r;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct slice all = slurp(argv[i]);
		struct result r = { 0 };
		double best[2] = { 1e18, 1e18 };

		for (int n = 0; n < 40; n++) {
			r = pass(all, n % 2 == 1);
			if (r.ns < best[n % 2])
				best[n % 2] = r.ns;
		}
		if (r.lines > 0)
			printf("%s: %zu lines, %zu known, newlines %.1f ns, header %.1f ns a line\n",
			    argv[i], r.lines, r.known, best[0] / (double)r.lines,
			    (best[1] - best[0]) / (double)r.lines);
		free((char *)(uintptr_t)all.p);
	}
	return 0;
}
