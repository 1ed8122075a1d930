/* dnsbl_targets.c - see dnsbl_targets.h. Only dnsbl_target_host() asks name servers. */
#include "dnsbl_targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "wholefile.h"

#include "poison.h"

enum { FILE_BYTES = 1 << 20, NET_BITS_MAX = 12, DISCARD = 9 };

static bool
add_address(struct dnsbl_run *r, const struct net_addr *a, struct err *e)
{
	struct buf b = buf_new(64);
	bool good;

	net_addr_print(&b, a);
	good = dnsbl_add_target(r, buf_slice(&b), e);
	buf_free(&b);
	return good;
}

/* All addresses of a network, from its first on. */
static bool
add_net(struct dnsbl_run *r, const struct net_addr *first, unsigned host_bits, struct err *e)
{
	size_t bytes = first->sa.ss_family == AF_INET ? 4 : 16;
	/* where the address ends; both families keep theirs in the network's order */
	size_t at = (size_t)(net_addr_bytes(first) - (const unsigned char *)first) + bytes;

	for (unsigned i = 0; i < 1u << host_bits; i++) {
		struct net_addr a = *first;
		unsigned char *end = (unsigned char *)&a + at;
		unsigned low = (unsigned)end[-1] | (unsigned)end[-2] << 8;

		low = (low & ~((1u << host_bits) - 1)) | i;
		end[-1] = (unsigned char)low;
		end[-2] = (unsigned char)(low >> 8);
		if (!add_address(r, &a, e))
			return false;
	}
	return true;
}

bool
dnsbl_target_net(struct dnsbl_run *r, struct slice text, struct err *e)
{
	struct slice rest = slice_trim(text), head;
	struct net_addr a;
	uint64_t bits;
	unsigned all;
	char *address;
	bool good;

	if (!slice_cut(&rest, '/', &head))
		return dnsbl_add_target(r, rest, e);
	address = xslicedup(head);
	good = net_addr_parse(address, 0, &a);
	free(address);
	all = good && a.sa.ss_family == AF_INET6 ? 128 : 32;
	if (!good || !slice_u64(&rest, &bits) || rest.n > 0 || bits > all)
		return err_set(e, "%.*s: this is no network", (int)slice_head(text, 100).n, text.p);
	if (all - bits > NET_BITS_MAX)
		return err_set(e, "%.*s has more than %d addresses", (int)slice_head(text, 100).n, text.p,
		    1 << NET_BITS_MAX);
	return add_net(r, &a, (unsigned)(all - bits), e);
}

bool
dnsbl_target_file(struct dnsbl_run *r, const char *path, struct err *e)
{
	struct buf text = buf_new(FILE_BYTES);
	bool good = wholefile_read(&text, path, e);
	struct slice rest = text.n > 0 ? buf_slice(&text) : SLICE(""), line;
	struct err why = { "" };
	bool any = false;

	for (unsigned number = 1; good && slice_next(&rest, '\n', &line); number++) {
		line = slice_trim(slice_head(line, slice_until(line, '#', '\n')));
		any = any || line.n > 0;
		good = line.n == 0 || dnsbl_target_net(r, line, &why) ||
		    err_set(e, "%s:%u: %s", path, number, why.text);
	}
	buf_free(&text);
	return good && (any || err_set(e, "%s has no address", path));
}

/* --- a host's ---------------------------------------------------------------------------------- */

struct found {
	struct net_addr addr[DNS_ADDRS_MAX];
	size_t n;
	bool answered;
	char why[200];
};

static void
on_addrs(void *arg, const struct dns_answer *a, const struct net_addr *addr, size_t n)
{
	struct found *f = arg;

	f->answered = true;
	f->n = n;
	memcpy(f->addr, addr, n * sizeof *addr);
	(void)snprintf(f->why, sizeof f->why, "%s", a->why);
}

bool
dnsbl_target_host(struct dnsbl_run *r, const char *name, struct err *e)
{
	struct found *f = xcalloc(1, sizeof *f);	/* a late answer finds it */

	dns_addrs(r->dns, name, AF_UNSPEC, on_addrs, f);
	while (!f->answered && clock_now() < r->deadline)
		dns_wait(r->dns, r->deadline);
	for (size_t i = 0; i < f->n; i++)
		if (!add_address(r, &f->addr[i], e))
			return false;
	return f->n > 0 || err_set(e, "address of %s: %s", name, f->answered ? f->why : "no answer in time");
}

/* --- our own ----------------------------------------------------------------------------------- */

/* Nothing is sent: connecting a datagram socket asks for the route alone. */
static bool
own_toward(const char *somewhere, struct net_addr *own)
{
	struct net_addr to;
	bool good;
	int fd;

	if (!net_addr_parse(somewhere, DISCARD, &to))
		return false;
	fd = socket(to.sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	good = fd >= 0 && connect(fd, (const struct sockaddr *)&to.sa, to.len) == 0 && net_own(fd, own);
	if (fd >= 0)
		close(fd);
	return good;
}

bool
dnsbl_target_own(struct dnsbl_run *r, struct err *e)
{
	static const char *const root[] = { "198.41.0.4", "2001:503:ba3e::2:30" };	/* any public one */
	size_t had = r->targets;

	for (int i = 0; i < 2; i++) {
		struct net_addr own;
		struct buf b = buf_new(64);
		const char *why;

		if (own_toward(root[i], &own)) {
			net_addr_print(&b, &own);
			why = net_not_public(&own);
			if (why != NULL)
				err_set(e, "this machine's address %s is not asked for: %s; name the one that "
				    "the world sees by -H", b.p, why);
			else
				(void)dnsbl_add_target(r, buf_slice(&b), NULL);
		}
		buf_free(&b);
	}
	return r->targets > had;
}
