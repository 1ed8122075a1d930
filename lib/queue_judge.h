/* queue_judge.h - what check_mail_queue says about queues that were read: values, sentences, JSON. */
#ifndef MX_QUEUE_JUDGE_H
#define MX_QUEUE_JUDGE_H

#include <stddef.h>

#include "opt.h"
#include "queue.h"

enum {
	QUEUE_TOP_MAX = 50,
	QUEUE_MEASURES_COUNTED = 10	/* so many rows of the measures mxgauged's sensor has, too */
};

/* For the check's struct program. */
extern const struct measure queue_measures[];

/* Tell check.h all about q: each measurement, the first line's words, the top most frequent domains
 * and senders. growth: messages a minute since another time, NAN if that is not known. */
void queue_judge(const struct queue *q, double growth, size_t top);

#endif
