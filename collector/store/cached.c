/* cached.c - see cached.h.
 *
 * The protocol: a command a line; the answer begins with a number, that of the
 * lines that follow it, or below zero with what went wrong. */
#include "store/cached.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "poison.h"

enum { LINE_BYTES = 4000, WAIT_MS = 10000 };	/* RRD_CMD_MAX is 4096 */

struct cached {
	char *path;
	int fd;
};

struct cached *
cached_new(const char *address)
{
	struct cached *c = xcalloc(1, sizeof *c);
	struct slice s = slice_of(address);

	(void)slice_eat(&s, SLICE("unix:"));
	c->path = xslicedup(s);
	c->fd = -1;
	return c;
}

static void
hang_up(struct cached *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

void
cached_free(struct cached *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	free(c->path);
	free(c);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait until fd is ready. False when the deadline is over. */
static bool
wait_for(int fd, short what, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = deadline - now_ms();
	int rc;

	while (left > 0 && (rc = poll(&p, 1, (int)left)) <= 0) {
		if (rc < 0 && errno != EINTR)
			return false;
		left = deadline - now_ms();
	}
	return left > 0;
}

static bool
dial(struct cached *c, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (c->fd >= 0)
		return true;
	if (strlen(c->path) >= sizeof a.sun_path)
		return err_set(e, "rrdcached's socket %s: the name is too long", c->path);
	memcpy(a.sun_path, c->path, strlen(c->path) + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) != 0) {
		err_set(e, "rrdcached at %s: %s", c->path, strerror(errno));
		hang_up(c);
		return false;
	}
	return true;
}

static bool
say(struct cached *c, struct slice line, int64_t deadline, struct err *e)
{
	while (line.n > 0) {
		ssize_t n = -1;

		if (wait_for(c->fd, POLLOUT, deadline))
			n = send(c->fd, line.p, line.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		else
			errno = ETIMEDOUT;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_set(e, "rrdcached at %s: %s", c->path, strerror(errno));
		line = slice_from(line, (size_t)n);
	}
	return true;
}

/* One line of the answer, less its newline. */
static bool
hear(struct cached *c, struct buf *line, int64_t deadline, struct err *e)
{
	char ch;

	buf_clear(line);
	for (;;) {
		ssize_t n = -1;

		if (wait_for(c->fd, POLLIN, deadline))
			n = recv(c->fd, &ch, 1, MSG_DONTWAIT);	/* answers are short and few */
		else
			errno = ETIMEDOUT;
		if (n == 0)
			return err_set(e, "rrdcached at %s hung up", c->path);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_set(e, "rrdcached at %s: %s", c->path, strerror(errno));
		if (ch == '\n')
			return true;
		buf_char(line, ch);
	}
}

/* Send one command and read its whole answer. *code: what it began with. */
static bool
ask(struct cached *c, const struct buf *command, long *code, struct buf *answer, struct err *e)
{
	int64_t deadline = now_ms() + WAIT_MS;
	struct buf more = buf_new(LINE_BYTES);
	bool good;

	if (!dial(c, e))
		return false;
	good = say(c, buf_slice(command), deadline, e) && hear(c, answer, deadline, e);
	*code = good && answer->n > 0 ? strtol(answer->p, NULL, 10) : -1;
	for (long i = 0; good && i < *code; i++)
		good = hear(c, &more, deadline, e);
	buf_free(&more);
	if (!good)
		hang_up(c);	/* half an answer is left: begin anew */
	return good;
}

/* The verb and the file; blanks in names take a backslash. */
static void
begin(struct buf *command, const char *verb, const char *path)
{
	buf_clear(command);
	buf_str(command, verb);
	buf_char(command, ' ');
	for (; *path != '\0'; path++) {
		if (*path == ' ' || *path == '\\')
			buf_char(command, '\\');
		buf_char(command, *path);
	}
}

/* End the command, ask, and make anything below zero an error. */
static bool
finish(struct cached *c, struct buf *command, const char *path, const char *fine, struct err *e)
{
	struct buf answer = buf_new(LINE_BYTES);
	long code = 0;
	bool good;

	buf_char(command, '\n');
	if (command->full || strchr(path, '\n') != NULL) {
		buf_free(&answer);
		return err_set(e, "%s: the name is too long for rrdcached", path);
	}
	good = ask(c, command, &code, &answer, e);
	if (good && code < 0 && (fine == NULL || strstr(answer.p, fine) == NULL))
		good = err_set(e, "rrdcached does not write %s: %s", path,
		    answer.n > 0 ? answer.p : "no answer");
	buf_free(&answer);
	return good;
}

bool
cached_update(struct cached *c, const char *path, char *const *row, size_t n, struct err *e)
{
	struct buf command = buf_new(LINE_BYTES);
	bool good = true;

	for (size_t i = 0; good && i < n; ) {
		begin(&command, "UPDATE", path);
		do
			buf_fmt(&command, " %s", row[i++]);
		while (i < n && command.n + strlen(row[i]) + 2 < LINE_BYTES);
		good = finish(c, &command, path, NULL, e);
	}
	buf_free(&command);
	return good;
}

bool
cached_flush(struct cached *c, const char *path, struct err *e)
{
	struct buf command = buf_new(LINE_BYTES);
	bool good;

	begin(&command, "FLUSH", path);
	good = finish(c, &command, path, NULL, e);
	buf_free(&command);
	return good;
}

bool
cached_forget(struct cached *c, const char *path, struct err *e)
{
	struct buf command = buf_new(LINE_BYTES);
	bool good;

	begin(&command, "FORGET", path);
	good = finish(c, &command, path, "No such file", e);	/* it knew nothing of it */
	buf_free(&command);
	return good;
}
