/* reader_gz.c - gzip files: the home of zlib.h.
 *
 * A file may be several members one after the other (two logs put together with
 * cat). What follows the last member and is none is ignored, as gzip does. */
#include <stdlib.h>
#include <zlib.h>

#include "input/decode.h"
#include "mem.h"

#include "poison.h"

struct gz {
	z_stream z;
	bool between;	/* a member has ended */
};

static void *
gz_open(void)
{
	struct gz *g = xcalloc(1, sizeof *g);

	if (inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK)
		abort();	/* only without memory */
	return g;
}

static void
gz_close(void *state)
{
	struct gz *g = state;

	(void)inflateEnd(&g->z);
	free(g);
}

static bool
member_follows(const struct packed *in)
{
	return in->n - in->at >= 2 && in->data[in->at] == 0x1f && in->data[in->at + 1] == 0x8b;
}

static ssize_t
gz_read(void *state, struct packed *in, char *out, size_t n, struct err *e)
{
	struct gz *g = state;
	int rc = Z_OK;

	g->z.next_out = (unsigned char *)out;
	g->z.avail_out = (unsigned)n;
	while (g->z.avail_out == n) {
		if (!packed_fill(in, g->between ? 2 : 1, e))
			return -1;
		if (g->between) {
			if (!member_follows(in))
				return 0;
			g->between = false;
			(void)inflateReset(&g->z);
		}
		if (in->at == in->n) {
			err_set(e, "read %s: the gzip file ends in the middle", in->path);
			return -1;
		}
		g->z.next_in = in->data + in->at;
		g->z.avail_in = (unsigned)(in->n - in->at);
		rc = inflate(&g->z, Z_NO_FLUSH);
		in->at = in->n - g->z.avail_in;
		if (rc == Z_STREAM_END) {
			g->between = true;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			if (g->z.avail_out < n)
				break;	/* the damage shows again in the next call */
			err_set(e, "read %s: the gzip file is damaged (%s)", in->path,
			    g->z.msg != NULL ? g->z.msg : "inflate");
			return -1;
		}
	}
	return (ssize_t)(n - g->z.avail_out);
}

const struct decoder decoder_gz = { { 0x1f, 0x8b }, 2, gz_open, gz_read, gz_close };
