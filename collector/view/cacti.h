/* cacti.h - `mxgauge cacti-templates`: the RRD templates as templates for Cacti to import.
 *
 * mxgauge.xml draws the RRDs that the collector writes: its data sources have no data input, so
 * Cacti's poller leaves them alone. mxgauge-polled.xml, and for block lists mxgauge-polled-lists.xml,
 * have the same graphs of RRDs that Cacti makes itself, its poller asking `mxgauge cacti-value`.
 * All are a function of the RRD templates alone, hashes included: what is imported again changes
 * what is there. */
#ifndef MX_CACTI_H
#define MX_CACTI_H

#include <stdbool.h>

#include "err.h"

struct cacti {
	const char *out;	/* folder; made if it is not there */
	const char *templates;	/* folder of the RRD templates; NULL: the installed ones */
	const char *program;	/* how Cacti's poller calls mxgauge */
};

/* Write them and say so in a line. False and *e if that fails. */
bool cacti_run(const struct cacti *c, struct err *e);

#endif
