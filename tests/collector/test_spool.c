/* test_spool.c - what waits for monitors: which results, in which order, how many; and what is left when the
 * process is killed before or after any step. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_dir.h"
#include "store/spool.h"
#include "tap.h"

enum { MOST = 64, PENDING_BYTE = 0x40000000 /* of SQLite's file format */ };

static char dir[] = "/tmp/mx-spool.XXXXXX";
static struct err e;

static struct spool *
open_spool(int64_t *id, int64_t most, int64_t age)
{
	struct spool *s = spool_open(dir, 0, &e);

	if (s == NULL || (*id = spool_monitor(s, "main", most, age, &e)) == 0)
		die(&e);
	return s;
}

static void
drop_spool(void)
{
	static const char *const files[] = { "spool.db", "spool.db-wal", "spool.db-shm", "lock" };
	char path[100];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
}

static void
put(struct spool *s, int64_t id, const char *service, int state, int64_t at)
{
	char text[100];
	struct result r = { .host = "h", .service = service, .state = state, .begun = at, .at = at, .text = text };

	(void)snprintf(text, sizeof text, "%s %d at %lld", service, state, (long long)at);
	if (!spool_put(s, &id, 1, &r, &e))
		die(&e);
}

/* "a0@1 b2@5*": service, state, time; a star for the newest of its service. */
static const char *
waiting(struct spool *s, int64_t id)
{
	static char text[4096];
	struct spooled got[MOST];
	struct arena memory = { 0 };
	size_t n, used = 0;

	text[0] = '\0';
	if (!spool_take(s, id, got, MOST, &n, &memory, &e))
		die(&e);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%d@%lld%s", i > 0 ? " " : "",
		    got[i].r.service, got[i].r.state, (long long)got[i].r.at, got[i].newest ? "*" : "");
	arena_free(&memory);
	return text;
}

static void
done(struct spool *s, int64_t id, size_t most, bool refused)
{
	struct spooled got[MOST];
	struct arena memory = { 0 };
	int64_t ids[MOST];
	size_t n;

	if (!spool_take(s, id, got, most, &n, &memory, &e))
		die(&e);
	for (size_t i = 0; i < n; i++)
		ids[i] = got[i].id;
	if (!spool_done(s, id, ids, n, refused, 999, &e))
		die(&e);
	arena_free(&memory);
}

static void
test_order(void)
{
	int64_t id;
	struct spool *s = open_spool(&id, 1000, 1000);
	struct spool_count c;

	put(s, id, "a", 0, 1);
	put(s, id, "b", 0, 2);
	put(s, id, "a", 0, 3);
	put(s, id, "a", 0, 4);
	is_str(waiting(s, id), "a0@1 b0@2* a0@4*", "of repeats the last one waits, at its own place");
	put(s, id, "a", 2, 5);
	is_str(waiting(s, id), "a0@1 b0@2* a2@5*", "a change takes the place of a repeat");
	put(s, id, "a", 2, 6);
	put(s, id, "a", 0, 7);
	put(s, id, "a", 2, 8);
	is_str(waiting(s, id), "a0@1 b0@2* a2@5 a0@7 a2@8*", "all changes wait, in order");
	done(s, id, 2, false);
	is_str(waiting(s, id), "a2@5 a0@7 a2@8*", "what was told waits no longer");
	done(s, id, 1, true);
	is_str(waiting(s, id), "a0@7 a2@8*", "nor what was refused");
	ok(spool_count(s, id, &c, &e), "counted");
	is_int(c.sent, 2, "told");
	is_int(c.refused, 1, "refused");
	is_int(c.waiting, 2, "waiting");
	is_int(c.oldest_at, 7, "since");
	is_int(c.sent_at, 999, "last told");
	done(s, id, 2, false);
	put(s, id, "b", 0, 10);
	put(s, id, "b", 0, 11);
	put(s, id, "b", 1, 12);
	is_str(waiting(s, id), "b1@12*", "what was told is remembered: a repeat is one, a change is one");
	spool_close(s);
	s = open_spool(&id, 1000, 1000);
	is_str(waiting(s, id), "b1@12*", "opened again it is all there");
	spool_close(s);
	drop_spool();
}

static void
test_limits(void)
{
	int64_t id, other;
	struct spool *s = open_spool(&id, 5, 100);
	struct spool_count c;
	struct result r = { .host = "h", .service = "a", .text = "" };
	size_t gone;

	put(s, id, "quiet", 1, 1);
	for (int i = 0; i < 10; i++)
		put(s, id, "a", i % 2, 10 + i);
	is_str(waiting(s, id), "quiet1@1* a0@16 a1@17 a0@18 a1@19*", "of too many the oldest go, not a service's newest");
	if (!spool_count(s, id, &c, &e))
		die(&e);
	is_int(c.dropped, 6, "which are counted");
	is_int(c.dropped_at, 19, "with the time");
	ok(spool_expire(s, 117, &e), "time goes by");
	is_str(waiting(s, id), "a1@17 a0@18 a1@19*", "what is too old goes, the newest too");
	other = spool_monitor(s, "other", 5, 100, &e);
	ok(other != 0 && other != id, "another monitor");
	r.state = 2;
	ok(spool_put(s, (const int64_t[]){ id, other }, 2, &r, &e), "a result for both");
	is_str(waiting(s, other), "a2@0*", "which one");
	done(s, other, 1, false);
	is_str(waiting(s, id), "a1@17 a0@18 a1@19 a2@0*", "has, waits for the other");
	spool_close(s);
	s = open_spool(&other, 5, 100);
	ok(spool_forget(s, &gone, &e) && gone == 1, "a monitor that is not named any more is forgotten");
	is_int(other, id, "and the other one is not");
	spool_close(s);
	drop_spool();
}

static void
test_open(void)
{
	int64_t id;
	struct spool *s = open_spool(&id, 5, 100);
	char path[100];
	FILE *f;

	ok(spool_open(dir, 0.1, &e) == NULL && strstr(e.text, "another mxgauge passive") != NULL,
	    "two at once cannot be");
	spool_close(s);
	drop_spool();
	(void)snprintf(path, sizeof path, "%s/spool.db", dir);
	f = fopen(path, "w");
	for (int i = 0; f != NULL && i < 1000; i++)
		(void)fputs("no database", f);
	if (f != NULL)
		(void)fclose(f);
	ok(spool_open(dir, 0, &e) == NULL && strstr(e.text, path) != NULL, "a damaged file is named");
	drop_spool();
}

/* --- killed at any step -------------------------------------------------------------------- */

/* SQLite's own file system, with a death before the n-th write or sync, or after it. */
static struct {
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods db, log;	/* the log has no shared memory */
	const sqlite3_io_methods *real_io;	/* both write and sync alike */
	long at, calls;
	int after;
} death;

static void
may_die(int after)
{
	if (death.after == after && death.calls == death.at)
		(void)raise(SIGKILL);
}

static int
dying_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc;

	death.calls++;
	may_die(0);
	rc = death.real_io->xWrite(f, p, n, at);
	may_die(1);
	return rc;
}

/* A killed process leaves what it wrote with the kernel: nothing has to reach the disk. */
static int
dying_sync(sqlite3_file *f, int flags)
{
	(void)f;
	(void)flags;
	death.calls++;
	may_die(0);
	may_die(1);
	return SQLITE_OK;
}

static int
dying_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	sqlite3_io_methods *io = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? &death.db : &death.log;
	int rc = death.real->xOpen(v, name, f, flags, out);

	if (rc != SQLITE_OK)
		return rc;
	death.real_io = f->pMethods;
	*io = *f->pMethods;
	io->xWrite = dying_write;
	io->xSync = dying_sync;
	f->pMethods = io;
	return rc;
}

enum { STEPS = 12 };

/* The story: changes of one service, told one by one. What is done is said to fd as soon as it is. */
static void
tell_story(int fd)
{
	int64_t id;
	struct spool *s = open_spool(&id, 1000, 1000);

	for (int i = 0; i < STEPS; i++) {
		put(s, id, "a", i % 4, 100 + i);
		(void)!write(fd, "p", 1);
		if (i % 3 == 2) {
			done(s, id, 2, false);
			(void)!write(fd, "d", 1);
		}
	}
	spool_close(s);
	(void)!write(fd, "e", 1);
}

/* Where the story ended: how many were put and told; -1: it was told to its end. */
static int
end_story(long at, int after, int *told)
{
	int fds[2], puts = 0, ended = 0;
	char c;
	pid_t pid;

	*told = 0;
	if (pipe(fds) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		close(fds[0]);
		death.at = at;
		death.calls = 0;
		death.after = after;
		tell_story(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &c, 1) == 1) {
		puts += c == 'p';
		*told += c == 'd' ? 2 : 0;
		ended += c == 'e';
	}
	close(fds[0]);
	(void)waitpid(pid, NULL, 0);
	return ended != 0 ? -1 : puts;
}

/* What waits is all that was put and not told, in order: one more of either may have been done and not said. */
static bool
is_right(struct spool *s, int64_t id, int puts, int told)
{
	struct spooled got[MOST];
	struct arena memory = { 0 };
	size_t n;
	bool good;
	int first;

	if (!spool_take(s, id, got, MOST, &n, &memory, &e))
		die(&e);
	first = n > 0 ? (int)got[0].r.at - 100 : puts;
	good = (first == told || first == told + 2 || (n == 0 && puts <= told + 2)) &&
	    ((int)n == puts - first || (int)n == puts + 1 - first || n == 0);
	for (size_t i = 0; i < n; i++)
		good = good && got[i].r.at == 100 + first + (int)i && got[i].r.state == (first + (int)i) % 4;
	arena_free(&memory);
	return good;
}

/* The story goes on: what was not put is a change, whatever was begun; so a repeat does not take its place. */
static bool
goes_on(struct spool *s, int64_t id)
{
	struct spooled got[MOST];
	struct arena memory = { 0 };
	size_t n, more;
	int next;

	done(s, id, 1, false);		/* so that there is one that is known */
	if (!spool_take(s, id, got, MOST, &n, &memory, &e))
		die(&e);
	next = n > 0 ? (int)got[n - 1].r.at - 100 + 1 : -1;
	if (next >= 0) {
		put(s, id, "a", next % 4, 200);
		put(s, id, "a", next % 4, 201);
	}
	if (!spool_take(s, id, got, MOST, &more, &memory, &e))
		die(&e);
	arena_free(&memory);
	return next < 0 || more == n + 2;
}

static void
test_kills(void)
{
	int wrong = 0, tries = 0, told, puts = 0;

	death.real = sqlite3_vfs_find(NULL);
	death.vfs = *death.real;
	death.vfs.zName = "dying";
	death.vfs.xOpen = dying_open;
	(void)sqlite3_vfs_register(&death.vfs, 1);
	for (int after = 0; after < 2; after++) {
		for (long at = 1; at < 2000 && (puts = end_story(at, after, &told)) >= 0; at++, tries++) {
			int64_t id;
			struct spool *s = open_spool(&id, 1000, 1000);

			if (!is_right(s, id, puts, told) || !goes_on(s, id)) {
				wrong++;
				printf("# killed %s call %ld, %d put, %d told: %s\n", after ? "after" : "before", at, puts,
				    told, waiting(s, id));
			}
			spool_close(s);
			drop_spool();
		}
		drop_spool();
	}
	ok(puts < 0 && tries > 100, "killed before and after each write and sync: %d times", tries);
	is_int(wrong, 0, "and nothing was lost, nothing out of order");
}

/* Does another process wait until nobody reads the file? */
static bool
is_wanted(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PENDING_BYTE, .l_len = 2 };

	return fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* A process that reads the file, which it makes, until another one wants to write to it, for three
 * seconds at most. */
static pid_t
begin_reader(void)
{
	char path[100];
	int began[2];
	sqlite3 *db;
	pid_t pid;

	(void)snprintf(path, sizeof path, "%s/spool.db", dir);
	if (pipe(began) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

		if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		(void)close(began[1]);
		for (int ms = 0; ms < 3000 && !is_wanted(fd); ms++)
			(void)poll(NULL, 0, 1);
		_exit(0);
	}
	(void)close(began[1]);
	if (read(began[0], path, 1) != 0)
		abort();
	(void)close(began[0]);
	return pid;
}

static void
test_read_while_made(void)
{
	pid_t reader = begin_reader();
	struct spool *s = spool_open(dir, 0, &e);
	int status;

	ok(s != NULL, "somebody who reads it when it is made does not stop it%s%s", s == NULL ? ": " : "",
	    s == NULL ? e.text : "");
	ok(waitpid(reader, &status, 0) == reader && status == 0, "the reader had begun");
	spool_close(s);
	drop_spool();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	test_order();
	test_limits();
	test_open();
	test_read_while_made();
	test_kills();
	(void)rmdir(dir);
	return done_testing();
}
