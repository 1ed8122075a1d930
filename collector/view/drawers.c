/* drawers.c - see drawers.h.
 *
 * A picture takes some 50 ms, nearly all of it in librrd and libpng. The processes share what is to be
 * done next and what came of it; the one that began draws like the others, and in the end what
 * one of them died over. */
#define _DEFAULT_SOURCE		/* MAP_ANONYMOUS is not in the base of POSIX.1-2008 */
#include "view/drawers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "store/rrdlib.h"
#include "poison.h"

enum { DRAWERS_MAX = 8, EACH_MIN = 8 /* pictures, else a process is not worth it */ };

/* What came of a picture. */
struct drawn {
	bool done, good;
	struct graph_size size;
	struct err why;
};

struct board {			/* seen by all */
	atomic_size_t next, done;
	struct drawn drawn[];
};

struct work {
	struct page_picture *const *picture;
	size_t n;
	struct board *board;
};

static void
progress(const struct work *w)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rdrawing %zu of %zu ", atomic_load(&w->board->done), w->n);
}

static void
progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void
draw(const struct work *w, size_t i)
{
	struct drawn *d = &w->board->drawn[i];

	d->good = graph_draw(&w->picture[i]->g, &d->size, &d->why);
	d->done = true;
	(void)atomic_fetch_add(&w->board->done, 1);
}

/* One after the other, as long as there are any and whoever began is there. */
static void
draw_some(const struct work *w, pid_t parent)
{
	size_t i;

	while (getppid() == parent && (i = atomic_fetch_add(&w->board->next, 1)) < w->n)
		draw(w, i);
}

static size_t
helpers_wanted(size_t n)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = cores < 1 ? 1 : cores < DRAWERS_MAX ? (size_t)cores : DRAWERS_MAX;

	return (n / EACH_MIN < most ? n / EACH_MIN + 1 : most) - 1;
}

static void
draw_all(const struct work *w)
{
	pid_t self = getpid(), helper[DRAWERS_MAX];
	size_t wanted = helpers_wanted(w->n), helpers = 0, i;

	(void)fflush(NULL);
	while (helpers < wanted && (helper[helpers] = fork()) >= 0) {
		if (helper[helpers] == 0) {
			draw_some(w, self);
			_exit(0);
		}
		helpers++;
	}
	progress(w);
	while ((i = atomic_fetch_add(&w->board->next, 1)) < w->n) {
		draw(w, i);
		progress(w);
	}
	for (i = 0; i < helpers; i++)
		(void)waitpid(helper[i], NULL, 0);
	for (i = 0; i < w->n; i++)
		if (!w->board->drawn[i].done)
			draw(w, i);
	progress_end();
}

size_t
drawers_draw(struct page_picture *const *picture, size_t n, struct err *e)
{
	size_t bytes = sizeof(struct board) + n * sizeof(struct drawn), failed = 0;
	struct work w = { picture, n, NULL };

	if (!librrd_load(e))	/* here, or each process would load it */
		return n;
	w.board = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w.board == MAP_FAILED) {
		err_set(e, "no memory to draw %zu pictures", n);
		return n;
	}
	draw_all(&w);
	for (size_t i = 0; i < n; i++) {
		const struct drawn *d = &w.board->drawn[i];

		if (d->good)
			picture[i]->size = d->size;
		else if (failed++ == 0)
			*e = d->why;
	}
	(void)munmap(w.board, bytes);
	return failed;
}
