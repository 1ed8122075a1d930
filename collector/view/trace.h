/* trace.h - one mail's life, from the facts in the state. */
#ifndef MX_TRACE_H
#define MX_TRACE_H

#include <stddef.h>

/* `mxgauge trace`: print it for each of n names. 0: all found, 1: of one nothing is known, or a
 * sentence on stderr. */
int trace_run(const char *dir, char **what, size_t n, const char *host);

#endif
