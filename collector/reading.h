/* reading.h - the sources of a configuration, files and journals, followed and handed to
 * ingest. */
#ifndef MX_READING_H
#define MX_READING_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "ingest.h"
#include "store/config.h"

struct reading;

/* Follow the files and journals of all sources of c from the positions that the state knows.
 * Nothing is read yet; none of them need exist. c and in must outlive it. */
struct reading *reading_open(const struct config *c, struct ingest *in, struct err *e);
void reading_close(struct reading *r);

/* Readable when there may be something new; -1: only time tells. Then wait a little
 * and look, and look once a second besides. */
int reading_fd(const struct reading *r);
void reading_look(struct reading *r);
/* Was a log opened of which the state knows nothing? Commit that before lines of it are read. */
bool reading_opened(const struct reading *r);

/* Take in about max lines at most, fewer when ingest wants to commit. 1: there may be
 * more; 0: no more for now; -1: the state cannot be read, a line may be half
 * counted: what was not committed must be dropped (*e). What happens to the files
 * and journals is said in messages. */
int reading_some(struct reading *r, size_t max, struct err *e);

/* Put the positions into the state's sources, before a commit; and after it. */
void reading_remember(struct reading *r, int64_t now);
void reading_committed(struct reading *r);

#endif
