/* test_peer.c - names and fingerprints of certificates. */
#include "tap.h"

#include "input/peer.h"

#include "poison.h"

#define PRINT "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static const struct {
	const char *peer, *name;
	int has;		/* -1: no peer */
} cases[] = {
	{ "mx1.example.org", "mx1.example.org", 1 }, { "mx1.example.org", "MX1.Example.ORG", 1 },
	{ "mx1.example.org", "mx1.example.or", 0 }, { "mx1.example.org", "x.mx1.example.org", 0 },
	{ "mx1.example.org", "", 0 }, { "*.example.org", "mx1.Example.org", 1 },
	{ "*.example.org", "example.org", 0 }, { "*.example.org", ".example.org", 0 },
	{ "*.example.org", "a.b.example.org", 0 }, { "*.example.org", "mx1.example.net", 0 },
	{ "*", "anything", 1 }, { "*", "", 0 }, { "Mail relay 1", "mail relay 1", 1 },
	{ "mx*.example.org", "", -1 }, { "*.*.org", "", -1 }, { "**", "", -1 }, { "", "", -1 },
	{ "*.", "", -1 }, { "a.*", "", -1 },
	{ "SHA256:" PRINT, "mx1.example.org", 0 }, { "sha256:" PRINT "0", "", -1 },
	{ "SHA256:", "", -1 }, { "SHA256:" PRINT ":", "", -1 }, { "SHA1:00:11", "", -1 },
};

int
main(void)
{
	unsigned char print[PEER_PRINT_BYTES];
	char text[PEER_PRINT_TEXT];
	struct peer p;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int has = -1;

		if (peer_parse(cases[i].peer, &p, NULL))
			has = peer_has_name(&p, slice_of(cases[i].name));
		is_int(has, cases[i].has, cases[i].peer);
	}
	for (size_t i = 0; i < sizeof print; i++)
		print[i] = (unsigned char)(i % 16 * 17);
	peer_print_text(print, text);
	is_str(text, "SHA256:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
	    "AA:BB:CC:DD:EE:FF", "a fingerprint as text");
	ok(peer_parse(text, &p, NULL) && peer_has_print(&p, print), "and back");
	ok(peer_parse("sha256:" PRINT, &p, NULL) && peer_has_print(&p, print), "without colons");
	print[31] ^= 1;
	ok(!peer_has_print(&p, print), "not another one");
	ok(peer_parse("*", &p, NULL) && !peer_has_print(&p, print), "names are no fingerprints");
	return done_testing();
}
