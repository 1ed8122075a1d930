/* first.c - see first.h. */
#include "first.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"

static void
exchange(char *a, char *b, size_t bytes)
{
	char spare[FIRST_BYTES];

	memcpy(spare, a, bytes);
	memcpy(a, b, bytes);
	memcpy(b, spare, bytes);
}

void
first_sort(void *list, size_t n, size_t bytes, size_t k, int (*order)(const void *, const void *))
{
	char *v = list, *last;

	assert(bytes <= FIRST_BYTES);
	k = k < n ? k : n;
	if (k > 1)
		qsort(v, k, bytes, order);
	if (k == 0 || k == n)
		return;
	last = v + (k - 1) * bytes;
	for (char *x = last + bytes; x < v + n * bytes; x += bytes) {
		if (order(x, last) >= 0)
			continue;
		exchange(x, last, bytes);
		for (char *to = last; to > v && order(to, to - bytes) < 0; to -= bytes)
			exchange(to, to - bytes, bytes);
	}
}
