/* rrdfile.h - look into an RRD file, and carry its past over into a new one.
 *
 * librrd can only append, and its own way to a file with another beginning
 * ("create --source") fills unknown minutes with the averages of coarser rows.
 * Here rows are copied as they stand: what was unknown stays so. The file is
 * mapped, its sizes are checked once when it is opened. */
#ifndef MX_RRDFILE_H
#define MX_RRDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store/template.h"

struct rrdfile {
	unsigned char *map;
	size_t size;
	bool writable;
	int64_t last_up;	/* time up to which it is filled */
	size_t n_ds, n_rra;
	struct stat_head_t *head;
	struct ds_def_t *ds;
	struct rra_def_t *rra;
	struct live_head_t *live;
	struct pdp_prep_t *pdp;
	struct cdp_prep_t *cdp;
	struct rra_ptr_t *ptr;
	double *value;		/* rows of all RRAs, one after the other */
	int64_t fills_to;	/* see rrdfile_will_end() */
};

enum rrdfile_result {
	RRDFILE_OK,
	RRDFILE_NONE,		/* there is no such file */
	RRDFILE_FAILED,		/* it cannot be read: permission, input/output */
	RRDFILE_DAMAGED		/* it is no RRD, or is cut off */
};

/* *e says what is wrong; of RRDFILE_DAMAGED without the name, of RRDFILE_NONE nothing. */
enum rrdfile_result rrdfile_open(struct rrdfile *f, const char *path, bool writable,
    struct err *e);
void rrdfile_close(struct rrdfile *f);

/* The page cache may forget it, as far as it is on the disk. There a file that was written or copied lies in pieces of 64 KB
 * and more, and a byte that librrd changes in one costs the disk all of it; what it reads itself are single pages. */
void rrdfile_let_go(const struct rrdfile *f, const char *path);

/* Does it fit the template? False and *e: step or type of a data source differ.
 * *same: it also has all data sources and RRAs as they are wanted. */
bool rrdfile_fits(const struct rrdfile *f, const struct template *t, bool *same, struct err *e);

/* The data source's name and type, and its place: -1 if there is none. */
const char *rrdfile_ds_name(const struct rrdfile *f, size_t ds);
const char *rrdfile_ds_type(const struct rrdfile *f, size_t ds);
int rrdfile_ds_find(const struct rrdfile *f, const char *name);

/* It will be filled up to that minute. Those that it has no room for then it keeps no more: an append that was cut short
 * may have put others in their place. */
static inline void
rrdfile_will_end(struct rrdfile *f, int64_t minute)
{
	f->fills_to = minute;
}

/* What the minute RRA has for a minute, by data source and per second, NAN if unknown; NULL: it keeps no
 * such minute. */
const double *rrdfile_minute(const struct rrdfile *f, int64_t minute);

/* Appending changes a file in many places, and who is killed meanwhile leaves it torn: a coarse
 * row counted twice, an RRA one row ahead. So all but the rows is kept in another file before
 * (by way of tmp, which is gone afterwards), and put back, which makes it the file of before:
 * what was written are the rows that it had dropped. False and *e: the disk. */
bool rrdfile_keep(const struct rrdfile *f, const char *kept, const char *tmp, struct err *e);
/* Put back what was kept of the file, if it is of this file; kept is gone afterwards. */
bool rrdfile_put_back(const char *path, const char *kept, struct err *e);

/* All of it in another file (by way of tmp, which is gone afterwards). False and *e: the disk. */
bool rrdfile_copy(const struct rrdfile *f, const char *copy, const char *tmp, struct err *e);

/* A loss of power is worse: of what was written since the system last brought all of the file to the disk, each
 * page is there or is not, of the head, too. So behind the rows, where librrd does not look, is what all but the rows
 * was when all was on the disk. Put back, it makes the file the one of that moment: what was written since are rows
 * that are appended once more. */

/* Remember it so; whole: all of the file is on the disk, and so shall be this. Else the file is new. False and *e:
 * the disk. */
bool rrdfile_mark(const char *path, bool whole, struct err *e);
/* Up to which time it was filled when it was last so; 0: nobody knows. */
int64_t rrdfile_marked(const struct rrdfile *f);
/* If the machine was started since, put back what was remembered. *sure: the file is what it was then; else its rows
 * may be torn. False and *e: the disk. */
bool rrdfile_recover(const char *path, bool *sure, struct err *e);

/* Copy the rows that end after the time after and begin before to, and that new has already,
 * from old: for each data source that both have. Where old has no RRA of the same rows, those of
 * shorter ones are joined. */
void rrdfile_carry(struct rrdfile *new, const struct rrdfile *old, int64_t after, int64_t to);

#endif
