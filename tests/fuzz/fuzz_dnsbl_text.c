/* fuzz_dnsbl_text.c - any text as a pattern of codes, or as the configuration of a mail program that names block
 * lists: what becomes a list has a name that can be asked. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "dnsbl_from.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
end(struct dnsbl_run *r)
{
	assert(r->lists <= DNSBL_LISTS_MAX);
	for (size_t i = 0; i < r->lists; i++) {
		const struct dnsbl_list *l = &r->list[i];

		assert(strlen(l->zone) < 254 && l->uses <= DNSBL_USES && strchr(l->zone, '.') != NULL);
		for (const char *c = l->zone; *c != '\0'; c++)
			assert(slice_is_alnum(*c) || strchr(".-_", *c) != NULL);
	}
	dnsbl_clear(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool (*const readers[])(struct dnsbl_from *, struct slice, struct err *) = { dnsbl_text_postfix,
		dnsbl_text_exim, dnsbl_text_sendmail, dnsbl_text_spamassassin };
	struct slice text = { (const char *)data, size };
	struct dnsbl_table none = { .rows = 0 };
	struct dnsbl_run r = { .lists = 0 };
	struct dnsbl_from f = { .run = &r, .table = &none };
	bool good;

	if (size == 0)
		return 0;
	text = slice_from(text, 1);
	if (data[0] % 5 == 4)
		assert(!dnsbl_match(text, (const unsigned char[4]){ 127, 0, 0, 2 }, &good) || good);
	else
		(void)readers[data[0] % 5](&f, text, NULL);
	end(&r);
	return 0;
}
