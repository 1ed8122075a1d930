/* deliver_nsca.c - NSCA and NSCA-ng, by the program send_nsca that the distribution has for the one or the
 * other: it knows their ciphers.
 *
 * A result is host, service, state, text, with tabs between, and ETB at its end; without service it is the host's.
 * NSCA (since 2.9) takes lines without ETB for one result, and both make "\n" and "\\" of newlines and
 * backslashes themselves. NSCA carries no time: what waited is told
 * as of now, in order. It has no answer either: that the server read the packets is all it knows, while
 * NSCA-ng's says what it did. Status 0 means all of it, anything else nothing. */
#include "deliver_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "command.h"
#include "mem.h"

#include "poison.h"

enum {
	/* its packets have 4096 bytes since 2.9, some of which Nagios' command line wants: its server writes that
	 * into the fifo, where only 4096 bytes are written whole */
	TEXT_BYTES = 3800,
	ETB = 027,
	SAID_BYTES = 2000, LINES_BYTES = DELIVER_MOST * (RESULT_TEXT_MAX + 300)
};

static void
add_result(struct buf *lines, const struct config_monitor *m, const struct result *r)
{
	buf_fmt(lines, "%s\t", r->host);
	if (r->service[0] != '\0')
		buf_fmt(lines, "%s\t", r->service);
	buf_fmt(lines, "%d\t", r->state);
	result_fit(lines, slice_of(r->text), deliver_text_bytes(m, TEXT_BYTES), RESULT_LINES_TO_ONE);
	buf_char(lines, ETB);
}

static void
collect(void *arg, struct slice piece)
{
	struct buf *b = arg;

	buf_add(b, slice_head(piece, b->max - b->n));
}

/* The last line that it said: those before are greetings. */
static struct slice
last_line(const struct buf *said)
{
	struct slice s = buf_slice(said), head;

	while (s.n > 0 && strchr(" \r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	while (slice_cut(&s, '\n', &head))
		;
	return s;
}

/* It says so on standard output or on standard error, as versions differ. */
static void
failed(const struct deliver_to *to, const char *program, const struct buf *out, const struct buf *said, int status)
{
	struct buf clean = buf_new(DELIVER_SAID);
	struct slice why = said->n > 0 ? last_line(said) : out->n > 0 ? last_line(out) : (struct slice){ "", 0 };

	buf_clean(&clean, why, DELIVER_SAID - 80);
	if (clean.n > 0)
		deliver_failed(to, "%.60s says: %s", program, clean.p);
	else if (WIFEXITED(status))
		deliver_failed(to, "%.60s failed with status %d", program, WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGPIPE)	/* nsca says nothing to a client that it cannot read */
		deliver_failed(to, "the server hung up on %.60s: is its password and cipher another? Its log says", program);
	else
		deliver_failed(to, "%.60s was killed by signal %d", program, WTERMSIG(status));
	buf_free(&clean);
}

void
deliver_nsca(const struct config_monitor *m, const struct deliver_to *to, double until)
{
	struct buf lines = buf_new(LINES_BYTES), out = buf_new(SAID_BYTES), said = buf_new(SAID_BYTES);
	const char **argv = xcalloc(m->command.n + 1, sizeof *argv);
	int status = 0;
	struct err e;

	(void)until;	/* who is late is killed, and send_nsca with it */
	for (size_t i = 0; i < m->command.n; i++)
		argv[i] = m->command.item[i];
	for (size_t i = 0; i < to->n; i++)
		add_result(&lines, m, &to->batch[i].r);
	if (!command_feed(argv, buf_slice(&lines), collect, &out, &said, &status, &e))
		deliver_failed(to, "%s", e.text);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		failed(to, argv[0], &out, &said, status);
	else
		deliver_all(to);
	free(argv);
	buf_free(&lines);
	buf_free(&out);
	buf_free(&said);
}
