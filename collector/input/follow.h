/* follow.h - the lines of log files that grow and rotate.
 *
 * A source is a family of files: "mail.log" and what rotation made of it. Its files
 * are read one after the other, the oldest first; sources take turns. Nothing waits
 * inside: whoever calls polls follow_fd and looks once a second besides. */
#ifndef MX_FOLLOW_H
#define MX_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "input/reader.h"
#include "slice.h"

/* How far one file was read. id names the file for ever, whatever it is called:
 * the state keeps a row for each. Ids are above 0 and never used again. Of a file that was
 * opened and not read (pos.head_n is 0), begun is what was there when its family was met:
 * the present file was last written then. */
struct follow_file {
	const char *family;
	int64_t id;
	struct position pos;
	int64_t begun;
};

enum { FOLLOW_SOURCES_MAX = 1024 };	/* each costs a descriptor */

struct follow_line {
	const char *family;	/* the source: lives as long as the follower */
	int64_t id;		/* the file */
	struct slice raw;	/* until the next call */
};

struct follow;

/* A follower that begins where known[] ends (copied; ids in rising order: of one
 * family the last 128 count). A family that is not among
 * them is read from the beginning of its present file; of one that is, also what
 * rotation put aside since then, or where nothing was read, since begun. next_id: above all ids that were ever used. */
struct follow *follow_new(const struct follow_file *known, size_t n, int64_t next_id);
void follow_free(struct follow *f);

/* Follow a path or all that a pattern with *, ? and [ finds, now and later. False
 * and *e if there is no room. */
bool follow_add(struct follow *f, const char *pattern, struct err *e);

/* Readable when there may be something new; -1 if the system cannot tell. After it
 * became readable wait a little (100 ms): who wakes for each line burns a core. */
int follow_fd(const struct follow *f);
/* See what happened to the files. For each second and when follow_fd is readable;
 * now is any clock in seconds that does not go back. */
void follow_look(struct follow *f, int64_t now);

/* 1: the next line; 0: no more until follow_look; -1: a sentence about a file in *e
 * (rotated by truncation, removed, unreadable), and there may be more lines. */
int follow_next(struct follow *f, struct follow_line *out, struct err *e);

/* The files that were opened or read on since the last follow_saved, up to max: to be
 * written into the state with the counts of their lines. */
size_t follow_moved(struct follow *f, struct follow_file *out, size_t max);
/* What follow_moved said is safe now. */
void follow_saved(struct follow *f);

/* Was the first file of a family opened, and that is not safe yet? To be saved before it is
 * read: who is killed in between would not look for it where rotation put it. */
bool follow_opened(const struct follow *f);

uint64_t follow_cut_lines(const struct follow *f);
/* Bytes that wait to be read in all files together, packed ones as they are. */
uint64_t follow_behind(const struct follow *f);
size_t follow_sources(const struct follow *f);
/* How many logs are there and cannot be read; *why: of the first, as long as nobody looks. */
size_t follow_unread(const struct follow *f, const char **why);
/* Logs that follow_look() found last, and that are not read, as there are FOLLOW_SOURCES_MAX others. */
size_t follow_left_out(const struct follow *f);
/* Bytes of the i-th source that wait to be read, also where its file cannot be opened; an
 * unfinished line does not wait. *family lives as long as the follower. */
uint64_t follow_waiting(const struct follow *f, size_t i, const char **family);

#endif
