/* import.c - see import.h.
 *
 * A file that was imported before is recognised by its contents, not by its name,
 * and goes on where it was left: a second run over the same file adds nothing. A pipe may
 * stay open for days: whenever it has to be read, it is seen to that what it brought is
 * committed and drawn in time, and that nobody wants us to end. Root writes as the owner of
 * the state, or mxgauged could not go on with what was made. */
#include "import.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "configured.h"
#include "draw.h"
#include "ingest.h"
#include "input/newyears.h"
#include "mem.h"
#include "plural.h"
#include "pseudonym.h"
#include "stopping.h"
#include "store/account.h"

#include "poison.h"

enum { BAR_WIDTH = 30, BAR_LINES = 65536, LINES_AT_ONCE = 32, TIDY_S = 60,
	REST_S = 1, REST_STEP_MS = 20 };

struct run {
	const struct import *im;
	struct draw_options draws;
	struct ingest *in;
	struct reader *reader;	/* while feed is not NULL: the file that is read */
	struct feed *feed;
	double committed, tidied, busy_until;	/* when, by clock_now() */
	uint64_t lines;		/* when it was busy last */
	bool lost;		/* the state cannot be read or written, because of e */
	struct err e;
	struct err said;	/* why the RRDs could not be drawn */
};

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
	fprintf(stderr, "\r%.30s [%s] %3d %%  %" PRIu64 " %s ", name != NULL ? name + 1 : path,
	    bar, total > 0 ? (int)((double)done * 100 / (double)total) : 0, lines, PLURAL(lines, "line", "lines"));
}

static void
progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* --- one file ----------------------------------------------------------------------- */

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

/* What a pipe brings is a source of its own each time: nobody can tell how far it was read
 * before, but lines that were are copies. NULL and *e if it cannot be read. */
static struct state_source *
source_for(struct ingest *in, struct reader *r, const char *path, struct err *e)
{
	struct state_source *src = NULL;
	char family[4096];

	whole_family(path, family, sizeof family);
	if (strcmp(path, "-") != 0 && !state_source_of(ingest_state(in), r, family, &src, e))
		return NULL;
	if (src == NULL) {
		src = state_source_add(ingest_state(in), family);
		if (reader_is_stream(r))
			src->family = src->id;
		reader_identity(r, &src->dev, &src->ino);
	}
	return src;
}

static void
remember(struct run *x)
{
	struct state_source *src = feed_source(x->feed);
	uint64_t done;

	reader_position(x->reader, &src->pos);
	reader_progress(x->reader, &done, &src->size);
	src->read_at = (int64_t)time(NULL);
	feed_remember(x->feed);
	src->changed = true;
}

/* False: what was not committed is without its position and must not be. */
static bool
commit(struct run *x)
{
	if (x->feed != NULL)
		remember(x);
	x->lost = !ingest_commit(x->in, false, &x->e);
	x->committed = clock_now();
	return !x->lost;
}

/* Each minute. RRDs that cannot be written may be the next time, or at the end. */
static bool
tidy(struct run *x)
{
	struct err e;

	x->tidied = clock_now();
	if (!commit(x))
		return false;
	if (!x->im->no_rrd && !draw_all(x->in, &x->draws, &e)) {
		if (strcmp(e.text, x->said.text) != 0)
			fprintf(stderr, "mxgauge: %s\n", e.text);
		x->said = e;
	}
	if (!commit(x))
		return false;
	state_checkpoint(ingest_state(x->in));
	return true;
}

/* What it brought lately makes news for a while: a minute is drawn when it is over. */
static bool
is_busy(struct run *x)
{
	uint64_t lines = ingest_totals(x->in)->lines;

	if (lines != x->lines)
		x->busy_until = clock_now() + 3 * TIDY_S;
	x->lines = lines;
	return clock_now() < x->busy_until;
}

/* Until bytes of a pipe are there: commit and draw when it is time to. */
static bool
wait_for_pipe(struct run *x, int fd)
{
	while (stopping_signal() == 0) {
		double commit_at = x->committed + (double)x->im->commit_s, tidy_at = x->tidied + TIDY_S;
		bool dirty = ingest_dirty(x->in), busy = is_busy(x);
		double now = clock_now(), wait = TIDY_S;

		ingest_clock(x->in, (int64_t)time(NULL));
		if (x->feed != NULL)
			feed_clock(x->feed, (int64_t)time(NULL));
		if ((dirty && now >= commit_at && !commit(x)) || (busy && now >= tidy_at && !tidy(x)))
			return false;
		if (dirty && now < commit_at)
			wait = commit_at - now;
		if (busy && now < tidy_at && tidy_at - now < wait)
			wait = tidy_at - now;
		if (stopping_wait(fd, (int64_t)(wait * 1000) + 1))
			return true;
	}
	return false;
}

/* Before bytes are read. */
static bool
go_on(void *arg, int fd)
{
	struct run *x = arg;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return stopping_signal() == 0;
	return wait_for_pipe(x, fd);
}

/* At the end of a file: a last line without its own end may be a half that somebody is writing. Wait for
 * the rest, but not for long. */
static int
last_lines(struct run *x, struct slice *line, struct err *e)
{
	const double until = clock_now() + REST_S;
	uint64_t done, total;
	int got = 0;

	reader_progress(x->reader, &done, &total);
	while (got == 0 && done < total && reader_written_at(x->reader) >= (int64_t)time(NULL) - REST_S &&
	    clock_now() < until && stopping_signal() == 0) {
		(void)stopping_wait(-1, REST_STEP_MS);
		got = reader_lines(x->reader, false, line, LINES_AT_ONCE, e);
	}
	return got != 0 ? got : reader_lines(x->reader, true, line, LINES_AT_ONCE, e);
}

static int
next_lines(struct run *x, struct slice *line, struct err *e)
{
	int got = reader_lines(x->reader, false, line, LINES_AT_ONCE, e);

	return got != 0 ? got : last_lines(x, line, e);
}

/* False: the file, or where x->lost is true the state, cannot be read (*e, x->e). */
static bool
read_lines(struct run *x, const char *path, struct err *e)
{
	uint64_t cut = 0, told = 0;
	struct slice line[LINES_AT_ONCE];
	int got;

	while ((got = next_lines(x, line, e)) > 0) {
		uint64_t now_cut = reader_cut_lines(x->reader), lines;

		if (!ingest_lines(x->in, x->feed, line, (size_t)got, now_cut != cut, &x->e)) {
			x->lost = true;
			return false;
		}
		cut = now_cut;
		lines = ingest_totals(x->in)->lines;
		if (lines - told >= BAR_LINES) {
			progress(path, x->reader, lines);
			told = lines;
		}
		if (ingest_full(x->in) && !commit(x))
			return false;
	}
	if (!x->lost)
		remember(x);
	return got == 0;
}

/* Root may read logs that the owner of the state may not. */
static struct reader *
open_log(const char *path, const struct reader_gate *gate, struct err *e)
{
	struct reader *r;

	account_root_again(true);
	r = reader_open_gated(path, gate, e);
	account_root_again(false);
	return r;
}

static int
first_year(const struct run *x, const char *path)
{
	int year;

	account_root_again(true);
	year = newyears_first(path, reader_written_at(x->reader));
	account_root_again(false);
	return year;
}

static bool
import_file(struct run *x, const char *path, struct err *e)
{
	const struct reader_gate gate = { go_on, x };
	struct reader *r = open_log(path, &gate, e);
	struct state_source *src;
	bool known, good;
	int year;

	if (r == NULL)
		return false;
	src = source_for(x->in, r, path, e);
	if (src == NULL) {
		reader_close(r);
		return false;
	}
	known = src->pos.head_n > 0;
	x->feed = feed_open(x->in, src, x->im->zone, x->im->year, x->im->host, reader_written_at(r), e);
	x->reader = r;
	year = known || x->im->year != 0 || reader_is_stream(r) ? 0 : first_year(x, path);
	if (x->feed != NULL && year != 0)
		feed_began_in(x->feed, year);
	good = x->feed != NULL && reader_seek(r, known ? &src->pos : NULL, e) && read_lines(x, path, e);
	progress_end();
	if (good && feed_years_torn(x->feed))
		good = err_set(e, "%s: goes through more than a year, and its stamps name none: the older lines were "
		    "counted a year too late; import it into a new state, with --year of its first line", path);
	if (good && reader_shrank(r))
		good = err_set(e, "%s shrank while it was read: what was read is counted, what it holds now "
		    "is not; import it again", path);
	feed_close(x->feed);
	reader_close(r);
	x->feed = NULL;
	return good;
}

/* --- all of them -------------------------------------------------------------------- */

static void
summary(const struct ingest_totals *t, double seconds)
{
	printf("%" PRIu64 " %s, %" PRIu64 " understood (%" PRIu64 " gave events), %" PRIu64
	    " of other programs, %" PRIu64 " unknown", t->lines, PLURAL(t->lines, "line", "lines"),
	    t->events + t->known, t->events, t->foreign, t->unknown);
	if (t->copies > 0)
		printf(", %" PRIu64 " %s", t->copies, PLURAL(t->copies, "copy", "copies"));
	if (t->too_late > 0)
		printf(", %" PRIu64 " too old or in the future", t->too_late);
	if (t->waiting > 0)
		printf(", %" PRIu64 " %s whose rest may come", t->waiting,
		    PLURAL(t->waiting, "piece of a line", "pieces of lines"));
	if (t->cut > 0)
		printf(", %" PRIu64 " cut", t->cut);
	printf(", %.0f lines/s\n", seconds > 0 ? (double)t->lines / seconds : 0);
}

static void
tell_stopped(int number)
{
	fprintf(stderr, "mxgauge: %s: what was read until then is counted\n", number == SIGTERM ?
	    "SIGTERM" : number == SIGINT ? "interrupted" : "SIGHUP");
}

/* False: the state failed. What a file lacks is said, and the others are read: they may be fine. */
static bool
import_files(struct run *x, int *status)
{
	for (size_t i = 0; i < x->im->files && stopping_signal() == 0; i++) {
		struct err one = { "" };

		if (import_file(x, x->im->file[i], &one) || stopping_signal() != 0)
			continue;
		if (x->lost)
			return false;
		fprintf(stderr, "mxgauge: %s\n", one.text);
		*status = 1;
	}
	return !x->lost;
}

/* What was read, to the state and to the RRDs. False and x->e. */
static bool
finish(struct run *x, double start)
{
	double committed;
	bool good;

	ingest_end(x->in);
	good = ingest_commit(x->in, true, &x->e);
	committed = clock_now();
	mem_give_back();	/* what the mails took is not needed for the RRDs */
	if (good && !x->im->no_rrd)
		good = draw_all(x->in, &x->draws, &x->e) &&
		    ingest_commit(x->in, true, &x->e);
	if (good) {
		double drawn = clock_now();

		state_checkpoint(ingest_state(x->in));
		if (x->im->phases)
			printf("phases: commit %.3f s, rrd %.3f s, checkpoint %.3f s\n",
			    committed - start, drawn - committed, clock_now() - drawn);
		summary(ingest_totals(x->in), clock_now() - start);
	}
	return good;
}

/* As mxgauged would take them in; only that an import brings old lines. */
static struct ingest_settings
settings_of(const struct import *im)
{
	struct ingest_settings set = im->config != NULL ? ingest_configured(im->config) : ingest_defaults;

	if (set.horizon_s < ingest_defaults.horizon_s)
		set.horizon_s = ingest_defaults.horizon_s;
	set.draws = !im->no_rrd;
	set.hash_addresses = im->hash_addresses || set.hash_addresses ||
	    (im->config == NULL && pseudonyms_there(im->state));
	return set;
}

/* Of mxgauged's own state: folders that are not there are made for its account, as it does. */
static void
make_folders(const struct config *c, bool rrd)
{
	struct err e;	/* whoever works there says why he cannot */

	(void)account_make_folder(c->state, c->user, &e);
	if (rrd)
		(void)account_make_folder(c->rrd_dir, c->user, &e);
}

int
import_run(const struct import *im)
{
	double start = clock_now();
	const bool ours = im->config != NULL && config_is_of(im->config, im->state);
	/* rrdcached is not asked for: of what mxgauged gave it, nothing waits there when that ended */
	struct run x = { .im = im, .committed = start, .tidied = start, .draws = { .state = im->state,
		.rrd = ours ? im->config->rrd_dir : NULL, .templates = im->templates } };
	const struct ingest_settings set = settings_of(im);
	int status = 0;
	bool good;

	stopping_begin();
	if (ours)
		make_folders(im->config, !im->no_rrd);
	account_work_for(im->state);
	x.in = ingest_open(im->state, &set, &x.e);
	good = x.in != NULL;
	if (good) {
		state_bulk(ingest_state(x.in));
		if (im->config != NULL)
			state_say_text(ingest_state(x.in), "graph_url", im->config->graph_url);
		good = import_files(&x, &status) && finish(&x, start);
	}
	if (!good) {
		fprintf(stderr, "mxgauge: %s\n", x.e.text);
		status = 1;
	} else if (stopping_signal() != 0) {
		tell_stopped(stopping_signal());
		status = 128 + stopping_signal();
	}
	ingest_close(x.in);
	return status;
}
