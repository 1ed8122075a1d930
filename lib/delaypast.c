/* delaypast.c - see delaypast.h. */
#include "delaypast.h"

#include <math.h>
#include <stdlib.h>

#include "mem.h"
#include "surprise.h"

#include "poison.h"

enum { BUNCH = 4, RATIOS = 16 };
/* Seconds that are added before a logarithm is taken: nobody minds 50 ms in place of 5. */
#define AT_LEAST 0.05
/* Nobody calls delays different that are nearer than a quarter. */
#define NEAR 0.25
#define ROUNDING 1e-6	/* of the logarithms of what a bucket stands for */
#define BEHIND 0.05	/* p95 */

/* The deliveries of the weeks before, sample by sample: how many were of that bucket or a later one. */
struct former {
	double from[PAST_MAX][HIST_N + 1];
	unsigned n;
};

static struct former *
read_former(const struct past *p, uint32_t base)
{
	struct former *f = xcalloc(1, sizeof *f);
	struct hist h;

	for (f->n = 0; f->n < p->weeks * PAST_HOURS; f->n++) {
		double *from = f->from[f->n];

		cell_hist(&p->sample[f->n], base, &h);
		for (unsigned b = HIST_N; b-- > 0; )	/* counts are times the minutes taken */
			from[b] = from[b + 1] + fmax(h.n[b], 0) / 60;
	}
	return f;
}

static double
p95_then(void *arg, const struct past *p, unsigned sample)
{
	struct hist h;

	cell_hist(&p->sample[sample], *(const uint32_t *)arg, &h);
	return log(hist_quantile(&h, 0.95) + AT_LEAST);
}

struct tail {
	double n, all;
};

static int
by_part(const void *a, const void *b)
{
	const struct tail *x = a, *y = b;
	double left = x->n * y->all, right = y->n * x->all;

	return left < right ? -1 : left > right;
}

/* The bucket of so many seconds, or the one behind it. */
static unsigned
bucket_of(double s, bool behind)
{
	unsigned b = 0;

	while (b < HIST_N && (behind ? hist_value(b) <= s * (1 + ROUNDING) : hist_value(b) < s * (1 - ROUNDING)))
		b++;
	return b;
}

/* Which part of them is of that bucket or a later one; as with what is usual, less the tenth of the samples
 * at either end: a fault of a week ago must not be what hides the same fault of today. */
static double
part_from(const struct former *f, unsigned bucket)
{
	struct tail t[PAST_MAX], sum = { 1, 2 };	/* what never was may be */
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (f->from[i][0] > 0)
			t[n++] = (struct tail){ f->from[i][bucket], f->from[i][0] };
	if (n > 0)
		qsort(t, n, sizeof *t, by_part);
	for (unsigned i = n / 10; i < n - n / 10; i++)
		sum = (struct tail){ sum.n + t[i].n, sum.all + t[i].all };
	return sum.n / sum.all;
}

/* A twentieth of the n deliveries were slower than p95, now: how strange is that, where so many of the
 * weeks before were? All may have become slower by some ratio; of these ratios, each as strange as it is far
 * from what the weeks differ by, the one is taken that explains it best. */
static double
how_far(const struct former *f, const struct usual *u, double now, double n)
{
	double least = (double)INFINITY;
	bool up = now > u->value;

	if (isnan(now) || isnan(u->value))
		return (double)NAN;
	if (now >= u->least && now <= u->most)
		return 0;
	for (int i = 0; i <= RATIOS; i++) {
		double ratio = (now - u->value) * i / RATIOS;
		double part = part_from(f, bucket_of(exp(now - ratio) - AT_LEAST, !up)), far = 0;

		if (up ? part < BEHIND : part > BEHIND)
			far = surprise_part(n * BEHIND, n, part, 0, BUNCH);
		least = fmin(least, hypot(ratio / hypot(u->spread, NEAR), far));
	}
	return least;
}

struct delaypast
delaypast_judge(const struct past *p, uint32_t base, const struct hist *now)
{
	struct former *f = read_former(p, base);
	struct usual u = past_usual(p, p95_then, &base);
	struct delaypast d = {
		.usual_s = exp(u.value) - AT_LEAST,
		.distance = how_far(f, &u, log(hist_quantile(now, 1 - BEHIND) + AT_LEAST), (double)hist_count(now)),
	};

	free(f);
	return d;
}
