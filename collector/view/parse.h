/* parse.h - mxgauge parse: show what the dialects make of log files. */
#ifndef MX_PARSE_H
#define MX_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "flow/siteword.h"
#include "slice.h"

enum parse_mode {
	PARSE_EVENTS,	/* a JSON object for each event */
	PARSE_UNKNOWN,	/* the lines that no dialect understood, made fit for a terminal */
	PARSE_STATS	/* one JSON object: how many lines of which program gave what */
};

struct parse_options {
	enum parse_mode mode;
	const char *dialect;	/* ask this one only; NULL: all */
	const char *zone;	/* as for header_new() */
	int year;
	int64_t now;
	struct slice host;
	struct sitewords *words;	/* the site's own rules, NULL: none */
};

/* Read files ("-": standard input) and print to out. False and *e: there is no such
 * dialect, out cannot be written, or files cannot be read to the end. Those before and behind are printed; of
 * several each one's fault is said on stderr. */
bool view_parse(const struct parse_options *o, char *const *files, size_t n, FILE *out,
    struct err *e);

#endif
