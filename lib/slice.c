/* slice.c - the parts of slice.h that are too long for a header. */
#include "slice.h"

#include <float.h>

#include "poison.h"

/* Needles are short and sought in short lines, where memmem()'s tables cost more than the
 * search: look for the first and the last byte of the needle, sixteen places at a time. */
#ifdef __SSE2__
enum { BLOCK = 16 };

/* At which of the sixteen places from p on a needle with these ends may begin: a bit each. */
static inline unsigned
may_begin(const char *p, size_t n, __m128i first, __m128i last)
{
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 1));

	return (unsigned)_mm_movemask_epi8(
	    _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
}

/* Both: in at least sixteen places; the last block may overlap the one before. */
static ptrdiff_t
find_wide(struct slice s, struct slice needle)
{
	const __m128i first = _mm_set1_epi8(needle.p[0]);
	const __m128i last = _mm_set1_epi8(needle.p[needle.n - 1]);
	size_t end = s.n - needle.n + 1 - BLOCK;

	for (size_t i = 0;; i = i + BLOCK < end ? i + BLOCK : end) {
		unsigned hits = may_begin(s.p + i, needle.n, first, last);

		for (; hits != 0; hits &= hits - 1) {
			size_t at = i + (unsigned)__builtin_ctz(hits);

			if (memcmp(s.p + at, needle.p, needle.n) == 0)
				return (ptrdiff_t)at;
		}
		if (i == end)
			return -1;
	}
}

static ptrdiff_t
rfind_wide(struct slice s, struct slice needle)
{
	const __m128i first = _mm_set1_epi8(needle.p[0]);
	const __m128i last = _mm_set1_epi8(needle.p[needle.n - 1]);

	for (size_t i = s.n - needle.n + 1 - BLOCK;; i = i > BLOCK ? i - BLOCK : 0) {
		unsigned hits = may_begin(s.p + i, needle.n, first, last);

		while (hits != 0) {
			unsigned bit = 31 - (unsigned)__builtin_clz(hits);

			if (memcmp(s.p + i + bit, needle.p, needle.n) == 0)
				return (ptrdiff_t)(i + bit);
			hits ^= 1u << bit;
		}
		if (i == 0)
			return -1;
	}
}
#endif

ptrdiff_t
slice_find(struct slice s, struct slice needle)
{
	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return -1;
	if (needle.n == 1) {
		const char *at = memchr(s.p, needle.p[0], s.n);

		return at == NULL ? -1 : at - s.p;
	}
#ifdef __SSE2__
	if (s.n - needle.n + 1 >= BLOCK)
		return find_wide(s, needle);
#endif
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (s.p[i] == needle.p[0] && s.p[i + needle.n - 1] == needle.p[needle.n - 1] &&
		    memcmp(s.p + i, needle.p, needle.n) == 0)
			return (ptrdiff_t)i;
	return -1;
}

ptrdiff_t
slice_rfind(struct slice s, struct slice needle)
{
	if (needle.n == 0)
		return (ptrdiff_t)s.n;
#ifdef __SSE2__
	if (s.n >= needle.n && s.n - needle.n + 1 >= BLOCK)
		return rfind_wide(s, needle);
#endif
	for (size_t i = s.n; i >= needle.n; i--) {
		const char *at = s.p + i - needle.n;

		if (*at == needle.p[0] && memcmp(at, needle.p, needle.n) == 0)
			return at - s.p;
	}
	return -1;
}

static bool
same_nocase(const char *a, const char *low, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_lower(a[i]) != low[i])
			return false;
	return true;
}

ptrdiff_t
slice_find_nocase(struct slice s, struct slice needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (same_nocase(s.p + i, needle.p, needle.n))
			return (ptrdiff_t)i;
	return -1;
}

bool
slice_starts_any(struct slice s, const struct slice *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_starts(s, heads[i]))
			return true;
	return false;
}

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (slice_lower(a.p[i]) != slice_lower(b.p[i]))
			return false;
	return true;
}

bool
slice_cut_at(struct slice *s, struct slice needle, struct slice *head)
{
	ptrdiff_t at = slice_find(*s, needle);

	if (at < 0)
		return false;
	*head = slice_head(*s, (size_t)at);
	*s = slice_from(*s, (size_t)at + needle.n);
	return true;
}

bool
slice_rcut_at(struct slice *s, struct slice needle, struct slice *head)
{
	ptrdiff_t at = slice_rfind(*s, needle);

	if (at < 0)
		return false;
	*head = slice_head(*s, (size_t)at);
	*s = slice_from(*s, (size_t)at + needle.n);
	return true;
}

bool
slice_u64(struct slice *s, uint64_t *v)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < s->n && slice_is_digit(s->p[i]); i++) {
		uint64_t d = (uint64_t)(s->p[i] - '0');

		if (i >= 19 && n > (UINT64_MAX - d) / 10)	/* fewer digits fit always */
			return false;
		n = n * 10 + d;
	}
	if (i == 0)
		return false;
	*v = n;
	*s = slice_from(*s, i);
	return true;
}

bool
slice_decimal(struct slice *s, double *v)
{
	double n = 0, scale = 1;
	size_t i = 0, digits = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++, digits++)
		n = n * 10 + (s->p[i] - '0');
	if (i < s->n && s->p[i] == '.') {
		for (i++; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++, digits++) {
			n = n * 10 + (s->p[i] - '0');
			scale *= 10;
		}
	}
	if (digits == 0 || !(n / scale <= DBL_MAX))	/* infinite, or no number */
		return false;
	*v = n / scale;
	*s = slice_from(*s, i);
	return true;
}

struct slice
slice_trim(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}
