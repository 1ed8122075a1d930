/* fuzz_smtp.c - a whole dialogue with a server that says anything: it ends, and says how.
 *
 * The input is the server's words; a NUL byte ends what it says before it listens again. The first byte
 * chooses the plan. */
#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtp_priv.h"

#include "poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const rcpt[] = { "anna@example.org", "bert@example.org" };
static const char *const xclient[] = { "ADDR=192.0.2.1" };

static struct smtp_plan
plan_of(uint8_t choice)
{
	return (struct smtp_plan){ .lmtp = (choice & 1) != 0, .depth = (enum smtp_depth)(choice >> 1 & 3),
		.helo = "probe.example.org", .user = (choice & 8) != 0 ? SLICE("probe") : SLICE(""),
		.password = SLICE("s3cret"), .clear_password = true, .from = "", .rcpt = rcpt,
		.rcpts = 2, .message = { .from = "", .to = rcpt[0], .host = "probe.example.org" },
		.xclient = xclient, .xclients = choice >> 4 & 1, .pipelining = (choice & 32) != 0,
		.transcript = (choice & 64) != 0,
		.expect[SMTP_RCPT] = { .code = "5xx" } };
}

/* Past connect(): the socket is there. */
static void
seat(struct smtp *s, int fd)
{
	s->fd = fd;
	s->verdict = SMTP_WELL;
	s->sentence[0] = '\0';
	s->state = SMTP_TALKING;
	smtp_connected(s, 1);
}

static bool
alive(const struct smtp *s)
{
	assert(s->awaits <= sizeof s->await);
	return s->state != SMTP_DONE;
}

static void
listen_to(struct smtp *s, int fd)
{
	char buf[65536];

	smtp_ready(s, POLLIN, 1);
	while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0 && alive(s))
		smtp_ready(s, POLLIN, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = { (const char *)data, size }, piece;
	struct net_addr nowhere = { .len = 0 };
	struct smtp s = { .owner = NULL };
	struct smtp_plan plan;
	int fd[2];

	if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		return 0;
	plan = plan_of(data[0] & ((data[0] & 32) != 0 ? 0xff : 0x7f));
	if ((data[0] & 128) == 0)
		plan.expect[SMTP_RCPT].code[0] = '\0';
	all = slice_from(all, 1);
	(void)fcntl(fd[0], F_SETFL, O_NONBLOCK);
	nowhere.sa.ss_family = AF_UNIX;
	smtp_start(&s, &plan, "mx1.example.org", &nowhere, 1, 0, 1e12);
	assert(s.state == SMTP_DONE);	/* there is no such socket */
	seat(&s, fd[0]);
	while (alive(&s) && slice_next(&all, '\0', &piece)) {
		(void)send(fd[1], piece.p, slice_head(piece, 65536).n, MSG_DONTWAIT | MSG_NOSIGNAL);
		listen_to(&s, fd[1]);
	}
	close(fd[1]);
	for (int i = 0; i < 4 && alive(&s); i++)
		smtp_ready(&s, POLLIN, 2);
	smtp_ready(&s, 0, 2e12);	/* the time is up */
	assert(!alive(&s));
	assert((s.verdict == SMTP_WELL) == (s.sentence[0] == '\0'));
	assert(!isnan(s.phase_s[SMTP_TOTAL]));
	smtp_end(&s);
	return 0;
}
