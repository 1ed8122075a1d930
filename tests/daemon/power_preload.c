/* power_preload.c - LD_PRELOAD library: what a program does to files is written down, for power.pl.
 *
 * POWER_UNDER is the folder, POWER_RECORD the file that the record is appended to. Of each call that succeeded:
 * 'w' for bytes, 't' for a new size, 's' for a sync, 'u' for a name that goes, 'r' for one that becomes another;
 * length of the path in the folder and it; the offset or size; number of bytes, and they: of 'r' the new name.
 * Numbers are of eight bytes, as the machine has them. What was changed in a mapping is written when it is given
 * back. What stdio writes is not seen: librrd writes the head of a new file so, and renames it then.
 *
 * With POWER_LOST the machine was started since, and nothing is written down. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { BLOCK = 4096, PATH_BYTES = 4096, MAPPINGS = 16 };

struct mapping {
	unsigned char *now, *before;
	size_t n;
	char path[PATH_BYTES];
};

static struct mapping mapping[MAPPINGS];
static int record = -1;
static const char *under;

__attribute__((constructor)) static void
begin(void)
{
	if (getenv("POWER_LOST") != NULL)
		return;
	under = getenv("POWER_UNDER");
	record = open(getenv("POWER_RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (under == NULL || record < 0)
		abort();
}

/* The part of a path in the folder, or NULL. */
static const char *
inside(const char *path)
{
	size_t n = under != NULL ? strlen(under) : 0;

	return n > 0 && strncmp(path, under, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static void
note_path(char what, const char *path, int64_t at, const void *p, size_t n)
{
	const char *name = inside(path);
	uint64_t length = name != NULL ? strlen(name) : 0, bytes = n;
	struct iovec part[] = { { &what, 1 }, { &length, sizeof length }, { (void *)name, length },
		{ &at, sizeof at }, { &bytes, sizeof bytes }, { (void *)p, n } };

	if (name != NULL && writev(record, part, 6) < 0)
		abort();
}

static void
path_of(int fd, char path[PATH_BYTES])
{
	char name[64];
	ssize_t length;

	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	length = readlink(name, path, PATH_BYTES - 1);
	path[length > 0 ? length : 0] = '\0';
}

static void
note(char what, int fd, int64_t at, const void *p, size_t n)
{
	char path[PATH_BYTES];

	path_of(fd, path);
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

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t done = REAL(write)(fd, p, n);

	if (done > 0)
		note('w', fd, lseek(fd, 0, SEEK_CUR) - done, p, (size_t)done);
	return done;
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
clock_gettime(clockid_t which, struct timespec *out)
{
	int rc = REAL(clock_gettime)(which, out);

	if (rc == 0 && which == CLOCK_BOOTTIME && getenv("POWER_LOST") != NULL)
		out->tv_sec /= 2;
	return rc;
}

/* --- names -------------------------------------------------------------------------------- */

int
unlink(const char *path)
{
	int rc = REAL(unlink)(path);

	if (rc == 0)
		note_path('u', path, 0, NULL, 0);
	return rc;
}

static void
note_whole(const char *path)
{
	unsigned char piece[BLOCK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	for (int64_t at = 0; (n = read(fd, piece, sizeof piece)) > 0; at += n)
		note_path('w', path, at, piece, (size_t)n);
	close(fd);
}

int
rename(const char *from, const char *to)
{
	const char *added = strstr(from, ".new");
	int rc;

	if (added != NULL && strlen(added) > strlen(".new") && inside(from) != NULL)
		note_whole(from);	/* librrd's */
	rc = REAL(rename)(from, to);
	if (rc == 0 && inside(to) != NULL)
		note_path('r', from, 0, inside(to), strlen(inside(to)));
	return rc;
}

/* --- mappings ------------------------------------------------------------------------------ */

void *
mmap64(void *where, size_t n, int protection, int flags, int fd, off64_t at)
{
	void *p = REAL(mmap64)(where, n, protection, flags, fd, at);
	struct mapping *m = mapping;
	char path[PATH_BYTES];

	if (p == MAP_FAILED || fd < 0 || at != 0 || !(protection & PROT_WRITE) || !(flags & MAP_SHARED))
		return p;
	path_of(fd, path);
	if (inside(path) == NULL || strstr(path, "-shm") != NULL)
		return p;
	while (m->now != NULL)
		if (++m == mapping + MAPPINGS)
			abort();
	*m = (struct mapping){ .now = p, .before = malloc(n), .n = n };
	memcpy(m->before, p, n);
	memcpy(m->path, path, sizeof path);
	return p;
}

void *
mmap(void *where, size_t n, int protection, int flags, int fd, off_t at)
{
	return mmap64(where, n, protection, flags, fd, at);
}

int
munmap(void *p, size_t n)
{
	for (struct mapping *m = mapping; m < mapping + MAPPINGS; m++) {
		if (m->now != p || p == NULL)
			continue;
		for (size_t at = 0; at < m->n; at += BLOCK) {
			size_t some = m->n - at < BLOCK ? m->n - at : BLOCK;

			if (memcmp(m->before + at, m->now + at, some) != 0)
				note_path('w', m->path, (int64_t)at, m->now + at, some);
		}
		free(m->before);
		m->now = NULL;
	}
	return REAL(munmap)(p, n);
}
