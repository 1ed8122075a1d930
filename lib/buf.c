/* buf.c - see buf.h. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "mem.h"

#include "poison.h"

enum { FIRST_FORMAT = 256 };

struct buf
buf_new(size_t max)
{
	return (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

/* Room for n more bytes and the terminator, or full. */
static bool
reserve(struct buf *b, size_t n)
{
	if (n > b->max || b->n > b->max - n) {
		b->full = true;
		return false;
	}
	if (b->n + n + 1 > b->cap) {
		size_t cap = b->cap < 64 ? 128 : b->cap * 2;

		if (cap < b->n + n + 1)
			cap = b->n + n + 1;
		b->p = xrealloc(b->p, cap);
		b->cap = cap;
	}
	return true;
}

void
buf_add(struct buf *b, struct slice s)
{
	if (!reserve(b, s.n))
		return;
	if (s.n > 0)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	b->p[b->n] = '\0';
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, slice_of(s));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, (struct slice){ &c, 1 });
}

void
buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	if (b->cap == 0) {
		b->cap = FIRST_FORMAT;
		b->p = xmalloc(b->cap);
	}
	room = b->cap - b->n;
	va_copy(again, ap);
	n = vsnprintf(b->p + b->n, room, fmt, ap);	/* most fit: formatting takes its time */
	if (n >= 0 && reserve(b, (size_t)n)) {
		if ((size_t)n >= room)
			(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	b->p[b->n] = '\0';
	va_end(again);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void
buf_varint(struct buf *b, uint64_t v)
{
	unsigned char t[VARINT_BYTES];

	if (b->cap - b->n > VARINT_BYTES && b->max - b->n > VARINT_BYTES) {	/* nearly always */
		b->n = (size_t)((char *)varint_put((unsigned char *)b->p + b->n, v) - b->p);
		b->p[b->n] = '\0';
		return;
	}
	buf_add(b, (struct slice){ (char *)t, (size_t)(varint_put(t, v) - t) });
}

void
buf_zigzag(struct buf *b, int64_t v)
{
	buf_varint(b, zigzag(v));
}

void
buf_double(struct buf *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	buf_varint(b, bits);
}

void
buf_text(struct buf *b, struct slice s)
{
	buf_varint(b, s.n);
	buf_add(b, s);
}

/* Length of the UTF-8 sequence at p (RFC 3629: no surrogates, nothing overlong,
 * nothing above U+10FFFF), or 0 if it is none. */
static size_t
utf8_len(const char *at, size_t n)
{
	const unsigned char *p = (const unsigned char *)at;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Is the character of len bytes one that steers, or that is seen as nothing or as another line: C1 controls
 * (U+0080 to U+009F), marks and overrides of direction (U+061C, U+200E, U+200F, U+202A to U+202E, U+2060 to
 * U+206F), line and paragraph (U+2028, U+2029), no width (U+200B, U+FEFF)? Joiners belong to words. */
static bool
utf8_deceives(const char *at, size_t len)
{
	const unsigned char *p = (const unsigned char *)at;
	unsigned c = len == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu) :
	    len == 3 ? (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : 0;

	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200b || c == 0x200e || c == 0x200f ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* How many bytes of s are printable ASCII, from its beginning on, and neither of the two. */
static size_t
plain(struct slice s, char a, char b)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= ' ' && s.p[n] < 127 && s.p[n] != a && s.p[n] != b)
		n++;
	return n;
}

void
buf_json(struct buf *b, struct slice s)
{
	struct buf t = buf_new(b->max);

	buf_char(&t, '"');
	for (size_t i = 0; i < s.n; ) {
		unsigned char c = (unsigned char)s.p[i];
		size_t len = plain(slice_from(s, i), '"', '\\');

		if (len == 0)
			len = utf8_len(s.p + i, s.n - i);
		if (len == 0) {
			buf_str(&t, "\xef\xbf\xbd");
			len = 1;
		} else if (c == '"' || c == '\\') {
			buf_char(&t, '\\');
			buf_char(&t, (char)c);
		} else if (c < ' ' || c == 127) {
			buf_fmt(&t, "\\u%04x", c);
		} else {
			buf_add(&t, (struct slice){ s.p + i, len });
		}
		i += len;
	}
	buf_char(&t, '"');
	if (t.full)
		b->full = true;
	else
		buf_add(b, buf_slice(&t));
	buf_free(&t);
}

/* Is the character of len bytes, 0: none, fit for one line of text? */
static bool
is_bad(const char *at, size_t len)
{
	unsigned char c = (unsigned char)*at;

	return len == 0 || c < ' ' || c == 127 || utf8_deceives(at, len);
}

void
buf_json_name(struct buf *b, struct slice s)
{
	struct buf t = buf_new(6 * s.n + 1);	/* "\\xff" of each byte, before JSON doubles backslashes */

	for (size_t i = 0; i < s.n; ) {
		size_t len = utf8_len(s.p + i, s.n - i), all = len > 0 ? len : 1;

		if (is_bad(s.p + i, len) || memchr("|<>&\\", s.p[i], 5) != NULL)
			for (size_t k = 0; k < all; k++)
				buf_fmt(&t, "\\x%02x", (unsigned char)s.p[i + k]);
		else
			buf_add(&t, (struct slice){ s.p + i, all });
		i += all;
	}
	buf_json(b, buf_slice(&t));
	buf_free(&t);
}

void
buf_clean(struct buf *b, struct slice s, size_t max)
{
	size_t used = plain(slice_head(s, max), '\0', '\0');

	if (used > b->max - b->n)
		used = 0;
	if (used > 0)
		buf_add(b, slice_head(s, used));	/* as nearly always, this is all */
	for (size_t i = used; i < s.n; ) {
		size_t len = utf8_len(s.p + i, s.n - i);
		bool bad = is_bad(s.p + i, len);
		size_t out = bad ? 1 : len;

		if (used + out > max)
			break;
		if (bad)
			buf_char(b, '?');
		else
			buf_add(b, (struct slice){ s.p + i, len });
		used += out;
		i += len > 0 ? len : 1;
	}
}
