/* stopping.h - signals that ask a tool to end: it finishes what it is at, instead of dying.
 *
 * A second signal of the same kind ends the program as ever. */
#ifndef MX_STOPPING_H
#define MX_STOPPING_H

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGTERM, SIGINT and SIGHUP are noted; one that is ignored (nohup) stays so. */
void stopping_begin(void);

/* The signal that came, 0: none. */
int stopping_signal(void);

/* Wait until fd (-1: none) can be read without waiting, at most so long (-1: for ever). False when it
 * cannot: the time is over or a signal came. */
bool stopping_wait(int fd, int64_t timeout_ms);

#endif
