/* mxset.h - who receives a domain's mail, as name servers say it: hosts, addresses, TTLs, and
 * what is wrong with them.
 *
 * Only name servers are asked, not /etc/hosts: senders elsewhere do not have it. Bounded by
 * MXSET_HOSTS and MXSET_ADDRS; what is beyond is counted and left out. */
#ifndef MX_MXSET_H
#define MX_MXSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns.h"
#include "err.h"
#include "net.h"

enum { MXSET_HOSTS = 50, MXSET_ADDRS = 16 };

struct mxset_host {
	struct mxset *set;
	char *name;		/* small letters, as a name server said it */
	unsigned preference;
	struct net_addr addr[MXSET_ADDRS];
	size_t addrs;
	uint32_t ttl;		/* the longest of its addresses */
	bool literal;		/* the "name" is an address */
	bool alias;		/* a CNAME: RFC 2181 10.3 forbids it */
	struct err trouble;	/* why addresses are missing, or "" */
	unsigned waiting;
};

struct mxset {
	/* set by the caller */
	const char *domain;
	struct dns *dns;
	int family;		/* AF_UNSPEC, AF_INET, AF_INET6 */
	uint16_t port;
	/* found: hosts by preference, then by name */
	struct mxset_host host[MXSET_HOSTS];
	size_t hosts, left_out;
	bool null;		/* RFC 7505: it takes no mail; with others beside it if hosts > 0 */
	bool implicit;		/* it has no MX, and is the only host itself */
	bool answered;
	uint32_t ttl;		/* the longest of the MX records */
	struct err trouble;	/* why nothing is known of its MX, or "" */
};

/* Ask, until all is answered or the deadline (clock.h) has come; hosts, and trouble, say what was
 * not answered in time. */
void mxset_find(struct mxset *m, double deadline);

bool mxset_same(const struct net_addr *a, const struct net_addr *b);

#endif
