/* pseudonym.h - mail addresses as keyed hashes: the same address is the same word each time, and
 * only whoever has the key can tell whose it is.
 *
 * "anna@example.org" becomes "~ghkbdaolmcfpej@example.org": the domain stays, because it is what
 * delays, refusals and reports go by. The hash is of the whole address, by SipHash-2-4 (Aumasson
 * and Bernstein, 2012) with a key of 128 bits that lies in a file of its own, beside the state and
 * not in it: a copy of the state says nothing of who wrote to whom, and without the file nobody
 * finds out. Ten letters are of the address in lower case, so that it can be asked for however it
 * is spelt, four of its exact bytes, so that nothing is counted as the same that is not. */
#ifndef MX_PSEUDONYM_H
#define MX_PSEUDONYM_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

/* A pseudonym's longest; a longer domain is cut. */
enum { PSEUDONYM_MAX = 320 };

struct pseudonyms;

/* Is there a key in the folder of a state? */
bool pseudonyms_there(const char *dir);
/* With the key of that folder; make: with a new one if it has none. NULL and *e: it cannot be read
 * or written, or everybody may read it. */
struct pseudonyms *pseudonyms_open(const char *dir, bool make, struct err *e);
void pseudonyms_free(struct pseudonyms *p);

/* An address without <>, or a login. What is empty, is a pseudonym already, or stands for no person
 * (double-bounce@, MAILER-DAEMON, a domain alone) stays as it is. The result lies in out or is address. */
struct slice pseudonym_of(const struct pseudonyms *p, struct slice address, char out[PSEUDONYM_MAX]);

/* The same of a Message-ID, with <> or without, of which no domain stays: it names whose machine made it. */
struct slice pseudonym_of_mid(const struct pseudonyms *p, struct slice mid, char out[PSEUDONYM_MAX]);

/* Are these pseudonyms of one address, however it was spelt? */
bool pseudonym_same(struct slice a, struct slice b);

/* Can there be an address in it? */
bool pseudonyms_wanted(struct slice text);
/* Add text to out with each address in it replaced: whatever has an @ with a name before it, and a
 * name between < and >. A name without either cannot be told from a word. */
void pseudonyms_text(const struct pseudonyms *p, struct slice text, struct buf *out);

#endif
