/* mxset.c - who receives a domain's mail. See mxset.h.
 *
 * RFC 5321 5.1 is followed: no MX means the domain's own addresses; an MX that cannot be used never
 * does. */
#include "mxset.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "smtp.h"

#include "poison.h"

enum { NAME_BYTES = 1024 };

static void
on_address(void *arg, const struct dns_answer *a)
{
	struct mxset_host *h = arg;
	struct dns_cursor at = { 0 };
	struct dns_record r;

	h->waiting--;
	while (a->state == DNS_FOUND && dns_next(a, &at, &r)) {
		struct net_addr n = { .len = 0 };

		h->alias = h->alias || r.type == DNS_CNAME;
		if (r.type == DNS_A && r.data.n == 4) {
			n.sa.ss_family = AF_INET;
			n.len = sizeof(struct sockaddr_in);
			memcpy(&((struct sockaddr_in *)&n.sa)->sin_addr, r.data.p, 4);
		} else if (r.type == DNS_AAAA && r.data.n == 16) {
			n.sa.ss_family = AF_INET6;
			n.len = sizeof(struct sockaddr_in6);
			memcpy(&((struct sockaddr_in6 *)&n.sa)->sin6_addr, r.data.p, 16);
		} else {
			continue;
		}
		h->ttl = r.ttl > h->ttl ? r.ttl : h->ttl;
		net_addr_set_port(&n, h->set->port);
		if (h->addrs < MXSET_ADDRS)
			h->addr[h->addrs++] = n;
		else
			h->set->left_out++;
	}
	if (a->state == DNS_TROUBLE || a->fault == DNS_NO_NAME)
		err_set(&h->trouble, "%s%s", a->why, dns_asked(h->set->dns, a));
}

/* DNS allows every byte in a name; this one will stand behind EHLO. */
static bool
is_host_name(const char *name)
{
	while (*name != '\0' && (slice_is_alnum(*name) || strchr("-._", *name) != NULL))
		name++;
	return *name == '\0';
}

static void
resolve(struct mxset_host *h)
{
	struct net_addr a;

	h->literal = net_addr_parse(h->name, 0, &a);
	if (h->literal)
		return;
	if (!is_host_name(h->name)) {
		err_set(&h->trouble, "this is no name of a host");
		return;
	}
	h->waiting = h->set->family == AF_UNSPEC ? 2 : 1;
	if (h->set->family != AF_INET6)
		dns_ask(h->set->dns, h->name, DNS_A, on_address, h);
	if (h->set->family != AF_INET)
		dns_ask(h->set->dns, h->name, DNS_AAAA, on_address, h);
}

static void
add_host(struct mxset *m, unsigned preference, const char *name)
{
	struct mxset_host *h = &m->host[m->hosts];

	if (m->hosts >= MXSET_HOSTS) {
		m->left_out++;
		return;
	}
	m->hosts++;
	*h = (struct mxset_host){ .set = m, .name = xstrdup(name), .preference = preference };
	for (char *c = h->name; *c != '\0'; c++)
		*c = slice_lower(*c);
}

static int
by_preference(const void *a, const void *b)
{
	const struct mxset_host *x = a, *y = b;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
on_mx(void *arg, const struct dns_answer *a)
{
	struct mxset *m = arg;
	struct buf host = buf_new(NAME_BYTES);
	struct dns_cursor at = { 0 };
	struct dns_record r;
	unsigned preference;

	m->answered = true;
	while (a->state == DNS_FOUND && dns_next(a, &at, &r)) {
		buf_clear(&host);
		if (!dns_mx(&r, &preference, &host))
			continue;
		m->ttl = r.ttl > m->ttl ? r.ttl : m->ttl;
		if (host.n == 0)
			m->null = true;
		else
			add_host(m, preference, host.p);
	}
	if (a->state == DNS_TROUBLE || a->fault == DNS_NO_NAME)
		err_set(&m->trouble, "%s%s", a->why, dns_asked(m->dns, a));
	else if (m->hosts == 0 && !m->null) {
		m->implicit = true;
		add_host(m, 0, m->domain);
	}
	buf_free(&host);
}

void
mxset_find(struct mxset *m, double deadline)
{
	struct smtp_pool nobody = { .dns = m->dns, .deadline = deadline };

	dns_ask(m->dns, m->domain, DNS_MX, on_mx, m);
	smtp_run(&nobody);
	if (!m->answered)
		err_set(&m->trouble, "no answer of the name server in time%s", dns_asked(m->dns, NULL));
	if (m->hosts > 0)
		qsort(m->host, m->hosts, sizeof *m->host, by_preference);
	for (size_t i = 0; i < m->hosts; i++)
		resolve(&m->host[i]);
	smtp_run(&nobody);
	for (size_t i = 0; i < m->hosts; i++)
		if (m->host[i].waiting > 0)
			err_set(&m->host[i].trouble, "no answer of the name server in time%s", dns_asked(m->dns, NULL));
}

bool
mxset_same(const struct net_addr *a, const struct net_addr *b)
{
	return a->sa.ss_family == b->sa.ss_family &&
	    memcmp(net_addr_bytes(a), net_addr_bytes(b), a->sa.ss_family == AF_INET6 ? 16 : 4) == 0;
}
