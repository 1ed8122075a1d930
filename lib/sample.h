/* sample.h - quantiles of a few values. */
#ifndef MX_SAMPLE_H
#define MX_SAMPLE_H

#include <stddef.h>

void sample_sort(double *v, size_t n);
/* The smallest of n sorted values that a share of them does not exceed; NAN if there is none. */
double sample_quantile(const double *v, size_t n, double share);

#endif
