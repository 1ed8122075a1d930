/* clocks.h - the clocks of all hosts, by the lines that they send: what is told of them in the
 * state and in the daemon's messages; and what is told of our own (store/state.h). */
#ifndef MX_CLOCKS_H
#define MX_CLOCKS_H

#include <stdint.h>

#include "store/state.h"

struct clocks;

/* Hosts whose clocks were wrong by what the state knows still are. s must outlive it. */
struct clocks *clocks_new(struct state *s);
void clocks_free(struct clocks *c);

/* A line that was just written has this time by its own stamp; it came now. */
void clocks_line(struct clocks *c, unsigned host, int64_t time, int64_t now);

/* Our own jumped ahead of where it was. */
void clocks_jumped(int64_t was, int64_t now);
/* It was set back: what was counted of later than the time after is taken back. */
void clocks_back(int64_t now, int64_t after);

#endif
