/* client.c - connections to the syslog listeners, see server.h.
 *
 * A client that is dropped is freed when the loop's callback is over (reap), because the
 * commit that a line makes necessary may drop any of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hash.h"
#include "input/relp.h"
#include "input/repeat.h"
#include "mem.h"
#include "server_priv.h"

#include "poison.h"

enum {
	TURN_BYTES = 32 * 1024,
	WINDOW_FRAMES = 100,	/* librelp waits when 128 are not acknowledged */
	WINDOW_BYTES = 1 << 20,
	OUT_BYTES = 1 << 16,	/* of answers that a client does not read: it is not read either */
	HOLD_S = 10,		/* so long the rest of what was sent again is waited for */
	CATCH_UP = 64,
	CROWDS = 4096		/* max_clients is 2000 at most */
};

/* What comes of reading or writing. */
enum got {
	SOME,
	WAIT,	/* for the other end */
	END,	/* it said so */
	GONE
};

struct client {
	struct client *next;
	struct listener *listener;
	int fd;
	struct tls *tls;		/* NULL: none */
	bool secure;			/* its handshake is done */
	int64_t since;
	uint64_t serial;		/* in order of arrival */
	struct event *read, *write;
	char address[ADDRESS_TEXT_MAX];
	unsigned crowd;			/* which bucket of make_room() its address is in */
	struct sender *sender;		/* NULL: not looked up since server_open() */
	struct repeat again;
	int64_t held_at;		/* when something was held back last */
	bool begun, brought, broken, dead;
	struct framing framing;
	struct relp relp;
	struct buf out;
	size_t unsafe;			/* bytes that wait for a commit */
};

/* --- their end, and what they are told ------------------------------------------------ */

static void
drop(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	event_free(c->read);
	event_free(c->write);
	tls_free(c->tls);
	c->tls = NULL;
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

static void
turned_away(struct client *c, const char *why)
{
	char text[SENDER_NAME_MAX + sizeof (struct err)];

	snprintf(text, sizeof text, "%s %s: %s", c->listener->name, c->address, why);
	faults_met(&c->listener->server->tls, server_now(), text);
}

/* What a step of TLS means. */
static enum got
meaning(struct client *c, enum tls_answer a, const struct err *e)
{
	switch (a) {
	case TLS_DONE:
		return SOME;
	case TLS_WANT_WRITE:
		(void)event_add(c->write, NULL);
		return WAIT;
	case TLS_WANT_READ:
		return WAIT;
	case TLS_END:
		return END;
	case TLS_FAILED:
		break;
	}
	if (!c->brought)	/* later on, connections break as they do without TLS */
		turned_away(c, e->text);
	return GONE;
}

/* SOME: what it sends can be read. */
static enum got
secure(struct client *c)
{
	enum got g = SOME;
	struct err e;

	if (c->tls != NULL && !c->secure)
		g = meaning(c, tls_handshake(c->tls, &e), &e);
	c->secure = g == SOME;
	return g;
}

static enum got
receive(struct client *c, size_t *n)
{
	struct server *s = c->listener->server;
	struct err e;
	ssize_t rc;

	if (c->tls != NULL)
		return meaning(c, tls_read(c->tls, s->bytes, TURN_BYTES, n, &e), &e);
	rc = recv(c->fd, s->bytes, TURN_BYTES, 0);
	if (rc < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : GONE;
	*n = (size_t)rc;
	return rc == 0 ? END : SOME;
}

static enum got
give(struct client *c, size_t *n)
{
	struct err e;
	ssize_t rc;

	if (c->tls != NULL)
		return meaning(c, tls_write(c->tls, c->out.p, c->out.n, n, &e), &e);
	rc = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
	if (rc < 0)
		return errno == EAGAIN || errno == EINTR ? WAIT : GONE;
	*n = (size_t)rc;
	return SOME;
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
	size_t n = 0;

	if (c->out.n > 0 && give(c, &n) == GONE) {
		drop(c);
		return;
	}
	if (n > 0) {
		memmove(c->out.p, c->out.p + n, c->out.n - n);
		c->out.n -= n;
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
	if (c->tls != NULL && event_pending(c->read, EV_READ, NULL))
		event_active(c->read, EV_READ, 0);	/* TLS may have to write before it reads on */
	if (c->secure)
		answer(c);
	reap(s);
}

/* --- their lines ------------------------------------------------------------------------ */

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
		server_fail(c->listener->server, &e);
	if (repeat_undecided(&c->again) > 0)
		c->held_at = server_now();
}

/* Nothing that comes from it can be told apart any more. */
static void
give_up(struct client *c, const char *why)
{
	char text[SENDER_NAME_MAX * 2];

	snprintf(text, sizeof text, "%s %s: %s", c->listener->name, c->address, why);
	faults_met(&c->listener->server->bad, server_now(), text);
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
	size_t n;

	switch (receive(c, &n)) {
	case WAIT:
		return false;
	case END:
		if (c->brought && c->listener->at.kind == LISTEN_TCP && framing_is_between(&c->framing))
			sender_ends(sender_of_client(c), &c->again);
		drop(c);
		return false;
	case GONE:
		drop(c);
		return false;
	case SOME:
		break;
	}
	take_bytes(c, (struct slice){ c->listener->server->bytes, n });
	return !c->broken && !c->relp.closing;
}

/* Can it be read, now that it may have gone on with its handshake? If that failed, it is dropped. */
static bool
secured(struct client *c)
{
	enum got g = secure(c);

	if (g == END || g == GONE)
		drop(c);
	return g == SOME;
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
		if (!secured(old))
			continue;
		if (!old->begun)
			sender_begins(sender_of_client(old), &old->again, old->serial);
		old->begun = true;
		for (int i = 0; i < CATCH_UP && !s->failed && turn(old); i++)
			;
	}
	sender_begins(sender_of_client(c), &c->again, c->serial);
	c->begun = true;
}

/* Take what has come. False: there is no more for now. */
static bool
bring(struct client *c)
{
	if (!secured(c))
		return false;
	if (!c->begun)
		catch_up(c);
	return turn(c);
}

static bool
waits(const struct client *c)
{
	return c->listener->at.kind == LISTEN_RELP &&
	    (relp_waiting(&c->relp) >= WINDOW_FRAMES || c->unsafe >= WINDOW_BYTES ||
	    c->relp.closing);	/* it does not wait long, and forgets what it has */
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	struct server *s = c->listener->server;

	(void)fd;
	(void)what;
	ingest_clock(s->in, server_now());
	(void)bring(c);
	if (!s->failed && (ingest_full(s->in) || (!c->dead && waits(c))))
		s->hooks.commit(s->hooks.arg);
	if (!c->dead && c->secure)
		answer(c);
	reap(s);
}

/* --- their beginning --------------------------------------------------------------------- */

static unsigned
crowd_of(const struct server *s, const char *address)
{
	return (unsigned)(hash_bytes(state_key(ingest_state(s->in)), slice_of(address)) % CROWDS);
}

/* The oldest of those that brought no whole message yet. */
static struct client *
idle_one(const struct server *s)
{
	struct client *idle = NULL;

	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead && !c->brought && (idle == NULL || c->serial < idle->serial))
			idle = c;
	return idle;
}

/* The oldest of the address that has most, if a newcomer from crowd would have fewer. */
static struct client *
crowded_one(const struct server *s, unsigned crowd)
{
	unsigned many[CROWDS] = { 0 };
	struct client *one = NULL;

	for (struct client *c = s->client; c != NULL; c = c->next)
		many[c->crowd] += !c->dead;
	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead && (one == NULL || many[c->crowd] > many[one->crowd] ||
		    (c->crowd == one->crowd && c->serial < one->serial)))
			one = c;
	return one != NULL && many[one->crowd] > many[crowd] + 1 ? one : NULL;
}

static void
say_full(struct server *s, const char *why)
{
	fault_met(&s->full, server_now(), why);
	s->hits.clients++;
}

/* An address with many connections cannot keep those out that have few. */
static bool
make_room(struct server *s, const struct sockaddr_storage *a)
{
	char address[ADDRESS_TEXT_MAX], text[100];
	struct client *one = idle_one(s);

	if (s->clients < (size_t)s->config->max_clients)
		return true;
	snprintf(text, sizeof text, "max_clients = %" PRId64, s->config->max_clients);
	say_full(s, text);
	if (one != NULL) {
		(void)bring(one);	/* it may have been about to */
		if (!one->brought)
			drop(one);
	}
	address_text(a, address);
	if (s->clients >= (size_t)s->config->max_clients &&
	    (one = crowded_one(s, crowd_of(s, address))) != NULL) {
		for (int i = 0; i < CATCH_UP && !s->failed && bring(one); i++)
			;
		drop(one);
	}
	return s->clients < (size_t)s->config->max_clients;
}

static void
add_client(struct listener *l, int fd, const struct sockaddr_storage *a)
{
	struct client *c = xcalloc(1, sizeof *c);
	struct server *s = l->server;

	c->listener = l;
	c->fd = fd;
	c->tls = l->tls == NULL ? NULL : tls_new(l->tls, fd);
	c->secure = c->tls == NULL;
	c->since = server_now();
	c->serial = ++s->serial;
	c->framing = framing_new();
	c->relp = relp_new();
	c->out = buf_new(RELP_OUT_MAX);
	address_text(a, c->address);
	c->crowd = crowd_of(s, c->address);
	c->read = event_new(s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->write = event_new(s->base, fd, EV_WRITE, on_writable, c);
	if (c->read == NULL || c->write == NULL)
		abort();	/* no memory */
	c->next = s->client;
	s->client = c;
	s->clients++;
	set_reading(c);
}

void
client_arrives(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct server *s = l->server;
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	int new = accept(fd, (struct sockaddr *)&a, &n);

	(void)what;
	if (new < 0 && (errno == EMFILE || errno == ENFILE)) {
		say_full(s, strerror(errno));
		(void)event_del(l->event);	/* until the next tick, or we would do nothing else */
		s->deaf = true;
	}
	if (new < 0)
		return;
	if (!listener_allows(l, &a) || !make_room(s, &a) || evutil_make_socket_nonblocking(new) != 0 ||
	    evutil_make_socket_closeonexec(new) != 0)
		close(new);
	else
		add_client(l, new, &a);
	reap(s);
}

/* --- all of them -------------------------------------------------------------------------- */

void
clients_sweep(struct server *s)
{
	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->listener->wanted)
			drop(c);
	reap(s);
}

void
clients_forget(struct server *s)
{
	for (struct client *c = s->client; c != NULL; c = c->next)
		c->sender = NULL;
}

void
clients_set_reading(struct server *s)
{
	for (struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead)
			set_reading(c);
}

void
clients_committed(struct server *s)
{
	for (struct client *c = s->client; c != NULL; c = c->next) {
		if (c->dead || c->listener->at.kind != LISTEN_RELP || !c->secure)
			continue;
		c->unsafe = 0;
		relp_committed(&c->relp, (uint32_t)repeat_undecided(&c->again), &c->out);
		if (relp_done(&c->relp) && c->again.list == NULL)
			sender_is_done(sender_of_client(c), &c->again);
		answer(c);
	}
}

static void
end_slow_handshakes(struct server *s, int64_t now)
{
	char text[100];

	for (struct client *c = s->client; c != NULL && !s->paused; c = c->next) {
		if (c->dead || c->secure || now - c->since <= s->config->tls_handshake)
			continue;
		snprintf(text, sizeof text, "TLS did not stand after %" PRId64 " s",
		    s->config->tls_handshake);
		turned_away(c, text);
		drop(c);
	}
}

/* What is held back for so long is not going to be sent again whole. */
void
clients_tick(struct server *s, int64_t now)
{
	struct err e;

	end_slow_handshakes(s, now);
	for (struct client *c = s->client; c != NULL && !s->failed; c = c->next) {
		if (c->dead || s->paused || repeat_undecided(&c->again) == 0 ||
		    (now - c->held_at < HOLD_S && !c->relp.closing))
			continue;
		if (!sender_decides(sender_of_client(c), &c->again, &e))
			server_fail(s, &e);
	}
	if (!s->failed && !s->paused && !ingest_dirty(s->in))
		server_committed(s);	/* what was sent again needs no commit */
	reap(s);
}

bool
clients_wait(const struct server *s)
{
	for (const struct client *c = s->client; c != NULL; c = c->next)
		if (!c->dead && c->listener->at.kind == LISTEN_RELP && relp_waiting(&c->relp) > 0)
			return true;
	return false;
}

bool
clients_drain(struct server *s)
{
	bool more = false;

	for (struct client *c = s->client; c != NULL && !s->failed; c = c->next) {
		if (!c->dead && !c->broken && !c->relp.closing)
			more |= bring(c);
	}
	reap(s);
	return more;
}
