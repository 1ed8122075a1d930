/* config.h - the configuration of mxgauged.
 *
 * A configuration is read whole and checked whole, then it never changes: reload
 * reads another one and drops the old. The settings are the rows of setting.def. */
#ifndef MX_CONFIG_H
#define MX_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "mem.h"
#include "slice.h"

#define CONFIG_DEFAULT_FILE "/etc/mxgauge/mxgauge.conf"

struct config_list {
	const char **item;
	size_t n;
};

/* What the kinds of setting.def are in C. Texts are never NULL. */
#define CONFIG_PATH const char *
#define CONFIG_TEXT const char *
#define CONFIG_CHOICE const char *
#define CONFIG_CLASS const char *
#define CONFIG_LIST struct config_list
#define CONFIG_SECONDS int64_t
#define CONFIG_NUMBER int64_t

struct config_source {
	const char *name;
#define SOURCE_SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
};

/* A check that "mxgauge passive" runs, and whom it tells. */
struct config_passive {
	const char *name;
#define PASSIVE_SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
};

struct config_monitor {
	const char *name;
#define MONITOR_SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
};

struct config {
	const char *path;
#define SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
	struct config_source *source;
	size_t nsources;
	struct config_passive *passive;	/* host and service are never empty */
	size_t npassives;
	struct config_monitor *monitor;
	size_t nmonitors;
	struct sitewords *words;	/* NULL: there is no reason section */
	struct arena arena;		/* all of it lives here */
};

/* Read the file. NULL if anything in it is wrong: then errors has one line
 * "file:line: sentence" for each fault. */
struct config *config_read(const char *path, struct buf *errors);
/* The same for text already there (it is changed); path is for the sentences. */
struct config *config_parse(const char *path, struct buf *text, struct buf *errors);
void config_free(struct config *c);
/* Is the state in folder the one that c is of? Under whatever name. */
bool config_is_of(const struct config *c, const char *folder);

#endif
