/* datagram.c - syslog that comes in datagrams, over UDP and local sockets; see server.h. */
#define _DEFAULT_SOURCE		/* SO_RXQ_OVFL, where there is one */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server_priv.h"

#include "poison.h"

enum { DATAGRAMS = 64 };	/* in one go */

static void
write_address(const struct listener *l, const struct sockaddr_storage *a, char text[ADDRESS_TEXT_MAX])
{
	if (l->at.kind == LISTEN_UNIX)
		snprintf(text, ADDRESS_TEXT_MAX, "local");
	else
		address_text(a, text);
}

/* The sender of a datagram: mostly the same as the last time. */
static struct sender *
sender_of_datagram(struct listener *l, const struct sockaddr_storage *a, socklen_t n)
{
	char address[ADDRESS_TEXT_MAX];

	if (l->last_sender != NULL && (l->at.kind == LISTEN_UNIX || memcmp(&l->last, a, n) == 0))
		return l->last_sender;
	write_address(l, a, address);
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
			l->server->hits.kernel += n - l->overflow;
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

/* --- while nothing can be stored --------------------------------------------------------- */

static void
hold(struct listener *l, const char *address, struct slice line, bool cut)
{
	struct server *s = l->server;
	struct buf head = buf_new(2 * ADDRESS_TEXT_MAX);

	buf_varint(&head, line.n * 2 + cut);
	buf_varint(&head, strlen(address));
	buf_str(&head, address);
	if (s->held + head.n + line.n > (size_t)s->config->datagram_bytes) {
		s->hits.held++;
		fault_met(&s->crowded, server_now(), l->name);
	} else {
		if (l->held.p == NULL)
			l->held = buf_new(SIZE_MAX);	/* s->held bounds all of them */
		buf_add(&l->held, buf_slice(&head));
		buf_add(&l->held, line);
		s->held += head.n + line.n;
		l->held_n++;
	}
	buf_free(&head);
}

/* The oldest that is held; false: none is. */
static bool
take_held(struct listener *l)
{
	struct server *s = l->server;
	struct slice rest = slice_from(buf_slice(&l->held), l->held_at), line;
	char address[ADDRESS_TEXT_MAX];
	uint64_t length, n;
	struct err e;

	if (!slice_varint(&rest, &length) || !slice_varint(&rest, &n)) {
		datagrams_forget(l);
		return false;
	}
	snprintf(address, sizeof address, "%.*s", (int)n, rest.p);
	rest = slice_from(rest, (size_t)n);
	line = slice_head(rest, (size_t)(length / 2));
	l->held_n--;
	l->held_at = l->held.n - rest.n + line.n;
	if (!sender_line(sender_of(s->senders, l->name, address, l->source), line, length % 2 != 0, &e))
		server_fail(s, &e);
	return !s->failed;
}

void
datagrams_forget(struct listener *l)
{
	l->server->held -= l->held.n;
	l->server->hits.held += (int64_t)l->held_n;
	l->held_at = l->held_n = 0;
	buf_free(&l->held);
}

void
datagrams_release(struct server *s)
{
	if (s->held == 0 || s->paused)
		return;
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		while (!s->failed && !ingest_full(s->in) && l->held.n > 0 && take_held(l))
			;
	if (s->held == 0)
		fault_over(&s->crowded, server_now());
}

/* --- as they come --------------------------------------------------------------------------- */

bool
datagram_take(struct listener *l)
{
	struct server *s = l->server;
	struct sockaddr_storage a = { 0 };
	char address[ADDRESS_TEXT_MAX];
	union { struct cmsghdr align; char bytes[256]; } control;
	struct iovec part = { s->bytes, sizeof s->bytes };
	struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &part,
		.msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT);
	struct slice line = { s->bytes, n < 0 ? 0 : (size_t)n };
	bool cut = (m.msg_flags & MSG_TRUNC) != 0;
	struct err e;

	if (n < 0)
		return false;
	look_at_drops(l, &m);
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\0'))
		line.n--;
	if (l->at.kind != LISTEN_UNIX && !listener_allows(l, &a))
		return true;
	if (s->paused || l->held.n > 0) {
		write_address(l, &a, address);
		hold(l, address, line, cut);
	} else if (!sender_line(sender_of_datagram(l, &a, m.msg_namelen), line, cut, &e)) {
		server_fail(s, &e);
	}
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
	datagrams_release(s);
	for (int i = 0; i < DATAGRAMS && !s->failed && datagram_take(l); i++)
		;
	if (!s->failed && !s->paused && ingest_full(s->in))
		s->hooks.commit(s->hooks.arg);
}
