/* barequeue.c - barequeue count|read DIR...: the least that counting (or reading) a queue can take.
 *
 * count: getdents64 alone. read: open each file, read 4 KB, walk over Postfix's records up to the
 * first recipient. What check_mail_queue is measured against; prints how many. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 1 << 16 };

struct entry {
	uint64_t ino, off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* The length of the first recipient, to have looked for it. */
static long
first_rcpt(const unsigned char *p, long n)
{
	for (long i = 0; i < n; ) {
		unsigned char type = p[i++];
		long len = 0;

		for (int shift = 0; i < n && shift < 28; shift += 7) {
			len |= (long)(p[i] & 127) << shift;
			if (p[i++] < 128)
				break;
		}
		if (type == 'R')
			return len;
		i += len;
	}
	return 0;
}

static long
open_and_read(int dir, const char *name)
{
	unsigned char b[4096];
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME);
	long n = fd < 0 ? 0 : read(fd, b, sizeof b);

	if (fd >= 0)
		close(fd);
	return first_rcpt(b, n) > 0;
}

static long
walk(int at, const char *path, bool reads)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY);
	_Alignas(struct entry) char bytes[BYTES];
	long n, count = 0;

	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) > 0) {
		for (long i = 0; i < n; ) {
			const struct entry *e = (const void *)(bytes + i);

			i += e->reclen;
			if (e->name[0] == '.')
				continue;
			if (e->type == DT_DIR)
				count += walk(fd, e->name, reads);
			else
				count += reads ? open_and_read(fd, e->name) : 1;
		}
	}
	if (fd >= 0)
		close(fd);
	return count;
}

int
main(int argc, char **argv)
{
	long n = 0;

	if (argc < 3)
		return 2;
	for (int i = 2; i < argc; i++)
		n += walk(AT_FDCWD, argv[i], strcmp(argv[1], "read") == 0);
	printf("%ld\n", n);
	return 0;
}
