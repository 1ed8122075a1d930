/* reading.c - the sources of a configuration, followed and handed to ingest.
 *
 * Each physical file has an id that follow.c gives, a row in the state, and while
 * it is read a feed with the zone and host of its source in the configuration. */
#include "reading.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "input/follow.h"
#include "mem.h"
#include "message.h"

#include "poison.h"

enum { FEED_IDLE_S = 3600, NAME_SIZE = 256 };

struct file {
	int64_t id;
	struct state_source *src;
	struct feed *feed;	/* NULL: not read lately */
};

struct reading {
	const struct config *config;
	struct ingest *in;
	struct follow *follow;
	struct file *file;
	size_t files, last;	/* last: the file of the line before */
	struct follow_file *moved;
	size_t moved_max;
	uint64_t cut;
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
		if (src->pos.head_n > 0)
			known[k++] = (struct follow_file){ src->name, src->id, src->pos };
	}
	r->follow = follow_new(known, k, next_id);
	free(known);
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
	for (size_t i = 0; i < c->nsources; i++) {
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
	follow_free(r->follow);
	free(r->file);
	free(r->moved);
	free(r);
}

int
reading_fd(const struct reading *r)
{
	return follow_fd(r->follow);
}

void
reading_look(struct reading *r)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	follow_look(r->follow, (int64_t)ts.tv_sec);
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

static bool
open_feed(struct reading *r, struct file *f, const char *family, struct err *e)
{
	const struct config_source *s = source_of(r, family);

	f->feed = feed_open(r->in, f->src, s->timezone[0] == '\0' ? NULL : s->timezone, 0,
	    s->host[0] == '\0' ? r->host : s->host, (int64_t)time(NULL), e);
	return f->feed != NULL;
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

int
reading_some(struct reading *r, size_t max, struct err *e)
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
		if ((f->feed == NULL && !open_feed(r, f, line.family, e)) ||
		    !ingest_line(r->in, f->feed, line.raw, was_cut(r, line.raw), e))
			return -1;
	}
	return 1;
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

void
reading_remember(struct reading *r, int64_t now)
{
	size_t n = all_moved(r);

	for (size_t i = 0; i < n; i++) {
		const struct follow_file *m = &r->moved[i];
		struct file *f = file_of(r, m->id, m->family);
		struct stat st;

		f->src->pos = m->pos;
		f->src->read_at = now;
		/* of a file that has another name by now, the end is where we are */
		f->src->size = stat(m->family, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size > m->pos.offset ? (uint64_t)st.st_size : m->pos.offset;
		if (f->feed != NULL)
			feed_remember(f->feed);
		f->src->changed = true;
	}
	mark_behind(r, now);
	for (size_t i = 0; i < r->files; i++) {
		if (r->file[i].feed != NULL && now - r->file[i].src->read_at > FEED_IDLE_S) {
			feed_close(r->file[i].feed);
			r->file[i].feed = NULL;
		}
	}
}

void
reading_committed(struct reading *r)
{
	follow_saved(r->follow);
}
