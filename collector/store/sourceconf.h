/* sourceconf.h - what a source section of the configuration needs as a whole. */
#ifndef MX_SOURCECONF_H
#define MX_SOURCECONF_H

#include "buf.h"
#include "store/config.h"

/* Each fault is a line of faults. */
void sourceconf_check(const struct config_source *s, struct buf *faults);

#endif
