/* dns.c - ask name servers with c-ares. See dns.h.
 *
 * Nobody frees the channel: a check ends with its answer. */
#include "dns.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ares.h>
#include <ares_dns.h>

#include "clock.h"
#include "hash.h"
#include "lateload.h"
#include "mem.h"

#include "poison.h"

enum { UDP_BYTES = 1232, TRY_MS = 2000, TRIES = 2, AD_BIT = 0x20, AA_BIT = 0x04, CLASS_IN = 1,
	HEADER = 12, QUESTION_FIXED = 4, RECORD_FIXED = 10, SOA_FIXED = 20,
	DNS_PORT = 53 };

#define FUNCTIONS(F) \
	F(ares_create_query) F(ares_destroy) F(ares_expand_name) F(ares_free_data) \
	F(ares_free_string) F(ares_freeaddrinfo) F(ares_get_servers_ports) \
	F(ares_getaddrinfo) F(ares_getsock) F(ares_init_options) F(ares_process_fd) \
	F(ares_send) F(ares_set_servers_ports_csv) F(ares_set_socket_functions) F(ares_strerror) F(ares_timeout)

/* Loaded with the first question: who asks by address does not pay for it. */
static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} ares LATELOAD_LINKED(FUNCTIONS);

struct dns {
	ares_channel channel;
	bool direct;
	size_t waiting;
	char asked[300];	/* of dns_asked() */
};

struct question {
	struct dns *d;
	dns_done done;
	dns_addrs_done addrs_done;
	void *arg;
};

/* --- what comes in: c-ares looks at ids, questions and addresses of replies, but not at whether they
 * are replies: who sends a question back would have answered that there is no such record. --- */

static ares_socket_t
on_socket(int family, int type, int protocol, void *arg)
{
	int fd = socket(family, type, protocol);

	(void)arg;
	if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int
on_close(ares_socket_t fd, void *arg)
{
	(void)arg;
	return close(fd);
}

static int
on_connect(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t n, void *arg)
{
	(void)arg;
	return connect(fd, to, n);
}

static ares_ssize_t
on_receive(ares_socket_t fd, void *p, size_t size, int flags, struct sockaddr *from, ares_socklen_t *from_n,
    void *arg)
{
	ares_ssize_t n = recvfrom(fd, p, size, flags, from, from_n);

	(void)arg;
	if (from == NULL || n < 0 || (n >= HEADER && DNS_HEADER_QR((unsigned char *)p) != 0))
		return n;
	errno = EAGAIN;		/* no reply: as if it had not come */
	return -1;
}

static ares_ssize_t
on_send(ares_socket_t fd, const struct iovec *v, int n, void *arg)
{
	(void)arg;
	return writev(fd, v, n);
}

static const struct ares_socket_functions sockets = { on_socket, on_close, on_connect, on_receive, on_send };

static int
open_channel(struct dns *d, const struct dns_how *how, int flags)
{
	struct ares_options o = { .flags = ARES_FLAG_EDNS | flags,
		.timeout = how->try_ms > 0 ? how->try_ms : TRY_MS,
		.tries = how->tries > 0 ? how->tries : TRIES, .ednspsz = UDP_BYTES };
	int rc = ares.ares_init_options(&d->channel, &o,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ);

	if (rc == ARES_SUCCESS)
		ares.ares_set_socket_functions(d->channel, &sockets, NULL);
	return rc == ARES_SUCCESS && how->resolver != NULL ?
	    ares.ares_set_servers_ports_csv(d->channel, how->resolver) : rc;
}

static bool
has_one_server(struct dns *d)
{
	struct ares_addr_port_node *all = NULL;
	bool one = ares.ares_get_servers_ports(d->channel, &all) == ARES_SUCCESS && all != NULL &&
	    all->next == NULL;

	ares.ares_free_data(all);
	return one;
}

struct dns *
dns_open_how(const struct dns_how *how, struct err *e)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	struct dns *d;
	int rc;

	if (!lateload("libcares.so.2", "libc-ares2", names, &ares, e))
		return NULL;
	d = xcalloc(1, sizeof *d);
	rc = open_channel(d, how, how->first_word ? ARES_FLAG_NOCHECKRESP : 0);
	/* When the only server fails, c-ares would say that none can be reached. */
	if (rc == ARES_SUCCESS && !how->first_word && has_one_server(d)) {
		ares.ares_destroy(d->channel);
		rc = open_channel(d, how, ARES_FLAG_NOCHECKRESP);
	}
	d->direct = how->direct;
	if (rc == ARES_SUCCESS)
		return d;
	err_set(e, "resolver %s: %s", how->resolver != NULL ? how->resolver : "of the system",
	    rc == ARES_EBADSTR ? "this is no address" : ares.ares_strerror(rc));
	free(d);
	return NULL;
}

struct dns *
dns_open(const char *resolver, struct err *e)
{
	return dns_open_how(&(struct dns_how){ .resolver = resolver }, e);
}

void
dns_resolver(struct dns *d, struct buf *b)
{
	struct ares_addr_port_node *all = NULL;

	if (ares.ares_get_servers_ports(d->channel, &all) != ARES_SUCCESS)
		return;
	for (struct ares_addr_port_node *s = all; s != NULL; s = s->next) {
		struct net_addr a = { .len = 0 };
		bool port = s->udp_port != 0 && s->udp_port != DNS_PORT;

		a.sa.ss_family = (sa_family_t)s->family;
		if (s->family == AF_INET)
			memcpy(&((struct sockaddr_in *)&a.sa)->sin_addr, &s->addr.addr4, 4);
		else
			memcpy(&((struct sockaddr_in6 *)&a.sa)->sin6_addr, &s->addr.addr6, 16);
		buf_str(b, s != all ? ", " : "");
		buf_str(b, port && s->family == AF_INET6 ? "[" : "");
		net_addr_print(b, &a);
		if (port)
			buf_fmt(b, "%s:%d", s->family == AF_INET6 ? "]" : "", s->udp_port);
	}
	ares.ares_free_data(all);
}

const char *
dns_asked(struct dns *d, const struct dns_answer *a)
{
	struct buf b = buf_new(sizeof d->asked);

	if (a != NULL && a->state != DNS_TROUBLE)
		return "";
	dns_resolver(d, &b);
	(void)snprintf(d->asked, sizeof d->asked, " (asked: %s)", b.p != NULL ? b.p : "nobody");
	buf_free(&b);
	return d->asked;
}

/* --- reading -------------------------------------------------------------------------- */

/* How many bytes the name at p takes there; 0 if it is damaged. */
static size_t
name_bytes(struct slice packet, size_t at, struct buf *name)
{
	const unsigned char *p = (const unsigned char *)packet.p;
	char *text = NULL;
	long n = 0;

	if (at >= packet.n ||
	    ares.ares_expand_name(p + at, p, (int)packet.n, &text, &n) != ARES_SUCCESS)
		return 0;
	if (name != NULL)
		buf_str(name, text);
	ares.ares_free_string(text);
	return (size_t)n;
}

/* One record at c->at. */
static bool
take_record(struct slice packet, struct dns_cursor *c, struct dns_record *r)
{
	const unsigned char *p = (const unsigned char *)packet.p;
	size_t at = c->at, n = name_bytes(packet, at, NULL), len;

	if (n == 0 || c->at + n + RECORD_FIXED > packet.n)
		return false;
	p += c->at + n;
	len = DNS_RR_LEN(p);
	c->at += n + RECORD_FIXED;
	if (c->at + len > packet.n)
		return false;
	*r = (struct dns_record){ .type = DNS_RR_TYPE(p), .ttl = DNS_RR_TTL(p),
		.data = { packet.p + c->at, len }, .packet = packet, .owner_at = at };
	c->at += len;
	return true;
}

bool
dns_next(const struct dns_answer *a, struct dns_cursor *c, struct dns_record *r)
{
	const unsigned char *p = (const unsigned char *)a->packet.p;

	if (a->packet.n < HEADER || c->damaged || c->taken >= DNS_HEADER_ANCOUNT(p))
		return false;
	if (c->at == 0) {	/* the question comes first */
		size_t n = name_bytes(a->packet, HEADER, NULL);

		c->at = HEADER + n + QUESTION_FIXED;
		c->damaged = n == 0;
	}
	c->damaged = c->damaged || !take_record(a->packet, c, r);
	c->taken++;
	return !c->damaged;
}

/* Can all of it be read? Half an answer is none: it would count as "no more than that". */
static bool
is_whole(const struct dns_answer *a)
{
	struct dns_cursor c = { 0 };
	struct dns_record r;

	while (dns_next(a, &c, &r))
		if ((r.type == DNS_A && r.data.n != 4) || (r.type == DNS_AAAA && r.data.n != 16))
			return false;
	return !c.damaged;
}

/* --- asking -------------------------------------------------------------------------- */

static const char *
words(int status)
{
	switch (status) {
	case ARES_ENOTFOUND: return "no such name";
	case ARES_ENODATA: return "no such record";
	case ARES_ESERVFAIL: return "the resolver failed (SERVFAIL)";
	case ARES_EREFUSED: return "the resolver refused";
	case ARES_ETIMEOUT: return "the resolver did not answer in time";
	case ARES_ECONNREFUSED: return "no name server gave an answer";
	case ARES_EBADNAME: return "this is no name";
	case ARES_EBADRESP: return "the answer is damaged";
	}
	return ares.ares_strerror(status);
}

static enum dns_fault
fault_of(int status)
{
	switch (status) {
	case ARES_SUCCESS: return DNS_WELL;
	case ARES_ENOTFOUND: return DNS_NO_NAME;
	case ARES_ENODATA: return DNS_NO_RECORD;
	case ARES_ESERVFAIL: return DNS_SERVFAIL;
	case ARES_EREFUSED: return DNS_REFUSED;
	case ARES_ETIMEOUT: return DNS_TIMEOUT;
	case ARES_ECONNREFUSED: return DNS_NOBODY;
	}
	return DNS_OTHER;
}

static void
judge(struct dns_answer *a, int status)
{
	a->fault = fault_of(status);
	a->state = status == ARES_SUCCESS ? DNS_FOUND :
	    status == ARES_ENOTFOUND || status == ARES_ENODATA ? DNS_NONE : DNS_TROUBLE;
	a->why = status == ARES_SUCCESS ? "" : words(status);
}

/* What the header of a packet says. */
static int
status_of(const unsigned char *p, int n)
{
	static const int by_rcode[] = { ARES_SUCCESS, ARES_EFORMERR, ARES_ESERVFAIL, ARES_ENOTFOUND,
		ARES_ENOTIMP, ARES_EREFUSED };
	unsigned rcode;

	if (p == NULL || n < HEADER)
		return ARES_EBADRESP;
	rcode = DNS_HEADER_RCODE(p);
	if (rcode >= sizeof by_rcode / sizeof *by_rcode)
		return ARES_ESERVFAIL;
	if (rcode == 0 && DNS_HEADER_ANCOUNT(p) == 0)
		return ARES_ENODATA;
	return by_rcode[rcode];
}

static void
on_packet(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct question *q = arg;
	struct dns_answer a = { .packet = { (const char *)p, p != NULL ? (size_t)n : 0 }, .secure = p != NULL && n >= HEADER && (p[3] & AD_BIT) != 0,
		.authoritative = p != NULL && n >= HEADER && (p[2] & AA_BIT) != 0 };

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = status_of(p, n);
	if (status == ARES_SUCCESS && !is_whole(&a)) {
		status = ARES_EBADRESP;
		a.packet = SLICE("");
	}
	judge(&a, status);
	q->d->waiting--;
	q->done(q->arg, &a);
	free(q);
}

void
dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done done, void *arg)
{
	struct question *q = xcalloc(1, sizeof *q);
	struct hash_key random = hash_key_random();
	unsigned char *packet = NULL;
	int n = 0, rc = ares.ares_create_query(name, CLASS_IN, (int)type, (unsigned short)random.k[0], !d->direct,
	    &packet, &n, UDP_BYTES);

	*q = (struct question){ .d = d, .done = done, .arg = arg };
	d->waiting++;
	if (rc != ARES_SUCCESS) {
		on_packet(q, rc, 0, NULL, 0);
		return;
	}
	packet[3] |= AD_BIT;	/* RFC 6840 5.7: only who asks so is told */
	ares.ares_send(d->channel, packet, n, on_packet, q);
	ares.ares_free_string(packet);
}

static void
on_addrs(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = arg;
	struct net_addr addr[DNS_ADDRS_MAX];
	struct dns_answer a = { .secure = false };
	size_t n = 0;

	(void)timeouts;
	for (struct ares_addrinfo_node *node = info != NULL ? info->nodes : NULL;
	    node != NULL && n < DNS_ADDRS_MAX; node = node->ai_next) {
		addr[n] = (struct net_addr){ .len = (socklen_t)node->ai_addrlen };
		memcpy(&addr[n++].sa, node->ai_addr, node->ai_addrlen);
	}
	judge(&a, status == ARES_SUCCESS && n == 0 ? ARES_ENODATA : status);
	q->d->waiting--;
	q->addrs_done(q->arg, &a, addr, a.state == DNS_FOUND ? n : 0);
	ares.ares_freeaddrinfo(info);
	free(q);
}

void
dns_addrs(struct dns *d, const char *host, int family, dns_addrs_done done, void *arg)
{
	struct ares_addrinfo_hints hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct question *q = xcalloc(1, sizeof *q);

	*q = (struct question){ .d = d, .addrs_done = done, .arg = arg };
	d->waiting++;
	ares.ares_getaddrinfo(d->channel, host, NULL, &hints, on_addrs, q);
}

size_t
dns_poll(struct dns *d, struct pollfd fds[DNS_POLLFDS], int *timeout_ms)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	unsigned bits = (unsigned)ares.ares_getsock(d->channel, socks, ARES_GETSOCK_MAXNUM);
	struct timeval most = { *timeout_ms / 1000, *timeout_ms % 1000 * 1000 }, t, *wait;
	size_t n = 0;

	if (d->waiting == 0)
		return 0;
	wait = ares.ares_timeout(d->channel, &most, &t);
	*timeout_ms = (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM && n < DNS_POLLFDS; i++) {
		bool r = (bits >> i & 1) != 0, w = (bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;

		if (r || w)
			fds[n++] = (struct pollfd){ .fd = socks[i],
				.events = (short)((r ? POLLIN : 0) | (w ? POLLOUT : 0)) };
	}
	return n;
}

void
dns_ready(struct dns *d, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool r = (fds[i].revents & ~POLLOUT) != 0, w = (fds[i].revents & POLLOUT) != 0;

		if (r || w)
			ares.ares_process_fd(d->channel, r ? fds[i].fd : ARES_SOCKET_BAD,
			    w ? fds[i].fd : ARES_SOCKET_BAD);
	}
	/* questions that nobody answered in time */
	ares.ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void
dns_wait(struct dns *d, double until)
{
	size_t had = d->waiting;

	for (double now = clock_now(); d->waiting > 0 && d->waiting >= had && now < until; now = clock_now()) {
		struct pollfd fds[DNS_POLLFDS];
		double left = (until - now) * 1e3;
		int ms = left < 1000 ? (int)left + 1 : 1000;
		size_t n = dns_poll(d, fds, &ms);

		(void)poll(fds, (nfds_t)n, ms);
		dns_ready(d, fds, n);
	}
}

size_t
dns_waiting(const struct dns *d)
{
	return d->waiting;
}

/* --- records --------------------------------------------------------------------------- */

bool
dns_owner(const struct dns_record *r, struct buf *name)
{
	return name_bytes(r->packet, r->owner_at, name) > 0;
}

bool
dns_name(const struct dns_record *r, struct buf *name)
{
	if (r->type != DNS_CNAME && r->type != DNS_NS)
		return false;
	return name_bytes(r->packet, (size_t)(r->data.p - r->packet.p), name) > 0;
}

bool
dns_mx(const struct dns_record *r, unsigned *preference, struct buf *host)
{
	const unsigned char *p = (const unsigned char *)r->data.p;

	if (r->type != DNS_MX || r->data.n < 3)
		return false;
	*preference = (unsigned)p[0] << 8 | p[1];
	return name_bytes(r->packet, (size_t)(r->data.p + 2 - r->packet.p), host) > 0;
}

bool
dns_soa(const struct dns_record *r, uint32_t *serial)
{
	size_t at = (size_t)(r->data.p - r->packet.p), end = at + r->data.n;
	const unsigned char *p = (const unsigned char *)r->packet.p + end - SOA_FIXED;

	if (r->type != DNS_SOA || r->data.n < SOA_FIXED)
		return false;
	for (int i = 0; i < 2; i++) {	/* the primary's name and the hostmaster's */
		size_t n = name_bytes(r->packet, at, NULL);

		at += n;
		if (n == 0 || at > end)
			return false;
	}
	*serial = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return at + SOA_FIXED == end;
}

bool
dns_txt(const struct dns_record *r, struct buf *text)
{
	struct slice s = r->data;

	if (r->type != DNS_TXT)
		return false;
	while (s.n > 0) {
		size_t n = (unsigned char)s.p[0];

		if (n + 1 > s.n)
			return false;
		buf_add(text, slice_head(slice_from(s, 1), n));
		s = slice_from(s, n + 1);
	}
	return !text->full;
}
