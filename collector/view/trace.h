/* trace.h - one mail's life, from the facts in the state. */
#ifndef MX_TRACE_H
#define MX_TRACE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "stateread.h"

/* Append what is known of the mails that what names: a queue id, a Message-ID (with or
 * without <>), or an address or its domain ("@example.org"); with the mails that they
 * continue or became. host: only of this host, or NULL. found: how many mails. */
bool trace_text(struct stateread *r, const char *what, const char *host, struct buf *out,
    size_t *found, struct err *e);

/* `mxgauge trace`: print it. 0: found, 1: no such mail, or a sentence on stderr. */
int trace_run(const char *dir, const char *what, const char *host);

#endif
