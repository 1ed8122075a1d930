/* follow.c - see follow.h: which files, whose turn, and how far each was read.
 * What rotation does to one source is source.c's. */
#include "input/follow.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/family.h"
#include "input/source.h"
#include "input/watch.h"
#include "mem.h"

#include "poison.h"

enum {
	GRACE_S = 60,		/* a log daemon may write to the old file for so long */
	BURST_LINES = 1024,	/* before the next source has its turn */
	PATTERNS_MAX = 256
};

struct follow {
	struct source_world world;
	char *pattern[PATTERNS_MAX];
	size_t patterns;
	struct source *source[FOLLOW_SOURCES_MAX];
	size_t sources;
	size_t at, burst;	/* whose turn it is, and how many lines it had */
	bool looked;
	size_t left_out;	/* names without room, when they were looked for last */
	bool told_many;
};

static struct source *
source_get(struct follow *f, const char *family)
{
	for (size_t i = 0; i < f->sources; i++)
		if (strcmp(f->source[i]->family, family) == 0)
			return f->source[i];
	if (f->sources == FOLLOW_SOURCES_MAX)
		return NULL;
	f->source[f->sources] = xcalloc(1, sizeof(struct source));
	f->source[f->sources]->family = xstrdup(family);
	f->source[f->sources]->gone_since = -1;
	return f->source[f->sources++];
}

struct follow *
follow_new(const struct follow_file *known, size_t n, int64_t next_id)
{
	struct follow *f = xcalloc(1, sizeof *f);

	f->world.watch = watch_new();
	f->world.next_id = next_id > 0 ? next_id : 1;
	for (size_t i = 0; i < n; i++) {
		struct source *s = source_get(f, known[i].family);

		if (s != NULL && known[i].pos.head_n > 0)
			source_remember(s, known[i].id, &known[i].pos);
		else if (s != NULL)
			source_began(s, known[i].id, known[i].begun);
		if (known[i].id >= f->world.next_id)
			f->world.next_id = known[i].id + 1;
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
	watch_folder(f->world.watch, folder);
	f->pattern[f->patterns++] = xstrdup(pattern);
	f->looked = false;
	return true;
}

int
follow_fd(const struct follow *f)
{
	return f->world.watch;
}

size_t
follow_sources(const struct follow *f)
{
	return f->sources;
}

size_t
follow_unread(const struct follow *f, const char **why)
{
	size_t n = 0;

	for (size_t i = 0; i < f->sources; i++)
		if (f->source[i]->unread.text[0] != '\0' && n++ == 0)
			*why = f->source[i]->unread.text;
	return n;
}

size_t
follow_left_out(const struct follow *f)
{
	return f->left_out;
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
			source_drop(s, s->oldest);
		}
		free(s->family);
		free(s->path);
		free(s);
	}
	for (size_t i = 0; i < f->patterns; i++)
		free(f->pattern[i]);
	watch_free(f->world.watch);
	free(f);
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
	f->left_out += s == NULL;
	if (s == NULL && !f->told_many) {
		err_set(&f->source[0]->say, "follow %s: it and others are not read; more than %d logs are too "
		    "many for one daemon", path, FOLLOW_SOURCES_MAX);
		f->told_many = true;
	}
	if (s == NULL || (s->path != NULL && (strcmp(s->path, family) == 0 ||
	    (!plain && strcmp(path, s->path) <= 0))))
		return;
	free(s->path);
	s->path = xstrdup(path);
}

static void
find_names(struct follow *f)
{
	f->left_out = 0;
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
	bool names = watch_drain(f->world.watch);

	if (names || !f->looked || now != f->world.now) {
		f->world.now = now;
		f->looked = true;
		find_names(f);
	}
	for (size_t i = 0; i < f->sources; i++) {
		struct source *s = f->source[i];

		for (struct file *file = s->oldest; file != NULL; file = file->newer)
			if (!file->current)
				file->eof = false;
		if (s->path != NULL)
			source_look(&f->world, s);
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
		bool over = !file->current && (file->packed || f->world.now - file->quiet_since >= GRACE_S);
		int rc = reader_line(file->r, over, &out->raw, e);

		if (rc == 1) {
			out->family = s->family;
			out->id = file->id;
			if (!over)
				file->quiet_since = f->world.now;
			return 1;
		}
		file->eof = true;
		if (rc == 0 && over)
			source_close(&f->world, s, file);
		if (rc < 0) {
			bool news = strcmp(e->text, s->said.text) != 0;

			s->said = *e;
			file->size = -1;	/* to be tried again at the next look */
			source_broke(&f->world, s, file);
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
			if ((file->pos.offset == file->saved && !file->fresh) || n == max)
				continue;
			file->taken = file->pos.offset;
			out[n++] = (struct follow_file){ f->source[i]->family, file->id, file->pos,
				f->source[i]->begun };
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
			file->fresh = false;
			if (file->r == NULL && file->saved == file->pos.offset)
				source_drop(f->source[i], file);
		}
	}
}

bool
follow_opened(const struct follow *f)
{
	for (size_t i = 0; i < f->sources; i++)
		for (const struct file *file = f->source[i]->oldest; file != NULL; file = file->newer)
			if (file->fresh)
				return true;
	return false;
}

uint64_t
follow_cut_lines(const struct follow *f)
{
	uint64_t n = f->world.cut_lines;

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

uint64_t
follow_waiting(const struct follow *f, size_t i, const char **family)
{
	const struct source *s = f->source[i];
	uint64_t n = 0, done, total;
	bool open = false;
	struct stat st;
	bool there = s->path != NULL && stat(s->path, &st) == 0 && S_ISREG(st.st_mode);

	*family = s->family;
	for (const struct file *file = s->oldest; file != NULL; file = file->newer) {
		if (file->r == NULL)
			continue;
		open = open || (there && file->dev == st.st_dev && file->ino == st.st_ino);
		if (file->eof)
			continue;
		reader_progress(file->r, &done, &total);
		n += total > done ? total - done : 0;
	}
	return n + (there && !open ? (uint64_t)st.st_size : 0);
}
