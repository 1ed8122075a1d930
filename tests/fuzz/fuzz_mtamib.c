/* fuzz_mtamib.c - any values, as an SNMP agent may give them, and any output of an "extend".
 *
 * Sums stay numbers or unknown, rows below their caps, texts terminated. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mtamib.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hold(double v)
{
	assert(isnan(v) || (v >= 0 && !isinf(v)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = { (const char *)data, size };
	struct mtamib *m = calloc(1, sizeof *m);
	struct mtamib_sum sum;
	const char *why;
	unsigned given = 0;

	assert(m != NULL);
	mtamib_init(m);
	while (s.n >= 16) {
		struct mtamib_value v = { .object = (enum mtamib_object)(data[size - s.n] % MTAMIB_OBJECTS) };

		v.is_number = (s.p[1] & 1) != 0;
		v.is_text = !v.is_number;
		memcpy(&v.index[0], s.p + 2, 2);
		memcpy(&v.index[1], s.p + 4, 2);
		memcpy(&v.number, s.p + 8, 6);
		v.text = slice_head(slice_from(s, 16), (size_t)(unsigned char)s.p[15]);
		s = slice_from(s, 16 + v.text.n);
		mtamib_take(m, &v);
		given++;
	}
	assert(m->values + m->wrong == given && m->appls <= MTAMIB_APPLS && m->groups <= MTAMIB_GROUPS);
	for (size_t i = 0; i < m->groups; i++)
		assert(memchr(m->group[i].name, '\0', MTAMIB_TEXT) != NULL &&
		    memchr(m->group[i].why, '\0', MTAMIB_TEXT) != NULL);
	mtamib_sum(m, &sum);
	hold(sum.total);
	hold(sum.deferred);
	hold(sum.oldest_s);
	hold(sum.bytes);
	hold(sum.recipients);
	hold(sum.received);
	hold(sum.rejected);
	if (!mtamib_says_queue(m, &why))
		assert(why[0] != '\0');
	free(m);
	return 0;
}
