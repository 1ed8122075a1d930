/* server.h - syslog from the network: datagrams, TCP and RELP, both also with TLS, on the
 * daemon's event loop.
 *
 * What a sender may rely on: RELP is acknowledged after the commit, and what comes again
 * after a cut connection is not counted twice (repeat.h). TCP is read to the last byte that
 * came whole, but nothing tells its sender what was lost with a connection; datagrams may be
 * lost anywhere. While a commit fails no connection is read: the senders' queues wait. Datagrams
 * are, into a bounded memory: syslog(3) blocks its caller, which may be an MTA, when nobody reads.
 * Each connection is read 32 KiB at a time, in turn. */
#ifndef MX_SERVER_H
#define MX_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "ingest.h"
#include "store/config.h"

struct event_base;
struct server;

/* What the server asks of the daemon. */
struct server_hooks {
	void (*commit)(void *arg);	/* now: memory is full, or a sender waits for it */
	void (*failed)(void *arg, const struct err *e);	/* as ingest_line()'s false */
	void *arg;
};

struct server *server_new(struct event_base *base, const struct server_hooks *hooks);
void server_free(struct server *s);

/* Listen where c says, and feed in. Again after server_leave(): listeners that stay, and their
 * connections, go on untouched. False and *e: a listener cannot be had; none of the new ones
 * was opened. c and in must live until server_leave(). */
bool server_open(struct server *s, const struct config *c, struct ingest *in, struct err *e);
/* Before in is closed: nothing is read until server_open(). All must be committed, or
 * will never be. */
void server_leave(struct server *s);

/* Does a sender wait for a commit? */
bool server_awaited(const struct server *s);

/* Before a commit; after it, when senders are told that their lines are safe; and after one that
 * failed: nothing is read until the next that does not. */
void server_remember(struct server *s, int64_t now);
void server_committed(struct server *s);
void server_pause(struct server *s);

/* Once a second or so: what waits for time. */
void server_tick(struct server *s, int64_t now);
/* Before the end: take what has arrived, for at most a second. */
void server_drain(struct server *s);

#endif
