/* fuzz_header.c - no line, and no order of lines, leads a header parser astray.
 *
 * The input is lines for one parser. What comes out must lie in the line's own identity,
 * but for a tag that was told from the shape, and that in the line or, undone, be no longer
 * than it or its pieces. */
#include <assert.h>
#include <stdlib.h>

#include "input/header.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct slice part, struct slice whole)
{
	return part.n == 0 || (part.p >= whole.p && part.n <= whole.n &&
	    part.p + part.n <= whole.p + whole.n);
}

static bool
told(struct slice tag)
{
	static const char *const tags[] = { "exim", "qmail", "rspamd", "p0f", "clamd", "spamd",
		"dovecot", "dovecot-auth",
		"smtpd", NULL };

	for (const char *const *at = tags; *at != NULL; at++)
		if (slice_eq(tag, slice_of(*at)))
			return true;
	return false;
}

/* What waits for the next line survives, and the rest is forgotten. */
static struct header *
restarted(struct header *h, const char *zone)
{
	struct buf b = buf_new(1 << 20), again = buf_new(1 << 20);

	header_unfinished(h, &b);
	header_free(h);
	h = header_new(zone, 0, 1795005000, SLICE("own"), NULL);
	header_set_unfinished(h, buf_slice(&b));
	header_unfinished(h, &again);
	assert(slice_eq(buf_slice(&b), buf_slice(&again)));
	buf_free(&b);
	buf_free(&again);
	return h;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "Asia/Tokyo" };
	const char *zone = zones[size % 3];
	struct header *h = header_new(zone, size % 5 == 0 ? 2025 : 0, 1795005000, SLICE("own"), NULL);
	struct slice all = { (const char *)data, size }, raw;
	bool pieces = false;	/* of a line that another one ends */
	struct line l;

	if (h == NULL)
		return 0;
	while (slice_next(&all, '\n', &raw)) {
		/* a copy of exact size: reading past it is seen */
		char *copy = malloc(raw.n + (raw.n == 0));
		struct slice line = { copy, raw.n };

		if (copy == NULL)
			break;
		if (raw.n > 0)
			memcpy(copy, raw.p, raw.n);
		enum header_answer answer = header_parse(h, line, &l);

		if (answer == HEADER_LINE) {
			assert(l.repeat >= 1 && l.usec < 1000000);
			assert(l.time > -2208988800 - 86400 && l.time < 7289654400);
			assert(told(l.tag) || inside(l.tag, l.ident));
			assert(inside(l.text, l.ident) && l.ident.n <= (pieces ? size : line.n) + 4);
			assert(!l.goes_on || l.own);
			assert(!l.repeat_of_last || (l.tag.n == 0 && l.text.n == 0));
		}
		pieces |= answer == HEADER_MORE;
		if (answer == HEADER_MORE && size % 2 == 0)
			h = restarted(h, zone);
		free(copy);
	}
	header_free(h);
	return 0;
}
