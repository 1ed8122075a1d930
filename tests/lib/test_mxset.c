/* test_mxset.c - which addresses the world cannot reach. */
#include "mxset.h"

#include "tap.h"

static const struct {
	const char *text;
	bool is_public;
} cases[] = {
	{ "127.0.0.1", false }, { "126.255.255.255", true }, { "128.0.0.1", true },
	{ "10.255.255.255", false }, { "11.0.0.0", true },
	{ "172.15.255.255", true }, { "172.16.0.0", false }, { "172.31.255.255", false }, { "172.32.0.0", true },
	{ "192.168.0.1", false }, { "192.169.0.1", true }, { "192.167.255.255", true },
	{ "169.254.1.1", false }, { "100.63.255.255", true }, { "100.64.0.0", false }, { "100.127.255.255", false },
	{ "100.128.0.0", true }, { "0.0.0.0", false }, { "1.0.0.0", true }, { "192.0.2.1", false },
	{ "198.17.0.1", true }, { "198.18.0.1", false }, { "198.19.255.255", false }, { "198.20.0.1", true },
	{ "223.255.255.255", true }, { "224.0.0.1", false }, { "255.255.255.255", false },
	{ "::1", false }, { "::", false }, { "::2", true }, { "::ffff:192.168.0.1", false },
	{ "fbff::1", true }, { "fc00::1", false }, { "fdff::1", false }, { "fe80::1", false },
	{ "febf::1", false }, { "fec0::1", true }, { "ff02::1", false }, { "2001:db8::1", false },
	{ "2001:db9::1", true },
};

int
main(void)
{
	struct net_addr a, b;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = net_addr_parse(cases[i].text, 25, &a);

		ok(good && (net_not_public(&a) == NULL) == cases[i].is_public, "%s", cases[i].text);
	}
	net_addr_parse("10.0.0.1", 25, &a);
	net_addr_parse("10.0.0.1", 26, &b);
	ok(mxset_same(&a, &b), "the port does not matter");
	net_addr_parse("10.0.0.2", 25, &b);
	ok(!mxset_same(&a, &b), "the last byte does");
	net_addr_parse("::ffff:10.0.0.1", 25, &b);
	ok(!mxset_same(&a, &b), "and the family");
	return done_testing();
}
