/* server_priv.h - what the parts of the syslog server share: listener.c, client.c and
 * datagram.c, which know of each other only what stands here, and server.c, which ties
 * them together. */
#ifndef MX_SERVER_PRIV_H
#define MX_SERVER_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "err.h"
#include "input/address.h"
#include "input/framing.h"
#include "input/tls.h"
#include "message.h"
#include "sender.h"
#include "server.h"

#include <event2/event.h>

struct client;			/* client.c */

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
	struct buf held;		/* those that came while nothing could be stored */
	size_t held_at, held_n;		/* so far they were taken in; how many are left */
	uint32_t overflow;		/* what the kernel dropped so far */
	struct tls_server *tls;		/* NULL: none */
	struct tls_server *next_tls;	/* of the configuration that is being opened */
	bool wanted;
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
	bool deaf;			/* a listener rests, for want of file descriptors */
	char host[SENDER_NAME_MAX];	/* this machine */
	size_t held;			/* bytes, of all listeners */
	struct {			/* what limits did since they were told */
		int64_t kernel, held, clients;
	} hits;
	struct faults refused, bad, tls;
	struct fault full, dropped, crowded, expires;
	char bytes[FRAME_MAX];		/* what was received last */
};

static inline int64_t
server_now(void)
{
	return (int64_t)time(NULL);
}

/* --- listener.c --- */

/* Listen where text says; not read yet. NULL and *e: it cannot be had. */
struct listener *listener_new(struct server *s, const char *text, struct err *e);
void listener_free(struct listener *l);
static inline bool
listener_is_stream(const struct listener *l)
{
	return l->at.kind == LISTEN_TCP || l->at.kind == LISTEN_RELP;
}
/* Read the certificates that its source names, into next_tls; those that it has stay if the
 * files are no good by now and their names are as before (told to the administrator). */
bool listener_load(struct listener *l, struct err *e);
/* They hold from now on, or are not to. */
void listener_take(struct listener *l, bool take);
/* May it send there? If not, the administrator is told. */
bool listener_allows(const struct listener *l, const struct sockaddr_storage *a);

/* --- client.c --- */

/* For the event loop: somebody connects to the listener arg. */
void client_arrives(evutil_socket_t fd, short what, void *arg);
/* Close what belongs to listeners that are not wanted. */
void clients_sweep(struct server *s);
/* Senders are not known any more. */
void clients_forget(struct server *s);
/* Read or do not, as the server's state is by now. */
void clients_set_reading(struct server *s);
/* As server_awaited(). */
bool clients_wait(const struct server *s);
/* As server_committed(), server_tick() and a round of server_drain(); that one is true
 * if there may be more. */
void clients_committed(struct server *s);
void clients_tick(struct server *s, int64_t now);
bool clients_drain(struct server *s);

/* --- datagram.c --- */

/* For the event loop: the listener arg has datagrams. */
void datagrams_arrive(evutil_socket_t fd, short what, void *arg);
/* Take one, or hold it while nothing can be stored; false: there is none, or the server failed. */
bool datagram_take(struct listener *l);
/* Take in those that were held, if something can be stored by now, as far as there is room. */
void datagrams_release(struct server *s);
/* The listener goes: what it holds is lost, and counted as that. */
void datagrams_forget(struct listener *l);

/* --- server.c --- */

/* The state cannot be read. */
void server_fail(struct server *s, const struct err *e);

#endif
