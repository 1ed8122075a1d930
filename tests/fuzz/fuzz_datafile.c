/* fuzz_datafile.c - any bytes as the head or tail of a data file, and as another machine's list: what is taken is
 * in its limits, and a list that is printed is read again as the same. */
#include <assert.h>
#include <stdint.h>

#include "datafile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
heads(struct slice s)
{
	static bool (*const take[])(struct datafile *, struct slice) = {
		datafile_clamav, datafile_spamassassin, datafile_geoip, datafile_rbldnsd
	};

	for (size_t i = 0; i < sizeof take / sizeof *take; i++) {
		struct datafile d = { .kind = DATAFILE_PLAIN };

		if (!take[i](&d, s))
			continue;
		assert(d.made_at >= 0 && d.made_at < INT64_C(1) << 40 && d.expires_at < INT64_C(1) << 40);
		assert(datafile_same(&d, &d) && !datafile_newer(&d, &d));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	static struct datafiles a, b;
	struct slice s = { (const char *)p, n };
	struct buf text = buf_new(DATAFILES_BYTES), again = buf_new(DATAFILES_BYTES);

	heads(s);
	buf_add(&text, SLICE(marker));	/* what a fuzzer would take long to find */
	buf_add(&text, s);
	if (!text.full)
		heads(buf_slice(&text));
	buf_clear(&text);
	if (datafiles_read(&a, s, NULL)) {
		datafiles_print(&text, &a, "mx1.example.org", a.made_at);
		assert(datafiles_read(&b, buf_slice(&text), NULL) && b.n == a.n && b.made_at == a.made_at);
		datafiles_print(&again, &b, "mx1.example.org", b.made_at);
		assert(slice_eq(buf_slice(&text), buf_slice(&again)));
	}
	buf_free(&text);
	buf_free(&again);
	return 0;
}
