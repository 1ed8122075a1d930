/* draw.h - bring the RRDs up to the last commit. */
#ifndef MX_DRAW_H
#define MX_DRAW_H

#include <stdbool.h>

#include "err.h"
#include "ingest.h"

/* Write all RRDs of the state in dir once, below dir/rrd; templates: a folder or NULL for
 * the installed ones, cached: rrdcached's socket or NULL. */
bool draw_all(struct ingest *in, const char *dir, const char *templates, const char *cached,
    struct err *e);

#endif
