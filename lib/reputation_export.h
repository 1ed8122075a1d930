/* reputation_export.h - bad networks as a list that an administrator reviews: a map for Postfix's
 * cidr(5), or a zone of rbldnsd(8). Nothing here, and nothing that calls it, puts such a list to use. */
#ifndef MX_REPUTATION_EXPORT_H
#define MX_REPUTATION_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "reputation.h"
#include "rir.h"

enum { EXPORT_BYTES = 16 << 20 };

struct reputation_export {
	const struct reputations *all;		/* the worst first */
	const struct reputation_rule *rule;
	double bad_score;			/* from here on a network is listed */
	bool zone;				/* rbldnsd's, else Postfix's */
	const char *action;			/* of Postfix's map */
	const char *whose, *made, *from, *to;	/* for the head: "the farm", and times */
	const char *(*host)(int id);		/* its name, fit for a line */
	const char *(*hour)(int64_t hour);
	const struct rir_want *contact;		/* sorted by network; may be NULL */
	size_t n_contacts;
};

/* Write the list into b. Two networks become one only where they are its halves: nothing comes in that is not
 * listed itself. Each has its reasons before it. Returns how many networks are listed. */
size_t reputation_export(struct buf *b, const struct reputation_export *x);

/* The contact of a network; NULL: none was looked for or found. */
const struct rir_want *reputation_contact(const struct rir_want *contact, size_t n, const struct network *net);

/* Make text the whole of the file: all or nothing, whatever happens meanwhile. */
bool reputation_write(const char *path, struct slice text, struct err *e);

#endif
