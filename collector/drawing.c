/* drawing.c - see drawing.h. */
#include "drawing.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "draw.h"
#include "mem.h"
#include "message.h"

/* behind ours: its macro EV_TIMEOUT and the event of that name do not get along */
#include <event2/event.h>

#include "poison.h"

enum {
	BOUT_MS = 50,
	LAST_MS = 30000,
	CACHED_WAIT_MS = 10000,	/* that long a slow rrdcached may hold up reading, a minute */
	FIRST_S = 60,		/* the first round does not wait for longer */
	REWRITE_EVERY_S = 300	/* a late line now and then must not redraw the past each time: megabytes */
};

struct drawing {
	struct drawing_hooks hooks;
	struct event *at, *more;
	int64_t interval_s;
	struct ingest *in;
	struct draw *draw;	/* NULL: closed */
	bool news;		/* something was committed since the last round began */
	struct fault fault;
	int64_t failed_since;
};

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

static int64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
note(void *arg, const char *sentence)
{
	(void)arg;
	message(MSG_rrd_note, "%s", sentence);
}

/* --- a round ------------------------------------------------------------------------- */

/* Hosts, one after the other, for a bout. False: none was left. */
static bool
bout(struct drawing *g)
{
	int64_t until = clock_ms() + BOUT_MS;

	do {
		if (!draw_step(g->draw, now_s()))
			return false;
	} while (clock_ms() < until);
	return true;
}

static void
failed(struct drawing *g, const struct err *e)
{
	fault_met(&g->fault, now_s(), e->text);
	if (g->failed_since == 0)
		g->failed_since = now_s();
	state_say(ingest_state(g->in), "rrd_failed_since", g->failed_since);
}

static void
finish(struct drawing *g)
{
	struct err e;

	if (!draw_end(g->draw, g->in, &e)) {
		failed(g, &e);
		return;
	}
	fault_over(&g->fault, now_s());
	g->failed_since = 0;
	state_say(ingest_state(g->in), "rrd_failed_since", 0);
	state_say(ingest_state(g->in), "rrd_written_at", now_s());
}

static void
go_on(struct drawing *g)
{
	if (bout(g))
		(void)event_add(g->more, &(struct timeval){ 0 });
	else
		finish(g);
}

static bool
start(struct drawing *g)
{
	struct err e;

	if (g->news && !g->hooks.commit(g->hooks.arg))
		return false;
	g->news = false;
	if (draw_begin(g->draw, g->in, &e))
		return true;
	failed(g, &e);
	return false;
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct drawing *g = arg;

	(void)fd;
	(void)what;
	(void)event_add(g->at, &(struct timeval){ .tv_sec = (time_t)g->interval_s });
	if (!draw_under_way(g->draw) && start(g))
		go_on(g);
}

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* --- what the daemon calls --------------------------------------------------------------- */

struct drawing *
drawing_new(struct event_base *base, const struct drawing_hooks *hooks)
{
	struct drawing *g = xcalloc(1, sizeof *g);

	g->hooks = *hooks;
	g->fault.id = MSG_rrd_failed;
	g->at = event_new(base, -1, 0, on_time, g);
	g->more = event_new(base, -1, 0, on_more, g);
	if (g->at != NULL && g->more != NULL)
		return g;
	drawing_free(g);
	return NULL;
}

void
drawing_free(struct drawing *g)
{
	if (g == NULL)
		return;
	draw_close(g->draw);
	if (g->at != NULL)
		event_free(g->at);
	if (g->more != NULL)
		event_free(g->more);
	free(g);
}

bool
drawing_open(struct drawing *g, const struct config *c, struct ingest *in, struct err *e)
{
	struct draw_options o = {
		.state = c->state, .rrd = c->rrd_dir, .rewrite_every_s = REWRITE_EVERY_S,
		.templates = c->templates[0] == '\0' ? NULL : c->templates,
		.cached = c->rrdcached[0] == '\0' ? NULL : c->rrdcached,
		.cached_wait_ms = CACHED_WAIT_MS, .note = note
	};

	g->draw = draw_open(&o, e);
	if (g->draw == NULL)
		return false;
	g->in = in;
	state_say(ingest_state(in), "rrd_failed_since", g->failed_since);
	g->interval_s = c->rrd_interval;
	(void)event_add(g->at, &(struct timeval){
	    .tv_sec = (time_t)(c->rrd_interval < FIRST_S ? c->rrd_interval : FIRST_S) });
	return true;
}

void
drawing_close(struct drawing *g)
{
	if (g == NULL)
		return;
	(void)event_del(g->at);
	(void)event_del(g->more);
	draw_close(g->draw);
	g->draw = NULL;
	g->in = NULL;
}

void
drawing_committed(struct drawing *g)
{
	g->news = true;
}

void
drawing_last(struct drawing *g)
{
	int64_t until = clock_ms() + LAST_MS;

	if (draw_under_way(g->draw))
		(void)draw_end(g->draw, g->in, &(struct err){ "" });
	if (!start(g))
		return;
	while (bout(g) && clock_ms() < until)
		g->hooks.alive(g->hooks.arg);
	finish(g);
	(void)g->hooks.commit(g->hooks.arg);	/* that they were written is to be known, too */
}

bool
drawing_fails(const struct drawing *g)
{
	return g->failed_since != 0;
}
