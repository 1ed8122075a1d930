/* secret.h - passwords from a file or the environment, never from a command line, which
 * everybody on the machine can read. */
#ifndef MX_SECRET_H
#define MX_SECRET_H

#include <stdbool.h>

#include "err.h"

/* The first line of file, or, where file is NULL, the environment variable. option: what would have named the
 * file, for *e. The caller frees it; NULL and *e on failure. */
char *secret_read(const char *option, const char *file, const char *variable, struct err *e);

/* Can nobody but its owner and group read it? False and *e, also when it is not there. */
bool secret_is_private(const char *file, struct err *e);

#endif
