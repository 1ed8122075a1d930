/* metric.c - tables made of metric.def and reason.def. */
#include "metric.h"

#include "hash.h"

#include "poison.h"

const struct metric_info metrics[METRIC_N] = {
#define METRIC(name, kind, unit, sentence) [M_##name] = { #name, METRIC_##kind, unit, sentence },
#include "metric.def"
#undef METRIC
};

#define METRIC(name, kind, unit, sentence) \
	_Static_assert(sizeof #name <= 20, #name " is too long for a data source"); \
	_Static_assert(sizeof #name >= 3, #name " is too short for metric_by_name()");
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

int64_t
metric_fingerprint(void)
{
	static const struct hash_key key = { { 1, 2, 3, 4 } };	/* nobody chooses our names */
	static const char all[] =
#define METRIC(name, kind, unit, sentence) #name " "
#include "metric.def"
#undef METRIC
	    ;

	return (int64_t)hash_bytes(&key, (struct slice){ all, sizeof all - 1 });
}

bool
metric_by_name(struct slice name, enum metric *m)
{
	for (int i = 0; i < METRIC_N; i++) {
		const char *own = metrics[i].name;

		/* a name is longer than a byte: most are told by their first two */
		if (name.n >= 2 && own[0] == name.p[0] && own[1] == name.p[1] && slice_eq(name, slice_of(own))) {
			*m = (enum metric)i;
			return true;
		}
	}
	return false;
}
