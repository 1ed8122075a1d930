/* flow.h - from the events of a line to the counts.
 *
 * What an event says by itself is counted at once; what it says of a mail goes to
 * the table of mails, which counts when all is known (count.c). */
#ifndef MX_FLOW_H
#define MX_FLOW_H

#include <stdint.h>

#include "dialect/dialect.h"
#include "flow/specimens.h"
#include "flow/tally.h"
#include "flow/top.h"
#include "flow/track.h"

struct flow {
	struct tally *tally;
	struct tops *tops;
	struct track *track;
	struct specimens *specimens;
};

/* host: its number; label: hash of the instance's name; times: how often the line's
 * event happened; line: a keyed hash of the line. */
void flow_event(struct flow *f, unsigned host, uint16_t label, int64_t time,
    const struct event *e, uint32_t times, uint64_t line);

#endif
