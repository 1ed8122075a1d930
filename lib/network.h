/* network.h - networks: an address and how many of its bits count. */
#ifndef MX_NETWORK_H
#define MX_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

struct network {
	unsigned char a[16];	/* in the network's order; what does not count is 0 */
	uint8_t family;		/* 4 or 6 */
	uint8_t bits;		/* of 32 or 128 */
};

/* "192.0.2.0/24", "2001:db8::/32"; an address alone is a network of one. Bits that do not count are
 * cleared. False: it is none. */
bool network_parse(struct slice text, struct network *n);
/* "192.0.2.0/24"; a network of one without the length. */
void network_print(struct buf *b, const struct network *n);

/* Let fewer bits count. */
void network_widen(struct network *n, unsigned bits);
/* Is all of small in big? */
bool network_holds(const struct network *big, const struct network *small);
/* Have they an address in common? */
bool network_meet(const struct network *a, const struct network *b);
/* Are the two the halves of a network? It is *whole then, which may be one of them; else *whole stays. */
bool network_join(const struct network *a, const struct network *b, struct network *whole);
/* IPv4 first, by address, wide ones before what is in them. */
int network_compare(const struct network *a, const struct network *b);

/* The smallest network that holds all from first to last: how address ranges are registered. */
void network_span(const struct network *first, const struct network *last, struct network *n);

#endif
