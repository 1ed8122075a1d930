/* address.h - where a listener listens, and whom it hears: texts of the configuration.
 *
 * Addresses are numbers, never names: a configuration must not wait for the DNS. */
#ifndef MX_ADDRESS_H
#define MX_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "err.h"
#include "network.h"

enum listen_kind { LISTEN_UNIX, LISTEN_UDP, LISTEN_TCP, LISTEN_RELP };

struct listen_at {
	enum listen_kind kind;
	struct sockaddr_storage addr;
	socklen_t addr_n;
	unsigned port;		/* 0: the system chooses, or LISTEN_UNIX */
	bool tls;
	const char *path;	/* of LISTEN_UNIX: in the text that was parsed */
};

/* "unix:/PATH", "udp:ADDRESS:PORT", "tcp:...", "relp:...", "tcp+tls:...", "relp+tls:..."; an
 * IPv6 address stands in brackets, and no address ("tcp:5514") is 127.0.0.1. */
bool listen_parse(const char *text, struct listen_at *at, struct err *e);

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32"; *e says what is wrong with another. */
bool allow_parse(const char *text, struct network *n, struct err *e);
/* Is the sender's address of it? IPv4 is ::ffff:... for both. */
bool allow_has(const struct network *n, const struct sockaddr_storage *a);
/* This machine, and the addresses that the Internet does not route (RFC 1918, 4193,
 * 3927, 4291). */
bool address_is_near(const struct sockaddr_storage *a);

enum { ADDRESS_TEXT_MAX = 64 };
/* Without the port; IPv4 that came in by an IPv6 socket looks as IPv4. */
void address_text(const struct sockaddr_storage *a, char text[ADDRESS_TEXT_MAX]);

#endif
