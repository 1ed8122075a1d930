/* check_alarm.c - the deadline of a check, and its last words when it crashes.
 *
 * Nagios takes a plugin that dies by a signal for CRITICAL and throws away what it
 * said, so a crash answers UNKNOWN itself. Everything that a handler prints is made
 * ready beforehand; in a handler there is only memcpy, write and _exit. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check_priv.h"
#include "command.h"
#include "quantity.h"

#include "poison.h"

static struct {
	char late[600], crashed[600];	/* up to where the phase is named */
	char tail[64];
	char phase[2][256];		/* one is in use while the other is written */
	const char *volatile now;
	volatile sig_atomic_t status;	/* of an answer on its way, -1 before */
	timer_t timer;
	bool has_timer;
	bool handled;		/* signals: once is enough */
} alarm_ = { .now = "", .status = -1 };

static size_t
put(char *to, size_t at, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n > size - at)
		n = size - at;
	memcpy(to + at, text, n);
	return at + n;
}

static void
last_words(const char *head, int status)
{
	const char *phase = alarm_.now;
	char out[1024];
	size_t n = put(out, 0, sizeof out, head);

	command_end();
	if (*phase != '\0') {
		n = put(out, n, sizeof out, " while ");
		n = put(out, n, sizeof out, phase);
	}
	n = put(out, n, sizeof out, alarm_.tail);
	if (write(STDOUT_FILENO, out, n) < 0)
		status = 3;	/* nobody listens any more */
	_exit(status);
}

static void
on_deadline(int sig)
{
	(void)sig;
	if (alarm_.status >= 0)
		_exit(alarm_.status);
	last_words(alarm_.late, 2);
}

static void
on_crash(int sig)
{
	(void)sig;
	if (alarm_.status >= 0)
		_exit(3);
	last_words(alarm_.crashed, 3);
}

static void
set_timer(double seconds)
{
	struct itimerspec at = { .it_value.tv_sec = (time_t)seconds };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };

	at.it_value.tv_nsec = (long)((seconds - (double)at.it_value.tv_sec) * 1e9);
	if (!alarm_.has_timer)
		alarm_.has_timer = timer_create(CLOCK_MONOTONIC, &ev, &alarm_.timer) == 0;
	if (!alarm_.has_timer || timer_settime(alarm_.timer, 0, &at, NULL) != 0)
		(void)alarm((unsigned)seconds + 1);
}

/* What the process before us blocked or ignored is so here, too: a deadline that never comes, and
 * programs whose exit status nobody learns. */
static void
handle_signals(void)
{
	struct sigaction late = { .sa_handler = on_deadline };
	struct sigaction crash = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigaction(SIGCHLD, &usual, NULL);
	(void)sigaction(SIGALRM, &late, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);	/* a peer that hangs up is an error of write */
	(void)sigaction(SIGABRT, &crash, NULL);
#ifndef __SANITIZE_ADDRESS__	/* that reports crashes better */
	(void)sigaction(SIGSEGV, &crash, NULL);
	(void)sigaction(SIGBUS, &crash, NULL);
	(void)sigaction(SIGFPE, &crash, NULL);
	(void)sigaction(SIGILL, &crash, NULL);
#endif
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
check_alarm_arm(const char *name, const char *program, double seconds)
{
	struct buf span = buf_new(64);
	const char *late = "CRITICAL", *crash = "UNKNOWN";

	quantity_people(&span, seconds, "s");
	if (program == NULL) {
		(void)snprintf(alarm_.late, sizeof alarm_.late, "%s %s - timed out after %s",
		    name, late, span.p);
		(void)snprintf(alarm_.crashed, sizeof alarm_.crashed,
		    "%s %s - %s crashed, please report this bug;", name, crash, name);
		(void)snprintf(alarm_.tail, sizeof alarm_.tail, "\n");
	} else {
		(void)snprintf(alarm_.late, sizeof alarm_.late, "{\"check\":\"%s\",\"state\":\"%s\","
		    "\"text\":\"timed out after %s", program, late, span.p);
		(void)snprintf(alarm_.crashed, sizeof alarm_.crashed, "{\"check\":\"%s\","
		    "\"state\":\"%s\",\"text\":\"%s crashed, please report this bug;", program,
		    crash, name);
		(void)snprintf(alarm_.tail, sizeof alarm_.tail,
		    "\",\"measurements\":{},\"details\":[]}\n");
	}
	buf_free(&span);
	if (!alarm_.handled)
		handle_signals();
	alarm_.handled = true;
	set_timer(seconds);
}

void
check_alarm_phase(const char *text)
{
	char *to = alarm_.phase[alarm_.now == alarm_.phase[0]];

	(void)snprintf(to, sizeof alarm_.phase[0], "%s", text);
	for (char *c = to; *c != '\0'; c++)	/* it may stand in a JSON string */
		if (*c == '"' || *c == '\\')
			*c = '\'';
	alarm_.now = to;
}

void
check_alarm_answering(int status)
{
	alarm_.status = status;
}
