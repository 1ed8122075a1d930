/* lock.c - one writer to a state folder: an fcntl lock on DIR/lock.
 *
 * The kernel drops the lock with the process, so kill -9 leaves nothing to clean
 * up, and tells who has it. The file itself stays: removing it would let two
 * processes lock two files of the same name. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "poison.h"

static int
lock_open(const char *dir, int flags)
{
	char path[4096];

	if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
}

int
lock_take(const char *dir, struct err *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = lock_open(dir, O_RDWR | O_CREAT);

	if (fd < 0) {
		err_set(e, "lock the state in %s: %s", dir, strerror(errno));
		return -1;
	}
	if (fcntl(fd, F_SETLK, &l) == 0)
		return fd;
	if (errno != EACCES && errno != EAGAIN)
		err_set(e, "lock the state in %s: %s", dir, strerror(errno));
	else if (fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
		err_set(e, "the state in %s is in use by process %ld: only one may write it", dir,
		    (long)l.l_pid);
	else
		err_set(e, "the state in %s is in use: only one may write it", dir);
	close(fd);
	return -1;
}

void
lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}

pid_t
lock_holder(const char *dir)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = lock_open(dir, O_RDONLY);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK)
		pid = l.l_pid;
	close(fd);
	return pid;
}
