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

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28,
	DNS_TLSA = 52 };
enum { DNS_POLLFDS = 16, DNS_ADDRS_MAX = 64 };

enum dns_state {
	DNS_FOUND,
	DNS_NONE,	/* the name, or records of that type, do not exist */
	DNS_TROUBLE	/* nobody could say */
};

/* What came in place of records. */
enum dns_fault {
	DNS_WELL, DNS_NO_NAME, DNS_NO_RECORD, DNS_SERVFAIL, DNS_REFUSED, DNS_TIMEOUT,
	DNS_NOBODY,	/* no server could be reached, or all of several failed or refused */
	DNS_OTHER
};

struct dns_answer {
	enum dns_state state;
	enum dns_fault fault;
	const char *why;	/* when not FOUND: "no such name", "time-out of the resolver" */
	bool secure;		/* the resolver says that DNSSEC proves it (AD) */
	bool authoritative;	/* who answers serves the zone (AA) */
	struct slice packet;	/* for dns_next */
};

/* One record of an answer. */
struct dns_record {
	int type;
	uint32_t ttl;
	struct slice data;
	struct slice packet;	/* names in data may point into it */
	size_t owner_at;	/* see dns_owner */
};

struct dns;

/* resolver: "192.0.2.53", "192.0.2.53:5353" or NULL for the system's. NULL and *e on failure. */
struct dns *dns_open(const char *resolver, struct err *e);
/* The same with patience of one's own: each try waits twice as long as the one before, 0 for the
 * usual. first_word: what the first server says counts, also that it failed or refuses. */
struct dns_how {
	const char *resolver;
	int try_ms, tries;
	bool first_word;
	bool direct;	/* a server of a zone is asked what it knows itself (no RD) */
};
struct dns *dns_open_how(const struct dns_how *how, struct err *e);
/* Who is asked, for sentences: "192.0.2.53", "192.0.2.53:5353". */
void dns_resolver(struct dns *d, struct buf *b);

/* The end of a sentence about a: " (asked: 192.0.2.53)" where nobody could say, so that one knows whom to look
 * after, else "". a NULL: nothing came. It lives as long as d. */
const char *dns_asked(struct dns *d, const struct dns_answer *a);

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
/* Poll for d alone until its first call-back, or that time of clock.h. */
void dns_wait(struct dns *d, double until);
/* Questions without an answer. */
size_t dns_waiting(const struct dns *d);

/* The answer's records one after the other, from a cursor of zeros on. False: there is none
 * any more, or the rest is damaged; not so in a call-back: there a damaged answer is DNS_TROUBLE. */
struct dns_cursor {
	size_t at;
	unsigned taken;
	bool damaged;
};
bool dns_next(const struct dns_answer *a, struct dns_cursor *c, struct dns_record *r);
/* Whose record it is. False: the answer is damaged. */
bool dns_owner(const struct dns_record *r, struct buf *name);
/* The name that a CNAME or NS has. */
bool dns_name(const struct dns_record *r, struct buf *name);
/* The preference and host of an MX, the text of a TXT; false: the record is damaged. An
 * empty host is the "." of a null MX. */
bool dns_mx(const struct dns_record *r, unsigned *preference, struct buf *host);
bool dns_txt(const struct dns_record *r, struct buf *text);
/* The serial of an SOA. */
bool dns_soa(const struct dns_record *r, uint32_t *serial);

#endif
