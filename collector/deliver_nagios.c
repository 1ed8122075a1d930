/* deliver_nagios.c - Nagios' command file: a fifo into which a command is written as one line.
 *
 * Opened for writing alone and without waiting it fails (ENXIO) while nobody reads. A line up to PIPE_BUF
 * goes in whole or not at all, whoever writes beside us. What is in the fifo is lost when Nagios dies before it
 * has read it; so results count as taken when the fifo is empty again, and where it is not empty to begin
 * with, nothing is written: the commands before may be ours. */
#define _DEFAULT_SOURCE	/* FIONREAD */
#include "deliver_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#include "poison.h"

enum { LOOK_MS = 20 };

#ifndef PIPE_BUF
enum { PIPE_BUF = 512 };	/* POSIX: at least */
#endif

static int
open_fifo(const struct config_monitor *m, const struct deliver_to *to)
{
	int fd = open(m->command_file, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return fd;
	if (fd >= 0)
		deliver_failed(to, "%s is no fifo", m->command_file);
	else if (errno == ENXIO)
		deliver_failed(to, "%s: nobody reads it, so Nagios does not run", m->command_file);
	else
		deliver_failed(to, "open %s: %s", m->command_file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Wait until all that is in it was read. */
static bool
drain(int fd, const struct config_monitor *m, const struct deliver_to *to, double until)
{
	int left = 0;

	for (;;) {
		struct pollfd p = { fd, 0, 0 };

		if (ioctl(fd, FIONREAD, &left) != 0)
			left = 0;	/* this system does not tell */
		if (poll(&p, 1, left > 0 ? LOOK_MS : 0) > 0 && (p.revents & POLLERR) != 0) {
			deliver_failed(to, "%s: who read it has ended", m->command_file);
			return false;
		}
		if (left == 0)
			return true;
		if (clock_now() > until) {
			deliver_failed(to, "%s: %d bytes of commands wait there and are not read",
			    m->command_file, left);
			return false;
		}
	}
}

static void
command(struct buf *line, const struct config_monitor *m, const struct result *r)
{
	size_t most = PIPE_BUF - 1;	/* the newline */

	buf_fmt(line, "[%" PRId64 "] PROCESS_%s_CHECK_RESULT;%s;", r->at,
	    r->service[0] != '\0' ? "SERVICE" : "HOST", r->host);
	if (r->service[0] != '\0')
		buf_fmt(line, "%s;", r->service);
	buf_fmt(line, "%d;", r->state);
	most -= line->n;
	if (deliver_text_bytes(m, most) < most)
		most = deliver_text_bytes(m, most);
	result_fit(line, slice_of(r->text), most, RESULT_ONE_LINE);
	buf_char(line, '\n');
}

static bool
put(int fd, const struct buf *line, const struct config_monitor *m, const struct deliver_to *to, double until)
{
	while (write(fd, line->p, line->n) < 0) {
		struct pollfd p = { fd, POLLOUT, 0 };

		if (errno != EAGAIN && errno != EINTR) {
			deliver_failed(to, "write to %s: %s", m->command_file, strerror(errno));
			return false;
		}
		if (clock_now() > until) {
			deliver_failed(to, "%s is full and not read", m->command_file);
			return false;
		}
		(void)poll(&p, 1, LOOK_MS);
	}
	return true;
}

void
deliver_nagios(const struct config_monitor *m, const struct deliver_to *to, double until)
{
	struct buf line = buf_new(PIPE_BUF);
	int fd = open_fifo(m, to);
	bool good = fd >= 0 && drain(fd, m, to, until);

	for (size_t i = 0; good && i < to->n; i++) {
		buf_clear(&line);
		command(&line, m, &to->batch[i].r);
		good = put(fd, &line, m, to, until);
	}
	if (good && drain(fd, m, to, until))
		deliver_all(to);
	if (fd >= 0)
		close(fd);
	buf_free(&line);
}
