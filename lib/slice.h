/* slice.h - views into text that somebody else owns.
 *
 * A slice is never terminated and never copied; it may hold NUL bytes. All
 * takers work from the front and check the length here and nowhere else. */
#ifndef MX_SLICE_H
#define MX_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct slice {
	const char *p;
	size_t n;
};

/* A slice over a string literal. */
#define SLICE(lit) ((struct slice){ (lit), sizeof(lit) - 1 })

static inline struct slice
slice_of(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* As memcmp() of their bytes; where one is the head of the other, the shorter comes first. */
static inline int
slice_order(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool
slice_starts(struct slice s, struct slice head)
{
	return s.n >= head.n && (head.n == 0 || memcmp(s.p, head.p, head.n) == 0);
}

static inline bool
slice_ends(struct slice s, struct slice tail)
{
	return s.n >= tail.n &&
	    (tail.n == 0 || memcmp(s.p + s.n - tail.n, tail.p, tail.n) == 0);
}

/* The slice from byte n on; empty if there are not that many. */
static inline struct slice
slice_from(struct slice s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return (struct slice){ s.p + n, s.n - n };
}

/* The first n bytes, or all there are. */
static inline struct slice
slice_head(struct slice s, size_t n)
{
	return (struct slice){ s.p, n < s.n ? n : s.n };
}

/* If *s begins with head, drop it and say true. */
static inline bool
slice_eat(struct slice *s, struct slice head)
{
	if (!slice_starts(*s, head))
		return false;
	*s = slice_from(*s, head.n);
	return true;
}

/* The same for one byte. */
static inline bool
slice_eat_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

/* Move the bytes before the first sep from *s to *head, and drop sep.
 * False, and *s untouched, if there is no sep. */
static inline bool
slice_cut(struct slice *s, char sep, struct slice *head)
{
	const char *at = s->n > 0 ? memchr(s->p, sep, s->n) : NULL;

	if (at == NULL)
		return false;
	*head = (struct slice){ s->p, (size_t)(at - s->p) };
	*s = slice_from(*s, head->n + 1);
	return true;
}

/* Move the bytes before the next sep to *part and drop sep; behind the last one all that is left.
 * False, and *part empty, when nothing is. */
static inline bool
slice_next(struct slice *s, char sep, struct slice *part)
{
	if (slice_cut(s, sep, part))
		return true;
	*part = *s;
	s->n = 0;
	return part->n > 0;
}

/* How many bytes of s stand before the first a or b; all of them if there is neither.
 * For short runs, where memchr() and its like take longer to be called. */
static inline size_t
slice_until(struct slice s, char a, char b)
{
	size_t i = 0;

#ifdef __SSE2__
	const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);

	while (s.n >= 16) {	/* the last sixteen may overlap the ones before */
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + i));
		unsigned hits = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));

		if (hits != 0)
			return i + (unsigned)__builtin_ctz(hits);
		if (i == s.n - 16)
			return s.n;
		i = i + 32 <= s.n ? i + 16 : s.n - 16;
	}
	if (s.n >= 8) {		/* the first eight, and the last eight behind them */
		__m128i v = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)s.p),
		    _mm_loadl_epi64((const void *)(s.p + s.n - 8)));
		unsigned hits = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));

		hits = (hits & 255) | (hits >> 8) << (s.n - 8);
		return hits != 0 ? (unsigned)__builtin_ctz(hits) : s.n;
	}
#endif
	while (i < s.n && s.p[i] != a && s.p[i] != b)
		i++;
	return i;
}

/* How many of the first sixteen bytes of s are upper case hexadecimal digits up to the first that is
 * none. 0 where s has no sixteen bytes, too: a quick look before a thorough one. */
static inline size_t
slice_hex16(struct slice s)
{
#ifdef __SSE2__
	if (s.n >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)s.p);
		__m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)),
		    _mm_cmpgt_epi8(_mm_set1_epi8('9' + 1), v));
		__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('A' - 1)),
		    _mm_cmpgt_epi8(_mm_set1_epi8('F' + 1), v));

		return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(_mm_or_si128(digit, letter)));
	}
#endif
	(void)s;
	return 0;
}

/* How many bytes of s there are up to and with the last c; 0 if there is none. */
static inline size_t
slice_upto_last(struct slice s, char c)
{
	size_t n = s.n;

#ifdef __SSE2__
	for (const __m128i vc = _mm_set1_epi8(c); n >= 16; n -= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + n - 16));
		unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, vc));

		if (hits != 0)
			return n + 16 - (unsigned)__builtin_clz(hits);
	}
#endif
	while (n > 0 && s.p[n - 1] != c)
		n--;
	return n;
}

/* As slice_cut(), for a sep that is some dozen bytes away. */
static inline bool
slice_cut_near(struct slice *s, char sep, struct slice *head)
{
	size_t n = slice_until(*s, sep, sep);

	if (n == s->n)
		return false;
	*head = (struct slice){ s->p, n };
	*s = (struct slice){ s->p + n + 1, s->n - n - 1 };
	return true;
}

/* An ASCII letter as a small one, any other byte as it is. */
static inline char
slice_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool
slice_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* An ASCII letter or digit. */
static inline bool
slice_is_alnum(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || slice_is_digit(c);
}

/* Does s begin with one of the n heads? */
bool slice_starts_any(struct slice s, const struct slice *heads, size_t n);

/* Where needle begins in s for the first time, or -1. */
ptrdiff_t slice_find(struct slice s, struct slice needle);
/* Where it begins for the last time, or -1. */
ptrdiff_t slice_rfind(struct slice s, struct slice needle);
/* As slice_find, ASCII letters in either case; needle in lower case. */
ptrdiff_t slice_find_nocase(struct slice s, struct slice needle);
bool slice_eq_nocase(struct slice a, struct slice b);

/* Move the bytes before the first (last) needle to *head and drop needle.
 * False, and *s untouched, if it is not there. */
bool slice_cut_at(struct slice *s, struct slice needle, struct slice *head);
bool slice_rcut_at(struct slice *s, struct slice needle, struct slice *head);

/* Take a decimal number from the front: at least one digit, at most what fits
 * 64 bits. False, and *s untouched, otherwise. */
bool slice_u64(struct slice *s, uint64_t *v);
/* Take "12", "12.5" or ".5", no sign, no exponent. */
bool slice_decimal(struct slice *s, double *v);

static inline bool
slice_has(struct slice s, struct slice needle)
{
	return slice_find(s, needle) >= 0;
}

/* What stands behind a text of which at most so many bytes are kept: " ~" where more may have been. */
static inline const char *
slice_cut_mark(struct slice s, size_t kept)
{
	return s.n == kept ? " ~" : "";
}

/* Without blanks at both ends. */
struct slice slice_trim(struct slice s);

#endif
