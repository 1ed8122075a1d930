/* command.c - see command.h. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

#include "poison.h"

enum { ERROR_BYTES = 400, READ_BYTES = 1 << 16 };

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

static void
read_both(struct reading *r, int out, int err)
{
	struct pollfd p[2] = { { out, POLLIN, 0 }, { err, POLLIN, 0 } };
	char *bytes = xmalloc(READ_BYTES);

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0 && p[i].revents != 0 && !take_some(r, p[i].fd, i == 1, bytes))
				p[i].fd = -1;
	}
	free(bytes);
}

static int
start(const char *const *argv, int out, int err, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
	static char zone[] = "TZ=UTC0";
	char *const env[] = { path, language, zone, NULL };
	posix_spawn_file_actions_t acts;
	int rc;

	if (posix_spawn_file_actions_init(&acts) != 0)
		return ENOMEM;
	posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	posix_spawn_file_actions_adddup2(&acts, err, 2);
	rc = posix_spawn(pid, argv[0], &acts, NULL, (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&acts);
	return rc;
}

bool
command_run(const char *const *argv, void (*take)(void *arg, struct slice piece), void *arg,
    struct buf *said, int *status, struct err *e)
{
	struct reading r = { take, arg, said };
	int out[2], err[2], rc;
	pid_t pid;

	if (pipe(out) != 0)
		return err_set(e, "cannot make a pipe: %s", strerror(errno));
	if (pipe(err) != 0) {
		close(out[0]);
		close(out[1]);
		return err_set(e, "cannot make a pipe: %s", strerror(errno));
	}
	(void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(err[0], F_SETFD, FD_CLOEXEC);
	rc = start(argv, out[1], err[1], &pid);
	close(out[1]);
	close(err[1]);
	if (rc == 0) {
		read_both(&r, out[0], err[0]);
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	}
	close(out[0]);
	close(err[0]);
	return rc == 0 || err_set(e, "cannot run %s: %s", argv[0], strerror(rc));
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

	while (rest.n > 0 && n < COMMAND_WORDS - 1) {
		if (!slice_cut(&rest, ' ', &word)) {
			word = rest;
			rest.n = 0;
		}
		if (word.n > 0)
			argv[n++] = xslicedup(word);
	}
	for (; *more != NULL && n < COMMAND_WORDS - 1; more++)
		argv[n++] = *more;
	argv[n] = NULL;
}
