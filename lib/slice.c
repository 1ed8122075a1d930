/* slice.c - the parts of slice.h that are too long for a header. */
#include "slice.h"

#include "poison.h"

/* Most texts have some hundred bytes, for which memmem() takes longer to get ready than
 * to look. Blanks are everywhere, so the first byte of the needle that is none is what is
 * looked for. */
ptrdiff_t
slice_find(struct slice s, struct slice needle)
{
	size_t skip = 0, at;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return -1;
	while (skip + 1 < needle.n && needle.p[skip] == ' ')
		skip++;
	for (at = 0; at + needle.n <= s.n; at++) {
		const char *hit = memchr(s.p + at + skip, needle.p[skip],
		    s.n - needle.n - at + 1);

		if (hit == NULL)
			return -1;
		at = (size_t)(hit - s.p) - skip;
		if (memcmp(s.p + at, needle.p, needle.n) == 0)
			return (ptrdiff_t)at;
	}
	return -1;
}

ptrdiff_t
slice_rfind(struct slice s, struct slice needle)
{
	if (needle.n == 0)
		return (ptrdiff_t)s.n;
	for (size_t i = s.n; i >= needle.n; i--) {
		const char *at = s.p + i - needle.n;

		if (*at == needle.p[0] && memcmp(at, needle.p, needle.n) == 0)
			return at - s.p;
	}
	return -1;
}

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool
same_nocase(const char *a, const char *low, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != low[i])
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
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
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

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		uint64_t d = (uint64_t)(s->p[i] - '0');

		if (n > (UINT64_MAX - d) / 10)
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
	if (digits == 0)
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
