/* reading.c - the sources of a configuration, followed and handed to ingest.
 *
 * Each physical file has an id that follow.c gives, a row in the state, and while
 * it is read a feed with the zone and host of its source in the configuration. Each journal
 * of the configuration has a row in the state whose cursor says how far it was read. */
#include "reading.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input/follow.h"
#include "input/journal.h"
#include "input/watch.h"
#include "mem.h"
#include "message.h"

#include "poison.h"

enum { FEED_IDLE_S = 3600, NAME_SIZE = 256, JOURNAL_NAME_MAX = 1 << 16 };

struct file {
	int64_t id;
	struct state_source *src;
	struct feed *feed;	/* NULL: not read lately */
};

struct stream {			/* a journal */
	struct journal *journal;
	struct state_source *src;
	const struct config_source *of;
	struct feed *feed;	/* NULL: nothing read yet */
	bool moved;		/* since reading_remember() */
};

struct reading {
	const struct config *config;
	struct ingest *in;
	struct follow *follow;
	struct file *file;
	size_t files, last;	/* last: the file of the line before */
	struct stream *stream;
	size_t streams;
	int group;		/* what all of them wake */
	struct follow_file *moved;
	size_t moved_max;
	uint64_t cut;
	int64_t unread_since;	/* some log is there and cannot be read; 0: none */
	struct err unread;	/* which, and why */
	char host[NAME_SIZE];	/* this machine */
};

/* --- opening -------------------------------------------------------------------- */

static struct file *
file_add(struct reading *r, int64_t id, struct state_source *src)
{
	r->file = xreallocarray(r->file, r->files + 1, sizeof *r->file);
	r->file[r->files] = (struct file){ .id = id, .src = src };
	return &r->file[r->files++];
}

/* A file that was opened, and nothing was read of it: no journal, and nobody's connection. */
static bool
was_begun(const struct state_source *src)
{
	return src->lines == 0 && src->cursor.n == 0 && src->read_at != 0;
}

/* A follower that knows all that the state knows. */
static void
begin(struct reading *r)
{
	struct state *s = ingest_state(r->in);
	size_t n = state_sources(s), k = 0;
	struct follow_file *known = xcalloc(n + 1, sizeof *known);
	int64_t next_id = 1;

	for (size_t i = 0; i < n; i++) {
		struct state_source *src = state_source_at(s, i);

		file_add(r, src->id, src);
		if (src->id >= next_id)
			next_id = (int64_t)src->id + 1;
		if (src->pos.head_n > 0 || was_begun(src))
			known[k++] = (struct follow_file){ src->name, src->id, src->pos, src->read_at };
	}
	r->follow = follow_new(known, k, next_id);
	free(known);
}

/* Whose place it is: another choice of entries is read from the start. */
static struct buf
journal_name(const struct config_source *s)
{
	struct buf name = buf_new(JOURNAL_NAME_MAX);

	buf_str(&name, "journal");
	if (strcmp(s->journal, "system") != 0)
		buf_fmt(&name, ":%s", s->journal);
	for (size_t i = 0; i < s->journal_match.n; i++)
		buf_fmt(&name, " %s", s->journal_match.item[i]);
	return name;
}

/* The row of that name; a file that is called so is known by its content, not by a cursor. */
static struct state_source *
journal_row(struct state *s, const char *name)
{
	for (size_t i = 0; i < state_sources(s); i++) {
		struct state_source *src = state_source_at(s, i);

		if (strcmp(src->name, name) == 0 && src->pos.head_n == 0)
			return src;
	}
	return state_source_add(s, name);
}

static void
add_journal(struct reading *r, const struct config_source *s)
{
	struct buf name = journal_name(s);
	struct state_source *src = journal_row(ingest_state(r->in), name.p);
	struct journal_what what = {
		.where = s->journal, .match = s->journal_match.item, .matches = s->journal_match.n,
		.host = s->host[0] == '\0' ? r->host : s->host
	};

	buf_free(&name);
	for (size_t i = 0; i < r->streams; i++)
		if (r->stream[i].src == src)
			return;		/* named twice */
	r->stream = xreallocarray(r->stream, r->streams + 1, sizeof *r->stream);
	r->stream[r->streams++] = (struct stream){ .src = src, .of = s,
		.journal = journal_new(&what, buf_slice(&src->cursor)) };
}

struct reading *
reading_open(const struct config *c, struct ingest *in, struct err *e)
{
	struct reading *r = xcalloc(1, sizeof *r);

	r->config = c;
	r->in = in;
	if (gethostname(r->host, sizeof r->host - 1) != 0)
		r->host[0] = '\0';
	begin(r);
	r->group = watch_group_new();
	watch_group_add(r->group, follow_fd(r->follow));
	for (size_t i = 0; i < c->nsources; i++) {
		if (c->source[i].journal[0] != '\0')
			add_journal(r, &c->source[i]);
		for (size_t k = 0; k < c->source[i].files.n; k++) {
			if (!follow_add(r->follow, c->source[i].files.item[k], e)) {
				reading_close(r);
				return NULL;
			}
		}
	}
	return r;
}

void
reading_close(struct reading *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->files; i++)
		feed_close(r->file[i].feed);
	for (size_t i = 0; i < r->streams; i++) {
		feed_close(r->stream[i].feed);
		journal_free(r->stream[i].journal);
	}
	follow_free(r->follow);
	watch_free(r->group);
	free(r->stream);
	free(r->file);
	free(r->moved);
	free(r);
}

int
reading_fd(const struct reading *r)
{
	return r->group;
}

void
reading_look(struct reading *r)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	follow_look(r->follow, (int64_t)ts.tv_sec);
	for (size_t i = 0; i < r->streams; i++) {
		journal_look(r->stream[i].journal);
		watch_group_add(r->group, journal_fd(r->stream[i].journal));
	}
}

bool
reading_opened(const struct reading *r)
{
	return follow_opened(r->follow);
}

/* --- lines ------------------------------------------------------------------------ */

/* The first source of the configuration that names this file. */
static const struct config_source *
source_of(const struct reading *r, const char *family)
{
	for (size_t i = 0; i < r->config->nsources; i++) {
		const struct config_source *s = &r->config->source[i];

		for (size_t k = 0; k < s->files.n; k++) {
			if (strcmp(s->files.item[k], family) == 0 ||
			    fnmatch(s->files.item[k], family, FNM_PATHNAME) == 0)
				return s;
		}
	}
	return &r->config->source[0];
}

static struct file *
file_of(struct reading *r, int64_t id, const char *family)
{
	if (r->last < r->files && r->file[r->last].id == id)
		return &r->file[r->last];
	for (r->last = 0; r->last < r->files; r->last++) {
		if (r->file[r->last].id == id)
			return &r->file[r->last];
	}
	return file_add(r, id, state_source_add(ingest_state(r->in), family));
}

/* True if there is one, or one could be opened. */
static bool
open_feed(struct reading *r, struct feed **feed, struct state_source *src,
    const struct config_source *s, struct err *e)
{
	if (*feed != NULL)
		return true;
	*feed = feed_open(r->in, src, s->timezone[0] == '\0' ? NULL : s->timezone, 0,
	    s->host[0] == '\0' ? r->host : s->host, (int64_t)time(NULL), e);
	if (*feed == NULL)
		return false;
	feed_live(*feed, false);
	return true;
}

/* A file of which nothing was read yet may begin with the repeat of what the one before ended with. */
static bool
open_file_feed(struct reading *r, struct file *f, const char *family, struct err *e)
{
	for (size_t i = 0; f->feed == NULL && i < r->files; i++)
		if (r->file[i].feed != NULL && r->file[i].src->family == f->src->family)
			feed_remember(r->file[i].feed);
	return open_feed(r, &f->feed, f->src, source_of(r, family), e);
}

/* Only a line of the greatest length can be one that was cut. */
static bool
was_cut(struct reading *r, struct slice raw)
{
	uint64_t cut = r->cut;

	if (raw.n >= LINE_MAX_BYTES)
		r->cut = follow_cut_lines(r->follow);
	return r->cut != cut;
}

/* As reading_some(). */
static int
some_of_files(struct reading *r, size_t max, struct err *e)
{
	struct follow_line line;
	struct err note;

	for (size_t n = 0; n < max && !ingest_full(r->in); n++) {
		int rc = follow_next(r->follow, &line, &note);
		struct file *f;

		if (rc == 0)
			return 0;
		if (rc < 0) {
			message(MSG_log_note, "%s", note.text);
			continue;
		}
		f = file_of(r, line.id, line.family);
		if ((f->feed == NULL && !open_file_feed(r, f, line.family, e)) ||
		    !ingest_line(r->in, f->feed, line.raw, was_cut(r, line.raw), e))
			return -1;
	}
	return 1;
}

static int
some_of_journal(struct reading *r, struct stream *s, size_t max, struct err *e)
{
	struct journal_line line;
	struct err note;

	for (size_t n = 0; n < max && !ingest_full(r->in); n++) {
		int rc = journal_next(s->journal, &line, &note);

		if (rc == 0)
			return 0;
		if (rc < 0) {
			message(MSG_log_note, "%s", note.text);
			continue;
		}
		s->moved = true;
		if (line.raw.n > 0 && (!open_feed(r, &s->feed, s->src, s->of, e) ||
		    !ingest_line(r->in, s->feed, line.raw, line.cut, e)))
			return -1;
	}
	return 1;
}

/* A share for each, so that none waits for another one's past. */
int
reading_some(struct reading *r, size_t max, struct err *e)
{
	size_t share = max / (r->streams + 1) + 1;
	int more = some_of_files(r, share, e);

	for (size_t i = 0; more >= 0 && i < r->streams; i++) {
		int rc = some_of_journal(r, &r->stream[i], share, e);

		more = rc < 0 ? rc : more | rc;
	}
	return more;
}

/* --- positions ----------------------------------------------------------------------- */

static size_t
all_moved(struct reading *r)
{
	size_t n;

	while ((n = follow_moved(r->follow, r->moved, r->moved_max)) == r->moved_max) {
		r->moved_max = r->moved_max * 2 + 64;
		r->moved = xreallocarray(r->moved, r->moved_max, sizeof *r->moved);
	}
	return n;
}

static void
remember_journals(struct reading *r, int64_t now)
{
	for (size_t i = 0; i < r->streams; i++) {
		struct stream *s = &r->stream[i];

		if (!s->moved)
			continue;
		s->moved = false;
		buf_clear(&s->src->cursor);
		buf_add(&s->src->cursor, journal_cursor(s->journal));
		s->src->read_at = now;
		s->src->changed = true;
		if (s->feed != NULL)
			feed_remember(s->feed);
	}
}

/* The newest file of a log says since when some of it waits. */
static void
mark_behind(struct reading *r, int64_t now)
{
	const char *family;

	for (size_t i = 0; i < follow_sources(r->follow); i++) {
		bool waits = follow_waiting(r->follow, i, &family) > 0;
		struct state_source *src = NULL;

		for (size_t k = r->files; src == NULL && k > 0; k--)
			if (strcmp(r->file[k - 1].src->name, family) == 0)
				src = r->file[k - 1].src;
		if (src == NULL || waits == (src->behind_since != 0))
			continue;
		src->behind_since = waits ? now : 0;
		src->changed = true;
	}
}

/* Whoever watches us is told what cannot be read, and not only who reads messages. */
static void
tell_unread(struct reading *r, int64_t now)
{
	struct state *s = ingest_state(r->in);
	const char *why = "";
	size_t n = follow_unread(r->follow, &why);
	struct err e = { "" };

	if (n > 1)
		err_set(&e, "%.400s; and %zu other%s", why, n - 1, n > 2 ? "s" : "");
	else
		err_set(&e, "%s", why);
	r->unread_since = n == 0 ? 0 : r->unread_since > 0 ? r->unread_since : now;
	state_say(s, "log_unread_since", r->unread_since);
	if (strcmp(e.text, r->unread.text) == 0)
		return;
	r->unread = e;
	state_say_text(s, "log_unread", r->unread.text);
}

void
reading_remember(struct reading *r, int64_t now)
{
	size_t n = all_moved(r);

	for (size_t i = 0; i < n; i++) {
		const struct follow_file *m = &r->moved[i];
		struct file *f = file_of(r, m->id, m->family);
		struct stat st;

		f->src->pos = m->pos;
		f->src->read_at = m->pos.head_n > 0 ? now : m->begun;
		/* of a file that has another name by now, the end is where we are */
		f->src->size = stat(m->family, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size > m->pos.offset ? (uint64_t)st.st_size : m->pos.offset;
		if (f->feed != NULL)
			feed_remember(f->feed);
		f->src->changed = true;
	}
	mark_behind(r, now);
	tell_unread(r, now);
	state_limit(ingest_state(r->in), "logs", (int64_t)follow_sources(r->follow), FOLLOW_SOURCES_MAX,
	    (int64_t)follow_left_out(r->follow), now);
	for (size_t i = 0; i < r->files; i++) {
		if (r->file[i].feed != NULL && now - r->file[i].src->read_at > FEED_IDLE_S) {
			feed_close(r->file[i].feed);
			r->file[i].feed = NULL;
		}
	}
	remember_journals(r, now);
}

void
reading_committed(struct reading *r)
{
	follow_saved(r->follow);
}
