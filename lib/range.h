/* range.h - the thresholds of Nagios: [@]start:end.
 *
 *	10	alert below 0 and above 10	10:	alert below 10
 *	~:10	alert above 10			10:20	alert below 10 and above 20
 *	@10:20	alert from 10 to 20, both included
 *
 * Strict: what other tools guess at (an empty range, ":", a start above the end,
 * text behind the number) is an error that says what is wrong. Numbers may
 * carry a unit where the measurement has one: quantity.h. */
#ifndef MX_RANGE_H
#define MX_RANGE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

struct range {
	double start, end;	/* -INFINITY, INFINITY where open */
	bool inside;		/* '@': alert inside, not outside */
};

/* The whole of text as a range in unit (quantity_any: whatever it may be). */
bool range_parse(struct slice text, const char *unit, struct range *r, struct err *e);

/* Has it a number other than 0 without a unit? What range_parse does not take may have. */
bool range_lacks_unit(struct slice text);

/* Does v raise the alarm? v is not NAN: the caller has an answer for that. */
bool range_alerts(const struct range *r, double v);

/* As range_parse reads it, without units and exponents: for perfdata. */
void range_print(struct buf *b, const struct range *r);

/* Why v alerts, for people: "limit 90%", "at least 10", "alert from 10 to 20". */
void range_explain(struct buf *b, const struct range *r, double v, const char *unit);

#endif
