/* fail_preload.c - LD_PRELOAD library: the n-th call that changes files of a folder fails.
 *
 * FAIL_UNDER is the folder, FAIL_AT the first call that fails, FAIL_FOR how many do from
 * there on, FAIL_ERRNO with which number. With FAIL_SHORT=1 the first of them, if it writes,
 * writes half and says so. Counted are write, pwrite, fsync, fdatasync,
 * rename, ftruncate, and open under all their names; with FAIL_READS=1 read and pread instead. At the end of the process the number of calls
 * is written to FAIL_COUNT. What stdio writes inside the C library is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	const char *under;
	long at, run, calls;
	int number, half, reads;
} fail;

__attribute__((constructor)) static void
begin(void)
{
	const char *at = getenv("FAIL_AT"), *run = getenv("FAIL_FOR"), *e = getenv("FAIL_ERRNO");

	fail.half = getenv("FAIL_SHORT") != NULL && strcmp(getenv("FAIL_SHORT"), "1") == 0;
	fail.reads = getenv("FAIL_READS") != NULL;
	fail.under = getenv("FAIL_UNDER");
	fail.at = at != NULL ? strtol(at, NULL, 10) : 0;
	fail.run = run != NULL ? strtol(run, NULL, 10) : 1;
	fail.number = e != NULL ? (int)strtol(e, NULL, 10) : EIO;
}

__attribute__((destructor)) static void
end(void)
{
	const char *path = getenv("FAIL_COUNT");
	FILE *f = path != NULL ? fopen(path, "w") : NULL;

	if (f != NULL) {
		(void)fprintf(f, "%ld\n", fail.calls);
		(void)fclose(f);
	}
}

static int
fails_here(const char *path)
{
	if (fail.under == NULL || strncmp(path, fail.under, strlen(fail.under)) != 0)
		return 0;
	fail.calls++;
	if (fail.at == 0 || fail.calls < fail.at || fail.calls >= fail.at + fail.run)
		return 0;
	errno = fail.number;
	return 1;
}

static int
fails_there(int fd)
{
	char name[64], path[4096];
	ssize_t n;

	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof path - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return fails_here(path);
}

static int
fails(int fd)
{
	return !fail.reads && fails_there(fd);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The bytes to write of n, which are none when it fails. */
static size_t
share(int fd, size_t n)
{
	if (!fails(fd))
		return n;
	return fail.half && fail.calls == fail.at ? n / 2 : 0;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	size_t k = share(fd, n);

	return k == 0 && n > 0 ? -1 : REAL(write)(fd, p, k);
}

#define PWRITE(name, offset_type) \
	ssize_t \
	name(int fd, const void *p, size_t n, offset_type offset) \
	{ \
		size_t k = share(fd, n); \
\
		return k == 0 && n > 0 ? -1 : REAL(name)(fd, p, k, offset); \
	}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define OF_FD(name, ...) \
	int \
	name(int fd __VA_OPT__(,) __VA_ARGS__ __VA_OPT__(length)) \
	{ \
		return fails(fd) ? -1 : REAL(name)(fd __VA_OPT__(, length)); \
	}
OF_FD(fsync)
OF_FD(fdatasync)
OF_FD(ftruncate, off_t)
OF_FD(ftruncate64, off64_t)

int
rename(const char *from, const char *to)
{
	return !fail.reads && fails_here(to) ? -1 : REAL(rename)(from, to);
}

#define OPEN(name) \
	int \
	name(const char *path, int flags, ...) \
	{ \
		va_list ap; \
		mode_t mode; \
		va_start(ap, flags); \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0; \
		va_end(ap); \
		return !fail.reads && fails_here(path) ? -1 : REAL(name)(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

ssize_t
read(int fd, void *to, size_t n)
{
	return fail.reads && fails_there(fd) ? -1 : REAL(read)(fd, to, n);
}

#define PREAD(name, offset_type) \
	ssize_t \
	name(int fd, void *to, size_t n, offset_type offset) \
	{ \
		return fail.reads && fails_there(fd) ? -1 : REAL(name)(fd, to, n, offset); \
	}
PREAD(pread, off_t)
PREAD(pread64, off64_t)
