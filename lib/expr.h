/* expr.h - arithmetic over named values, as administrators write it: "(bounce+expire)/recv_rcpt".
 *
 * + - * / and parentheses, numbers, names, min(a, b), max(a, b), abs(a). Compiled once,
 * evaluated as often as there are values. Bounded: at most EXPR_MAX steps. */
#ifndef MX_EXPR_H
#define MX_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "slice.h"

enum { EXPR_MAX = 100 };

enum expr_op {
	EXPR_NUMBER, EXPR_NAME, EXPR_NEG, EXPR_ABS, EXPR_ADD, EXPR_SUB, EXPR_MUL, EXPR_DIV, EXPR_MIN,
	EXPR_MAX2
};

/* In reverse Polish order. */
struct expr {
	struct expr_step {
		enum expr_op op;
		double number;		/* EXPR_NUMBER */
		unsigned name;		/* EXPR_NAME: what the resolver gave */
	} step[EXPR_MAX];
	unsigned n;
};

/* What a name stands for, as a number of the caller's own. False: there is none such. */
typedef bool expr_resolve_fn(void *arg, struct slice name, unsigned *number);

/* The whole of text. False and *e: what is wrong, and where. An unknown name is told to the
 * caller: *unknown is that slice of text then, empty for other faults. */
bool expr_parse(struct expr *x, struct slice text, expr_resolve_fn *resolve, void *arg,
    struct slice *unknown, struct err *e);

/* What a name is worth just now; NAN: not known. */
typedef double expr_value_fn(void *arg, unsigned number);

/* NAN where a value is, and for a division by zero. */
double expr_eval(const struct expr *x, expr_value_fn *value, void *arg);
/* What it is divided by, where a division comes last: of "a/(b+c)" b + c. NAN elsewhere. */
double expr_divisor(const struct expr *x, expr_value_fn *value, void *arg);

/* Fold over the steps with the caller's own meaning, for units: f gets the kinds of the operands
 * (right is 0 where there is one only) and returns the kind of the result. */
typedef int expr_kind_fn(void *arg, const struct expr_step *s, int left, int right);
int expr_kind(const struct expr *x, expr_kind_fn *f, void *arg);

#endif
