/* reading.h - the sources of a configuration, followed and handed to ingest. */
#ifndef MX_READING_H
#define MX_READING_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "ingest.h"
#include "store/config.h"

struct reading;

/* Follow the files of all sources of c from the positions that the state knows.
 * Nothing is read yet; files need not exist. c and in must outlive it. */
struct reading *reading_open(const struct config *c, struct ingest *in, struct err *e);
void reading_close(struct reading *r);

/* Readable when there may be something new; -1: only time tells. */
int reading_fd(const struct reading *r);

/* Take in at most max lines, and stop early when ingest wants to commit. 1: there
 * may be more; 0: no more for now; -1: a log or the state cannot be read (*e);
 * the other files go on. */
int reading_some(struct reading *r, size_t max, struct err *e);

/* Put the positions into the state's sources: before a commit. */
void reading_remember(struct reading *r);

#endif
