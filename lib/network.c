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
	if (bits >= n->bits)
		return;
	n->bits = (uint8_t)bits;
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

		if (kept < 8)
			n->a[i] &= (unsigned char)(0xff00 >> kept);
	}
}

bool
network_parse(struct slice text, struct network *n)
{
	char address[INET6_ADDRSTRLEN];
	struct slice head = text;
	uint64_t bits = 0;
	bool whole = !slice_cut(&text, '/', &head);

	if (head.n == 0 || head.n >= sizeof address)
		return false;
	memcpy(address, head.p, head.n);
	address[head.n] = '\0';
	*n = (struct network){ .family = memchr(head.p, ':', head.n) != NULL ? 6 : 4 };
	if (memchr(head.p, '\0', head.n) != NULL ||
	    inet_pton(n->family == 4 ? AF_INET : AF_INET6, address, n->a) != 1)
		return false;
	n->bits = (uint8_t)all_bits(n);
	if (whole)
		return true;
	if (!slice_u64(&text, &bits) || text.n > 0 || bits > n->bits)
		return false;
	network_widen(n, (unsigned)bits);
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
