/* rrd_cells.h - cells in memory, a store that writes RRDs of them, and what the rrdtool program says of these: for test_rrd.c and
 * test_rrdhurt.c. */
#ifndef MX_TEST_RRD_CELLS_H
#define MX_TEST_RRD_CELLS_H

#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "hist.h"
#include "mem.h"
#include "store/rrd.h"
#include "tap.h"

/* 2026-05-23 00:00 UTC: a midnight; the cells begin 10 minutes after the one before. */
#define DAY ((int64_t)29658240)	/* minutes since 1970 */
enum { MINUTES = 4000 };

/* Cells of the minutes from DAY - 1430 on. */
static struct {
	int64_t first;
	struct cell cell[MINUTES];
	char dir[64], conf[80], rrd[80];
	char noted[600];
	int64_t also;		/* each minute from this one on is busy, too; 0: none */
	int64_t dies_at;	/* whoever asks for the cells of this minute is killed; 0: nobody */
	bool clock_unsure;
	int64_t clock_sure;
	int64_t first_line;	/* of a host that is new; else cells were dropped before */
	int64_t kept;		/* this minute; 0: w.first */
} w;

static inline bool
source(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	(void)arg;
	(void)e;
	if (w.dies_at > 0 && from >= w.dies_at)
		(void)raise(SIGKILL);
	for (int64_t m = from; m < to; m++) {
		int64_t i = w.also > 0 && m >= w.also ? m % 50 : m - w.first;

		if (i >= 0 && i < MINUTES && w.cell[i].n > 0 && !f(f_arg, 1, m, &w.cell[i]))
			break;
	}
	return true;
}

static inline void
make_cells(void)
{
	unsigned x = 12345;

	w.first = DAY - 1430;
	for (int i = 0; i < MINUTES; i++) {
		x = x * 1103515245 + 12345;
		if (i % 60 > 50)
			continue;	/* ten silent minutes an hour */
		cell_add(&w.cell[i], CELL_METRIC + M_rej, (x >> 16) % 1000);
		cell_add(&w.cell[i], CELL_METRIC + M_recv_bytes, 1234567891 + (x >> 8));
		if (i % 7 == 0)
			cell_add(&w.cell[i], CELL_METRIC + M_tmp, -3);	/* of the farm, say */
		if (i % 3 == 0)
			cell_add(&w.cell[i], CELL_DELAY + hist_bucket(x % 90000), 4);
	}
}

static inline void
write_conf(const char *name, const char *text)
{
	struct buf path = buf_new(200);
	FILE *f;

	buf_fmt(&path, "%s/%s.conf", w.conf, name);
	f = fopen(path.p, "w");
	if (f != NULL) {
		fputs(text, f);
		fclose(f);
	}
	buf_free(&path);
}

#define RRAS "rra = { \"AVERAGE 1m 8d 0.5\", \"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\", " \
	"\"AVERAGE 1d 2y 0.9\" }\n"

static inline void
keep_note(void *arg, const char *sentence)
{
	(void)arg;
	(void)snprintf(w.noted, sizeof w.noted, "%s", sentence);
}

/* Write the host up to minute end with a store of its own. */
static inline bool
run(const char *name, int64_t end, int64_t changed, struct err *e)
{
	struct rrd_minutes m = { .name = name, .kept = w.first_line != 0 ? w.first_line : w.kept != 0 ? w.kept : w.first,
	    .dropped = w.first_line == 0, .end = end, .limit = end,
	    .changed = changed, .source = source, .clock_unsure = w.clock_unsure, .clock_sure = w.clock_sure };
	struct templates t;
	struct rrd_options o = { .dir = w.rrd, .templates = &t, .note = keep_note };
	struct rrd_store *s;
	bool good;

	w.noted[0] = '\0';
	e->text[0] = '\0';
	if (!templates_load(w.conf, &t, e))
		return false;
	s = rrd_store_open(&o, e);
	good = s != NULL && rrd_store_write(s, &m, e);
	rrd_store_close(s);
	templates_free(&t);
	if (!good && e->text[0] != '\0')
		printf("# %s\n", e->text);
	return good;
}

/* How many minutes of [from, to) rrdtool reads back as something else than the cells say. */
static inline int
wrong(const char *file, const char *ds, int key, int64_t from, int64_t to)
{
	struct buf cmd = buf_new(600);
	int column = -1, bad = 0, seen = 0;
	char line[4096];
	FILE *p;

	buf_fmt(&cmd, "rrdtool fetch '%s/%s' AVERAGE -r 60 -s %lld -e %lld", w.rrd, file,
	    (long long)(60 * from), (long long)(60 * to - 60));
	p = popen(cmd.p, "r");
	buf_free(&cmd);
	while (p != NULL && fgets(line, sizeof line, p) != NULL) {
		char *at = line, *end;
		long long time;
		double v = 0;

		if (column < 0) {	/* the names of the columns */
			for (char *word = strtok_r(line, " \n", &at); word != NULL;
			    word = strtok_r(NULL, " \n", &at), seen++)
				if (strcmp(word, ds) == 0)
					column = seen;
			seen = 0;
			continue;
		}
		time = strtoll(line, &end, 10);
		if (*end != ':')
			continue;
		at = end + 1;
		for (int i = 0; i <= column; i++, at = end)
			v = strtod(at, &end);
		int64_t i = time / 60 - 1 - w.first;
		double want = i < 0 || i >= MINUTES ? NAN :
		    (double)cell_get(&w.cell[i], (uint32_t)key);

		seen++;
		if (isnan(v) != isnan(want) || (!isnan(v) && fabs(v * 60 - want) > 1e-9 * fabs(want)))
			bad++;
	}
	if (p != NULL)
		pclose(p);
	return seen == (int)(to - from) ? bad : -1;
}

/* The whole file as rrdtool dumps it, but for what says when. */
static inline bool
same_rows(const char *a, const char *b)
{
	struct buf cmd = buf_new(2000);
	bool same;

	buf_fmt(&cmd, "rrdtool dump '%s/%s' | sed '/<v>/!d' > '%s/a'; "
	    "rrdtool dump '%s/%s' | sed '/<v>/!d' > '%s/b'; test -s '%s/a' && cmp -s '%s/a' '%s/b'",
	    w.rrd, a, w.dir, w.rrd, b, w.dir, w.dir, w.dir, w.dir);
	same = system(cmd.p) == 0;
	buf_free(&cmd);
	return same;
}

static inline bool
shell(const char *fmt, const char *a)
{
	struct buf cmd = buf_new(2000);
	bool good;

	buf_fmt(&cmd, "cd '%s' && ", w.rrd);
	for (const char *c = fmt; *c != '\0'; c++)
		if (*c == '@')
			buf_str(&cmd, a);
		else
			buf_char(&cmd, *c);
	good = system(cmd.p) == 0;
	buf_free(&cmd);
	return good;
}

static inline bool
begin(void)
{
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_rrd.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return false;
	(void)snprintf(w.conf, sizeof w.conf, "%s/conf", w.dir);
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	(void)mkdir(w.conf, 0700);
	make_cells();
	write_conf("one", "ds = { rej, tmp, recv_bytes, delay_p95, delay_max }\n" RRAS);
	return true;
}

static inline int
end(void)
{
	for (int i = 0; i < MINUTES; i++)
		cell_free(&w.cell[i]);
	shell("cd .. && rm -rf '@'", w.dir);
	return done_testing();
}

#endif
