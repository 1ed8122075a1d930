/* daemon.c - the loop of mxgauged: read, commit each second, draw each minute.
 *
 * A commit changes a few bytes in each of ten pages, which a disk gets whole: where few lines
 * come, they gather for some seconds. The first after a pause does not wait.
 * One thread. Reading and drawing are done in short bouts, so that signals and timers are never
 * kept waiting. While a commit fails (mostly a full disk) nothing more is read, so
 * that memory stays small; the same commit is tried again each time. */
#include "daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "configured.h"
#include "drawing.h"
#include "ingest.h"
#include "mem.h"
#include "message.h"
#include "notify.h"
#include "plural.h"
#include "queues.h"
#include "reading.h"
#include "server.h"

/* behind ours: its macro EV_TIMEOUT and the event of that name do not get along */
#include <event2/event.h>

#include "poison.h"

enum {
	BOUT_LINES = 2000, SIGNALS_N = 4,
	GATHER_US = 100000,
	MANY_LINES = 500,	/* are committed each commit_interval, fewer each commit_wait */
	BEAT_S = 30,		/* a commit so often also when nothing came: it says that we live */
	ALIVE_S = 10		/* and so often we say it to the manager of services */
};

struct daemon {
	struct config *config;
	const char *path;
	const char *const (*alias)[2];
	struct ingest *in;
	struct reading *reading;
	struct server *server;
	struct drawing *drawing;
	struct queues *queues;		/* NULL: none are counted */
	struct event_base *base;
	struct event *more, *watch, *look_at, *commit_at, *beat_at, *alive_at, *signal[SIGNALS_N];
	struct fault commit_fault;
	bool paused;		/* a commit failed */
	bool caught_up;		/* once, since all was opened */
	uint64_t lines;		/* before the last reload */
	int64_t started_at, committed_at;
	int sensor;
	bool told_gave_up;	/* of this configuration's rules */
	int status;
};

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

/* Since the start. */
static uint64_t
lines_read(const struct daemon *d)
{
	return d->lines + (d->in != NULL ? ingest_totals(d->in)->lines : 0);
}

/* In the words of "systemctl status". */
static void
tell_manager(const struct daemon *d)
{
	uint64_t lines = lines_read(d);
	char status[200];

	(void)snprintf(status, sizeof status, "%" PRIu64 " %s read since the start%s%s", lines,
	    PLURAL(lines, "line", "lines"),
	    d->paused ? "; the state cannot be written, reading pauses" : "",
	    drawing_fails(d->drawing) ? "; the RRDs cannot be written" : "");
	notify_alive(status);
}

/* --- what a configuration opens ------------------------------------------------- */

static void
close_all(struct daemon *d)
{
	if (d->watch != NULL)
		event_free(d->watch);
	d->watch = NULL;
	drawing_close(d->drawing);
	reading_close(d->reading);
	d->reading = NULL;
	server_leave(d->server);
	queues_open(d->queues, NULL, NULL);
	d->caught_up = false;
	if (d->in != NULL)
		d->lines += ingest_totals(d->in)->lines;
	ingest_close(d->in);
	d->in = NULL;
}

/* A state that is opened again knows nothing of what was said before. */
static void
introduce(struct daemon *d, const struct config *c)
{
	struct state *s = ingest_state(d->in);

	state_say(s, "started_at", d->started_at);
	state_say_text(s, "version", MX_VERSION);
	state_say_text(s, "graph_url", c->graph_url);
	state_say(s, "queue_wanted", 0);	/* says otherwise, if there are any */
	state_say(s, "queue_failed_since", 0);
	queues_open(d->queues, c, d->in);
}

/* The state's share of its file system is a limit like others. */
static void
tell_disk(struct daemon *d)
{
	struct statvfs fs;

	if (statvfs(d->config->state, &fs) == 0 && fs.f_frsize > 0)
		state_limit(ingest_state(d->in), "disk", (int64_t)((fs.f_blocks - fs.f_bavail) * fs.f_frsize),
		    (int64_t)(fs.f_blocks * fs.f_frsize), fs.f_bavail == 0, now_s());
}

static void on_watch(evutil_socket_t fd, short what, void *arg);

static bool
open_all(struct daemon *d, struct config *c, struct err *e)
{
	const struct ingest_settings set = ingest_configured(c);

	d->in = ingest_open(c->state, &set, e);
	if (d->in == NULL)
		return false;
	if (drawing_open(d->drawing, c, d->in, e))
		d->reading = reading_open(c, d->in, e);
	if (d->reading == NULL || !server_open(d->server, c, d->in, e)) {
		close_all(d);
		return false;
	}
	introduce(d, c);
	if (reading_fd(d->reading) >= 0) {
		d->watch = event_new(d->base, reading_fd(d->reading), EV_READ, on_watch, d);
		(void)event_add(d->watch, NULL);
	}
	return true;
}

/* --- the three things it does --------------------------------------------------- */

/* Once for a configuration: a text that makes a rule give up may come a thousand times. */
static void
look_at_rules(struct daemon *d, const struct config *c)
{
	const char *name;

	if (d->told_gave_up || c->words == NULL || sitewords_gave_up(c->words, &name) == 0)
		return;
	message(MSG_reason_gave_up, "reason \"%s\"", name);
	d->told_gave_up = true;
}

static void
give_up(void *arg, const struct err *e)
{
	struct daemon *d = arg;

	message(MSG_state_failed, "%s", e->text);
	d->status = 1;
	event_base_loopbreak(d->base);
}

static bool
commit(struct daemon *d, bool last)
{
	struct err e;
	bool dirty = ingest_dirty(d->in);

	ingest_clock(d->in, now_s());
	reading_remember(d->reading, now_s());
	state_say(ingest_state(d->in), "beat_at", now_s());
	server_remember(d->server, now_s());
	if (!ingest_commit(d->in, last, &e)) {
		if (state_replaced(ingest_state(d->in))) {
			give_up(d, &e);
			return false;
		}
		fault_met(&d->commit_fault, now_s(), e.text);
		d->paused = true;
		server_pause(d->server);
		return false;
	}
	reading_committed(d->reading);
	server_committed(d->server);
	look_at_rules(d, d->config);
	fault_over(&d->commit_fault, now_s());
	d->paused = false;
	d->committed_at = now_s();
	if (dirty)
		drawing_committed(d->drawing);
	message(MSG_committed, "%" PRIu64 " %s", lines_read(d), PLURAL(lines_read(d), "line", "lines"));
	return true;
}

static void
commit_now(void *arg)
{
	(void)commit(arg, false);
}

static bool
commit_all(void *arg)
{
	return commit(arg, true);
}

static void
still_alive(void *arg)
{
	tell_manager(arg);
}

/* One bout. If there is more, the loop comes back here by a timer of no time, which
 * lets it look at signals and other timers first; event_active() would not. */
static void
read_on(struct daemon *d)
{
	struct err e;
	int more;

	if (d->paused || d->status != 0)
		return;
	ingest_clock(d->in, now_s());
	/* what is taken back is all of later: nothing that is read now must be among it */
	if (state_disowning(ingest_state(d->in)) && !commit(d, false))
		return;
	more = reading_some(d->reading, BOUT_LINES, &e);
	if (more < 0) {
		give_up(d, &e);
		return;
	}
	if (ingest_full(d->in))
		(void)commit(d, false);
	if (more > 0)
		(void)event_add(d->more, &(struct timeval){ 0 });
	else
		d->caught_up = true;
}

/* Look what has become of the files. Of those that are new it must be known that we began with
 * them before they are read. */
static void
look(struct daemon *d)
{
	reading_look(d->reading);
	if (!d->paused && reading_opened(d->reading))
		(void)commit(d, false);
}

/* --- what the loop calls ----------------------------------------------------------- */

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_on(arg);
}

/* Waking for each line would cost more than the line: gather a little first. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	(void)event_add(d->look_at, &(struct timeval){ .tv_usec = GATHER_US });
}

static void
on_look_time(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	look(d);
	if (d->watch != NULL)
		(void)event_add(d->watch, NULL);
	read_on(d);
}

static bool
commit_is_due(const struct daemon *d)
{
	int64_t since = now_s() - d->committed_at;

	if (!ingest_dirty(d->in))
		return d->paused;
	return d->paused || since < 0 || since >= d->config->commit_wait ||
	    ingest_uncommitted(d->in) >= MANY_LINES || server_awaited(d->server);
}

/* Also looks at the files, because not every change is told (network file systems). */
static void
on_commit_time(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	bool waited = d->paused;

	(void)fd;
	(void)what;
	look(d);
	read_on(d);
	if (d->status == 0)
		server_tick(d->server, now_s());
	if (d->status == 0 && d->caught_up && !d->paused)
		queues_tick(d->queues, now_s());
	if (d->status == 0 && commit_is_due(d) && commit(d, false) && waited)
		read_on(d);
}

static void
on_alive_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_manager(arg);
}

/* Each half of BEAT_S, so that a beat is never much older than that. */
static void
on_beat_time(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	int64_t since = now_s() - d->committed_at;

	(void)fd;
	(void)what;
	tell_disk(d);
	if (d->status == 0 && (since < 0 || since >= BEAT_S / 2))	/* below 0: the clock was set back */
		(void)commit(d, false);
}

static void
set_timer_us(struct event *e, int64_t us)
{
	(void)event_add(e, &(struct timeval){ (time_t)(us / 1000000), (suseconds_t)(us % 1000000) });
}

static void
set_timer(struct event *e, int64_t seconds)
{
	set_timer_us(e, seconds * 1000000);
}

static void
start_timers(struct daemon *d)
{
	set_timer(d->commit_at, d->config->commit_interval);
	set_timer(d->beat_at, BEAT_S / 2);
	set_timer_us(d->alive_at, notify_every_us((int64_t)ALIVE_S * 1000000));
	event_active(d->look_at, EV_TIMEOUT, 0);
}

/* These cannot change while the state is open; account, rights and log were settled at the start. */
static void
keep_fixed(struct daemon *d, struct config *c)
{
	const struct { const char *name; const char **new, *old; } fixed[] = {
		{ "state", &c->state, d->config->state }, { "user", &c->user, d->config->user },
		{ "group", &c->group, d->config->group }, { "confine", &c->confine, d->config->confine },
		{ "log_to", &c->log_to, d->config->log_to }
	};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		if (strcmp(*fixed[i].new, fixed[i].old) == 0)
			continue;
		message(MSG_reload_restart, "%s = %s", fixed[i].name, *fixed[i].new);
		*fixed[i].new = arena_strdup(&c->arena, slice_of(fixed[i].old));
	}
}

static bool
same_list(const struct config_list *a, const struct config_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return a->n == b->n;
}

/* The sensor has those of the start. */
static void
keep_queues(struct daemon *d, struct config *c)
{
	const struct config *old = d->config;

	if (!same_list(&c->queues, &old->queues))
		message(MSG_reload_restart, "queues");
	if (c->queue_sample != old->queue_sample)
		message(MSG_reload_restart, "queue_sample = %" PRId64, c->queue_sample);
	if (strcmp(c->queue_ask, old->queue_ask) != 0)
		message(MSG_reload_restart, "queue_ask = %s", c->queue_ask);
}

/* Read the configuration anew. All is committed before, so that opening again goes
 * on exactly where it was; if the new one cannot be opened, the old one is. */
static void
reload(struct daemon *d)
{
	struct buf faults = buf_new(1 << 20);
	struct config *c = config_read(d->path, &faults);
	struct err e;

	message_lines(MSG_config_fault, buf_slice(&faults));
	buf_free(&faults);
	if (c == NULL || !commit(d, true)) {
		message(MSG_reload_kept, "%s", d->path);
		config_free(c);
		return;
	}
	keep_fixed(d, c);
	keep_queues(d, c);
	close_all(d);
	if (open_all(d, c, &e)) {
		config_free(d->config);
		d->config = c;
		d->told_gave_up = false;
		message_level(c->log_level);
		message(MSG_reloaded, "%s", d->path);
	} else {
		message(MSG_reload_kept, "%s", e.text);
		config_free(c);
		if (!open_all(d, d->config, &e)) {
			message(MSG_loop_failed, "%s", e.text);
			d->status = 1;
			event_base_loopbreak(d->base);
			return;
		}
	}
	start_timers(d);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (sig == SIGHUP) {
		notify_reloading();
		reload(d);
		notify("READY=1");
		tell_manager(d);
	} else if (sig == SIGUSR1) {
		message(MSG_numbers, "%" PRIu64 " %s in %" PRId64 " s%s", lines_read(d),
		    PLURAL(lines_read(d), "line", "lines"), now_s() - d->started_at,
		    d->paused ? ", reading pauses" : "");
	} else {
		event_base_loopbreak(d->base);
	}
}

/* --- beginning and end ---------------------------------------------------------------- */

static bool
make_events(struct daemon *d)
{
	static const int signals[SIGNALS_N] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct server_hooks hooks = { commit_now, give_up, d };
	struct drawing_hooks draws = { commit_all, still_alive, d };

	d->base = event_base_new();
	if (d->base == NULL)
		return false;
	d->more = event_new(d->base, -1, 0, on_more, d);
	d->look_at = event_new(d->base, -1, 0, on_look_time, d);
	d->commit_at = event_new(d->base, -1, EV_PERSIST, on_commit_time, d);
	d->beat_at = event_new(d->base, -1, EV_PERSIST, on_beat_time, d);
	d->alive_at = event_new(d->base, -1, EV_PERSIST, on_alive_time, d);
	for (size_t i = 0; i < SIGNALS_N; i++) {
		d->signal[i] = evsignal_new(d->base, signals[i], on_signal, d);
		if (d->signal[i] == NULL || event_add(d->signal[i], NULL) != 0)
			return false;
	}
	d->server = server_new(d->base, &hooks);
	d->drawing = drawing_new(d->base, &draws);
	d->queues = queues_new(d->base, d->sensor);
	return d->drawing != NULL && d->more != NULL && d->look_at != NULL && d->commit_at != NULL &&
	    d->beat_at != NULL && d->alive_at != NULL;
}

static void
free_events(struct daemon *d)
{
	struct event *all[] = { d->more, d->look_at, d->commit_at, d->beat_at, d->alive_at };

	server_free(d->server);
	queues_free(d->queues);
	drawing_free(d->drawing);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i] != NULL)
			event_free(all[i]);
	}
	for (size_t i = 0; i < SIGNALS_N; i++) {
		if (d->signal[i] != NULL)
			event_free(d->signal[i]);
	}
	if (d->base != NULL)
		event_base_free(d->base);
}

/* Until a signal says stop; then commit, and draw what is there. */
static void
run(struct daemon *d)
{
	if (event_base_dispatch(d->base) < 0) {
		message(MSG_loop_failed, "%s", strerror(errno));
		d->status = 1;
	}
	notify("STOPPING=1");
	if (d->in == NULL || d->status != 0)
		return;		/* what is not committed is read again next time */
	server_drain(d->server);
	if (!commit(d, true)) {
		d->status = 1;
		return;
	}
	drawing_last(d->drawing);
	message(MSG_stopped, "%" PRIu64 " %s read", lines_read(d), PLURAL(lines_read(d), "line was", "lines were"));
}

int
daemon_run(struct config *c, const char *path, int sensor, void (*running)(void))
{
	struct daemon d = { .config = c, .path = path, .started_at = now_s(), .sensor = sensor,
		.commit_fault = { .id = MSG_commit_failed } };
	struct err e = { "the event loop cannot be made" };

	if (make_events(&d) && open_all(&d, c, &e)) {
		look(&d);
		(void)commit(&d, false);	/* who is told that it runs finds it alive */
		running();
		message(MSG_started, "state %s, %zu source%s", c->state, c->nsources,
		    PLURAL(c->nsources, "", "s"));
		start_timers(&d);
		run(&d);
	} else {
		message(MSG_cannot_start, "%s", e.text);
		d.status = 1;
	}
	close_all(&d);
	free_events(&d);
	config_free(d.config);
	return d.status;
}
