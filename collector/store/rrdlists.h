/* rrdlists.h - of which block lists a host has RRDs.
 *
 * Of those that ever refused a recipient there, or were asked by check_dnsbl: since its cells are kept, and those that have
 * files already, so that the picture of a list that stopped hitting goes on. The names come from
 * logs: what cannot be a file's name is left out, and only so many lists are drawn. */
#ifndef MX_RRDLISTS_H
#define MX_RRDLISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "slice.h"
#include "stateread.h"

enum { RRD_LISTS_MAX = 64, RRD_ZONE_MAX = 100 };

struct rrd_list {
	uint32_t word;			/* its number in the state */
	bool found;			/* check_dnsbl told of it since cells are kept */
	char zone[RRD_ZONE_MAX + 1];	/* a-z0-9.- alone, no dot in front */
};

/* The numbers of the words that a host had. Begin with zeros. */
struct rrdlists {
	uint64_t has[STATEREAD_PROGRAMS / 64];
	bool found[CELL_LISTS];		/* rrd_list.found of the first */
};

/* Make a list of a word of the state. False: its text is none that a file may be called by. */
bool rrd_list_make(struct rrd_list *l, struct stateread *r, uint32_t word);

/* Add what the host had in these minutes (and the rest of their hours). */
bool rrdlists_minutes(struct rrdlists *l, struct stateread *r, int host, int64_t from, int64_t to,
    struct err *e);
/* Add those of the files TEMPLATE-ZONE.rrd in the folder. */
void rrdlists_files(struct rrdlists *l, struct stateread *r, const char *dir, const char *template);

/* Those the state has known for longest come first. Fills list, returns how many. *left_out: for
 * so many there was no room. */
size_t rrdlists_choose(const struct rrdlists *l, struct stateread *r,
    struct rrd_list list[RRD_LISTS_MAX], size_t *left_out);

#endif
