/* network.c - see network.h. */
#include "network.h"

#include <arpa/inet.h>
#include <string.h>

#include "poison.h"

static unsigned
all_bits(const struct network *n)
{
	return n->family == 4 ? 32 : 128;
}

void
network_widen(struct network *n, unsigned bits)
{
	unsigned whole = bits / 8;

	if (bits >= n->bits)
		return;
	n->bits = (uint8_t)bits;
	if (bits % 8 > 0)
		n->a[whole++] &= (unsigned char)(0xff00 >> bits % 8);
	memset(n->a + whole, 0, sizeof n->a - whole);
}

/* As inet_pton() does it, and in a tenth of the time: tables hold thousands. Takes the address from the front. */
static bool
four_bytes(struct slice *s, unsigned char a[4])
{
	const char *p = s->p, *end = p + s->n;

	for (int k = 0; k < 4; k++) {
		unsigned v = 0, digits = 0, d;

		for (; digits < 3 && p < end && (d = (unsigned)(*p - '0')) < 10; digits++, p++) {
			if (digits == 1 && v == 0)
				return false;	/* "01" */
			v = v * 10 + d;
		}
		if (digits == 0 || v > 255 || (k < 3 && (p == end || *p++ != '.')))
			return false;
		a[k] = (unsigned char)v;
	}
	*s = (struct slice){ p, (size_t)(end - p) };
	return true;
}

static bool
sixteen_bytes(struct slice *s, unsigned char a[16])
{
	size_t n = slice_until(*s, '/', '\0');
	char text[INET6_ADDRSTRLEN];

	if (n >= sizeof text)
		return false;
	memcpy(text, s->p, n);
	text[n] = '\0';
	*s = slice_from(*s, n);
	return inet_pton(AF_INET6, text, a) == 1;
}

/* "24": as large as there is room for. */
static bool
length(struct slice s, unsigned most, unsigned *bits)
{
	*bits = 0;
	for (size_t i = 0; i < s.n && *bits <= most; i++) {
		unsigned d = (unsigned)(s.p[i] - '0');

		if (d > 9)
			return false;
		*bits = *bits * 10 + d;
	}
	return s.n > 0 && *bits <= most;
}

bool
network_parse(struct slice text, struct network *n)
{
	unsigned bits;

	*n = (struct network){ .family = 4, .bits = 32 };
	if (text.n == 0)
		return false;
	if (!four_bytes(&text, n->a)) {
		*n = (struct network){ .family = 6, .bits = 128 };
		if (!sixteen_bytes(&text, n->a))
			return false;
	}
	if (text.n == 0)
		return true;
	if (!slice_eat_char(&text, '/') || !length(text, n->bits, &bits))
		return false;
	network_widen(n, bits);
	return true;
}

void
network_print(struct buf *b, const struct network *n)
{
	char text[INET6_ADDRSTRLEN];

	buf_str(b, inet_ntop(n->family == 4 ? AF_INET : AF_INET6, n->a, text, sizeof text));
	if (n->bits < all_bits(n))
		buf_fmt(b, "/%u", n->bits);
}

bool
network_holds(const struct network *big, const struct network *small)
{
	struct network s = *small;

	if (big->family != small->family || big->bits > small->bits)
		return false;
	network_widen(&s, big->bits);
	return memcmp(s.a, big->a, sizeof s.a) == 0;
}

bool
network_meet(const struct network *a, const struct network *b)
{
	return network_holds(a, b) || network_holds(b, a);
}

bool
network_join(const struct network *a, const struct network *b, struct network *whole)
{
	struct network n = *a;

	if (a->family != b->family || a->bits != b->bits || a->bits == 0 ||
	    memcmp(a->a, b->a, sizeof a->a) == 0)
		return false;
	network_widen(&n, n.bits - 1u);
	if (!network_holds(&n, b))
		return false;
	*whole = n;
	return true;
}

int
network_compare(const struct network *a, const struct network *b)
{
	int c;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	c = memcmp(a->a, b->a, sizeof a->a);
	return c != 0 ? c : (int)a->bits - (int)b->bits;
}

void
network_span(const struct network *first, const struct network *last, struct network *n)
{
	*n = *first;
	while (n->bits > 0 && !network_holds(n, last))
		network_widen(n, n->bits - 1u);
}
