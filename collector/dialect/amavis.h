/* amavis.h - what the files of the amavis dialect share.
 *
 * amavis.c takes the number of the session off a line, reads the main line of a message and
 * hands all others to amavis_other.c. */
#ifndef MX_AMAVIS_H
#define MX_AMAVIS_H

#include "dialect/filter.h"

/* "(!)TEXT", "(!!)TEXT": trouble, by amavis' own judgement; marked: the mark was there
 * (older releases had none). 0: it is none. */
int amavis_trouble(struct slice s, bool marked, struct event *out);

/* What is no message's main line and no trouble. session: it began with "(00088-01) ". */
int amavis_other(struct slice s, bool session, struct event *out);

#endif
