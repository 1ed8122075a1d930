/* fuzz_result.c - any bytes as what a check printed, and as what a monitor answers: texts are clean, stay within their
 * limits whatever they are, and nothing that is no answer is one. */
#include <assert.h>
#include <stdint.h>

#include "deliver_web.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
look_at_text(struct slice printed, size_t most)
{
	struct buf text = buf_new(RESULT_TEXT_MAX), fit = buf_new(1 << 20), says = buf_new(1 << 20);
	struct buf values = buf_new(1 << 20);

	result_clean(&text, printed);
	assert(text.n <= RESULT_TEXT_MAX);
	for (size_t i = 0; i < text.n; i++)
		assert((unsigned char)text.p[i] >= ' ' || text.p[i] == '\n');
	assert(text.n == 0 || (text.p[0] != '\n' && text.p[text.n - 1] != '\n'));
	for (int form = RESULT_LINES; form <= RESULT_LINES_TO_ONE; form++) {
		buf_clear(&fit);
		result_fit(&fit, buf_slice(&text), most, (enum result_form)form);
		assert(fit.n <= most);
		assert(form != RESULT_ONE_LINE || fit.n == 0 || memchr(fit.p, '\n', fit.n) == NULL);
	}
	result_split(buf_slice(&text), &says, &values);
	assert(says.n + values.n <= text.n + 1);
	assert(values.n == 0 || memchr(values.p, '\n', values.n) == NULL);
	buf_free(&text);
	buf_free(&fit);
	buf_free(&says);
	buf_free(&values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice s = { (const char *)p, n };
	struct err e;

	if (n < 2)
		return 0;
	look_at_text(slice_from(s, 2), (size_t)p[0] << (p[1] & 7));
	if (web_nrdp_took(200, s, &e))
		assert(slice_has(s, SLICE("0")));
	assert(!web_nrdp_took(500, s, &e));
	if (web_icinga2_verdict(200, s, &e) == WEB_TAKEN)
		assert(slice_has(s, SLICE("{")));
	return 0;
}
