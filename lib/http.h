/* http.h - fetch a small document by HTTPS, with libcurl (curlload.h). */
#ifndef MX_HTTP_H
#define MX_HTTP_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Append the document to b: status 200 only, redirects are not followed, certificates are
 * verified (ca_file: in place of the system's authorities; may be NULL), at most what
 * b holds, within timeout_s. at: where the URL's host is, "HOST:443:192.0.2.1,[2001:db8::1]"; NULL: the system's
 * resolver says. False and *e otherwise; *ours: it is this machine's trouble, as no libcurl. */
bool http_get(struct buf *b, const char *url, const char *at, const char *ca_file, double timeout_s, bool *ours,
    struct err *e);

#endif
