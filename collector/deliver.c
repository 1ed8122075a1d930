/* deliver.c - see deliver.h.
 *
 * What the process says are records of one size, smaller than what a pipe takes at once, so that each is
 * there whole or not at all. It inherits the spool's lock and holds it until it ends: a runner that was
 * killed leaves it behind, and the next one waits for it, lest old results come after new ones. */
#include "deliver_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

/* behind ours: its macro EV_TIMEOUT and the event of that name do not get along */
#include <event2/event.h>

#include "poison.h"

enum { TAKEN = 't', REFUSED = 'r', FAILED = 'f', GRACE_S = 2 };

struct record {
	int32_t verdict, index;
	char why[DELIVER_SAID];
};

struct delivery {
	pid_t pid;
	int fd;
	struct event *readable, *late;
	const struct config_monitor *m;
	bool was_late;
	int64_t id[DELIVER_MOST];
	bool said[DELIVER_MOST];
	size_t n;
	struct delivered what;
	void (*done)(void *arg, const struct delivered *d);
	void *arg;
};

/* --- in the process --------------------------------------------------------------------- */

static void
say(const struct deliver_to *to, int verdict, size_t i, const char *why)
{
	struct record r = { .verdict = verdict, .index = (int32_t)i };

	(void)snprintf(r.why, sizeof r.why, "%s", why);
	while (write(to->fd, &r, sizeof r) < 0)
		if (errno != EINTR)
			_exit(1);	/* nobody listens any more */
}

void
deliver_taken(const struct deliver_to *to, size_t i)
{
	say(to, TAKEN, i, "");
}

void
deliver_all(const struct deliver_to *to)
{
	for (size_t i = 0; i < to->n; i++)
		say(to, TAKEN, i, "");
}

void
deliver_refused(const struct deliver_to *to, size_t i, struct slice why)
{
	const struct result *r = &to->batch[i].r;
	struct buf b = buf_new(DELIVER_SAID);

	buf_fmt(&b, "%.60s%s%.60s: ", r->host, r->service[0] != '\0' ? ", " : "", r->service);
	buf_clean(&b, why, DELIVER_SAID - b.n - 1);
	say(to, REFUSED, i, b.p);
	buf_free(&b);
}

void
deliver_failed(const struct deliver_to *to, const char *fmt, ...)
{
	char text[DELIVER_SAID];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(to, FAILED, 0, text);
}

size_t
deliver_text_bytes(const struct config_monitor *m, size_t usual)
{
	return m->text_bytes > 0 ? (size_t)m->text_bytes : usual;
}

static _Noreturn void
child(const struct config_monitor *m, const struct deliver_to *to, double until)
{
	static const struct {
		const char *type;
		void (*deliver)(const struct config_monitor *m, const struct deliver_to *to, double until);
	} types[] = {
		{ "nagios", deliver_nagios }, { "nsca", deliver_nsca }, { "nrdp", deliver_nrdp },
		{ "icinga2", deliver_icinga2 }
	};
	struct sigaction usual = { .sa_handler = SIG_DFL }, ignored = { .sa_handler = SIG_IGN };
	sigset_t none;

	(void)setpgid(0, 0);
	for (int s = 1; s < 32; s++)
		(void)sigaction(s, &usual, NULL);
	(void)sigaction(SIGPIPE, &ignored, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)alarm((unsigned)m->timeout + 2 * GRACE_S);	/* should the runner not live to kill us */
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].type, m->type) == 0)
			types[i].deliver(m, to, until);
	_exit(0);
}

/* --- in the runner ----------------------------------------------------------------------- */

static void
take(struct delivery *d, const struct record *r)
{
	struct delivered *w = &d->what;

	if (r->verdict == FAILED) {
		(void)snprintf(w->why, sizeof w->why, "%.*s", DELIVER_SAID - 1, r->why);
		return;
	}
	if (r->index < 0 || (size_t)r->index >= d->n || d->said[r->index])
		return;
	d->said[r->index] = true;
	if (r->verdict == TAKEN) {
		w->taken[w->ntaken++] = d->id[r->index];
	} else {
		w->refused[w->nrefused++] = d->id[r->index];
		(void)snprintf(w->refused_why, sizeof w->refused_why, "%.*s", DELIVER_SAID - 1, r->why);
	}
}

static void
read_on(struct delivery *d)
{
	struct record r;
	ssize_t n;

	while ((n = read(d->fd, &r, sizeof r)) == (ssize_t)sizeof r || (n < 0 && errno == EINTR))
		if (n > 0)
			take(d, &r);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		(void)event_del(d->readable);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_on(arg);
}

void
deliver_kill(struct delivery *d)
{
	d->was_late = true;
	(void)kill(-d->pid, SIGKILL);
	(void)kill(d->pid, SIGKILL);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	deliver_kill(arg);
}

void
deliver_look(struct delivery *d)
{
	struct delivered *w = &d->what;
	int status;

	if (waitpid(d->pid, &status, WNOHANG) != d->pid)
		return;
	read_on(d);
	/* one that told some and ends well may leave the others for the next time */
	w->failed = w->ntaken + w->nrefused < d->n && (w->why[0] != '\0' || w->ntaken == 0 || d->was_late ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != 0);
	if (w->failed && w->why[0] == '\0') {
		if (d->was_late)
			(void)snprintf(w->why, sizeof w->why, "took longer than %" PRId64 " s", d->m->timeout);
		else
			(void)snprintf(w->why, sizeof w->why, "who tells it %s %d", WIFSIGNALED(status) ?
			    "was ended by signal" : "ended with status",
			    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	event_free(d->readable);
	event_free(d->late);
	close(d->fd);
	d->done(d->arg, w);
	free(d);
}

/* No signal reaches the child as long as it has our handlers. */
static pid_t
fork_quietly(void)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid != 0)
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

struct delivery *
deliver_start(struct event_base *base, const struct config_monitor *m, const struct spooled *batch, size_t n,
    void (*done)(void *arg, const struct delivered *d), void *arg, struct err *e)
{
	struct delivery *d;
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0) {
		(void)err_set(e, "make a pipe: %s", strerror(errno));
		return NULL;
	}
	for (int i = 0; i < 2; i++)
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	pid = fork_quietly();
	if (pid == 0) {
		close(fds[0]);
		child(m, &(struct deliver_to){ fds[1], batch, n }, clock_now() + (double)m->timeout);
	}
	close(fds[1]);
	if (pid < 0) {
		(void)err_set(e, "start a process: %s", strerror(errno));
		close(fds[0]);
		return NULL;
	}
	(void)setpgid(pid, pid);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	d = xcalloc(1, sizeof *d);
	d->pid = pid;
	d->fd = fds[0];
	d->m = m;
	d->n = n;
	d->done = done;
	d->arg = arg;
	for (size_t i = 0; i < n; i++)
		d->id[i] = batch[i].id;
	d->readable = event_new(base, d->fd, EV_READ | EV_PERSIST, on_readable, d);
	d->late = event_new(base, -1, 0, on_late, d);
	(void)event_add(d->readable, NULL);
	(void)event_add(d->late, &(struct timeval){ .tv_sec = (time_t)m->timeout + GRACE_S });
	return d;
}
