/* reader_bz2.c - bzip2 files: the home of bzlib.h.
 *
 * A file may be several streams one after the other. What follows the last one and is none
 * is ignored, as bzip2 does. A block takes 4 MB of memory at most. */
#include <bzlib.h>
#include <stdlib.h>
#include <string.h>

#include "input/decode.h"
#include "mem.h"

#include "poison.h"

struct bz2 {
	bz_stream z;
	bool between;	/* a stream has ended */
};

static void
begin(struct bz2 *g)
{
	memset(&g->z, 0, sizeof g->z);
	if (BZ2_bzDecompressInit(&g->z, 0, 0) != BZ_OK)
		abort();	/* only without memory */
	g->between = false;
}

static void *
bz2_open(void)
{
	struct bz2 *g = xcalloc(1, sizeof *g);

	begin(g);
	return g;
}

static void
bz2_close(void *state)
{
	struct bz2 *g = state;

	(void)BZ2_bzDecompressEnd(&g->z);
	free(g);
}

static bool
stream_follows(const struct packed *in)
{
	return in->n - in->at >= 3 && memcmp(in->data + in->at, "BZh", 3) == 0;
}

static ssize_t
bz2_read(void *state, struct packed *in, char *out, size_t n, struct err *e)
{
	struct bz2 *g = state;

	g->z.next_out = out;
	g->z.avail_out = (unsigned)n;
	while (g->z.avail_out == n) {
		int rc;

		if (!packed_fill(in, g->between ? 3 : 1, e))
			return -1;
		if (g->between) {
			if (!stream_follows(in))
				return 0;
			(void)BZ2_bzDecompressEnd(&g->z);
			begin(g);
			g->z.next_out = out;
			g->z.avail_out = (unsigned)n;
		}
		if (in->at == in->n) {
			err_set(e, "read %s: the bzip2 file ends in the middle", in->path);
			return -1;
		}
		g->z.next_in = (char *)in->data + in->at;
		g->z.avail_in = (unsigned)(in->n - in->at);
		rc = BZ2_bzDecompress(&g->z);
		in->at = in->n - g->z.avail_in;
		g->between = rc == BZ_STREAM_END;
		if (rc != BZ_OK && rc != BZ_STREAM_END) {	/* a block is whole or gives nothing */
			err_set(e, "read %s: the bzip2 file is damaged", in->path);
			return -1;
		}
	}
	return (ssize_t)(n - g->z.avail_out);
}

const struct decoder decoder_bz2 = { "BZh", 3, bz2_open, bz2_read, bz2_close };
