/* test_rrd.c - minutes of RRDs read back by rrdtool are the counts, whatever happened.
 *
 * Cells come from memory; what is in the files is asked of the rrdtool program. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static bool
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

static void
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

static void
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

static void
keep_note(void *arg, const char *sentence)
{
	(void)arg;
	(void)snprintf(w.noted, sizeof w.noted, "%s", sentence);
}

/* Write the host up to minute end with a store of its own. */
static bool
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
static int
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
static bool
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

static bool
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

static void
test_exact(void)
{
	struct err e;

	ok(run("mx1.example.org", DAY + 700, RRD_COMPARE, &e), "a first run makes the file");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first - 5, DAY + 700), 0,
	    "each minute reads back as its count, zeros included, unknown before the first");
	is_int(wrong("mx1.example.org/one.rrd", "recv_bytes", M_recv_bytes, w.first, DAY + 700), 0,
	    "large numbers too");
	is_int(wrong("mx1.example.org/one.rrd", "tmp", M_tmp, w.first, DAY + 700), 0,
	    "and corrections below zero");
	ok(shell("touch -d 2020-01-01 @; cp -p @ ../before", "mx1.example.org/one.rrd") &&
	    run("mx1.example.org", DAY + 700, RRD_COMPARE, &e) &&
	    shell("cmp -s @ ../before && test ! @ -nt ../before", "mx1.example.org/one.rrd"),
	    "a second run writes nothing");
	for (int64_t end = DAY + 701; end < DAY + 720; end++)
		ok(run("mx1.example.org", end, RRD_NOTHING_CHANGED, &e), "one minute more");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 719), 0,
	    "minute by minute is exact as well");
	ok(run("mx1.example.org", DAY + 1500, RRD_NOTHING_CHANGED, &e) &&
	    run("all.example.org", DAY + 1500, RRD_NOTHING_CHANGED, &e) &&
	    same_rows("mx1.example.org/one.rrd", "all.example.org/one.rrd"),
	    "in pieces or at once: the same rows");
}

/* All that rrdtool says of the minutes from..to of mx1, in a file. */
static bool
past(int64_t from, int64_t to, const char *name)
{
	struct buf cmd = buf_new(900);
	bool good;

	for (int step = 60; step <= 86400; step *= step == 60 ? 10 : 144)
		for (int max = 0; max < 2; max++)
			buf_fmt(&cmd, "rrdtool fetch mx1.example.org/one.rrd %s -r %d -s %lld -e %lld %s ../%s"
			    " && ", max ? "MAX" : "AVERAGE", step, (long long)(60 * from),
			    (long long)(60 * to - 86400), cmd.n == 0 ? ">" : ">>", name);
	buf_str(&cmd, "true");
	good = shell(cmd.p, "");
	buf_free(&cmd);
	return good;
}

static void
test_late(void)
{
	struct err e;
	int64_t old;

	for (int i = 1430 - 100; i < 1430 - 40; i++)
		cell_add(&w.cell[i], CELL_METRIC + M_rej, 5);	/* an hour of the day before */
	ok(run("mx1.example.org", DAY + 1500, DAY - 100, &e), "late lines rewrite the past");
	is_int(wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500), 0,
	    "all minutes are exact again");
	ok(run("fresh.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    same_rows("mx1.example.org/one.rrd", "fresh.example.org/one.rrd"),
	    "rewritten or fed in order: the same rows in every RRA");
	cell_add(&w.cell[1430 + 800], CELL_METRIC + M_rej, 1);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "a change that nobody told of is found by comparing");
	ok(!shell("ls @ | grep -q new", "mx1.example.org"), "nothing is left lying about");
	(void)shell("ls -i @ >../inode", "mx1.example.org/one.rrd");
	cell_add(&w.cell[1430 + 700], CELL_METRIC + M_spam, 1);
	ok(run("mx1.example.org", DAY + 1500, DAY + 700, &e) &&
	    shell("ls -i @ | cmp - ../inode", "mx1.example.org/one.rrd"),
	    "a late line of which the file shows nothing does not rewrite it");
	cell_add(&w.cell[1430 + 700], CELL_METRIC + M_rej, 1);
	ok(run("mx1.example.org", DAY + 1500, DAY + 700, &e) &&
	    !shell("ls -i @ | cmp -s - ../inode", "mx1.example.org/one.rrd") &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "another one does");
	old = w.first;
	w.first += 2000;	/* the oldest cells are dropped */
	for (int i = 0; i < 2000; i++)
		cell_free(&w.cell[i]);
	memmove(w.cell, w.cell + 2000, 2000 * sizeof w.cell[0]);
	memset(w.cell + 2000, 0, 2000 * sizeof w.cell[0]);
	ok(past(old, w.first, "before"), "the past, before cells were dropped");
	cell_add(&w.cell[100], CELL_METRIC + M_rej, 7);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    wrong("mx1.example.org/one.rrd", "rej", M_rej, w.first, DAY + 1500) == 0,
	    "rewriting a day of which the first cells are gone");
	ok(past(old, w.first, "after") && shell("cmp ../before ../after && grep -q '[1-9]e' ../after", ""),
	    "the past stays in every RRA");
}

static void
test_shapes(void)
{
	struct err e;
	static const char *const file = "mx1.example.org/one.rrd";

	write_conf("one", "ds = { spam, rej, tmp, recv_bytes, delay_p95, delay_max, virus }\n" RRAS);
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) && w.noted[0] == '\0',
	    "a template with two metrics more");
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1500), 0, "the old ones keep their values");
	is_int(wrong(file, "spam", M_spam, w.first, DAY + 1500), 0, "the new ones have the past");
	write_conf("one", "ds = { rej }\n" RRAS);
	ok(run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    wrong(file, "recv_bytes", M_recv_bytes, w.first, DAY + 1500) == 0,
	    "a template with fewer metrics: the file loses none");
	write_conf("one", "ds = { rej, tmp, recv_bytes, delay_p95, delay_max }\n" RRAS);
	ok(shell("head -c 5000 @ > x && mv x @", file), "cut off");
	ok(run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "one.rrd.bad-2") != NULL, "%s", w.noted);
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1501), 0, "made anew from the cells");
	ok(shell("rrdtool create @ -s 300 -b 1779580000 DS:rej:GAUGE:600:0:U "
	    "RRA:AVERAGE:0.5:1:10", file) && run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "step is 300") != NULL && shell("test -s @.bad-*-2 && test -s @.bad-*[0-9]-[0-9][0-9]", file),
	    "a step of 300 s: %s", w.noted);
	ok(shell("rrdtool create @ -s 60 -b 1779580000 DS:rej:GAUGE:600:0:U "
	    "RRA:AVERAGE:0.5:1:10", file) && run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(w.noted, "rej is GAUGE") != NULL, "another type: %s", w.noted);
	is_int(wrong(file, "rej", M_rej, w.first, DAY + 1501), 0, "exact again");
	ok(shell("rrdtool update @ -t rej 1999999999:5", file) &&
	    run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    wrong(file, "rej", M_rej, w.first, DAY + 1501) == 0,
	    "a file that knows the future is taken back");
	ok(shell("rm -f @; mkdir @", file) && !run("mx1.example.org", DAY + 1501, RRD_COMPARE, &e) &&
	    strstr(e.text, "one.rrd: it is no file") != NULL, "a folder in its place is an error");
	ok(shell("rmdir @", file), "taken away again");
}

/* Every other word of the head as it was before: so may a file be left by who is killed. */
static bool
tear(const char *path, const char *undo)
{
	char file[700], before[700];
	uint64_t was[2], is;
	FILE *f, *u;
	size_t torn = 0;

	(void)snprintf(file, sizeof file, "%s/%s", w.rrd, path);
	(void)snprintf(before, sizeof before, "%s/%s", w.rrd, undo);
	f = fopen(file, "r+b");
	u = fopen(before, "rb");
	while (f != NULL && u != NULL && fread(was, sizeof was, 1, u) == 1) {
		long at = ftell(u) - (long)sizeof was;

		if (fseek(f, at, SEEK_SET) != 0 || fread(&is, sizeof is, 1, f) != 1)
			break;
		torn += is != was[0];
		if (fseek(f, at, SEEK_SET) != 0 || fwrite(was, sizeof was[0], 1, f) != 1)
			break;
	}
	if (f != NULL)
		(void)fclose(f);
	if (u != NULL)
		(void)fclose(u);
	return torn > 0;
}

/* Killed while rows were appended, and all that librrd keeps beside the rows is torn. */
static void
test_torn(void)
{
	static const char *const file = "torn.example.org/one.rrd";
	int64_t from = DAY + 1000, to = from + 2 * COLUMNS_MINUTES + 7;
	struct err e;
	int status = 0;
	pid_t pid;

	ok(run("torn.example.org", from, RRD_COMPARE, &e) &&
	    run("sound.example.org", from, RRD_COMPARE, &e), "two files alike");
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		w.dies_at = from + COLUMNS_MINUTES;
		(void)run("torn.example.org", to, RRD_NOTHING_CHANGED, &e);
		_exit(0);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "killed on its way");
	ok(tear(file, "torn.example.org/one.rrd.undo"), "what it leaves is torn");
	ok(run("torn.example.org", to, RRD_COMPARE, &e) && w.noted[0] == '\0' &&
	    run("sound.example.org", to, RRD_NOTHING_CHANGED, &e), "the next run");
	ok(same_rows(file, "sound.example.org/one.rrd"), "makes every row good");
	ok(!shell("ls torn.example.org sound.example.org | grep -q -e undo -e new", ""), "nothing lies about");
	ok(shell("touch torn.example.org/one.rrd.undo; cp torn.example.org/one.rrd ../before", "") &&
	    run("torn.example.org", to, RRD_COMPARE, &e) &&
	    shell("cmp torn.example.org/one.rrd ../before && ! test -e torn.example.org/one.rrd.undo", ""),
	    "what was kept, and is no head of it, is not put back");
}

/* Killed so late that the oldest minutes were overwritten, of which a new file would be made next. */
static void
test_overwritten(void)
{
	int64_t day = (w.first / 1440 + 1) * 1440, full = day + 8 * 1440, to = full + COLUMNS_MINUTES + 7;
	struct err e;
	int status = 0;
	pid_t pid;

	w.also = full - 700;
	ok(run("over.example.org", w.also, RRD_COMPARE, &e) && run("kept.example.org", w.also, RRD_COMPARE, &e),
	    "two files alike, of eight days");
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		w.dies_at = full + COLUMNS_MINUTES;
		(void)run("over.example.org", to, RRD_NOTHING_CHANGED, &e);
		_exit(0);
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "killed when a day was appended");
	w.kept = day + 300;
	ok(run("over.example.org", to, RRD_COMPARE, &e) && run("kept.example.org", to, RRD_NOTHING_CHANGED, &e),
	    "the next run, when the first cells are gone");
	ok(same_rows("over.example.org/one.rrd", "kept.example.org/one.rrd"), "takes nothing for the minutes of a week ago");
	w.also = w.kept = 0;
}

static void
test_no_space(void)
{
	static const char *const file = "mx1.example.org/one.rrd";
	struct rlimit all, little;
	struct err e;

	ok(run("mx1.example.org", DAY + 1400, RRD_COMPARE, &e), "before the disk is full");
	ok(shell("cp @ ../before", file), "remembered");
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &all);
	little = (struct rlimit){ 20000, all.rlim_max };
	(void)setrlimit(RLIMIT_FSIZE, &little);
	cell_add(&w.cell[50], CELL_METRIC + M_rej, 9);
	ok(!run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) && e.text[0] != '\0',
	    "no room for a new file");
	(void)setrlimit(RLIMIT_FSIZE, &all);
	ok(shell("cmp -s @ ../before && ! ls mx1.example.org | grep -q new", file),
	    "the old one is untouched, nothing lies about");
	ok(run("mx1.example.org", DAY + 1500, RRD_COMPARE, &e) &&
	    wrong(file, "rej", M_rej, w.first, DAY + 1500) == 0, "with room again it is exact");
}

/* Up to which minute it has rows; 0: there is no such file. */
static int64_t
last_of(const char *file)
{
	struct buf cmd = buf_new(600);
	char line[100] = "0";
	FILE *p;

	buf_fmt(&cmd, "test ! -e '%s/%s' || rrdtool last '%s/%s'", w.rrd, file, w.rrd, file);
	p = popen(cmd.p, "r");
	if (p != NULL && fgets(line, sizeof line, p) == NULL)
		line[0] = '\0';
	if (p != NULL)
		pclose(p);
	buf_free(&cmd);
	return strtoll(line, NULL, 10) / 60;
}

/* Our own clock is never sure, as that of who imports each other day. The copy is of the time when it was last. */
static void
test_clock_unsure(void)
{
	static const char *const file = "odd.example.org/one.rrd", *const before = "odd.example.org/one.rrd.before";
	struct err e;

	w.clock_unsure = true;
	ok(run("odd.example.org", DAY + 100, RRD_COMPARE, &e), "a file of an unsure clock");
	is_int(last_of(before), 0, "has no copy");
	w.clock_sure = 60 * (DAY + 100);
	ok(run("odd.example.org", DAY + 1600, RRD_COMPARE, &e), "a jump");
	is_int(last_of(before), DAY + 100, "has one of before");
	w.clock_sure = 60 * (DAY + 1600);
	ok(run("odd.example.org", DAY + 3200, RRD_COMPARE, &e), "another, when the first was right");
	is_int(last_of(before), DAY + 1600, "has one of between");
	ok(run("odd.example.org", DAY + 4800, RRD_COMPARE, &e), "one more, when that was not");
	is_int(last_of(before), DAY + 1600, "leaves it");
	ok(run("odd.example.org", DAY + 1700, RRD_COMPARE, &e) && last_of(file) == DAY + 1700 &&
	    wrong(file, "rej", M_rej, w.first, DAY + 1700) == 0, "set back, the file goes on from there");
	is_int(last_of(before), 0, "and is itself again");
	w.clock_unsure = false;
}

/* A host that comes when our clock is ahead has no file of before: it is that of its cells alone, be its first true line
 * of that day or of a later one. */
static void
test_clock_new(int64_t first)
{
	struct err e;

	w.first_line = DAY + 200;
	w.clock_unsure = true;
	ok(shell("rm -rf new.example.org now.example.org", "") &&
	    run("new.example.org", DAY + 40 * 1440, RRD_COMPARE, &e), "a new host, forty days ahead");
	w.clock_unsure = false;
	w.first_line = first;
	cell_add(&w.cell[DAY - w.first + 1000], CELL_METRIC + M_rej, 5000);
	ok(run("new.example.org", DAY + 3200, RRD_COMPARE, &e), "set back, with a line more of that day");
	ok(run("now.example.org", DAY + 3200, RRD_COMPARE, &e) &&
	    same_rows("new.example.org/one.rrd", "now.example.org/one.rrd"), "it has what a new file has");
	cell_add(&w.cell[DAY - w.first + 1000], CELL_METRIC + M_rej, -5000);
	w.first_line = 0;
}

/* What is not drawn any more: its copy stays as long as our clock is unsure. */
static void
test_clock_undrawn(void)
{
	struct err e;

	w.clock_unsure = true;
	ok(run("un.example.org", DAY + 100, RRD_COMPARE, &e) && shell("cd un.example.org && cp one.rrd ahead.rrd.before && "
	    "cp one.rrd right.rrd && cp one.rrd right.rrd.before", "") && run("un.example.org", DAY + 1600, RRD_COMPARE, &e) &&
	    shell("cd un.example.org && cp one.rrd ahead.rrd", ""), "two files that no template has");
	ok(run("un.example.org", DAY + 1000, RRD_COMPARE, &e) &&
	    shell("test -f un.example.org/ahead.rrd.before && test -f un.example.org/right.rrd.before", ""),
	    "their copies stay while our clock is unsure");
	w.clock_unsure = false;
	ok(run("un.example.org", DAY + 1000, RRD_COMPARE, &e) && shell("! ls un.example.org | grep -q before", ""),
	    "and go when it is sure");
	is_int(last_of("un.example.org/ahead.rrd"), DAY + 100, "what went ahead is as it was");
}

/* A day on which a host had nothing but lines that were too late. */
static void
test_too_late(void)
{
	int64_t first = w.first;
	struct err e;

	write_conf("one", "ds = { rej }\n" RRAS);
	w.first = DAY;
	for (int i = 0; i < 1440; i++)
		cell_clear(&w.cell[i]);
	cell_add(&w.cell[600], CELL_METRIC + M_too_late, 3);
	ok(run("late.example.org", DAY + 2400, RRD_COMPARE, &e), "a day of lines that are too late alone");
	ok(shell("test $(rrdtool fetch @ AVERAGE -r 60 -s 1779494400 -e 1779580740 | grep -c '^[0-9].*[0-9]e') -eq 1",
	    "late.example.org/one.rrd"), "one minute of it is known");
	ok(shell("test $(rrdtool fetch @ AVERAGE -r 86400 -s 1779494400 -e 1779494400 | grep -c '^[0-9].*[0-9]e') -eq 0",
	    "late.example.org/one.rrd"), "and nothing of the day");
	w.first = first;
}

/* The last cell that was dropped was of the minute before, and then the host had none all day: somebody watched. */
static void
test_quiet_since(void)
{
	int64_t first = w.first;
	struct err e;

	w.first = DAY;
	w.kept = DAY + 100;
	for (int i = 0; i < 1440; i++)
		cell_clear(&w.cell[i]);
	ok(run("quiet.example.org", DAY + 2400, RRD_COMPARE, &e) &&
	    wrong("quiet.example.org/one.rrd", "rej", CELL_METRIC + M_rej, w.kept, DAY + 2400) == 0,
	    "what is left of the first day that is kept is zero where it has no cell");
	(void)shell("ls -i @ >../inode", "quiet.example.org/one.rrd");
	ok(run("quiet.example.org", DAY + 2400, RRD_COMPARE, &e) &&
	    shell("ls -i @ | cmp - ../inode", "quiet.example.org/one.rrd"), "and is not made anew for it");
	w.first = first;
	w.kept = 0;
}

/* No byte of the file is good, or the head is gone, or it stands still: each is told, kept
 * under a name of its own, and replaced by what the cells say. */
static void
test_damaged(void)
{
	static const char *const file = "mx1.example.org/one.rrd";
	static const struct {
		const char *what, *how;
	} cases[] = {
		{ "all zeros", "n=$(stat -c %s @); head -c $n /dev/zero > @" },
		{ "empty", ": > @" },
		{ "text", "yes rubbish | head -c 9000 > @" },
		{ "the first block zeros", "dd if=/dev/zero of=@ bs=512 count=1 conv=notrunc 2>/dev/null" },
		{ "the last tenth cut off", "n=$(stat -c %s @); truncate -s $((n * 9 / 10)) @" },
		{ "a foreign RRD", "rrdtool create @ -s 60 -b 1779580000 DS:rej:COUNTER:600:0:U "
		    "RRA:AVERAGE:0.5:1:10" },
	};
	struct err e;

	ok(shell("rm -rf mx1.example.org", ""), "begin anew");
	ok(run("mx1.example.org", DAY + 1400, RRD_COMPARE, &e), "a good file");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char left[80];

		(void)snprintf(left, sizeof left, "test $(ls mx1.example.org | grep -c bad-) = %zu", i + 1);
		ok(shell(cases[i].how, file) && run("mx1.example.org", DAY + 1401, RRD_COMPARE, &e) &&
		    strstr(w.noted, "it is now one.rrd.bad-") != NULL, "%s: %s", cases[i].what, w.noted);
		ok(wrong(file, "rej", M_rej, w.first, DAY + 1401) == 0 && shell(left, ""),
		    "made anew, none of the old ones overwritten");
		ok(run("mx1.example.org", DAY + 1401, RRD_COMPARE, &e) && w.noted[0] == '\0', "said once");
	}
	ok(shell("rm -f @; mkfifo @", file) && !run("mx1.example.org", DAY + 1401, RRD_COMPARE, &e) &&
	    strstr(e.text, "it is no file") != NULL && shell("rm -f @", file), "a pipe holds nobody up");
}

/* What rrdtool has for a day of a consolidation, unknown ones too. */
static bool
rows(const char *cf, int step, int64_t from, int64_t to, const char *name)
{
	struct buf cmd = buf_new(900);
	bool good;

	buf_fmt(&cmd, "rrdtool fetch mx1.example.org/one.rrd %s -r %d -s %lld -e %lld > ../%s", cf, step,
	    (long long)(60 * from), (long long)(60 * to - 60 * 60), name);
	good = shell(cmd.p, "");
	buf_free(&cmd);
	return good;
}

/* Each row of STEP seconds in file NEW.rej is VALUE of those of OLD.rej that it is made of. */
#define JOINED(OLD, NEW, STEP, VALUE) \
	"awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == \"rej\") c = i + 1; next } NF { print $1, $c }' " \
	"../" NEW " > ../" NEW ".rej && awk -v step=" STEP " '{ t = $1 + 0; end = t + (step - t % step) % step } " \
	"NR == FNR { if ($2 != \"nan\" && $2 != \"-nan\") { if (!n[end]++ || $2 > max[end]) max[end] = $2; " \
	"s[end] += $2 } last = t; next } t > last { next } " \
	"$2 ~ /nan/ { if (n[t]) exit bad = 1; next } { known = n[t]; sum = s[t]; most = max[t]; v = " VALUE "; " \
	"if (v - $2 > 1e-6 * v || $2 - v > 1e-6 * v) exit bad = 1; good++ } " \
	"END { exit bad || good < 20 }' ../" OLD ".rej ../" NEW ".rej"

#define SHORT "\"AVERAGE 1m 12h 0.5\", "

/* The pictures of the past that only coarse rows have, after the template changed: kept, the
 * cells' first minute, is in the middle of a day, and the minutes before it are gone. */
static void
test_reshaped(void)
{
	static const struct {
		const char *what, *conf;
	} cases[] = {
		{ "a data source more", "ds = { rej, recv_bytes, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n" },
		{ "one less", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n" },
		{ "an RRA more", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\", \"AVERAGE 1d 2y 0.9\" }\n" },
		{ "a longer one", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 90d 0.9\", \"MAX 1h 800d 0.9\", \"AVERAGE 1d 2y 0.9\" }\n" },
		{ "another share of unknowns", "ds = { rej, spam }\n"
		    "rra = { " SHORT "\"AVERAGE 10m 90d 0.5\", \"MAX 1h 800d 0.5\", \"AVERAGE 1d 2y 0.5\" }\n" },
	};
	int64_t first, cut;
	struct err e;

	for (int i = 0; i < MINUTES; i++)
		cell_free(&w.cell[i]);
	make_cells();
	first = w.first;
	cut = first + 1430 + 1000;
	ok(shell("rm -rf mx1.example.org", ""), "begin anew");
	write_conf("one", "ds = { rej, recv_bytes }\n"
	    "rra = { " SHORT "\"AVERAGE 10m 35d 0.9\", \"MAX 1h 400d 0.9\" }\n");
	ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e), "a file of minutes for 12 hours");
	ok(rows("AVERAGE", 600, first, cut + 1500, "before") && rows("MAX", 3600, first, cut + 1500, "max"),
	    "its coarse rows");
	for (int64_t i = 0; i < cut - first; i++) {	/* older cells are dropped */
		cell_free(&w.cell[i]);
		w.cell[i] = (struct cell){ 0 };
	}
	memmove(w.cell, w.cell + (cut - first), (size_t)(MINUTES - (cut - first)) * sizeof w.cell[0]);
	memset(w.cell + MINUTES - (cut - first), 0, (size_t)(cut - first) * sizeof w.cell[0]);
	w.first = cut;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_conf("one", cases[i].conf);
		ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e) && w.noted[0] == '\0' &&
		    rows("AVERAGE", 600, first, cut + 1500, "after") &&
		    rows("MAX", 3600, first, cut + 1500, "max2") &&
		    shell("for f in before after max max2; do awk 'NR == 1 { for (i = 1; i <= NF; i++) "
		    "if ($i == \"rej\") c = i + 1; next } NF { print $1, $c }' ../$f > ../$f.rej; done; "
		    "grep -c '[1-9]e' ../before.rej >/dev/null && cmp ../before.rej ../after.rej && "
		    "cmp ../max.rej ../max2.rej", ""), "%s: each row that was there is there", cases[i].what);
		ok(wrong("mx1.example.org/one.rrd", "rej", M_rej, cut + 1500 - 700, cut + 1500) == 0 &&
		    wrong("mx1.example.org/one.rrd", "spam", M_spam, cut + 1500 - 700, cut + 1500) == 0,
		    "and each minute");
	}
	ok(shell("rrdtool info mx1.example.org/one.rrd | grep -q 'rra.1..rows = 12960'", ""),
	    "the longer RRA is longer");
	write_conf("one", "ds = { rej, spam }\n"
	    "rra = { " SHORT "\"AVERAGE 30m 35d 0.9\", \"MAX 2h 400d 0.9\" }\n");
	ok(run("mx1.example.org", cut + 1500, RRD_COMPARE, &e) &&
	    rows("AVERAGE", 1800, first, cut + 1500, "after") && rows("MAX", 7200, first, cut + 1500, "max2") &&
	    shell(JOINED("before", "after", "1800", "sum / known") " && "
	    JOINED("max", "max2", "7200", "most"), ""), "longer rows are made of the shorter ones that were there");
	ok(shell("rrdtool info mx1.example.org/one.rrd | grep -q 'ds.recv_bytes..type'", ""),
	    "a data source that the template dropped stays in the file");
}

static void
test_folder(void)
{
	static const struct {
		const char *host, *folder;
	} cases[] = {
		{ "mx1.example.org", "mx1.example.org" }, { "MX_1-a", "MX_1-a" },
		{ "_farm", "_farm" }, { "_other", "%5Fother" }, { "..", "%2E." },
		{ "../../etc", "%2E.%2F..%2Fetc" }, { "a/b", "a%2Fb" }, { "", "%00" },
		{ "a%2Fb", "a%252Fb" }, { "x\n<b>\xff", "x%0A%3Cb%3E%FF" },
	};
	char out[RRD_FOLDER_BYTES], other[RRD_FOLDER_BYTES], lengthy[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rrd_folder(cases[i].host, out);
		is_str(out, cases[i].folder, "folder of a host");
	}
	memset(lengthy, '/', 255);
	lengthy[255] = '\0';
	rrd_folder(lengthy, out);
	lengthy[254] = 'x';
	rrd_folder(lengthy, other);
	ok(strlen(out) < 250 && strcmp(out, other) != 0, "long names are cut and stay apart");
}

static void
test_closed(void)
{
	struct stateread_host h[2] = {
		{ .id = 1, .newest = 6000 * 60 + 30 }, { .id = 2, .newest = 5990 * 60 }
	};
	struct rrd_minutes m;

	rrd_closed(h, 2, 1, 6000 * 60 + 40, &m);
	ok(m.end == 6000 && m.limit == 6001, "the minute of the newest line is open");
	rrd_closed(h, 2, 1, 6002 * 60 + 30, &m);
	is_int(m.end, 6001, "and closed two minutes after it");
	rrd_closed(h, 2, STATEREAD_FARM, 6000 * 60 + 40, &m);
	is_int(m.end, 6000, "a silent host does not hold the farm back");
	h[1].newest = 5999 * 60;
	rrd_closed(h, 2, STATEREAD_FARM, 6000 * 60 + 40, &m);
	ok(m.end == 5999 && m.limit == 6001, "one that lags a little does");
}

static void
test_templates(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "ds = { rej }\n", "keeps the minutes" },
		{ "ds = { nonsense }\n" RRAS, ":1: there is no metric nonsense" },
		{ "ds = { rej, rej }\n" RRAS, "rej is named twice" },
		{ "ds = { }\n" RRAS, "1 to" },
		{ "\nds = { rej\n", ":3: " },
		{ "colour = red\nds = { rej }\n", ":1: " },
		{ "ds = { rej }\nrra = { \"AVERAGE 7m 8d 0.5\" }\n", ":2: rra \"AVERAGE 7m" },
		{ "ds = { rej }\nrra = { \"MIN 1m 8d 0.5\" }\n", "MIN" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {tmp} }\n}\n", ":4: tmp is not" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} colour = red }\n}\n",
		    "colour" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} as = dots }\n}\n", "dots is none" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} axis = top }\n}\n", "neither left" },
		{ "ds = { rej }\n" RRAS "graph \"g\" {\n draw \"x\" { of = {rej} as = area axis = right }\n}\n",
		    "line alone" },
		{ "ds = { latency }\n" RRAS, "each = \"dnsbl\" is missing" },
		{ "ds = { hits }\n" RRAS, "each = \"dnsbl\" is missing" },
		{ "ds = { rej, hits }\n" RRAS, "hits: that is of a block list" },
		{ "each = \"dnsbl\"\nds = { hits, rej }\n" RRAS, "rej: that is not known of each" },
		{ "each = \"host\"\nds = { rej }\n" RRAS, "each = \"host\" is not" },
		{ "ds = { rej }\n" RRAS "graph \"../g\" {\n draw \"x\" { of = {rej} }\n}\n", "needs a name" },
	};
	struct templates t;
	struct err e;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		write_conf("bad", cases[i].text);
		ok(!templates_load(w.conf, &t, &e) && strstr(e.text, cases[i].says) != NULL &&
		    strstr(e.text, "bad.conf:") != NULL, "%s", e.text);
	}
	e.text[0] = '\0';
	ok(templates_load("rrd-templates", &t, &e) && t.n >= 6 &&
	    strcmp(t.t[0].name, "flow") == 0, "the templates that we deliver %s", e.text);
	templates_free(&t);
	ok(!templates_load("/nonexistent", &t, &e), "%s", e.text);
}

int
main(void)
{
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_rrd.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return 1;
	(void)snprintf(w.conf, sizeof w.conf, "%s/conf", w.dir);
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	(void)mkdir(w.conf, 0700);
	make_cells();
	write_conf("one", "ds = { rej, tmp, recv_bytes, delay_p95, delay_max }\n" RRAS);
	test_exact();
	test_late();
	test_shapes();
	test_torn();
	test_overwritten();
	test_no_space();
	test_clock_unsure();
	test_clock_new(DAY + 200);
	test_clock_new(DAY + 1640);
	test_clock_undrawn();
	test_damaged();
	test_reshaped();
	test_folder();
	test_closed();
	test_too_late();
	test_quiet_since();
	test_templates();
	for (int i = 0; i < MINUTES; i++)
		cell_free(&w.cell[i]);
	shell("cd .. && rm -rf '@'", w.dir);
	return done_testing();
}
