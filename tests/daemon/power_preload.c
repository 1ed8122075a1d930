/* power_preload.c - LD_PRELOAD library: what a program does to some files is written down, for power.pl.
 *
 * POWER_UNDER is how their paths begin, POWER_RECORD the file that the record is appended to. Of each call that
 * succeeded: 'w' for bytes, 't' for a new size, 's' for a sync, 'u' for a name that goes; length of the path and it;
 * the offset or size; number of bytes, and they. Numbers are of eight bytes, as the machine has them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int record = -1;

__attribute__((constructor)) static void
begin(void)
{
	record = open(getenv("POWER_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (record < 0)
		abort();
}

static void
note_path(char what, const char *path, int64_t at, const void *p, size_t n)
{
	const char *under = getenv("POWER_UNDER");
	uint64_t length = strlen(path), bytes = n;
	struct iovec part[] = { { &what, 1 }, { &length, sizeof length }, { (void *)path, length },
		{ &at, sizeof at }, { &bytes, sizeof bytes }, { (void *)p, n } };

	if (under != NULL && strncmp(path, under, strlen(under)) == 0 && writev(record, part, 6) < 0)
		abort();
}

static void
note(char what, int fd, int64_t at, const void *p, size_t n)
{
	char name[64], path[4096];
	ssize_t length;

	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	length = readlink(name, path, sizeof path - 1);
	if (length < 0)
		return;
	path[length] = '\0';
	note_path(what, path, at, p, n);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t done = REAL(pwrite64)(fd, p, n, at);

	if (done > 0)
		note('w', fd, at, p, (size_t)done);
	return done;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

#define OF_FD(name, what, ...) \
	int \
	name(int fd __VA_OPT__(, off64_t size)) \
	{ \
		int rc = REAL(name)(fd __VA_OPT__(, size)); \
\
		if (rc == 0) \
			note(what, fd, 0 __VA_OPT__(+ size), NULL, 0); \
		return rc; \
	}
OF_FD(fsync, 's')
OF_FD(fdatasync, 's')
OF_FD(ftruncate, 't', size)
OF_FD(ftruncate64, 't', size)

int
unlink(const char *path)
{
	int rc = REAL(unlink)(path);

	if (rc == 0)
		note_path('u', path, 0, NULL, 0);
	return rc;
}
