/* scan.h - what the logs of many mail programs have in common.
 *
 * Takers work from the front of *s and say whether they took something; after false *s is
 * as it was. Included by dialect.h: a dialect needs nothing else. */
#ifndef MX_SCAN_H
#define MX_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct event;

/* scan_address() where a quote follows the '<'. */
bool scan_quoted_address(struct slice *s, struct slice *address);

/* "<ADDRESS>", quoted local parts and all (RFC 5321 4.1.2), without its <>. */
static inline bool
scan_address(struct slice *s, struct slice *address)
{
	size_t n;

	if (s->n < 2 || s->p[0] != '<')
		return false;
	if (s->p[1] == '"')
		return scan_quoted_address(s, address);
	n = slice_until(*s, '>', '>');
	if (n == s->n)
		return false;
	*address = (struct slice){ s->p + 1, n - 1 };
	*s = (struct slice){ s->p + n + 1, s->n - n - 1 };
	return true;
}

/* "450 4.7.1 TEXT", "5.7.1 TEXT", "554 TEXT" (RFC 5321 4.2, RFC 3463 2) into code, dsn and
 * text of e, all that is there. */
void scan_reply(struct slice s, struct event *e);

/* What Exim or Sendmail as the next hop call a mail that they took: "250 OK id=ID",
 * "2.0.0 ID Message accepted for delivery". Empty if the answer is another. */
struct slice scan_taken_as(struct slice answer);

/* An enhanced status code "5.7.1" and the blank behind it, which may be missing at the end. */
bool scan_dsn(struct slice *s, struct slice *dsn);

/* How long, in milliseconds: "3s", "1h2m3s", "2d4h", "0.123s". At least one unit; "3" alone
 * is none. */
bool scan_duration(struct slice *s, int64_t *ms);

/* "01:02:03", "1+02:03:04" (days before the plus), in milliseconds. */
bool scan_hms(struct slice *s, int64_t *ms);

/* Is all of s an address of IPv4 or IPv6 (by its characters: digits and dots, or hex
 * digits, colons and dots)? */
bool scan_is_ip(struct slice s);

/* The last component of a tag with a path: "amavisd" of "/usr/sbin/amavisd". */
struct slice scan_base(struct slice tag);

/* client_ip, client_name and loopback of e. "unknown" and its like are no name. */
void scan_set_client(struct event *e, struct slice name, struct slice ip);

#endif
