/* keep.h - what a check remembers from one run to the next: a small file of its own.
 *
 * In the folder that NAGIOS_PLUGIN_STATE_DIRECTORY names, else in /var/tmp/mxgauge-UID,
 * which is made, and must belong to the account and to nobody else. One file for each check
 * and each thing that it looks at, so that two services do not mix. */
#ifndef MX_KEEP_H
#define MX_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

enum { KEEP_BYTES = 1 << 18 };

/* What check wrote of that thing last; empty, and true, if it never did. */
bool keep_read(const char *check, struct slice thing, struct buf *bytes, struct err *e);
/* In its place: all or nothing. */
bool keep_write(const char *check, struct slice thing, struct slice bytes, struct err *e);

/* One run at a time: wait for the others of check and thing, until then (by clock_now()) at most. It
 * holds until the process ends. False and *e: another is still at it. */
bool keep_lock(const char *check, struct slice thing, double until, struct err *e);

/* It could not be read or written: *e is why. rests: the answer rests on it, so it is UNKNOWN what is named ("growth is
 * not known"); else a remark, once: all else was found out in this run. */
void keep_failed(bool rests, const char *what, const struct err *e);

/* A number that is always the same for the thing, and hardly ever that of another. No secret. */
uint64_t keep_number(struct slice thing);

#endif
