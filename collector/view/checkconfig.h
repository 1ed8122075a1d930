/* checkconfig.h - `mxgauge check-config`. */
#ifndef MX_CHECKCONFIG_H
#define MX_CHECKCONFIG_H

/* Read the configuration at path and print every fault to stderr as
 * "file:line: sentence". If it has none, look at what it names (as the account
 * that will run mxgauged, where we may become it) and print what will be missing
 * as remarks. 0 if the configuration is good, 2 if it is not. */
int checkconfig_run(const char *path);

#endif
