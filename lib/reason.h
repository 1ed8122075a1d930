/* reason.h - the classes of reason.def as an enum. */
#ifndef MX_REASON_H
#define MX_REASON_H

#include <stdbool.h>

#include "slice.h"

enum reason {
	REASON_none,	/* no reason applies */
#define REASON(name, short_, sentence) REASON_##name,
#include "reason.def"
#undef REASON
	REASON_N
};

/* "dnsbl", and "" for REASON_none. */
const char *reason_name(enum reason r);
const char *reason_sentence(enum reason r);
/* REASON_none if there is no such class. */
enum reason reason_by_name(struct slice name);
/* Does a refusal for that reason say something of the client? Our own trouble, a full mailbox and, for
 * now (4xx), greylisting and names that do not resolve hit whoever comes. */
bool reason_blames(enum reason r, bool for_now);

#endif
