/* follow.c - see follow.h.
 *
 * Rotation by renaming: the old file stays open and is read until it was quiet for
 * GRACE_S, because the log daemon writes on until it is told to reopen. Rotation by
 * copying and truncating: what was not read of the old content is looked for in the
 * copy; lines written between copy and truncation are lost for everybody. After a
 * pause the family's other files are looked at from the newest back to the first
 * one that is known; what is newer was missed and is read, oldest first.
 *
 * Limits: a file that is truncated and then grows past the old place within one
 * look keeps its old head only by chance, but a rewritten one with the same head
 * and the same bytes before the place passes for unchanged; a file edited in place
 * is read again from its start. */
#include "input/follow.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input/family.h"
#include "input/watch.h"
#include "mem.h"

#include "poison.h"

enum {
	GRACE_S = 60,
	GONE_S = 5,		/* between renaming and creating there is no file */
	BURST_LINES = 1024,	/* before the next source has its turn */
	SOURCES_MAX = 1024, PATTERNS_MAX = 256,
	KNOWN_MAX = 128		/* files remembered for each source */
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
	bool eof;		/* nothing more until the next look */
	int64_t quiet_since;
	off_t size;		/* when last looked at */
	struct timespec mtime;
	struct position pos;	/* at the end, once closed */
	uint64_t taken, saved;	/* offsets that follow_moved told, and that are safe */
};

struct source {
	char *family;
	char *path;		/* of the present file */
	int64_t gone_since;	/* -1: it is there */
	struct file *oldest;
	struct follow_file known[KNOWN_MAX];
	size_t known_n;
	struct err say, said;	/* trouble to tell, and the last that was told */
};

struct follow {
	int watch;
	int64_t now, next_id;
	char *pattern[PATTERNS_MAX];
	size_t patterns;
	struct source *source[SOURCES_MAX];
	size_t sources;
	size_t at, burst;	/* whose turn it is, and how many lines it had */
	uint64_t cut_lines;	/* of files that are closed */
	bool looked;
};

/* Trouble is told once, until it changes. */
static void
say(struct source *s, const char *what, const char *path, const char *why)
{
	struct err e;

	err_set(&e, "%s %s: %s", what, path, why);
	if (strcmp(e.text, s->said.text) != 0)
		s->say = s->said = e;
}

/* --- sources --------------------------------------------------------------------------- */

static struct source *
source_get(struct follow *f, const char *family)
{
	for (size_t i = 0; i < f->sources; i++)
		if (strcmp(f->source[i]->family, family) == 0)
			return f->source[i];
	if (f->sources == SOURCES_MAX)
		return NULL;
	f->source[f->sources] = xcalloc(1, sizeof(struct source));
	f->source[f->sources]->family = xstrdup(family);
	f->source[f->sources]->gone_since = -1;
	return f->source[f->sources++];
}

/* What was known longest makes room. */
static void
remember(struct source *s, int64_t id, const struct position *pos)
{
	size_t i = 0;

	while (i < s->known_n && s->known[i].id != id)
		i++;
	if (i == s->known_n && s->known_n == KNOWN_MAX) {
		memmove(s->known, s->known + 1, (KNOWN_MAX - 1) * sizeof s->known[0]);
		i--;
	} else if (i == s->known_n) {
		s->known_n++;
	}
	s->known[i] = (struct follow_file){ s->family, id, *pos };
}

struct follow *
follow_new(const struct follow_file *known, size_t n, int64_t next_id)
{
	struct follow *f = xcalloc(1, sizeof *f);

	f->watch = watch_new();
	f->next_id = next_id > 0 ? next_id : 1;
	for (size_t i = 0; i < n; i++) {
		struct source *s = source_get(f, known[i].family);

		if (s != NULL)
			remember(s, known[i].id, &known[i].pos);
		if (known[i].id >= f->next_id)
			f->next_id = known[i].id + 1;
	}
	return f;
}

bool
follow_add(struct follow *f, const char *pattern, struct err *e)
{
	const char *slash = strrchr(pattern, '/');
	char folder[PATH_BYTES] = ".";

	if (f->patterns == PATTERNS_MAX)
		return err_set(e, "follow %s: more than %d paths", pattern, PATTERNS_MAX);
	if (strlen(pattern) >= sizeof folder)
		return err_set(e, "follow %.60s...: the path is too long", pattern);
	if (slash != NULL)
		(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - pattern) + 1, pattern);
	watch_folder(f->watch, folder);
	f->pattern[f->patterns++] = xstrdup(pattern);
	f->looked = false;
	return true;
}

int
follow_fd(const struct follow *f)
{
	return f->watch;
}

size_t
follow_sources(const struct follow *f)
{
	return f->sources;
}

/* --- files ----------------------------------------------------------------------------- */

static struct file *
current_of(const struct source *s)
{
	for (struct file *file = s->oldest; file != NULL; file = file->newer)
		if (file->current && file->r != NULL)
			return file;
	return NULL;
}

static bool
is_open(const struct source *s, const struct stat *st)
{
	for (const struct file *file = s->oldest; file != NULL; file = file->newer)
		if (file->r != NULL && file->dev == st->st_dev && file->ino == st->st_ino)
			return true;
	return false;
}

static struct file **
end_of(struct source *s)
{
	struct file **end = &s->oldest;

	while (*end != NULL)
		end = &(*end)->newer;
	return end;
}

/* Put an open reader into the chain, at that place. */
static struct file *
insert(struct follow *f, struct file **place, struct reader *r, const char *path,
    const struct stat *st, int64_t id)
{
	struct file *file = xcalloc(1, sizeof *file);

	*file = (struct file){
		.newer = *place, .r = r, .path = xstrdup(path), .id = id,
		.dev = st->st_dev, .ino = st->st_ino, .wd = watch_file(f->watch, path),
		.quiet_since = f->now, .size = st->st_size, .mtime = st->st_mtim,
	};
	reader_position(r, &file->pos);
	file->taken = file->saved = file->pos.offset;
	*place = file;
	return file;
}

static void
close_file(struct follow *f, struct source *s, struct file *file)
{
	reader_position(file->r, &file->pos);
	remember(s, file->id, &file->pos);
	f->cut_lines += reader_cut_lines(file->r);
	reader_close(file->r);
	file->r = NULL;
	file->current = false;
	watch_drop(f->watch, file->wd);
}

static void
drop_file(struct source *s, struct file *file)
{
	struct file **at = &s->oldest;

	while (*at != file)
		at = &(*at)->newer;
	*at = file->newer;
	free(file->path);
	free(file);
}

/* Is this the content of a file that is open: its copy, packed a moment ago? */
static bool
is_copy(const struct source *s, struct reader *r)
{
	for (const struct file *file = s->oldest; file != NULL; file = file->newer) {
		struct position pos;

		if (file->r == NULL)
			continue;
		reader_position(file->r, &pos);
		if (pos.offset == 0)
			reader_peek(file->r, &pos);
		if (pos.head_n > 0 && reader_matches(r, &pos))
			return true;
	}
	return false;
}

/* Which of the known files is this, if none that is open claims it? Leaves the
 * reader at the place where that was left. */
static int64_t
recognise(const struct source *s, struct reader *r)
{
	for (size_t i = s->known_n; i-- > 0; ) {
		const struct follow_file *k = &s->known[i];
		const struct file *file = s->oldest;

		while (file != NULL && (file->id != k->id || file->r == NULL))
			file = file->newer;
		if (file == NULL && k->pos.offset > 0 && reader_matches(r, &k->pos) &&
		    reader_seek(r, &k->pos, NULL))
			return k->id;
	}
	(void)reader_seek(r, NULL, NULL);
	return 0;
}

void
follow_free(struct follow *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->sources; i++) {
		struct source *s = f->source[i];

		while (s->oldest != NULL) {
			reader_close(s->oldest->r);
			drop_file(s, s->oldest);
		}
		free(s->family);
		free(s->path);
		free(s);
	}
	for (size_t i = 0; i < f->patterns; i++)
		free(f->pattern[i]);
	watch_free(f->watch);
	free(f);
}

/* --- rotation --------------------------------------------------------------------------- */

static bool
before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Queue a file that rotation put aside at that place, if it has to be read. known:
 * what is as old as this was read before, but a plain file may have grown since.
 * True if this file is known. */
static bool
put_aside(struct follow *f, struct source *s, const struct family_file *a, bool known,
    struct file **place)
{
	struct err e = { "" };
	struct reader *r;
	int64_t id;

	if (is_open(s, &a->st) || (known && a->packed))
		return true;
	r = a->foreign ? NULL : reader_open(a->path, &e);
	if (r == NULL) {
		say(s, "follow", a->path, a->foreign ? "packed so that we cannot read it" : e.text);
		return known;
	}
	if (is_copy(s, r)) {
		reader_close(r);
		return true;
	}
	id = recognise(s, r);
	if (id == 0 && known)
		reader_close(r);
	else
		insert(f, place, r, a->path, &a->st, id != 0 ? id : f->next_id++)->packed = a->packed;
	return id != 0;
}

/* Look through what rotation put aside, from the newest file back to where the past
 * is known, and queue what was not read yet, the oldest first. known: the present
 * file is one that we read before. Nothing that was last written before since. */
static void
catch_up(struct follow *f, struct source *s, bool known, const struct timespec *since)
{
	struct family_file *aside;
	size_t n = family_list(s->family, s->path, &aside);
	struct file **place = end_of(s);

	for (size_t i = 0; i < n && !before(&aside[i].st.st_mtim, since); i++) {
		bool this_known = put_aside(f, s, &aside[i], known, place);

		if (known && (aside[i].packed || !this_known))
			break;
		known = known || this_known;
	}
	family_free(aside, n);
}

/* The present file has another content than that which was read. What was not read
 * of the old one is in the copy, if a copy was made. */
static void
truncated(struct follow *f, struct source *s, struct file *file, const struct stat *st)
{
	struct timespec since = file->mtime;
	struct err e = { "" };
	struct reader *r;

	close_file(f, s, file);
	if (file->pos.offset > 0) {
		say(s, "follow", s->path, "truncated or rewritten; reading from its start");
		s->said.text[0] = '\0';	/* it is news each time */
	}
	catch_up(f, s, false, &since);
	r = reader_open(s->path, &e);
	if (r != NULL)
		insert(f, end_of(s), r, s->path, st, f->next_id++)->current = true;
}

/* The path names another file than before, or the first one. */
static void
opened(struct follow *f, struct source *s, struct file *old, const struct stat *st)
{
	struct timespec since = { 0, 0 };
	bool first = old == NULL && s->known_n == 0;
	struct err e = { "" };
	struct reader *r = reader_open(s->path, &e);
	struct position pos;
	int64_t id;

	if (r == NULL) {
		say(s, "follow", s->path, e.text);
		return;
	}
	if (old != NULL) {
		since = old->mtime;
		reader_position(old->r, &pos);
		if (pos.offset == 0 || !reader_unchanged(old->r) || reader_matches(r, &pos)) {
			/* What is in it now was not read: it is found under its
			 * new name. Or it is the same content in a new file, by
			 * an editor, or cp and mv. */
			close_file(f, s, old);
		} else {
			old->current = old->eof = false;
			old->quiet_since = f->now;
		}
	}
	id = recognise(s, r);
	if (!first)
		catch_up(f, s, id != 0, &since);
	insert(f, end_of(s), r, s->path, st, id != 0 ? id : f->next_id++)->current = true;
	s->said.text[0] = '\0';
}

static void
gone(struct follow *f, struct source *s, struct file *file)
{
	if (s->gone_since < 0)
		s->gone_since = f->now;
	if (file != NULL)
		file->eof = false;	/* its size is not to be had by name */
	if (file == NULL)
		say(s, "follow", s->path, "not there yet");
	else if (f->now - s->gone_since >= GONE_S)
		say(s, "follow", s->path, "removed; a log daemon that was not told to reopen it "
		    "still writes to the removed file, which is read on");
}

static void
look_at(struct follow *f, struct source *s)
{
	struct file *file = current_of(s);
	struct position pos;
	struct stat st;

	if (stat(s->path, &st) != 0) {
		if (errno == ENOENT)
			gone(f, s, file);
		else
			say(s, "follow", s->path, strerror(errno));
		return;
	}
	s->gone_since = -1;
	if (!S_ISREG(st.st_mode)) {
		say(s, "follow", s->path, "not a file");
		return;
	}
	if (file == NULL || file->dev != st.st_dev || file->ino != st.st_ino) {
		opened(f, s, file, &st);
		return;
	}
	if (!file->eof || (st.st_size == file->size && st.st_mtim.tv_sec == file->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == file->mtime.tv_nsec))
		return;
	/* Of what was never read nobody can tell whether it is the same. */
	reader_position(file->r, &pos);
	if (pos.offset == 0 || !reader_unchanged(file->r)) {
		truncated(f, s, file, &st);
		return;
	}
	file->size = st.st_size;
	file->mtime = st.st_mtim;
	file->eof = false;
}

/* --- names ------------------------------------------------------------------------------ */

/* A path that is to be followed: the present file of its family is the one without
 * a rotation mark, and where there is none (files named by day) the last by name. */
static void
named(struct follow *f, const char *path, bool by_pattern)
{
	char family[PATH_BYTES];
	struct source *s;
	bool plain;

	reader_family(path, family, sizeof family);
	plain = strcmp(family, path) == 0;
	if (by_pattern && !plain && !family_by_day(path))
		return;
	s = source_get(f, family);
	if (s == NULL || (s->path != NULL && (strcmp(s->path, family) == 0 ||
	    (!plain && strcmp(path, s->path) <= 0))))
		return;
	free(s->path);
	s->path = xstrdup(path);
}

static void
find_names(struct follow *f)
{
	for (size_t i = 0; i < f->patterns; i++) {
		glob_t g;

		if (strpbrk(f->pattern[i], "*?[") == NULL) {
			named(f, f->pattern[i], false);
			continue;
		}
		if (glob(f->pattern[i], GLOB_NOSORT, NULL, &g) == 0)
			for (size_t k = 0; k < g.gl_pathc; k++)
				named(f, g.gl_pathv[k], true);
		globfree(&g);
	}
}

void
follow_look(struct follow *f, int64_t now)
{
	bool names = watch_drain(f->watch);

	if (names || !f->looked || now != f->now) {
		f->now = now;
		f->looked = true;
		find_names(f);
	}
	for (size_t i = 0; i < f->sources; i++) {
		struct source *s = f->source[i];

		for (struct file *file = s->oldest; file != NULL; file = file->newer)
			if (!file->current)
				file->eof = false;
		if (s->path != NULL)
			look_at(f, s);
	}
}

/* --- lines ------------------------------------------------------------------------------ */

/* The oldest file of the source that may have a line. */
static struct file *
ready(struct source *s)
{
	struct file *file = s->oldest;

	while (file != NULL && (file->r == NULL || file->eof))
		file = file->newer;
	return file;
}

/* One line of a source: 1, 0 or -1 as follow_next. */
static int
next_of(struct follow *f, struct source *s, struct follow_line *out, struct err *e)
{
	struct file *file;

	if (s->say.text[0] != '\0') {
		*e = s->say;
		s->say.text[0] = '\0';
		return -1;
	}
	while ((file = ready(s)) != NULL) {
		bool over = !file->current && (file->packed || f->now - file->quiet_since >= GRACE_S);
		int rc = reader_line(file->r, over, &out->raw, e);

		if (rc == 1) {
			out->family = s->family;
			out->id = file->id;
			if (!over)
				file->quiet_since = f->now;
			return 1;
		}
		file->eof = true;
		if (rc == 0 && over)
			close_file(f, s, file);
		if (rc < 0) {
			bool news = strcmp(e->text, s->said.text) != 0;

			s->said = *e;
			if (!file->current)
				close_file(f, s, file);
			if (news)
				return -1;
		}
	}
	return 0;
}

int
follow_next(struct follow *f, struct follow_line *out, struct err *e)
{
	for (size_t n = 0; n < f->sources; n++) {
		int rc = next_of(f, f->source[f->at], out, e);

		if (rc != 0 && ++f->burst < BURST_LINES)
			return rc;
		f->burst = 0;
		f->at = (f->at + 1) % f->sources;
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* --- positions --------------------------------------------------------------------------- */

size_t
follow_moved(struct follow *f, struct follow_file *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < f->sources; i++) {
		for (struct file *file = f->source[i]->oldest; file != NULL; file = file->newer) {
			if (file->r != NULL)
				reader_position(file->r, &file->pos);
			if (file->pos.offset == file->saved || n == max)
				continue;
			file->taken = file->pos.offset;
			out[n++] = (struct follow_file){ f->source[i]->family, file->id, file->pos };
		}
	}
	return n;
}

void
follow_saved(struct follow *f)
{
	for (size_t i = 0; i < f->sources; i++) {
		struct file *next;

		for (struct file *file = f->source[i]->oldest; file != NULL; file = next) {
			next = file->newer;
			file->saved = file->taken;
			if (file->r == NULL && file->saved == file->pos.offset)
				drop_file(f->source[i], file);
		}
	}
}

uint64_t
follow_cut_lines(const struct follow *f)
{
	uint64_t n = f->cut_lines;

	for (size_t i = 0; i < f->sources; i++)
		for (struct file *file = f->source[i]->oldest; file != NULL; file = file->newer)
			n += file->r != NULL ? reader_cut_lines(file->r) : 0;
	return n;
}

uint64_t
follow_behind(const struct follow *f)
{
	uint64_t n = 0, done, total;

	for (size_t i = 0; i < f->sources; i++) {
		for (struct file *file = f->source[i]->oldest; file != NULL; file = file->newer) {
			if (file->r == NULL)
				continue;
			reader_progress(file->r, &done, &total);
			n += total > done ? total - done : 0;
		}
	}
	return n;
}
