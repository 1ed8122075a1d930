/* specimens.h - a few lines of each kind, per host and ten minutes, since the last save.
 *
 * Only what came since the last save is here; the store merges it into what it has, which keeps
 * the smallest ranks again: see lib/specimen.h. Whoever drives this saves before specimens_full(). */
#ifndef MX_SPECIMENS_H
#define MX_SPECIMENS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "dialect/dialect.h"
#include "metric.h"
#include "specimen.h"

struct specimens;

struct specimens *specimens_new(void);
void specimens_free(struct specimens *s);

/* The line that e is of, by its keyed hash, is one of what m counts. */
void specimens_offer(struct specimens *s, unsigned host, int64_t time, enum metric m, uint64_t line,
    const struct event *e);
/* It is a delivery that took e->delay_ms. */
void specimens_slow(struct specimens *s, unsigned host, int64_t time, uint64_t line,
    const struct event *e);

/* Do they take so much memory that they should be saved? */
bool specimens_full(const struct specimens *s);

/* Call f for each host and slot (time / SPECIMEN_SLOT_S) with what is there as a blob, until it
 * says false; forget them all. */
typedef bool specimens_fn(void *arg, unsigned host, int64_t slot, struct slice blob);
bool specimens_each(struct specimens *s, specimens_fn *f, void *arg);
void specimens_clear(struct specimens *s);

/* sum: the blob of both, with the SPECIMENS_KEPT smallest ranks of each kind. False: one of them
 * is damaged. */
bool specimens_merge(struct slice a, struct slice b, struct buf *sum);

#endif
