/* test_address.c - listeners and networks as the configuration writes them. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "tap.h"

#include "input/address.h"

#include "poison.h"

static const struct {
	const char *text, *want;	/* "kind address port", or "" for a fault */
} listeners[] = {
	{ "udp:5514", "1 127.0.0.1 5514" }, { "tcp:192.0.2.1:514", "2 192.0.2.1 514" },
	{ "relp:[2001:db8::1]:20514", "3 2001:db8::1 20514" }, { "tcp:0.0.0.0:0", "2 0.0.0.0 0" },
	{ "tcp+tls:192.0.2.1:6514", "2 192.0.2.1 6514 tls" },
	{ "relp+tls:[::1]:20514", "3 ::1 20514 tls" }, { "udp+tls:1", "" },
	{ "tcp:[::ffff:192.0.2.9]:1", "2 192.0.2.9 1" }, { "tcp:", "" }, { "tcp:x", "" },
	{ "tcp:65536", "" }, { "tcp:host:1", "" }, { "tcp:2001:db8::1:1", "" }, { "tcp:1 ", "" },
	{ "sctp:1", "" }, { "unix:x", "" }, { "", "" }, { "tcp:[::1:1", "" },
};

static const struct {
	const char *network, *address;
	int has;
} networks[] = {
	{ "192.0.2.0/24", "192.0.2.255", 1 }, { "192.0.2.0/24", "192.0.3.0", 0 },
	{ "192.0.2.7", "192.0.2.7", 1 }, { "192.0.2.7", "192.0.2.6", 0 },
	{ "192.0.2.0/25", "192.0.2.128", 0 }, { "0.0.0.0/0", "198.51.100.1", 1 },
	{ "0.0.0.0/0", "2001:db8::1", 0 }, { "2001:db8::/33", "2001:db8:7fff::", 1 },
	{ "2001:db8::/33", "2001:db8:8000::", 0 }, { "192.0.2.0/24", "::ffff:192.0.2.1", 1 },
	{ "192.0.2.0/33", "", -1 }, { "192.0.2.0/", "", -1 }, { "192.0.2", "", -1 },
	{ "a/8", "", -1 }, { "", "", -1 }, { "::/129", "", -1 },
};

static struct sockaddr_storage
address(const char *text)
{
	struct sockaddr_storage s = { .ss_family = AF_INET };

	if (inet_pton(AF_INET, text, &((struct sockaddr_in *)&s)->sin_addr) != 1) {
		s.ss_family = AF_INET6;
		(void)inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&s)->sin6_addr);
	}
	return s;
}

int
main(void)
{
	struct listen_at at;
	struct network n;
	struct sockaddr_storage a;

	for (size_t i = 0; i < sizeof listeners / sizeof *listeners; i++) {
		char got[200] = "", text[ADDRESS_TEXT_MAX];

		if (listen_parse(listeners[i].text, &at, NULL)) {
			address_text(&at.addr, text);
			snprintf(got, sizeof got, "%d %s %u%s", (int)at.kind, text, at.port,
			    at.tls ? " tls" : "");
		}
		is_str(got, listeners[i].want, listeners[i].text);
	}
	ok(listen_parse("unix:/run/x", &at, NULL) && strcmp(at.path, "/run/x") == 0, "a path");
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
		int has = allow_parse(networks[i].network, &n, NULL);

		a = address(networks[i].address);
		has = has ? allow_has(&n, &a) : -1;
		ok(has == networks[i].has, "%s in %s", networks[i].address, networks[i].network);
	}
	a = address("172.31.0.1");
	ok(address_is_near(&a), "a private address is near");
	a = address("192.0.2.1");
	ok(!address_is_near(&a), "one of the Internet's is not");
	return done_testing();
}
