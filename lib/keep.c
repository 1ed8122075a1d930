/* keep.c - see keep.h. The folder lies where everybody may write: nothing in it is followed or
 * read that is not the account's own. */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "hash.h"

#include "poison.h"

enum { NAME_BYTES = 128 };

static struct {
	char own[64];		/* the account's folder */
	const char *named;	/* that of the last call of folder() */
} at;

/* The open folder, or -1. */
static int
folder(struct err *e)
{
	struct stat st;
	int fd;

	at.named = getenv("NAGIOS_PLUGIN_STATE_DIRECTORY");
	(void)snprintf(at.own, sizeof at.own, "/var/tmp/mxgauge-%ld", (long)geteuid());
	if (at.named == NULL || at.named[0] != '/') {
		at.named = at.own;
		if (mkdir(at.own, 0700) != 0 && errno != EEXIST) {
			err_set(e, "cannot make %s: %s", at.own, strerror(errno));
			return -1;
		}
	}
	fd = open(at.named, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (at.named == at.own ? O_NOFOLLOW : 0));
	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(e, "cannot open the folder %s: %s", at.named, strerror(errno));
	} else if (at.named == at.own && (st.st_uid != geteuid() || (st.st_mode & 022) != 0)) {
		err_set(e, "%s belongs to somebody else, or others may write to it; "
		    "set NAGIOS_PLUGIN_STATE_DIRECTORY", at.own);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The key is no secret: names must be the same each time, and collide by accident only. */
uint64_t
keep_number(struct slice thing)
{
	static const struct hash_key key = { { 0x9e3779b97f4a7c15u, 0xbf58476d1ce4e5b9u,
		0x94d049bb133111ebu, 0x2545f4914f6cdd1du } };

	return hash_bytes(&key, thing);
}

static void
file_name(char name[NAME_BYTES], const char *check, struct slice thing)
{
	(void)snprintf(name, NAME_BYTES, "%.80s-%016" PRIx64, check, keep_number(thing));
}

static bool
read_all(int fd, struct buf *bytes)
{
	char part[4096];
	ssize_t n;

	while ((n = read(fd, part, sizeof part)) > 0)
		buf_add(bytes, (struct slice){ part, (size_t)n });
	return n == 0 && !bytes->full;
}

bool
keep_read(const char *check, struct slice thing, struct buf *bytes, struct err *e)
{
	char name[NAME_BYTES];
	struct stat st;
	int dir = folder(e), fd;
	bool good;

	if (dir < 0)
		return false;
	file_name(name, check, thing);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	close(dir);
	if (fd < 0 && errno == ENOENT)
		return true;
	good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    read_all(fd, bytes);
	if (!good)
		err_set(e, "cannot read what %s kept in %s/%s: %s", check, at.named, name,
		    fd < 0 ? strerror(errno) : "not a file of this account's");
	if (fd >= 0)
		close(fd);
	return good;
}

static bool
write_all(int fd, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = slice_from(s, (size_t)n);
	}
	return true;
}

bool
keep_write(const char *check, struct slice thing, struct slice bytes, struct err *e)
{
	char name[NAME_BYTES], new[NAME_BYTES + 32];
	int dir = folder(e), fd;
	bool good;

	if (dir < 0)
		return false;
	file_name(name, check, thing);
	(void)snprintf(new, sizeof new, "%s.%ld", name, (long)getpid());
	fd = openat(dir, new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	good = fd >= 0 && write_all(fd, bytes);
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && renameat(dir, new, dir, name) == 0;
	if (!good) {
		err_set(e, "cannot keep %s/%s: %s", at.named, name, strerror(errno));
		(void)unlinkat(dir, new, 0);
	}
	close(dir);
	return good;
}

void
keep_failed(bool rests, const char *what, const struct err *e)
{
	static bool remarked;

	if (rests)
		check_state(CHECK_UNKNOWN, "%s, because nothing can be remembered: %s", what, e->text);
	else if (!remarked)
		check_detail("nothing can be remembered: %s", e->text);
	remarked = remarked || !rests;
}

bool
keep_lock(const char *check, struct slice thing, double until, struct err *e)
{
	char name[NAME_BYTES], lock[NAME_BYTES + 32];
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int dir = folder(e), fd;

	if (dir < 0)
		return false;
	file_name(name, check, thing);
	(void)snprintf(lock, sizeof lock, "%s.lock", name);
	fd = openat(dir, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	close(dir);
	if (fd < 0)
		return err_set(e, "cannot open %s/%s: %s", at.named, lock, strerror(errno));
	while (fcntl(fd, F_SETLK, &all) != 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_set(e, "cannot lock %s/%s: %s", at.named, lock, strerror(errno));
		if (clock_now() >= until)
			return err_set(e, "another run of the same check is still at it");
		(void)nanosleep(&pause, NULL);
	}
	return true;	/* fd stays open: closing any descriptor of the file would give the lock back */
}
