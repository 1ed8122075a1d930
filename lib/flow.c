/* flow.c - see flow.h. */
#include "flow.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "metric.h"

#include "poison.h"

enum { BUNCH = 2 };	/* recipients and attempts come in bunches: they vary as if there were fewer */

static const char *const units[] = {
	[FLOW_NUMBER] = "", [FLOW_RATE] = "/min", [FLOW_BYTES] = "B", [FLOW_SHARE] = "%",
	[FLOW_SIZE] = "B", [FLOW_OTHER] = ""
};

const char *
flow_unit(const struct flow *f)
{
	return units[f->kind];
}

static bool
resolve(void *arg, struct slice name, unsigned *number)
{
	enum metric m;

	(void)arg;
	if (!metric_by_name(name, &m))
		return false;
	*number = m;
	return true;
}

static int
kind_of(void *arg, const struct expr_step *s, int left, int right)
{
	(void)arg;
	switch (s->op) {
	case EXPR_NUMBER: return FLOW_NUMBER;
	case EXPR_NAME: return strcmp(metrics[s->name].unit, "bytes") == 0 ? FLOW_BYTES : FLOW_RATE;
	case EXPR_NEG: case EXPR_ABS: return left;
	case EXPR_MUL:
		return left == FLOW_NUMBER ? right : right == FLOW_NUMBER ? left : FLOW_OTHER;
	case EXPR_DIV:
		return right == FLOW_NUMBER ? left : left == right && left != FLOW_NUMBER ? FLOW_SHARE :
		    left == FLOW_BYTES && right == FLOW_RATE ? FLOW_SIZE : FLOW_OTHER;
	default:
		return left == FLOW_NUMBER ? right : right == FLOW_NUMBER || left == right ? left : FLOW_OTHER;
	}
}

static _Noreturn void
no_such_metric(const char *name, struct slice unknown, const struct err *e)
{
	struct opt_near near = { 0 };
	const char *typed = check_clean(unknown);

	if (unknown.n == 0)
		check_unknown("\"%s\": %s", check_clean(slice_of(name)), e->text);
	for (int m = 0; m < METRIC_N; m++)
		opt_near(&near, typed, metrics[m].name);
	check_unknown("\"%s\": %s: \"%s\"%s%s%s The metrics stand in docs/metrics.md, \"mxgauge report "
	    "--json\" shows all", check_clean(slice_of(name)), e->text, typed,
	    near.word != NULL ? "; did you mean " : ".", near.word != NULL ? near.word : "",
	    near.word != NULL ? "?" : "");
}

void
flow_parse(struct flow *f, struct slice text, const char *name)
{
	struct slice unknown;
	struct err e = { "" };

	if (!expr_parse(&f->x, text, resolve, NULL, &unknown, &e))
		no_such_metric(name, unknown, &e);
	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME && metrics[f->x.step[i].name].kind == METRIC_GAUGE)
			check_unknown("\"%s\": %s is no count of events but a level; check_mail_queue knows "
			    "the queues", check_clean(slice_of(name)), metrics[f->x.step[i].name].name);
	f->kind = (enum flow_kind)expr_kind(&f->x, kind_of, NULL);
}

struct now {
	const struct cell *cell;
	double minutes;
};

/* Corrections on their way can leave a sum below zero for a moment. */
static double
rate_now(void *arg, unsigned m)
{
	const struct now *n = arg;
	int64_t v = cell_get(n->cell, m);

	return v > 0 ? (double)v / n->minutes : 0;
}

struct then {
	const struct past *p;
	unsigned sample;
	double minutes;
};

static double
rate_then(void *arg, unsigned m)
{
	const struct then *t = arg;

	return past_count(t->p, t->sample, m) / t->minutes;
}

static double
in_unit(const struct flow *f, double v)
{
	return f->kind == FLOW_SHARE ? 100 * v : v;
}

double
flow_now(const struct flow *f, const struct cell *c, double minutes)
{
	struct now n = { c, minutes };

	return c->n > 0 ? in_unit(f, expr_eval(&f->x, rate_now, &n)) : (double)NAN;
}

double
flow_then(const struct flow *f, const struct past *p, unsigned sample, double minutes)
{
	struct then t = { p, sample, minutes };

	return in_unit(f, expr_eval(&f->x, rate_then, &t));
}

double
flow_events(const struct flow *f, const struct cell *c)
{
	double sum = 0;

	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME)
			sum += (double)cell_get(c, f->x.step[i].name);
	return sum;
}

double
flow_events_then(const struct flow *f, const struct past *p, unsigned sample)
{
	double sum = 0;

	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME)
			sum += past_count(p, sample, f->x.step[i].name);
	return sum;
}

double
flow_noise(const struct flow *f, double usual, double events, double minutes, double points,
    double part)
{
	double share;

	if (f->kind == FLOW_SHARE) {
		share = usual / 100 > 1 ? 1 : usual > 0 ? usual / 100 : 0;
		share = (share * events + 1) / (events + 2);	/* never quite 0 or 1 */
		return hypot(points, 100 * sqrt(BUNCH * share * (1 - share) / (events > 0 ? events : 1)));
	}
	if (f->kind == FLOW_RATE)
		return hypot(usual * part, sqrt(BUNCH * fmax(usual * minutes, 1)) / minutes);
	return fabs(usual) * part;
}
