/* fuzz_smtp_reply.c - replies do not depend on how they were cut, and stay within their bounds. */
#include <assert.h>

#include "fuzz_pieces.h"
#include "smtp_reply.h"

#include "poison.h"

static void
run(struct slice all, size_t step, struct buf *out)
{
	struct smtp_reply r = smtp_reply_new();
	enum smtp_reply_answer a = SMTP_REPLY_MORE;
	const char *why = NULL;

	while (all.n > 0 && a != SMTP_REPLY_BAD) {
		struct slice s = slice_head(all, step);

		all = slice_from(all, s.n);
		while (s.n > 0 && (a = smtp_reply_take(&r, &s, &why)) == SMTP_REPLY_WHOLE) {
			assert(r.code >= 200 && r.code <= 599 && r.lines > 0);
			assert(r.bytes <= SMTP_REPLY_MAX && r.text.n < r.bytes && !r.text.full);
			buf_fmt(out, "%d ", r.code);
			buf_add(out, buf_slice(&r.text));
			assert(smtp_reply_enhanced(buf_slice(&r.text)).n <= r.text.n);
			(void)smtp_reply_greylists(r.code, buf_slice(&r.text));
			smtp_reply_clear(&r);
		}
		assert(a == SMTP_REPLY_BAD ? why != NULL : s.n == 0);
	}
	buf_char(out, a == SMTP_REPLY_BAD ? '!' : '.');
	smtp_reply_free(&r);
}

FUZZ_PIECES(run)
