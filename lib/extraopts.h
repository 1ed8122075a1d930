/* extraopts.h - --extra-opts=[SECTION][@FILE]: options from an ini file, as the
 * Monitoring Plugins have it, so that passwords stay out of process lists and
 * thresholds of many checks lie in one place.
 *
 *	[check_reject_ratio]
 *	warning = ratio=90%
 *	v =
 *
 * SECTION is by default the program's name. FILE is by default $MP_CONFIG_FILE, else
 * the first plugins.ini of the folders in $NAGIOS_CONFIG_PATH and of the usual ones. */
#ifndef MX_EXTRAOPTS_H
#define MX_EXTRAOPTS_H

#include <stdbool.h>

#include "err.h"

/* If there are --extra-opts in *argv, make *argv a new vector in which the options of
 * the file stand before all others (so those of the command line win); *words are how many
 * words, 0 without. It lives as long as the program. False and *e: no such file or section, or a bad line. */
bool extraopts_expand(const char *program, int *argc, char ***argv, int *words, struct err *e);

#endif
