/* fuzz_mailhead.c - any header: fields lie in it, names are bounded, dates are of our time. */
#include <assert.h>
#include <stdint.h>

#include "mailhead.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
whole(struct slice all, struct slice part)
{
	assert(part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static bool
plausible(int64_t at)
{
	return at > -100 * 3600 && at < INT64_C(253402300800) + 100 * 3600;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = { (const char *)data, size }, head = all, name, value;
	struct mailhead_way way = { .hops = 0 };
	size_t fields = 0;
	int64_t at;

	while (mailhead_next(&head, &name, &value)) {
		whole(all, name);
		whole(all, value);
		mailhead_received(&way, value);
		assert(!mailhead_date(value, &at) || plausible(at));
		fields++;
	}
	assert(way.hops + way.left_out == fields && way.hops <= MAILHEAD_HOPS_MAX);
	for (size_t i = 0; i < way.hops; i++) {
		assert(memchr(way.hop[i].by, '\0', sizeof way.hop[i].by) != NULL);
		assert(memchr(way.hop[i].with, '\0', sizeof way.hop[i].with) != NULL);
		assert(!way.hop[i].dated || plausible(way.hop[i].at));
	}
	return 0;
}
