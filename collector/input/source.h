/* source.h - the files of one log, and what rotation does to them (for follow.c).
 *
 * Rotation by renaming: the old file stays open and is read until it was quiet for a
 * while, because the log daemon writes on until it is told to reopen. Rotation by
 * copying and truncating: what was not read of the old content is looked for in the
 * copy; lines written between copy and truncation are lost for everybody. After a
 * pause the family's other files are looked at from the newest back to the first
 * one that is known; what is newer was missed and is read, oldest first.
 *
 * Limits: a file edited in place is read again from its start, and so is one whose
 * lines before the place were changed. What cannot be read for now is neither new nor
 * known: it is tried again at each look. Missed files are put in order by the time of
 * their last change, then by name. A file that was created, written, and deleted
 * between two looks was never there. */
#ifndef MX_SOURCE_H
#define MX_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "err.h"
#include "input/follow.h"
#include "input/reader.h"

enum {
	KNOWN_MAX = 128,	/* files remembered for each source */
	MISSED_MAX = 16		/* and those that rotation put aside and that could not be read */
};

/* What all sources share. */
struct source_world {
	int watch;
	int64_t now, next_id;
	uint64_t cut_lines;	/* of files that are closed */
};

/* One file, open or (r == NULL) done with and not saved yet. */
struct file {
	struct file *newer;
	struct reader *r;
	char *path;		/* as it was opened */
	int64_t id;
	dev_t dev;
	ino_t ino;
	int wd;
	bool current;		/* the one that the source's path names */
	bool packed;
	bool fresh;		/* the first of its family, of which the state knows nothing yet */
	bool eof;		/* nothing more until the next look */
	int64_t quiet_since;
	off_t size;		/* when last looked at */
	struct timespec mtime;
	struct position pos;	/* at the end, once closed */
	uint64_t taken, saved;	/* offsets that follow_moved told, and that are safe */
};

/* A file of which nobody knows yet whether it has to be read. It is known again by its inode, or
 * when it is packed meanwhile by the time when it was written. */
struct missed {
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	bool known;		/* as put_aside() was told */
};

struct source {
	char *family;
	char *path;		/* of the present file */
	int64_t gone_since;	/* -1: it is there */
	int64_t begun;		/* see follow_file; 0: not yet, or long known */
	int64_t spare_id;	/* of a file that nothing was read of, for the next one; 0: none */
	struct file *oldest;
	struct follow_file known[KNOWN_MAX];
	size_t known_n;
	struct missed missed[MISSED_MAX];
	size_t missed_n;
	int64_t tried_at;	/* when those were tried last */
	struct err say, said;	/* trouble to tell, and the last that was told */
	struct err unread;	/* why its present file cannot be read; empty: it is, or is not there */
};

/* A file was read so far, in another life or before it was closed. */
void source_remember(struct source *s, int64_t id, const struct position *pos);
/* The family was met in another life, and nothing of it was read. */
void source_began(struct source *s, int64_t id, int64_t begun);
/* See what has become of the source's path: opens, reopens, catches up. */
void source_look(struct source_world *w, struct source *s);
/* Done with a file: only its position stays, until source_drop. */
void source_close(struct source_world *w, struct source *s, struct file *file);
/* Reading it failed. One that rotation put aside is closed; where the disk or the network was at
 * fault and not what is in it, it is tried again at later looks. */
void source_broke(struct source_world *w, struct source *s, struct file *file);
void source_drop(struct source *s, struct file *file);

#endif
