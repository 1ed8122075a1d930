/* queue_ask.c - the MTA's own listing of its queue, for who may not read the folders.
 *
 * The command runs without a shell and with an environment of ours. When this program ends, its pipe
 * breaks and so does the command. A command that fails, or says something on stderr and
 * lists nothing, is trouble and never an empty queue. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "queue.h"

#include "poison.h"

enum { LINE_BYTES = 1 << 18, ERROR_BYTES = 400, READ_BYTES = 1 << 16 };

struct reading {
	struct queue *q;
	int64_t before;		/* messages in q */
	struct queue_listing listing;
	struct buf line;	/* what has no end yet; of a longer one the beginning */
	struct buf said;	/* on stderr */
};

struct slice
queue_listing_keep(struct queue_listing *l, struct slice s)
{
	char *at = l->text + l->text_n;

	s = slice_head(s, sizeof l->text - l->text_n);
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	l->text_n += s.n;
	return (struct slice){ at, s.n };
}

static void
take_text(struct reading *r, struct slice s)
{
	struct slice line;

	while (slice_cut(&s, '\n', &line)) {
		if (r->line.n > 0) {
			buf_add(&r->line, line);
			line = buf_slice(&r->line);
		}
		r->q->mta->listed(r->q, line, &r->listing);
		buf_clear(&r->line);
	}
	buf_add(&r->line, slice_head(s, r->line.max - r->line.n));
}

/* False: it is closed. */
static bool
take_some(struct reading *r, int fd, bool error, char *bytes)
{
	ssize_t n = read(fd, bytes, READ_BYTES);
	struct slice s = { bytes, n > 0 ? (size_t)n : 0 };

	if (n < 0 && errno == EINTR)
		return true;
	if (error)
		buf_add(&r->said, slice_head(s, r->said.max - r->said.n));
	else
		take_text(r, s);
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
	if (r->line.n > 0)
		r->q->mta->listed(r->q, buf_slice(&r->line), &r->listing);
	r->q->mta->listed(r->q, (struct slice){ NULL, 0 }, &r->listing);
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

static bool
judge(const struct reading *r, const char *command, int status, struct err *e)
{
	struct slice said = buf_slice(&r->said), line;

	if (said.n > 0 && slice_cut(&said, '\n', &line))
		said = line;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    (said.n == 0 || queue_total(r->q) > r->before || r->listing.ended))
		return true;
	if (said.n > 0)
		return err_set(e, "%s says: %.*s", command, (int)said.n, said.p);
	return err_set(e, "%s failed with status %d", command,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

bool
queue_ask(struct queue *q, const char *command, const char *conf, struct err *e)
{
	const char *argv[6] = { command };
	struct reading *r = xcalloc(1, sizeof *r);
	int out[2], err[2], rc, status = 0, n = 1;
	pid_t pid;
	bool good;

	if (conf != NULL) {
		argv[n++] = "-c";
		argv[n++] = conf;
	}
	for (int i = 1; i < 3 && q->mta->ask[0] != NULL && q->mta->ask[i] != NULL; i++)
		argv[n++] = q->mta->ask[i];
	r->q = q;
	r->before = queue_total(q);
	r->line = buf_new(LINE_BYTES);
	r->said = buf_new(ERROR_BYTES);
	if (pipe(out) != 0 || pipe(err) != 0) {
		free(r);
		return err_set(e, "cannot make a pipe: %s", strerror(errno));
	}
	(void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(err[0], F_SETFD, FD_CLOEXEC);
	rc = start(argv, out[1], err[1], &pid);
	close(out[1]);
	close(err[1]);
	if (rc == 0) {
		read_both(r, out[0], err[0]);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(out[0]);
	close(err[0]);
	good = rc == 0 ? judge(r, command, status, e) :
	    err_set(e, "cannot run %s: %s", command, strerror(rc));
	buf_free(&r->line);
	buf_free(&r->said);
	free(r);
	return good;
}
