/* backup.h - a consistent copy of the state while the daemon writes. */
#ifndef MX_BACKUP_H
#define MX_BACKUP_H

#include <stdbool.h>

#include "err.h"

/* Copy the state in dir, as of its last commit, to a file that must not be there yet. False and
 * *e: no state, the file is there, no space; then nothing is left of the copy. */
bool backup_make(const char *dir, const char *file, struct err *e);

#endif
