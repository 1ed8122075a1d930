/* measure.c - how long commands take, and how much memory: for bench/run.sh.
 *
 *	measure [-n RUNS] [-c CORE] [-p COMMAND] NAME COMMAND [NAME COMMAND]...
 *
 * All on one core, in turn (first of each, second of each, ...), so that a busy minute of the
 * machine hits all alike; what counts is the median. One line for each NAME on stdout:
 * NAME, median wall seconds, median CPU seconds, peak RSS in KB, exit status, tab-separated.
 *
 * Commands are split at blanks and started without a shell, because a shell costs more than
 * some of them; their output goes to /dev/null, with ">FILE" as the last word to FILE.
 * -p: a shell command before each run, not measured. Peak RSS has the floor of this small
 * program: the kernel hands it on through fork. wait4 and CPU affinity are not POSIX: without
 * the latter nothing is pinned. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "poison.h"

enum { COMMANDS = 64, WORDS = 64, RUNS_MAX = 100000 };

struct command {
	const char *name;
	char *argv[WORDS];
	const char *out;
	double *wall, *cpu;	/* of each run */
	long rss_kb;
	int status;
	bool append;
};

static struct {
	struct command commands[COMMANDS];
	int n, runs, core;
	const char *prepare;
} bench = { .runs = 3, .core = -1 };

static void
die(const char *what, const char *which)
{
	fprintf(stderr, "measure: %s %s: %s\n", what, which, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void
pin(int core)
{
#ifdef CPU_SET
	cpu_set_t set;

	if (core < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		fprintf(stderr, "measure: core %d: %s; not pinned\n", core, strerror(errno));
#else
	(void)core;
#endif
}

static void
ready(struct command *c, char *text)
{
	int n = 0;
	char *save = NULL;

	c->wall = calloc((size_t)bench.runs, sizeof c->wall[0]);
	c->cpu = calloc((size_t)bench.runs, sizeof c->cpu[0]);
	if (c->wall == NULL || c->cpu == NULL)
		die("memory for", c->name);
	for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		if (w[0] == '>') {
			c->append = w[1] == '>';	/* what all runs say */
			c->out = w + 1 + c->append;
		} else if (n < WORDS - 1) {
			c->argv[n++] = w;
		}
	}
	if (n == 0) {
		fprintf(stderr, "measure: %s: empty command\n", c->name);
		exit(3);
	}
}

static void
become(const struct command *c)
{
	int fd = open(c->out != NULL ? c->out : "/dev/null", O_WRONLY | O_CREAT |
	    (c->append ? O_APPEND : O_TRUNC), 0666);
	int in = open("/dev/null", O_RDONLY);

	if (fd < 0 || in < 0)
		_exit(126);
	dup2(in, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	execvp(c->argv[0], c->argv);
	_exit(127);
}

static void
run(struct command *c, int i)
{
	struct rusage used;
	int status;

	if (bench.prepare != NULL && system(bench.prepare) != 0)
		fprintf(stderr, "measure: failed: %s\n", bench.prepare);

	double start = now();
	pid_t pid = fork();

	if (pid < 0)
		die("fork", c->name);
	if (pid == 0)
		become(c);
	if (wait4(pid, &status, 0, &used) < 0)
		die("wait for", c->name);
	c->wall[i] = now() - start;
	c->cpu[i] = seconds(&used.ru_utime) + seconds(&used.ru_stime);
	if (used.ru_maxrss > c->rss_kb)
		c->rss_kb = used.ru_maxrss;
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof v[0], by_value);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void
usage(void)
{
	fprintf(stderr, "usage: measure [-n RUNS] [-c CORE] [-p COMMAND] "
	    "NAME COMMAND [NAME COMMAND]...\n");
	exit(3);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:c:p:")) != -1) {
		switch (c) {
		case 'n': bench.runs = (int)strtol(optarg, NULL, 10); break;
		case 'c': bench.core = (int)strtol(optarg, NULL, 10); break;
		case 'p': bench.prepare = optarg; break;
		default: usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc % 2 != 0 || argc / 2 > COMMANDS || bench.runs < 1 || bench.runs > RUNS_MAX)
		usage();
	pin(bench.core);
	for (int i = 0; i < argc; i += 2) {
		bench.commands[bench.n].name = argv[i];
		ready(&bench.commands[bench.n++], argv[i + 1]);
	}
	for (int i = 0; i < bench.runs; i++)
		for (int k = 0; k < bench.n; k++)
			run(&bench.commands[k], i);
	for (int k = 0; k < bench.n; k++) {
		struct command *x = &bench.commands[k];

		printf("%s\t%.6f\t%.6f\t%ld\t%d\n", x->name, median(x->wall, bench.runs),
		    median(x->cpu, bench.runs), x->rss_kb, x->status);
	}
	return 0;
}
