/* judged.c - count the verdicts that name a Message-ID and no mail.
 *
 * Several programs may judge one mail: those that know its queue id count with the mail
 * (count.c), and leave word with the Message-ID. A program that knows the Message-ID alone
 * counts only where none of the others said the same at about that time. */
#include "flow/judged.h"

#include <stdlib.h>

#include "poison.h"

enum { ABOUT_S = 600 };		/* a mail is judged by all within that time; Message-IDs come again */

static int
by_time(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static bool
judged_by_id(const struct fact *f, uint32_t n, unsigned flag, int64_t time)
{
	for (uint32_t i = 0; i < n; i++)
		if (f[i].kind == FACT_JUDGED && (f[i].flags & flag) &&
		    f[i].time >= time - ABOUT_S && f[i].time <= time + ABOUT_S)
			return true;
	return false;
}

static void
count(const struct mail *m, const struct fact *f, uint32_t n, unsigned flag, enum metric metric,
    int sign, struct tally *t)
{
	int64_t last = INT64_MIN;

	for (uint32_t i = 0; i < n; i++) {
		if (f[i].kind != FACT_VERDICT || !(f[i].flags & flag) ||
		    (last != INT64_MIN && f[i].time <= last + ABOUT_S))
			continue;
		last = f[i].time;
		if (!judged_by_id(f, n, flag, last))
			tally_add(t, m->host, last / 60, metric, sign);
	}
}

void
judged_count(const struct mail *m, uint32_t upto, int sign, struct tally *t)
{
	struct fact few[16], *f;
	uint32_t n = mail_facts(m, upto, few, sizeof few / sizeof *few, &f);

	qsort(f, n, sizeof *f, by_time);
	count(m, f, n, FACT_SPAM, M_spam, sign, t);
	count(m, f, n, FACT_VIRUS, M_virus, sign, t);
	count(m, f, n, FACT_BANNED, M_banned, sign, t);
	if (f != few)
		free(f);
}
