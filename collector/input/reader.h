/* reader.h - the lines of one file from a remembered position on.
 *
 * Plain, gzip, zstd, bzip2 and xz files and standard input. A line longer than LINE_MAX_BYTES
 * is cut there, the rest skipped, and counted. Nothing is interpreted. */
#ifndef MX_READER_H
#define MX_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"
#include "slice.h"

enum { LINE_MAX_BYTES = 65536, HEAD_BYTES = 1024, TAIL_BYTES = 64 };

/* How far a file was read, and how it is recognised again: by the hash of its
 * first bytes and of the bytes before the offset, so that a renamed, compressed
 * or truncated file is told from a new one. Offsets count uncompressed bytes.
 * Hashes are hash_bytes() under the fixed key reader_key. */
struct position {
	uint64_t offset;	/* after the last line that was taken */
	uint64_t head_hash;	/* of the first head_n bytes */
	uint64_t tail_hash;	/* of the tail_n bytes before offset */
	uint32_t head_n, tail_n;
};

extern const struct hash_key reader_key;

struct reader;

/* Asked before each reading of bytes, which may take for ever where they come through a
 * pipe. After false nothing more is read, and that is a failure: complete lines were all
 * given out by then, and of an unfinished one nothing is. */
struct reader_gate {
	bool (*pass)(void *arg, int fd);
	void *arg;
};

/* Open a file ("-": standard input). NULL and *e when it cannot be read (a
 * directory, no permission, damaged compression). Then errno is 0 where what is in it is wrong. */
struct reader *reader_open(const char *path, struct err *e);
/* The same with a gate, which must outlive it. */
struct reader *reader_open_gated(const char *path, const struct reader_gate *gate, struct err *e);
void reader_close(struct reader *r);

/* Is this file one that was read up to *pos (its head and the bytes before the
 * offset are those)? Never of a pipe; always at offset 0. Seek afterwards. */
bool reader_matches(struct reader *r, const struct position *pos);
/* Is there nothing behind *pos, which matched? Seek afterwards. */
bool reader_ends(struct reader *r, const struct position *pos);
/* Could the last reader_matches, reader_ends, reader_seek or reader_peek, or a reader_line since, not read what
 * it wanted, so that its answer means nothing? Then *e. Another time it may; damage is no such failure. */
bool reader_broke(const struct reader *r, struct err *e);
/* Are the head and the bytes before the next line in the file as they were read,
 * and is it not shorter? Moves nothing. Always true of what cannot change, and where it cannot be read. */
bool reader_unchanged(struct reader *r);
/* Go on there (pos matched), or at 0 with NULL. */
bool reader_seek(struct reader *r, const struct position *pos, struct err *e);

/* The next line without its newline; it lives until the next call.
 * 1: a line; 0: no more for now; -1: *e. An unfinished last line is given out
 * only if the file cannot grow (compressed, standard input) or final is true. */
int reader_line(struct reader *r, bool final, struct slice *line, struct err *e);
/* That line and those that were read with it, at most max and none behind one that was cut: all
 * live until the next call. How many; 0 and -1 as there. */
int reader_lines(struct reader *r, bool final, struct slice *line, int max, struct err *e);

/* After the last line given out. */
void reader_position(struct reader *r, struct position *pos);
/* Offset 0 of a file that is told by the head it has now, read or not. */
void reader_peek(struct reader *r, struct position *pos);
/* How many lines were cut, how many bytes the file has (compressed size when
 * compressed) and how many of those were read: for a progress bar. */
uint64_t reader_cut_lines(const struct reader *r);
void reader_progress(const struct reader *r, uint64_t *done, uint64_t *total);
/* Was the file truncated or written anew since it was opened? What it holds now was not read to its end. */
bool reader_shrank(const struct reader *r);

/* Is it neither a file nor a part of one? */
bool reader_is_stream(const struct reader *r);

/* Device and inode; 0 and 0 for a stream. */
void reader_identity(const struct reader *r, uint64_t *dev, uint64_t *ino);

/* When the file was written last (its mtime), or now for what is no file: the clock
 * that the year of its stamps is inferred from. */
int64_t reader_written_at(const struct reader *r);

/* The file's name without what rotation adds: "/var/log/mail.log.2.gz" and
 * "/var/log/mail.log-20261120.zst" are "/var/log/mail.log". Fills out (a C string). */
void reader_family(const char *path, char *out, size_t size);

#endif
