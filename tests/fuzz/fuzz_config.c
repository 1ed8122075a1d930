/* fuzz_config.c - any text is a configuration or has at least one named fault. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = buf_new(65536), errors = buf_new(1 << 20);
	struct config *c;

	buf_add(&text, (struct slice){ (const char *)data, size });
	c = config_parse("fuzz", &text, &errors);
	assert((c != NULL) == (errors.n == 0));
	assert(c == NULL || c->nsources > 0);
	for (size_t i = 0; i < errors.n; i++)
		assert(errors.p[i] == '\n' || (unsigned char)errors.p[i] >= ' ');
	assert(errors.n == 0 || errors.p[errors.n - 1] == '\n');
	config_free(c);
	buf_free(&text);
	buf_free(&errors);
	return 0;
}
