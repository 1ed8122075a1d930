/* hist.c - see hist.h. */
#include "hist.h"

#include <math.h>

#include "poison.h"

unsigned
hist_bucket(uint64_t ms)
{
	unsigned octave, b;

	if (ms < 16)
		return (unsigned)ms;
	octave = 63 - (unsigned)__builtin_clzll(ms);	/* 4 and up */
	b = 16 + (octave - 4) * 16 + (unsigned)((ms >> (octave - 4)) & 15);
	return b < HIST_N ? b : HIST_N - 1;
}

void
hist_part(const struct hist *all, unsigned part, struct hist *h)
{
	*h = (struct hist){ { 0 } };
	for (unsigned b = 0; part < HIST_PARTS && b < HIST_PART_N; b++)
		h->n[4 * b + (b < 4 ? 0 : 2)] = all->n[part * HIST_PART_N + b];
}

double
hist_value(unsigned bucket)
{
	unsigned octave, step;
	double low;

	if (bucket < 16)
		return bucket / 1000.0;
	octave = (bucket - 16) / 16;
	step = (bucket - 16) % 16;
	low = ldexp(16 + step, (int)octave);
	/* whole milliseconds: the middle of [low, low + 2^octave - 1] */
	return (low + (ldexp(1, (int)octave) - 1) / 2) / 1000.0;
}

int64_t
hist_count(const struct hist *h)
{
	int64_t n = 0;

	for (unsigned i = 0; i < HIST_N; i++)
		n += h->n[i];
	return n;
}

double
hist_quantile(const struct hist *h, double q)
{
	int64_t total = hist_count(h), seen = 0;
	int64_t rank;

	if (total <= 0)
		return NAN;
	rank = (int64_t)(q * (double)total);
	if (rank >= total)
		rank = total - 1;
	for (unsigned i = 0; i < HIST_N; i++) {
		seen += h->n[i];
		if (seen > rank)
			return hist_value(i);
	}
	return hist_max(h);
}

double
hist_max(const struct hist *h)
{
	for (unsigned i = HIST_N; i-- > 0; )
		if (h->n[i] > 0)
			return hist_value(i);
	return NAN;
}
