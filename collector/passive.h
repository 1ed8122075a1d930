/* passive.h - "mxgauge passive": runs the checks of a configuration and sends their results to its monitors,
 * from machines that no monitor reaches.
 *
 * A program of its own beside mxgauged, which may start no program (confine.h) and whose death is to be
 * told. Each result goes to the spool first (store/spool.h). A monitor that cannot be told is tried
 * again after 5 s, 10 s ... a minute, and then gets what waits, the oldest first. */
#ifndef MX_PASSIVE_H
#define MX_PASSIVE_H

#include <stdbool.h>

/* Until SIGTERM or SIGINT; SIGHUP reads the configuration again. Returns the exit status. once: run each
 * check once, send what can be sent, and end; with 1 if something still waits. */
int passive_run(const char *config_path, bool once);

#endif
