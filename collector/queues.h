/* queues.h - the sensor's answers as gauges of this machine, each minute. */
#ifndef MX_QUEUES_H
#define MX_QUEUES_H

#include <stdint.h>

#include "ingest.h"
#include "store/config.h"

struct event_base;
struct queues;

/* For the sensor at fd (sensor.h), which it takes over; -1: there is none, and NULL. */
struct queues *queues_new(struct event_base *base, int fd);
void queues_free(struct queues *q);		/* q may be NULL, here and below */

/* From here on what it says goes to in; c and in must live until the next call. The counting
 * begins at the next tick. */
void queues_open(struct queues *q, const struct config *c, struct ingest *in);

/* Once a second or so: ask where it is time, and count each minute once. Not while a backlog
 * is read: minutes are kept from the newest one back. */
void queues_tick(struct queues *q, int64_t now);

#endif
