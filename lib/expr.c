/* expr.c - see expr.h: recursive descent, and a stack. */
#include "expr.h"

#include <math.h>

#include "buf.h"
#include "quantity.h"

#include "poison.h"

enum { DEPTH_MAX = 60 };	/* of parentheses and signs: this is recursion */

struct parser {
	struct expr *x;
	struct slice rest;
	expr_resolve_fn *resolve;
	void *arg;
	struct slice *unknown;
	struct err *e;
	int depth;
};

static const struct {
	const char *name;
	enum expr_op op;
	unsigned args;
} functions[] = {
	{ "min", EXPR_MIN, 2 }, { "max", EXPR_MAX2, 2 }, { "abs", EXPR_ABS, 1 }
};

static bool
wrong(struct parser *p, const char *what)
{
	struct buf shown = buf_new(100);

	buf_add(&shown, p->rest.n > 40 ? (struct slice){ p->rest.p, 40 } : p->rest);
	err_set(p->e, "bad expression: %s%s%s", what, p->rest.n > 0 ? " before " : " at the end",
	    p->rest.n > 0 ? shown.p : "");
	buf_free(&shown);
	return false;
}

static void
skip_blanks(struct parser *p)
{
	while (p->rest.n > 0 && *p->rest.p == ' ')
		p->rest = (struct slice){ p->rest.p + 1, p->rest.n - 1 };
}

static bool
eat(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->rest.n == 0 || *p->rest.p != c)
		return false;
	p->rest = (struct slice){ p->rest.p + 1, p->rest.n - 1 };
	return true;
}

static bool
step(struct parser *p, struct expr_step s)
{
	if (p->x->n == EXPR_MAX)
		return err_set(p->e, "the expression is too long: at most %d terms", EXPR_MAX);
	p->x->step[p->x->n++] = s;
	return true;
}

static bool
is_name(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (!first && ((c >= '0' && c <= '9') || c == '.'));
}

static struct slice
take_while(struct parser *p, bool name)
{
	struct slice s = { p->rest.p, 0 };

	while (s.n < p->rest.n && (name ? is_name(s.p[s.n], s.n == 0) :
	    (s.p[s.n] >= '0' && s.p[s.n] <= '9') || s.p[s.n] == '.'))
		s.n++;
	p->rest = (struct slice){ p->rest.p + s.n, p->rest.n - s.n };
	return s;
}

static bool sum(struct parser *p);	/* an expression is inside an expression */

/* Behind "name(". */
static bool
call(struct parser *p, struct slice name)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		if (!slice_eq(name, slice_of(functions[i].name)))
			continue;
		for (unsigned a = 0; a < functions[i].args; a++)
			if ((a > 0 && !eat(p, ',') && !wrong(p, "\",\" is missing")) || !sum(p))
				return false;
		if (!eat(p, ')'))
			return wrong(p, "\")\" is missing");
		return step(p, (struct expr_step){ .op = functions[i].op });
	}
	return err_set(p->e, "there is no such function: \"%.*s\"; there are min(a, b), max(a, b) and abs(a)",
	    (int)name.n, name.p);
}

static bool
name_or_call(struct parser *p)
{
	struct slice name = take_while(p, true);
	struct expr_step s = { .op = EXPR_NAME };

	if (eat(p, '('))
		return call(p, name);
	if (!p->resolve(p->arg, name, &s.name)) {
		*p->unknown = name;
		return err_set(p->e, "there is no such name");
	}
	return step(p, s);
}

static bool
deeper(struct parser *p)
{
	return ++p->depth <= DEPTH_MAX ||
	    err_set(p->e, "the expression is nested too deeply: at most %d", DEPTH_MAX);
}

static bool
operand(struct parser *p)
{
	struct expr_step s = { .op = EXPR_NUMBER };

	if (eat(p, '('))
		return sum(p) && (eat(p, ')') || wrong(p, "\")\" is missing"));
	if (eat(p, '-')) {
		if (!deeper(p) || !operand(p))
			return false;
		p->depth--;
		return step(p, (struct expr_step){ .op = EXPR_NEG });
	}
	if (p->rest.n > 0 && is_name(*p->rest.p, true))
		return name_or_call(p);
	if (p->rest.n == 0 || !(*p->rest.p == '.' || (*p->rest.p >= '0' && *p->rest.p <= '9')))
		return wrong(p, "a name or a number is missing");
	return quantity_parse(take_while(p, false), "", &s.number, p->e) && step(p, s);
}

static bool
product(struct parser *p)
{
	if (!operand(p))
		return false;
	for (;;) {
		enum expr_op op = eat(p, '*') ? EXPR_MUL : eat(p, '/') ? EXPR_DIV : EXPR_NUMBER;

		if (op == EXPR_NUMBER)
			return true;
		if (!operand(p) || !step(p, (struct expr_step){ .op = op }))
			return false;
	}
}

static bool
sum(struct parser *p)
{
	if (!deeper(p) || !product(p))
		return false;
	for (;;) {
		enum expr_op op = eat(p, '+') ? EXPR_ADD : eat(p, '-') ? EXPR_SUB : EXPR_NUMBER;

		if (op == EXPR_NUMBER)
			break;
		if (!product(p) || !step(p, (struct expr_step){ .op = op }))
			return false;
	}
	p->depth--;
	return true;
}

bool
expr_parse(struct expr *x, struct slice text, expr_resolve_fn *resolve, void *arg,
    struct slice *unknown, struct err *e)
{
	struct parser p = { .x = x, .rest = text, .resolve = resolve, .arg = arg,
		.unknown = unknown, .e = e };

	x->n = 0;
	*unknown = SLICE("");
	if (!sum(&p))
		return false;
	skip_blanks(&p);
	return p.rest.n == 0 || wrong(&p, "+ - * / or the end is missing");
}

static double
apply(enum expr_op op, double a, double b)
{
	switch (op) {
	case EXPR_NEG: return -a;
	case EXPR_ABS: return fabs(a);
	case EXPR_ADD: return a + b;
	case EXPR_SUB: return a - b;
	case EXPR_MUL: return a * b;
	case EXPR_DIV: return b != 0 ? a / b : (double)NAN;
	/* fmin() would take the other of a NAN */
	case EXPR_MIN: return isnan(a) || a < b ? a : b;
	case EXPR_MAX2: return isnan(a) || a > b ? a : b;
	default: return (double)NAN;
	}
}

/* The first of the steps; returns how many values are on the stack then. */
static unsigned
run(const struct expr *x, unsigned steps, expr_value_fn *value, void *arg, double stack[EXPR_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < steps; i++) {
		const struct expr_step *s = &x->step[i];

		if (s->op <= EXPR_NAME) {
			stack[n++] = s->op == EXPR_NUMBER ? s->number : value(arg, s->name);
		} else if (s->op <= EXPR_ABS) {
			stack[n - 1] = apply(s->op, stack[n - 1], 0);
		} else {
			n--;
			stack[n - 1] = apply(s->op, stack[n - 1], stack[n]);
		}
	}
	return n;
}

double
expr_eval(const struct expr *x, expr_value_fn *value, void *arg)
{
	double stack[EXPR_MAX] = { 0 };

	return run(x, x->n, value, arg, stack) == 1 ? stack[0] : (double)NAN;
}

double
expr_divisor(const struct expr *x, expr_value_fn *value, void *arg)
{
	double stack[EXPR_MAX] = { 0 };

	if (x->n == 0 || x->step[x->n - 1].op != EXPR_DIV)
		return (double)NAN;
	return run(x, x->n - 1, value, arg, stack) == 2 ? stack[1] : (double)NAN;
}

int
expr_kind(const struct expr *x, expr_kind_fn *f, void *arg)
{
	int stack[EXPR_MAX] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < x->n; i++) {
		const struct expr_step *s = &x->step[i];

		if (s->op <= EXPR_NAME) {
			stack[n++] = f(arg, s, 0, 0);
		} else if (s->op <= EXPR_ABS) {
			stack[n - 1] = f(arg, s, stack[n - 1], 0);
		} else {
			n--;
			stack[n - 1] = f(arg, s, stack[n - 1], stack[n]);
		}
	}
	return n == 1 ? stack[0] : 0;
}
