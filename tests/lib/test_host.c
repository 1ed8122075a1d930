/* test_host.c - what a host is known by. */
#include "host.h"
#include "tap.h"

int
main(void)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "mx1", "mx1" }, { "mx1.example.org", "mx1" }, { "", "" },
		{ "192.0.2.7", "192.0.2.7" }, { "2001:db8::7", "2001:db8::7" }, { "::1", "::1" },
		{ "cafe1.de", "cafe1" },	/* all its letters are hexadecimal digits too */
		{ "fe.ed1", "fe" }, { "1.example.org", "1" }, { ".example.org", ".example.org" }
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(slice_eq(host_label(slice_of(cases[i].name)), slice_of(cases[i].want)),
		    "\"%s\" is \"%s\"", cases[i].name, cases[i].want);
	return done_testing();
}
