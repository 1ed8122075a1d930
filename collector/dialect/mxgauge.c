/* mxgauge.c - what our own checks log for the collector to count.
 *
 *	check_dnsbl --log:
 *	list=zen.example.org health=ok latency_ms=12.3 slowest_ms=40.0 asked=6 answered=6 listed=0 of=1
 *	list=bl.example.net health=timeout latency_ms=- slowest_ms=- asked=6 answered=0 listed=0 of=0
 *	resolver health=mute lists=20
 * lib/dnsbl_log.c writes them. Keys that we do not know may follow. */
#include "dialect/dialect.h"

#include "poison.h"

enum { ZONE_BYTES = 200, QUESTIONS_MAX = 1000000, LONGEST_MS = 3600000 };

static bool
claims(const struct line *l)
{
	return slice_eq(scan_base(l->tag), SLICE("check_dnsbl"));
}

static bool
is_health(struct slice s)
{
	static const char *const all[] = { "untested", "ok", "timeout", "servfail", "refused", "blocked", "dead",
		"parked", "wildcard" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (slice_eq(s, slice_of(all[i])))
			return true;
	return false;
}

/* Such as dnsbl_add_list() takes. */
static bool
is_zone(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!slice_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && (s.p[i] != '.' || i == 0))
			return false;
	return s.n > 0 && s.n <= ZONE_BYTES;
}

static bool
take_count(struct slice s, uint32_t *n)
{
	uint64_t v;

	if (!slice_u64(&s, &v) || s.n > 0 || v > QUESTIONS_MAX)
		return false;
	*n = (uint32_t)v;
	return true;
}

/* "12.3", or "-": none was answered. */
static bool
take_latency(struct slice s, struct event *e)
{
	uint64_t ms, tenths = 0;

	if (slice_eq(s, SLICE("-")))
		return true;
	if (!slice_u64(&s, &ms) || ms > LONGEST_MS)
		return false;
	if (s.n > 0 && (s.n != 2 || !slice_eat_char(&s, '.') || !slice_u64(&s, &tenths)))
		return false;
	e->timed = true;
	e->latency_us = (uint32_t)(ms * 1000 + tenths * 100);
	return true;
}

static bool
take_field(struct slice key, struct slice value, struct event *e)
{
	if (slice_eq(key, SLICE("health"))) {
		e->stage = value;
		return is_health(value);
	}
	if (slice_eq(key, SLICE("latency_ms")))
		return take_latency(value, e);
	if (slice_eq(key, SLICE("asked")))
		return take_count(value, &e->asked);
	if (slice_eq(key, SLICE("answered")))
		return take_count(value, &e->answered);
	return true;
}

static int
list(struct slice s, struct event *e)
{
	struct slice field, key;

	if (!slice_cut(&s, ' ', &e->sub) || !is_zone(e->sub))
		return -1;
	while (slice_next(&s, ' ', &field)) {
		if (!slice_cut(&field, '=', &key) || !take_field(key, field, e))
			return -1;
	}
	return e->stage.n > 0 && e->answered <= e->asked ? 1 : -1;
}

/* What questions to all lists found out of the resolver: it is mute, or it lies. */
static int
resolver(struct slice s, struct event *e)
{
	if (!slice_starts(s, SLICE("health=mute ")) && !slice_starts(s, SLICE("health=lies ")))
		return -1;
	e->cls = REASON_dns;
	e->sub = SLICE("resolver");
	e->text = s;
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice s = slice_trim(l->text);

	if (slice_eat(&s, SLICE("list=")))
		return list(s, event_begin(out, EV_DNSBL));
	if (slice_eat(&s, SLICE("resolver ")))
		return resolver(s, event_begin(out, EV_QWARN));
	return -1;
}

const struct dialect dialect_mxgauge = { .name = "mxgauge", .claims = claims, .parse = parse };
