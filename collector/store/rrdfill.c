/* rrdfill.c - see rrdfill.h. */
#include "store/rrdfill.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RRD_EXPORT_DEPRECATED	/* for the layout of the file; no function of librrd */
#include <rrd.h>

#include "mem.h"
#include "poison.h"

/* A larger piece takes up to ten times as long where memory is in fragments: for each write Linux
 * looks for as much in one piece, if it is more than 64 KB by moving what others have. */
enum { DAY = 1440, STEP_S = 60, PIECE = 1 << 13 };

/* n times unknown at offset. */
static bool
write_unknown(int fd, size_t offset, size_t n, double unknown)
{
	double *piece = xreallocarray(NULL, PIECE, sizeof *piece);
	size_t end = offset + n * sizeof *piece;
	ssize_t put = 1;

	for (size_t i = 0; i < PIECE; i++)
		piece[i] = unknown;
	while (put > 0 && offset < end) {
		size_t most = end - offset < PIECE * sizeof *piece ? end - offset :
		    PIECE * sizeof *piece;

		put = pwrite(fd, piece, most, (off_t)offset);
		put -= put % (ssize_t)sizeof *piece;
		offset += put > 0 ? (size_t)put : 0;
	}
	free(piece);
	return offset == end;
}

bool
rrdfill_open(struct rrdfile *f, const char *path, const struct template *t, struct err *e)
{
	struct err why;
	size_t rows = 0;
	bool good;
	int fd;

	if (rrdfile_open(f, path, true, &why) != RRDFILE_OK || f->n_rra != t->n_rra) {
		rrdfile_close(f);
		return err_set(e, "create %s: librrd made something else", path);
	}
	for (size_t i = 0; i < f->n_rra; i++)
		rows += t->rra[i].rows;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	good = fd >= 0 && write_unknown(fd, (size_t)((unsigned char *)f->value - f->map),
	    rows * f->n_ds, f->value[0]);
	if (!good)
		err_set(e, "write %s: %s; is the disk full, or over a quota?", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	for (size_t i = 0; good && i < f->n_rra; i++) {
		f->rra[i].row_cnt = t->rra[i].rows;
		f->ptr[i].cur_row = t->rra[i].rows - 1;
	}
	rrdfile_close(f);
	return good && (rrdfile_open(f, path, true, e) == RRDFILE_OK ||
	    err_set(e, "create %s: it is not what was written", path));
}

/* The place of the next row of an RRA. */
static double *
next_row(struct rrdfile *f, size_t rra)
{
	uint64_t before = 0;

	for (size_t i = 0; i < rra; i++)
		before += f->rra[i].row_cnt;
	f->ptr[rra].cur_row = (f->ptr[rra].cur_row + 1) % f->rra[rra].row_cnt;
	return f->value + (before + f->ptr[rra].cur_row) * f->n_ds;
}

static void
advance(struct rrdfile *f, int64_t minutes)
{
	f->last_up += STEP_S * minutes;
	f->live->last_up = f->last_up;
}

/* What librrd makes of a count or a gauge, in the steps in which it does. */
static double
per_second(double v, bool count)
{
	if (v == 0)
		return v;	/* divisions take long, and most minutes have none of most things */
	return count ? v / STEP_S * STEP_S / STEP_S : v * STEP_S / STEP_S * STEP_S / STEP_S;
}

/* One value more in what is being added up. */
static inline void
add(unival *c, double v, bool max)
{
	if (isnan(v))
		c[CDP_unkn_pdp_cnt].u_cnt++;
	else if (isnan(c[CDP_val].u_val))
		c[CDP_val].u_val = v;
	else if (!max)
		c[CDP_val].u_val += v;
	else if (v > c[CDP_val].u_val)
		c[CDP_val].u_val = v;
}

/* Its row is over: the value, and begin the next. */
static inline double
result(unival *c, double last, const rra_def_t *r, bool max)
{
	unsigned long unknown = c[CDP_unkn_pdp_cnt].u_cnt;
	double v = c[CDP_val].u_val;

	if ((double)unknown > (double)r->pdp_cnt * r->par[RRA_cdp_xff_val].u_val)
		v = NAN;
	else if (!max)
		v /= (double)(r->pdp_cnt - unknown);
	c[CDP_primary_val].u_val = v;
	c[CDP_secondary_val].u_val = last;
	c[CDP_val].u_val = max ? -INFINITY : 0;
	c[CDP_unkn_pdp_cnt].u_cnt = 0;
	return v;
}

/* An RRA whose rows are minutes. */
static void
minute_as_row(struct rrdfile *f, size_t rra, const double *v)
{
	cdp_prep_t *cdp = f->cdp + rra * f->n_ds;
	double *row = next_row(f, rra);

	for (size_t ds = 0; ds < f->n_ds; ds++)
		row[ds] = cdp[ds].scratch[CDP_primary_val].u_val = v[ds];
}

static void
minute_of(struct rrdfile *f, size_t rra, int64_t minute, const double *v)
{
	const rra_def_t *r = &f->rra[rra];
	bool max = r->cf_nam[0] == 'M', over = (uint64_t)(minute + 1) % r->pdp_cnt == 0;
	cdp_prep_t *cdp = f->cdp + rra * f->n_ds;
	size_t n = f->n_ds;
	double *row;

	if (r->pdp_cnt == 1) {
		minute_as_row(f, rra, v);
		return;
	}
	for (size_t ds = 0; ds < n; ds++)
		add(cdp[ds].scratch, v[ds], max);
	if (!over)
		return;
	row = next_row(f, rra);
	for (size_t ds = 0; ds < n; ds++)
		row[ds] = result(cdp[ds].scratch, v[ds], r, max);
}

void
rrdfill_minute(struct rrdfile *f, double *v)
{
	for (size_t ds = 0; ds < f->n_ds; ds++) {
		v[ds] = per_second(v[ds], f->ds[ds].dst[0] == 'A');
		f->pdp[ds].scratch[PDP_val].u_val = isnan(v[ds]) ? NAN : 0;
	}
	for (size_t i = 0; i < f->n_rra; i++)
		minute_of(f, i, f->last_up / STEP_S, v);
	advance(f, 1);
}

/* A whole day from midnight on: all rows of it are unknown, no matter what was before. */
static void
unknown_day(struct rrdfile *f)
{
	for (size_t i = 0; i < f->n_rra; i++) {
		const rra_def_t *r = &f->rra[i];
		cdp_prep_t *cdp = f->cdp + i * f->n_ds;

		for (size_t n = DAY / r->pdp_cnt; n > 0; n--) {
			double *row = next_row(f, i);

			for (size_t ds = 0; ds < f->n_ds; ds++)
				row[ds] = NAN;
		}
		for (size_t ds = 0; ds < f->n_ds; ds++) {
			unival *c = cdp[ds].scratch;

			c[CDP_primary_val].u_val = NAN;
			if (r->pdp_cnt == 1)
				continue;
			c[CDP_secondary_val].u_val = NAN;
			c[CDP_val].u_val = r->cf_nam[0] == 'M' ? -INFINITY : 0;
		}
	}
	advance(f, DAY);
}

void
rrdfill_unknown(struct rrdfile *f, int64_t to)
{
	double *v = xreallocarray(NULL, f->n_ds, sizeof *v);

	for (size_t ds = 0; ds < f->n_ds; ds++)
		v[ds] = NAN;
	while (f->last_up / STEP_S < to)
		if (f->last_up / STEP_S % DAY == 0 && to - f->last_up / STEP_S >= DAY)
			unknown_day(f);
		else
			rrdfill_minute(f, v);
	for (size_t ds = 0; ds < f->n_ds; ds++)
		memcpy(f->pdp[ds].last_ds, "U", 2);
	free(v);
}

char *
rrdfill_last(struct rrdfile *f, size_t ds)
{
	return f->pdp[ds].last_ds;
}
