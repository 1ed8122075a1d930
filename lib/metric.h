/* metric.h - the catalogue of metric.def as an enum and a table. */
#ifndef MX_METRIC_H
#define MX_METRIC_H

#include <stdbool.h>

#include "reason.h"
#include "slice.h"

enum metric {
#define METRIC(name, kind, unit, sentence) M_##name,
#include "metric.def"
#undef METRIC
	METRIC_N
};

enum metric_kind { METRIC_COUNT, METRIC_GAUGE };

struct metric_info {
	const char *name;
	enum metric_kind kind;
	const char *unit;
	const char *sentence;
};

extern const struct metric_info metrics[METRIC_N];

/* One number for all names in their order, the same for as long as none comes, goes or moves. */
int64_t metric_fingerprint(void);

/* False if there is no metric of that name. */
bool metric_by_name(struct slice name, enum metric *m);

/* The count of samples that are summed up in gauge m; what it is for no gauge is no matter.
 * A gauge without a sample is unknown, and not 0. */
enum metric metric_samples(enum metric m);
/* Of several hosts together a gauge is the sum of theirs, or the greatest. */
bool metric_greatest(enum metric m);
/* All gauges stand between these two. */
enum { METRIC_GAUGE_FIRST = M_q_active, METRIC_GAUGE_LAST = M_q_bytes };
/* Is it a gauge or a count of samples: nothing that a log said? */
bool metric_sampled(enum metric m);

/* The part of rej, tmp, defer, bounce that belongs to class r (not _none). */
extern const enum metric metric_rej[REASON_N], metric_tmp[REASON_N];
extern const enum metric metric_defer[REASON_N], metric_bounce[REASON_N];

#endif
