/* daemon.h - the loop of mxgauged. */
#ifndef MX_DAEMON_H
#define MX_DAEMON_H

#include "store/config.h"

/* Follow, commit and draw by configuration c until SIGTERM or SIGINT; returns the
 * exit status. Takes c over; path is where it was read, for SIGHUP. sensor: of sensor_start(), or
 * -1. running is called once, when everything is open. */
int daemon_run(struct config *c, const char *path, int sensor, void (*running)(void));

#endif
