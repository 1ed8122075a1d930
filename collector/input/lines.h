/* lines.h - all lines of a file, with their envelopes taken off. */
#ifndef MX_LINES_H
#define MX_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "input/header.h"
#include "slice.h"

struct file_line {
	struct header *header;
	uint64_t number;	/* of the line in the file, from 1 */
	struct slice raw;
	enum header_answer answer;	/* never HEADER_MORE */
	struct line line;
};

/* False and *e: stop. */
typedef bool file_line_fn(void *arg, struct file_line *l, struct err *e);

/* Call f for each line of a file ("-": standard input); a line that takes several has the
 * number and the text of the last one. zone, year, now, host as for header_new(). False and
 * *e: the file cannot be read, or f said so. */
bool lines_each(const char *path, const char *zone, int year, int64_t now, struct slice host,
    file_line_fn *f, void *arg, struct err *e);

#endif
