/* rrdfile.c - see rrdfile.h.
 *
 * The format is librrd's own, version 3 to 5, as its header describes it for this
 * machine: head, data sources, RRAs, live head, preparation areas, row pointers,
 * rows. An RRA is a ring; its newest row is at cur_row. */
#define _DEFAULT_SOURCE	/* madvise() is not in POSIX */
#include "store/rrdfile.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RRD_EXPORT_DEPRECATED	/* for the layout of the file; no function of librrd */
#include <rrd.h>

#include "hash.h"
#include "mem.h"
#include "poison.h"

enum { MANY = 10000, ROWS_MAX = 100000000 };

/* Not against anybody: whether the disk has all of it. */
static const struct hash_key sum_key = { { 0x2545f4914f6cdd1d, 0x9e3779b97f4a7c15,
    0xd6e8feb86659fd93, 0xbf58476d1ce4e5b9 } };

/* Where the next part begins, or NULL when the file ends before it does. */
static void *
part(struct rrdfile *f, size_t *at, size_t n, size_t each)
{
	void *p = f->map + *at;

	if (n > MANY || n * each > f->size - *at)
		return NULL;
	*at += n * each;
	return p;
}

/* Find all parts. False if they do not fit the file. */
static bool
layout(struct rrdfile *f)
{
	size_t at = 0, rows = 0;

	f->head = part(f, &at, 1, sizeof *f->head);
	if (f->head == NULL || memcmp(f->head->cookie, RRD_COOKIE, sizeof RRD_COOKIE) != 0 ||
	    memchr(f->head->version, '\0', sizeof f->head->version) == NULL ||
	    strcmp(f->head->version, RRD_VERSION3) < 0 ||
	    strcmp(f->head->version, RRD_VERSION5) > 0 ||
	    memcmp(&f->head->float_cookie, &(double){ FLOAT_COOKIE }, sizeof(double)) != 0)
		return false;
	f->n_ds = f->head->ds_cnt;
	f->n_rra = f->head->rra_cnt;
	if (f->n_ds == 0 || f->n_ds > MANY || f->n_rra == 0 || f->n_rra > MANY / 10)
		return false;
	f->ds = part(f, &at, f->n_ds, sizeof *f->ds);
	f->rra = f->ds == NULL ? NULL : part(f, &at, f->n_rra, sizeof *f->rra);
	f->live = f->rra == NULL ? NULL : part(f, &at, 1, sizeof *f->live);
	f->pdp = f->live == NULL ? NULL : part(f, &at, f->n_ds, sizeof *f->pdp);
	if (f->pdp == NULL)
		return false;
	f->cdp = (cdp_prep_t *)(void *)(f->map + at);
	for (size_t i = 0; i < f->n_rra; i++)
		if (part(f, &at, f->n_ds, sizeof *f->cdp) == NULL)
			return false;
	f->last_up = f->live->last_up;
	f->ptr = part(f, &at, f->n_rra, sizeof *f->ptr);
	f->value = (double *)(void *)(f->map + at);
	if (f->ptr == NULL || f->head->pdp_step == 0 || f->last_up <= 0)
		return false;
	for (size_t i = 0; i < f->n_ds; i++)
		if (memchr(f->ds[i].ds_nam, '\0', sizeof f->ds[i].ds_nam) == NULL ||
		    memchr(f->ds[i].dst, '\0', sizeof f->ds[i].dst) == NULL)
			return false;
	for (size_t i = 0; i < f->n_rra; i++) {
		const rra_def_t *r = &f->rra[i];

		if (r->row_cnt == 0 || r->row_cnt > ROWS_MAX || r->pdp_cnt == 0 ||
		    r->pdp_cnt > ROWS_MAX || f->ptr[i].cur_row >= r->row_cnt ||
		    memchr(r->cf_nam, '\0', sizeof r->cf_nam) == NULL)
			return false;
		rows += r->row_cnt;
	}
	return rows <= (f->size - at) / sizeof(double) / f->n_ds;
}

enum rrdfile_result
rrdfile_open(struct rrdfile *f, const char *path, bool writable, struct err *e)
{
	/* a pipe in its place must not make us wait */
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	enum rrdfile_result result = RRDFILE_FAILED;
	struct stat st;
	void *map;

	*f = (struct rrdfile){ .writable = writable };
	if (fd < 0 && errno == ENOENT)
		return RRDFILE_NONE;
	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(e, "open %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		err_set(e, "open %s: it is no file", path);
	} else if (st.st_size == 0) {
		result = RRDFILE_DAMAGED;
		err_set(e, "it is empty");
	} else if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ | (writable ? PROT_WRITE : 0),
	    MAP_SHARED, fd, 0)) == MAP_FAILED) {
		err_set(e, "read %s: %s", path, strerror(errno));
	} else {
		f->map = map;
		f->size = (size_t)st.st_size;
		if (layout(f)) {
			result = RRDFILE_OK;
		} else {
			result = RRDFILE_DAMAGED;
			err_set(e, "it is no RRD of this machine, or is cut off");
			rrdfile_close(f);
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return result;
}

void
rrdfile_close(struct rrdfile *f)
{
	if (f->map != NULL)
		(void)munmap(f->map, f->size);
	*f = (struct rrdfile){ 0 };
}

void
rrdfile_let_go(const struct rrdfile *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	(void)madvise(f->map, f->size, MADV_DONTNEED);	/* what is mapped stays */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd);
}

const char *
rrdfile_ds_name(const struct rrdfile *f, size_t ds)
{
	return f->ds[ds].ds_nam;
}

const char *
rrdfile_ds_type(const struct rrdfile *f, size_t ds)
{
	return f->ds[ds].dst;
}

int
rrdfile_ds_find(const struct rrdfile *f, const char *name)
{
	for (size_t i = 0; i < f->n_ds; i++)
		if (strcmp(f->ds[i].ds_nam, name) == 0)
			return (int)i;
	return -1;
}

static bool
has_rra(const struct rrdfile *f, const struct template_rra *want)
{
	for (size_t i = 0; i < f->n_rra; i++) {
		const rra_def_t *r = &f->rra[i];

		if (strcmp(r->cf_nam, want->max ? "MAX" : "AVERAGE") == 0 &&
		    r->pdp_cnt * 60 == want->step_s && r->row_cnt == want->rows &&
		    fabs(r->par[RRA_cdp_xff_val].u_val - want->xff) < 1e-6)
			return true;
	}
	return false;
}

bool
rrdfile_fits(const struct rrdfile *f, const struct template *t, bool *same, struct err *e)
{
	*same = f->n_rra == t->n_rra;
	if (f->head->pdp_step != 60)
		return err_set(e, "its step is %lu s, not 60", f->head->pdp_step);
	for (size_t i = 0; i < t->n_ds; i++) {
		const char *type = t->ds[i].source == DS_COUNT ? "ABSOLUTE" : "GAUGE";
		int at = rrdfile_ds_find(f, t->ds[i].name);

		if (at < 0)
			*same = false;
		else if (strcmp(f->ds[at].dst, type) != 0)
			return err_set(e, "its data source %s is %s, not %s", t->ds[i].name,
			    f->ds[at].dst, type);
	}
	for (size_t i = 0; i < f->n_ds; i++)	/* more than the template has may stay */
		if (strcmp(f->ds[i].dst, "ABSOLUTE") != 0 && strcmp(f->ds[i].dst, "GAUGE") != 0)
			return err_set(e, "its data source %s is %s, which we never make",
			    f->ds[i].ds_nam, f->ds[i].dst);
	for (size_t i = 0; i < t->n_rra; i++)
		*same = *same && has_rra(f, &t->rra[i]);
	return true;
}

/* Where RRA i has the row that ends at time, as an index to value of its first
 * data source; -1 if it does not keep it. */
static int64_t
row_of(const struct rrdfile *f, size_t i, int64_t time)
{
	const rra_def_t *r = &f->rra[i];
	int64_t step = (int64_t)(r->pdp_cnt * f->head->pdp_step), rows = (int64_t)r->row_cnt;
	int64_t newest = f->last_up - f->last_up % step, back, before = 0;

	if (time > newest || time % step != 0)
		return -1;
	back = (newest - time) / step;
	if (back >= rows)
		return -1;
	for (size_t k = 0; k < i; k++)
		before += (int64_t)f->rra[k].row_cnt;
	return (before + ((int64_t)f->ptr[i].cur_row - back + rows) % rows) * (int64_t)f->n_ds;
}

/* The row of a minute, as row_of says it. */
static int64_t
minute_row(const struct rrdfile *f, int64_t minute)
{
	int64_t at = -1;

	for (size_t i = 0; i < f->n_rra && at < 0; i++)
		if (f->rra[i].pdp_cnt == 1 && strcmp(f->rra[i].cf_nam, "AVERAGE") == 0 &&
		    minute >= f->fills_to - (int64_t)f->rra[i].row_cnt)
			at = row_of(f, i, 60 * (minute + 1));
	return at;
}

const double *
rrdfile_minute(const struct rrdfile *f, int64_t minute)
{
	int64_t at = minute_row(f, minute);

	return at < 0 ? NULL : &f->value[at];
}

/* The RRA of f that consolidates as r does, or into the longest rows of which some make one
 * of r's; -1 if there is none. */
static int
rra_for(const struct rrdfile *f, const rra_def_t *r)
{
	int best = -1;

	for (size_t i = 0; i < f->n_rra; i++)
		if (strcmp(f->rra[i].cf_nam, r->cf_nam) == 0 && r->pdp_cnt % f->rra[i].pdp_cnt == 0 &&
		    (best < 0 || f->rra[i].pdp_cnt > f->rra[best].pdp_cnt))
			best = (int)i;
	return best;
}

/* What the rows of RRA from make together: a row of r that ends at time. */
static double
joined(const struct rrdfile *f, size_t from, const rra_def_t *r, int64_t time, int column)
{
	unsigned long n = r->pdp_cnt / f->rra[from].pdp_cnt, known = 0;
	int64_t step = (int64_t)(f->rra[from].pdp_cnt * f->head->pdp_step);
	bool max = strcmp(r->cf_nam, "MAX") == 0;
	double sum = 0;

	for (unsigned long k = 0; k < n; k++) {
		int64_t at = row_of(f, from, time - (int64_t)k * step);
		double v = at < 0 ? NAN : f->value[at + column];

		if (isnan(v))
			continue;
		sum = known == 0 ? v : !max ? sum + v : v > sum ? v : sum;
		known++;
	}
	if ((double)(n - known) > (double)n * r->par[RRA_cdp_xff_val].u_val)
		return NAN;
	return max ? sum : sum / (double)known;
}

/* Row put of new from what old has for that time. */
static void
carry_row(struct rrdfile *new, int64_t put, const struct rrdfile *old, size_t from,
    const rra_def_t *r, int64_t time, const int *column)
{
	bool same = old->rra[from].pdp_cnt == r->pdp_cnt;
	int64_t at = row_of(old, from, time);

	for (size_t ds = 0; at >= 0 && ds < new->n_ds; ds++)
		if (column[ds] >= 0)
			new->value[put + (int64_t)ds] = same ? old->value[at + column[ds]] :
			    joined(old, from, r, time, column[ds]);
}

void
rrdfile_carry(struct rrdfile *new, const struct rrdfile *old, int64_t after, int64_t to)
{
	int *column = xreallocarray(NULL, new->n_ds, sizeof *column);

	for (size_t ds = 0; ds < new->n_ds; ds++)
		column[ds] = rrdfile_ds_find(old, new->ds[ds].ds_nam);
	for (size_t i = 0; i < new->n_rra; i++) {
		int64_t step = (int64_t)(new->rra[i].pdp_cnt * new->head->pdp_step);
		int64_t last = new->last_up - new->last_up % step;
		int64_t first = last - (int64_t)(new->rra[i].row_cnt - 1) * step;
		int from = rra_for(old, &new->rra[i]);

		if (last > to + step - 1)
			last = to + step - 1 - (to + step - 1) % step;
		for (int64_t t = last; from >= 0 && t >= first && t > after; t -= step) {
			int64_t put = row_of(new, i, t);

			if (put >= 0)
				carry_row(new, put, old, (size_t)from, &new->rra[i], t, column);
		}
	}
	free(column);
}

static bool
write_whole(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = write(fd, at, n);

		if (w <= 0 && (w == 0 || errno != EINTR))
			return false;
		at += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return true;
}

/* Make a file of a and b, by way of tmp. sync: it is to outlast a loss of power. */
static bool
write_beside(const char *path, const char *tmp, struct slice a, struct slice b, bool sync, struct err *e)
{
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write_whole(fd, a.p, a.n) && write_whole(fd, b.p, b.n) &&
	    (!sync || fsync(fd) == 0);

	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && rename(tmp, path) == 0;
	if (!good) {
		err_set(e, "write %s: %s", tmp, strerror(errno));
		(void)unlink(tmp);
	}
	return good;
}

bool
rrdfile_keep(const struct rrdfile *f, const char *kept, const char *tmp, struct err *e)
{
	size_t n = (size_t)((const unsigned char *)f->value - f->map);
	struct slice head = { (const char *)f->map, n };
	uint64_t sum = hash_bytes(&sum_key, head);

	return write_beside(kept, tmp, head, (struct slice){ (const char *)&sum, sizeof sum }, false, e);
}

bool
rrdfile_copy(const struct rrdfile *f, const char *copy, const char *tmp, struct err *e)
{
	return write_beside(copy, tmp, (struct slice){ (const char *)f->map, f->size }, SLICE(""), true, e);
}

/* The part of it that never changes is the same in file and head: it is of this file. */
static bool
is_head_of(const unsigned char *file, size_t size, const unsigned char *head, size_t n)
{
	const stat_head_t *h = (const void *)head;
	size_t same, all;
	uint64_t sum;

	if (n < sizeof *h + sizeof sum || n - sizeof sum > size || h->ds_cnt > MANY || h->rra_cnt > MANY)
		return false;
	n -= sizeof sum;
	memcpy(&sum, head + n, sizeof sum);
	same = sizeof *h + h->ds_cnt * sizeof(ds_def_t) + h->rra_cnt * sizeof(rra_def_t);
	all = same + sizeof(live_head_t) + h->ds_cnt * sizeof(pdp_prep_t) +
	    h->ds_cnt * h->rra_cnt * sizeof(cdp_prep_t) + h->rra_cnt * sizeof(rra_ptr_t);
	return n == all && memcmp(file, head, same) == 0 &&
	    sum == hash_bytes(&sum_key, (struct slice){ (const char *)head, n });
}

/* All of a file in memory that is its, to be changed if writable; none if there is no such
 * file, or nothing in it. */
static bool
map_whole(const char *path, bool writable, unsigned char **map, size_t *n, struct err *e)
{
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	struct stat st = { 0 };
	bool good = fd >= 0 ? fstat(fd, &st) == 0 : errno == ENOENT;

	*map = NULL;
	*n = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
	if (good && *n > 0) {
		void *p = mmap(NULL, *n, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);

		good = p != MAP_FAILED;
		*map = good ? p : NULL;
	}
	if (!good)
		err_set(e, "open %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return good;
}

/* --- after a loss of power --------------------------------------------------------------- */

/* What all but the rows was, and behind it this. There are two, of which the older is written. */
struct mark {
	uint64_t number;	/* it counts up */
	int64_t boot;		/* when the machine was started, by the clock of then */
	uint64_t whole;		/* all of the file was on the disk */
	uint64_t sum;		/* of all before */
};

enum { MARKS = 2, SAME_BOOT_S = 60 };

static size_t
head_bytes(const struct rrdfile *f)
{
	return (size_t)((const unsigned char *)f->value - f->map);
}

static size_t
mark_offset(const struct rrdfile *f, int which)
{
	size_t rows = 0;

	for (size_t i = 0; i < f->n_rra; i++)
		rows += f->rra[i].row_cnt;
	return head_bytes(f) + rows * f->n_ds * sizeof *f->value +
	    (size_t)which * (head_bytes(f) + sizeof(struct mark));
}

static uint64_t
mark_sum(const unsigned char *head, size_t n)
{
	return hash_bytes(&sum_key, (struct slice){ (const char *)head,
	    n + sizeof(struct mark) - sizeof(uint64_t) });
}

/* Which is the newest that is whole in itself; -1: none. */
static int
newest_mark(const struct rrdfile *f, struct mark *newest)
{
	int which = -1;

	for (int i = 0; i < MARKS; i++) {
		size_t at = mark_offset(f, i), n = head_bytes(f);
		struct mark m;

		if (at + n + sizeof m > f->size)
			continue;
		memcpy(&m, f->map + at + n, sizeof m);
		if (m.sum != mark_sum(f->map + at, n) || (which >= 0 && m.number < newest->number))
			continue;
		*newest = m;
		which = i;
	}
	return which;
}

/* When the machine was started; set clocks move it. */
static int64_t
boot_time(void)
{
	struct timespec up = { 0 };

#ifdef CLOCK_BOOTTIME
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
#else
	(void)clock_gettime(CLOCK_MONOTONIC, &up);
#endif
	return (int64_t)time(NULL) - (int64_t)up.tv_sec;
}

/* The head as what is remembered, in place of the older. */
static bool
write_mark(const struct rrdfile *f, const char *path, const unsigned char *head, bool whole, struct err *e)
{
	size_t n = head_bytes(f);
	unsigned char *b = xmalloc(n + sizeof(struct mark));
	struct mark last = { 0 }, m;
	int which = newest_mark(f, &last) == 0 ? 1 : 0, fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && lseek(fd, (off_t)mark_offset(f, which), SEEK_SET) >= 0;

	m = (struct mark){ .number = last.number + 1, .boot = boot_time(), .whole = whole };
	memcpy(b, head, n);
	memcpy(b + n, &m, sizeof m);
	m.sum = mark_sum(b, n);
	memcpy(b + n, &m, sizeof m);
	good = good && write_whole(fd, b, n + sizeof m) && (!whole || fsync(fd) == 0);
	if (!good)
		err_set(e, "write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	free(b);
	return good;
}

bool
rrdfile_mark(const char *path, bool whole, struct err *e)
{
	struct rrdfile f;
	bool good = rrdfile_open(&f, path, false, e) == RRDFILE_OK && write_mark(&f, path, f.map, whole, e);

	rrdfile_close(&f);
	return good;
}

int64_t
rrdfile_marked(const struct rrdfile *f)
{
	struct mark m;
	int which = newest_mark(f, &m);
	live_head_t live;

	if (which < 0 || !m.whole)
		return 0;
	memcpy(&live, f->map + mark_offset(f, which) + ((const unsigned char *)f->live - f->map), sizeof live);
	return (int64_t)live.last_up;
}

bool
rrdfile_recover(const char *path, bool *sure, struct err *e)
{
	struct rrdfile f;
	struct mark m;
	int64_t apart = 0;
	bool good = true;
	int which;

	*sure = true;
	if (rrdfile_open(&f, path, true, &(struct err){ "" }) != RRDFILE_OK)
		return true;	/* whoever opens it next says why */
	which = newest_mark(&f, &m);
	if (which >= 0)
		apart = m.boot - boot_time();
	if (apart <= -SAME_BOOT_S || apart >= SAME_BOOT_S) {
		memcpy(f.map, f.map + mark_offset(&f, which), head_bytes(&f));
		*sure = m.whole;
		good = !m.whole || write_mark(&f, path, f.map, true, e);
	}
	*sure = *sure && which >= 0;
	rrdfile_close(&f);
	return good;
}

/* --------------------------------------------------------------------------------------- */

bool
rrdfile_put_back(const char *path, const char *kept, struct err *e)
{
	unsigned char *head, *file = NULL;
	size_t size = 0, n;
	bool good = map_whole(kept, false, &head, &n, e) && map_whole(path, true, &file, &size, e);

	if (head != NULL && file != NULL && is_head_of(file, size, head, n))
		memcpy(file, head, n - sizeof(uint64_t));
	if (head != NULL)
		(void)munmap(head, n);
	if (file != NULL)
		(void)munmap(file, size);
	if (good && unlink(kept) != 0)
		return err_set(e, "remove %s: %s", kept, strerror(errno));
	return good;
}
