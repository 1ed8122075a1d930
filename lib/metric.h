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

/* False if there is no metric of that name. */
bool metric_by_name(struct slice name, enum metric *m);

/* The part of rej, tmp, defer, bounce that belongs to class r (not _none). */
extern const enum metric metric_rej[REASON_N], metric_tmp[REASON_N];
extern const enum metric metric_defer[REASON_N], metric_bounce[REASON_N];

#endif
