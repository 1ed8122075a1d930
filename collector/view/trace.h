/* trace.h - one mail's life, from the facts in the state. */
#ifndef MX_TRACE_H
#define MX_TRACE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "pseudonym.h"
#include "stateread.h"

/* Append what is known of the mails that what names: a queue id, a Message-ID (with or
 * without <>), an address or its domain ("@example.org"), a client's IP address, who
 * authenticated; with the mails that they continue or became. Behind them the refusals and
 * failed logins of that name that the state keeps as samples. host: only of this host, or NULL.
 * p: for addresses that are kept hashed, or NULL. found: how many mails and samples. */
bool trace_text(struct stateread *r, const struct pseudonyms *p, const char *what, const char *host,
    struct buf *out, size_t *found, struct err *e);

/* `mxgauge trace`: print it for each of n names. 0: all found, 1: of one nothing is known, or a
 * sentence on stderr. */
int trace_run(const char *dir, char **what, size_t n, const char *host);

#endif
