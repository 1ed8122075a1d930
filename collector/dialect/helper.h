/* helper.h - what the dialects of policy services and milters share.
 *
 * They answer an MTA, which logs the outcome itself: what they say of a mail is information
 * and never counted, only that they are broken is. Takers work from the front of *s; false
 * leaves *s as it was. */
#ifndef MX_HELPER_H
#define MX_HELPER_H

#include <stdbool.h>

#include "dialect/dialect.h"

/* A queue id and ": " behind it: a word with a digit, or a long id of Postfix without one. */
bool helper_take_id(struct slice *s, struct slice *id);

/* "NAME[ADDRESS]" up to the first blank or the end, or an address alone. */
void helper_client(struct slice s, struct event *e);

/* "<ADDRESS>", or what stands before the first blank. */
bool helper_take_address(struct slice *s, struct slice *address);

/* One event of what a program says of itself: kind INFO, QWARN or FILTER_FAIL. */
int helper_says(struct event *out, enum event_kind kind, struct slice sub, struct slice text);

/* Is it about something that failed? Only for text that holds no stranger's words. */
bool helper_is_trouble(struct slice s);

/* What Net::Server (Perl), on which many policy services stand, writes of itself. */
bool helper_is_net_server(struct slice s);

/* What libmilter and the frame of OpenDKIM and OpenDMARC say of the process: start, end,
 * sockets, configuration. -1 if it is none of that. */
int helper_milter(struct event *out, struct slice program, struct slice s);

/* The action of a policy service ("REJECT why", "550 5.7.1 why", "DEFER_IF_PERMIT why",
 * "PREPEND Header: x") as a short word in sub, with code, dsn and text. */
void helper_action(struct slice s, struct event *e);

#endif
