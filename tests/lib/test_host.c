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
	static const struct {
		const char *asked, *name;
		bool meant;
	} asked[] = {
		{ "mx1", "mx1", true }, { "mx1.example.org", "mx1", true }, { "mx1", "mx1.example.org", true },
		{ "MX1", "mx1", true }, { "mx1.example.org", "MX1.Example.Org", true },
		{ "mx1.example.org", "mx1.example.net", false }, { "mx1", "mx10", false },
		{ "mx10", "mx1", false }, { "mx", "mx1", false }, { "", "mx1", false },
		{ "192.0.2.7", "192.0.2.7", true }, { "192", "192.0.2.7", false },
		{ "192.0.2.7", "192.0.2.8", false }
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(slice_eq(host_label(slice_of(cases[i].name)), slice_of(cases[i].want)),
		    "\"%s\" is \"%s\"", cases[i].name, cases[i].want);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		ok(host_meant(slice_of(asked[i].asked), slice_of(asked[i].name)) == asked[i].meant,
		    "who asks for %s %s %s", asked[i].asked, asked[i].meant ? "means" : "does not mean",
		    asked[i].name);
	return done_testing();
}
