/* test_hostport.c - servers as people write them. */
#include "hostport.h"

#include "tap.h"

int
main(void)
{
	static const struct {
		const char *text, *host;	/* NULL: it is none */
		unsigned port;
	} cases[] = {
		{ "db1", "db1", 5432 }, { "db1:3307", "db1", 3307 }, { "192.0.2.1:1", "192.0.2.1", 1 },
		{ "[2001:db8::1]:3307", "2001:db8::1", 3307 }, { "[2001:db8::1]", "2001:db8::1", 5432 },
		{ "2001:db8::1", "2001:db8::1", 5432 }, { "::1", "::1", 5432 }, { "/run/db:1", "/run/db:1", 5432 },
		{ "", NULL, 0 }, { ":1", NULL, 0 }, { "db1:", NULL, 0 }, { "db1:0", NULL, 0 }, { "db1:65536", NULL, 0 },
		{ "db1:65535", "db1", 65535 }, { "db1:1x", NULL, 0 }, { "[::1", NULL, 0 }, { "[::1]x", NULL, 0 },
		{ "[::1]:", NULL, 0 }, { "[]:1", NULL, 0 }, { "db1:x", NULL, 0 },
	};
	static const char *const names[][2] = {
		{ "db1", "db1" }, { "db1:3306", "db1" }, { "db1:3307", "db1:3307" }, { "[::1]:3306", "::1" },
		{ "[::1]:3307", "[::1]:3307" }, { "/run/db", "/run/db" },
	};
	char longest[HOSTPORT_BYTES + 1];
	struct hostport h;
	struct err e;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = hostport_parse(slice_of(cases[i].text), 5432, &h, &e);

		ok(good == (cases[i].host != NULL) &&
		    (!good || (strcmp(h.host, cases[i].host) == 0 && h.port == cases[i].port)), "\"%s\"", cases[i].text);
	}
	memset(longest, 'x', HOSTPORT_BYTES);
	longest[HOSTPORT_BYTES] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char name[HOSTPORT_NAME] = "";

		(void)hostport_parse(slice_of(names[i][0]), 3306, &h, &e);
		hostport_name(&h, 3306, name);
		is_str(name, names[i][1], names[i][0]);
	}
	ok(!hostport_parse(slice_of(longest), 1, &h, &e), "too long");
	ok(hostport_parse(slice_of(longest + 1), 1, &h, &e), "the longest");
	return done_testing();
}
