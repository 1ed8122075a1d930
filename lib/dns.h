/* dns.h - questions to name servers, all at once, in the caller's poll loop.
 *
 * Answers come by call-back from dns_ready() (or at once from the asking function, where
 * /etc/hosts or an error answers). The resolver is the system's or the caller's; what it
 * says is bounded and read with care. */
#ifndef MX_DNS_H
#define MX_DNS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "net.h"
#include "slice.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };
enum { DNS_POLLFDS = 16, DNS_ADDRS_MAX = 64 };

enum dns_state {
	DNS_FOUND,
	DNS_NONE,	/* the name, or records of that type, do not exist */
	DNS_TROUBLE	/* nobody could say */
};

struct dns_answer {
	enum dns_state state;
	const char *why;	/* when not FOUND: "no such name", "time-out of the resolver" */
	bool secure;		/* the resolver says that DNSSEC proves it (AD) */
	struct slice packet;	/* for dns_next */
};

/* One record of an answer. */
struct dns_record {
	int type;
	uint32_t ttl;
	struct slice data;
	struct slice packet;	/* names in data may point into it */
};

struct dns;

/* resolver: "192.0.2.53", "192.0.2.53:5353" or NULL for the system's. NULL and *e on failure. */
struct dns *dns_open(const char *resolver, struct err *e);
/* Who is asked, for sentences: "192.0.2.53". */
void dns_resolver(struct dns *d, struct buf *b);

typedef void (*dns_done)(void *arg, const struct dns_answer *a);
void dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg);

/* The addresses of a host, in the order in which they are to be tried; family AF_UNSPEC, AF_INET
 * or AF_INET6. /etc/hosts is asked too. n is 0 unless a->state is DNS_FOUND. */
typedef void (*dns_addrs_done)(void *arg, const struct dns_answer *a,
    const struct net_addr *addr, size_t n);
void dns_addrs(struct dns *d, const char *host, int family, dns_addrs_done done, void *arg);

/* For the poll loop: fill at most DNS_POLLFDS, and lower *timeout_ms; after poll() give them
 * back to dns_ready(), also when nothing came. */
size_t dns_poll(struct dns *d, struct pollfd fds[DNS_POLLFDS], int *timeout_ms);
void dns_ready(struct dns *d, const struct pollfd *fds, size_t n);
/* Questions without an answer. */
size_t dns_waiting(const struct dns *d);

/* The answer's records one after the other, from a cursor of zeros on. False: there is none
 * any more, or the answer is damaged. */
struct dns_cursor {
	size_t at;
	unsigned taken;
	bool damaged;
};
bool dns_next(const struct dns_answer *a, struct dns_cursor *c, struct dns_record *r);
/* The preference and host of an MX, the text of a TXT; false: the record is damaged. An
 * empty host is the "." of a null MX. */
bool dns_mx(const struct dns_record *r, unsigned *preference, struct buf *host);
bool dns_txt(const struct dns_record *r, struct buf *text);

#endif
