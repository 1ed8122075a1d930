/* import.h - `mxgauge import`: whole files into a state. */
#ifndef MX_IMPORT_H
#define MX_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct config;

struct import {
	const char *state, *host, *zone, *templates;
	int year;
	bool no_rrd, phases;
	bool hash_addresses;	/* else as the configuration says; without one, where the state has a key */
	struct config *config;	/* by which it is counted and kept; NULL: by the defaults. Where its
				 * state is this one, the RRDs go where it says, else to STATE/rrd */
	int64_t commit_s;	/* what a pipe brings is committed so often */
	char **file;
	size_t files;
};

/* Read the files, commit, write the RRDs, and print one line with what was read. Files
 * that were read before go on where they were left. A pipe is read until its end, with
 * commits while it lasts and RRDs each minute. SIGTERM, SIGINT and SIGHUP end the reading as the
 * end of the input does. Returns the exit status: 0, 128 and the signal's number, or 1
 * after a sentence on stderr; what was committed until then stays. */
int import_run(const struct import *im);

#endif
