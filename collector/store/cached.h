/* cached.h - talk to rrdcached over its local socket or TCP, with deadlines.
 *
 * A round is one bringing up to date of all files. A daemon that is gone, or does not
 * answer, costs 2 s (connecting) and 4 s (an answer) once in a round: the round's other
 * commands fail at once. One that answers slowly costs wait_ms in a round.
 *
 * The daemon accepts anything, and forgets what it has not written when it is
 * killed: so only a flush counts, and the caller looks into the file after it.
 * librrd's own client waits without end for a daemon that hangs. */
#ifndef MX_CACHED_H
#define MX_CACHED_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct cached;

/* address: "unix:/path", "/path", "HOST:PORT" or "[IPv6]:PORT". base: the folder of all
 * files, without links in its name: over TCP rrdcached takes no absolute names, so they are
 * sent relative to base, which must be the daemon's own base folder (-b). wait_ms: see
 * above; 0: no limit. A host's name is looked up here; nothing is opened until it is needed.
 * NULL and *e: the address makes no sense. */
struct cached *cached_new(const char *address, const char *base, int wait_ms, struct err *e);
void cached_free(struct cached *c);

/* A new round begins. */
void cached_round(struct cached *c);

/* Hand over rows ("time:value:value..."), oldest first. */
bool cached_update(struct cached *c, const char *path, char *const *row, size_t n,
    struct err *e);
/* Write what it holds of the file. */
bool cached_flush(struct cached *c, const char *path, struct err *e);
/* The same; that it never heard of the file is fine as well. */
bool cached_settle(struct cached *c, const char *path, struct err *e);
/* The file is another one now: forget its last update. */
bool cached_forget(struct cached *c, const char *path, struct err *e);

#endif
