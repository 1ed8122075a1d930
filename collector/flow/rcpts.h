/* rcpts.h - the recipients of one life of a queue id, each once. Shared by the files that count a life; the
 * table is the caller's own, and most need no memory beside it. */
#ifndef MX_RCPTS_H
#define MX_RCPTS_H

#include "flow/life.h"

/* Facts by recipient: the first of each, or the first deferral of each. */
struct rcpts {
	bool by_original;	/* an address and what it was expanded to are one */
	uint32_t *slot;		/* index + 1; open addressing */
	uint32_t mask, n;
	uint32_t few[32];
};

/* Take the facts of a kind; 0: all deliveries, and those that began. n is how many recipients there are. */
void rcpts_fill(struct rcpts *r, const struct life *l, enum fact_kind kind, bool by_original);
/* Where the fact's recipient stands: index + 1 of the fact that was the first of it, or 0. */
uint32_t *rcpts_slot(struct rcpts *r, const struct life *l, const struct fact *f);
void rcpts_free(struct rcpts *r);
/* How many addresses were deferred, or left to a queue run, of which no line says since what became of
 * them, as they stand or as what they were before aliases. Not those last spoken of before since. */
uint32_t rcpts_waiting(const struct life *l, int64_t since);

#endif
