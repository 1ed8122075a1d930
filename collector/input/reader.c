/* reader.c - see reader.h.
 *
 * Bytes come in blocks into one buffer and lines are handed out where they lie.
 * Before the next line the buffer keeps TAIL_BYTES of what was read already, so
 * that a position can always be told. Of a line longer than LINE_MAX_BYTES its
 * head stays and the rest passes through the space behind it:
 *
 *	[ tail | line, at most 64 KiB | last bytes of what was dropped | new bytes ]
 */
#include "input/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input/decode.h"
#include "mem.h"

#include "poison.h"

enum { BLOCK_BYTES = 128 * 1024, BUFFER_BYTES = BLOCK_BYTES + LINE_MAX_BYTES + 2 * TAIL_BYTES };
_Static_assert((int)PACKED_BYTES <= (int)BLOCK_BYTES, "start() reads that much into an empty buffer");

struct reader {
	int fd;
	bool seekable;			/* a file, not a pipe */
	char *path;
	const struct reader_gate *gate;	/* NULL: none */
	const struct decoder *decoder;	/* NULL: plain */
	void *state;			/* the decoder's */
	struct packed *packed;
	char *buf;
	size_t begin;			/* first byte kept */
	size_t line, scanned, end;	/* next line; no newline before scanned; end of data */
	uint64_t dropped;		/* bytes of this line that were not kept */
	uint64_t offset;		/* of buf[line] in the file */
	uint64_t cut_lines;
	bool started;			/* the first bytes are there, and so the format */
	int broke;			/* see reader_broke */
	struct err failed;		/* what ended it, after the lines before it */
	size_t head_n;
	char head[HEAD_BYTES];
};

const struct hash_key reader_key = { {
	0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0x27d4eb2f165667c5
} };

static ssize_t
read_some(struct reader *r, void *to, size_t n, struct err *e)
{
	ssize_t got;

	if (r->gate != NULL && !r->gate->pass(r->gate->arg, r->fd)) {
		r->broke = EINTR;
		err_set(e, "read %s: interrupted", r->path);
		return -1;
	}
	do
		got = read(r->fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		r->broke = errno;
		err_set(e, "read %s: %s", r->path, strerror(errno));
	}
	return got;
}

bool
packed_fill(struct packed *in, size_t want, struct err *e)
{
	while (in->n - in->at < want) {
		ssize_t got;

		memmove(in->data, in->data + in->at, in->n - in->at);
		in->n -= in->at;
		in->at = 0;
		got = read_some(in->from, in->data + in->n, sizeof in->data - in->n, e);
		if (got < 0)
			return false;
		if (got == 0)
			return true;
		in->n += (size_t)got;
		in->taken += (uint64_t)got;
	}
	return true;
}

/* --- bytes into the buffer --------------------------------------------------------- */

static void
empty(struct reader *r, uint64_t offset)
{
	r->begin = r->line = r->scanned = r->end = TAIL_BYTES;
	r->offset = offset;
	r->dropped = 0;
	r->failed.text[0] = '\0';
}

/* Only a plain file can be read anywhere, and only it can grow. */
static bool
is_plain_file(const struct reader *r)
{
	return r->seekable && r->decoder == NULL;
}

static ssize_t
read_from(const struct reader *r, char *to, size_t n, uint64_t offset)
{
	ssize_t got;

	do
		got = pread(r->fd, to, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got;
}

/* All n bytes from that offset on. */
static bool
read_at(struct reader *r, char *to, size_t n, uint64_t offset)
{
	ssize_t got = read_from(r, to, n, offset);

	if (got < 0)
		r->broke = errno;
	return got == (ssize_t)n;
}

/* Are those of the file others than these n (at most HEAD_BYTES)? Where they cannot be read, nothing says so. */
static bool
differs(const struct reader *r, const char *p, size_t n, uint64_t offset)
{
	char there[HEAD_BYTES];
	ssize_t got = read_from(r, there, n, offset);

	return got >= 0 && ((size_t)got < n || memcmp(there, p, n) != 0);
}

/* Where the bytes of the file begin that are read next. */
static uint64_t
end_offset(const struct reader *r)
{
	return r->offset + r->dropped + (r->end - r->line);
}

/* The first bytes of the file as they pass, from n on at that offset. Later they may be
 * others: a stream does not go back, and a log may be truncated and written anew. */
static void
note_head(struct reader *r, const char *p, size_t n, uint64_t at)
{
	size_t skip;

	if (at > r->head_n || r->head_n - at >= n)
		return;
	skip = (size_t)(r->head_n - at);
	n -= skip;
	if (n > HEAD_BYTES - r->head_n)
		n = HEAD_BYTES - r->head_n;
	memcpy(r->head + r->head_n, p + skip, n);
	r->head_n += n;
}

/* Was it truncated, and maybe written beyond where we are? Asked after reading, so that
 * what was read before is of the file that we know. */
static bool
is_other(const struct reader *r)
{
	return is_plain_file(r) && differs(r, r->head, r->head_n, 0);
}

/* Bytes into the free space at the end: how many, 0 for none (now), -1 and *e. */
static ssize_t
pull(struct reader *r, struct err *e)
{
	char *to = r->buf + r->end;
	size_t room = BUFFER_BYTES - r->end;
	ssize_t got;

	if (r->decoder != NULL)
		got = r->decoder->read(r->state, r->packed, to, room, e);
	else
		got = read_some(r, to, room, e);
	if (got <= 0)
		return got;
	if (is_other(r)) {	/* the follower sees it, too, when nothing comes */
		(void)lseek(r->fd, (off_t)end_offset(r), SEEK_SET);
		return 0;
	}
	note_head(r, to, (size_t)got, end_offset(r));
	r->end += (size_t)got;
	return got;
}

/* Move what is needed of the past and the unfinished line to the front. */
static void
make_room(struct reader *r)
{
	size_t keep = r->line - r->begin, drop;

	if (r->end - r->line > LINE_MAX_BYTES + TAIL_BYTES) {
		drop = r->end - r->line - LINE_MAX_BYTES - TAIL_BYTES;
		memmove(r->buf + r->line + LINE_MAX_BYTES,
		    r->buf + r->end - TAIL_BYTES, TAIL_BYTES);
		r->end -= drop;
		r->scanned -= drop;
		r->dropped += drop;
	}
	if (keep > TAIL_BYTES)
		keep = TAIL_BYTES;
	drop = r->line - keep;
	memmove(r->buf, r->buf + drop, r->end - drop);
	r->begin = 0;
	r->line -= drop;
	r->scanned -= drop;
	r->end -= drop;
}

/* The file is compressed: what was read of it so far is for the decoder. */
static void
unpack(struct reader *r, const struct decoder *d)
{
	size_t n = r->end - r->line;

	r->packed = xmalloc(sizeof *r->packed);
	r->packed->from = r;
	r->packed->path = r->path;
	r->packed->taken = r->packed->n = n;
	r->packed->at = 0;
	memcpy(r->packed->data, r->buf + r->line, n);
	r->end = r->line;
	r->decoder = d;
	r->state = d->open();
}

/* Read the first bytes and see what they are. */
static ssize_t
start(struct reader *r, struct err *e)
{
	const struct decoder *const all[] = { &decoder_gz, &decoder_zst, &decoder_bz2, &decoder_xz };
	size_t n = 0;
	ssize_t got = 1;

	while (n < sizeof all[0]->magic && got > 0) {	/* a pipe gives what it has */
		got = read_some(r, r->buf + r->end, PACKED_BYTES - n, e);
		if (got < 0)
			return -1;
		r->end += (size_t)got;
		n = r->end - r->line;
	}
	if (n == 0)
		return 0;
	r->started = true;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (n >= all[i]->magic_n &&
		    memcmp(r->buf + r->line, all[i]->magic, all[i]->magic_n) == 0) {
			unpack(r, all[i]);
			return pull(r, e);
		}
	}
	note_head(r, r->buf + r->line, n, r->offset);
	return (ssize_t)n;
}

/* More bytes behind those that are there: how many, 0 for none now, -1 and *e. In what is
 * packed a failure stays: what follows damage has no known place. */
static ssize_t
fill(struct reader *r, struct err *e)
{
	ssize_t got = -1;

	if (is_plain_file(r) && r->started && r->failed.text[0] != '\0') {
		r->failed.text[0] = '\0';	/* a disk or a network that was away: the place is known */
		(void)lseek(r->fd, (off_t)end_offset(r), SEEK_SET);
	}
	if (r->failed.text[0] == '\0') {
		if (BUFFER_BYTES - r->end < BLOCK_BYTES)
			make_room(r);
		got = r->started ? pull(r, &r->failed) : start(r, &r->failed);
	}
	if (got < 0)
		err_set(e, "%s", r->failed.text);
	return got;
}

/* --- open, close, lines -------------------------------------------------------------- */

struct reader *
reader_open_gated(const char *path, const struct reader_gate *gate, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct reader *r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(e, "open %s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(e, "open %s: it is a directory", path);
		(void)close(fd);
		errno = 0;
		return NULL;
	}
	r = xcalloc(1, sizeof *r);
	r->fd = fd;
	r->gate = gate;
	r->path = xstrdup(is_stdin ? "standard input" : path);
	/* Input that somebody has begun to read has no head that we could see. */
	r->seekable = S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
	r->buf = xmalloc(BUFFER_BYTES);
	empty(r, 0);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (fill(r, e) < 0) {
		int broke = r->broke;

		reader_close(r);
		errno = broke;
		return NULL;
	}
	return r;
}

struct reader *
reader_open(const char *path, struct err *e)
{
	return reader_open_gated(path, NULL, e);
}

void
reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	if (r->decoder != NULL)
		r->decoder->close(r->state);
	(void)close(r->fd);
	free(r->packed);
	free(r->path);
	free(r->buf);
	free(r);
}

/* Hand out the line up to last; the next one begins at next. */
static void
give(struct reader *r, size_t last, size_t next, struct slice *line)
{
	*line = (struct slice){ r->buf + r->line, last - r->line };
	if (line->n + r->dropped > LINE_MAX_BYTES) {
		line->n = LINE_MAX_BYTES;
		r->cut_lines++;
	}
	r->offset += next - r->line + r->dropped;
	r->line = r->scanned = next;
	r->dropped = 0;
}

int
reader_line(struct reader *r, bool final, struct slice *line, struct err *e)
{
	const char *newline;
	ssize_t got;

	while ((newline = memchr(r->buf + r->scanned, '\n', r->end - r->scanned)) == NULL) {
		r->scanned = r->end;
		got = fill(r, e);
		if (got < 0)
			return -1;
		if (got == 0) {
			if (r->end == r->line || (!final && is_plain_file(r)))
				return 0;
			give(r, r->end, r->end, line);
			return 1;
		}
	}
	give(r, (size_t)(newline - r->buf), (size_t)(newline - r->buf) + 1, line);
	return 1;
}

int
reader_lines(struct reader *r, bool final, struct slice *line, int max, struct err *e)
{
	int n = reader_line(r, final, line, e);
	const char *p = r->buf + r->line, *end = r->buf + r->end, *newline;

	if (n <= 0 || line[0].n == LINE_MAX_BYTES)
		return n;
	while (n < max && (newline = memchr(p, '\n', (size_t)(end - p))) != NULL &&
	    newline - p < LINE_MAX_BYTES) {	/* else the next call gives it */
		line[n++] = (struct slice){ p, (size_t)(newline - p) };
		p = newline + 1;
	}
	r->offset += (uint64_t)(p - r->buf) - r->line;
	r->line = r->scanned = (size_t)(p - r->buf);
	return n;
}

/* --- positions ------------------------------------------------------------------------ */

/* Read on to offset without looking. False if the file ends before it. */
static bool
skip_to(struct reader *r, uint64_t offset, struct err *e)
{
	while (r->offset < offset) {
		uint64_t here = r->end - r->line, want = offset - r->offset;

		if (here > want)
			here = want;
		r->offset += here;
		r->line += (size_t)here;
		r->scanned = r->line;
		if (r->offset < offset) {
			ssize_t got = fill(r, e);

			if (got < 0)
				return false;
			if (got == 0)
				return err_set(e, "%s: shorter than what was read of it", r->path);
		}
	}
	return true;
}

static bool
go_to(struct reader *r, uint64_t offset, struct err *e)
{
	uint64_t from = is_plain_file(r) && offset > TAIL_BYTES ? offset - TAIL_BYTES : 0;

	if (r->offset == offset && r->dropped == 0)
		return true;
	if (!r->seekable && offset < r->offset)
		return err_set(e, "%s: cannot go back in it", r->path);
	if (is_plain_file(r) || (r->seekable && (offset < r->offset || r->dropped > 0))) {
		if (offset > INT64_MAX || lseek(r->fd, (off_t)from, SEEK_SET) < 0)
			return err_set(e, "seek in %s: %s", r->path, strerror(errno));
		empty(r, from);
		if (from == 0)
			r->head_n = 0;	/* it passes again */
		if (r->decoder != NULL) {
			r->decoder->close(r->state);
			r->state = r->decoder->open();
			r->packed->at = r->packed->n = 0;
			r->packed->taken = 0;
		}
	}
	return skip_to(r, offset, e);
}

/* The first n bytes, as they were when they passed. */
static bool
head_of(struct reader *r, size_t n, struct slice *head)
{
	if (!is_plain_file(r))
		while (r->head_n < n && fill(r, NULL) > 0)
			;
	else if (r->head_n < n && read_at(r, r->head + r->head_n, n - r->head_n, r->head_n))
		r->head_n = n;
	*head = (struct slice){ r->head, n };
	return r->head_n >= n;
}

bool
reader_matches(struct reader *r, const struct position *pos)
{
	struct slice head, tail;
	bool same;

	r->broke = 0;
	if (!r->seekable || pos->head_n > HEAD_BYTES || pos->tail_n > TAIL_BYTES ||
	    pos->tail_n > pos->offset || !go_to(r, 0, NULL))
		return false;
	same = head_of(r, pos->head_n, &head) &&
	    hash_bytes(&reader_key, head) == pos->head_hash && go_to(r, pos->offset, NULL);
	if (same) {
		tail = (struct slice){ r->buf + r->line - pos->tail_n, pos->tail_n };
		same = r->line - r->begin >= pos->tail_n &&
		    hash_bytes(&reader_key, tail) == pos->tail_hash;
	}
	return same;
}

bool
reader_ends(struct reader *r, const struct position *pos)
{
	struct slice line;

	return reader_seek(r, pos, NULL) && reader_line(r, true, &line, NULL) == 0;
}

bool
reader_broke(const struct reader *r, struct err *e)
{
	if (r->broke != 0)
		err_set(e, "read %s: %s", r->path, strerror(r->broke));
	return r->broke != 0;
}

bool
reader_seek(struct reader *r, const struct position *pos, struct err *e)
{
	r->broke = 0;
	return go_to(r, pos != NULL ? pos->offset : 0, e);
}

void
reader_position(struct reader *r, struct position *pos)
{
	struct slice head = { r->head, 0 }, tail;

	*pos = (struct position){ .offset = r->offset };
	pos->head_n = r->offset < HEAD_BYTES ? (uint32_t)r->offset : HEAD_BYTES;
	if (r->head_n < pos->head_n && !head_of(r, pos->head_n, &head))
		pos->head_n = (uint32_t)r->head_n;	/* it cannot be read now: less of it tells, too */
	head.n = pos->head_n;
	pos->head_hash = hash_bytes(&reader_key, head);
	pos->tail_n = r->line - r->begin < TAIL_BYTES ? (uint32_t)(r->line - r->begin) : TAIL_BYTES;
	tail = (struct slice){ r->buf + r->line - pos->tail_n, pos->tail_n };
	pos->tail_hash = hash_bytes(&reader_key, tail);
}

void
reader_peek(struct reader *r, struct position *pos)
{
	char head[HEAD_BYTES];
	ssize_t n = is_plain_file(r) ? read_from(r, head, sizeof head, 0) : 0;

	r->broke = n < 0 ? errno : 0;
	*pos = (struct position){ .head_n = n > 0 ? (uint32_t)n : 0 };
	pos->head_hash = hash_bytes(&reader_key, (struct slice){ head, pos->head_n });
	pos->tail_hash = hash_bytes(&reader_key, (struct slice){ head, 0 });
}

uint64_t
reader_cut_lines(const struct reader *r)
{
	return r->cut_lines;
}

void
reader_progress(const struct reader *r, uint64_t *done, uint64_t *total)
{
	struct stat st;

	*done = r->decoder != NULL ? r->packed->taken : r->offset;
	*total = fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

bool
reader_is_stream(const struct reader *r)
{
	struct stat st;

	return fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode);
}

bool
reader_shrank(const struct reader *r)
{
	uint64_t done, total;

	if (reader_is_stream(r))
		return false;
	reader_progress(r, &done, &total);
	return total < done || is_other(r);
}

void
reader_identity(const struct reader *r, uint64_t *dev, uint64_t *ino)
{
	struct stat st;

	*dev = *ino = 0;
	if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*dev = st.st_dev;
		*ino = st.st_ino;
	}
}

int64_t
reader_written_at(const struct reader *r)
{
	struct stat st;

	if (reader_is_stream(r) || fstat(r->fd, &st) != 0)
		return (int64_t)time(NULL);
	return (int64_t)st.st_mtime;
}

bool
reader_unchanged(struct reader *r)
{
	struct position pos;
	struct stat st;

	if (!is_plain_file(r))
		return true;
	reader_position(r, &pos);
	return fstat(r->fd, &st) != 0 ||
	    ((uint64_t)st.st_size >= end_offset(r) && r->head_n >= pos.head_n &&
	    !differs(r, r->head, pos.head_n, 0) &&
	    !differs(r, r->buf + r->line - pos.tail_n, pos.tail_n, pos.offset - pos.tail_n));
}
