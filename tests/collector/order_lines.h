/* order_lines.h - the lines of order_cases.h, and orders in which they come (for test_order.c). */
#ifndef MX_ORDER_LINES_H
#define MX_ORDER_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "dice.h"
#include "order_cases.h"
#include "order_dump.h"

enum { CASES = sizeof order_cases / sizeof *order_cases, MAX = 1200 };

struct item {
	int test, index;	/* its case, its place there */
	char *text;
	long at;
};

static struct item lines[MAX];
static size_t n_lines;
static int longest;

static void
make_lines(void)
{
	for (int c = 0; c < CASES; c++) {
		for (int i = 0; i < 45 && order_cases[c].line[i] != NULL; i++) {
			struct buf b = buf_new(4096);
			char *rest, stamp[40];
			const char *name = order_cases[c].name;
			int n = (int)strlen(name);
			long at = strtol(order_cases[c].line[i], &rest, 10);
			time_t t = T0 + at;
			struct tm tm;

			strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&t, &tm));
			if (strncmp(rest, " @", 2) == 0) {
				name = rest + 2;
				n = (int)strcspn(name, " ");
				rest += 2 + n;
			}
			buf_fmt(&b, "%s %.*s%s", stamp, n, name, rest);
			lines[n_lines++] = (struct item){ c, i, b.p, at };
			longest = i + 1 > longest ? i + 1 : longest;
		}
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->test != y->test ? x->test - y->test : x->index - y->index;
}

/* --- orders ---------------------------------------------------------------------- */

/* A line that means the one before it stays behind it: same places, old order. */
static void
mend(const struct item **order, size_t n)
{
	for (int c = 0; c < CASES; c++) {
		int next = 0;

		for (size_t i = 0; order_cases[c].ordered && i < n; i++)
			for (size_t k = 0; order[i]->test == c && k < n_lines; k++)
				if (lines[k].test == c && lines[k].index == next) {
					order[i] = &lines[k];
					next++;
					break;
				}
	}
}

static size_t
as_written(const struct item **order)
{
	for (size_t i = 0; i < n_lines; i++)
		order[i] = &lines[i];
	return n_lines;
}

static size_t
shuffled(const struct item **order, uint64_t seed)
{
	dice = seed * 0x9e3779b97f4a7c15u + 1;
	as_written(order);
	for (size_t i = n_lines - 1; i > 0; i--) {
		size_t k = roll((uint32_t)i + 1);
		const struct item *x = order[i];

		order[i] = order[k];
		order[k] = x;
	}
	mend(order, n_lines);
	return n_lines;
}

static size_t
rotated(const struct item **order, size_t by, bool backwards)
{
	for (size_t i = 0; i < n_lines; i++) {
		size_t k = (i + by) % n_lines;

		order[i] = &lines[backwards ? n_lines - 1 - k : k];
	}
	mend(order, n_lines);
	return n_lines;
}

#endif
