/* fuzz_failover.c - any text as what crm_mon says, as keepalived's JSON, and as what was kept.
 *
 * Things stay below their cap, names terminated, times what they can be. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "failover.h"
#include "moves.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hold(const struct failover *f)
{
	assert(f->things <= FAILOVER_THINGS && f->online <= f->nodes);
	for (const struct failover_thing *t = f->thing; t < f->thing + f->things; t++) {
		assert(memchr(t->name, '\0', FAILOVER_NAME) != NULL);
		assert(memchr(t->place, '\0', sizeof t->place) != NULL);
		assert(!(t->since_s < 0));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice s = { (const char *)data, size };
	struct failover *f = calloc(1, sizeof *f);
	struct moves *m = calloc(1, sizeof *m), *again = calloc(1, sizeof *again);
	struct buf b = buf_new(1 << 17);
	struct err e;

	assert(f != NULL && m != NULL && again != NULL);
	(void)failover_pacemaker(f, s, &e);
	hold(f);
	memset(f, 0, sizeof *f);
	(void)failover_keepalived(f, "mx1", s, 1795176000, &e);
	hold(f);
	moves_read(m, s);
	assert(m->rows <= MOVES_THINGS);
	for (struct moves_row *r = m->row; r < m->row + m->rows; r++) {
		assert(r->n > 0 && r->n <= MOVES_KEPT && moves_since(r, 1795176000) >= 0);
		r->seen = true;
	}
	moves_write(m, &b);
	moves_read(again, b.n > 0 ? buf_slice(&b) : SLICE(""));
	assert(again->rows == m->rows);
	buf_free(&b);
	free(again);
	free(m);
	free(f);
	return 0;
}
