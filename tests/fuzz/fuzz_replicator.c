/* fuzz_replicator.c - any text as what doveadm says of Dovecot's replicator.
 *
 * Its rows can be read back, no more users than the cap, their numbers no less than nothing. */
#include <assert.h>
#include <stdlib.h>

#include "replica_dovecot.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = buf_new(APART_BYTES);
	struct rows r = { .n = 0 };
	const struct row *u = NULL;
	struct err e;
	size_t n = 0;

	if (replica_dovecot_read((struct slice){ (const char *)data, size }, &out, &e)) {
		rows_read(&r, buf_slice(&out));
		assert(rows_count(&r, "sum") == 1);
		while ((u = rows_next(&r, "user", u)) != NULL) {
			assert(!(row_number(u, "success") < 0) && row_text(u, "name").n > 0);
			n++;
		}
		assert(n <= REPLICA_DOVECOT_USERS + rows_count(&r, "sync"));
		assert(!(row_number(rows_next(&r, "sum", NULL), "failed") > row_number(rows_next(&r, "sum", NULL), "listed")));
		rows_free(&r);
	}
	buf_free(&out);
	return 0;
}
