/* import.h - `mxgauge import`: whole files into a state. */
#ifndef MX_IMPORT_H
#define MX_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "flow/siteword.h"

struct import {
	const char *state, *host, *zone, *templates;
	int year;
	bool no_rrd, phases;
	bool hash_addresses;	/* as ingest_settings; also where the state has a key and no_config */
	bool no_config;		/* no configuration says whether addresses are hashed */
	const char *graph_url;	/* NULL: not known */
	int64_t commit_s;	/* what a pipe brings is committed so often */
	struct sitewords *words;	/* as ingest_settings */
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
