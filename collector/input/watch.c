/* watch.c - see watch.h: the home of sys/inotify.h and sys/epoll.h. */
#include "input/watch.h"

#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/inotify.h>
#endif

#include "poison.h"

#ifdef __linux__

int
watch_new(void)
{
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

void
watch_folder(int fd, const char *path)
{
	if (fd >= 0)
		(void)inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

int
watch_file(int fd, const char *path)
{
	return fd >= 0 ? inotify_add_watch(fd, path, IN_MODIFY) : -1;
}

void
watch_drop(int fd, int wd)
{
	if (fd >= 0 && wd >= 0)
		(void)inotify_rm_watch(fd, wd);
}

bool
watch_drain(int fd)
{
	_Alignas(struct inotify_event) char buf[16384];
	bool names = false;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0) {
		const char *p = buf, *end = buf + n;

		while (p < end) {
			const struct inotify_event *ev = (const void *)p;

			/* after an overflow anything may have happened */
			if (ev->mask & (IN_CREATE | IN_MOVED_TO | IN_Q_OVERFLOW))
				names = true;
			p += sizeof *ev + ev->len;
		}
	}
	return names;
}

int
watch_group_new(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

void
watch_group_add(int group, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (group >= 0 && fd >= 0)
		(void)epoll_ctl(group, EPOLL_CTL_ADD, fd, &ev);
}

#else

int
watch_new(void)
{
	return -1;
}

void
watch_folder(int fd, const char *path)
{
	(void)fd;
	(void)path;
}

int
watch_file(int fd, const char *path)
{
	(void)fd;
	(void)path;
	return -1;
}

void
watch_drop(int fd, int wd)
{
	(void)fd;
	(void)wd;
}

bool
watch_drain(int fd)
{
	(void)fd;
	return true;
}

int
watch_group_new(void)
{
	return -1;
}

void
watch_group_add(int group, int fd)
{
	(void)group;
	(void)fd;
}

#endif

void
watch_free(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}
