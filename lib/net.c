/* net.c - addresses and connections that do not wait. See net.h. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "poison.h"

static struct sockaddr_in *
v4(const struct net_addr *a)
{
	return (struct sockaddr_in *)(uintptr_t)&a->sa;
}

static struct sockaddr_in6 *
v6(const struct net_addr *a)
{
	return (struct sockaddr_in6 *)(uintptr_t)&a->sa;
}

bool
net_addr_parse(const char *text, uint16_t port, struct net_addr *a)
{
	char bare[INET6_ADDRSTRLEN + 1];
	size_t n = strlen(text);

	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof bare)
		return false;
	memcpy(bare, text, n);
	bare[n] = '\0';
	*a = (struct net_addr){ .len = 0 };
	if (inet_pton(AF_INET, bare, &v4(a)->sin_addr) == 1) {
		a->sa.ss_family = AF_INET;
		a->len = sizeof(struct sockaddr_in);
	} else if (inet_pton(AF_INET6, bare, &v6(a)->sin6_addr) == 1) {
		a->sa.ss_family = AF_INET6;
		a->len = sizeof(struct sockaddr_in6);
	}
	net_addr_set_port(a, port);
	return a->len > 0;
}

int
net_family(bool four, bool six)
{
	return four == six ? AF_UNSPEC : four ? AF_INET : AF_INET6;
}

bool
net_fits(const char *host, int family, struct err *e)
{
	struct net_addr a;

	if (host == NULL)
		return true;
	if (!net_addr_parse(host, 0, &a) && host[strcspn(host, "/@ ")] != '\0')
		return err_set(e, "%s is neither a name nor an address", host);
	if (!net_addr_parse(host, 0, &a))	/* '%': of a link, which some resolvers take */
		return strchr(host, ':') == NULL || strchr(host, '%') != NULL ||
		    err_set(e, "%s is neither a name nor an address; a port is no part of it", host);
	if (family == AF_UNSPEC || a.sa.ss_family == family)
		return true;
	return err_set(e, family == AF_INET6 ? "%s is an IPv4 address, and -6 asks for IPv6 alone" :
	    "%s is an IPv6 address, and -4 asks for IPv4 alone", host);
}

bool
net_addr_unix(const char *path, struct net_addr *a, struct err *e)
{
	struct sockaddr_un *u = (struct sockaddr_un *)&a->sa;

	*a = (struct net_addr){ .len = sizeof *u };
	if (strlen(path) >= sizeof u->sun_path)
		return err_set(e, "%s: the path of a socket has at most %zu bytes", path,
		    sizeof u->sun_path - 1);
	u->sun_family = AF_UNIX;
	memcpy(u->sun_path, path, strlen(path));
	return true;
}

void
net_addr_set_port(struct net_addr *a, uint16_t port)
{
	if (a->sa.ss_family == AF_INET)
		v4(a)->sin_port = htons(port);
	else if (a->sa.ss_family == AF_INET6)
		v6(a)->sin6_port = htons(port);
}

uint16_t
net_addr_port(const struct net_addr *a)
{
	if (a->sa.ss_family == AF_INET)
		return ntohs(v4(a)->sin_port);
	return a->sa.ss_family == AF_INET6 ? ntohs(v6(a)->sin6_port) : 0;
}

const unsigned char *
net_addr_bytes(const struct net_addr *a)
{
	return a->sa.ss_family == AF_INET6 ? v6(a)->sin6_addr.s6_addr :
	    (const unsigned char *)&v4(a)->sin_addr;
}

void
net_addr_print(struct buf *b, const struct net_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->sa.ss_family == AF_UNIX)
		buf_str(b, ((const struct sockaddr_un *)&a->sa)->sun_path);
	else if (a->sa.ss_family == AF_INET)
		buf_str(b, inet_ntop(AF_INET, &v4(a)->sin_addr, text, sizeof text));
	else if (a->sa.ss_family == AF_INET6)
		buf_str(b, inet_ntop(AF_INET6, &v6(a)->sin6_addr, text, sizeof text));
}

int
net_connect(const struct net_addr *to, const struct net_addr *source, int *fd)
{
	int on = 1, s = socket(to->sa.ss_family, SOCK_STREAM, 0), error;

	*fd = -1;
	if (s < 0)
		return errno;
	if (fcntl(s, F_SETFL, O_NONBLOCK) != 0 || fcntl(s, F_SETFD, FD_CLOEXEC) != 0 ||
	    (source != NULL && bind(s, (const struct sockaddr *)&source->sa, source->len) != 0))
		goto failed;
	/* commands are small and each waits for its reply */
	if (to->sa.ss_family != AF_UNIX)
		(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(s, (const struct sockaddr *)&to->sa, to->len) != 0 && errno != EINPROGRESS)
		goto failed;
	*fd = s;
	return 0;
failed:
	error = errno;
	close(s);
	return error;
}

int
net_connected(int fd)
{
	int error = 0;
	socklen_t n = sizeof error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 ? errno : error;
}

bool
net_own(int fd, struct net_addr *a)
{
	a->len = sizeof a->sa;
	return getsockname(fd, (struct sockaddr *)&a->sa, &a->len) == 0;
}

bool
net_error_is_ours(int error)
{
	switch (error) {
	case ENETUNREACH:	/* no route; a router that says so sends EHOSTUNREACH */
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case EAFNOSUPPORT:
	case EACCES:
	case EPERM:
	case EINVAL:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return true;
	}
	return false;
}

static bool
proxy_v1(struct buf *b, const struct net_addr *client, const struct net_addr *server)
{
	buf_fmt(b, "PROXY TCP%c ", client->sa.ss_family == AF_INET ? '4' : '6');
	net_addr_print(b, client);
	buf_char(b, ' ');
	net_addr_print(b, server);
	buf_fmt(b, " %u %u\r\n", net_addr_port(client), net_addr_port(server));
	return true;
}

static void
raw_address(struct buf *b, const struct net_addr *a)
{
	if (a->sa.ss_family == AF_INET)
		buf_add(b, (struct slice){ (const char *)&v4(a)->sin_addr, 4 });
	else
		buf_add(b, (struct slice){ (const char *)&v6(a)->sin6_addr, 16 });
}

static void
raw_port(struct buf *b, const struct net_addr *a)
{
	buf_char(b, (char)(net_addr_port(a) >> 8));
	buf_char(b, (char)(net_addr_port(a) & 255));
}

/* version and command, family and protocol, length; then addresses and ports */
static bool
proxy_v2(struct buf *b, const struct net_addr *client, const struct net_addr *server)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	bool four = client != NULL && client->sa.ss_family == AF_INET;

	buf_add(b, SLICE(signature));
	buf_char(b, client != NULL ? 0x21 : 0x20);
	buf_char(b, client == NULL ? 0 : four ? 0x11 : 0x21);
	buf_char(b, 0);
	buf_char(b, client == NULL ? 0 : four ? 12 : 36);
	if (client != NULL) {
		raw_address(b, client);
		raw_address(b, server);
		raw_port(b, client);
		raw_port(b, server);
	}
	return true;
}

bool
net_proxy_header(struct buf *b, int version, const struct net_addr *client,
    const struct net_addr *server, struct err *e)
{
	if (client == NULL && version == 2)
		return proxy_v2(b, NULL, NULL);
	if (client == NULL || client->sa.ss_family != server->sa.ss_family ||
	    client->sa.ss_family == AF_UNIX)
		return err_set(e, "the PROXY protocol needs two Internet addresses of one family");
	return version == 1 ? proxy_v1(b, client, server) : proxy_v2(b, client, server);
}

/* --- addresses that only we can see ---------------------------------------------------------- */

static const struct {
	const char *net;
	unsigned bits;
	const char *why;
} special[] = {	/* the registries of RFC 6890 */
	{ "127.0.0.0", 8, "loopback" },
	{ "10.0.0.0", 8, "private (RFC 1918)" },
	{ "172.16.0.0", 12, "private (RFC 1918)" },
	{ "192.168.0.0", 16, "private (RFC 1918)" },
	{ "169.254.0.0", 16, "of a link only" },
	{ "100.64.0.0", 10, "of a provider's inside (RFC 6598)" },
	{ "0.0.0.0", 8, "no address of a host" },
	{ "192.0.0.0", 24, "reserved" },
	{ "192.0.2.0", 24, "for documentation" },
	{ "198.51.100.0", 24, "for documentation" },
	{ "203.0.113.0", 24, "for documentation" },
	{ "198.18.0.0", 15, "for benchmarks" },
	{ "224.0.0.0", 3, "multicast or reserved" },
	{ "::1", 128, "loopback" },
	{ "::", 128, "no address of a host" },
	{ "::ffff:0:0", 96, "IPv4 in an IPv6 address" },
	{ "fc00::", 7, "private (RFC 4193)" },
	{ "fe80::", 10, "of a link only" },
	{ "2001:db8::", 32, "for documentation" },
	{ "ff00::", 8, "multicast" },
};

static bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 &&
	    (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0);
}

const char *
net_not_public(const struct net_addr *a)
{
	for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
		struct net_addr net;

		if (net_addr_parse(special[i].net, 0, &net) && net.sa.ss_family == a->sa.ss_family &&
		    same_bits(net_addr_bytes(a), net_addr_bytes(&net), special[i].bits))
			return special[i].why;
	}
	return NULL;
}
