/* header.h - take the envelope off a log line: stamp, host, tag, escapes.
 *
 * The syslog family: BSD stamps with and without a year, RFC 3339 stamps, RFC 3164 and
 * RFC 5424 as on the wire. The files that programs write themselves (Exim, qmail's
 * loggers, rspamd, ClamAV, spamd, p0f, Dovecot), the journal as JSON and as export, and
 * docker's JSON or Kubernetes' stamps around any of these. Lines of one file may mix them; docs/dialects.md has
 * a table of the shapes and of what they become.
 *
 * A well-formed line of a program that is not known here has no tag and is `own`: foreign. */
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

/* The first line is of that year, though the clock alone would say of a later one (newyears.h). */
void header_began_in(struct header *h, int year);
/* Has it been shown that lines were taken for a year's that are of one before? Those that came since
 * go on from a new year which the clock does not know of: no rule finds out, only header_new() with
 * a year. */
bool header_years_torn(const struct header *h);

/* Lines come as they are written, and it is now: to be told each second. A stamp without a
 * year is the last one that is not more than ahead_s in the future; one without anything is now. */
void header_live(struct header *h, int64_t now, int64_t ahead_s);
/* Lines come for so long that the clock has gone on since header_new(). */
void header_clock(struct header *h, int64_t now);
/* The lines that come now lie in all, until an empty one is named: what is looked for in each of
 * them is looked for once. */
void header_within(struct header *h, struct slice all);

/* The year memory, to go on after a restart: the time of the newest line so
 * far, 0 if there was none. */
int64_t header_newest(const struct header *h);
void header_set_newest(struct header *h, int64_t newest);

/* What was read of lines that are not whole yet (HEADER_MORE), to go on after a restart:
 * nothing most of the time. */
void header_unfinished(const struct header *h, struct buf *b);
void header_set_unfinished(struct header *h, struct slice bytes);

enum header_answer {
	HEADER_NONE,	/* no shape fits: the line is to be counted as unknown */
	HEADER_LINE,
	HEADER_MORE	/* a part of a line that needs the next ones: not to be counted */
};

/* Fill *out from one line without its newline. It lives until the next call. */
enum header_answer header_parse(struct header *h, struct slice raw, struct line *out);

#endif
