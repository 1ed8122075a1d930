/* state_wal.h - the database and its log are written in large pieces.
 *
 * SQLite writes each page of its log with two calls, the second of which begins in the
 * middle of a block: the kernel clears and fills each block in turn, and an import spends a
 * twelfth of its time there. Page by page it moves them into the database, too, which takes half
 * as long again as it must. */
#ifndef MX_STATE_WAL_H
#define MX_STATE_WAL_H

#include "err.h"

/* The name by which sqlite3_open_v2() is told to do so, the system's own way underneath.
 * Not thread-safe when called first. */
const char *state_wal_vfs(void);

#endif
