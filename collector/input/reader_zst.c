/* reader_zst.c - zstd files: the home of zstd.h.
 *
 * Any number of frames. A window above 128 MB (zstd --long=28 and more) is
 * refused, as the zstd program does: memory stays bounded. */
#include <stdlib.h>
#include <zstd.h>

#include "input/decode.h"
#include "mem.h"

#include "poison.h"

/* What a call has decoded when it meets damage is lost, so it gets little at once. */
enum { BITE_BYTES = 4096 };

struct zst {
	ZSTD_DStream *z;
	bool between;	/* a frame has ended, or none has begun */
};

static void *
zst_open(void)
{
	struct zst *g = xcalloc(1, sizeof *g);

	g->z = ZSTD_createDStream();
	if (g->z == NULL)
		abort();	/* only without memory */
	g->between = true;
	return g;
}

static void
zst_close(void *state)
{
	struct zst *g = state;

	(void)ZSTD_freeDStream(g->z);
	free(g);
}

static ssize_t
zst_read(void *state, struct packed *in, char *out, size_t n, struct err *e)
{
	struct zst *g = state;
	ZSTD_outBuffer to = { out, n, 0 };

	while (to.pos == 0) {
		ZSTD_inBuffer from;
		size_t rc;

		if (!packed_fill(in, 1, e))
			return -1;
		if (in->at == in->n && g->between)
			return 0;
		from = (ZSTD_inBuffer){ in->data + in->at, in->n - in->at, 0 };
		if (from.size > BITE_BYTES)
			from.size = BITE_BYTES;
		rc = ZSTD_decompressStream(g->z, &to, &from);
		if (ZSTD_isError(rc)) {
			err_set(e, "read %s: the zstd file is damaged (%s)", in->path,
			    ZSTD_getErrorName(rc));
			return -1;
		}
		if (to.pos == 0 && in->at == in->n) {
			err_set(e, "read %s: the zstd file ends in the middle", in->path);
			return -1;
		}
		in->at += from.pos;
		g->between = rc == 0;
	}
	return (ssize_t)to.pos;
}

const struct decoder decoder_zst = {
	{ 0x28, 0xb5, 0x2f, 0xfd }, 4, zst_open, zst_read, zst_close
};
