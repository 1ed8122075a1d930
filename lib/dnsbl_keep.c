/* dnsbl_keep.c - see dnsbl_keep.h.
 *
 * A line a list: "zen.example.org 1795200000 51,48,-,50", the time of its last run and milliseconds, the
 * newest last, "-" where nothing was answered. Lists that were not asked for 8 days are dropped. */
#include "dnsbl_keep.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keep.h"

#include "poison.h"

enum { OLDEST_S = 8 * 86400, LONGEST_MS = 3600000, UNANSWERED = -1 };

struct runs {
	int32_t ms[DNSBL_RUNS];
	unsigned n;
};

static void
add_run(struct runs *r, int32_t ms)
{
	if (r->n == DNSBL_RUNS)
		memmove(r->ms, r->ms + 1, --r->n * sizeof *r->ms);
	r->ms[r->n++] = ms;
}

static void
read_runs(struct slice s, struct runs *r)
{
	struct slice one;
	uint64_t ms;

	while (slice_next(&s, ',', &one)) {
		if (slice_eq(one, SLICE("-")))
			add_run(r, UNANSWERED);
		else if (slice_u64(&one, &ms) && one.n == 0 && ms <= LONGEST_MS)
			add_run(r, (int32_t)ms);
	}
}

static int
by_size(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static double
quantile(const struct runs *r, unsigned unanswered, double q)
{
	unsigned answered = r->n - unanswered, rank;

	if (answered == 0)
		return (double)NAN;
	rank = (unsigned)ceil(q * answered);
	return r->ms[unanswered + (rank > 0 ? rank - 1 : 0)] / 1e3;
}

static void
sum_up(const struct runs *r, struct dnsbl_past *p)
{
	struct runs sorted = *r;

	*p = (struct dnsbl_past){ .runs = r->n };
	qsort(sorted.ms, sorted.n, sizeof *sorted.ms, by_size);
	while (p->unanswered < sorted.n && sorted.ms[p->unanswered] == UNANSWERED)
		p->unanswered++;
	p->p50_s = quantile(&sorted, p->unanswered, 0.5);
	p->p95_s = quantile(&sorted, p->unanswered, 0.95);
}

/* A line that was kept: of which list; -1 if it is none of this run's. */
static ptrdiff_t
list_of(const struct dnsbl_run *r, struct slice zone)
{
	for (size_t i = 0; i < r->lists; i++)
		if (slice_eq(slice_of(r->list[i].zone), zone))
			return (ptrdiff_t)i;
	return -1;
}

static void
read_kept(const struct dnsbl_run *r, struct slice kept, int64_t now, struct runs *runs, struct buf *b)
{
	struct slice line, zone, time;
	uint64_t at;

	while (slice_cut(&kept, '\n', &line)) {
		struct slice rest = line;
		ptrdiff_t i;

		if (!slice_cut(&rest, ' ', &zone) || !slice_cut(&rest, ' ', &time) || !slice_u64(&time, &at) ||
		    at > INT64_MAX / 2 || (int64_t)at < now - OLDEST_S)
			continue;
		i = list_of(r, zone);
		if (i >= 0) {
			read_runs(rest, &runs[i]);
		} else {
			buf_add(b, line);
			buf_char(b, '\n');
		}
	}
}

static void
put_runs(struct buf *b, const char *zone, int64_t now, const struct runs *r)
{
	struct buf line = buf_new(2048);

	buf_fmt(&line, "%s %" PRId64 " ", zone, now);
	for (unsigned i = 0; i < r->n; i++) {
		buf_str(&line, i > 0 ? "," : "");
		if (r->ms[i] == UNANSWERED)
			buf_char(&line, '-');
		else
			buf_fmt(&line, "%" PRId32, r->ms[i]);
	}
	buf_char(&line, '\n');
	buf_add(b, buf_slice(&line));
	buf_free(&line);
}

bool
dnsbl_keep(const struct dnsbl_run *r, struct slice resolver, int64_t now, struct dnsbl_past *past,
    struct err *e)
{
	struct runs *runs = xcalloc(r->lists + 1, sizeof *runs);
	struct buf kept = buf_new(KEEP_BYTES), b = buf_new(KEEP_BYTES), others = buf_new(KEEP_BYTES);
	bool good = keep_read("check_dnsbl", resolver, &kept, e);

	read_kept(r, buf_slice(&kept), now, runs, &others);
	for (size_t i = 0; i < r->lists; i++) {
		const struct dnsbl_list *l = &r->list[i];

		add_run(&runs[i], isnan(l->latency_s) ? UNANSWERED : (int32_t)lround(l->latency_s * 1e3));
		put_runs(&b, l->zone, now, &runs[i]);
		sum_up(&runs[i], &past[i]);
	}
	buf_add(&b, buf_slice(&others));
	good = good && keep_write("check_dnsbl", resolver, buf_slice(&b), e);
	free(runs);
	buf_free(&kept);
	buf_free(&b);
	buf_free(&others);
	return good;
}
