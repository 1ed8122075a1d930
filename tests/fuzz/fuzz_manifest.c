/* fuzz_manifest.c - any bytes as another machine's manifest: entries lie in them, sorted; it is like itself, and
 * differs from nothing in each entry. */
#include <assert.h>
#include <stdint.h>

#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
on_difference(void *arg, const struct manifest_entry *a, const struct manifest_entry *b)
{
	size_t *n = arg;

	assert(a != NULL && b == NULL);
	++*n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct manifest none;
	struct slice s = { (const char *)p, n };
	struct manifest m = { .n = 0 };
	size_t told = 0;

	if (manifest_read(&m, s, NULL)) {
		for (size_t i = 0; i < m.n; i++)
			assert(m.entry[i].path.n > 0 && m.entry[i].path.p >= s.p &&
			    m.entry[i].path.p + m.entry[i].path.n <= s.p + s.n);
		assert(manifest_compare(&m, &m, on_difference, &told) == 0);
		assert(manifest_compare(&m, &none, on_difference, &told) == m.n && told == m.n);
	}
	arena_free(&m.arena);
	return 0;
}
