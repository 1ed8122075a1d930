/* command.c - see command.h. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

#include "poison.h"

enum { ERROR_BYTES = 400, READ_BYTES = 1 << 16 };

static volatile sig_atomic_t running;	/* its process id; 0: none */

struct reading {
	void (*take)(void *arg, struct slice piece);
	void *arg;
	struct buf *said;
};

/* False: it is closed. */
static bool
take_some(struct reading *r, int fd, bool error, char *bytes)
{
	ssize_t n = read(fd, bytes, READ_BYTES);
	struct slice s = { bytes, n > 0 ? (size_t)n : 0 };

	if (n < 0 && errno == EINTR)
		return true;
	if (error)
		buf_add(r->said, slice_head(s, r->said->max - r->said->n));
	else if (s.n > 0)
		r->take(r->arg, s);
	return n > 0;
}

/* False: all of it is written, or nobody wants it. */
static bool
give_some(struct slice *in, int fd)
{
	ssize_t n = write(fd, in->p, in->n);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	*in = slice_from(*in, (size_t)n);
	return in->n > 0;
}

/* feed is closed when all of in is written. */
static void
talk(struct reading *r, int out, int err, int feed, struct slice in)
{
	struct pollfd p[3] = { { out, POLLIN, 0 }, { err, POLLIN, 0 }, { feed, POLLOUT, 0 } };
	char *bytes = xmalloc(READ_BYTES);

	if (feed >= 0)
		(void)fcntl(feed, F_SETFL, O_NONBLOCK);
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0 && p[i].revents != 0 && !take_some(r, p[i].fd, i == 1, bytes))
				p[i].fd = -1;
		if (p[2].fd >= 0 && p[2].revents != 0 && !give_some(&in, p[2].fd)) {
			close(p[2].fd);
			p[2].fd = -1;
		}
	}
	if (p[2].fd >= 0)
		close(p[2].fd);
	free(bytes);
}

/* in is -1 for nothing. */
static int
start(const char *const *argv, int in, int out, int err, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
	static char zone[] = "TZ=UTC0";
	char *const env[] = { path, language, zone, NULL };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t pipe_alone;
	int rc;

	if (posix_spawn_file_actions_init(&acts) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&acts);
		return ENOMEM;
	}
	(void)sigemptyset(&pipe_alone);		/* checks ignore it: the program shall end when nobody reads */
	(void)sigaddset(&pipe_alone, SIGPIPE);
	(void)posix_spawnattr_setsigdefault(&attr, &pipe_alone);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	if (in >= 0)
		posix_spawn_file_actions_adddup2(&acts, in, 0);
	else
		posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	posix_spawn_file_actions_adddup2(&acts, err, 2);
	rc = posix_spawn(pid, argv[0], &acts, &attr, (char *const *)(uintptr_t)argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return rc;
}

static void
close_pair(const int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static bool
make_pipe(int pair[2], int ours, struct err *e)
{
	if (pipe(pair) != 0) {
		pair[0] = pair[1] = -1;
		return err_set(e, "cannot make a pipe: %s", strerror(errno));
	}
	(void)fcntl(pair[ours], F_SETFD, FD_CLOEXEC);
	return true;
}

bool
command_feed(const char *const *argv, struct slice in, void (*take)(void *arg, struct slice piece), void *arg,
    struct buf *said, int *status, struct err *e)
{
	struct reading r = { take, arg, said };
	int feed[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, rc;
	pid_t pid;

	if (!make_pipe(out, 0, e) || !make_pipe(err, 0, e) || (in.n > 0 && !make_pipe(feed, 1, e))) {
		close_pair(out);
		close_pair(err);
		return false;
	}
	rc = start(argv, feed[0], out[1], err[1], &pid);
	close(out[1]);
	close(err[1]);
	if (feed[0] >= 0)
		close(feed[0]);
	if (rc == 0) {
		running = pid;
		talk(&r, out[0], err[0], feed[1], in);
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
		running = 0;
	} else if (feed[1] >= 0) {
		close(feed[1]);
	}
	close(out[0]);
	close(err[0]);
	return rc == 0 || err_set(e, "cannot run %s: %s", argv[0], strerror(rc));
}

void
command_end(void)
{
	if (running > 0)
		(void)kill((pid_t)running, SIGKILL);
}

bool
command_run(const char *const *argv, void (*take)(void *arg, struct slice piece), void *arg,
    struct buf *said, int *status, struct err *e)
{
	return command_feed(argv, (struct slice){ NULL, 0 }, take, arg, said, status, e);
}

bool
command_failed(struct err *e, const char *program, struct slice said, int status)
{
	struct slice line;

	if (said.n > 0 && slice_cut(&said, '\n', &line))
		said = line;
	if (said.n > 0)
		return err_set(e, "%s says: %.*s", program, (int)said.n, said.p);
	return err_set(e, "%s failed with status %d", program,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void
add_piece(void *arg, struct slice piece)
{
	buf_add(arg, piece);
}

bool
command_read(const char *const *argv, struct buf *out, struct err *e)
{
	struct buf said = buf_new(ERROR_BYTES);
	int status = 0;
	bool good = command_run(argv, add_piece, out, &said, &status, e);

	if (good && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		good = command_failed(e, argv[0], buf_slice(&said), status);
	else if (good && out->full)
		good = err_set(e, "%s says more than %zu bytes", argv[0], out->max);
	buf_free(&said);
	return good;
}

void
command_words(const char *text, const char *const *more, const char *argv[COMMAND_WORDS])
{
	struct slice rest = slice_of(text), word;
	size_t n = 0;

	while (n < COMMAND_WORDS - 1 && slice_next(&rest, ' ', &word)) {
		if (word.n > 0)
			argv[n++] = xslicedup(word);
	}
	for (; *more != NULL && n < COMMAND_WORDS - 1; more++)
		argv[n++] = *more;
	argv[n] = NULL;
}
