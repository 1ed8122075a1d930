/* when.h - points in time as administrators write them. */
#ifndef MX_WHEN_H
#define MX_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

/* "now"; "@1795200000"; "-2h" (before now); "2026-11-20", "2026-11-20 03:00",
 * "2026-11-20T03:00:15"; "today", "yesterday", either with a time behind it; "03:00"
 * (the last time it was). Local time (TZ) unless Z, UTC, +01:00 or +0100 follows the
 * time of day, a blank before it or not. A day without a time begins at midnight. */
bool when_parse(struct slice text, int64_t now, int64_t *t, struct err *e);

/* "2026-11-20 03:00:15" in local time. */
void when_print(struct buf *b, int64_t t);

#endif
