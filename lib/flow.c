/* flow.c - see flow.h. */
#include "flow.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "metric.h"
#include "surprise.h"

#include "poison.h"

enum { BUNCH_TRIED = 4 };	/* who tries addresses or passwords tries several in a session */
#define POINT 1.0
#define TENTH 0.1

static const char *const units[] = {
	[FLOW_NUMBER] = "", [FLOW_RATE] = "/min", [FLOW_BYTES] = "B", [FLOW_SHARE] = "%",
	[FLOW_SIZE] = "B", [FLOW_OTHER] = ""
};

const char *
flow_unit(const struct flow *f)
{
	return units[f->kind];
}

const char *
flow_people(const struct flow *f, double v)
{
	struct buf b = buf_new(100);
	const char *text;

	buf_fmt(&b, "%s%s", check_people(v, flow_unit(f)), f->kind == FLOW_BYTES ? "/min" : "");
	text = check_clean(buf_slice(&b));
	buf_free(&b);
	return text;
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
flow_whole(const struct flow *f, const struct cell *c)
{
	struct now n = { c, 1 };
	double of = f->kind == FLOW_SHARE ? expr_divisor(&f->x, rate_now, &n) : (double)NAN;

	return isnan(of) ? flow_events(f, c) : fmax(of, 0);
}

double
flow_whole_then(const struct flow *f, const struct past *p, unsigned sample)
{
	struct then t = { p, sample, 1 };
	double of = f->kind == FLOW_SHARE ? expr_divisor(&f->x, rate_then, &t) : (double)NAN, sum = 0;

	if (!isnan(of))
		return fmax(of, 0);
	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME)
			sum += past_count(p, sample, f->x.step[i].name);
	return sum;
}

double
flow_bunch_of(enum metric m)
{
	return m == M_rej_unknown_rcpt || m == M_auth_fail ? BUNCH_TRIED : FLOW_BUNCH;
}

double
flow_bunch(const struct flow *f)
{
	double most = FLOW_BUNCH;

	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME)
			most = fmax(most, flow_bunch_of((enum metric)f->x.step[i].name));
	return most;
}

double
flow_distance(const struct flow *f, const struct usual *u, double v, double of, double minutes)
{
	if (isnan(v) || isnan(u->value))
		return (double)NAN;
	if (v >= u->least && v <= u->most)
		return 0;
	if (f->kind == FLOW_SHARE && fmin(v, u->value) >= 0 && of > 0) {
		double spread = hypot(u->spread, POINT) / 100;

		if (fmax(v, u->value) <= 100)
			return surprise_part(v / 100 * of, of, u->value / 100, spread, flow_bunch(f));
		/* "dsn/recv_msg": what is divided is no part of the other */
		return surprise_count(v / 100 * of, fmax(u->value / 100 * of, 1), spread * of, flow_bunch(f));
	}
	if (f->kind == FLOW_RATE && v >= 0)
		return surprise_count(v * minutes, fmax(u->value * minutes, 1),
		    hypot(u->spread, u->value * TENTH) * minutes, flow_bunch(f));
	return past_distance(u, v, fabs(u->value) * TENTH);
}

/* The counts of the metrics that an expression names, each once. */
struct named {
	const struct flow *f;
	enum metric key[EXPR_MAX];
	unsigned keys;
	const int64_t *count;
	double minutes;
};

static unsigned
number_of(const struct named *n, unsigned m)
{
	unsigned i = 0;

	while (i < n->keys && n->key[i] != m)
		i++;
	return i;
}

static double
rate_of(void *arg, unsigned m)
{
	const struct named *n = arg;
	int64_t v = n->count[number_of(n, m)];

	return v > 0 ? (double)v / n->minutes : 0;
}

double
flow_chance(double part, double of, double bunch)
{
	double p = part / of;

	/* what did not happen yet can */
	return of > 0 ? sqrt(bunch * fmax(p, 1 / of) * fmax(1 - p, 1 / of) / of) : 0;
}

static double
of_named(void *arg, const int64_t *count, double minutes, double *chance)
{
	struct named *n = arg;
	double v, of, bunch = flow_bunch(n->f);

	n->count = count;
	n->minutes = minutes;
	v = expr_eval(&n->f->x, rate_of, n);
	of = n->f->kind == FLOW_SHARE ? expr_divisor(&n->f->x, rate_of, n) * minutes : (double)NAN;
	if (of > 0 && v <= 1)
		*chance = 100 * flow_chance(v * of, of, bunch);
	else if (of > 0)
		*chance = 100 * sqrt(bunch * v * of) / of;
	else
		*chance = n->f->kind == FLOW_RATE ? sqrt(bunch * fmax(v * minutes, 1)) / minutes : 0;
	return in_unit(n->f, v);
}

bool
flow_widen(const struct flow *f, struct usual *u, double v, struct stateread *r, int host, int64_t from,
    int64_t to, struct err *e)
{
	struct named n = { .f = f };
	struct recent *x;

	for (unsigned i = 0; i < f->x.n; i++)
		if (f->x.step[i].op == EXPR_NAME && number_of(&n, f->x.step[i].name) == n.keys)
			n.key[n.keys++] = (enum metric)f->x.step[i].name;
	if (n.keys == 0)
		return true;
	if ((x = recent_read(r, host, from, to, n.key, n.keys, e)) == NULL)
		return false;
	recent_widen(x, of_named, &n, f->kind == FLOW_RATE, v, u);
	recent_free(x);
	return true;
}
