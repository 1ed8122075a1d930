/* sensor.h - the process that counts the queues of this machine's mail servers, for mxgauged.
 *
 * It alone may have the right to read them, and start the MTA's own command where it has not. The
 * daemon asks it with a byte, and has one answer of numbers for each; nothing else passes.
 * Where the daemon ends it ends, too. */
#ifndef MX_SENSOR_H
#define MX_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "queue.h"
#include "store/config.h"

enum { SENSOR_SAID = 256, SENSOR_WAIT_S = 50 };

struct sensor_answer {
	uint32_t magic, failed;		/* failed: the queues are not known, and said is why */
	int64_t box[QUEUE_BOXES];	/* messages */
	int64_t oldest_s, bytes;	/* -1: not known */
	char said[SENSOR_SAID];		/* else which queues were counted */
};

/* Start it for the queues of c, with the rights that we have now; unwanted is a descriptor that it
 * shall not hold, or -1. Its descriptor, which does not block; -1 and *e. */
int sensor_start(const struct config *c, int unwanted, struct err *e);

/* Ask for an answer. False: it does not listen. */
bool sensor_ask(int fd);
/* 1: there is an answer; 0: not yet; -1: the sensor has ended. What comes is checked, and said
 * is clean of control bytes. */
int sensor_read(int fd, struct sensor_answer *a);

#endif
