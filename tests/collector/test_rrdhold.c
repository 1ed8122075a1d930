/* test_rrdhold.c - what check_dnsbl found of a list, in RRDs: it holds until the next run and no longer than
 * it may, however the file was fed, and stays when its cells are dropped. Cells come from memory. */
#include <math.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "store/rrd.h"
#include "tap.h"

#define DAY ((int64_t)29658240)	/* minutes since 1970: a midnight, 2026-05-23 00:00 UTC */
enum { MINUTES = 3 * 1440, WORD = 7 };

static struct {
	int64_t kept;
	struct cell cell[MINUTES];
	char dir[64], conf[80], rrd[80];
} w;

static bool
source(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	(void)arg;
	(void)e;
	for (int64_t m = from > w.kept ? from : w.kept; m < to; m++) {
		int64_t i = m - DAY;

		if (i >= 0 && i < MINUTES && w.cell[i].n > 0 && !f(f_arg, 1, m, &w.cell[i]))
			break;
	}
	return true;
}

/* A run that found such a latency. */
static void
found(int64_t i, int64_t us, bool ill)
{
	cell_add(&w.cell[i], cell_list(CELL_FACT_TIMED, WORD), 1);
	cell_add(&w.cell[i], cell_list(CELL_FACT_US, WORD), us);
	cell_add(&w.cell[i], cell_list(CELL_FACT_TESTED, WORD), 1);
	cell_add(&w.cell[i], cell_list(CELL_FACT_ILL, WORD), ill);
	cell_add(&w.cell[i], cell_list(CELL_FACT_ASKED, WORD), 6);
	cell_add(&w.cell[i], cell_list(CELL_FACT_UNANSWERED, WORD), ill ? 3 : 0);
}

static void
write_conf(const char *ds)
{
	struct buf path = buf_new(200);
	FILE *f;

	buf_fmt(&path, "%s/lists.conf", w.conf);
	f = fopen(path.p, "w");
	if (f != NULL) {
		fprintf(f, "each = \"dnsbl\"\nds = { %s }\nrra = { \"AVERAGE 1m 8d 0.5\", \"AVERAGE 30m 35d 0.9\", "
		    "\"MAX 2h 35d 0.9\" }\n", ds);
		fclose(f);
	}
	buf_free(&path);
}

static bool
run(const char *host, int64_t end, int64_t changed)
{
	struct rrd_list list = { .word = WORD, .found = true, .zone = "bl.example.org" };
	struct rrd_minutes m = { .name = host, .kept = w.kept, .end = end, .limit = end, .changed = changed,
		.list = &list, .lists = 1, .source = source };
	struct templates t;
	struct rrd_options o = { .dir = w.rrd, .templates = &t };
	struct rrd_store *s;
	struct err e = { "" };
	bool good = templates_load(w.conf, &t, &e);

	s = good ? rrd_store_open(&o, &e) : NULL;
	good = s != NULL && rrd_store_write(s, &m, &e);
	rrd_store_close(s);
	if (s != NULL)
		templates_free(&t);
	if (!good)
		printf("# %s\n", e.text);
	return good;
}

/* A line of what a command prints in the folder of RRDs. */
static const char *
said(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static const char *
said(const char *fmt, ...)
{
	static char line[1000];
	struct buf cmd = buf_new(2000);
	va_list ap;
	FILE *p;

	buf_fmt(&cmd, "cd '%s' && ", w.rrd);
	va_start(ap, fmt);
	buf_vfmt(&cmd, fmt, ap);
	va_end(ap);
	p = popen(cmd.p, "r");
	buf_free(&cmd);
	line[0] = '\0';
	if (p != NULL && fgets(line, sizeof line, p) != NULL)
		line[strcspn(line, "\n")] = '\0';
	if (p != NULL)
		pclose(p);
	return line;
}

/* A minute of a host by rrdtool: "hits/min latency unhealthy unanswered". */
static const char *
minute(const char *host, int64_t i)
{
	return said("rrdtool fetch %s/lists-bl.example.org.rrd AVERAGE -r 60 -s %lld -e %lld | "
	    "awk '/^[0-9]/ { printf \"%%g %%s %%s %%s\\n\", $2 * 60, $3 + 0 == $3 ? $3 + 0 : $3, "
	    "$4 + 0 == $4 ? $4 + 0 : $4, $5 + 0 == $5 ? $5 + 0 : $5; exit }' | sed 's/-nan/nan/g'", host,
	    (long long)(60 * (DAY + i)), (long long)(60 * (DAY + i)));
}

static bool
same(const char *a, const char *b)
{
	return strcmp(said("for h in %s %s; do rrdtool dump $h/lists-bl.example.org.rrd | sed '/<v>/!d' >$h.rows; done; "
	    "test -s %s.rows && cmp -s %s.rows %s.rows && echo same", a, b, a, a, b), "same") == 0;
}

static void
test_holds(void)
{
	ok(run("all", DAY + 2000, RRD_COMPARE), "at once");
	is_str(minute("all", 99), "0 nan nan nan", "before the first run nothing is known");
	is_str(minute("all", 100), "0 12.3 0 0", "a run is its minute");
	is_str(minute("all", 159), "0 12.3 0 0", "and those after it");
	is_str(minute("all", 160), "5 40 100 50", "until the next, which found it ill");
	is_str(minute("all", 160 + 89), "0 40 100 50", "for an hour and a half");
	is_str(minute("all", 160 + 90), "0 nan nan nan", "and no longer");
	is_str(minute("all", 1439), "2 7 0 0", "the last minute of a day");
	is_str(minute("all", 1440 + 88), "0 7 0 0", "holds over midnight");
	is_str(minute("all", 1440 + 89), "0 nan nan nan", "for so long");
	for (int64_t end = DAY + 50; end <= DAY + 2000; end += 13)
		if (!run("steps", end, RRD_NOTHING_CHANGED))
			ok(false, "minute by minute");
	ok(run("steps", DAY + 2000, RRD_NOTHING_CHANGED) && same("steps", "all"), "in steps: the same rows");
}

static void
test_late(void)
{
	found(300, 9000, false);
	ok(run("steps", DAY + 2000, DAY + 300), "a late run");
	is_str(minute("steps", 330), "0 9 0 0", "is in the past");
	ok(run("new", DAY + 2000, RRD_COMPARE) && same("steps", "new"), "as if it had been in order");
	found(60, 5000, true);
	ok(run("steps", DAY + 2000, RRD_COMPARE) && run("again", DAY + 2000, RRD_COMPARE) && same("steps", "again"),
	    "and one that is found by comparing");
}

/* The cells of three hours are dropped, the run that minute 180 holds from among them. */
static void
test_dropped(void)
{
	w.kept = DAY + 180;
	ok(*said("cp -p steps/lists-bl.example.org.rrd before && echo x") == 'x' &&
	    run("steps", DAY + 2000, RRD_COMPARE) &&
	    *said("cmp -s before steps/lists-bl.example.org.rrd && echo x") == 'x',
	    "cells are dropped: the file stays as it is");
	found(1700, 33000, false);
	ok(run("steps", DAY + 2000, DAY + 1700), "and a late run after that");
	is_str(minute("steps", 200), "0 40 100 50", "leaves what only the file knows");
	is_str(minute("steps", 1710), "0 33 0 0", "and is told");
	w.kept = DAY;
}

/* A file of an older version, with the hits alone, and older than the cells. */
static void
test_grown(void)
{
	write_conf("hits");
	ok(run("old", DAY + 1000, RRD_COMPARE), "a file with hits alone");
	write_conf("hits, latency, unhealthy, unanswered");
	w.kept = DAY + 200;
	ok(run("old", DAY + 2000, RRD_COMPARE), "gets what is new");
	is_str(minute("old", 160), "5 nan nan nan", "keeps the past that no cell knows");
	is_str(minute("old", 310), "0 9 0 0", "and has the past of what is new");
	is_str(minute("old", 1439), "2 7 0 0", "and goes on");
	w.kept = DAY;
}

static void
test_beyond(void)
{
	struct columns c = { .n = 0 };
	struct templates t;
	struct err e;

	if (!ok(templates_load(w.conf, &t, &e), "templates"))
		return;
	columns_shape(&c, &(struct columns_file){ &t.t[0], CELL_LISTS + WORD, true }, 1);
	ok(columns_load(&c, DAY + 100, DAY + 110, false, source, NULL, &e) && isnan(columns_value(&c, 0, DAY + 100, 1)) &&
	    columns_value(&c, 0, DAY + 100, 0) < 0.5, "a word that has no room for health has hits alone");
	columns_free(&c);
	templates_free(&t);
}

int
main(void)
{
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_rrdhold.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return 1;
	(void)snprintf(w.conf, sizeof w.conf, "%s", w.dir);
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	w.kept = DAY;
	write_conf("hits, latency, unhealthy, unanswered");
	for (int i = 0; i < MINUTES; i++)
		cell_add(&w.cell[i], CELL_METRIC + M_rej, 1);
	cell_add(&w.cell[160], CELL_WORD + WORD, 5);
	cell_add(&w.cell[1439], CELL_WORD + WORD, 2);
	found(100, 12300, false);
	found(160, 40000, true);
	found(1439, 6000, false);
	found(1439, 8000, false);
	test_holds();
	test_late();
	test_dropped();
	test_grown();
	test_beyond();
	ok(*said("rm -rf '%s' && echo x", w.dir) == 'x', "cleaned up");
	for (int i = 0; i < MINUTES; i++)
		cell_free(&w.cell[i]);
	return done_testing();
}
