/* test_message.c - messages: cleaned, filtered, at growing intervals; the manual of
 * them is current; the service manager is told. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "message.h"
#include "notify.h"
#include "tap.h"

/* What the calls print to stderr: f is run with it in a file. */
static const char *
printed(void (*f)(void))
{
	static char text[4096];
	FILE *file = tmpfile();
	int keep = dup(2);
	size_t n;

	if (file == NULL || keep < 0)
		abort();
	fflush(stderr);
	dup2(fileno(file), 2);
	f();
	fflush(stderr);
	dup2(keep, 2);
	close(keep);
	rewind(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void
plain(void)
{
	message_open(false, false, "notice");
	message(MSG_started, "a\033b\n%s", "c");
	message(MSG_numbers, "not wanted");
	message(MSG_reloaded, "%s", "");
	message_open(false, true, "debug");
	message(MSG_commit_failed, "disk");
	message(MSG_committed, "1");
}

static void
growing(void)
{
	struct fault f = { .id = MSG_rrd_failed };

	message_open(false, false, "info");
	fault_over(&f, 1000);
	for (int64_t t = 0; t < 3 * 3600; t++)
		fault_met(&f, 1000 + t, "disk full");
	fault_over(&f, 1000 + 3 * 3600);
	fault_over(&f, 1000 + 3 * 3600 + 1);
	fault_met(&f, 20000, "again");
}

/* Two hours and more, twice. */
static void
set_back(void)
{
	struct fault f = { .id = MSG_rrd_failed };
	static const int64_t met[] = { 10000, 10060, 2000, 2299, 2300 };

	message_open(false, false, "info");
	for (size_t i = 0; i < sizeof met / sizeof met[0]; i++)
		fault_met(&f, met[i], "disk full");
	fault_over(&f, 100);
}

/* 40 senders, each twice a second; the first ones again much later. */
static void
strangers(void)
{
	static struct faults f = { .id = MSG_syslog_refused };
	char who[40];

	message_open(false, false, "info");
	for (int64_t t = 0; t < 40; t++) {
		snprintf(who, sizeof who, "192.0.2.%d", (int)t);
		faults_met(&f, 1000 + t, who);
		faults_met(&f, 1000 + t, who);
	}
	faults_met(&f, 10000, "198.51.100.1");
}

static int
lines_of(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
test_manual(void)
{
	struct buf want = buf_new(1 << 20), got = buf_new(1 << 20);
	char block[4096];
	FILE *f = fopen("docs/messages.md", "r");
	size_t n;

	message_manual(&want);
	while (f != NULL && (n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(&got, (struct slice){ block, n });
	if (f != NULL)
		fclose(f);
	if (!ok(slice_eq(buf_slice(&want), buf_slice(&got)), "docs/messages.md is current"))
		printf("# mxgauged --messages > docs/messages.md\n");
	buf_free(&want);
	buf_free(&got);
}

static void
test_notify(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/mx-notify.XXXXXX", got[64] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unsetenv("NOTIFY_SOCKET");
	notify("nobody hears it");
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(a.sun_path, sizeof a.sun_path, "%s/s", dir);
	ok(bind(fd, (struct sockaddr *)&a, sizeof a) == 0, "a socket to be told at");
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	notify("READY=1");
	ok(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) == 7, "something came");
	is_str(got, "READY=1", "the words");
	close(fd);
	unlink(a.sun_path);
	notify("nobody is there");
	rmdir(dir);
}

int
main(void)
{
	is_str(printed(plain), "mxgauged: started: a?b?c\nmxgauged: reloaded\n"
	    "<3>cannot store what was read, and will try again: disk\n<7>committed: 1\n",
	    "cleaned, by severity, with the journal's prefix");
	is_int(lines_of(printed(strangers)), 34, "strangers hide each other no more than 32 at once");
	is_str(printed(growing),
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full "
	    "(61 times in 1 min)\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full "
	    "(301 times in 5 min)\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full "
	    "(901 times in 15 min)\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full "
	    "(3601 times in 60 min)\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full "
	    "(7201 times in 120 min)\n"
	    "mxgauged: over: \"cannot bring the RRDs up to date, and will try again\" after "
	    "10800 s\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: again\n",
	    "a fault is said at growing intervals, and when it is over");
	is_str(printed(set_back),
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full (2 times in 1 min)\n"
	    "mxgauged: cannot bring the RRDs up to date, and will try again: disk full (5 times in 5 min)\n"
	    "mxgauged: over: \"cannot bring the RRDs up to date, and will try again\" after 0 s\n",
	    "also where the clock is set back");
	test_manual();
	test_notify();
	return done_testing();
}
