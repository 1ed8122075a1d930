/* state_sources.c - the log files and streams that were read, a row each: how far, and what is known again.
 *
 * Rotation makes a new one each day. Rows of files that are long gone are dropped once a day, and at
 * the start; in memory they stay until the program ends. Ids are never used again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "store/state_db.h"

#include "poison.h"

static void
set_text(char **to, sqlite3_stmt *st, int column)
{
	struct slice text = db_blob(st, column);

	*to = sqlite3_column_type(st, column) == SQLITE_NULL ? NULL : xslicedup(text);
}

/* Streams ("-") have no name that tells them apart: each is a family of its own, so that
 * the same text read twice counts once. */
static uint32_t
family_of(const struct state *s, const struct state_source *src)
{
	for (size_t i = 0; strcmp(src->name, "-") != 0 && i < s->sources; i++)
		if (strcmp(s->source[i]->name, src->name) == 0)
			return s->source[i]->family;
	return src->id;
}

bool
sources_load(struct state *s, struct err *e)
{
	sqlite3_stmt *st = db_prepare(s, "SELECT id, name, offset, head_hash, head_n, tail_hash,"
	    " tail_n, lines, newest, read_at, size, last_line, family, oldest, unfinished, cursor,"
	    " behind_since FROM source"
	    " ORDER BY id", e);
	int rc = SQLITE_DONE;

	if (st == NULL)
		return false;
	s->next_source = 1;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct state_source *src = xcalloc(1, sizeof *src);

		src->id = (uint32_t)sqlite3_column_int64(st, 0);
		set_text(&src->name, st, 1);
		if (src->name == NULL)
			src->name = xstrdup("-");
		s->source = xreallocarray(s->source, s->sources + 1, sizeof(struct state_source *));
		s->source[s->sources++] = src;
		src->pos.offset = (uint64_t)sqlite3_column_int64(st, 2);
		src->pos.head_hash = (uint64_t)sqlite3_column_int64(st, 3);
		src->pos.head_n = (uint32_t)sqlite3_column_int64(st, 4);
		src->pos.tail_hash = (uint64_t)sqlite3_column_int64(st, 5);
		src->pos.tail_n = (uint32_t)sqlite3_column_int64(st, 6);
		src->lines = (uint64_t)sqlite3_column_int64(st, 7);
		src->newest = sqlite3_column_int64(st, 8);
		src->read_at = sqlite3_column_int64(st, 9);
		src->size = (uint64_t)sqlite3_column_int64(st, 10);
		set_text(&src->last_line, st, 11);
		src->family = (uint32_t)sqlite3_column_int64(st, 12);
		src->oldest = sqlite3_column_int64(st, 13);
		src->unfinished = buf_new(SIZE_MAX / 2);
		buf_add(&src->unfinished, db_blob(st, 14));
		src->cursor = buf_new(STATE_CURSOR_MAX);
		buf_add(&src->cursor, db_blob(st, 15));
		src->behind_since = sqlite3_column_int64(st, 16);
		s->next_source = src->id + 1;
	}
	return db_end(s, st, rc, e);
}

/* Did its log go on in a file of which we have read since? */
static bool
went_on(const struct state *s, const struct state_source *src)
{
	for (size_t i = 0; i < s->sources; i++)
		if (s->source[i]->newest > src->newest && strcmp(s->source[i]->name, src->name) == 0)
			return true;
	return false;
}

bool
state_source_of(struct state *s, struct reader *r, const char *name, struct state_source **out, struct err *e)
{
	struct state_source *best = NULL;
	bool best_named = false;
	uint64_t dev, ino;

	reader_identity(r, &dev, &ino);
	/* that of its name, else the one that was read furthest: a file may begin like another. One that is there
	 * as another file is not this one, though it has the same text; nor is one whose log went on in a file
	 * of its own, if this one goes on too: several put into one, or another relay's. */
	for (size_t i = 0; i < s->sources; i++) {
		struct state_source *src = s->source[i];
		bool named = strcmp(src->name, name) == 0;

		if (src->ino != 0 && (src->ino != ino || src->dev != dev))
			continue;
		if (src->pos.head_n == 0 || (best != NULL && (named != best_named ? best_named :
		    src->pos.offset <= best->pos.offset)))
			continue;
		if (reader_matches(r, &src->pos) && (named || !went_on(s, src) || reader_ends(r, &src->pos))) {
			best = src;
			best_named = named;
		} else if (reader_broke(r, e)) {
			return false;
		}
	}
	if (best != NULL) {
		best->dev = dev;
		best->ino = ino;
	}
	*out = best;
	return true;
}

struct state_source *
state_source_add(struct state *s, const char *name)
{
	struct state_source *src = xcalloc(1, sizeof *src);

	src->id = s->next_source++;
	src->name = xstrdup(name);
	src->cursor = buf_new(STATE_CURSOR_MAX);
	src->family = family_of(s, src);
	src->changed = true;
	s->source = xreallocarray(s->source, s->sources + 1, sizeof(struct state_source *));
	s->source[s->sources++] = src;
	return src;
}

void
state_source_begins(struct state *s, struct state_source *src, int64_t time)
{
	enum { SKEW_S = 2 };

	src->oldest = time;
	for (size_t i = 0; src->family != src->id && i < s->sources; i++) {
		const struct state_source *o = s->source[i];

		if (o != src && o->family == src->family && o->oldest != 0 && time >= o->oldest &&
		    time < o->newest - SKEW_S)
			src->family = src->id;
	}
}

size_t
state_sources(const struct state *s)
{
	return s->sources;
}

struct state_source *
state_source_at(struct state *s, size_t i)
{
	return s->source[i];
}

/* Was its log read on in a row that came later? */
static bool
is_superseded(const struct state *s, size_t at)
{
	const struct state_source *src = s->source[at];

	for (size_t i = s->sources; --i > at; )
		if (s->source[i]->newest >= src->newest && strcmp(s->source[i]->name, src->name) == 0)
			return true;
	return false;
}

/* Was it last heard of before that time, and will nobody ask for its place? A journal is asked by its
 * cursor, and a quiet log may lie there for years. */
static bool
is_over(const struct state *s, size_t at, int64_t before)
{
	const struct state_source *src = s->source[at];
	int64_t last = src->read_at > src->newest ? src->read_at : src->newest;
	struct stat st;

	if (last == 0 || last >= before || src->behind_since != 0 || src->id + 1 == s->next_source)
		return false;
	if (src->pos.head_n == 0 && slice_starts(slice_of(src->name), SLICE("journal")))
		return false;
	return is_superseded(s, at) || (lstat(src->name, &st) != 0 && errno == ENOENT);
}

bool
sources_expire(struct state *s, const struct commit *c, struct err *e)
{
	int64_t keep = c->keep_sources > c->keep_minutes ? c->keep_sources : c->keep_minutes;
	int64_t now = c->now < clock_sure(s) ? c->now : clock_sure(s);
	sqlite3_stmt *st;
	bool good;

	if (now / 86400 == s->sources_swept)
		return true;
	st = db_prepare(s, "DELETE FROM source WHERE id=?1", e);
	good = st != NULL;
	for (size_t i = 0; good && i < s->sources; i++) {
		if (s->source[i]->changed || !is_over(s, i, now - keep * 60))
			continue;
		sqlite3_bind_int64(st, 1, s->source[i]->id);
		good = db_step(s, st, "write", e);
	}
	sqlite3_finalize(st);
	s->sources_swept = good ? now / 86400 : 0;
	return good;
}
