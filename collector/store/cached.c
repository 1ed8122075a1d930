/* cached.c - see cached.h.
 *
 * The protocol: a command a line; the answer begins with a number, that of the
 * lines that follow it, or below zero with what went wrong.
 *
 * Waiting is limited three times: for the connection, for an answer, and for all
 * answers of a round; and what failed once is not tried again in this round. */
#include "store/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

enum {
	LINE_BYTES = 4000,	/* RRD_CMD_MAX is 4096 */
	CONNECT_MS = 2000, ANSWER_MS = 4000,
	LOOK_UP_MS = 600000	/* a name that is not found, or leads nowhere, again after that */
};

struct cached {
	char *address;		/* as it was given, for sentences */
	char *path;		/* of the local socket; NULL: TCP */
	char *host, *port;
	char *base;		/* over TCP names are sent relative to it */
	struct addrinfo *found;	/* of host */
	int64_t looked_at;
	int fd;
	int wait_ms;		/* in one round; 0: no limit */
	int64_t waited_ms;	/* in this round */
	bool broken;		/* in this round, for this reason: */
	struct err fault;
	char in[1024];		/* received and not read yet */
	size_t in_at, in_n;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Blocks as long as the system's resolver does: at the start, and rarely after that. */
static void
look_up(struct cached *c)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(c->host, c->port, &want, &found);

	if (rc != 0 && c->found == NULL) {
		err_set(&c->fault, "rrdcached at %s: its address is not known: %s", c->address,
		    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	} else if (rc == 0) {
		if (c->found != NULL)
			freeaddrinfo(c->found);
		c->found = found;
	}
	c->looked_at = now_ms();
}

/* "HOST:PORT", "[IPv6]:PORT"; without a port it is the one that is rrdcached's own. */
static bool
split(struct cached *c, struct slice s, struct err *e)
{
	struct slice host = s, port = SLICE("42217"), rest;
	uint64_t n = 0;

	if (slice_eat(&s, SLICE("["))) {
		if (!slice_cut(&s, ']', &host) || (s.n > 0 && !slice_eat(&s, SLICE(":"))))
			return err_set(e, "rrdcached = \"%s\" is not [IPv6]:PORT", c->address);
		if (s.n > 0)
			port = s;
	} else if (slice_cut(&s, ':', &host)) {
		if (memchr(s.p, ':', s.n) != NULL)
			return err_set(e, "rrdcached = \"%s\": write an IPv6 address as [IPv6]:PORT",
			    c->address);
		port = s;
	}
	rest = port;
	if (host.n == 0 || !slice_u64(&rest, &n) || rest.n > 0 || n == 0 || n > 65535)
		return err_set(e, "rrdcached = \"%s\" is neither unix:/PATH nor HOST:PORT", c->address);
	c->host = xslicedup(host);
	c->port = xslicedup(port);
	return true;
}

struct cached *
cached_new(const char *address, const char *base, int wait_ms, struct err *e)
{
	struct cached *c = xcalloc(1, sizeof *c);
	struct slice s = slice_of(address);

	c->address = xstrdup(address);
	c->base = xstrdup(base);
	c->wait_ms = wait_ms;
	c->fd = -1;
	if (slice_eat(&s, SLICE("unix:")) || (s.n > 0 && s.p[0] == '/')) {
		c->path = xslicedup(s);
	} else if (!split(c, s, e)) {
		cached_free(c);
		return NULL;
	} else {
		look_up(c);
	}
	return c;
}

static void
hang_up(struct cached *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->in_at = c->in_n = 0;
}

void
cached_free(struct cached *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	if (c->found != NULL)
		freeaddrinfo(c->found);
	free(c->address);
	free(c->path);
	free(c->host);
	free(c->port);
	free(c->base);
	free(c);
}

void
cached_round(struct cached *c)
{
	c->broken = false;
	c->waited_ms = 0;
}

/* Wait until the daemon is ready. False, and errno, when the deadline is over. */
static bool
wait_for(struct cached *c, int fd, short what, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t began = now_ms(), now = began;
	int rc = 0;

	if (c->wait_ms > 0 && deadline > began + c->wait_ms - c->waited_ms)
		deadline = began + c->wait_ms - c->waited_ms;
	for (; rc == 0 && now < deadline; now = now_ms()) {
		rc = poll(&p, 1, (int)(deadline - now));
		if (rc < 0 && errno == EINTR)
			rc = 0;
	}
	c->waited_ms += now - began;
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0;
}

/* A socket that connected until the deadline, or -1 and errno. */
static int
reach(struct cached *c, const struct sockaddr *a, socklen_t n, int64_t deadline)
{
	int fd = socket(a->sa_family, SOCK_STREAM, 0), why = 0;
	socklen_t size = sizeof why;

	if (fd < 0)
		return -1;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, a, n) == 0)
		return fd;
	why = errno;	/* EAGAIN of a local socket: too many wait already */
	if (why == EINPROGRESS) {
		if (!wait_for(c, fd, POLLOUT, deadline))
			why = errno;
		else
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size);
	}
	if (why == 0)
		return fd;
	(void)close(fd);
	errno = why;
	return -1;
}

static bool
dial_tcp(struct cached *c, struct err *e)
{
	int64_t deadline = now_ms() + CONNECT_MS;
	int left = 0;

	for (const struct addrinfo *a = c->found; a != NULL; a = a->ai_next)
		left++;
	for (const struct addrinfo *a = c->found; a != NULL && c->fd < 0; a = a->ai_next, left--) {
		int64_t now = now_ms();

		c->fd = reach(c, a->ai_addr, a->ai_addrlen, now + (deadline - now) / left);
	}
	if (c->fd < 0 && c->found != NULL)	/* else look_up said why */
		err_set(e, "rrdcached at %s: %s", c->address, strerror(errno));
	else if (c->fd >= 0)	/* a short line each way: nothing is gained by waiting for more */
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	return c->fd >= 0;
}

static bool
dial(struct cached *c, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (c->fd >= 0)
		return true;
	if (c->path == NULL) {
		if (dial_tcp(c, e))
			return true;
		if (now_ms() - c->looked_at > LOOK_UP_MS)
			look_up(c);	/* for the next round: it may have moved */
		return false;
	}
	if (strlen(c->path) >= sizeof a.sun_path)
		return err_set(e, "rrdcached's socket %s: the name is too long", c->path);
	memcpy(a.sun_path, c->path, strlen(c->path) + 1);
	c->fd = reach(c, (const struct sockaddr *)&a, sizeof a, now_ms() + CONNECT_MS);
	return c->fd >= 0 || err_set(e, "rrdcached at %s: %s", c->path, strerror(errno));
}

static bool
lost(struct cached *c, struct err *e)
{
	if (errno == ETIMEDOUT && c->wait_ms > 0 && c->waited_ms >= c->wait_ms)
		return err_set(e, "rrdcached at %s is slow: after %d s the rest waits for the next minute",
		    c->address, c->wait_ms / 1000);
	return err_set(e, "rrdcached at %s: %s", c->address, strerror(errno));
}

static bool
say(struct cached *c, struct slice line, int64_t deadline, struct err *e)
{
	while (line.n > 0) {
		ssize_t n = send(c->fd, line.p, line.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			line = slice_from(line, (size_t)n);
		else if (errno != EINTR && (errno != EAGAIN || !wait_for(c, c->fd, POLLOUT, deadline)))
			return lost(c, e);
	}
	return true;
}

/* One line of the answer, less its newline. */
static bool
hear(struct cached *c, struct buf *line, int64_t deadline, struct err *e)
{
	buf_clear(line);
	for (;;) {
		ssize_t n;

		while (c->in_at < c->in_n) {
			char ch = c->in[c->in_at++];

			if (ch == '\n')
				return true;
			buf_char(line, ch);
		}
		n = recv(c->fd, c->in, sizeof c->in, MSG_DONTWAIT);
		if (n == 0)
			return err_set(e, "rrdcached at %s hung up", c->address);
		if (n < 0 && errno != EINTR &&
		    (errno != EAGAIN || !wait_for(c, c->fd, POLLIN, deadline)))
			return lost(c, e);
		c->in_at = 0;
		c->in_n = n > 0 ? (size_t)n : 0;
		if (now_ms() > deadline) {	/* a byte now and then is no answer */
			errno = ETIMEDOUT;
			return lost(c, e);
		}
	}
}

/* Send one command and read its whole answer. *code: what it began with. */
static bool
ask(struct cached *c, const struct buf *command, long *code, struct buf *answer, struct err *e)
{
	int64_t deadline = now_ms() + ANSWER_MS;
	struct buf more = buf_new(LINE_BYTES);
	bool good = !c->broken && dial(c, &c->fault);

	good = good && say(c, buf_slice(command), deadline, &c->fault) &&
	    hear(c, answer, deadline, &c->fault);
	*code = good && answer->n > 0 ? strtol(answer->p, NULL, 10) : -1;
	for (long i = 0; good && i < *code; i++)
		good = hear(c, &more, deadline, &c->fault);
	buf_free(&more);
	if (!good) {
		hang_up(c);	/* half an answer is left: begin anew */
		c->broken = true;
		err_set(e, "%s", c->fault.text);
	}
	return good;
}

/* The verb and the file, by a name that the daemon takes; blanks in it take a backslash. */
static void
begin(const struct cached *c, struct buf *command, const char *verb, const char *path)
{
	size_t base = strlen(c->base);

	if (c->path == NULL && strncmp(path, c->base, base) == 0 && path[base] == '/')
		path += base + 1;
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
		begin(c, &command, "UPDATE", path);
		do
			buf_fmt(&command, " %s", row[i++]);
		while (i < n && command.n + strlen(row[i]) + 2 < LINE_BYTES);
		good = finish(c, &command, path, NULL, e);
	}
	buf_free(&command);
	return good;
}

static bool
flush(struct cached *c, const char *path, const char *fine, struct err *e)
{
	struct buf command = buf_new(LINE_BYTES);
	bool good;

	begin(c, &command, "FLUSH", path);
	good = finish(c, &command, path, fine, e);
	buf_free(&command);
	return good;
}

bool
cached_flush(struct cached *c, const char *path, struct err *e)
{
	return flush(c, path, NULL, e);
}

bool
cached_settle(struct cached *c, const char *path, struct err *e)
{
	return flush(c, path, "No such file", e);
}

bool
cached_forget(struct cached *c, const char *path, struct err *e)
{
	struct buf command = buf_new(LINE_BYTES);
	bool good;

	begin(c, &command, "FORGET", path);
	good = finish(c, &command, path, "No such file", e);	/* it knew nothing of it */
	buf_free(&command);
	return good;
}
