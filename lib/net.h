/* net.h - addresses, connections that do not wait, and the header of the PROXY protocol.
 *
 * Nothing here blocks and nothing asks a name server: names are dns.h's. */
#ifndef MX_NET_H
#define MX_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "buf.h"
#include "err.h"

struct net_addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]". False: this is no address. */
bool net_addr_parse(const char *text, uint16_t port, struct net_addr *a);
/* AF_INET, AF_INET6 or, of neither or both, AF_UNSPEC. */
int net_family(bool four, bool six);
/* False and *e: host is an address of the other family, or neither address nor name; names may have one of either.
 * NULL fits. */
bool net_fits(const char *host, int family, struct err *e);
/* A socket in the file system. False and *e: the path is too long. */
bool net_addr_unix(const char *path, struct net_addr *a, struct err *e);
void net_addr_set_port(struct net_addr *a, uint16_t port);
uint16_t net_addr_port(const struct net_addr *a);
/* The 4 bytes of an IPv4 address, or 16 of an IPv6 one, in the network's order. */
const unsigned char *net_addr_bytes(const struct net_addr *a);
/* Without the port; of a socket in the file system its path. */
void net_addr_print(struct buf *b, const struct net_addr *a);

/* In words, why nobody out there could reach this address: "loopback", "private (RFC 1918)"; NULL: it
 * is a public one. */
const char *net_not_public(const struct net_addr *a);

/* Begin a connection; source may be NULL. Returns 0 and *fd, on which POLLOUT tells that
 * net_connected() may be asked, or an errno. The caller closes *fd. */
int net_connect(const struct net_addr *to, const struct net_addr *source, int *fd);
/* 0: it stands; else an errno. */
int net_connected(int fd);
/* Our own end of a connection. */
bool net_own(int fd, struct net_addr *a);
/* Is this errno of a connection trouble of this machine's own, and not of the peer? */
bool net_error_is_ours(int error);

/* What the PROXY protocol (version 1 or 2) says at the start of a connection: it comes
 * from client to server. In version 2 client may be NULL: "from the proxy itself".
 * False and *e: the two are of different families, or no Internet addresses. */
bool net_proxy_header(struct buf *b, int version, const struct net_addr *client,
    const struct net_addr *server, struct err *e);

#endif
