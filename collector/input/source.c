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

/* The present file. */
static void
cannot_read(struct source *s, const char *why)
{
	say(s, "follow", s->path, why);
	err_set(&s->unread, "%s: %s", s->path, why);
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

/* To be tried again. What was missed longest makes room. */
static void
miss(struct source *s, const struct missed *what)
{
	if (s->missed_n == MISSED_MAX)
		memmove(s->missed, s->missed + 1, --s->missed_n * sizeof s->missed[0]);
	s->missed[s->missed_n++] = *what;
}

static bool
is_missed(const struct missed *m, const struct family_file *a)
{
	return (m->dev == a->st.st_dev && m->ino == a->st.st_ino) ||
	    (a->packed && m->mtime.tv_sec == a->st.st_mtim.tv_sec);
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
source_broke(struct source_world *w, struct source *s, struct file *file)
{
	if (file->current)
		return;
	if (reader_broke(file->r, NULL))
		miss(s, &(struct missed){ file->dev, file->ino, file->mtime, false });
	source_close(w, s, file);
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

/* Is this the content of a file that is open: its copy, packed a moment ago? False and *e also
 * if one of them cannot be read. */
static bool
is_copy(const struct source *s, struct reader *r, struct err *e)
{
	for (const struct file *file = s->oldest; file != NULL; file = file->newer) {
		struct position pos;

		if (file->r == NULL)
			continue;
		reader_position(file->r, &pos);
		if (pos.offset == 0) {
			reader_peek(file->r, &pos);
			if (reader_broke(file->r, e))
				return false;
		}
		if (pos.head_n > 0 && reader_matches(r, &pos))
			return true;
		if (pos.head_n > 0 && reader_broke(r, e))
			return false;
	}
	return false;
}

/* Which of the known files is this, if none that is open claims it? Leaves the
 * reader at the place where that was left. 0: none; -1 and *e: it cannot be read. */
static int64_t
recognise(const struct source *s, struct reader *r, struct err *e)
{
	for (size_t i = s->known_n; i-- > 0; ) {
		const struct follow_file *k = &s->known[i];
		const struct file *file = s->oldest;

		while (file != NULL && (file->id != k->id || file->r == NULL))
			file = file->newer;
		if (file != NULL || k->pos.offset == 0)
			continue;
		if (reader_matches(r, &k->pos) && reader_seek(r, &k->pos, NULL))
			return k->id;
		if (reader_broke(r, e))
			return -1;
	}
	return reader_seek(r, NULL, e) ? 0 : -1;
}

/* --- rotation --------------------------------------------------------------------------- */

static bool
before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Queue a file that rotation put aside at that place, if it has to be read. known:
 * what is as old as this was read before, but a plain file may have grown since.
 * 1 if this file is known, 0 if not; *e, and -1 if it cannot be read for now, -2 if never. */
static int
queue_aside(struct source_world *w, struct source *s, const struct family_file *a, bool known,
    struct file **place, struct err *e)
{
	struct reader *r = reader_open(a->path, e);
	bool copy;
	int64_t id;

	if (r == NULL)
		return errno != 0 ? -1 : -2;
	copy = is_copy(s, r, e);
	id = copy || e->text[0] != '\0' ? 0 : recognise(s, r, e);
	if (copy || e->text[0] != '\0' || (id == 0 && known))
		reader_close(r);
	else
		insert(w, place, r, a->path, &a->st, id)->packed = a->packed;
	if (e->text[0] != '\0')
		return -1;
	return copy || id != 0;
}

/* The same: true if it is known, or cannot be read and what is as old was. */
static bool
put_aside(struct source_world *w, struct source *s, const struct family_file *a, bool known,
    struct file **place)
{
	struct err e = { "" };
	int rc;

	if (is_open(s, &a->st) || (known && a->packed))
		return true;
	if (a->foreign) {
		say(s, "follow", a->path, "packed so that we cannot read it");
		return known;
	}
	rc = queue_aside(w, s, a, known, place, &e);
	if (rc >= 0)
		return rc == 1;
	if (rc == -1)
		miss(s, &(struct missed){ a->st.st_dev, a->st.st_ino, a->st.st_mtim, known });
	say(s, "follow", a->path, e.text);
	return known;
}

/* The place before the present file. */
static struct file **
before_current(struct source *s)
{
	struct file **place = &s->oldest;

	while (*place != NULL && !(*place)->current)
		place = &(*place)->newer;
	return place;
}

/* Once more what was missed, as long as it is there; its trouble was told. Where nothing is
 * to be seen, the folder may be what cannot be read. */
static void
try_again(struct source_world *w, struct source *s)
{
	struct err told = s->say, said = s->said;
	struct missed missed[MISSED_MAX];
	struct family_file *aside;
	size_t n = s->missed_n, files;

	if (n == 0 || s->tried_at == w->now)
		return;
	s->tried_at = w->now;
	memcpy(missed, s->missed, sizeof missed);
	files = family_list(s->family, s->path, &aside);
	if (files > 0)
		s->missed_n = 0;
	for (size_t i = 0; i < files; i++)
		for (size_t k = 0; k < n; k++)
			if (is_missed(&missed[k], &aside[i])) {
				(void)put_aside(w, s, &aside[i], missed[k].known, before_current(s));
				break;
			}
	family_free(aside, files);
	s->say = told;
	s->said = said;
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

/* The path names another file. same: with the same content, by an editor, or cp and mv. */
static void
leave(struct source_world *w, struct source *s, struct file *old, bool same)
{
	struct position pos;

	reader_position(old->r, &pos);
	if (pos.offset == 0 || !reader_unchanged(old->r) || same) {
		/* what is in it now was not read: it is found under its new name */
		source_close(w, s, old);
		return;
	}
	old->current = old->eof = false;
	old->quiet_since = w->now;
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
	bool same = false;
	int64_t id;

	if (r == NULL) {
		cannot_read(s, e.text);
		return;
	}
	if (old != NULL) {
		since = old->mtime;
		reader_position(old->r, &pos);
		same = reader_matches(r, &pos);
	}
	if (old != NULL && reader_broke(r, &e)) {
		old->eof = false;	/* meanwhile it is read on */
		id = -1;
	} else {
		if (old != NULL)
			leave(w, s, old, same);
		id = recognise(s, r, &e);
	}
	if (id < 0) {
		cannot_read(s, e.text);
		reader_close(r);
		return;
	}
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

/* See what has become of the present file. */
static void
look_at_path(struct source_world *w, struct source *s)
{
	struct file *file = current_of(s);
	struct position pos;
	struct stat st;

	s->unread.text[0] = '\0';
	if (stat(s->path, &st) != 0) {
		if (errno == ENOENT)
			gone(w, s, file);
		else
			cannot_read(s, strerror(errno));
		return;
	}
	s->gone_since = -1;
	if (!S_ISREG(st.st_mode)) {
		cannot_read(s, "not a file");
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

void
source_look(struct source_world *w, struct source *s)
{
	look_at_path(w, s);
	try_again(w, s);
}
