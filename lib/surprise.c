/* surprise.c - see surprise.h. */
#include "surprise.h"

#include <math.h>

#include "poison.h"

enum { STEPS = 60 };	/* each takes a third of what is left */

double
surprise(double x, double mu)
{
	return 2 * ((x > 0 ? x * log(x / mu) : 0) - (x - mu));
}

struct judged {
	double x, n;		/* n 0: a count, else of so many */
	double usual, spread, bunch;
};

/* Were it level that was to be expected: the squares of both distances. */
static double
squares(const struct judged *c, double level)
{
	double off = c->spread > 0 ? (level - c->usual) / c->spread : 0, far;

	if (c->n > 0)
		far = surprise(c->x, level * c->n) + surprise(c->n - c->x, (1 - level) * c->n);
	else
		far = surprise(c->x, level);
	return off * off + fmax(far, 0) / c->bunch;
}

/* Both are bowls, with their bottoms at either end. */
static double
least(const struct judged *c)
{
	double seen = c->n > 0 ? c->x / c->n : c->x;
	double a = fmin(seen, c->usual), b = fmax(seen, c->usual);

	for (int i = 0; i < STEPS; i++) {
		double left = a + (b - a) / 3, right = b - (b - a) / 3;

		if (squares(c, left) < squares(c, right))
			b = right;
		else
			a = left;
	}
	return sqrt(squares(c, (a + b) / 2));
}

double
surprise_count(double x, double mu, double spread, double bunch)
{
	struct judged c = { .x = x, .usual = mu, .spread = spread, .bunch = bunch };

	return spread > 0 ? least(&c) : sqrt(squares(&c, mu));
}

double
surprise_part(double x, double n, double part, double spread, double bunch)
{
	struct judged c = { .x = x, .n = n, .usual = part, .spread = spread, .bunch = bunch };

	return spread > 0 ? least(&c) : sqrt(squares(&c, part));
}
