/* programs.c - see programs.h. */
#include "programs.h"

#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "mem.h"

#include "poison.h"

static int
most_first(const void *a, const void *b)
{
	const struct program_lines *x = a, *y = b;

	if (x->lines != y->lines)
		return x->lines < y->lines ? 1 : -1;
	return strcmp(x->name.p, y->name.p);	/* names of an arena end with a NUL */
}

bool
programs_read(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    struct program_lines **p, size_t *n, struct err *e)
{
	struct cell sum = { 0 };

	*p = NULL;
	*n = 0;
	if (!stateread_sum_hours(r, host, from_hour, to_hour, &sum, e)) {
		cell_free(&sum);
		return false;
	}
	*p = xcalloc(sum.n + 1, sizeof **p);
	for (uint32_t i = 0; i < sum.n; i++) {
		uint32_t key = sum.pair[i].key;

		if (key < CELL_PROGRAM || key >= CELL_UNKNOWN)
			continue;
		key -= CELL_PROGRAM;
		(*p)[(*n)++] = (struct program_lines){ stateread_program(r, key), sum.pair[i].n,
			cell_get(&sum, CELL_UNKNOWN + key) };
	}
	qsort(*p, *n, sizeof **p, most_first);
	cell_free(&sum);
	return true;
}

double
programs_share(int64_t unknown, int64_t lines)
{
	return 100 * (double)unknown / (double)(lines < PROGRAMS_LINES ? PROGRAMS_LINES : lines);
}
