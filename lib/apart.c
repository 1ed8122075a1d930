/* apart.c - see apart.h. What goes through a pipe are records: a kind, four bytes of length, bytes. */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#include "poison.h"

enum { HEAD_BYTES = 5, READ_BYTES = 1 << 14, DATA = 'd', PHASE = 'p', MEMORY_BYTES = 1 << 28 };

/* --- in the child --------------------------------------------------------------------- */

static void
send_bytes(int to, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = write(to, p, n);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			_exit(1);	/* nobody listens any more */
		p += sent;
		n -= (size_t)sent;
	}
}

static void
send_record(int to, char kind, struct slice s)
{
	char head[HEAD_BYTES] = { kind };
	uint32_t n = (uint32_t)s.n;

	memcpy(head + 1, &n, sizeof n);
	send_bytes(to, head, sizeof head);
	send_bytes(to, s.p, s.n);
}

void
apart_put(int to, struct slice bytes)
{
	while (bytes.n > 0) {
		struct slice part = slice_head(bytes, READ_BYTES);

		send_record(to, DATA, part);
		bytes = slice_from(bytes, part.n);
	}
}

void
apart_phase(int to, const char *fmt, ...)
{
	char text[APART_PHASE];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	send_record(to, PHASE, slice_of(text));
}

/* A library may keep all that a peer sends. A sanitizer takes terabytes of addresses. */
static void
limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	struct rlimit most = { MEMORY_BYTES, MEMORY_BYTES };

	(void)setrlimit(RLIMIT_AS, &most);
#endif
}

/* For a parent that died before it could kill: with all that the child runs. */
static void
on_alarm(int sig)
{
	(void)sig;
	if (getpgrp() == getpid())
		(void)kill(0, SIGKILL);
	_exit(1);
}

static _Noreturn void
child(const struct apart_job *j, int to, double until)
{
	double left = until - clock_now();

	(void)setpgid(0, 0);	/* what it runs ends with it */
	limit_memory();
	(void)signal(SIGALRM, on_alarm);
	(void)signal(SIGABRT, SIG_DFL);
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGBUS, SIG_DFL);
	(void)signal(SIGFPE, SIG_DFL);
	(void)signal(SIGILL, SIG_DFL);
	(void)alarm(2 + (left > 0 ? (unsigned)left : 0));
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);	/* the answer is the parent's to give */
	j->work(j->arg, to);
	_exit(0);
}

/* --- in the parent -------------------------------------------------------------------- */

static void
start(struct apart_job *j, double until)
{
	int ends[2];

	j->said = buf_new(APART_BYTES);
	j->part = buf_new(HEAD_BYTES + 2 * READ_BYTES);
	j->phase[0] = '\0';
	j->fd = -1;
	j->end = APART_OURS;
	if (pipe(ends) != 0) {
		(void)snprintf(j->phase, sizeof j->phase, "cannot make a pipe: %s", strerror(errno));
		return;
	}
	j->pid = fork();
	if (j->pid == 0) {
		close(ends[0]);
		child(j, ends[1], until);
	}
	close(ends[1]);
	if (j->pid < 0) {
		(void)snprintf(j->phase, sizeof j->phase, "cannot make a process: %s", strerror(errno));
		close(ends[0]);
		return;
	}
	(void)setpgid(j->pid, j->pid);	/* whoever of both is first */
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	j->fd = ends[0];
	j->end = APART_DONE;
}

/* The records of part that are whole. */
static void
take_records(struct apart_job *j)
{
	struct slice s = buf_slice(&j->part), left;
	struct buf rest = buf_new(j->part.max);

	while (s.n >= HEAD_BYTES) {
		struct slice body = slice_from(s, HEAD_BYTES);
		uint32_t n;

		memcpy(&n, s.p + 1, sizeof n);
		if (n > READ_BYTES) {
			j->end = APART_DIED;	/* no record of ours: the child's memory is damaged */
			break;
		}
		if (body.n < n)
			break;
		left = slice_from(body, n);
		body = slice_head(body, n);
		if (s.p[0] == PHASE)
			(void)snprintf(j->phase, sizeof j->phase, "%.*s", (int)body.n, body.p);
		else
			buf_add(&j->said, body);
		s = left;
	}
	buf_add(&rest, s);
	buf_free(&j->part);
	j->part = rest;
	if (j->said.full)
		j->end = APART_MUCH;
}

static void
finish(struct apart_job *j, enum apart_end end)
{
	int status = 0;

	if (end != APART_DONE && kill(-j->pid, SIGKILL) != 0)
		(void)kill(j->pid, SIGKILL);
	close(j->fd);
	j->fd = -1;
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	j->end = end == APART_DONE && !(WIFEXITED(status) && WEXITSTATUS(status) == 0) ? APART_DIED : end;
	buf_free(&j->part);
}

static void
receive(struct apart_job *j)
{
	char bytes[READ_BYTES];
	ssize_t n = read(j->fd, bytes, sizeof bytes);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		finish(j, j->end);
		return;
	}
	buf_add(&j->part, (struct slice){ bytes, (size_t)n });
	take_records(j);
	if (j->end != APART_DONE)
		finish(j, j->end);
}

/* Returns how many still run. */
static size_t
wait_for(struct apart_job *jobs, size_t n, double left)
{
	struct pollfd p[APART_JOBS];
	size_t running = 0;

	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){ jobs[i].fd, POLLIN, 0 };
		running += jobs[i].fd >= 0;
	}
	if (running == 0 || left <= 0 || poll(p, (nfds_t)n, (int)(left * 1000) + 1) <= 0)
		return running;
	for (size_t i = 0; i < n; i++) {
		if (p[i].fd < 0 || p[i].revents == 0)
			continue;
		receive(&jobs[i]);
		running -= jobs[i].fd < 0;
	}
	return running;
}

void
apart_run(struct apart_job *jobs, size_t n, double until)
{
	double left;

	if (n > APART_JOBS)
		n = APART_JOBS;
	for (size_t i = 0; i < n; i++)
		start(&jobs[i], until);
	do
		left = until - clock_now();
	while (wait_for(jobs, n, left) > 0 && left > 0);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].fd >= 0)
			finish(&jobs[i], APART_LATE);
}
