/* bonds.c - what the bonds of a mail with others mean for one life of its queue id.
 *
 * Bonds are facts that other mails' lines told (track.c, hops.c); they are found by time. */
#include "flow/life.h"

#include "poison.h"

uint64_t mail_steps;

bool
mail_bond_fits(const struct fact *f, int64_t start)
{
	int64_t took = f->delay_ms > 0 ? f->delay_ms / 1000 : 0;

	return start >= f->time - took - BOND_BEFORE_S && start <= f->time + BOND_AFTER_S;
}

/* A bond told at time t goes to the last life that had
 * begun by then. FROM is told when the mail before was handed over, and this one began
 * meanwhile: one that is much older is another that has the same id by chance. */
bool
bond_belongs(const struct life *l, const struct fact *f)
{
	int64_t t = fact_at(f), skew = f->usec != 0 ? 0 : LIFE_SKEW_S * INT64_C(1000000), start;

	if (l->n == 0)
		return true;
	start = fact_at(&l->fact[0]);
	if (!l->last && t >= l->until - skew)
		return false;
	if (f->kind == FACT_FROM)
		return mail_bond_fits(f, l->fact[0].time) && (l->first || start <= t + skew);
	return l->first || t >= start - skew;
}

/* The first of n bonds that was told at time or later. */
static uint32_t
first_from(const struct fact *bond, uint32_t n, int64_t time)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		mail_steps++;
		if (bond[mid].time < time)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_among(const struct fact *f, uint32_t n, enum fact_kind kind, struct slice other)
{
	for (uint32_t i = 0; i < n; i++) {
		mail_steps++;
		if (f[i].kind == kind && slice_eq(f[i].other_id, other))
			return true;
	}
	return false;
}

bool
bond_is_backwards(const struct life *l, const struct fact *b)
{
	if (b->flags != FACT_BY_MESSAGE_ID)
		return false;
	return b->kind == FACT_FROM ? is_among(l->into, l->n_into, FACT_INTO, b->other_id) :
	    is_among(l->bond, l->n_bonds, FACT_FROM, b->other_id);
}

/* Most name the next mail's id: INTO has the time of the very delivery then. A filter that does
 * not is believed when the next mail names this one. */
bool
bond_handed_over(const struct life *l, const struct fact *f)
{
	int64_t took = f->delay_ms > 0 ? f->delay_ms / 1000 : 0, from = f->time, to = f->time;
	unsigned by = f->other_id.n > 0 ? FACT_BY_DELIVERY :
	    f->flags & FACT_BY_PIPE ? FACT_BY_MESSAGE_ID : 0;

	if (l->n_into == 0 || (f->flags & FACT_OUTWARD) || (by == 0 && !(f->flags & FACT_LOOPBACK)))
		return false;
	if (by == 0) {
		from -= took + BOND_BEFORE_S;
		to += BOND_AFTER_S;
	}
	for (uint32_t i = first_from(l->into, l->n_into, from);
	    i < l->n_into && l->into[i].time <= to; i++) {
		mail_steps++;
		if ((l->into[i].flags == by || (by == FACT_BY_MESSAGE_ID &&
		    l->into[i].flags == (FACT_BY_MESSAGE_ID | FACT_BY_DELIVERY))) && bond_belongs(l, &l->into[i]) &&
		    !bond_is_backwards(l, &l->into[i]) && (f->other_id.n == 0 || slice_eq(l->into[i].other_id, f->other_id)))
			return true;
	}
	return false;
}

bool
bond_left_host(const struct life *l, const struct fact *f)
{
	uint32_t i = f->other_id.n == 0 || l->n_bonds == 0 ? l->n_bonds :
	    first_from(l->bond, l->n_bonds, f->time);

	for (; i < l->n_bonds && l->bond[i].time == f->time; i++) {
		mail_steps++;
		if (l->bond[i].kind == FACT_HOP_INTO && l->bond[i].usec == f->usec &&
		    slice_eq(l->bond[i].other_id, f->other_id))
			return true;
	}
	return false;
}

bool
bond_is_sibling(const struct life *l, uint32_t i)
{
	const struct fact *b = &l->into[i];

	if ((b->flags & ~(unsigned)FACT_BY_REQUEUE) != 0 || b->nrcpt == 0)
		return false;
	for (uint32_t k = 0; k < l->n_into; k++) {
		mail_steps++;
		if ((l->into[k].flags == FACT_BY_DELIVERY || (k < i && l->into[k].flags == b->flags &&
		    l->into[k].nrcpt > 0)) && slice_eq(l->into[k].other_id, b->other_id))
			return false;
	}
	return true;
}
