/* rrdmake.h - bring one RRD file up to date: for store/rrd.c alone.
 *
 * The steps are plan, compare (if nobody knows what changed), begin, feed for each
 * stretch of minutes, finish. A step that fails leaves the old file as it was. */
#ifndef MX_RRDMAKE_H
#define MX_RRDMAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store/cached.h"
#include "store/columns.h"
#include "store/rrd.h"
#include "store/rrdfile.h"
#include "store/template.h"

/* What all files of a store share. */
struct rrdmake {
	struct cached *cached;		/* or NULL */
	struct columns columns;
	void (*note)(void *arg, const char *sentence);
	void *note_arg;
	char *text;			/* room for the rows of one call of librrd */
	char **row;
};

/* One file while it is brought up to date. Begin with t, place and the paths. */
struct rrdmake_file {
	const struct template *t;
	size_t place;		/* of the file among the columns */
	char *path;
	char *new_path;		/* beside it, where a new one is made */
	char *undo_path;	/* and what it was before rows were appended */
	char *before_path;	/* and what it was before our own clock jumped, which may not be right */
	bool anew;		/* a new one is being made; else rows are appended */
	struct rrdfile old;	/* not mapped if there was none */
	struct rrdfile new;	/* mapped while a new one is being made */
	int64_t next, end;	/* minutes to write: next <= minute < end */
	int64_t again;		/* the first that must be rewritten; INT64_MAX: none */
	int64_t lost, lost_to;	/* minutes of which coarse rows alone know: lost <= m < lost_to */
	int64_t sure;		/* before this minute, what shares hold from may be in no cell any more */
	size_t n_ds;		/* data sources as the file has (or will have) them */
	int *column;		/* place in the template of each, -1: the file's own */
	int *before;		/* place in old, -1: it had it not */
	bool aside;		/* there was one that is no good: it was moved aside */
	bool undoable;		/* undo_path is there */
	bool gap;		/* unknown minutes were left out before the next */
	bool failed;		/* for the caller */
};

void rrdmake_init(struct rrdmake *s);
void rrdmake_free(struct rrdmake *s);

/* Open the file and see from where on it must be written. One that is damaged, or not
 * of our shape, is moved aside. */
bool rrdmake_plan(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m,
    struct err *e);
/* Look for the first of the loaded minutes in which the file is not what the cells say. */
void rrdmake_compare(const struct rrdmake *s, struct rrdmake_file *f);
bool rrdmake_begin(struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e);
/* Write those of the loaded minutes that are not in the file yet. */
bool rrdmake_feed(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m,
    struct err *e);
/* All minutes were fed: make them last. What the file was before our own clock jumped is gone then, unless
 * that is not sure yet. */
bool rrdmake_finish(struct rrdmake *s, struct rrdmake_file *f, const struct rrd_minutes *m, struct err *e);
void rrdmake_end(struct rrdmake_file *f);

#endif
