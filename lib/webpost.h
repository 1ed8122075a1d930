/* webpost.h - tell a web service something by HTTP POST, with libcurl (curlload.h); one connection serves
 * several times. */
#ifndef MX_WEBPOST_H
#define MX_WEBPOST_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Where to, and who we are; NULL and "" are nothing. Certificates are verified: ca_file in place of the system's
 * authorities. */
struct webpost_rules {
	const char *url;
	const char *user, *password;	/* Basic */
	const char *ca_file, *certificate, *key;
	const char *headers[3];		/* as in "Accept: application/json"; NULL ends them */
};

struct webpost;

/* NULL and *e: there is no libcurl, or rules cannot be. What is in rules has to last. */
struct webpost *webpost_open(const struct webpost_rules *rules, struct err *e);
void webpost_close(struct webpost *w);

/* Post body; the answer of any status goes to reply, which has to hold it. Redirects are not followed, as they
 * might lead our secrets elsewhere. False and *e: there was no whole answer until the moment until of clock_now(). */
bool webpost_send(struct webpost *w, struct slice body, double until, struct buf *reply, long *status,
    struct err *e);

#endif
