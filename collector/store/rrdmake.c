/* rrdmake.c - see rrdmake.h.
 *
 * A file is either appended to, or made anew beside the old one and renamed over
 * it: begun at a midnight (UTC, where rows of all RRAs begin), the rows before it
 * carried over, the minutes after it fed from the cells. Both end in the same rows
 * that feeding in order would have given. Rows are appended by the thousand: librrd
 * maps the file once a call. New files are filled by rrdfill.c. */
#include "store/rrdmake.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "hash.h"
#include "mem.h"
#include "store/rrdfill.h"
#include "store/rrdlib.h"
#include "poison.h"

enum { DAMAGED_MAX = 1000, VALUE_BYTES = 32, HEARTBEAT_S = 120, NAME_BYTES = 5000,
	MARK_S = 6 * 3600,
	JUMP_MINUTES = 1440,
	KEPT_MINUTES = 8 * 1440		/* whoever keeps cells for less has less to lose */
};

/* Against nobody: so that not all files have their turn at once. */
static const struct hash_key mark_key = { { 0x94d049bb133111eb, 0x2545f4914f6cdd1d,
    0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 } };

void
rrdmake_init(struct rrdmake *s)
{
	*s = (struct rrdmake){ 0 };
	s->row = xreallocarray(NULL, 2 * COLUMNS_MINUTES, sizeof *s->row);
}

void
rrdmake_free(struct rrdmake *s)
{
	cached_free(s->cached);
	columns_free(&s->columns);
	free(s->text);
	free(s->row);
}

static void
note(struct rrdmake *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
note(struct rrdmake *s, const char *fmt, ...)
{
	struct err sentence;
	char text[sizeof sentence.text];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&sentence, "%s", text);
	if (s->note != NULL)
		s->note(s->note_arg, sentence.text);
	else
		fprintf(stderr, "%s\n", sentence.text);
}

/* librrd's own words as ours. */
static bool
rrd_failed(struct err *e, const char *what, const char *path)
{
	/* of a full disk it says nothing */
	err_set(e, "%s %s: %s", what, path, librrd.rrd_test_error() ? librrd.rrd_get_error() :
	    "it could not be written; is the disk full, or over a quota?");
	librrd.rrd_clear_error();
	return false;
}

/* Out of the way, never deleted: somebody may want to look at it. */
static bool
set_aside(struct rrdmake *s, const char *path, const char *why, struct err *e)
{
	time_t now = time(NULL);
	char date[20] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(date, sizeof date, "%Y-%m-%d", &tm);
	for (int i = 1; i < DAMAGED_MAX; i++) {
		struct buf t = buf_new(NAME_BYTES);
		bool free_name, done;

		buf_fmt(&t, "%s.bad-%s", path, date);
		if (i > 1)
			buf_fmt(&t, "-%d", i);
		free_name = !t.full && access(t.p, F_OK) != 0 && errno == ENOENT;
		done = free_name && rename(path, t.p) == 0;
		if (done)
			note(s, "%s: %s; it is now %s, a new one is made from the counts",
			    path, why, strrchr(t.p, '/') + 1);
		buf_free(&t);
		if (done)
			return true;
		if (free_name)
			break;
	}
	return err_set(e, "move %s aside (%s): %s", path, why, strerror(errno));
}

/* Which column of the template, and which of the old file, is the file's own i-th. */
static void
map_columns(struct rrdmake_file *f)
{
	bool append = !f->anew;
	size_t n = 0, most = f->t->n_ds + f->old.n_ds;

	f->column = xreallocarray(f->column, most, sizeof *f->column);
	f->before = xreallocarray(f->before, most, sizeof *f->before);
	for (size_t i = 0; !append && i < f->t->n_ds; i++, n++) {
		f->column[n] = (int)i;
		f->before[n] = rrdfile_ds_find(&f->old, f->t->ds[i].name);
	}
	for (size_t i = 0; i < f->old.n_ds; i++) {
		int column = -1;

		for (size_t k = 0; k < f->t->n_ds; k++)
			if (strcmp(f->t->ds[k].name, rrdfile_ds_name(&f->old, i)) == 0)
				column = (int)k;
		if (append || column < 0) {	/* the new one keeps what only the old one had */
			f->column[n] = column;
			f->before[n++] = (int)i;
		}
	}
	f->n_ds = n;
}

/* Somebody was killed, or failed, while rows were appended: they never were. */
static bool
put_back(struct rrdmake *s, const struct rrdmake_file *f, struct err *e)
{
	if (access(f->undo_path, F_OK) != 0)
		return true;
	if (s->cached != NULL && access(f->path, F_OK) == 0 &&
	    !(cached_settle(s->cached, f->path, e) && cached_forget(s->cached, f->path, e)))
		return false;
	return rrdfile_put_back(f->path, f->undo_path, e);
}

/* The power failed, perhaps, since it was last looked at. */
static bool
recover(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	bool sure;

	if (m->changed != RRD_COMPARE || access(f->path, F_OK) != 0)
		return true;
	if (s->cached != NULL && !cached_forget(s->cached, f->path, e))
		return false;
	if (!rrdfile_recover(f->path, &sure, e))
		return false;
	f->again = sure ? INT64_MAX : m->kept;
	return true;
}

/* It was led into the future, while our clock was ahead: take what it was before, if that is there.
 * False and *e: it is, and cannot be taken. *taken: it was. */
static bool
take_before(struct rrdmake *s, struct rrdmake_file *f, bool *taken, struct err *e)
{
	*taken = access(f->before_path, F_OK) == 0;
	if (!*taken)
		return true;
	rrdfile_close(&f->old);
	if (s->cached != NULL &&
	    !(cached_settle(s->cached, f->path, e) && cached_forget(s->cached, f->path, e)))
		return false;
	return rename(f->before_path, f->path) == 0 ||
	    err_set(e, "rename %s: %s", f->before_path, strerror(errno));
}

/* Rows of a jump take the place of months of others, and that may have to be undone. A copy that is there stays, if the
 * file has rows of a jump; else it is of an earlier one, which was right: whoever imports once a week is never sure. */
static bool
keep_before(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	if (!m->clock_unsure || f->old.map == NULL || f->end - f->old.last_up / 60 <= JUMP_MINUTES ||
	    (f->old.last_up - m->clock_sure > 60 * JUMP_MINUTES && access(f->before_path, F_OK) == 0))
		return true;
	if (s->cached != NULL && !cached_settle(s->cached, f->path, e))
		return false;
	return rrdfile_copy(&f->old, f->before_path, f->new_path, e);
}

/* From where on the file that is there must be written; same: it has what the template wants. */
static void
plan_rows(struct rrdmake_file *f, const struct rrd_minutes *m, bool same)
{
	int64_t changed = m->changed != RRD_COMPARE ? m->changed : m->undrawn != 0 ? m->undrawn : RRD_NOTHING_CHANGED;

	f->next = f->old.last_up / 60;
	if (!same)
		f->again = m->kept;	/* what is new in the template gets its past as well */
	if (f->old.last_up % 60 != 0)
		f->again = f->next < f->again ? f->next : f->again;
	if (f->next > m->limit) {	/* it was led into the future, where its rows are lost */
		f->again = m->kept;
	} else if (f->next > f->end) {
		f->end = f->next;	/* closed by the clock before, stays so */
	}
	/* what the file has of the minute can be compared, or else it is in coarser rows */
	if (changed < f->next && rrdfile_minute(&f->old, changed) == NULL)
		f->again = changed < f->again ? changed : f->again;
}

/* Open the file and see from where on it must be written. */
bool
rrdmake_plan(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	struct err why;
	bool same = false, taken;

	f->end = m->end;
	f->sure = m->kept + COLUMNS_HOLD;
	f->again = INT64_MAX;
	if (s->cached != NULL && (m->unsure || m->changed == RRD_COMPARE) &&
	    access(f->path, F_OK) == 0 && !cached_settle(s->cached, f->path, e))
		return false;	/* else it would write what it has after we looked */
	if (!put_back(s, f, e) || !recover(s, f, m, e))
		return false;
	switch (rrdfile_open(&f->old, f->path, false, &why)) {
	case RRDFILE_FAILED:
		return err_set(e, "%s", why.text);
	case RRDFILE_NONE:
		f->again = m->kept;
		return true;
	case RRDFILE_OK:
		if (rrdfile_fits(&f->old, f->t, &same, &why))
			break;
		rrdfile_close(&f->old);
		/* fallthrough */
	case RRDFILE_DAMAGED:
		f->again = m->kept;
		f->aside = set_aside(s, f->path, why.text, e);
		return f->aside;
	}
	if (f->old.last_up / 60 > m->limit) {
		if (!take_before(s, f, &taken, e))
			return false;
		if (taken)
			return rrdmake_plan(s, f, m, e);
		if (!m->dropped) {	/* then it was made ahead, and the cells have all that there is */
			rrdfile_close(&f->old);
			f->again = m->kept;
			return true;
		}
	}
	if (!keep_before(s, f, m, e))
		return false;
	rrdfile_will_end(&f->old, f->end);
	map_columns(f);
	plan_rows(f, m, same);
	return true;
}

static bool
differs(const struct template_ds *ds, double cell, double file)
{
	if (isnan(cell) || isnan(file))
		return isnan(cell) != isnan(file);
	if (ds->source == DS_COUNT)
		return cell != file * 60 && llround(cell) != llround(file * 60);
	return fabs(cell - file) > 0.001;
}

/* Did the run that the file still knows of go with the cells that were dropped? */
static bool
is_forgotten(const struct rrdmake_file *f, const struct template_ds *ds, int64_t minute, double cell)
{
	return ds->source == DS_SHARE && isnan(cell) && minute < f->sure;
}

/* The first minute of the loaded ones in which the file is not what the cells say. */
void
rrdmake_compare(const struct rrdmake *s, struct rrdmake_file *f)
{
	for (int64_t m = s->columns.from; m < s->columns.to && m < f->next && m < f->again; m++) {
		const double *file = rrdfile_minute(&f->old, m);

		for (size_t i = 0; file != NULL && i < f->n_ds; i++) {
			int c = f->column[i];
			double v = c >= 0 ? columns_value(&s->columns, f->place, m, (size_t)c) : (double)NAN;

			if (c >= 0 && !is_forgotten(f, &f->t->ds[c], m, v) &&
			    differs(&f->t->ds[c], v, file[f->before[i]])) {
				f->again = m;
				break;
			}
		}
	}
}

/* --- one file: writing -------------------------------------------------------- */

/* librrd makes it with one row in each RRA: so its head is right. */
static bool
create(struct rrdmake_file *f, int64_t start, struct err *e)
{
	size_t n = 0, most = f->n_ds + f->t->n_rra;
	struct buf *arg = xcalloc(most, sizeof *arg);
	const char **argv = xcalloc(most, sizeof *argv);
	int rc;

	for (size_t i = 0; i < f->n_ds; i++) {
		int c = f->column[i];
		bool count = c >= 0 ? f->t->ds[c].source == DS_COUNT :
		    strcmp(rrdfile_ds_type(&f->old, (size_t)f->before[i]), "ABSOLUTE") == 0;

		arg[n] = buf_new(100);
		buf_fmt(&arg[n++], "DS:%s:%s:%d:U:U", c >= 0 ? f->t->ds[c].name :
		    rrdfile_ds_name(&f->old, (size_t)f->before[i]),
		    count ? "ABSOLUTE" : "GAUGE", HEARTBEAT_S);
	}
	for (size_t i = 0; i < f->t->n_rra; i++) {
		const struct template_rra *r = &f->t->rra[i];

		arg[n] = buf_new(100);
		buf_fmt(&arg[n++], "RRA:%s:%.6f:%u:1", r->max ? "MAX" : "AVERAGE", r->xff,
		    r->step_s / 60);
	}
	for (size_t i = 0; i < n; i++)
		argv[i] = arg[i].p;
	rc = librrd.rrd_create_r2(f->new_path, 60, (time_t)(60 * start), 0, NULL, NULL, (int)n, argv);
	for (size_t i = 0; i < n; i++)
		buf_free(&arg[i]);
	free(arg);
	free(argv);
	if (rc != 0)
		return rrd_failed(e, "create", f->new_path);
	return rrdfill_open(&f->new, f->new_path, f->t, e);
}

/* A new file beside the old one, begun at the midnight before minute f->again. */
static bool
begin_anew(struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	int64_t start = f->again - f->again % 1440;

	f->anew = true;
	map_columns(f);
	if (!create(f, start, e))
		return false;
	f->next = start;
	if (f->old.map == NULL)
		return true;
	if (m->dropped && start < m->kept && rrdfile_minute(&f->old, start) == NULL) {
		f->lost = start;
		f->lost_to = m->kept;
	}
	rrdfile_carry(&f->new, &f->old, 0, f->new.last_up);
	return true;
}

bool
rrdmake_begin(struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	if (f->again != INT64_MAX) {
		if (f->again < m->kept)
			f->again = m->kept;
		return begin_anew(f, m, e);
	}
	if (f->next < m->kept) {	/* longer away than cells are kept: that stays unknown */
		f->gap = true;
		f->next = m->kept;
	}
	return true;
}

/* The value of the file's i-th data source: from the cells, or what the file had. */
static double
value_at(const struct rrdmake *s, const struct rrdmake_file *f, size_t i, int64_t minute,
    int64_t kept)
{
	const double *file;
	int c = f->column[i];
	double v;

	if (c >= 0 && minute >= kept) {
		v = columns_value(&s->columns, f->place, minute, (size_t)c);
		if (!is_forgotten(f, &f->t->ds[c], minute, v))
			return v;
	}
	file = f->before[i] >= 0 ? rrdfile_minute(&f->old, minute) : NULL;
	if (file == NULL)
		return NAN;
	v = file[f->before[i]];
	if (strcmp(rrdfile_ds_type(&f->old, (size_t)f->before[i]), "ABSOLUTE") != 0)
		return v;
	return fabs(v * 60 - round(v * 60)) < 1e-6 ? round(v * 60) : v * 60;
}

static char *
put_u64(char *p, uint64_t v)
{
	char t[20];
	size_t n = 0;

	do
		t[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		*p++ = t[--n];
	return p;
}

/* At most VALUE_BYTES: whole numbers as such, others to a thousandth, U for unknown. */
static char *
put_value(char *p, double v)
{
	uint64_t thousandths;

	if (!(fabs(v) < 1e15)) {
		*p++ = 'U';
		return p;
	}
	if (v < 0)
		*p++ = '-';
	thousandths = (uint64_t)llround(fabs(v) * 1000);
	p = put_u64(p, thousandths / 1000);
	if (thousandths % 1000 != 0) {
		*p++ = '.';
		*p++ = (char)('0' + thousandths / 100 % 10);
		*p++ = (char)('0' + thousandths / 10 % 10);
		*p++ = (char)('0' + thousandths % 10);
	}
	return p;
}

/* One row, "time:value:value..."; v == NULL: all unknown. */
static char *
put_row(char *p, int64_t time, const double *v, size_t n)
{
	p = put_u64(p, (uint64_t)time);
	for (size_t i = 0; i < n; i++) {
		*p++ = ':';
		p = put_value(p, v != NULL ? v[i] : NAN);
	}
	*p++ = '\0';
	return p;
}

static bool
hand_over(struct rrdmake *s, struct rrdmake_file *f, size_t rows, struct err *e)
{
	if (rows == 0)
		return true;
	if (!f->undoable) {
		f->undoable = rrdfile_keep(&f->old, f->undo_path, f->new_path, e);
		if (!f->undoable)
			return false;
	}
	if (s->cached != NULL)
		return cached_update(s->cached, f->path, s->row, rows, e);
	return librrd.rrd_updatex_r(f->path, NULL, 0, (int)rows, (const char **)s->row) == 0 ||
	    rrd_failed(e, "write", f->path);
}

/* Has the file data sources that the template has not, whose rows stay as they are? */
static bool
has_others(const struct rrdmake_file *f)
{
	for (size_t i = 0; i < f->n_ds; i++)
		if (f->column[i] < 0)
			return true;
	return false;
}

/* What librrd would read of it as put_value() writes it. */
static double
as_written(double v)
{
	if (!(fabs(v) < 1e15))
		return NAN;
	if (fabs(v) < 1e12 && (double)(int64_t)v == v)
		return v;	/* whole, as nearly all are */
	return copysign((double)llround(fabs(v) * 1000) / 1000, v);
}

/* The same for a new file, whose rows are put where they belong. */
static void
fill(const struct rrdmake *s, struct rrdmake_file *f, int64_t from, int64_t to, int64_t kept,
    double *v)
{
	for (int64_t minute = from; minute < to; minute++) {
		for (size_t i = 0; i < f->n_ds; i++)
			v[i] = as_written(value_at(s, f, i, minute, kept));
		for (size_t i = 0; minute + 1 == to && i < f->n_ds; i++)
			*put_value(rrdfill_last(&f->new, i), v[i]) = '\0';
		rrdfill_minute(&f->new, v);
	}
}

/* Append what is loaded and not written yet. A stretch of unknown minutes is left out and
 * ended by one row that says so: librrd would spread the next value over it. */
static bool
append(struct rrdmake *s, struct rrdmake_file *f, int64_t from, int64_t to, int64_t kept,
    double *v, struct err *e)
{
	size_t rows = 0;
	char *p;

	s->text = p = xrealloc(s->text, (2 + f->n_ds) * VALUE_BYTES * (2 * COLUMNS_MINUTES));
	for (int64_t minute = from; minute < to; minute++) {
		bool known = minute >= kept && !s->columns.silent;

		for (size_t i = 0; i < f->n_ds; i++) {
			v[i] = value_at(s, f, i, minute, kept);
			known |= !isnan(v[i]);
		}
		if (!known) {
			f->gap = true;
			continue;
		}
		if (f->gap) {
			s->row[rows++] = p;
			p = put_row(p, 60 * minute, NULL, f->n_ds);
			f->gap = false;
		}
		s->row[rows++] = p;
		p = put_row(p, 60 * (minute + 1), v, f->n_ds);
	}
	return hand_over(s, f, rows, e);
}

/* Feed what is loaded and not written yet. */
bool
rrdmake_feed(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	int64_t from = f->next > s->columns.from ? f->next : s->columns.from;
	int64_t to = f->end < s->columns.to ? f->end : s->columns.to;
	bool silent = s->columns.silent && from >= m->kept && !has_others(f), good = true;
	double *v;

	if (from >= to)
		return true;
	v = xreallocarray(NULL, f->n_ds, sizeof *v);
	if (silent && f->anew)
		rrdfill_unknown(&f->new, to);
	else if (silent)
		f->gap = true;
	else if (f->anew)
		fill(s, f, from, to, m->kept, v);
	else
		good = append(s, f, from, to, m->kept, v, e);
	free(v);
	if (good)
		f->next = to;
	return good;
}

/* Its bytes on the disk, before its name stands for the past of years. */
static bool
sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (!good)
		err_set(e, "write %s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return good;
}

/* Between the midnight before the first cell and that cell there were no minutes to feed:
 * rows that have a part in there stay as the old file had them. */
static void
carry_lost(struct rrdmake_file *f)
{
	if (f->lost != f->lost_to)
		rrdfile_carry(&f->new, &f->old, 60 * f->lost, 60 * f->lost_to);
}

/* The new file takes the place of the old one. Before that, rrdcached writes and forgets
 * what it has of the old one: only we feed it, so it learns nothing between. */
static bool
replace(struct rrdmake *s, struct rrdmake_file *f, struct err *e)
{
	/* else it may be gone, there is nothing to lose: the cells have all of it */
	bool known = f->old.map != NULL || f->aside || f->end - f->again > KEPT_MINUTES;

	carry_lost(f);
	rrdfile_close(&f->new);
	if ((known && !sync_file(f->new_path, e)) || !rrdfile_mark(f->new_path, known, e))
		return false;
	if (s->cached != NULL && !(cached_settle(s->cached, f->path, e) &&
	    cached_forget(s->cached, f->path, e)) && known)
		return false;
	return rename(f->new_path, f->path) == 0 ||
	    err_set(e, "rename %s: %s", f->new_path, strerror(errno));
}

/* Each some hours, and not all in one minute: bring the file to the disk, and remember what it is. A new one at once. */
static bool
mark(const struct rrdmake_file *f, struct err *e)
{
	int64_t before = rrdfile_marked(&f->old), spread = (int64_t)(hash_bytes(&mark_key, slice_of(f->path)) % MARK_S);

	if (before > 0 && 60 * f->end - before < MARK_S + spread)
		return true;
	if (!sync_file(f->path, e))
		return false;
	rrdfile_let_go(&f->old, f->path);
	return rrdfile_mark(f->path, true, e);
}

/* All rows were handed over: make them last. */
static bool
make_last(struct rrdmake *s, struct rrdmake_file *f, struct err *e)
{
	struct rrdfile now;
	bool good = true;

	if (f->anew)
		return replace(s, f, e);
	if (s->cached != NULL && f->undoable) {
		if (!cached_flush(s->cached, f->path, e))
			return false;
		good = rrdfile_open(&now, f->path, false, e) == RRDFILE_OK;
		if (good && now.last_up != 60 * f->end)
			good = err_set(e, "%s: rrdcached took its rows and did not write them", f->path);
		rrdfile_close(&now);
	}
	if (!good || !f->undoable)
		return good;
	return (unlink(f->undo_path) == 0 || err_set(e, "remove %s: %s", f->undo_path, strerror(errno))) && mark(f, e);
}

bool
rrdmake_finish(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e)
{
	if (!make_last(s, f, e))
		return false;
	if (!m->clock_unsure)
		(void)unlink(f->before_path);	/* it is not wanted any more, or was never there */
	return true;
}

void
rrdmake_end(struct rrdmake_file *f)
{
	if (f->anew)
		(void)unlink(f->new_path);	/* gone already if all went well */
	rrdfile_close(&f->new);
	rrdfile_close(&f->old);
	free(f->path);
	free(f->new_path);
	free(f->undo_path);
	free(f->before_path);
	free(f->column);
	free(f->before);
}
