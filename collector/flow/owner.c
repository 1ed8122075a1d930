/* owner.c - a mail of an authenticated user, counted for the account.
 *
 * All in the hour in which it was received, also what becomes of its recipients later: so
 * the share that bounced is of those mails. Where a filter hands mails on, their ends are in mails that
 * do not say whose they are: handed over is done. */
#include "flow/accounts.h"
#include "flow/life.h"

#include "poison.h"

void
owner_count(const struct life *l, const struct owned *o)
{
	struct accounts *a = tally_accounts(l->t);
	struct user *u = accounts_mail(a, l->host, o->received, o->account);

	u->num[USER_MSGS] += l->sign;
	u->num[USER_RCPTS] += (int64_t)o->rcpts * l->sign;
	u->num[USER_DONE] += (int64_t)o->done * l->sign;
	u->num[USER_BOUNCED] += (int64_t)o->bounced * l->sign;
	u->num[USER_DEFERRED] += (int64_t)o->deferred * l->sign;
	for (uint32_t i = 0; i < l->n; i++) {
		const struct fact *f = &l->fact[i];

		if (fact_is_delivery(f->kind) || f->kind == FACT_STARTED)
			cell_add(&u->domains, accounts_domain(a, f->b.n > 0 ? f->b : f->a), l->sign);
	}
}
