/* journal.h - the systemd journal as lines, by libsystemd.
 *
 * Each entry becomes the line that rsyslog writes to a file for it, so that a copy which
 * comes by a file too is known as one: "STAMP HOST TAG[PID]: TEXT", the stamp in UTC with
 * microseconds, control characters as #012. Rotation, and journals that come and go, are
 * libsystemd's work; the place is remembered as a cursor. */
#ifndef MX_JOURNAL_H
#define MX_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "slice.h"

struct journal;

/* The texts must outlive the journal. */
struct journal_what {
	const char *where;		/* "system", or the path of a folder or of a file */
	const char *const *match;	/* FIELD=value: of one field any, of several fields all */
	size_t matches;
	const char *host;		/* of entries that name none */
};

/* Can this stand in journal_what.match? */
bool journal_match_good(const char *match);

/* A journal to read behind the cursor's entry; from its first one if cursor is empty.
 * Nothing is opened before the first look. */
struct journal *journal_new(const struct journal_what *what, struct slice cursor);
void journal_free(struct journal *j);

/* Readable when there may be something new, and then journal_look() is due; -1: only time
 * tells. It may be another one after each look. */
int journal_fd(const struct journal *j);
/* Open it if it was not there, see what was rotated. Call it once a second besides. */
void journal_look(struct journal *j);

struct journal_line {
	struct slice raw;	/* as header_parse() takes it, until the next call; empty: the
				 * entry has no text, but the cursor stands behind it */
	bool cut;		/* it was longer than LINE_MAX_BYTES */
};

/* 1: a line; 0: nothing more before the next look; -1: something to tell (*note), said
 * once until it changes. */
int journal_next(struct journal *j, struct journal_line *out, struct err *note);

/* Where reading goes on: behind the last line that was given. */
struct slice journal_cursor(const struct journal *j);

#endif
