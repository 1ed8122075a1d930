/* hops.h - mails that go on at another host of the farm.
 *
 * A delivery says by which id the next host took the mail ("queued as X"). Where another host
 * has a mail X with the same Message-ID, at a time that fits, both mails learn of the hop:
 * FACT_HOP_INTO, FACT_HOP_FROM. What follows for the counts is in count.c.
 *
 * The hosts may be read in any order. So each mail with such a delivery can be found by X and
 * its Message-ID: in memory by an index here, on disk among the ids of its block. */
#ifndef MX_HOPS_H
#define MX_HOPS_H

#include <stddef.h>
#include <stdint.h>

#include "flow/mail.h"
#include "flow/track.h"

/* m has a new delivery. Does nothing unless it says how the next host calls the mail. */
void hops_delivered(struct track *t, struct mail *m, const struct fact *f);
/* m is about to learn a Message-ID. */
void hops_named(struct track *t, struct mail *m, const struct fact *f);

/* A mail came to the table, or leaves it. */
void hops_enter(struct track *t, struct mail *m);
void hops_leave(struct track *t, struct mail *m);

/* Under which keys m can be found, beside its own hash. */
typedef void hops_key_fn(void *arg, uint64_t key);
void hops_keys(const struct track *t, const struct mail *m, hops_key_fn *f, void *arg);

#endif
