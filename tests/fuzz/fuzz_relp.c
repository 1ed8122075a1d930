/* fuzz_relp.c - a RELP session does not depend on how it was cut, and no answer comes
 * for what was not handed out. */
#include <assert.h>

#include "fuzz_pieces.h"
#include "input/relp.h"

#include "poison.h"

static void
run(struct slice all, size_t step, struct buf *got)
{
	struct relp r = relp_new();
	struct buf out = buf_new(RELP_OUT_MAX);
	enum relp_answer a = RELP_MORE;
	uint32_t lines = 0;

	while (all.n > 0 && a == RELP_MORE) {
		struct slice s = slice_head(all, step), line;
		bool cut;

		all = slice_from(all, s.n);
		while ((a = relp_take(&r, &s, &line, &cut, &out)) == RELP_LINE) {
			assert(line.n <= RELP_DATA_MAX);
			buf_add(got, line);
			buf_char(got, cut ? '+' : '|');
			lines++;
		}
		assert(relp_waiting(&r) == lines && r.data.n <= RELP_DATA_MAX);
	}
	relp_committed(&r, 0, &out);
	assert(a == RELP_BAD ? relp_waiting(&r) == lines : relp_waiting(&r) == 0);
	buf_add(got, buf_slice(&out));
	relp_free(&r);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char open[] = "1 open 30 relp_version=0\ncommands=syslog\n";
	struct slice all = { (const char *)data, size };
	struct buf stream = buf_new(1 << 20);

	if (size % 2 == 0)
		buf_str(&stream, open);
	buf_add(&stream, all);
	fuzz_pieces(run, buf_slice(&stream), data, size);
	buf_free(&stream);
	return 0;
}
