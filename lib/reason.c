/* reason.c - names of reasons; the classification itself is the dialects'. */
#include "reason.h"

#include "poison.h"

static const struct {
	const char *name, *sentence;
} reasons[REASON_N] = {
	[REASON_none] = { "", "" },
#define REASON(name, short_, sentence) [REASON_##name] = { #name, sentence },
#include "reason.def"
#undef REASON
};

const char *
reason_name(enum reason r)
{
	return reasons[r].name;
}

const char *
reason_sentence(enum reason r)
{
	return reasons[r].sentence;
}

enum reason
reason_by_name(struct slice name)
{
	for (int r = 1; r < REASON_N; r++)
		if (slice_eq(name, slice_of(reasons[r].name)))
			return (enum reason)r;
	return REASON_none;
}

bool
reason_blames(enum reason r, bool for_now)
{
	switch (r) {
	case REASON_resource: case REASON_mailbox_full: case REASON_remote_conn:
		return false;
	case REASON_greylist: case REASON_dns:
		return !for_now;
	default:
		return true;
	}
}
