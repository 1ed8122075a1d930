/* test_rrdpages.c - an RRD that was just made lies in the page cache in large pieces; once it is on the disk, it is let
 * go of, so that the next minute costs the disk single pages. Looked at is what the cache has at that moment. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cell.h"
#include "metric.h"
#include "store/rrd.h"
#include "tap.h"

#define DAY ((int64_t)29658240)	/* minutes since 1970: 2026-05-23 00:00 UTC */
enum { NOBODY = -1 };

static struct {
	char dir[64], rrd[80];
	double left;		/* the share of the pages of what was let go of last that stayed; NOBODY: nothing was */
	struct cell cell;
} w = { .left = NOBODY };

/* The share of a file's pages that are in memory. */
static double
in_memory(int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n, there = 0;
	struct stat st = { 0 };
	unsigned char *has;
	void *map;

	if (fstat(fd, &st) != 0 || st.st_size == 0)
		return NOBODY;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	n = ((size_t)st.st_size + page - 1) / page;
	has = calloc(n, 1);
	if (map != MAP_FAILED && has != NULL && mincore(map, (size_t)st.st_size, has) == 0)
		for (size_t i = 0; i < n; i++)
			there += has[i] & 1;
	free(has);
	if (map != MAP_FAILED)
		(void)munmap(map, (size_t)st.st_size);
	return (double)there / (double)n;
}

/* In place of the system's, which it calls. */
int
posix_fadvise(int fd, off_t from, off_t n, int advice)
{
	int (*real)(int, off_t, off_t, int);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "posix_fadvise");
	rc = real(fd, from, n, advice);
	if (advice == POSIX_FADV_DONTNEED)
		w.left = in_memory(fd);
	return rc;
}

/* Does what the folder lies in forget at all what is on the disk? Memory does not. */
static bool
forgets(void)
{
	static char some[1 << 16];
	char path[100];
	double left = 1;
	int fd;

	(void)snprintf(path, sizeof path, "%s/some", w.dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd >= 0 && write(fd, some, sizeof some) == (ssize_t)sizeof some && fsync(fd) == 0 &&
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0)
		left = w.left;
	if (fd >= 0)
		(void)close(fd);
	w.left = NOBODY;
	return left < 0.5;
}

static bool
source(void *arg, int64_t from, int64_t to, stateread_minute_fn *f, void *f_arg, struct err *e)
{
	(void)arg;
	(void)e;
	for (int64_t m = from; m < to && f(f_arg, 1, m, &w.cell); m++)
		;
	return true;
}

static bool
run(int64_t end, int64_t changed)
{
	struct rrd_minutes m = { .name = "mx1", .kept = DAY, .end = end, .limit = end, .changed = changed,
		.source = source };
	struct templates t;
	struct rrd_options o = { .dir = w.rrd, .templates = &t };
	struct rrd_store *s;
	struct err e = { "" };
	bool good;

	if (!templates_load(w.dir, &t, &e))
		return false;
	s = rrd_store_open(&o, &e);
	good = s != NULL && rrd_store_write(s, &m, &e);
	rrd_store_close(s);
	templates_free(&t);
	if (!good)
		printf("# %s\n", e.text);
	return good;
}

static bool
write_conf(void)
{
	char path[100];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/one.conf", w.dir);
	f = fopen(path, "w");
	return f != NULL && fputs("ds = { rej, tmp, conn }\nrra = { \"AVERAGE 1m 8d 0.5\", \"MAX 1h 400d 0.9\" }\n",
	    f) >= 0 && fclose(f) == 0;
}

static void
clean_up(void)
{
	static const char *const names[] = { "some", "one.conf", "rrd/mx1/one.rrd", "rrd/mx1", "rrd", "" };
	char path[200];
	bool good = true;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", w.dir, names[i]);
		good &= remove(path) == 0;
	}
	ok(good, "cleaned up");
}

int
main(void)
{
	(void)snprintf(w.dir, sizeof w.dir, "%s", "/tmp/test_rrdpages.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return 1;
	(void)snprintf(w.rrd, sizeof w.rrd, "%s/rrd", w.dir);
	cell_add(&w.cell, CELL_METRIC + M_rej, 7);
	ok(write_conf() && mkdir(w.rrd, 0700) == 0, "a template");
	if (forgets()) {
		ok(run(DAY + 100, RRD_COMPARE) && w.left == NOBODY, "a new file, which is not on the disk yet, stays");
		ok(run(DAY + 101, RRD_NOTHING_CHANGED) && w.left >= 0 && w.left < 0.1,
		    "with its second minute it is on the disk, and let go of");
		w.left = NOBODY;
		ok(run(DAY + 102, RRD_NOTHING_CHANGED) && w.left == NOBODY, "not so each minute");
	} else {
		ok(run(DAY + 100, RRD_COMPARE), "a new file # skip the page cache keeps what is in /tmp");
	}
	clean_up();
	cell_free(&w.cell);
	return done_testing();
}
