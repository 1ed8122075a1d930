/* checkrun.c - see checkrun.h.
 *
 * It has ended when its process has, even if something that it left behind holds its output open. What it
 * prints beyond some kilobytes is read and dropped, so that it never waits for us. Its environment is
 * ours, so that a unit's Environment= reaches it, without what the service manager told us alone. */
#define _GNU_SOURCE	/* environ, without which nothing is handed on */
#include "checkrun.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "mem.h"

/* behind ours: its macro EV_TIMEOUT and the event of that name do not get along */
#include <event2/event.h>

#include "poison.h"

enum { PRINTED_BYTES = 1 << 16, READ_BYTES = 1 << 14, ENV_MAX = 1000 };

struct checkrun {
	const struct config_passive *c;
	pid_t pid;		/* 0: it could not be started */
	int fd;			/* -1: closed */
	struct event *readable, *late;
	bool was_late;
	int64_t begun;
	struct buf printed;
	struct err why;		/* it could not be started */
	void (*done)(void *arg, const struct result *r);
	void *arg;
};

static void
dispose(struct checkrun *run)
{
	if (run->readable != NULL)
		event_free(run->readable);
	if (run->late != NULL)
		event_free(run->late);
	if (run->fd >= 0)
		close(run->fd);
	buf_free(&run->printed);
	free(run);
}

/* Whatever it started, and itself in case that it left its group. */
static void
kill_all(const struct checkrun *run)
{
	(void)kill(-run->pid, SIGKILL);
	(void)kill(run->pid, SIGKILL);
}

static void
stop_reading(struct checkrun *run)
{
	if (run->fd < 0)
		return;
	(void)event_del(run->readable);
	close(run->fd);
	run->fd = -1;
}

/* All that is there now. */
static void
read_on(struct checkrun *run)
{
	static char bytes[READ_BYTES];
	ssize_t n;

	while (run->fd >= 0 && (n = read(run->fd, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		buf_add(&run->printed, slice_head((struct slice){ bytes, (size_t)n },
		    run->printed.max - run->printed.n));
	}
	stop_reading(run);
}

/* --- its result ------------------------------------------------------------------------- */

/* What is to be said before what it printed; empty if all is as it should be. */
static int
judge(const struct checkrun *run, int status, struct buf *says)
{
	const char *name = run->c->command.item[0];

	if (run->pid == 0)
		buf_str(says, run->why.text);
	else if (run->was_late)
		buf_fmt(says, "%s took longer than %" PRId64 " s and was killed", name, run->c->timeout);
	else if (WIFSIGNALED(status))
		buf_fmt(says, "%s was ended by signal %d", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) > RESULT_UNKNOWN)
		buf_fmt(says, "%s ended with status %d, which is none of a check", name, WEXITSTATUS(status));
	else if (run->printed.n == 0)
		buf_fmt(says, "%s said nothing", name);
	return run->pid != 0 && !run->was_late && WIFEXITED(status) && WEXITSTATUS(status) <= RESULT_UNKNOWN ?
	    WEXITSTATUS(status) : RESULT_UNKNOWN;
}

static void
finish(struct checkrun *run, int status)
{
	struct buf all = buf_new(2 * PRINTED_BYTES), text = buf_new(RESULT_TEXT_MAX);
	bool host = strcmp(run->c->kind, "host") == 0;
	struct result r = { .host = run->c->host, .service = host ? "" : run->c->service, .begun = run->begun,
		.at = (int64_t)time(NULL) };

	r.state = judge(run, status, &all);
	if (host)
		r.state = r.state == RESULT_OK ? 0 : 1;
	if (all.n > 0)
		buf_char(&all, '\n');
	buf_add(&all, buf_slice(&run->printed));
	result_clean(&text, buf_slice(&all));
	r.text = text.p != NULL ? text.p : "";
	run->done(run->arg, &r);
	buf_free(&all);
	buf_free(&text);
	dispose(run);
}

/* --- what the loop calls ------------------------------------------------------------------ */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_on(arg);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct checkrun *run = arg;

	(void)fd;
	(void)what;
	if (run->pid == 0) {
		finish(run, 0);
		return;
	}
	run->was_late = true;
	kill_all(run);	/* SIGCHLD tells when it has ended */
}

void
checkrun_look(struct checkrun *run)
{
	int status;

	if (run->pid == 0 || waitpid(run->pid, &status, WNOHANG) != run->pid)
		return;
	read_on(run);
	finish(run, status);
}

void
checkrun_stop(struct checkrun *run)
{
	if (run->pid != 0) {
		kill_all(run);
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	dispose(run);
}

/* --- starting ----------------------------------------------------------------------------- */

static void
environment(char *env[ENV_MAX + 1])
{
	static const struct slice ours[] = { { "NOTIFY_SOCKET=", 14 }, { "WATCHDOG_", 9 },
		{ "JOURNAL_STREAM=", 15 }, { "LISTEN_", 7 } };
	size_t n = 0;

	for (char **e = environ; *e != NULL && n < ENV_MAX; e++) {
		bool hand_on = true;

		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			hand_on = hand_on && !slice_starts(slice_of(*e), ours[i]);
		if (hand_on)
			env[n++] = *e;
	}
	env[n] = NULL;
}

static int
spawn(struct checkrun *run, int out)
{
	const char **argv = xcalloc(run->c->command.n + 1, sizeof *argv);
	char *env[ENV_MAX + 1];
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int rc;

	for (size_t i = 0; i < run->c->command.n; i++)
		argv[i] = run->c->command.item[i];
	environment(env);
	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&acts) != 0 || posix_spawnattr_init(&attr) != 0) {
		free(argv);
		return ENOMEM;
	}
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn(&run->pid, argv[0], &acts, &attr, (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	free(argv);
	return rc;
}

struct checkrun *
checkrun_start(struct event_base *base, const struct config_passive *c,
    void (*done)(void *arg, const struct result *r), void *arg)
{
	struct checkrun *run = xcalloc(1, sizeof *run);
	int fds[2] = { -1, -1 }, rc;

	*run = (struct checkrun){ .c = c, .fd = -1, .begun = (int64_t)time(NULL), .done = done, .arg = arg,
		.printed = buf_new(PRINTED_BYTES) };
	rc = pipe(fds) != 0 ? errno : 0;
	for (int i = 0; rc == 0 && i < 2; i++)
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	if (rc == 0)
		rc = spawn(run, fds[1]);
	if (fds[1] >= 0)
		close(fds[1]);
	run->fd = fds[0];
	run->late = event_new(base, -1, 0, on_late, run);
	if (rc != 0) {
		run->pid = 0;
		(void)err_set(&run->why, "cannot run %s: %s", c->command.item[0], strerror(rc));
		(void)event_add(run->late, &(struct timeval){ 0 });
		return run;
	}
	(void)fcntl(run->fd, F_SETFL, O_NONBLOCK);
	run->readable = event_new(base, run->fd, EV_READ | EV_PERSIST, on_readable, run);
	(void)event_add(run->readable, NULL);
	(void)event_add(run->late, &(struct timeval){ .tv_sec = (time_t)c->timeout });
	return run;
}
