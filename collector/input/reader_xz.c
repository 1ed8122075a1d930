/* reader_xz.c - xz files: the home of lzma.h.
 *
 * Any number of streams. One that takes more than 128 MB of memory (xz -9 takes 65) is
 * refused: memory stays bounded. */
#include <lzma.h>
#include <stdlib.h>

#include "input/decode.h"
#include "mem.h"

#include "poison.h"

enum { MEMORY_MAX = 128 << 20 };

struct xz {
	lzma_stream z;
	lzma_ret rc;	/* of the last call: after damage there must be no other */
};

static void *
xz_open(void)
{
	struct xz *g = xcalloc(1, sizeof *g);

	g->rc = lzma_stream_decoder(&g->z, MEMORY_MAX, LZMA_CONCATENATED);
	if (g->rc != LZMA_OK)
		abort();	/* only without memory */
	return g;
}

static void
xz_close(void *state)
{
	struct xz *g = state;

	lzma_end(&g->z);
	free(g);
}

static ssize_t
failed(const struct packed *in, lzma_ret rc, struct err *e)
{
	if (rc == LZMA_MEMLIMIT_ERROR)
		err_set(e, "read %s: unpacking it takes more than 128 MB of memory", in->path);
	else if (rc == LZMA_BUF_ERROR)
		err_set(e, "read %s: the xz file ends in the middle", in->path);
	else
		err_set(e, "read %s: the xz file is damaged", in->path);
	return -1;
}

static ssize_t
xz_read(void *state, struct packed *in, char *out, size_t n, struct err *e)
{
	struct xz *g = state;

	g->z.next_out = (uint8_t *)out;
	g->z.avail_out = n;
	while (g->z.avail_out == n && g->rc == LZMA_OK) {
		if (!packed_fill(in, 1, e))
			return -1;
		g->z.next_in = in->data + in->at;
		g->z.avail_in = in->n - in->at;
		g->rc = lzma_code(&g->z, in->at == in->n ? LZMA_FINISH : LZMA_RUN);
		in->at = in->n - g->z.avail_in;
	}
	if (g->z.avail_out < n)
		return (ssize_t)(n - g->z.avail_out);
	return g->rc == LZMA_STREAM_END ? 0 : failed(in, g->rc, e);
}

const struct decoder decoder_xz = {
	{ 0xfd, '7', 'z', 'X' }, 4, xz_open, xz_read, xz_close
};
