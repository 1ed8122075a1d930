/* passiveconf.h - what a passive and a monitor section need, each by itself and together: the part of the
 * configuration that "mxgauge passive" lives by. Each fault is a line of faults. */
#ifndef MX_PASSIVECONF_H
#define MX_PASSIVECONF_H

#include <stdbool.h>

#include "buf.h"
#include "store/config.h"

enum {
	PASSIVES_MAX = 500,	/* sections of each kind: half of what a monitor's spool has room for at least */
	MONITORS_MAX = 20,
	/* NSCA has fields of 64 and 128 bytes, each with its end */
	PASSIVE_HOST_BYTES = 63, PASSIVE_SERVICE_BYTES = 127
};

void passiveconf_monitor(const struct config_monitor *m, struct buf *faults);

/* The section c->passive[i]; its host and service get their defaults. All monitors and the sections before it
 * are there. */
void passiveconf_check(struct config *c, size_t i, struct buf *faults);

/* What no section can tell alone; heartbeat and passive_host. */
void passiveconf_whole(struct config *c, struct buf *faults);

/* Does that monitor hear of it? */
bool passiveconf_tells(const struct config_passive *p, const struct config_monitor *m);

#endif
