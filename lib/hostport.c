/* hostport.c - see hostport.h. */
#include "hostport.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "poison.h"

/* A path of a local socket has no port. */
static bool
split(struct slice text, struct slice *host, struct slice *port)
{
	struct slice s = text;

	*port = SLICE("");
	*host = text;
	if (slice_eat_char(&s, '['))
		return slice_cut(&s, ']', host) && (s.n == 0 || (slice_eat_char(&s, ':') && (*port = s).n > 0));
	if (text.n > 0 && text.p[0] == '/')
		return true;
	if (!slice_cut(&s, ':', host))
		return true;
	if (slice_has(s, SLICE(":"))) {		/* an IPv6 address */
		*host = text;
		return true;
	}
	*port = s;
	return s.n > 0;
}

bool
hostport_parse(struct slice text, unsigned port, struct hostport *h, struct err *e)
{
	struct slice host, number;
	uint64_t n = port;

	if (!split(text, &host, &number) || host.n == 0 || host.n >= HOSTPORT_BYTES)
		return err_set(e, "%.*s: this is no host", (int)slice_head(text, HOSTPORT_BYTES).n, text.p);
	if (number.n > 0 && (!slice_u64(&number, &n) || number.n > 0 || n < 1 || n > 65535))
		return err_set(e, "%.*s: this is no port", (int)slice_head(text, HOSTPORT_BYTES).n, text.p);
	(void)snprintf(h->host, sizeof h->host, "%.*s", (int)host.n, host.p);
	h->port = (unsigned)n;
	return true;
}

void
hostport_name(const struct hostport *h, unsigned usual, char name[HOSTPORT_NAME])
{
	bool brackets = strchr(h->host, ':') != NULL && h->host[0] != '/';

	if (h->port == usual)
		(void)snprintf(name, HOSTPORT_NAME, "%s", h->host);
	else
		(void)snprintf(name, HOSTPORT_NAME, brackets ? "[%s]:%u" : "%s:%u", h->host, h->port);
}

static bool
look_up(const struct hostport *h, struct addrinfo **a, struct err *e)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM };
	char port[8];
	int rc;

	(void)snprintf(port, sizeof port, "%u", h->port);
	rc = getaddrinfo(h->host, port, &hint, a);
	return rc == 0 || err_set(e, "%s has no address: %s", h->host, gai_strerror(rc));
}

bool
hostport_resolves(const struct hostport *h, struct err *e)
{
	struct addrinfo *a = NULL;

	if (h->host[0] == '/' || h->host[0] == '@')
		return true;
	if (!look_up(h, &a, e))
		return false;
	freeaddrinfo(a);
	return true;
}

bool
hostport_connects(const struct hostport *h, struct err *e)
{
	struct addrinfo *a = NULL;
	int error = 0;
	bool good = false;

	if (!look_up(h, &a, e))
		return false;
	for (const struct addrinfo *i = a; i != NULL && !good; i = i->ai_next) {
		int fd = socket(i->ai_family, i->ai_socktype, i->ai_protocol);

		good = fd >= 0 && connect(fd, i->ai_addr, i->ai_addrlen) == 0;
		if (!good && (error == 0 || fd >= 0))
			error = errno;	/* of the families that there are here */
		if (fd >= 0)
			close(fd);
	}
	freeaddrinfo(a);
	return good || err_set(e, "port %u: %s", h->port, strerror(error));
}
