/* result.h - the result of a check, and its text as a monitor can take it. */
#ifndef MX_RESULT_H
#define MX_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum {
	RESULT_TEXT_MAX = 16384,
	RESULT_OK = 0, RESULT_UNKNOWN = 3
};

struct result {
	const char *host, *service;	/* service "": whether the host is up */
	int state;			/* 0 to 3 */
	int64_t begun, at;		/* when it ran, by the clock */
	const char *text;		/* as result_clean() leaves it */
};

/* What a check printed, fit to be stored and sent: lines without control characters, broken UTF-8,
 * blanks at their end and empty lines; at most RESULT_TEXT_MAX bytes. */
void result_clean(struct buf *out, struct slice printed);

/* How a text goes over the wire: its lines as they are, or in one line where "\n" stands for a new one and
 * "\\" for a backslash; or as they are to somebody who makes one line of them, which is counted. */
enum result_form { RESULT_LINES, RESULT_ONE_LINE, RESULT_LINES_TO_ONE };

/* Add text in that form, at most most bytes. What is too long loses its last lines first, then the end of what
 * its first line says, then performance data: whole values, the last first. */
void result_fit(struct buf *out, struct slice text, size_t most, enum result_form form);

/* The parts of a text: what it says, and its performance data, those of all lines, between blanks. */
void result_split(struct slice text, struct buf *says, struct buf *values);

#endif
