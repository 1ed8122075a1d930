/* import.c - see import.h.
 *
 * A file that was imported before is recognised by its contents, not by its name,
 * and goes on where it was left: a second run over the same file adds nothing. */
#include "import.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "draw.h"
#include "ingest.h"
#include "mem.h"

#include "poison.h"

enum { BAR_WIDTH = 30, BAR_LINES = 65536, FULL_LINES = 64 };

static double
clock_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* "mail.log  [#######......]  42 %  1,200,000 lines" on a terminal. */
static void
progress(const char *path, const struct reader *r, uint64_t lines)
{
	uint64_t done, total;
	char bar[BAR_WIDTH + 1];
	const char *name = strrchr(path, '/');
	int fill;

	if (!isatty(STDERR_FILENO))
		return;
	reader_progress(r, &done, &total);
	fill = total > 0 ? (int)((double)done / (double)total * BAR_WIDTH) : 0;
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < fill ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%.30s [%s] %3d %%  %" PRIu64 " lines ", name != NULL ? name + 1 : path,
	    bar, total > 0 ? (int)((double)done * 100 / (double)total) : 0, lines);
}

static void
progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* A log is known by its whole name, whether import or daemon read it. Links stay as they
 * are: that is how the configuration names it. */
static void
whole_family(const char *path, char *out, size_t size)
{
	char whole[8192];
	size_t n = 0;

	if (path[0] != '/' && strcmp(path, "-") != 0 && getcwd(whole, sizeof whole / 2) != NULL) {
		n = strlen(whole);
		whole[n++] = '/';
		while (path[0] == '.' && path[1] == '/')
			path += 2;
	}
	(void)snprintf(whole + n, sizeof whole - n, "%s", path);
	reader_family(whole, out, size);
}

static struct state_source *
source_for(struct ingest *in, struct reader *r, const char *path)
{
	struct state_source *src = NULL;
	char family[4096];

	if (strcmp(path, "-") != 0)
		src = state_source_of(ingest_state(in), r);
	if (src == NULL) {
		whole_family(path, family, sizeof family);
		src = state_source_add(ingest_state(in), family);
		reader_identity(r, &src->dev, &src->ino);
	}
	return src;
}

static void
remember(struct feed *f, struct reader *r)
{
	struct state_source *src = feed_source(f);
	uint64_t done;

	reader_position(r, &src->pos);
	reader_progress(r, &done, &src->size);
	src->read_at = (int64_t)time(NULL);
	feed_remember(f);
	src->changed = true;
}

/* False and *e: the file, or with *lost the state, cannot be read: then what was not
 * committed is without its position and must not be. */
static bool
read_lines(struct ingest *in, struct feed *f, struct reader *r, const char *path, bool *lost,
    struct err *e)
{
	uint64_t cut = 0, n = 0;
	struct slice line;
	int got;

	while ((got = reader_line(r, true, &line, e)) > 0) {
		uint64_t now_cut = reader_cut_lines(r);

		if (!ingest_line(in, f, line, now_cut != cut, e)) {
			*lost = true;
			return false;
		}
		cut = now_cut;
		if (++n % BAR_LINES == 0)
			progress(path, r, ingest_totals(in)->lines);
		if (n % FULL_LINES == 0 && ingest_full(in)) {
			remember(f, r);
			if (!ingest_commit(in, false, e)) {
				*lost = true;
				return false;
			}
		}
	}
	remember(f, r);
	return got == 0;
}

static bool
import_file(struct ingest *in, const struct import *im, const char *path, bool *lost,
    struct err *e)
{
	struct reader *r = reader_open(path, e);
	struct state_source *src;
	struct feed *f;
	bool known, good;

	if (r == NULL)
		return false;
	src = source_for(in, r, path);
	known = src->pos.head_n > 0;
	f = feed_open(in, src, im->zone, im->year, im->host, reader_written_at(r), e);
	good = f != NULL && reader_seek(r, known ? &src->pos : NULL, e) &&
	    read_lines(in, f, r, path, lost, e);
	progress_end();
	feed_close(f);
	reader_close(r);
	return good;
}

static void
summary(const struct ingest_totals *t, double seconds)
{
	printf("%" PRIu64 " lines, %" PRIu64 " understood (%" PRIu64 " gave events), %" PRIu64
	    " of other programs, %" PRIu64 " unknown", t->lines, t->events + t->known, t->events,
	    t->foreign, t->unknown);
	if (t->copies > 0)
		printf(", %" PRIu64 " copies", t->copies);
	if (t->too_late > 0)
		printf(", %" PRIu64 " too old or in the future", t->too_late);
	if (t->waiting > 0)
		printf(", %" PRIu64 " pieces of lines whose rest may come", t->waiting);
	if (t->cut > 0)
		printf(", %" PRIu64 " cut", t->cut);
	printf(", %.0f lines/s\n", seconds > 0 ? (double)t->lines / seconds : 0);
}

int
import_run(const struct import *im)
{
	struct err e = { "" };
	double start = clock_s(), committed, drawn;
	struct ingest_settings set = ingest_defaults;
	struct ingest *in;
	bool good, lost = false;
	int status = 0;

	set.draws = !im->no_rrd;
	set.words = im->words;
	in = ingest_open(im->state, &set, &e);
	good = in != NULL;
	if (good)
		state_bulk(ingest_state(in));
	for (size_t i = 0; good && i < im->files; i++) {
		struct err one = { "" };

		if (import_file(in, im, im->file[i], &lost, &one))
			continue;
		if (lost) {
			e = one;
			good = false;
			break;
		}
		/* the other files may be fine: go on, and say it at the end */
		fprintf(stderr, "mxgauge: %s\n", one.text);
		status = 1;
	}
	if (good)
		ingest_end(in);
	good = good && ingest_commit(in, true, &e);
	committed = clock_s();
	mem_give_back();	/* what the mails took is not needed for the RRDs */
	if (good && !im->no_rrd)
		good = draw_all(in, im->state, im->templates, NULL, &e) && ingest_commit(in, true, &e);
	drawn = clock_s();
	if (good) {
		state_checkpoint(ingest_state(in));
		if (im->phases)
			printf("phases: commit %.3f s, rrd %.3f s, checkpoint %.3f s\n",
			    committed - start, drawn - committed, clock_s() - drawn);
		summary(ingest_totals(in), clock_s() - start);
	} else {
		fprintf(stderr, "mxgauge: %s\n", e.text);
		status = 1;
	}
	ingest_close(in);
	return status;
}
