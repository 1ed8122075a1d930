/* wholefile.h - a file that is read as a whole: what another machine or program left there. */
#ifndef MX_WHOLEFILE_H
#define MX_WHOLEFILE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Add what stands in the file. False and *e: it cannot be read, or is more than fits into b. */
bool wholefile_read(struct buf *b, const char *path, struct err *e);

#endif
