/* header.h - take the envelope off a log line: stamp, host, tag, escapes.
 *
 * Shapes H1 to H5 and H13 of the syslog family: BSD stamps with and without a
 * year, RFC 3339 stamps, RFC 3164 and RFC 5424 as on the wire. Lines of one
 * file may mix them. The other shapes have their place in the same function. */
#ifndef MX_HEADER_H
#define MX_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "input/line.h"
#include "slice.h"

struct header;	/* what is remembered from line to line of one source */

/* A parser for one source. zone: a name from the zone database for stamps
 * without a zone ("Europe/Berlin", "UTC"), NULL for the machine's own. year: of
 * the first line where stamps have none, 0 to infer it; now: the clock, which
 * the inference looks at (a stamp lies at most a day ahead of it, else it is of
 * the year before). host: for lines that name none, may be empty.
 * NULL and *e if the zone is not known. */
struct header *header_new(const char *zone, int year, int64_t now, struct slice host,
    struct err *e);
void header_free(struct header *h);

/* The year inference looks at the clock; a follower tells it the time. */
void header_set_now(struct header *h, int64_t now);

/* The year memory, to go on after a restart: the time of the newest line so
 * far, 0 if there was none. */
int64_t header_newest(const struct header *h);
void header_set_newest(struct header *h, int64_t newest);

/* Fill *out from one line without its newline. False if no shape fits: the line
 * is to be counted as unknown. *out lives until the next call. */
bool header_parse(struct header *h, struct slice raw, struct line *out);

#endif
