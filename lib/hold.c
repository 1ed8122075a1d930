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
	bool answering;			/* this process is one of those that answer */
} held;

/* This process is one of those that answer: nobody hears it, and it does not outlast the check. */
static void
become_answer(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(3);
	held.answering = true;
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

/* Could the answer of minute i, with the one before or after it, hold anything? */
static bool
matters(const enum check_state *state, int i, int n)
{
	return (i > 0 && state[i - 1] > CHECK_OK) || (i + 1 < n && state[i + 1] > CHECK_OK);
}

/* Of two in a row one has an odd number: where those are well, the others need not be asked. */
int64_t
hold_begin(double hold_s, int64_t of)
{
	/* one more than it has minutes: the first of them takes two */
	int n = hold_s < MINUTE ? 0 : (int)fmin(MOST, floor(hold_s / MINUTE) + 1);
	enum check_state state[MOST] = { CHECK_OK };	/* the next answer in time first */
	pid_t pid[MOST];

	for (int odd = 1; n > 0 && odd >= 0; odd--) {
		for (int i = odd; i < n; i += 2) {
			pid[i] = odd == 1 || matters(state, i, n) ? fork() : -1;
			if (pid[i] == 0) {
				become_answer();
				return of - (i + 1) * MINUTE;
			}
		}
		check_phase("asking the state what was said in the %s before (--hold)", check_people(hold_s, "s"));
		for (int i = odd; i < n; i += 2)
			state[i] = pid[i] > 0 ? answer_of(pid[i]) : CHECK_OK;	/* as many as there may be */
	}
	held.hold_s = hold_s;
	for (int i = 1; i < n; i++) {
		enum check_state both = state[i] < state[i - 1] ? state[i] : state[i - 1];

		if (both > held.state) {
			held.state = both;
			held.at = of - i * MINUTE;	/* the later of the two */
		}
	}
	if (n > 0)
		check_before_done(tell);
	return 0;
}

void
hold_answered(void)
{
	if (held.answering)
		_exit(check_worst() == CHECK_CRITICAL ? 2 : check_worst() == CHECK_WARNING ? 1 : 0);
}
