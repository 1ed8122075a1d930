/* hide.h - events without addresses, for states that keep none (hash_addresses). */
#ifndef MX_HIDE_H
#define MX_HIDE_H

#include "dialect/dialect.h"
#include "mem.h"
#include "pseudonym.h"

/* Put pseudonyms in place of senders, recipients, logins, Message-IDs, and of the addresses in texts. They live
 * in room. What was equal stays equal, and what was not does not: nothing is counted otherwise. */
void hide_event(const struct pseudonyms *p, struct event *e, struct arena *room);

#endif
