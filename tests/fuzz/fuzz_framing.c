/* fuzz_framing.c - the frames of a stream do not depend on how it was cut. */
#include <assert.h>

#include "fuzz_pieces.h"
#include "input/framing.h"

#include "poison.h"

static void
run(struct slice all, size_t step, struct buf *out)
{
	struct framing f = framing_new();
	enum framing_answer a = FRAMING_MORE;

	while (all.n > 0 && a != FRAMING_BAD) {
		struct slice s = slice_head(all, step), frame;
		bool cut;

		all = slice_from(all, s.n);
		while ((a = framing_take(&f, &s, &frame, &cut)) == FRAMING_FRAME) {
			assert(frame.n > 0 && frame.n <= FRAME_MAX);
			buf_add(out, frame);
			buf_char(out, cut ? '+' : '|');
		}
		assert(a == FRAMING_BAD || s.n == 0);
		assert(f.part.n <= FRAME_MAX);
	}
	buf_char(out, a == FRAMING_BAD ? '!' : '.');
	framing_free(&f);
}

FUZZ_PIECES(run)
