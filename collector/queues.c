/* queues.c - see queues.h.
 *
 * The sensor is asked once an interval; its answer holds for each minute until the next one. A
 * minute without an answer has no sample, so that it is unknown in all figures. */
#include "queues.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "message.h"
#include "sensor.h"

#include <event2/event.h>

#include "poison.h"

enum { NAME_SIZE = 256, LATE_S = SENSOR_WAIT_S + 30 };

struct queues {
	int fd;			/* -1: the sensor has ended */
	struct event *readable;
	const struct config *config;
	struct ingest *in;
	int64_t asked_at;	/* 0: not yet */
	bool waits;		/* for an answer, */
	double late_at;		/* by clock_now() until then */
	int64_t answered_at;	/* of answer; 0: there is none that holds */
	struct sensor_answer answer;
	int64_t counted;	/* the minute that was counted last */
	int64_t failed_since;
	struct fault fault;
	char host[NAME_SIZE];
};

/* For status and checks: how it is. */
static void
tell(struct queues *q)
{
	struct state *s = ingest_state(q->in);

	state_say(s, "queue_wanted", 1);
	if (q->answered_at > 0)
		state_say(s, "queue_counted_at", q->answered_at);
	state_say(s, "queue_failed_since", q->failed_since);
	if (q->answer.said[0] != '\0')
		state_say_text(s, "queue_said", q->answer.said);
}

static void
count(struct queues *q, int64_t now)
{
	const struct sensor_answer *a = &q->answer;

	if (q->answered_at == 0 || now / 60 == q->counted)
		return;
	q->counted = now / 60;
	for (int i = 0; i < QUEUE_BOXES; i++)
		ingest_count(q->in, q->host, queue_gauge[i], a->box[i]);
	ingest_count(q->in, q->host, M_q_samples, 1);
	if (a->oldest_s >= 0) {
		ingest_count(q->in, q->host, M_q_oldest_s, a->oldest_s);
		ingest_count(q->in, q->host, M_q_age_samples, 1);
	}
	if (a->bytes >= 0) {
		ingest_count(q->in, q->host, M_q_bytes, a->bytes);
		ingest_count(q->in, q->host, M_q_size_samples, 1);
	}
}

static void
failed(struct queues *q, int64_t now)
{
	q->answered_at = 0;
	if (q->failed_since == 0)
		q->failed_since = now;
	fault_met(&q->fault, now, q->answer.said);
}

/* Without it nothing is known of queues until mxgauged is started anew. */
static void
ended(struct queues *q, int64_t now)
{
	(void)event_del(q->readable);
	close(q->fd);
	q->fd = -1;
	q->answered_at = 0;
	q->failed_since = q->failed_since > 0 ? q->failed_since : now;
	(void)snprintf(q->answer.said, sizeof q->answer.said, "their sensor has ended");
	message(MSG_sensor_ended, "restart mxgauged");
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct queues *q = arg;
	struct sensor_answer a;
	int64_t now = (int64_t)time(NULL);
	int rc = sensor_read(fd, &a);

	(void)what;
	if (rc == 0)
		return;
	q->waits = false;
	if (rc < 0) {
		ended(q, now);
	} else {
		q->answer = a;
		if (a.failed != 0) {
			failed(q, now);
		} else {
			q->answered_at = now;
			q->failed_since = 0;
			fault_over(&q->fault, now);
		}
	}
	if (q->in == NULL)
		return;
	tell(q);
	count(q, now);
}

struct queues *
queues_new(struct event_base *base, int fd)
{
	struct queues *q = NULL;

	if (fd < 0)
		return NULL;
	q = xcalloc(1, sizeof *q);
	q->fd = fd;
	q->fault.id = MSG_queues_failed;
	if (gethostname(q->host, sizeof q->host - 1) != 0)
		q->host[0] = '\0';
	q->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_answer, q);
	if (q->readable != NULL)
		(void)event_add(q->readable, NULL);
	return q;
}

void
queues_free(struct queues *q)
{
	if (q == NULL)
		return;
	if (q->readable != NULL)
		event_free(q->readable);
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

void
queues_open(struct queues *q, const struct config *c, struct ingest *in)
{
	if (q == NULL)
		return;
	q->config = c;
	q->in = in;
	if (in != NULL)
		tell(q);
}

void
queues_tick(struct queues *q, int64_t now)
{
	int64_t interval;

	if (q == NULL || q->in == NULL)
		return;
	interval = q->config->queue_interval;
	if (q->waits && clock_now() > q->late_at) {
		q->waits = false;	/* it will be asked again */
		(void)snprintf(q->answer.said, sizeof q->answer.said,
		    "their sensor gives no answer: is a file system dead?");
		failed(q, now);
		tell(q);
	}
	if (q->answered_at > now || now - q->answered_at > interval + LATE_S)
		q->answered_at = 0;
	/* at the begin of a minute, for its whole length */
	if (q->fd >= 0 && !q->waits && (q->asked_at == 0 || q->asked_at > now ||
	    now / 60 - q->asked_at / 60 >= (interval + 59) / 60)) {
		q->waits = sensor_ask(q->fd);
		q->late_at = clock_now() + LATE_S;
		q->asked_at = now;
		return;
	}
	if (!q->waits)
		count(q, now);
}
