/* dialect_check.h - what must hold for every answer of a dialect, whatever the line.
 *
 * For fuzz targets and for the test that runs the golden logs through them. */
#ifndef MX_DIALECT_CHECK_H
#define MX_DIALECT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "dialect/dialect.h"

enum { CHECK_CANARY = 4 };	/* events behind the last one that must stay untouched */

static inline void
check_fail(const char *what)
{
	fprintf(stderr, "dialect: %s\n", what);
	abort();
}

static inline bool
check_inside(struct slice s, struct slice whole)
{
	return s.p >= whole.p && s.p + s.n <= whole.p + whole.n;
}

/* A part of the line, or a literal: short and printable. Reading all of it lets the
 * address sanitizer look too. */
static inline void
check_slice(struct slice s, const struct line *l)
{
	if (s.n == 0 || check_inside(s, l->text) || check_inside(s, l->tag))
		return;
	if (s.n > 32)
		check_fail("a slice lies outside the line");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			check_fail("a slice outside the line is no literal");
}

static inline void
check_event(const struct event *e, const struct line *l)
{
	const struct slice all[] = {
		e->id, e->new_id, e->client_name, e->client_ip, e->orig_client_name,
		e->orig_client_ip, e->helo, e->from, e->to, e->orig_to, e->sasl_method,
		e->sasl_user, e->mid, e->relay, e->relay_ip, e->dsn, e->stage, e->sub, e->text,
		e->task, e->sess, e->qp, e->tls_proto, e->tls_cipher, e->tls_trust, e->proto, e->service,
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		check_slice(all[i], l);
	if (e->kind >= EVENT_KIND_N || e->cls >= REASON_N)
		check_fail("no such kind or class");
	if (e->kind != EV_STARTED && (e->kind == EV_DELIVERED) != (e->where != WHERE_NONE))
		check_fail("where a mail went is for deliveries only");
	if (e->kind == EV_REJECT && e->code / 100 == 4)
		check_fail("a 4xx counted as refused");
	if (e->kind == EV_TEMPFAIL && e->code / 100 == 5)
		check_fail("a 5xx counted as tempfail");
	if (e->delay_ms < -1)
		check_fail("a negative delay");
	for (int i = 0; i < 4; i++)
		if (e->delays_ms[i] < -1)
			check_fail("a negative delay");
	if (e->kind == EV_LINK && (e->id.n == 0 || e->new_id.n == 0))
		check_fail("a link without ends");
}

/* Ask d; DIALECT_FOREIGN if it does not claim the line. */
static inline int
check_line(const struct dialect *d, const struct line *l)
{
	static struct event events[EVENTS_MAX + CHECK_CANARY];
	int n;

	if (!d->claims(l))
		return DIALECT_FOREIGN;
	for (int i = 0; i < CHECK_CANARY; i++)
		events[EVENTS_MAX + i].kind = EVENT_KIND_N;
	n = d->parse(l, events);
	if (n < DIALECT_FOREIGN || n > EVENTS_MAX)
		check_fail("too many events");
	for (int i = 0; i < CHECK_CANARY; i++)
		if (events[EVENTS_MAX + i].kind != EVENT_KIND_N)
			check_fail("events were written past the end");
	for (int i = 0; i < n; i++)
		check_event(&events[i], l);
	return n;
}

#endif
