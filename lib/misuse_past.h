/* misuse_past.h - what accounts did in the weeks before; for misuse.c alone. */
#ifndef MX_MISUSE_PAST_H
#define MX_MISUSE_PAST_H

#include "misuse.h"

struct misuse_past;

/* Of those that wanted has, of the weeks before hour from. NULL and *e: it cannot be read. */
struct misuse_past *misuse_past_read(struct stateread *r, int host, const struct users *wanted,
    int64_t from, int64_t to, int64_t first_hour, struct err *e);
void misuse_past_free(struct misuse_past *p);

/* Recipients in an hour that are usual of it, 0 if nothing is known. */
double misuse_usual(const struct misuse_past *p, struct slice account);
/* How many of the hour's domains it did not send to. */
double misuse_new_domains(const struct misuse_past *p, struct slice account, const struct cell *hour);
/* Was it used from that provider? */
bool misuse_knows(const struct misuse_past *p, struct slice account, struct slice provider);

#endif
