/* sample.c - see sample.h. */
#include "sample.h"

#include <math.h>
#include <stdlib.h>

#include "poison.h"

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void
sample_sort(double *v, size_t n)
{
	qsort(v, n, sizeof *v, ascending);
}

double
sample_quantile(const double *v, size_t n, double share)
{
	size_t at = (size_t)ceil(share * (double)n);

	return n == 0 ? (double)NAN : v[at > 0 ? at - 1 : 0];
}
