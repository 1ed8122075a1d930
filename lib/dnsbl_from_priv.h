/* dnsbl_from_priv.h - what the readers of configurations share. See dnsbl_from.h. */
#ifndef MX_DNSBL_FROM_PRIV_H
#define MX_DNSBL_FROM_PRIV_H

#include "dnsbl_from.h"

/* Note a list that is asked in that way; use's texts are the caller's for good. kinds 0: as the table
 * says. What has no dot, or "$" or braces in it, is unclear, and true. */
bool dnsbl_from_add(struct dnsbl_from *f, struct slice zone, unsigned kinds, const struct dnsbl_use *use,
    struct err *e);
/* The next word, up to one of the given separators. False: no more. */
bool dnsbl_from_word(struct slice *rest, const char *separators, struct slice *word);
/* The whole file; the caller frees it. False and *e: it cannot be read. */
bool dnsbl_from_file(const char *path, struct buf *text, struct err *e);

#endif
