/* report_lists.c - how check_dnsbl found the block lists in the time of a report, beside their hits. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "mem.h"
#include "view/report_priv.h"
#include "view/words.h"

#include "poison.h"

enum { ROWS = 10, NAME_COLUMNS = 35 };

struct found {
	struct slice zone;
	int64_t tested, ill, asked, unanswered;
	double latency_s;		/* NAN: not known */
};

static int
by_zone(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return slice_order(x->zone, y->zone);
}

/* Those that were asked at all, by name. Returns how many; the caller frees *found. */
static size_t
take_lists(const struct report *r, struct found **found)
{
	struct found *f = *found = xcalloc(CELL_LISTS, sizeof *f);
	const struct cell *c = &r->sum;
	size_t n = 0;

	for (uint32_t word = 0; word < CELL_LISTS; word++) {
		struct found one = { stateread_word(r->state, word), cell_get(c, cell_list(CELL_FACT_TESTED, word)),
			cell_get(c, cell_list(CELL_FACT_ILL, word)), cell_get(c, cell_list(CELL_FACT_ASKED, word)),
			cell_get(c, cell_list(CELL_FACT_UNANSWERED, word)),
			cell_list_share(c, CELL_FACT_US, CELL_FACT_TIMED, word) / 1e6 };

		if (one.tested > 0 || one.asked > 0)
			f[n++] = one;
	}
	qsort(f, n, sizeof *f, by_zone);
	return n;
}

void
report_lists_json(const struct report *r, struct buf *out)
{
	struct found *f;
	size_t n = take_lists(r, &f);

	buf_str(out, ",\"dnsbl_health\":{");
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i == 0 ? "" : ",");
		buf_json_name(out, f[i].zone);
		buf_fmt(out, ":{\"runs\":%" PRId64 ",\"ill\":%" PRId64 ",\"asked\":%" PRId64 ",\"unanswered\":%" PRId64,
		    f[i].tested, f[i].ill, f[i].asked, f[i].unanswered);
		if (isnan(f[i].latency_s))
			buf_str(out, ",\"latency\":null}");
		else
			buf_fmt(out, ",\"latency\":%.6f}", f[i].latency_s);
	}
	buf_char(out, '}');
	free(f);
}

static double
ill_share(const struct found *f)
{
	return f->tested > 0 ? (double)f->ill / (double)f->tested : 0;
}

/* The worst first: by the share of runs that found it ill, then by latency, unknown as for ever. */
static int
by_health(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	double slow_x = isnan(x->latency_s) ? 1e9 : x->latency_s, slow_y = isnan(y->latency_s) ? 1e9 : y->latency_s;

	if (ill_share(x) < ill_share(y) || ill_share(x) > ill_share(y))
		return ill_share(x) < ill_share(y) ? 1 : -1;
	if (slow_x < slow_y || slow_x > slow_y)
		return slow_x < slow_y ? 1 : -1;
	return by_zone(a, b);
}

void
report_lists_text(const struct report *r, struct buf *out)
{
	struct found *f;
	size_t n = take_lists(r, &f);

	if (n > 0)
		buf_fmt(out, "\n%-*s %8s %8s %10s %11s\n", NAME_COLUMNS + 2, "Block lists as check_dnsbl found them", "checks",
		    "ill", "latency", "no answer");
	qsort(f, n, sizeof *f, by_health);
	for (size_t i = 0; i < n && i < ROWS; i++) {
		struct slice zone = f[i].zone;
		struct buf name = buf_new(64);

		if (zone.n > NAME_COLUMNS)
			zone = slice_from(zone, zone.n - NAME_COLUMNS);	/* the end of a zone tells most */
		buf_clean(&name, zone, NAME_COLUMNS);
		buf_fmt(out, "  %-*s %8s %8s %10s %11s\n", NAME_COLUMNS, name.p == NULL ? "?" : name.p,
		    words_count(f[i].tested).s, words_share(f[i].ill, f[i].tested).s,
		    isnan(f[i].latency_s) ? "-" : words_seconds(f[i].latency_s).s,
		    words_share(f[i].unanswered, f[i].asked).s);
		buf_free(&name);
	}
	if (n > ROWS)
		buf_fmt(out, "  and %zu more\n", n - ROWS);
	free(f);
}
