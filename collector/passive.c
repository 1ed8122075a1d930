/* passive.c - see passive.h.
 *
 * One loop, a process for each check and for each delivery. Nothing is asked of the network, of a fifo or of
 * a program here, so nothing can hold the loop up but the disk. */
#include "passive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "monitors.h"
#include "near.h"
#include "notify.h"
#include "passive_priv.h"
#include "plural.h"
#include "store/account.h"

/* behind ours: its macro EV_TIMEOUT and the event of that name do not get along */
#include <event2/event.h>

#include "poison.h"

enum {
	TICK_MS = 250,
	SPREAD_S = 60,		/* the first runs of all checks take so long at most */
	ALIVE_S = 10, EXPIRE_S = 60,
	LOCK_S = 320,		/* a delivery of a runner that was killed: timeout is 5 min at most */
	LAST_S = 10		/* what is being sent when we shall end */
};

/* --- how we are ---------------------------------------------------------------------------- */

static void
tell_how(struct passive *p)
{
	char status[200];
	size_t down = 0;

	passive_status(p, false);
	for (size_t i = 0; i < p->nlines; i++)
		down += p->line[i].fault.since != 0;
	(void)snprintf(status, sizeof status, "%zu %s, %zu %s, %zu of them cannot be told", p->njobs,
	    PLURAL(p->njobs, "check", "checks"), p->nlines, PLURAL(p->nlines, "monitor", "monitors"), down);
	notify_alive(status);
}

/* --- opening and closing --------------------------------------------------------------------- */

/* check_mxgauge, as it was installed or built with us. */
static void
make_heartbeat(struct passive *p)
{
	static const char *const places[] = { "../lib/nagios/plugins/check_mxgauge", "../plugins/check_mxgauge",
		NULL };
	const struct config *c = p->config;
	size_t n = 0;

	if (!near_find(places, p->beat_path, sizeof p->beat_path))
		(void)snprintf(p->beat_path, sizeof p->beat_path, "/usr/lib/nagios/plugins/check_mxgauge");
	(void)snprintf(p->beat_dir, sizeof p->beat_dir, "%s", c->state);
	p->beat_argv[n++] = p->beat_path;
	p->beat_argv[n++] = "--state";
	p->beat_argv[n++] = p->beat_dir;
	p->beat = (struct config_passive){ .name = "heartbeat", .command = { p->beat_argv, n }, .interval = 60,
		.timeout = 20, .host = c->passive_host, .service = c->heartbeat, .kind = "service" };
}

static void
make_jobs(struct passive *p)
{
	const struct config *c = p->config;
	size_t beat = c->heartbeat[0] != '\0';
	double now = clock_now();

	make_heartbeat(p);
	p->njobs = c->npassives + beat;
	p->job = xcalloc(p->njobs + 1, sizeof *p->job);
	for (size_t i = 0; i < p->njobs; i++) {
		const struct config_passive *s = i < c->npassives ? &c->passive[i] : &p->beat;
		double spread = s->interval < SPREAD_S ? (double)s->interval : SPREAD_S;

		p->job[i] = (struct job){ .c = s, .all = p, .due = p->once || s == &p->beat ? now :
			now + spread * (double)i / (double)p->njobs };
	}
}

static bool
make_lines(struct passive *p, struct err *e)
{
	const struct config *c = p->config;
	size_t gone;

	p->line = xcalloc(c->nmonitors + 1, sizeof *p->line);
	for (size_t i = 0; i < c->nmonitors; i++) {
		struct line *l = &p->line[i];
		const struct config_monitor *m = &c->monitor[i];

		*l = (struct line){ .c = m, .all = p, .wait_s = PASSIVE_RETRY_S, .fault = { .id = MSG_monitor_failed } };
		l->id = spool_monitor(p->spool, m->name, m->spool_results, m->spool_age, e);
		if (l->id == 0 || !spool_count(p->spool, l->id, &l->count, e))
			return false;
		l->dropped_told = l->count.dropped;
		p->nlines = i + 1;
	}
	if (!spool_forget(p->spool, &gone, e))
		return false;
	if (gone > 0)
		message(MSG_results_dropped, "of %zu that the configuration does not name any more", gone);
	return true;
}

static bool
open_all(struct passive *p, struct err *e)
{
	char dir[PASSIVE_PATH];

	if (snprintf(dir, sizeof dir, "%s/passive", p->config->state) >= (int)sizeof dir)
		return err_set(e, "state: the path is too long");
	if (mkdir(p->config->state, 0750) != 0 && errno != EEXIST)
		return err_set(e, "make %s: %s", p->config->state, strerror(errno));
	if ((p->spool = spool_open(dir, p->once ? PASSIVE_RETRY_S : LOCK_S, e)) == NULL || !make_lines(p, e))
		return false;
	make_jobs(p);
	return true;
}

/* Deliveries have ended. */
static void
close_all(struct passive *p)
{
	for (size_t i = 0; i < p->njobs; i++) {
		if (p->job[i].run != NULL)
			checkrun_stop(p->job[i].run);
		passive_forget(&p->job[i]);
	}
	free(p->job);
	free(p->line);
	p->job = NULL;
	p->line = NULL;
	p->njobs = p->nlines = 0;
	spool_close(p->spool);
	p->spool = NULL;
}

static struct config *
read_config(const char *path)
{
	struct buf faults = buf_new(1 << 20);
	struct config *c = config_read(path, &faults);

	message_lines(MSG_config_fault, buf_slice(&faults));
	buf_free(&faults);
	return c;
}

static void
leave(struct passive *p, int status)
{
	p->status = status;
	event_base_loopbreak(p->base);
}

/* Who we are and where the state is stay as they are. */
static void
reload(struct passive *p)
{
	struct config *c = read_config(p->path), *before = p->config;
	struct err e;

	p->reloading = false;
	if (c != NULL && (strcmp(c->state, before->state) != 0 || strcmp(c->user, before->user) != 0)) {
		message(MSG_reload_restart, "state, user");
		config_free(c);
		c = NULL;
	}
	if (c == NULL) {
		message(MSG_reload_kept, "%s", p->path);
	} else {
		close_all(p);
		p->config = c;
		if (!open_all(p, &e)) {
			message(MSG_cannot_start, "%s", e.text);
			leave(p, 1);
		}
		config_free(before);
		message_level(c->log_level);
		message(MSG_reloaded, "%s", p->path);
	}
	notify("READY=1");
}

/* --- the loop -------------------------------------------------------------------------------- */

/* With once: is there nothing to be done any more? A monitor that failed once is not waited for. */
static bool
is_done(const struct passive *p)
{
	for (size_t i = 0; i < p->njobs; i++)
		if (!p->job[i].ran || p->job[i].unstored != NULL)
			return false;
	for (size_t i = 0; i < p->nlines; i++)
		if (p->line[i].now != NULL || (p->line[i].count.waiting > 0 && p->line[i].fault.since == 0))
			return false;
	return true;
}

static void
leave_once(struct passive *p)
{
	int status = 0;

	for (size_t i = 0; i < p->nlines; i++)
		if (p->line[i].count.waiting > 0)
			status = 1;
	leave(p, status);
}

/* The last deliveries are given some seconds. */
static void
end_soon(struct passive *p)
{
	if (passive_deliveries(p) == 0) {
		leave(p, 0);
		return;
	}
	for (size_t i = 0; clock_now() > p->end_by && i < p->nlines; i++)
		if (p->line[i].now != NULL)
			deliver_kill(p->line[i].now);
}

/* What there is to do now. */
static void
turn(struct passive *p)
{
	double now = clock_now();

	if (p->ending) {
		end_soon(p);
		return;
	}
	if (p->reloading && passive_deliveries(p) == 0)
		reload(p);
	if (p->reloading || p->spool == NULL)
		return;
	passive_check(p);
	passive_tell(p);
	if (now >= p->expire_at) {
		p->expire_at = now + EXPIRE_S;
		passive_expire(p);
	}
	if (now >= p->alive_at) {
		p->alive_at = now + ALIVE_S;
		tell_how(p);
	}
	if (p->once && is_done(p))
		leave_once(p);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turn(arg);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	passive_reap(arg);
	turn(arg);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct passive *p = arg;

	(void)what;
	if (sig == SIGHUP) {
		notify_reloading();
		p->reloading = true;
	} else if (!p->ending) {
		notify("STOPPING=1");
		p->ending = true;
		p->end_by = clock_now() + LAST_S;
		end_soon(p);
	}
}

static bool
make_events(struct passive *p)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };

	if ((p->base = event_base_new()) == NULL)
		return false;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		p->signal[i] = evsignal_new(p->base, signals[i], i == 0 ? on_child : on_signal, p);
		if (p->signal[i] == NULL || event_add(p->signal[i], NULL) != 0)
			return false;
	}
	p->tick = event_new(p->base, -1, EV_PERSIST, on_tick, p);
	return p->tick != NULL && event_add(p->tick, &(struct timeval){ .tv_usec = TICK_MS * 1000 }) == 0;
}

static void
free_events(struct passive *p)
{
	for (size_t i = 0; i < sizeof p->signal / sizeof *p->signal; i++)
		if (p->signal[i] != NULL)
			event_free(p->signal[i]);
	if (p->tick != NULL)
		event_free(p->tick);
	if (p->base != NULL)
		event_base_free(p->base);
}

static int
run(struct passive *p)
{
	struct err e;

	/* a signal still ends us at once while we wait for the spool */
	if (!open_all(p, &e)) {
		message(MSG_cannot_start, "%s", e.text);
		p->status = 1;
	} else if (!make_events(p)) {
		message(MSG_cannot_start, "the event loop cannot be made");
		p->status = 1;
	} else {
		notify("READY=1");
		message(MSG_started, "%zu %s for %zu %s", p->njobs, PLURAL(p->njobs, "check", "checks"), p->nlines,
		    PLURAL(p->nlines, "monitor", "monitors"));
		tell_how(p);
		turn(p);
		(void)event_base_dispatch(p->base);
		if (p->spool != NULL)
			passive_status(p, true);
		message(MSG_stopped, "%s", p->config->state);
	}
	close_all(p);
	free_events(p);
	return p->status;
}

int
passive_run(const char *config_path, bool once)
{
	struct passive p = { .path = config_path, .once = once, .started_at = now_s(),
		.spool_fault = { .id = MSG_spool_failed }, .refused = { .id = MSG_monitor_refused } };
	struct err e;
	int status;

	message_program("mxgauge");
	message_open(false, getenv("JOURNAL_STREAM") != NULL, "info");
	if ((p.config = read_config(config_path)) == NULL)
		return 2;
	message_level(p.config->log_level);
	if (geteuid() == 0 && p.config->user[0] == '\0')
		message(MSG_as_root, "user is not set");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(027);
	if (!account_become(p.config->user, p.config->group, &e)) {
		message(MSG_cannot_start, "%s", e.text);
		status = 1;
	} else if (p.config->nmonitors == 0) {
		message(MSG_cannot_start, "%s names no monitor", config_path);
		monitors_remove(p.config->state);
		status = 2;
	} else {
		status = run(&p);
	}
	config_free(p.config);
	return status;
}
