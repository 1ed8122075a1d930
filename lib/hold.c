/* hold.c - see hold.h. */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "checkstate.h"
#include "clock.h"

#include "poison.h"

enum { MOST = HOLD_MAX_S / 60 + 1, MINUTE = 60 };

static struct {
	enum check_state state;		/* the worst that is held */
	int64_t at;			/* and when it was so last */
	double hold_s;
} held;

/* This process is one of those that answer: nobody hears it, and it does not outlast the check. */
static void
become_answer(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(3);
	(void)signal(SIGALRM, SIG_DFL);	/* the check's own timer is not inherited */
	(void)alarm((unsigned)fmax(check_deadline() - clock_now(), 0) + 1);
}

/* Trouble of the check's own in former times holds nothing. */
static enum check_state
answer_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CHECK_OK;
	if (!WIFEXITED(status))
		return CHECK_OK;
	return WEXITSTATUS(status) == 2 ? CHECK_CRITICAL : WEXITSTATUS(status) == 1 ? CHECK_WARNING : CHECK_OK;
}

static void
tell(void)
{
	if (held.state > check_worst())
		check_state(held.state, "it was so at %s, and is held until it was well for %s (--hold)",
		    checkstate_time(held.at), check_people(held.hold_s, "s"));
}

int64_t
hold_begin(double hold_s, int64_t of)
{
	enum check_state before = CHECK_OK;	/* the next answer in time */
	pid_t pid[MOST];
	int n = 0;

	if (hold_s < MINUTE)
		return 0;
	/* one more than it has minutes: the first of them takes two */
	for (; n < MOST && n * MINUTE <= hold_s; n++) {
		if ((pid[n] = fork()) < 0)
			break;		/* as many as there may be */
		if (pid[n] == 0) {
			become_answer();
			return of - (n + 1) * MINUTE;
		}
	}
	check_phase("asking the state what was said in the %s before (--hold)", check_people(hold_s, "s"));
	held.hold_s = hold_s;
	for (int i = 0; i < n; i++) {
		enum check_state now = answer_of(pid[i]), both = now < before ? now : before;

		if (both > held.state) {
			held.state = both;
			held.at = of - i * MINUTE;	/* the later of the two */
		}
		before = now;
	}
	check_before_done(tell);
	return 0;
}
