/* test_network.c - networks as people and files write them; halves, ranges, what is in what. */
#include "tap.h"

#include "network.h"

#include "poison.h"

static const char *
shown(const struct network *n)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(100);
	network_print(&b, n);
	return b.p;
}

static struct network
net(const char *text)
{
	struct network n = { .family = 0 };

	(void)network_parse(slice_of(text), &n);
	return n;
}

static const struct {
	const char *text, *shown;	/* NULL: refused */
} cases[] = {
	{ "192.0.2.0/24", "192.0.2.0/24" }, { "192.0.2.77/24", "192.0.2.0/24" }, { "192.0.2.1", "192.0.2.1" },
	{ "192.0.2.1/32", "192.0.2.1" }, { "0.0.0.0/0", "0.0.0.0/0" }, { "255.255.255.255/1", "128.0.0.0/1" },
	{ "2001:db8::/32", "2001:db8::/32" }, { "2001:db8:ffff::1/33", "2001:db8:8000::/33" },
	{ "2001:db8::1", "2001:db8::1" }, { "::/0", "::/0" }, { "::1/128", "::1" },
	{ "", NULL }, { "/24", NULL }, { "192.0.2.0/", NULL }, { "192.0.2.0/33", NULL }, { "192.0.2.0/24 ", NULL },
	{ "192.0.2.0/-1", NULL }, { "192.0.2/24", NULL }, { "192.0.2.0/24/24", NULL }, { "2001:db8::/129", NULL },
	{ "mx1.example.org", NULL }, { "192.0.2.0/255.255.255.0", NULL },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", NULL }
};

static void
test_spans(void)
{
	struct network a = net("192.0.2.0"), b = net("192.0.3.255"), n;

	network_span(&a, &b, &n);
	is_str(shown(&n), "192.0.2.0/23", "a range that is a network");
	b = net("192.0.2.0");
	network_span(&a, &b, &n);
	is_str(shown(&n), "192.0.2.0", "one address");
	b = net("192.0.128.1");
	network_span(&a, &b, &n);
	is_str(shown(&n), "192.0.0.0/16", "any other: the smallest that holds it");
	a = net("::");
	b = net("ffff::");
	network_span(&a, &b, &n);
	is_str(shown(&n), "::/0", "all");
}

int
main(void)
{
	struct network a, b, n;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = network_parse(slice_of(cases[i].text), &n);

		if (cases[i].shown == NULL)
			ok(!good, "'%s' is none", cases[i].text);
		else
			is_str(good ? shown(&n) : "refused", cases[i].shown, cases[i].text);
	}
	a = net("192.0.2.0/23");
	b = net("192.0.3.0/24");
	ok(network_holds(&a, &b) && !network_holds(&b, &a), "the wide holds the narrow");
	ok(network_meet(&a, &b) && network_meet(&b, &a), "they meet either way");
	b = net("192.0.4.0/24");
	ok(!network_holds(&a, &b) && !network_meet(&a, &b), "a neighbour does not");
	b = net("::/0");
	ok(!network_meet(&a, &b), "nor the other family");
	a = net("192.0.2.0/24");
	b = net("192.0.3.0/24");
	ok(network_join(&a, &b, &n) && strcmp(shown(&n), "192.0.2.0/23") == 0, "two halves are a whole");
	ok(network_join(&b, &a, &n) && strcmp(shown(&n), "192.0.2.0/23") == 0, "in any order");
	a = net("192.0.4.0/24");
	ok(!network_join(&a, &b, &a) && strcmp(shown(&a), "192.0.4.0/24") == 0,
	    "neighbours that are no halves are none, and stay");
	ok(!network_join(&a, &a, &n), "nor is one twice");
	a = net("0.0.0.0/0");
	ok(!network_join(&a, &a, &n), "nor is all");
	a = net("192.0.2.0/24");
	b = net("192.0.2.0/25");
	ok(network_compare(&a, &b) < 0 && network_compare(&b, &a) > 0 && network_compare(&a, &a) == 0,
	    "in order: wide before narrow");
	b = net("::/0");
	ok(network_compare(&a, &b) < 0, "and IPv4 before IPv6");
	test_spans();
	return done_testing();
}
