/* address.c - addresses and networks of the configuration, see address.h. */
#include "input/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "slice.h"

#include "poison.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
parse_path(const char *path, struct listen_at *at, struct err *e)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&at->addr;

	if (path[0] != '/' || strlen(path) >= sizeof un->sun_path)
		return err_set(e, "must be a path from the root, /..., of less than %zu bytes",
		    sizeof un->sun_path);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	at->addr_n = sizeof *un;
	at->path = path;
	return true;
}

static bool
set_host(struct slice host, struct listen_at *at)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&at->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&at->addr;
	char text[ADDRESS_TEXT_MAX];

	if (host.n >= sizeof text)
		return false;
	if (slice_eat_char(&host, '[') && slice_ends(host, SLICE("]"))) {
		snprintf(text, sizeof text, "%.*s", (int)host.n - 1, host.p);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)at->port);
		at->addr_n = sizeof *in6;
		return inet_pton(AF_INET6, text, &in6->sin6_addr) == 1;
	}
	snprintf(text, sizeof text, "%.*s", (int)host.n, host.p);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)at->port);
	at->addr_n = sizeof *in;
	return inet_pton(AF_INET, host.n == 0 ? "127.0.0.1" : text, &in->sin_addr) == 1;
}

bool
listen_parse(const char *text, struct listen_at *at, struct err *e)
{
	static const struct { const char *name; enum listen_kind kind; bool tls; } kinds[] = {
		{ "unix:", LISTEN_UNIX, false }, { "udp:", LISTEN_UDP, false },
		{ "tcp:", LISTEN_TCP, false }, { "relp:", LISTEN_RELP, false },
		{ "tcp+tls:", LISTEN_TCP, true }, { "relp+tls:", LISTEN_RELP, true }
	};
	struct slice s = slice_of(text), host = SLICE("");
	bool known = false;
	uint64_t port;

	*at = (struct listen_at){ 0 };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !known; i++) {
		known = slice_eat(&s, slice_of(kinds[i].name));
		at->kind = kinds[i].kind;
		at->tls = kinds[i].tls;
	}
	if (!known)
		return err_set(e, "must begin with unix:, udp:, tcp:, relp:, tcp+tls: or relp+tls:");
	if (at->kind == LISTEN_UNIX)
		return parse_path(s.p, at, e);
	(void)slice_rcut_at(&s, SLICE(":"), &host);
	if (!slice_u64(&s, &port) || s.n > 0 || port > 65535)
		return err_set(e, "must end with a port, as in tcp:127.0.0.1:5514");
	at->port = (unsigned)port;
	if (!set_host(host, at))
		return err_set(e, "%.*s is not an address; write 192.0.2.1 or [2001:db8::1]",
		    (int)host.n, host.p);
	return true;
}

static bool
bytes_of(const struct sockaddr_storage *a, unsigned char out[16])
{
	if (a->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
		return true;
	}
	if (a->ss_family != AF_INET)
		return false;
	memcpy(out, mapped, sizeof mapped);
	memcpy(out + 12, &((const struct sockaddr_in *)a)->sin_addr, 4);
	return true;
}

bool
allow_parse(const char *text, struct network *n, struct err *e)
{
	struct slice all = slice_of(text), addr;

	if (network_parse(all, n))
		return true;
	if (!slice_cut(&all, '/', &addr) || !network_parse(addr, n))
		return err_set(e, "not an address or network; write 192.0.2.0/24 or 2001:db8::/32");
	return err_set(e, "the part behind / must be from 0 to %d", n->family == 4 ? 32 : 128);
}

bool
allow_has(const struct network *n, const struct sockaddr_storage *a)
{
	struct network one = { .family = 6, .bits = 128 }, wide = *n;

	if (!bytes_of(a, one.a))
		return false;
	if (n->family == 4) {
		memcpy(wide.a, mapped, sizeof mapped);
		memcpy(wide.a + 12, n->a, 4);
		wide.family = 6;
		wide.bits = (uint8_t)(n->bits + 96);
	}
	return network_holds(&wide, &one);
}

bool
address_is_near(const struct sockaddr_storage *a)
{
	static const char *const near[] = { "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
		"192.168.0.0/16", "169.254.0.0/16", "::1", "fc00::/7", "fe80::/10" };
	struct network n;

	for (size_t i = 0; i < sizeof near / sizeof *near; i++)
		if (network_parse(slice_of(near[i]), &n) && allow_has(&n, a))
			return true;
	return false;
}

void
address_text(const struct sockaddr_storage *a, char text[ADDRESS_TEXT_MAX])
{
	unsigned char b[16] = { 0 };
	bool v4;

	(void)bytes_of(a, b);
	v4 = memcmp(b, mapped, sizeof mapped) == 0;
	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? b + 12 : b, text, ADDRESS_TEXT_MAX) == NULL)
		text[0] = '\0';
}
