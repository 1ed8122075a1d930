/* fuzz_dialect.h - a fuzz target for a dialect: any text under each of its tags.
 *
 * FUZZ_DIALECT(name, "tag", ...) is the whole target. The first byte of the input chooses the
 * tag, and whether the line is from the program's own file. */
#ifndef MX_FUZZ_DIALECT_H
#define MX_FUZZ_DIALECT_H

#include <stddef.h>
#include <stdint.h>

#include "dialect_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int
fuzz_dialect(const struct dialect *d, const char *const *tags, size_t n, const uint8_t *data,
    size_t size)
{
	struct line l = { .repeat = 1 };
	struct part part;

	if (size == 0)
		return 0;
	l.tag = slice_of(tags[data[0] % n]);
	l.own = data[0] / n & 1;
	l.goes_on = l.own && (data[0] / n & 2);
	l.text = (struct slice){ (const char *)data + 1, size - 1 };
	if (d->note != NULL)
		l.note = d->note(l.tag);
	check_line(d, &l);
	if (d->part != NULL && d->claims(&l) && d->part(&l, &part)) {
		check_slice(part.key, &l);
		check_slice(part.text, &l);
	}
	return 0;
}

#define FUZZ_DIALECT(name, ...) \
	extern const struct dialect dialect_##name; \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{ \
		static const char *const tags[] = { __VA_ARGS__ }; \
		return fuzz_dialect(&dialect_##name, tags, sizeof tags / sizeof *tags, data, size); \
	}

#endif
