/* buf.h - text that we write, with a largest size given at birth.
 *
 * Past its limit a buffer says full and adds nothing more, so that a cut is
 * visible. Everything is formatted in the C locale. */
#ifndef MX_BUF_H
#define MX_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

struct buf {
	char *p;	/* always terminated once something was added */
	size_t n;	/* bytes used */
	size_t cap;	/* bytes allocated */
	size_t max;	/* never more than this */
	bool full;	/* something did not fit */
};

/* An empty buffer that never grows past max bytes. Nothing is allocated yet. */
struct buf buf_new(size_t max);
void buf_free(struct buf *b);
void buf_clear(struct buf *b);

/* Each adds all of it, or nothing and sets full. */
void buf_add(struct buf *b, struct slice s);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Binary, for the state's blobs: LEB128, and zigzag for signed numbers. */
void buf_varint(struct buf *b, uint64_t v);
void buf_zigzag(struct buf *b, int64_t v);
void buf_double(struct buf *b, double v);	/* its 64 bits, NAN too */
void buf_text(struct buf *b, struct slice s);	/* its length and its bytes */
/* The same LEB128 into room that the caller has, VARINT_BYTES; returns the end. */
enum { VARINT_BYTES = 10 };
static inline unsigned char *
varint_put(unsigned char *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (unsigned char)(v | 0x80);
		v >>= 7;
	}
	*p++ = (unsigned char)v;
	return p;
}
/* The end of the one that begins at p; NULL, and *v untouched, if it is cut off or longer than ten bytes. */
static inline const unsigned char *
varint_get(const unsigned char *p, const unsigned char *end, uint64_t *v)
{
	uint64_t r = 0;

	for (unsigned shift = 0; p < end && shift < 70; shift += 7, p++) {
		r |= (uint64_t)(*p & 0x7f) << shift;
		if (*p < 0x80) {
			*v = r;
			return p + 1;
		}
	}
	return NULL;
}
static inline uint64_t
zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t
zigzag_back(uint64_t u)
{
	return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

/* Take one from the front of s. False, and *s untouched, if there is none. */
static inline bool
slice_varint(struct slice *s, uint64_t *v)
{
	const unsigned char *p = (const unsigned char *)s->p, *to = varint_get(p, p + s->n, v);

	if (to == NULL)
		return false;
	s->n -= (size_t)(to - p);
	s->p = (const char *)to;
	return true;
}
static inline bool
slice_zigzag(struct slice *s, int64_t *v)
{
	uint64_t u;

	if (!slice_varint(s, &u))
		return false;
	*v = zigzag_back(u);
	return true;
}

static inline bool
slice_double(struct slice *s, double *v)
{
	uint64_t bits;

	if (!slice_varint(s, &bits))
		return false;
	memcpy(v, &bits, sizeof *v);
	return true;
}
static inline bool
slice_text(struct slice *s, struct slice *text)
{
	uint64_t n;

	if (!slice_varint(s, &n) || n > s->n)
		return false;
	*text = slice_head(*s, (size_t)n);
	*s = slice_from(*s, (size_t)n);
	return true;
}

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct slice s);

/* A member's name of strangers' text, with its quotes: what buf_clean() takes out, and | < > & \, is \xHH of each byte, so that
 * different texts are different names. */
void buf_json_name(struct buf *b, struct slice s);

/* Text from strangers made fit for one line of a terminal, a mail or a check's
 * output: control characters, broken UTF-8, and what turns the direction of the text around it or is seen
 * as nothing or as another line become '?', at most max bytes. */
void buf_clean(struct buf *b, struct slice s, size_t max);

static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->n };
}

#endif
