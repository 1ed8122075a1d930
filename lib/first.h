/* first.h - the first few of many. */
#ifndef MX_FIRST_H
#define MX_FIRST_H

#include <stddef.h>

enum { FIRST_BYTES = 512 };		/* the largest thing */

/* Sort a list of n things of so many bytes so far that the first k are in their places; the others come
 * behind them in no order. To sort all takes longer where they are many and nearly all alike. */
void first_sort(void *list, size_t n, size_t bytes, size_t k, int (*order)(const void *, const void *));

#endif
