/* fuzz_drbd.c - any text as /proc/drbd, and as what drbdsetup says.
 *
 * Rows stay below their cap, words terminated, numbers no less than nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "drbd.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hold(const struct drbd *d)
{
	assert(d->rows <= DRBD_ROWS);
	for (const struct drbd_row *r = d->row; r < d->row + d->rows; r++) {
		assert(memchr(r->name, '\0', DRBD_NAME) != NULL && memchr(r->peer, '\0', DRBD_NAME) != NULL);
		assert(memchr(r->connection, '\0', DRBD_WORD) != NULL && memchr(r->disk, '\0', DRBD_WORD) != NULL);
		assert(!(r->out_of_sync_bytes < 0));
		assert(!drbd_is_well(r) || !drbd_syncs(r));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = { (const char *)data, size };
	struct drbd *d = calloc(1, sizeof *d);
	struct err e;
	bool none;

	assert(d != NULL);
	if (drbd_proc(d, s, &none, &e))
		hold(d);
	memset(d, 0, sizeof *d);
	if (drbd_json(d, s, &e))
		hold(d);
	free(d);
	return 0;
}
