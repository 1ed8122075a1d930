/* fuzz_amavis.c - any text under the tag of amavis. */
#include <stddef.h>
#include <stdint.h>

#include "dialect_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct dialect dialect_amavis;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line l = { .repeat = 1 };

	l.tag = SLICE("amavis");
	l.text = (struct slice){ (const char *)data, size };
	check_line(&dialect_amavis, &l);
	return 0;
}
