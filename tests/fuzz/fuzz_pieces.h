/* fuzz_pieces.h - a fuzz target for a parser of streams: what it makes of bytes does not depend on
 * how they were cut.
 *
 * FUZZ_PIECES(run) is the whole target. run(all, step, out) feeds all in steps of that many bytes, and
 * appends what came of it to out. */
#ifndef MX_FUZZ_PIECES_H
#define MX_FUZZ_PIECES_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* At once, and in pieces of one to seven bytes as the first of the input says. */
static inline void
fuzz_pieces(void (*run)(struct slice, size_t, struct buf *), struct slice stream, const uint8_t *data,
    size_t size)
{
	struct buf once = buf_new(1 << 20), pieces = buf_new(1 << 20);

	run(stream, stream.n + 1, &once);
	run(stream, size > 0 ? data[0] % 7 + 1 : 1, &pieces);
	assert(slice_eq(buf_slice(&once), buf_slice(&pieces)));
	buf_free(&once);
	buf_free(&pieces);
}

#define FUZZ_PIECES(run) \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{ \
		fuzz_pieces(run, (struct slice){ (const char *)data, size }, data, size); \
		return 0; \
	}

#endif
