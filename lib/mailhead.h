/* mailhead.h - the header of a message: its fields, its dates, and the way that it came.
 *
 * All of it was written by strangers: what is not understood is left out, never guessed.
 * Names kept here are cut, not cleaned. */
#ifndef MX_MAILHEAD_H
#define MX_MAILHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum { MAILHEAD_HOPS_MAX = 60, MAILHEAD_NAME = 80, MAILHEAD_WITH = 16 };

/* Take a field from the front of head: its name, and its value with the line ends inside it.
 * Lines that are no field are passed over. False at the empty line or the end. */
bool mailhead_next(struct slice *head, struct slice *name, struct slice *value);

/* "Sat, 21 Nov 2026 18:44:33 +0100 (CET)" as RFC 5322 has it, with comments, two digits of the
 * year, old names of zones; also as IMAP has it, "21-Nov-2026 18:44:33 +0100". False: there
 * is no date, or one of a zone that is not known. */
bool mailhead_date(struct slice s, int64_t *epoch);

/* Who had the message, by the Received lines. */
struct mailhead_hop {
	char by[MAILHEAD_NAME];		/* empty: it does not say */
	char with[MAILHEAD_WITH];	/* "ESMTPS" */
	int64_t at;			/* seconds since 1970 */
	bool dated;			/* else at means nothing */
};

struct mailhead_way {
	struct mailhead_hop hop[MAILHEAD_HOPS_MAX];	/* the last first, as in the header */
	size_t hops;
	size_t left_out;
};

/* One Received line's value, behind those that are there. */
void mailhead_received(struct mailhead_way *w, struct slice value);

#endif
