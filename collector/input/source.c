/* source.c - see source.h. */
#include "input/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input/family.h"
#include "input/watch.h"
#include "mem.h"

#include "poison.h"

enum { GONE_S = 5 };	/* between renaming and creating there is no file */

/* Trouble is told once, until it changes. */
static void
say(struct source *s, const char *what, const char *path, const char *why)
{
	struct err e;

	err_set(&e, "%s %s: %s", what, path, why);
	if (strcmp(e.text, s->said.text) != 0)
		s->say = s->said = e;
}

/* What was known longest makes room. */
void
source_remember(struct source *s, int64_t id, const struct position *pos)
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
	s->known[i] = (struct follow_file){ s->family, id, *pos, 0 };
}

void
source_began(struct source *s, int64_t id, int64_t begun)
{
	s->spare_id = id;
	s->begun = begun;
}

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

/* Put an open reader into the chain, at that place. id 0: it is a new file. */
static struct file *
insert(struct source_world *w, struct file **place, struct reader *r, const char *path,
    const struct stat *st, int64_t id)
{
	struct file *file = xcalloc(1, sizeof *file);

	*file = (struct file){
		.newer = *place, .r = r, .path = xstrdup(path),
		.id = id != 0 ? id : w->next_id++,
		.dev = st->st_dev, .ino = st->st_ino, .wd = watch_file(w->watch, path),
		.quiet_since = w->now, .size = st->st_size, .mtime = st->st_mtim,
	};
	reader_position(r, &file->pos);
	file->taken = file->saved = file->pos.offset;
	*place = file;
	return file;
}

void
source_close(struct source_world *w, struct source *s, struct file *file)
{
	reader_position(file->r, &file->pos);
	source_remember(s, file->id, &file->pos);
	w->cut_lines += reader_cut_lines(file->r);
	reader_close(file->r);
	file->r = NULL;
	file->current = false;
	watch_drop(w->watch, file->wd);
}

void
source_drop(struct source *s, struct file *file)
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
put_aside(struct source_world *w, struct source *s, const struct family_file *a, bool known,
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
		insert(w, place, r, a->path, &a->st, id)->packed = a->packed;
	return id != 0;
}

/* Look through what rotation put aside, from the newest file back to where the past
 * is known, and queue what was not read yet, the oldest first. known: the present
 * file is one that we read before. Nothing that was last written before since. They
 * come before what is at that place of the chain. */
static void
catch_up(struct source_world *w, struct source *s, bool known, const struct timespec *since,
    struct file **place)
{
	struct family_file *aside;
	size_t n = family_list(s->family, s->path, &aside);

	for (size_t i = 0; i < n && !before(&aside[i].st.st_mtim, since); i++) {
		bool this_known = put_aside(w, s, &aside[i], known, place);

		if (known && (aside[i].packed || !this_known))
			break;
		known = known || this_known;
	}
	family_free(aside, n);
}

/* The present file has another content than that which was read. What was not read
 * of the old one is in the copy, if a copy was made. */
static void
truncated(struct source_world *w, struct source *s, struct file *file, const struct stat *st)
{
	struct timespec since = file->mtime;
	struct err e = { "" };
	struct reader *r;

	source_close(w, s, file);
	if (file->pos.offset > 0) {
		say(s, "follow", s->path, "truncated or rewritten; reading from its start");
		s->said.text[0] = '\0';	/* it is news each time */
	}
	catch_up(w, s, false, &since, end_of(s));
	r = reader_open(s->path, &e);
	if (r != NULL)
		insert(w, end_of(s), r, s->path, st, 0)->current = true;
}

/* The path names another file than before, or the first one. */
static void
opened(struct source_world *w, struct source *s, struct file *old, const struct stat *st)
{
	struct timespec since = { s->known_n == 0 ? (time_t)s->begun : 0, 0 };
	bool first = old == NULL && s->known_n == 0 && s->begun == 0;
	struct file **place, *file;
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
			source_close(w, s, old);
		} else {
			old->current = old->eof = false;
			old->quiet_since = w->now;
		}
	}
	id = recognise(s, r);
	place = end_of(s);
	file = insert(w, place, r, s->path, st, id != 0 ? id : s->spare_id);
	file->current = true;
	file->fresh = first;
	if (id == 0)
		s->spare_id = 0;
	if (first)
		s->begun = (int64_t)st->st_mtim.tv_sec;
	else	/* now that it is open, a copy of it is known as such */
		catch_up(w, s, id != 0, &since, place);
	s->said.text[0] = '\0';
}

static void
gone(struct source_world *w, struct source *s, struct file *file)
{
	if (s->gone_since < 0)
		s->gone_since = w->now;
	if (file != NULL)
		file->eof = false;	/* its size is not to be had by name */
	if (file == NULL)
		say(s, "follow", s->path, "not there yet");
	else if (w->now - s->gone_since >= GONE_S)
		say(s, "follow", s->path, "removed; a log daemon that was not told to reopen it "
		    "still writes to the removed file, which is read on");
}

void
source_look(struct source_world *w, struct source *s)
{
	struct file *file = current_of(s);
	struct position pos;
	struct stat st;

	if (stat(s->path, &st) != 0) {
		if (errno == ENOENT)
			gone(w, s, file);
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
		opened(w, s, file, &st);
		return;
	}
	if (!file->eof || (st.st_size == file->size && st.st_mtim.tv_sec == file->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == file->mtime.tv_nsec))
		return;
	/* Of what was never read nobody can tell whether it is the same. */
	reader_position(file->r, &pos);
	if (pos.offset == 0 || !reader_unchanged(file->r)) {
		truncated(w, s, file, &st);
		return;
	}
	file->size = st.st_size;
	file->mtime = st.st_mtim;
	file->eof = false;
}
