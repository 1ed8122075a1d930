/* datagram.c - syslog that comes in datagrams, over UDP and local sockets; see server.h. */
#define _DEFAULT_SOURCE		/* SO_RXQ_OVFL, where there is one */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server_priv.h"

#include "poison.h"

enum { DATAGRAMS = 64 };	/* in one go */

/* The sender of a datagram, NULL: it is none of ours. */
static struct sender *
sender_of_datagram(struct listener *l, const struct sockaddr_storage *a, socklen_t n)
{
	char address[ADDRESS_TEXT_MAX];

	if (l->at.kind == LISTEN_UNIX) {
		if (l->last_sender == NULL)
			l->last_sender = sender_of(l->server->senders, l->name, "local", l->source);
		return l->last_sender;
	}
	if (l->last_sender != NULL && memcmp(&l->last, a, n) == 0)
		return l->last_sender;
	if (!listener_allows(l, a))
		return NULL;
	address_text(a, address);
	l->last = *a;
	return l->last_sender = sender_of(l->server->senders, l->name, address, l->source);
}

/* The kernel says with each datagram how many it dropped before. */
static void
look_at_drops(struct listener *l, struct msghdr *m)
{
#ifdef SO_RXQ_OVFL
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		char text[SENDER_NAME_MAX];
		uint32_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&n, CMSG_DATA(h), sizeof n);
		if (n != l->overflow) {
			l->overflow = n;
			snprintf(text, sizeof text, "%s: %" PRIu32 " since the start", l->name, n);
			fault_met(&l->server->dropped, server_now(), text);
		}
	}
#else
	(void)l;
	(void)m;
#endif
}

bool
datagram_take(struct listener *l)
{
	struct server *s = l->server;
	struct sockaddr_storage a = { 0 };
	union { struct cmsghdr align; char bytes[256]; } control;
	struct iovec part = { s->bytes, sizeof s->bytes };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &part,
		.msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);
	struct slice line = { s->bytes, n < 0 ? 0 : (size_t)n };
	struct sender *from;
	struct err e;

	if (n < 0)
		return false;
	look_at_drops(l, &m);
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\0'))
		line.n--;
	from = sender_of_datagram(l, &a, m.msg_namelen);
	if (from != NULL && !sender_line(from, line, (m.msg_flags & MSG_TRUNC) != 0, &e))
		server_fail(s, &e);
	return !s->failed;
}

void
datagrams_arrive(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;

	(void)fd;
	(void)what;
	ingest_clock(s->in, server_now());
	for (int i = 0; i < DATAGRAMS && datagram_take(l); i++)
		;
	if (!s->failed && ingest_full(s->in))
		s->hooks.commit(s->hooks.arg);
}
