/* server.c - syslog from the network, see server.h.
 *
 * A client that is dropped is freed when the loop's callback is over (reap), because the
 * commit that a line makes necessary may drop any of them. */
#define _DEFAULT_SOURCE		/* SO_RXQ_OVFL, where there is one */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "input/address.h"
#include "input/framing.h"
#include "input/relp.h"
#include "input/repeat.h"
#include "mem.h"
#include "message.h"
#include "sender.h"

#include <event2/event.h>

#include "poison.h"

enum {
	TURN_BYTES = 32 * 1024, DATAGRAMS = 64,
	WINDOW_FRAMES = 100,	/* librelp waits when 128 are not acknowledged */
	WINDOW_BYTES = 1 << 20,
	OUT_BYTES = 1 << 16,	/* of answers that a client does not read: it is not read either */
	HOLD_S = 10,		/* so long the rest of what was sent again is waited for */
	DRAIN_S = 1, CATCH_UP = 64,
	BACKLOG = 128, RECEIVE_BYTES = 4 << 20
};

struct listener {
	struct listener *next;
	struct server *server;
	char *text;			/* of the configuration */
	struct listen_at at;
	char name[SENDER_NAME_MAX / 2];	/* "tcp/5514" */
	const struct config_source *source;
	int fd;
	struct event *event;
	struct sockaddr_storage last;	/* of datagrams: the last sender */
	struct sender *last_sender;
	uint32_t overflow;		/* what the kernel dropped so far */
	bool wanted;
};

struct client {
	struct client *next;
	struct listener *listener;
	int fd;
	uint64_t serial;		/* in order of arrival */
	struct event *read, *write;
	char address[ADDRESS_TEXT_MAX];
	struct sender *sender;		/* NULL: not looked up since server_open() */
	struct repeat again;
	int64_t held_at;		/* when something was held back last */
	bool begun, brought, broken, dead;
	struct framing framing;
	struct relp relp;
	struct buf out;
	size_t unsafe;			/* bytes that wait for a commit */
};

struct server {
	struct event_base *base;
	struct server_hooks hooks;
	struct listener *listener;
	struct client *client;
	size_t clients;
	uint64_t serial;
	const struct config *config;
	struct ingest *in;
	struct senders *senders;	/* NULL: left */
	bool paused, failed;
	struct fault refused, full, bad, dropped;
	char bytes[FRAME_MAX];
};

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

/* --- clients: their end, and what they are told ----------------------------------- */

static void
drop(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	event_free(c->read);
	event_free(c->write);
	close(c->fd);
	c->listener->server->clients--;
}

static void
reap(struct server *s)
{
	struct client **at = &s->client, *c;

	while ((c = *at) != NULL) {
		if (!c->dead) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		framing_free(&c->framing);
		relp_free(&c->relp);
		repeat_free(&c->again);
		buf_free(&c->out);
		free(c);
	}
}

/* Is it to be read now? */
static void
set_reading(struct client *c)
{
	const struct server *s = c->listener->server;

	if (s->paused || s->senders == NULL || c->broken || c->out.n > OUT_BYTES ||
	    c->relp.closing)
		(void)event_del(c->read);
	else
		(void)event_add(c->read, NULL);
}

/* Send what waits, as far as it goes. */
static void
answer(struct client *c)
{
	ssize_t n = c->out.n == 0 ? 0 : send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(c);
		return;
	}
	if (n > 0) {
		memmove(c->out.p, c->out.p + n, c->out.n - (size_t)n);
		c->out.n -= (size_t)n;
	}
	if (c->out.n > 0)
		(void)event_add(c->write, NULL);
	else if (c->broken || relp_done(&c->relp)) {
		drop(c);
		return;
	}
	set_reading(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct server *s = c->listener->server;

	(void)fd;
	(void)what;
	answer(c);
	reap(s);
}

/* --- clients: their lines ------------------------------------------------------------ */

static void
fail(struct server *s, const struct err *e)
{
	s->failed = true;
	s->hooks.failed(s->hooks.arg, e);
}

static struct sender *
sender_of_client(struct client *c)
{
	struct server *s = c->listener->server;

	if (c->sender == NULL)
		c->sender = sender_of(s->senders, c->listener->name, c->address, c->listener->source);
	return c->sender;
}

static void
take(struct client *c, struct slice line, bool cut)
{
	struct err e;

	c->brought = true;
	c->unsafe += line.n;
	if (line.n > 0 && !sender_takes(sender_of_client(c), &c->again, line, cut, &e))
		fail(c->listener->server, &e);
	if (repeat_undecided(&c->again) > 0)
		c->held_at = now_s();
}

/* Nothing that comes from it can be told apart any more. */
static void
give_up(struct client *c, const char *why)
{
	char text[SENDER_NAME_MAX * 2];

	snprintf(text, sizeof text, "%s %s: %s", c->listener->name, c->address, why);
	fault_met(&c->listener->server->bad, now_s(), text);
	c->broken = true;
}

static void
take_bytes(struct client *c, struct slice in)
{
	struct slice line;
	bool cut;

	if (c->listener->at.kind == LISTEN_RELP) {
		enum relp_answer a;

		while ((a = relp_take(&c->relp, &in, &line, &cut, &c->out)) == RELP_LINE)
			take(c, line, cut);
		if (a == RELP_BAD)
			give_up(c, "bad RELP");
	} else {
		enum framing_answer a;

		while ((a = framing_take(&c->framing, &in, &line, &cut)) == FRAMING_FRAME)
			take(c, line, cut);
		if (a == FRAMING_BAD)
			give_up(c, "bad framing");
	}
}

/* One turn; false: there is no more for now. What was held back when the connection ends
 * repeats what we have: the rest of it will come with the next one. */
static bool
turn(struct client *c)
{
	struct server *s = c->listener->server;
	ssize_t n = recv(c->fd, s->bytes, TURN_BYTES, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		drop(c);
		return false;
	}
	if (n < 0)
		return false;
	take_bytes(c, (struct slice){ s->bytes, (size_t)n });
	return !c->broken && !c->relp.closing;
}

/* A sender's earlier connection may be cut, and not be read to its end: what it brought
 * comes first. */
static void
catch_up(struct client *c)
{
	struct server *s = c->listener->server;

	for (struct client *old = s->client; old != NULL; old = old->next) {
		if (old->dead || old->serial >= c->serial || old->listener != c->listener ||
		    strcmp(old->address, c->address) != 0)
			continue;
		if (!old->begun)
			sender_begins(sender_of_client(old), &old->again);
		old->begun = true;
		for (int i = 0; i < CATCH_UP && !s->failed && turn(old); i++)
			;
	}
	sender_begins(sender_of_client(c), &c->again);
	c->begun = true;
}

static bool
waits(const struct client *c)
{
	return c->listener->at.kind == LISTEN_RELP &&
	    (relp_waiting(&c->relp) >= WINDOW_FRAMES || c->unsafe >= WINDOW_BYTES);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct server *s = c->listener->server;

	(void)fd;
	(void)what;
	ingest_clock(s->in, now_s());
	if (!c->begun)
		catch_up(c);
	(void)turn(c);
	if (!s->failed && (ingest_full(s->in) || (!c->dead && waits(c))))
		s->hooks.commit(s->hooks.arg);
	if (!c->dead)
		answer(c);
	reap(s);
}

/* --- clients: their beginning ---------------------------------------------------------- */

static bool
allowed(const struct listener *l, const struct sockaddr_storage *a)
{
	const struct config_list *allow = &l->source->allow;
	struct network n;

	for (size_t i = 0; i < allow->n; i++)
		if (network_parse(allow->item[i], &n, NULL) && network_has(&n, a))
			return true;
	return allow->n == 0 && address_is_near(a);
}

static void
refuse(struct server *s, const struct listener *l, const struct sockaddr_storage *a)
{
	char address[ADDRESS_TEXT_MAX], text[SENDER_NAME_MAX * 2];

	address_text(a, address);
	snprintf(text, sizeof text, "%s %s", l->name, address);
	fault_met(&s->refused, now_s(), text);
}

/* Make room: the oldest of those that brought no whole message yet. */
static bool
make_room(struct server *s)
{
	struct client *idle = NULL;
	char text[100];

	if (s->clients < (size_t)s->config->max_clients)
		return true;
	snprintf(text, sizeof text, "max_clients = %" PRId64, s->config->max_clients);
	fault_met(&s->full, now_s(), text);
	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead && !c->brought && (idle == NULL || c->serial < idle->serial))
			idle = c;
	if (idle == NULL)
		return false;
	(void)turn(idle);	/* it may have been about to */
	if (idle->brought)
		return false;
	drop(idle);
	return true;
}

static void
add_client(struct listener *l, int fd, const struct sockaddr_storage *a)
{
	struct client *c = xcalloc(1, sizeof *c);
	struct server *s = l->server;

	c->listener = l;
	c->fd = fd;
	c->serial = ++s->serial;
	c->framing = framing_new();
	c->relp = relp_new();
	c->out = buf_new(RELP_OUT_MAX);
	address_text(a, c->address);
	c->read = event_new(s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->write = event_new(s->base, fd, EV_WRITE, on_writable, c);
	if (c->read == NULL || c->write == NULL)
		abort();	/* no memory */
	c->next = s->client;
	s->client = c;
	s->clients++;
	set_reading(c);
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	int new = accept(fd, (struct sockaddr *)&a, &n);

	(void)what;
	if (new < 0)
		return;
	if (!allowed(l, &a))
		refuse(s, l, &a);
	if (!allowed(l, &a) || !make_room(s) || evutil_make_socket_nonblocking(new) != 0 ||
	    evutil_make_socket_closeonexec(new) != 0)
		close(new);
	else
		add_client(l, new, &a);
	reap(s);
}

/* --- datagrams ---------------------------------------------------------------------------- */

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
	if (!allowed(l, a)) {
		refuse(l->server, l, a);
		return NULL;
	}
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
			fault_met(&l->server->dropped, now_s(), text);
		}
	}
#else
	(void)l;
	(void)m;
#endif
}

static bool
take_datagram(struct listener *l)
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
		fail(s, &e);
	return !s->failed;
}

static void
on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;

	(void)fd;
	(void)what;
	ingest_clock(s->in, now_s());
	for (int i = 0; i < DATAGRAMS && take_datagram(l); i++)
		;
	if (!s->failed && ingest_full(s->in))
		s->hooks.commit(s->hooks.arg);
	reap(s);
}

/* --- listeners -------------------------------------------------------------------------- */

/* A socket's file that a killed process left is in the way; one that is listened at is not ours. */
static bool
clear_path(const struct listener *l, struct err *e)
{
	struct stat st;
	bool alive;
	int fd;

	if (lstat(l->at.path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "listen = %s: there is a file of that name", l->text);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	alive = connect(fd, (const struct sockaddr *)&l->at.addr, l->at.addr_n) == 0;
	close(fd);
	if (alive)
		return err_set(e, "listen = %s: another program listens there", l->text);
	(void)unlink(l->at.path);
	return true;
}

static bool
bind_it(struct listener *l, struct err *e)
{
	bool stream = l->at.kind == LISTEN_TCP || l->at.kind == LISTEN_RELP;
	int on = 1, room = RECEIVE_BYTES;

	if (l->at.kind == LISTEN_UNIX && !clear_path(l, e))
		return false;
	l->fd = socket(l->at.addr.ss_family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (l->fd < 0)
		return err_set(e, "listen = %s: %s", l->text, strerror(errno));
	if (stream)	/* or a restart would have to wait for old connections to be forgotten */
		(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	else
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
#ifdef SO_RXQ_OVFL
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
#endif
	if (l->at.addr.ss_family == AF_INET6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (evutil_make_socket_nonblocking(l->fd) != 0 ||
	    evutil_make_socket_closeonexec(l->fd) != 0 ||
	    bind(l->fd, (const struct sockaddr *)&l->at.addr, l->at.addr_n) != 0 ||
	    (stream && listen(l->fd, BACKLOG) != 0))
		return err_set(e, "listen = %s: %s", l->text, strerror(errno));
	if (l->at.kind == LISTEN_UNIX)
		(void)chmod(l->at.path, 0666);	/* every program may log, as to /dev/log */
	l->event = event_new(l->server->base, l->fd, EV_READ | EV_PERSIST,
	    stream ? on_connection : on_datagram, l);
	return l->event != NULL || err_set(e, "listen = %s: no memory", l->text);
}

static void
free_listener(struct listener *l)
{
	if (l->event != NULL)
		event_free(l->event);
	if (l->fd >= 0)
		close(l->fd);
	if (l->event != NULL && l->at.kind == LISTEN_UNIX)
		(void)unlink(l->at.path);
	free(l->text);
	free(l);
}

static struct listener *
listener_new(struct server *s, const char *text, struct err *e)
{
	static const char *const kinds[] = { "unix", "udp", "tcp", "relp" };
	struct listener *l = xcalloc(1, sizeof *l);

	l->server = s;
	l->text = xstrdup(text);
	l->fd = -1;
	if (!listen_parse(l->text, &l->at, e) || !bind_it(l, e)) {
		free_listener(l);
		return NULL;
	}
	if (l->at.kind == LISTEN_UNIX)
		snprintf(l->name, sizeof l->name, "unix:%s", l->at.path);
	else
		snprintf(l->name, sizeof l->name, "%s/%u", kinds[l->at.kind], l->at.port);
	return l;
}

/* Those that are not wanted go, with their clients. */
static void
sweep(struct server *s)
{
	struct listener **at = &s->listener, *l;

	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->listener->wanted)
			drop(c);
	reap(s);
	while ((l = *at) != NULL) {
		if (l->wanted) {
			at = &l->next;
		} else {
			*at = l->next;
			free_listener(l);
		}
	}
}

static struct listener *
find(const struct server *s, const char *text)
{
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		if (strcmp(l->text, text) == 0)
			return l;
	return NULL;
}

/* The ones that c has and s lacks, as a list; false: one cannot be had. */
static bool
open_new(struct server *s, const struct config *c, struct listener **new, struct err *e)
{
	for (size_t i = 0; i < c->nsources; i++) {
		for (size_t k = 0; k < c->source[i].listen.n; k++) {
			const char *text = c->source[i].listen.item[k];
			struct listener *l = find(s, text);

			if (l == NULL) {
				if ((l = listener_new(s, text, e)) == NULL)
					return false;
				l->next = *new;
				*new = l;
			}
			l->source = &c->source[i];
			l->wanted = true;
		}
	}
	return true;
}

/* --- what the daemon calls ------------------------------------------------------------ */

static void
set_all(struct server *s)
{
	bool reads = !s->paused && s->senders != NULL;

	for (struct listener *l = s->listener; l != NULL; l = l->next)
		(void)(reads ? event_add(l->event, NULL) : event_del(l->event));
	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead)
			set_reading(c);
}

struct server *
server_new(struct event_base *base, const struct server_hooks *hooks)
{
	struct server *s = xcalloc(1, sizeof *s);

	s->base = base;
	s->hooks = *hooks;
	s->refused.id = MSG_syslog_refused;
	s->full.id = MSG_syslog_full;
	s->bad.id = MSG_syslog_bad;
	s->dropped.id = MSG_syslog_dropped;
	return s;
}

bool
server_open(struct server *s, const struct config *c, struct ingest *in, struct err *e)
{
	struct listener *new = NULL, *next;

	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->wanted = false;
	if (!open_new(s, c, &new, e)) {
		for (; new != NULL; new = next) {
			next = new->next;
			free_listener(new);
		}
		return false;
	}
	for (; new != NULL; new = next) {
		next = new->next;
		new->next = s->listener;
		s->listener = new;
	}
	sweep(s);
	s->config = c;
	s->in = in;
	s->senders = senders_open(in);
	s->paused = false;
	set_all(s);
	return true;
}

void
server_leave(struct server *s)
{
	if (s == NULL)
		return;
	senders_close(s->senders);
	s->senders = NULL;
	s->in = NULL;
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->last_sender = NULL;
	for (struct client *c = s->client; c != NULL; c = c->next)
		c->sender = NULL;
	set_all(s);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	for (struct listener *l = s->listener; l != NULL; l = l->next)
		l->wanted = false;
	sweep(s);
	senders_close(s->senders);
	free(s);
}

void
server_remember(struct server *s, int64_t now)
{
	senders_remember(s->senders, now);
}

void
server_committed(struct server *s)
{
	for (struct client *c = s->client; c != NULL; c = c->next) {
		if (c->dead || c->listener->at.kind != LISTEN_RELP)
			continue;
		c->unsafe = 0;
		relp_committed(&c->relp, (uint32_t)repeat_undecided(&c->again), &c->out);
		if (relp_done(&c->relp) && c->again.list == NULL)
			sender_is_done(sender_of_client(c));
		answer(c);
	}
	if (s->paused) {
		s->paused = false;
		set_all(s);
	}
}

void
server_pause(struct server *s)
{
	s->paused = true;
	set_all(s);
}

/* Held back for so long, it is not going to be sent again whole. */
void
server_tick(struct server *s, int64_t now)
{
	struct err e;

	for (struct client *c = s->client; c != NULL && !s->failed; c = c->next) {
		if (c->dead || s->paused || repeat_undecided(&c->again) == 0 ||
		    (now - c->held_at < HOLD_S && !c->relp.closing))
			continue;
		if (!sender_decides(sender_of_client(c), &c->again, &e))
			fail(s, &e);
	}
	if (!s->failed && !s->paused && !ingest_dirty(s->in))
		server_committed(s);	/* what was sent again needs no commit */
	reap(s);
}

void
server_drain(struct server *s)
{
	int64_t until = now_s() + DRAIN_S;
	bool more = !s->paused && s->senders != NULL;

	while (more && !s->failed && now_s() <= until && !ingest_full(s->in)) {
		more = false;
		for (struct listener *l = s->listener; l != NULL; l = l->next)
			if (l->at.kind == LISTEN_UNIX || l->at.kind == LISTEN_UDP)
				more |= take_datagram(l);
		for (struct client *c = s->client; c != NULL && !s->failed; c = c->next) {
			if (!c->dead && !c->broken && !c->relp.closing && !c->begun)
				catch_up(c);
			if (!c->dead && !c->broken && !c->relp.closing)
				more |= turn(c);
		}
	}
	reap(s);
}
