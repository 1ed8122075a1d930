/* test_rir.c - abuse contacts from whois dumps and delegated-extended files: the smallest range that names one,
 * handles and what they lead to, and what strangers write into such files. */
#include "tap.h"

#include "buf.h"
#include "rir.h"

#include "poison.h"

#define WIDE "inetnum: 192.0.0.0 - 192.0.255.255\norg: ORG-WIDE\ncountry: NL\nsource: RIPE # Filtered\n\n"
#define ROLE(key, mail) "role: Abuse\nnic-hdl: " key "\nabuse-mailbox: " mail "\n\n"

static const struct {
	const char *what, *text, *net, *mail, *registry, *country;
} cases[] = {
	{ "a mailbox in the object itself", "inetnum: 192.0.2.0 - 192.0.2.255\nabuse-mailbox: abuse@example.net\n"
	    "country: DE\nsource: RIPE\n", "192.0.2.0/24", "abuse@example.net", "RIPE", "DE" },
	{ "by abuse-c", "inetnum:        192.0.2.0 - 192.0.3.255\nabuse-c: AB-RIPE\n\n" ROLE("AB-RIPE", "a@example.net"),
	    "192.0.2.0/24", "a@example.net", "", "" },
	{ "a role before the network", ROLE("ab-ripe", "a@example.net") "inetnum: 192.0.2.0/24\nabuse-c: AB-RIPE\n",
	    "192.0.2.0/24", "a@example.net", "", "" },
	{ "by the organisation's abuse-c", WIDE ROLE("X1-RIPE", "x@example.com")
	    "organisation: ORG-WIDE\nabuse-c: X1-RIPE\n", "192.0.2.0/24", "x@example.com", "RIPE", "NL" },
	{ "by the organisation's own mailbox", WIDE "organisation: ORG-WIDE\nabuse-mailbox: o@example.com\n",
	    "192.0.2.0/24", "o@example.com", "RIPE", "NL" },
	{ "by the incident team", "inet6num: 2001:db8::/32\nmnt-irt: IRT-EX-AP\n\nirt: IRT-EX-AP\n"
	    "abuse-mailbox: irt@example.com\n", "2001:db8:1:2::/64", "irt@example.com", "", "" },
	{ "the smaller range wins", WIDE "inetnum: 192.0.2.0 - 192.0.2.255\nabuse-mailbox: small@example.net\n\n"
	    "inetnum: 192.0.0.0 - 192.0.127.255\nabuse-mailbox: big@example.net\n", "192.0.2.0/24",
	    "small@example.net", "", "" },
	{ "a smaller one that names nobody does not", "inetnum: 192.0.2.0 - 192.0.2.255\ncountry: FR\n\n"
	    "inetnum: 192.0.0.0 - 192.0.127.255\nabuse-mailbox: big@example.net\n", "192.0.2.0/24",
	    "big@example.net", "", "FR" },
	{ "a smaller organisation without contact neither", WIDE "inetnum: 192.0.2.0 - 192.0.2.255\norg: ORG-NONE\n\n"
	    "inetnum: 192.0.0.0 - 192.0.127.255\nabuse-mailbox: big@example.net\n", "192.0.2.0/24",
	    "big@example.net", "", "" },
	{ "a part of the network is not the network", "inetnum: 192.0.2.0 - 192.0.2.127\n"
	    "abuse-mailbox: part@example.net\n", "192.0.2.0/24", "", "", "" },
	{ "whole blocks are nobody's", "inetnum: 0.0.0.0 - 255.255.255.255\nabuse-mailbox: all@example.net\n",
	    "192.0.2.0/24", "", "", "" },
	{ "a delegation", "2|ripencc|20260101|9|19920101|20260101|+0000\nripencc|*|ipv4|*|7|summary\n"
	    "ripencc|NL|ipv4|192.0.2.0|512|20010101|allocated|A0-1\n", "192.0.2.0/24", "", "ripencc", "NL" },
	{ "a delegation of IPv6", "apnic|JP|ipv6|2001:db8::|32|20010101|allocated|A0-1\n", "2001:db8::/64", "",
	    "apnic", "JP" },
	{ "a delegation beside", "ripencc|NL|ipv4|192.0.3.0|256|20010101|allocated|A0-1\n", "192.0.2.0/24", "", "",
	    "" },
	{ "a delegation past the end", "ripencc|NL|ipv4|255.255.255.0|4294967295|20010101|allocated|A\n"
	    "inetnum: 192.0.2.0/24\n", "255.255.255.0/24", "", "", "" },
	{ "no address", "inetnum: 192.0.2.0/24\nabuse-mailbox: <script>@example.net\n", "192.0.2.0/24", "", "", "" },
	{ "nor this", "inetnum: 192.0.2.0/24\nabuse-mailbox: $(id)@x|y\nabuse-mailbox: abuse at example\n",
	    "192.0.2.0/24", "", "", "" },
	{ "a broken range", "inetnum: 192.0.2.0 - 192.0.2\nabuse-mailbox: a@example.net\n\ninetnum: 192.0.9.0/24\n",
	    "192.0.2.0/24", "", "", "" },
	{ "a range that ends before it begins", "inetnum: 192.0.9.0 - 192.0.1.0\nabuse-mailbox: a@example.net\n",
	    "192.0.2.0/24", "", "", "" },
	{ "lines of other systems", "inetnum: 192.0.2.0 - 192.0.2.255\r\nabuse-mailbox: a@example.net\r\n\r\n",
	    "192.0.2.0/24", "a@example.net", "", "" },
	{ "handles in a ring", "inetnum: 192.0.2.0/24\nabuse-c: A-1\n\norganisation: A-1\nabuse-c: A-2\n\n"
	    "organisation: A-2\nabuse-c: A-1\n", "192.0.2.0/24", "", "", "" }
};

/* Many networks, and a file in which each has its own contact. */
static void
test_many(void)
{
	enum { MANY = 3000 };
	static struct rir_want want[MANY];
	struct buf text = buf_new(1 << 20);
	unsigned right = 0;

	for (unsigned i = 0; i < MANY; i++) {
		struct buf b = buf_new(100);

		buf_fmt(&b, "10.%u.%u.0/24", (i * 7 % MANY) / 256, (i * 7 % MANY) % 256);
		(void)network_parse(buf_slice(&b), &want[i].net);
		buf_fmt(&text, "inetnum: 10.%u.%u.0 - 10.%u.%u.255\nabuse-c: H%u\n\nrole: x\nnic-hdl: H%u\n"
		    "abuse-mailbox: a%u@example.net\n\n", i / 256, i % 256, i / 256, i % 256, i, i, i);
		buf_free(&b);
	}
	ok(rir_find_text(buf_slice(&text), want, MANY, NULL), "many");
	for (unsigned i = 0; i < MANY; i++) {
		char mail[40];

		snprintf(mail, sizeof mail, "a%u@example.net", want[i].net.a[1] * 256u + want[i].net.a[2]);
		right += strcmp(want[i].mail, mail) == 0;
	}
	is_int(right, MANY, "each has its own");
	buf_free(&text);
}

int
main(void)
{
	struct rir_want w;
	struct err e = { "" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(&w, 0, sizeof w);
		(void)network_parse(slice_of(cases[i].net), &w.net);
		ok(rir_find_text(slice_of(cases[i].text), &w, 1, &e), "read: %s", cases[i].what);
		is_str(w.mail, cases[i].mail, cases[i].what);
		is_str(w.registry, cases[i].registry, "its registry");
		is_str(w.country, cases[i].country, "its country");
	}
	ok(!rir_find_text(SLICE("<html>404 Not Found</html>\n"), &w, 1, &e), "something else is refused");
	ok(!rir_find_text(SLICE(""), &w, 1, &e), "as is nothing");
	test_many();
	return done_testing();
}
