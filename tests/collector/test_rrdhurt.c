/* test_rrdhurt.c - RRDs that were torn, damaged, out of room, or written while our clock was wrong: their minutes are the counts again. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "rrd_cells.h"

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

int
main(void)
{
	if (!begin())
		return 1;
	test_torn();
	test_overwritten();
	test_no_space();
	test_clock_unsure();
	test_clock_new(DAY + 200);
	test_clock_new(DAY + 1640);
	test_clock_undrawn();
	test_damaged();
	return end();
}
