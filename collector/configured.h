/* configured.h - what a configuration says of taking lines in: for the daemon and the import. */
#ifndef MX_CONFIGURED_H
#define MX_CONFIGURED_H

#include "ingest.h"
#include "store/config.h"

/* What they point to is c's. */
struct ingest_settings ingest_configured(struct config *c);

#endif
