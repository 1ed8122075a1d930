/* status.h - how the collector itself is: sources, limits, disk. */
#ifndef MX_STATUS_H
#define MX_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "stateread.h"

/* Append the text for the state of dir as of now. False and *e if it cannot be read. */
bool status_text(struct stateread *state, const char *dir, int64_t now, struct buf *out,
    struct err *e);

/* `mxgauge status`: print it to stdout. */
bool status_run(const char *dir, struct err *e);

#endif
