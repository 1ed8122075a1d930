/* cached.h - talk to rrdcached over its local socket, with a deadline.
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

/* address: "unix:/path" or "/path". Nothing is opened until it is needed. */
struct cached *cached_new(const char *address);
void cached_free(struct cached *c);

/* Hand over rows ("time:value:value..."), oldest first. */
bool cached_update(struct cached *c, const char *path, char *const *row, size_t n,
    struct err *e);
/* Write what it holds of the file. */
bool cached_flush(struct cached *c, const char *path, struct err *e);
/* The file is another one now: forget its last update. */
bool cached_forget(struct cached *c, const char *path, struct err *e);

#endif
