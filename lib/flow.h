/* flow.h - arithmetic over what the collector counts: "dsn/recv_msg", "(bounce+expire)/dlv_ext".
 *
 * Names are those of metric.def. A count alone is a rate per minute, a count divided by a count a
 * share in percent, bytes divided by a count are bytes. Ends the check as UNKNOWN over what cannot
 * be understood. */
#ifndef MX_FLOW_H
#define MX_FLOW_H

#include "cell.h"
#include "expr.h"
#include "past.h"
#include "recent.h"
#include "slice.h"

/* Recipients and attempts come in bunches: they vary as if there were so many times fewer. */
enum { FLOW_BUNCH = 2 };

enum flow_kind { FLOW_NUMBER, FLOW_RATE, FLOW_BYTES, FLOW_SHARE, FLOW_SIZE, FLOW_OTHER };

struct flow {
	struct expr x;		/* its names are enum metric */
	enum flow_kind kind;
};

/* text, of which the caller said it as name. Gauges are refused: they are no flow. */
void flow_parse(struct flow *f, struct slice text, const char *name);
/* As check_value() knows it. */
const char *flow_unit(const struct flow *f);
/* v as people read it: "0.7/min", "825 B/min", "71.1%"; it lives until the eighth call after this one. */
const char *flow_people(const struct flow *f, double v);

/* Of a cell that has so many minutes; NAN for an empty one and where the expression says so. */
double flow_now(const struct flow *f, const struct cell *c, double minutes);
/* Of a sample of the past of a stretch of so many minutes. */
double flow_then(const struct flow *f, const struct past *p, unsigned sample, double minutes);
/* Events of all metrics that it names. */
double flow_events(const struct flow *f, const struct cell *c);
/* The same, of a share those of which it is one: of "rej_dnsbl/(rej+recv_rcpt)" all recipients. */
double flow_whole(const struct flow *f, const struct cell *c);
double flow_whole_then(const struct flow *f, const struct past *p, unsigned sample);

/* In what bunches its events come, or those of a metric: FLOW_BUNCH or more. */
double flow_bunch(const struct flow *f);
double flow_bunch_of(enum metric m);

/* How far v is from what is usual, by what the weeks differ, by chance and by what nobody would call a
 * difference: a point of a share, a tenth of anything else. For a share there are so many events of which
 * it is a part, for a rate it is one of so many minutes. 0 if it lies between least and most; NAN where
 * nothing is known. */
double flow_distance(const struct flow *f, const struct usual *u, double v, double of, double minutes);

/* The standard deviation by chance of a part, 0 to of, of so many events, as a share of 1. */
double flow_chance(double part, double of, double bunch);

/* Raise the spread of *u to what the days before show in the minutes from <= minute < to on v's side of it
 * (recent.h). False: *e. */
bool flow_widen(const struct flow *f, struct usual *u, double v, struct stateread *r, int host, int64_t from,
    int64_t to, struct err *e);

#endif
