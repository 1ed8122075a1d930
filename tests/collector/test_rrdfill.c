/* test_rrdfill.c - a new RRD, filled in place, is what rrdtool makes of the same minutes. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "store/rrdfill.h"
#include "tap.h"

/* 2026-05-23 00:00 UTC, a midnight. */
#define DAY ((int64_t)29658240)
enum { N_DS = 4, WHOLE = 1440 };

static const struct template_rra rras[] = {
	{ false, 60, 2000, 0.5 }, { false, 600, 1000, 0.5 }, { false, 3600, 400, 0.9 },
	{ false, 86400, 30, 0.999 }, { true, 7200, 300, 0.9 }, { true, 86400, 10, 0.2 },
	{ true, 60, 100, 0.5 },
};
enum { N_RRA = sizeof rras / sizeof *rras };

static char dir[64];

static bool
shell(const char *cmd)
{
	struct buf b = buf_new(4000);
	bool good;

	buf_fmt(&b, "cd '%s' && { %s; }", dir, cmd);
	good = system(b.p) == 0;
	buf_free(&b);
	return good;
}

static bool
create(const char *name, bool whole)
{
	struct buf b = buf_new(2000);
	bool good;

	buf_fmt(&b, "rrdtool create %s -s 60 -b %lld DS:a:ABSOLUTE:120:U:U DS:b:ABSOLUTE:120:U:U"
	    " DS:g:GAUGE:120:U:U DS:h:GAUGE:120:U:U", name, (long long)(60 * DAY));
	for (size_t i = 0; i < N_RRA; i++)
		buf_fmt(&b, " RRA:%s:%.6f:%u:%u", rras[i].max ? "MAX" : "AVERAGE", rras[i].xff,
		    rras[i].step_s / 60, whole ? rras[i].rows : 1);
	good = shell(b.p);
	buf_free(&b);
	return good;
}

/* What minute m has: often nothing, sometimes of all; NAN is written as U. */
static double
value(int64_t m, int ds)
{
	uint64_t x = (uint64_t)(m * 1000003 + ds * 7919) * 6364136223846793005u;

	x ^= x >> 29;
	if (m % 700 > 500 && m % 700 < 620 + ds)	/* two hours of silence now and then */
		return NAN;
	switch (ds) {
	case 0:
		return (double)(x % 1000);
	case 1:
		return m % 5 == 0 ? -3 : (double)(x % 3000000000);
	case 2:
		return x % 3 == 0 ? NAN : (double)(x % 100000) / 1000;
	default:
		return x % 40 != 0 ? NAN : (double)(x % 17);
	}
}

/* Minutes from <= m < to, from and to after DAY, by rrdtool. */
static bool
feed(const char *name, int64_t from, int64_t to, bool unknown)
{
	struct buf b = buf_new(1 << 24);
	FILE *f;
	char path[100];

	for (int64_t m = from; m < to; m++) {
		buf_fmt(&b, "%s%lld", (m - from) % 500 != 0 ? " " : m > from ? "\nupdate all.rrd " :
		    "update all.rrd ", (long long)(60 * (DAY + m + 1)));
		for (int ds = 0; ds < N_DS; ds++) {
			double v = unknown ? NAN : value(m, ds);

			if (isnan(v))
				buf_str(&b, ":U");
			else if (v == floor(v))
				buf_fmt(&b, ":%.0f", v);
			else
				buf_fmt(&b, ":%.3f", v);
		}
	}
	buf_str(&b, "\n");
	(void)snprintf(path, sizeof path, "%s/updates", dir);
	f = fopen(path, "w");
	if (f == NULL || fwrite(b.p, 1, b.n, f) != b.n || fclose(f) != 0)
		return false;
	buf_clear(&b);
	buf_fmt(&b, "sed 's/ all.rrd / %s /' updates | rrdtool - > said; ! grep -q ERROR said", name);
	from = shell(b.p);
	buf_free(&b);
	return from != 0;
}

static void
fill(struct rrdfile *f, int64_t from, int64_t to)
{
	double v[N_DS];

	for (int64_t m = from; m < to; m++) {
		for (int ds = 0; ds < N_DS; ds++) {
			v[ds] = value(m, ds);
			(void)snprintf(rrdfill_last(f, (size_t)ds), 30, isnan(v[ds]) ? "U" :
			    v[ds] == floor(v[ds]) ? "%.0f" : "%.3f", v[ds]);
		}
		rrdfill_minute(f, v);
	}
}

static bool
same(void)
{
	return shell("rrdtool dump theirs.rrd > theirs && rrdtool dump ours.rrd > ours && "
	    "test $(wc -l < ours) -gt 3000 && grep -q '<v>[1-9].*<v>-[1-9].*NaN' ours && "
	    "{ cmp -s theirs ours || { diff theirs ours | head -n 20 | sed 's/^/# /'; false; }; }");
}

/* To the last bit, what a dump does not show. librrd rounds "60.726" less well than we. */
static int
differing(int64_t minutes)
{
	struct rrdfile a, b;
	struct err e;
	char path[100];
	int bad = 0;

	(void)snprintf(path, sizeof path, "%s/theirs.rrd", dir);
	if (rrdfile_open(&a, path, false, &e) != RRDFILE_OK)
		return -1;
	(void)snprintf(path, sizeof path, "%s/ours.rrd", dir);
	if (rrdfile_open(&b, path, false, &e) != RRDFILE_OK)
		return -1;
	for (int64_t m = DAY + minutes - 2000; m < DAY + minutes; m++) {
		const double *x = rrdfile_minute(&a, m), *y = rrdfile_minute(&b, m);

		if (x == NULL || y == NULL) {
			bad += x != y;
			continue;
		}
		for (size_t ds = 0; ds < N_DS; ds++)
			bad += isnan(x[ds]) ? !isnan(y[ds]) : ds == 2 ? fabs(x[ds] - y[ds]) > 1e-13 :
			    memcmp(&x[ds], &y[ds], sizeof *x) != 0;
	}
	rrdfile_close(&a);
	rrdfile_close(&b);
	return bad;
}

int
main(void)
{
	const struct template t = { .name = "t", .rra = rras, .n_rra = N_RRA };
	struct rrdfile f;
	struct err e = { "" };
	char path[100];
	enum { END = 4 * WHOLE + 777 };

	(void)snprintf(dir, sizeof dir, "%s", "/tmp/test_rrdfill.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof path, "%s/ours.rrd", dir);
	ok(create("theirs.rrd", true) && create("ours.rrd", false), "two files of rrdtool");
	ok(rrdfill_open(&f, path, &t, &e), "one is given its rows %s", e.text);
	ok(shell("test $(stat -c %s ours.rrd) = $(stat -c %s theirs.rrd)"), "they are of one size");
	fill(&f, 0, WHOLE + 300);
	rrdfill_unknown(&f, DAY + 3 * WHOLE + 10);
	fill(&f, 3 * WHOLE + 10, END);
	is_int(f.last_up, 60 * (DAY + END), "it knows how far it is filled");
	rrdfile_close(&f);
	ok(feed("theirs.rrd", 0, WHOLE + 300, false) &&
	    feed("theirs.rrd", WHOLE + 300, 3 * WHOLE + 10, true) &&
	    feed("theirs.rrd", 3 * WHOLE + 10, END, false), "rrdtool had the same minutes");
	ok(same(), "rows and what waits for its row to end are the same");
	is_int(differing(END), 0, "minutes to the last bit");
	ok(feed("theirs.rrd", END, END + 3000, false) && feed("ours.rrd", END, END + 3000, false) &&
	    same(), "and rrdtool goes on with it");
	is_int(differing(END + 3000), 0, "to the last bit");
	ok(create("ours.rrd", false) && create("theirs.rrd", true) && rrdfill_open(&f, path, &t, &e),
	    "another");
	fill(&f, 0, 20);
	rrdfill_unknown(&f, DAY + 4 * WHOLE);
	rrdfile_close(&f);
	ok(feed("theirs.rrd", 0, 20, false) && feed("theirs.rrd", 20, 4 * WHOLE, true) &&
	    feed("ours.rrd", 4 * WHOLE, END, false) && feed("theirs.rrd", 4 * WHOLE, END, false) &&
	    same(), "days of silence at the end");
	ok(!rrdfill_open(&f, dir, &t, &e) && e.text[0] != '\0', "no file: %s", e.text);
	shell("cd / && rm -rf \"$OLDPWD\"");
	return done_testing();
}
