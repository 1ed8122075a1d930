/* checkrun.h - a check as a process: run as its section says, without a shell, in a group of its own, until it
 * ends or its time is up. On the event loop of whoever runs it. */
#ifndef MX_CHECKRUN_H
#define MX_CHECKRUN_H

#include "buf.h"
#include "store/config.h"
#include "store/result.h"

struct event_base;
struct checkrun;

/* Start it. done is called once, from the loop, with its result: that of a check that cannot be run, was killed or
 * took too long is UNKNOWN and says so. r and its text last until done returns, after which the run is gone. */
struct checkrun *checkrun_start(struct event_base *base, const struct config_passive *c,
    void (*done)(void *arg, const struct result *r), void *arg);

/* SIGCHLD came: has it ended? */
void checkrun_look(struct checkrun *run);

/* Kill it; done is not called. */
void checkrun_stop(struct checkrun *run);

#endif
