/* metric.c - tables made of metric.def and reason.def. */
#include "metric.h"

#include "poison.h"

const struct metric_info metrics[METRIC_N] = {
#define METRIC(name, kind, unit, sentence) [M_##name] = { #name, METRIC_##kind, unit, sentence },
#include "metric.def"
#undef METRIC
};

#define METRIC(name, kind, unit, sentence) \
	_Static_assert(sizeof #name <= 20, #name " is too long for a data source");
#include "metric.def"
#undef METRIC

const enum metric metric_rej[REASON_N] = {
#define REASON(name, short_, sentence) [REASON_##name] = M_rej_##name,
#include "reason.def"
#undef REASON
};
const enum metric metric_tmp[REASON_N] = {
#define REASON(name, short_, sentence) [REASON_##name] = M_tmp_##name,
#include "reason.def"
#undef REASON
};
const enum metric metric_defer[REASON_N] = {
#define REASON(name, short_, sentence) [REASON_##name] = M_defer_##short_,
#include "reason.def"
#undef REASON
};
const enum metric metric_bounce[REASON_N] = {
#define REASON(name, short_, sentence) [REASON_##name] = M_bounce_##short_,
#include "reason.def"
#undef REASON
};

enum metric
metric_samples(enum metric m)
{
	return m == M_q_oldest_s ? M_q_age_samples : m == M_q_bytes ? M_q_size_samples : M_q_samples;
}

bool
metric_sampled(enum metric m)
{
	return m >= M_q_samples && m <= M_q_bytes;
}

bool
metric_greatest(enum metric m)
{
	return m == M_q_oldest_s;
}

bool
metric_by_name(struct slice name, enum metric *m)
{
	for (int i = 0; i < METRIC_N; i++) {
		if (slice_eq(name, slice_of(metrics[i].name))) {
			*m = (enum metric)i;
			return true;
		}
	}
	return false;
}
