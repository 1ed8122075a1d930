/* skew.c - see skew.h. */
#include "flow/skew.h"

#include "poison.h"

enum {
	SAME_S = 5,		/* a clock that is behind by the same */
	RUN = 5,		/* minutes */
	MINUTE = 60,
	TOO_SLOW_S = 600,	/* a minute's lines that took longer come in batches: no word of behind */
	AHEAD_RIGHT_S = 2, BEHIND_RIGHT_S = 25	/* a clock between the two stays what it was */
};

static bool
answer(struct skew *k, int64_t ahead_s)
{
	bool changed = k->ahead_s != ahead_s;

	k->ahead_s = ahead_s;
	return changed;
}

/* A minute in which the host may have been behind. */
static bool
behind(struct skew *k, int64_t delay_s, bool slow)
{
	if (k->run == 0 || slow || delay_s > k->run_least + SAME_S || delay_s < k->run_most - SAME_S) {
		k->run = 0;
		k->run_least = k->run_most = delay_s;
	}
	k->run += !slow;
	k->run_least = delay_s < k->run_least ? delay_s : k->run_least;
	k->run_most = delay_s > k->run_most ? delay_s : k->run_most;
	return k->run >= RUN && answer(k, -k->run_least);
}

static bool
end_minute(struct skew *k, int64_t now)
{
	int64_t delay_s = k->least[SKEW_LINES - 1];
	bool slow = now - k->begun > TOO_SLOW_S;

	k->lines = 0;
	if (delay_s > SKEW_BEHIND_S)
		return behind(k, delay_s, slow);
	k->run = 0;
	if (delay_s < -SKEW_AHEAD_S || (k->ahead_s > 0 && delay_s < -AHEAD_RIGHT_S))
		return answer(k, -delay_s);
	return (k->ahead_s >= 0 || delay_s <= BEHIND_RIGHT_S) && answer(k, 0);
}

bool
skew_look(struct skew *k, int64_t delay_s, int64_t now)
{
	bool changed = false;
	int i;

	if (now < k->begun)	/* our own clock was set back */
		k->lines = k->run = 0;
	if (k->lines == SKEW_LINES && now >= k->ends)
		changed = end_minute(k, now);
	if (k->lines == 0) {
		k->begun = now;
		k->ends = now + MINUTE;
	}
	if (k->lines < SKEW_LINES)
		k->lines++;
	else if (delay_s >= k->least[SKEW_LINES - 1])
		return changed;
	for (i = k->lines - 1; i > 0 && k->least[i - 1] > delay_s; i--)
		k->least[i] = k->least[i - 1];
	k->least[i] = delay_s;
	delay_s = k->least[SKEW_LINES - 1];
	if (k->lines == SKEW_LINES && delay_s < -SKEW_AHEAD_S && -delay_s > k->ahead_s)
		return answer(k, -delay_s);
	return changed;
}
