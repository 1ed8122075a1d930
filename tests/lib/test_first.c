/* test_first.c - the first few of many are those that a sort of all gives. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#include "first.h"

#include "poison.h"

enum { MOST = 60 };

struct thing {
	int key, other;
};

static int
by_key(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;

	return x->key != y->key ? x->key - y->key : x->other - y->other;
}

int
main(void)
{
	bool same = true, all = true;
	unsigned dice = 1;

	for (int round = 0; round < 2000; round++) {
		struct thing v[MOST] = { { 0, 0 } }, sorted[MOST];
		size_t n = (size_t)round % MOST, k = (size_t)round / 7 % 12;
		long sum = 0, left = 0;

		for (size_t i = 0; i < n; i++) {
			dice = dice * 1103515245u + 12345u;
			v[i] = (struct thing){ (int)(dice >> 16) % (round % 3 == 0 ? 4 : 1000), (int)i };
			sum += v[i].key * 100 + v[i].other;
		}
		memcpy(sorted, v, sizeof v);
		if (n > 1)
			qsort(sorted, n, sizeof *sorted, by_key);
		first_sort(v, n, sizeof *v, k, by_key);
		for (size_t i = 0; i < n; i++) {
			same &= i >= k || by_key(&v[i], &sorted[i]) == 0;
			left += v[i].key * 100 + v[i].other;
		}
		all &= left == sum;
	}
	ok(same, "the first are in their places");
	ok(all, "none is lost");
	return done_testing();
}
