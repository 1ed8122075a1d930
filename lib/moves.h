/* moves.h - what moved from node to node, as far as runs of a check have seen. */
#ifndef MX_MOVES_H
#define MX_MOVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum { MOVES_THINGS = 128, MOVES_KEPT = 16, MOVES_HOUR_S = 3600 };

/* A thing, by hash: where it is, and when it moved, the newest last. */
struct moves_row {
	uint64_t thing, place;
	int64_t at[MOVES_KEPT];		/* the first is when it was seen first, until there are too many */
	size_t n;
	bool seen;
};

struct moves {
	struct moves_row row[MOVES_THINGS];
	size_t rows;
};

/* As it was kept; what is damaged ends it. What was not seen any more since is not written. */
void moves_read(struct moves *m, struct slice kept);
void moves_write(const struct moves *m, struct buf *b);

/* The thing is there now. Returns its row, or NULL if there are too many things. */
const struct moves_row *moves_see(struct moves *m, struct slice thing, struct slice place, int64_t now);

/* Since when it is there; how often it moved within the hour. */
double moves_since(const struct moves_row *r, int64_t now);
size_t moves_in_hour(const struct moves_row *r, int64_t now);

#endif
