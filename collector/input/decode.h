/* decode.h - what reader.c asks of a compressed format.
 *
 * A decoder owns no file: it pulls compressed bytes from a struct packed, which
 * may begin with bytes that the reader had already taken to see the format. */
#ifndef MX_DECODE_H
#define MX_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

enum { PACKED_BYTES = 128 * 1024 };

struct reader;

/* Compressed bytes on their way in. */
struct packed {
	struct reader *from;
	const char *path;
	uint64_t taken;		/* bytes read from the file */
	size_t at, n;		/* bytes [at, n) wait in data */
	unsigned char data[PACKED_BYTES];
};

/* Read on until want bytes wait or the file ends. False and *e if that failed. */
bool packed_fill(struct packed *in, size_t want, struct err *e);

struct decoder {
	/* The first bytes of such a file. */
	unsigned char magic[4];
	size_t magic_n;
	void *(*open)(void);
	/* Up to n bytes to out: how many, 0 at the end, -1 and *e for damage (what
	 * came before it was given out). */
	ssize_t (*read)(void *state, struct packed *in, char *out, size_t n, struct err *e);
	void (*close)(void *state);
};

extern const struct decoder decoder_gz, decoder_zst, decoder_bz2, decoder_xz;

#endif
