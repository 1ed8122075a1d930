/* stopping.c - see stopping.h. */
#include "stopping.h"

#include <signal.h>
#include <stddef.h>
#include <sys/select.h>
#include <time.h>

#include "poison.h"

static volatile sig_atomic_t came;

static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static void
note(int number)
{
	came = number;
}

void
stopping_begin(void)
{
	struct sigaction ours = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND }, before;

	(void)sigemptyset(&ours.sa_mask);
	for (int i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &ours, NULL);
}

int
stopping_signal(void)
{
	return came;
}

/* pselect() lets signals in only while it waits: one that comes just before is not missed. */
bool
stopping_wait(int fd, int64_t timeout_ms)
{
	struct timespec ts = { (time_t)(timeout_ms / 1000), (long)(timeout_ms % 1000) * 1000000 };
	sigset_t held, before;
	fd_set readable;
	int n = 0;

	if (fd >= FD_SETSIZE)
		return true;
	FD_ZERO(&readable);
	if (fd >= 0)
		FD_SET(fd, &readable);
	(void)sigemptyset(&held);
	for (int i = 0; i < SIGNALS; i++)
		(void)sigaddset(&held, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	if (came == 0)
		n = pselect(fd + 1, &readable, NULL, NULL, timeout_ms < 0 ? NULL : &ts, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return n > 0;
}
