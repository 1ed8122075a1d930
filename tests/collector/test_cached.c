/* test_cached.c - RRDs written through a real rrdcached: what the store calls written is
 * in the file, also when the daemon is killed. Only with LAB=1, where it is installed. */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "store/rrd.h"
#include "store/rrdfile.h"
#include "tap.h"

#define FIRST ((int64_t)29658250)	/* minutes; ten after a midnight */
enum { MINUTES = 3000 };

static struct {
	char dir[64], conf[80], rrd[80], sock[80];
	int64_t count[MINUTES];
	pid_t pid;
} w;

static bool
source(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	struct cell c = { 0 };

	(void)arg;
	(void)e;
	for (int64_t m = from < FIRST ? FIRST : from; m < to && m < FIRST + MINUTES; m++) {
		cell_clear(&c);
		cell_add(&c, CELL_METRIC + M_rej, w.count[m - FIRST]);
		(void)f(f_arg, 1, m, &c);
	}
	cell_free(&c);
	return true;
}

static void
start(void)
{
	struct stat st;

	(void)unlink(w.sock);
	w.pid = fork();
	if (w.pid == 0) {
		execlp("rrdcached", "rrdcached", "-g", "-l", w.sock, "-b", w.rrd, "-B", "-w", "3000",
		    "-f", "7200", "-p", "pid", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && stat(w.sock, &st) != 0; i++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

static void
stop(int sig)
{
	(void)kill(w.pid, sig);
	(void)waitpid(w.pid, NULL, 0);
}

static bool
run(int minutes, int64_t changed, struct err *e)
{
	struct rrd_minutes m = { .name = "mx1.example.org", .kept = FIRST, .end = FIRST + minutes,
	    .limit = FIRST + minutes, .changed = changed, .source = source };
	struct templates t;
	struct rrd_options o = { .dir = w.rrd, .templates = &t, .cached = w.sock };
	struct rrd_store *s;
	bool good;

	e->text[0] = '\0';
	if (!templates_load(w.conf, &t, e))
		return false;
	s = rrd_store_open(&o, e);
	good = s != NULL && rrd_store_write(s, &m, e);
	rrd_store_close(s);
	templates_free(&t);
	return good;
}

/* Is the file on the disk as far as that, and right? */
static bool
exact(int minutes)
{
	char path[200];
	struct rrdfile f;
	struct err e;
	bool good;

	(void)snprintf(path, sizeof path, "%s/mx1.example.org/one.rrd", w.rrd);
	if (rrdfile_open(&f, path, false, &e) != RRDFILE_OK)
		return false;
	good = f.last_up == 60 * (FIRST + minutes);
	for (int i = 0; i < minutes; i++) {
		double v = rrdfile_minute(&f, 0, FIRST + i) * 60 - (double)w.count[i];

		good = good && v < 1e-6 && v > -1e-6;
	}
	rrdfile_close(&f);
	return good;
}

int
main(void)
{
	const char *lab = getenv("LAB");
	char text[300];
	struct err e = { "" };
	FILE *f;

	if (lab == NULL || lab[0] == '\0' || system("command -v rrdcached >/dev/null") != 0) {
		printf("1..0 # SKIP rrdcached: only with LAB=1, where it is installed\n");
		return 0;
	}
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_cached.XXXXXX");
	if (mkdtemp(w.dir) == NULL || chdir(w.dir) != 0)
		return 1;
	(void)snprintf(w.conf, sizeof w.conf, "%s/conf", w.dir);
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	(void)snprintf(w.sock, sizeof w.sock, "unix:%s/sock", w.dir);
	(void)mkdir(w.conf, 0700);
	(void)mkdir(w.rrd, 0700);
	(void)snprintf(text, sizeof text, "%s/one.conf", w.conf);
	f = fopen(text, "w");
	if (f != NULL) {
		fputs("ds = { rej }\nrra = { \"AVERAGE 1m 8d 0.5\", \"AVERAGE 1d 1y 0.9\" }\n", f);
		fclose(f);
	}
	for (int i = 0; i < MINUTES; i++)
		w.count[i] = i * 7919 % 1000;
	memmove(w.sock, w.sock + 5, strlen(w.sock) - 4);

	ok(run(100, RRD_COMPARE, &e) && exact(100), "a new file needs no daemon %s", e.text);
	ok(!run(101, RRD_NOTHING_CHANGED, &e) && strstr(e.text, w.sock) != NULL,
	    "without one, no further: %s", e.text);
	start();
	ok(run(101, RRD_NOTHING_CHANGED, &e) && exact(101), "a minute through it is in the file %s",
	    e.text);
	ok(run(2000, RRD_NOTHING_CHANGED, &e) && exact(2000), "many minutes too");
	w.count[1500] += 3;
	ok(run(2000, FIRST + 1500, &e) && exact(2000), "late lines behind its back %s", e.text);
	ok(run(2002, RRD_NOTHING_CHANGED, &e) && exact(2002), "it goes on with the new file %s", e.text);
	stop(SIGKILL);
	ok(!run(2003, RRD_NOTHING_CHANGED, &e) && exact(2002), "killed: nothing more, nothing lost");
	start();
	ok(run(2003, RRD_COMPARE, &e) && exact(2003), "started again: all is there %s", e.text);
	stop(SIGTERM);
	(void)snprintf(text, sizeof text, "rm -rf '%s'", w.dir);
	ok(system(text) == 0, "cleaned up");
	return done_testing();
}
