/* deliver_web.h - what NRDP and Icinga 2's API have in common, and what their answers mean. */
#ifndef MX_DELIVER_WEB_H
#define MX_DELIVER_WEB_H

#include "deliver_priv.h"
#include "webpost.h"

enum { WEB_REPLY_BYTES = 1 << 16 };

/* A connection for m, which has said so if there is none (NULL). The secrets that it needs are read anew each
 * time, from files that others cannot read. */
struct webpost *web_open(const struct config_monitor *m, const char *url, const struct deliver_to *to,
    const char *const headers[2]);

/* The secret in file, to be freed; NULL: to has been told why not. */
char *web_secret(const char *file, const struct deliver_to *to);

/* What NRDP answered: did it take all? False and *e: why not. */
bool web_nrdp_took(long status, struct slice reply, struct err *e);

/* What Icinga 2's API answered to one result. */
enum web_verdict { WEB_TAKEN, WEB_REFUSED, WEB_FAILED };
enum web_verdict web_icinga2_verdict(long status, struct slice reply, struct err *e);

/* The body for each. NRDP's has several results, and token. */
void web_nrdp_body(struct buf *b, const struct config_monitor *m, const struct spooled *batch, size_t n,
    const char *token);
void web_icinga2_body(struct buf *b, const struct config_monitor *m, const struct result *r, const char *source);

#endif
