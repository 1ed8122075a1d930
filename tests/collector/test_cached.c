/* test_cached.c - RRDs written through a real rrdcached, by its socket, TCP and IPv6: what the
 * store calls written is in the file, also when the daemon is killed at any moment, and in
 * the end all is as if it had not been. Only with LAB=1, where it is installed. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
	char dir[64], conf[80], rrd[80], sock[80], tcp[80], tcp6[80];
	const char *address;	/* one of them */
	const char *folder;	/* of the RRDs */
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

/* A port of loopback that nobody has, and that no connection of another test's gets in the meantime: they are
 * from 32768 on. 0: there is none. */
static int
free_port(int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *a = family == AF_INET ? (void *)&four : (void *)&six;
	socklen_t n = family == AF_INET ? sizeof four : sizeof six;
	int port = 10000 + getpid() % 20000;

	for (int i = 0; i < 1000; i++, port++) {
		int fd = socket(family, SOCK_STREAM, 0);
		bool good;

		four.sin_port = six.sin6_port = htons((uint16_t)port);
		good = fd >= 0 && bind(fd, a, n) == 0;
		if (fd >= 0)
			(void)close(fd);
		if (good)
			return port;
	}
	return 0;
}

static void
start(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	bool ready = false;

	(void)memcpy(a.sun_path, w.sock, strlen(w.sock) + 1);
	(void)unlink(w.sock);
	(void)unlink("pid");
	w.pid = fork();
	if (w.pid == 0) {
		if (freopen("said", "a", stderr) == NULL)
			_exit(126);
		execlp("rrdcached", "rrdcached", "-g", "-l", w.sock, "-l", w.tcp, "-b", w.rrd, "-B",
		    "-j", w.dir, "-w", "3000", "-f", "7200", "-p", "pid",
		    w.tcp6[0] == '\0' ? (char *)NULL : "-l", w.tcp6, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !ready; i++) {	/* it listens there last of all, or nearly so */
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		ready = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
		(void)close(fd);
		if (!ready)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

static void
stop(int sig)
{
	(void)kill(w.pid, sig);
	(void)waitpid(w.pid, NULL, 0);
}

static void
note(void *arg, const char *sentence)
{
	(void)arg;
	printf("# %s\n", sentence);
}

static bool
run(int minutes, int64_t changed, struct err *e)
{
	struct rrd_minutes m = { .name = "mx1.example.org", .kept = FIRST, .end = FIRST + minutes,
	    .limit = FIRST + minutes, .changed = changed, .unsure = w.address != NULL,
	    .source = source };
	struct templates t;
	struct rrd_options o = { .dir = w.folder, .templates = &t, .cached = w.address,
	    .cached_wait_ms = 10000, .note = note };
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
		const double *row = rrdfile_minute(&f, FIRST + i);
		double v = row != NULL ? row[0] * 60 - (double)w.count[i] : (double)NAN;

		good = good && v < 1e-6 && v > -1e-6;
	}
	rrdfile_close(&f);
	return good;
}

static bool
shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static bool
shell(const char *fmt, ...)
{
	struct buf cmd = buf_new(1000);
	va_list ap;
	bool good;

	va_start(ap, fmt);
	buf_vfmt(&cmd, fmt, ap);
	va_end(ap);
	good = system(cmd.p) == 0;
	buf_free(&cmd);
	return good;
}

static void
test_once(void)
{
	struct err e = { "" };

	ok(run(100, RRD_COMPARE, &e) && exact(100), "a new file needs no daemon %s", e.text);
	ok(!run(101, RRD_NOTHING_CHANGED, &e) && strstr(e.text, w.address) != NULL,
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
	ok(shell("head -c 3000 %s/mx1.example.org/one.rrd > x && mv x %s/mx1.example.org/one.rrd", w.rrd,
	    w.rrd) && run(2004, RRD_NOTHING_CHANGED, &e) && exact(2004),
	    "damaged while it runs: made anew %s", e.text);
	ok(run(2006, RRD_NOTHING_CHANGED, &e) && exact(2006), "and it goes on with that %s", e.text);
	ok(shell("rrdtool update --daemon unix:%s %s/mx1.example.org/one.rrd %lld:999999", w.sock, w.rrd,
	    (long long)(60 * (FIRST + 2007))) && run(2010, FIRST + 2006, &e) && exact(2010),
	    "rows that it still had from nobody knows whom: %s", e.text);
	stop(SIGTERM);
}

/* It accepts, and says nothing any more. */
static void
test_hung(void)
{
	struct timespec a, b;
	struct err e;
	double s;

	start();
	(void)kill(w.pid, SIGSTOP);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	ok(!run(2011, RRD_NOTHING_CHANGED, &e), "it hangs: %s", e.text);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	ok(s > 3 && s < 5, "for two files we waited once, 4 s: %.1f", s);
	(void)kill(w.pid, SIGCONT);
	w.count[2010] += 5;	/* the row it was given is not the last word */
	ok(run(2012, FIRST + 2010, &e) && exact(2012), "it goes on %s", e.text);
	stop(SIGTERM);
}

/* Minute by minute, some of them late, while it is killed again and again. */
static void
test_killed(int rounds)
{
	int to = 2012, killed = 0, failed = 0;
	int64_t unsure = RRD_NOTHING_CHANGED;
	unsigned x = (unsigned)getpid();
	struct err e;

	printf("# seed %u\n", x);
	start();
	while (killed < rounds && to < MINUTES - 20) {
		pid_t killer;

		x = x * 1103515245 + 12345;
		killer = fork();
		if (killer == 0) {	/* somewhere in the next milliseconds, the time of some minutes */
			(void)nanosleep(&(struct timespec){ .tv_nsec = (x >> 8) % 30000000 }, NULL);
			(void)kill(w.pid, SIGKILL);
			_exit(0);
		}
		for (bool good = true; good && to < MINUTES - 20; ) {
			int late = to - 1 - (int)(x >> 16) % 100;

			if (to % 5 == 0) {
				w.count[late]++;
				unsure = FIRST + late < unsure ? FIRST + late : unsure;
			}
			good = run(to + 1, unsure, &e);
			if (good)
				unsure = RRD_NOTHING_CHANGED;
			else if (FIRST + to < unsure)
				unsure = FIRST + to;
			if (good && !exact(to + 1))
				failed++;
			to += good;
		}
		(void)waitpid(killer, NULL, 0);
		(void)waitpid(w.pid, NULL, 0);
		start();
		killed++;
	}
	is_int(failed, 0, "what was called written was on the disk, each time");
	ok(run(to + 1, unsure, &e) && exact(to + 1), "killed %d times, %d minutes: each is there %s",
	    killed, to + 1, e.text);
	stop(SIGKILL);
	/* two of librrd's scratch values hold what the last call happened to leave in them */
	w.address = NULL;
	w.folder = "calm";
	ok(run(to + 1, RRD_COMPARE, &e) &&
	    shell("for d in rrd calm; do for f in one two; do rrdtool dump $d/mx1.example.org/$f.rrd | "
	    "grep -v '<primary_value>\\|<secondary_value>'; done > $d.dump; done; test -s rrd.dump && cmp rrd.dump calm.dump"),
	    "as if nothing had happened: rrdtool dump says the same %s", e.text);
}

static void
write_conf(const char *name, const char *ds)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s.conf", w.conf, name);
	f = fopen(path, "w");
	if (f != NULL) {
		fprintf(f, "ds = { %s }\nrra = { \"AVERAGE 1m 8d 0.5\", \"AVERAGE 1d 1y 0.9\" }\n", ds);
		fclose(f);
	}
}

static void
test_addresses(void)
{
	static const char *const bad[] = { "", ":42217", "localhost:", "localhost:0", "localhost:99999",
	    "localhost:x", "[::1", "[::1]42217", "::1", "[]:42217", "localhost:42217x" };
	struct err e;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		w.address = bad[i];
		ok(!run(1, RRD_COMPARE, &e) && strstr(e.text, "rrdcached = \"") != NULL, "%s", e.text);
	}
	w.address = "nobody.invalid:42217";
	ok(run(1, RRD_COMPARE, &e) && !run(2, RRD_NOTHING_CHANGED, &e) &&
	    strstr(e.text, "its address is not known") != NULL, "%s", e.text);
}

int
main(void)
{
	const char *lab = getenv("LAB"), *ci = getenv("CI");
	int port, port6;

	if (lab == NULL || lab[0] == '\0') {
		printf("1..0 # SKIP rrdcached: LAB is not set\n");
		return 0;
	}
	if (system("command -v rrdcached >/dev/null") != 0) {
		printf(ci != NULL && ci[0] != '\0' ? "not ok 1 - rrdcached is missing\n1..1\n" :
		    "1..0 # SKIP rrdcached is missing; make deps LAB=1\n");
		return 0;
	}
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_cached.XXXXXX");
	if (mkdtemp(w.dir) == NULL || chdir(w.dir) != 0)
		return 1;
	(void)snprintf(w.conf, sizeof w.conf, "%s/conf", w.dir);
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	(void)snprintf(w.sock, sizeof w.sock, "%s/sock", w.dir);
	port = free_port(AF_INET);
	port6 = free_port(AF_INET6);
	(void)snprintf(w.tcp, sizeof w.tcp, "127.0.0.1:%d", port);
	if (port6 != 0)
		(void)snprintf(w.tcp6, sizeof w.tcp6, "[::1]:%d", port6);
	(void)mkdir(w.conf, 0700);
	write_conf("one", "rej");
	write_conf("two", "rej, spam");
	for (int i = 0; i < MINUTES; i++)
		w.count[i] = i * 7919 % 1000;
	w.folder = w.rrd;
	for (int i = 0; i < 3; i++) {
		w.address = i == 0 ? w.sock : i == 1 ? w.tcp : w.tcp6;
		if (w.address[0] == '\0')
			continue;	/* no IPv6 here */
		ok(shell("rm -rf rrd rrd.journal.* && mkdir rrd"), "rrdcached at %s", w.address);
		test_once();
	}
	w.address = w.tcp;
	test_hung();
	test_killed(strcmp(lab, "all") == 0 ? 200 : 20);
	w.folder = w.rrd;
	ok(shell("rm -rf rrd"), "anew");
	test_addresses();
	ok(shell("rm -rf '%s'", w.dir), "cleaned up");
	return done_testing();
}
