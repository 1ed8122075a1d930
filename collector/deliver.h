/* deliver.h - tell a monitor some results: a process for each time, since files of others, programs and
 * libraries may hang. What it got done is known result by result, also when it is killed in the middle.
 *
 * A monitor takes a result, or refuses it for good (it does not know the service); or it cannot be told now,
 * and what is left is tried again later, in the same order. */
#ifndef MX_DELIVER_H
#define MX_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/config.h"
#include "store/spool.h"

struct event_base;
struct delivery;

enum { DELIVER_MOST = 100, DELIVER_SAID = 200 };

/* What became of some results, by their numbers in the spool, in order. */
struct delivered {
	int64_t taken[DELIVER_MOST], refused[DELIVER_MOST];
	size_t ntaken, nrefused;
	char refused_why[DELIVER_SAID];	/* of the last one, with its service */
	bool failed;			/* it cannot be told now, */
	char why[DELIVER_SAID];		/* because of this; else those that are left come next */
};

/* Begin to tell m these n results (n at most DELIVER_MOST). done is called once, from the loop; then the delivery
 * is gone. NULL and *e: there is no process to be had. */
struct delivery *deliver_start(struct event_base *base, const struct config_monitor *m,
    const struct spooled *batch, size_t n, void (*done)(void *arg, const struct delivered *d), void *arg,
    struct err *e);

/* SIGCHLD came: has it ended? */
void deliver_look(struct delivery *d);

/* Kill it; done is called nevertheless, soon. */
void deliver_kill(struct delivery *d);

#endif
