/* sensor.c - see sensor.h.
 *
 * A keeper with hardly any memory waits for the daemon's questions, and starts a reader for each:
 * what hostile files may do to that one ends with it. A reader that crashes or hangs is killed, and
 * the next one waits longer and longer. A reader may only open files for reading (confine.h). Where it
 * lacks the right, a second one without any rights of ours asks the MTA's command.
 *
 * Once the daemon has given up its rights it cannot start a sensor with them. So there are two, who
 * have them: the elder only waits for the end of the keeper, and starts another. Should the elder end,
 * the keeper sees it and becomes the elder. Only where both are killed at once nobody is left. */
#include "sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "confine.h"
#include "queue_find.h"
#include "rights.h"

#include "poison.h"

enum {
	MAGIC = 0x6d785131,
	LOOK_S = 5,			/* at most, for reading messages' files */
	MEMORY = 256 << 20,
	PAUSE_S = 60, PAUSE_MAX_S = 3600,	/* after a crash, and doubled with each */
	REST_S = 1, REST_MAX_S = 300,	/* after the end of a keeper */
	LIVED_S = 600			/* one that lived longer did not end by how it began */
};

#define MOST ((int64_t)1 << 50)	/* messages, seconds, bytes */

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };		/* it maps terabytes */
#else
enum { SANITIZED = 0 };
#endif

/* --- what a reader does ------------------------------------------------------------------- */

static bool __attribute__((format(printf, 2, 3)))
fail(struct sensor_answer *a, const char *fmt, ...)
{
	va_list ap;

	a->failed = 1;
	va_start(ap, fmt);
	(void)vsnprintf(a->said, sizeof a->said, fmt, ap);
	va_end(ap);
	return false;
}

static size_t
find(const struct config *c, struct arena *memory, struct queue_place *place)
{
	size_t n = 0;

	for (size_t i = 0; i < c->queues.n && n < QUEUE_PLACES_MAX; i++) {
		struct err e;

		if (!queue_place_parse(c->queues.item[i], &place[n], &e))
			continue;	/* the configuration was checked */
		if (place[n].mta == NULL)
			n += queue_find(memory, place + n, QUEUE_PLACES_MAX - n);
		else if (place[n].spool == NULL)
			n += queue_places(place[n].mta, memory, place + n, QUEUE_PLACES_MAX - n);
		else
			n++;
	}
	return n;
}

/* One queue's figures, to those of the others. */
static bool
add(struct sensor_answer *a, const struct queue *q, const struct queue_place *p)
{
	enum queue_box in;
	size_t n = strlen(a->said);
	double bytes = queue_bytes(q);

	if (q->looked == 0 && queue_total(q) > 0 && (q->unreadable > 0 || !q->mta->boxed))
		return fail(a, "%s", q->unreadable > 0 ? q->trouble.text :
		    "none of the messages' files could be read in time");
	for (int i = 0; i < QUEUE_BOXES; i++)
		a->box[i] += (int64_t)queue_in_box(q, (enum queue_box)i);
	if (!queue_age_known(q))
		a->oldest_s = -1;
	else if (a->oldest_s >= 0) {
		int64_t age = (int64_t)queue_age(q, queue_oldest(q, &in));

		a->oldest_s = age > a->oldest_s ? age : a->oldest_s;
	}
	a->bytes = isnan(bytes) || a->bytes < 0 ? -1 : a->bytes + (int64_t)bytes;
	(void)snprintf(a->said + n, sizeof a->said - n, "%s%s in %s", n > 0 ? ", " : "",
	    q->mta->title, p->spool);
	return true;
}

static bool
count_one(const struct config *c, const struct queue_place *p, bool ask, double until,
    struct sensor_answer *a)
{
	struct queue q;
	struct err e;
	bool good;

	queue_init(&q, p->mta, (int64_t)time(NULL));
	if (ask)
		good = p->mta->ask[0] != NULL ? queue_ask(&q, p->mta->ask[0], p->conf, &e) :
		    err_set(&e, "%s has no command that lists its queue; %s", p->mta->title, p->mta->right);
	else
		good = queue_walk(&q, p->spool, &e);
	if (good && !ask)
		queue_look(&q, (size_t)c->queue_sample, until - clock_now());
	if (good)
		good = add(a, &q, p);
	else if (strstr(e.text, "ermission denied") != NULL)
		(void)fail(a, "%s; %s", e.text, p->mta->right);
	else
		(void)fail(a, "%s", e.text);
	queue_free(&q);
	return good;
}

static void
count_all(const struct config *c, bool ask, struct sensor_answer *a)
{
	struct queue_place place[QUEUE_PLACES_MAX];
	struct arena memory = { 0 };
	size_t n = find(c, &memory, place);
	double until = clock_now() + LOOK_S;

	if (n == 0)
		(void)fail(a, "no mail server was found on this machine; name its queue, as in "
		    "queues = { \"postfix:/var/spool/postfix\" }");
	for (size_t i = 0; i < n && count_one(c, &place[i], ask, until, a); i++)
		;
	arena_free(&memory);
}

static _Noreturn void
reader(const struct config *c, bool ask, int to)
{
	struct sensor_answer a = { .magic = MAGIC };
	struct rlimit none = { 0, 0 }, memory = { MEMORY, MEMORY };
	struct err e;

	(void)setrlimit(RLIMIT_CORE, &none);
	if (!SANITIZED)
		(void)setrlimit(RLIMIT_AS, &memory);
	if (ask) {
		rights_drop_all();
		(void)signal(SIGPIPE, SIG_DFL);	/* so its command ends with it */
	} else if (strcmp(c->confine, "no") != 0) {
		(void)confine_reader(to, &e);	/* without: the kernel has no such filters */
	}
	count_all(c, ask, &a);
	_exit(write(to, &a, sizeof a) != sizeof a);
}

/* --- what the keeper does ----------------------------------------------------------------- */

struct keeper {
	const struct config *config;
	int fd;			/* to the daemon */
	int elder;		/* ends when that does */
	unsigned crashes;	/* in a row */
	double pause_until;
	char crash[SENSOR_SAID];
};

static bool
wait_for_answer(const struct keeper *k, int from)
{
	double until = clock_now() + SENSOR_WAIT_S, left;

	while ((left = until - clock_now()) > 0) {
		struct pollfd p[2] = { { from, POLLIN, 0 }, { k->fd, 0, 0 } };
		int n = poll(p, 2, (int)(left * 1000) + 1);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && p[0].revents != 0)
			return true;
		if (n > 0 && p[1].revents != 0)
			return false;		/* the daemon has ended */
	}
	return false;
}

static void
crashed(struct keeper *k, int status, bool slow, struct sensor_answer *a)
{
	double pause = PAUSE_S * ldexp(1, (int)k->crashes);

	if (k->crashes < 16)
		k->crashes++;
	k->pause_until = clock_now() + (pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S);
	if (slow)
		(void)fail(a, "to count them took longer than %d s", SENSOR_WAIT_S);
	else if (WIFSIGNALED(status))
		(void)fail(a, "their reader was ended by signal %d", WTERMSIG(status));
	else
		(void)fail(a, "their reader ended with status %d and said nothing", WEXITSTATUS(status));
	(void)snprintf(k->crash, sizeof k->crash, "%s", a->said);
}

/* Let a reader work. False: it lacks a right. */
static bool
let_read(struct keeper *k, bool ask, struct sensor_answer *a)
{
	struct sensor_answer got;
	int fds[2], status = 0;
	bool came, whole;
	pid_t pid;

	*a = (struct sensor_answer){ .magic = MAGIC };
	if (pipe(fds) != 0)
		return fail(a, "cannot make a pipe: %s", strerror(errno)), true;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		close(k->fd);
		close(k->elder);
		(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
		reader(k->config, ask, fds[1]);
	}
	close(fds[1]);
	came = pid > 0 && wait_for_answer(k, fds[0]);
	whole = came && read(fds[0], &got, sizeof got) == sizeof got && got.magic == MAGIC;
	close(fds[0]);
	if (pid < 0)
		return fail(a, "cannot start their reader: %s", strerror(errno)), true;
	if (!whole && !came)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!whole) {
		crashed(k, status, !came, a);
		return true;
	}
	k->crashes = 0;
	*a = got;
	a->said[SENSOR_SAID - 1] = '\0';
	return a->failed == 0 || strstr(a->said, "ermission denied") == NULL;
}

static void
answer(struct keeper *k)
{
	struct sensor_answer a = { .magic = MAGIC }, asked;

	if (clock_now() < k->pause_until)
		(void)fail(&a, "%s", k->crash);
	else if (!let_read(k, false, &a) && strcmp(k->config->queue_ask, "yes") == 0) {
		(void)let_read(k, true, &asked);
		if (asked.failed == 0)
			a = asked;	/* else the right that is missing is the better reason */
	}
	(void)send(k->fd, &a, sizeof a, MSG_NOSIGNAL);
}

/* Answer the daemon's questions, and once unasked where another could not. Returns when the elder
 * has ended. */
static void
keep(const struct config *c, int fd, int elder, bool unasked)
{
	struct keeper k = { .config = c, .fd = fd, .elder = elder };
	char question;
	ssize_t n;

	if (unasked)
		answer(&k);
	for (;;) {
		struct pollfd p[2] = { { fd, POLLIN, 0 }, { elder, 0, 0 } };

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents != 0) {
			n = recv(fd, &question, 1, MSG_DONTWAIT);
			if (n > 0)
				answer(&k);
			else if (n == 0 || (errno != EAGAIN && errno != EINTR))
				_exit(0);	/* the daemon has ended */
		} else if (p[1].revents != 0) {
			return;
		}
	}
}

/* --- the elder ------------------------------------------------------------------------------ */

/* A keeper ended with that status: tell the daemon, and wait. */
static void
mourn(int fd, int status, int rest_s)
{
	struct sensor_answer a = { .magic = MAGIC };
	struct pollfd p = { fd, 0, 0 };
	char how[64];

	if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof how, "was ended by signal %d", WTERMSIG(status));
	else
		(void)snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
	(void)fail(&a, "the process that counts them %s, and is started again after a pause", how);
	(void)send(fd, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)poll(&p, 1, rest_s * 1000);
	if (p.revents != 0)
		_exit(0);	/* the daemon has ended, too */
}

static _Noreturn void
look_after(const struct config *c, int fd)
{
	int rest_s = REST_S;
	bool again = false;

	for (;;) {
		double begun = clock_now();
		int alive[2], status = 0;
		pid_t pid;

		if (pipe(alive) != 0)
			_exit(1);
		pid = fork();
		if (pid == 0) {
			close(alive[1]);
			keep(c, fd, alive[0], again);
			close(alive[0]);
			rest_s = REST_S;
			again = false;
			continue;	/* we are the elder now */
		}
		close(alive[0]);
		while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		close(alive[1]);
		if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			_exit(0);
		if (clock_now() - begun > LIVED_S)
			rest_s = REST_S;
		mourn(fd, pid > 0 ? status : 1 << 8, rest_s);
		rest_s = rest_s * 2 < REST_MAX_S ? rest_s * 2 : REST_MAX_S;
		again = true;
	}
}

static _Noreturn void
begin(const struct config *c, int fd)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE };
	struct err e;

	/* those are for the daemon: when it has ended, so do we */
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	if (!rights_keep_reading(c->user, c->group, &e))
		_exit(1);
	look_after(c, fd);
}

/* --- for the daemon ----------------------------------------------------------------------- */

int
sensor_start(const struct config *c, int unwanted, struct err *e)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0) {
		err_set(e, "make a socket: %s", strerror(errno));
		return -1;
	}
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		if (unwanted >= 0)
			close(unwanted);
		begin(c, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		err_set(e, "start a process: %s", strerror(errno));
		close(fds[0]);
		return -1;
	}
	(void)signal(SIGCHLD, SIG_IGN);	/* should it end, nobody waits for it */
	return fds[0];
}

bool
sensor_ask(int fd)
{
	return send(fd, "?", 1, MSG_NOSIGNAL) == 1;
}

static bool
is_sane(const struct sensor_answer *a)
{
	for (int i = 0; i < QUEUE_BOXES; i++)
		if (a->box[i] < 0 || a->box[i] > MOST)
			return false;
	return a->magic == MAGIC && a->oldest_s >= -1 && a->oldest_s <= MOST && a->bytes >= -1 &&
	    a->bytes <= MOST;
}

int
sensor_read(int fd, struct sensor_answer *a)
{
	ssize_t n = recv(fd, a, sizeof *a, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != sizeof *a || !is_sane(a))
		return -1;
	a->said[SENSOR_SAID - 1] = '\0';
	for (char *p = a->said; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	return 1;
}
