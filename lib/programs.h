/* programs.h - how many lines each program brought, and how many of them were not understood. */
#ifndef MX_PROGRAMS_H
#define MX_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"
#include "stateread.h"

/* Fewer lines count as so many when a share of them is judged: a handful of odd ones is no
 * alarm at 1 %. */
enum { PROGRAMS_LINES = 500 };

struct program_lines {
	struct slice name;	/* its tag, from the log; lives as long as the reader */
	int64_t lines, unknown;
};

/* Those of the hours from <= hour < to of a host (or STATEREAD_FARM): the one with most lines
 * first. *p is the caller's to free. False and *e: the state cannot be read. */
bool programs_read(struct stateread *r, int host, int64_t from_hour, int64_t to_hour,
    struct program_lines **p, size_t *n, struct err *e);

/* The share of unknown lines in percent, of at least PROGRAMS_LINES. */
double programs_share(int64_t unknown, int64_t lines);

#endif
