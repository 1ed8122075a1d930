/* apart.h - work that may hang, done in processes of its own, all at once, until a deadline.
 *
 * Client libraries of databases and directories keep no deadline: a server that was stopped in the
 * middle of an answer hangs its client for ever, whatever time-outs were set. So each peer is
 * asked in a child process that sends what it learnt through a pipe, piece by piece, and is killed
 * with all that it runs when the time is up: one that hangs neither delays nor hides what the others
 * say, and what it had sent by then is there. A library that crashes takes the child alone along. */
#ifndef MX_APART_H
#define MX_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "slice.h"

enum { APART_JOBS = 64, APART_BYTES = 1 << 20, APART_PHASE = 200 };

enum apart_end {
	APART_DONE,	/* work() returned */
	APART_LATE,	/* the time was up */
	APART_DIED,	/* by a signal */
	APART_MUCH,	/* it sent more than APART_BYTES */
	APART_OURS	/* this machine gave no process or no pipe: text in phase */
};

struct apart_job {
	/* In the child. It may do what it likes but print; when it returns, the child ends. */
	void (*work)(void *arg, int to);
	void *arg;

	enum apart_end end;
	struct buf said;		/* all that apart_put() was given */
	char phase[APART_PHASE];	/* the last that apart_phase() was given: raw text */

	pid_t pid;			/* apart.c's own, down to the end */
	int fd;
	struct buf part;
};

/* Do n jobs (at most APART_JOBS) until the moment until of clock_now(). The caller frees
 * said of each. */
void apart_run(struct apart_job *jobs, size_t n, double until);

/* In the child: send bytes; and say what is being done now. */
void apart_put(int to, struct slice bytes);
void apart_phase(int to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
