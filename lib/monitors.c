/* monitors.c - see monitors.h. A line is a word and fields, with tabs between. */
#include "monitors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "wholefile.h"

#include "poison.h"

enum { FILE_BYTES = 1 << 16, PATH_BYTES = 4096 };

static const char file[] = "passive/status", fresh[] = "passive/status.new";
static const struct slice head = { "mxgauge passive 1", 17 };

static bool
path_of(char path[PATH_BYTES], const char *dir, const char *name, struct err *e)
{
	return snprintf(path, PATH_BYTES, "%s/%s", dir, name) < PATH_BYTES ||
	    err_set(e, "%s: the path is too long", dir);
}

static struct slice
field(struct slice *line)
{
	struct slice f;

	(void)slice_next(line, '\t', &f);
	return f;
}

static int64_t
number(struct slice *line)
{
	struct slice f = field(line);
	uint64_t v = 0;

	return slice_u64(&f, &v) && v <= INT64_MAX ? (int64_t)v : 0;
}

static void
words(struct slice *line, char *to, size_t size)
{
	struct buf b = buf_new(size - 1);

	buf_clean(&b, field(line), size - 1);
	(void)snprintf(to, size, "%s", b.p != NULL ? b.p : "");
	buf_free(&b);
}

static void
take(struct monitors *m, struct slice line)
{
	struct slice what = field(&line);

	if (slice_eq(what, SLICE("run"))) {
		int64_t *const to[] = { &m->pid, &m->started_at, &m->beat_at, &m->checks, &m->overdue };

		for (size_t i = 0; i < sizeof to / sizeof *to; i++)
			*to[i] = number(&line);
	} else if (slice_eq(what, SLICE("monitor")) && m->n < MONITORS_ROWS) {
		struct monitor_row *r = &m->row[m->n++];
		int64_t *const to[] = { &r->sent_at, &r->failed_since, &r->waiting, &r->oldest_at, &r->sent,
			&r->refused, &r->dropped, &r->dropped_at };

		words(&line, r->name, sizeof r->name);
		words(&line, r->type, sizeof r->type);
		for (size_t i = 0; i < sizeof to / sizeof *to; i++)
			*to[i] = number(&line);
		words(&line, r->said, sizeof r->said);
	}
}

bool
monitors_read(const char *dir, struct monitors *m, bool *there, struct err *e)
{
	struct buf text = buf_new(FILE_BYTES);
	struct slice rest, line;
	char path[PATH_BYTES];
	struct stat st;
	bool good;

	*m = (struct monitors){ 0 };
	*there = false;
	if (!path_of(path, dir, file, e))
		return false;
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR || err_set(e, "%s: %s", path, strerror(errno));
	*there = true;
	good = wholefile_read(&text, path, e);
	rest = buf_slice(&text);
	if (good && (!slice_cut(&rest, '\n', &line) || !slice_eq(line, head)))
		good = err_set(e, "%s is no status of mxgauge passive", path);
	while (good && slice_cut(&rest, '\n', &line))
		take(m, line);
	buf_free(&text);
	return good;
}

static void
put_words(struct buf *b, const char *s)
{
	buf_char(b, '\t');
	buf_clean(b, slice_of(s), 1000);
}

static void
put_all(struct buf *b, const struct monitors *m)
{
	buf_add(b, head);
	buf_fmt(b, "\nrun\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", m->pid,
	    m->started_at, m->beat_at, m->checks, m->overdue);
	for (size_t i = 0; i < m->n; i++) {
		const struct monitor_row *r = &m->row[i];
		const int64_t v[] = { r->sent_at, r->failed_since, r->waiting, r->oldest_at, r->sent, r->refused,
			r->dropped, r->dropped_at };

		buf_str(b, "monitor");
		put_words(b, r->name);
		put_words(b, r->type);
		for (size_t k = 0; k < sizeof v / sizeof *v; k++)
			buf_fmt(b, "\t%" PRId64, v[k]);
		put_words(b, r->said);
		buf_char(b, '\n');
	}
}

bool
monitors_write(const char *dir, const struct monitors *m, struct err *e)
{
	char path[PATH_BYTES], new[PATH_BYTES];
	struct buf b = buf_new(FILE_BYTES);
	FILE *f;
	bool good;

	if (!path_of(path, dir, file, e) || !path_of(new, dir, fresh, e))
		return false;
	if ((f = fopen(new, "w")) == NULL)
		return err_set(e, "open %s: %s", new, strerror(errno));
	put_all(&b, m);
	good = fwrite(b.p, 1, b.n, f) == b.n;
	good = fclose(f) == 0 && good && rename(new, path) == 0;
	if (!good)
		(void)err_set(e, "write %s: %s", path, strerror(errno));
	buf_free(&b);
	return good;
}

void
monitors_remove(const char *dir)
{
	char path[PATH_BYTES];

	if (path_of(path, dir, file, NULL))
		(void)unlink(path);
}

int64_t
monitors_lag(const struct monitor_row *r, int64_t now)
{
	return r->waiting > 0 && r->oldest_at < now ? now - r->oldest_at : 0;
}
