/* report_queues.c - the mail queues in a report: of levels there is no sum, but a mean, and the most.
 *
 * The mean is exact. The most is of single minutes as long as those are kept, before that of the
 * means of hours. */
#include <inttypes.h>
#include <math.h>

#include "queue.h"
#include "view/report_priv.h"
#include "view/words.h"

#include "poison.h"

enum { ALL = METRIC_GAUGE_LAST + 1, LEVELS = ALL - METRIC_GAUGE_FIRST + 1 };

/* By gauge, and of all boxes together; NAN: never known. */
struct levels {
	double most[LEVELS];
};

static double
all_boxes(const struct cell *c)
{
	double all = 0;

	for (int i = 0; i < QUEUE_BOXES; i++)
		all += cell_gauge(c, queue_gauge[i]);
	return all;
}

static double
level(const struct cell *c, int m)
{
	return m == ALL ? all_boxes(c) : cell_gauge(c, (enum metric)m);
}

static bool
look(void *arg, int host, int64_t minute, const struct cell *c)
{
	struct levels *l = arg;

	(void)host;
	(void)minute;
	for (int m = METRIC_GAUGE_FIRST; m <= ALL; m++) {
		double v = level(c, m), *most = &l->most[m - METRIC_GAUGE_FIRST];

		if (!isnan(v) && !(*most >= v))
			*most = v;
	}
	return true;
}

/* False: its queues were not counted. */
static bool
levels_of(const struct report *r, const struct report_host *h, struct levels *l)
{
	struct err e;

	for (int i = 0; i < LEVELS; i++)
		l->most[i] = (double)NAN;
	return cell_get(&h->sum, M_q_samples) > 0 &&
	    stateread_parts(r->state, h->host->id, r->from / 60, r->to / 60, look, l, &e) &&
	    stateread_minutes(r->state, h->host->id, r->from / 60, r->to / 60, look, l, &e);
}

void
report_queues_json(const struct report *r, struct buf *out)
{
	bool first = true;
	struct levels l;

	for (size_t i = 0; i < r->nhosts; i++) {
		if (!levels_of(r, &r->hosts[i], &l))
			continue;
		buf_str(out, first ? ",\"queues\":{" : ",");
		first = false;
		buf_json_name(out, slice_of(r->hosts[i].host->name));
		for (int m = METRIC_GAUGE_FIRST; m <= METRIC_GAUGE_LAST; m++) {
			double mean = level(&r->hosts[i].sum, m);

			buf_fmt(out, "%s\"%s\":", m == METRIC_GAUGE_FIRST ? ":{" : ",", metrics[m].name);
			if (isnan(mean))
				buf_str(out, "null");
			else
				buf_fmt(out, "{\"mean\":%.3f,\"most\":%.0f}", mean,
				    l.most[m - METRIC_GAUGE_FIRST]);
		}
		buf_char(out, '}');
	}
	buf_str(out, first ? "" : "}");
}

static struct words
number(double v)
{
	return isnan(v) ? (struct words){ "-" } : words_count(llround(v));
}

static void
row(const struct report_host *h, const struct levels *l, struct buf *out)
{
	double oldest = l->most[M_q_oldest_s - METRIC_GAUGE_FIRST];

	words_name(out, slice_of(h->host->name), 21);
	buf_fmt(out, " %10s %10s %10s %10s %10s\n",
	    number(all_boxes(&h->sum)).s, number(l->most[ALL - METRIC_GAUGE_FIRST]).s,
	    number(level(&h->sum, M_q_deferred)).s,
	    number(l->most[M_q_deferred - METRIC_GAUGE_FIRST]).s,
	    isnan(oldest) ? "-" : words_seconds(oldest).s);
}

void
report_queues_text(const struct report *r, struct buf *out)
{
	bool first = true;
	struct levels l;

	for (size_t i = 0; i < r->nhosts; i++) {
		if (!levels_of(r, &r->hosts[i], &l))
			continue;
		if (first)
			buf_fmt(out, "\n%-23s %10s %10s %10s %10s %10s\n", "Mail queues on average", "messages",
			    "at most", "deferred", "at most", "oldest");
		first = false;
		row(&r->hosts[i], &l, out);
	}
}
