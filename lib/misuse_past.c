/* misuse_past.c - see misuse_past.h. Only the accounts that are asked for are taken out of the
 * hours: usually a few. */
#include "misuse_past.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum {
	NEAR_DAYS = 7,		/* all hours of these */
	AROUND_H = 2,		/* of those before, the hours so near to the window's */
	ITS_OWN_H = 20,		/* before the window: may be the same event */
	THIRD = 3		/* busiest day */
};

struct member {			/* of a wanted account, by its place among them */
	double day[MISUSE_DAYS + 1];	/* recipients in its busiest hour, by days ago */
	struct cell domains;
};

struct misuse_past {
	struct users sum;	/* of the hour that is being read */
	struct users known;	/* "ACCOUNT\0PROVIDER" */
	const struct users *wanted;
	struct member *member;
	int64_t hour, from;	/* hour of sum; of the window */
	unsigned days;
	bool damaged;
};

static struct slice
pair(struct slice account, struct slice provider, char to[2 * USERS_TEXT])
{
	account = slice_head(account, USERS_TEXT - 12);	/* so that both are told apart */
	provider = slice_head(provider, 11);
	if (account.n > 0)
		memcpy(to, account.p, account.n);
	to[account.n] = '\0';
	if (provider.n > 0)
		memcpy(to + account.n + 1, provider.p, provider.n);
	return (struct slice){ to, account.n + 1 + provider.n };
}

/* The hour is read: what each account did in it. */
static void
settle(struct misuse_past *p)
{
	int64_t ago = (p->from - p->hour + 12) / 24;
	char text[2 * USERS_TEXT];

	for (uint32_t i = 0; i < p->sum.n; i++) {
		const struct user *u = p->sum.user[i];
		struct member *m = &p->member[users_place(p->wanted, user_name(u))];
		double n = user_number(u, USER_RCPTS);

		if (ago >= 1 && ago <= MISUSE_DAYS && n > m->day[ago])
			m->day[ago] = n;
		cell_merge(&m->domains, &u->domains);
		for (unsigned k = 0; k < u->ok.n; k++)
			(void)users_get(&p->known, pair(user_name(u),
			    misuse_provider(users_visit_name(&u->ok.v[k])), text));
	}
	users_free(&p->sum);
}

static bool
take_hour(void *arg, int host, int64_t hour, struct slice accounts, struct slice networks)
{
	struct misuse_past *p = arg;

	(void)host;
	(void)networks;
	if (hour != p->hour)
		settle(p);
	p->hour = hour;
	p->damaged = accounts.n > 0 && !users_decode(&p->sum, hour, accounts, p->wanted);
	return !p->damaged;
}

static bool
read_hours(struct misuse_past *p, struct stateread *r, int host, int64_t from, int64_t to,
    struct err *e)
{
	if (!stateread_users(r, host, from, to, take_hour, p, e))
		return false;
	settle(p);
	return !p->damaged || err_set(e, "the state is damaged: a table of accounts cannot be read");
}

struct misuse_past *
misuse_past_read(struct stateread *r, int host, const struct users *wanted, int64_t from, int64_t to,
    int64_t first_hour, struct err *e)
{
	struct misuse_past *p = xcalloc(1, sizeof *p);
	int64_t days = (from - first_hour) / 24;
	bool good;

	p->wanted = wanted;
	p->member = xcalloc(wanted->n + 1, sizeof *p->member);
	p->from = from;
	p->hour = from;
	p->days = days > MISUSE_DAYS ? MISUSE_DAYS : days > 0 ? (unsigned)days : 0;
	good = read_hours(p, r, host, from - NEAR_DAYS * 24 - 12, from - ITS_OWN_H, e);
	for (int64_t d = NEAR_DAYS + 1; good && d <= p->days; d++)
		good = read_hours(p, r, host, from - d * 24 - AROUND_H, to - d * 24 + AROUND_H, e);
	if (good)
		return p;
	misuse_past_free(p);
	return NULL;
}

void
misuse_past_free(struct misuse_past *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < p->wanted->n; i++)
		cell_free(&p->member[i].domains);
	users_free(&p->sum);
	users_free(&p->known);
	free(p->member);
	free(p);
}

double
misuse_usual(const struct misuse_past *p, struct slice account)
{
	uint32_t i = users_place(p->wanted, account);
	double best[THIRD] = { 0 };

	/* while fewer days are known, the busiest of them */
	for (unsigned d = 1; i < p->wanted->n && d <= MISUSE_DAYS; d++) {
		double n = p->member[i].day[d];

		for (int k = 0; k < THIRD; k++)
			if (n > best[k]) {
				double other = best[k];

				best[k] = n;
				n = other;
			}
	}
	return best[p->days < 2 * NEAR_DAYS ? 0 : THIRD - 1];
}

double
misuse_new_domains(const struct misuse_past *p, struct slice account, const struct cell *hour)
{
	uint32_t i = users_place(p->wanted, account);
	struct cell both = { 0 };
	double v;

	if (i == p->wanted->n)
		return users_domains(hour);
	cell_merge(&both, &p->member[i].domains);
	cell_merge(&both, hour);
	v = users_domains(&both) - users_domains(&p->member[i].domains);
	cell_free(&both);
	return v > 0 ? v : 0;
}

bool
misuse_knows(const struct misuse_past *p, struct slice account, struct slice provider)
{
	char text[2 * USERS_TEXT];

	return users_find(&p->known, pair(account, provider, text)) != NULL;
}
