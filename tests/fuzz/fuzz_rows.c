/* fuzz_rows.c - rows of a process apart that was damaged, and sets of transactions: values lie in the
 * bytes, and no set lacks more of another than that has. */
#include <assert.h>
#include <stdint.h>

#include "gtid.h"
#include "rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice s = { (const char *)p, n }, head = slice_head(s, n / 2), tail = slice_from(s, n / 2);
	struct rows r = { .n = 0 };
	double all, lacks;

	rows_read(&r, s);
	assert(r.n <= ROWS_MAX);
	for (size_t i = 0; i < r.n; i++) {
		assert(r.row[i].fields <= ROWS_FIELDS);
		for (size_t f = 0; f < r.row[i].fields; f++) {
			struct slice v = r.row[i].field[f].value;

			assert(v.n == 0 || (v.p >= s.p && v.p + v.n <= s.p + s.n));
		}
	}
	rows_free(&r);
	all = gtid_lacks(SLICE(""), tail, SLICE(""));
	lacks = gtid_lacks(head, tail, SLICE(""));
	assert(!(lacks > all) && !(all < 0));
	assert(!(gtid_gap(head, tail) < 0));
	return 0;
}
