/* notify.c - tell the service manager how we are: one datagram, so that we need
 * no libsystemd for it. */
#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "poison.h"

void
notify(const char *words)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';	/* an abstract socket */
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, words, strlen(words), 0, (const struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

void
notify_reloading(void)
{
	char words[100];
	struct timespec ts;

	/* the time says which of several reloads is meant, since systemd 253 */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	(void)snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify(words);
}

/* What the watchdog allows from one sign of life to the next; 0: there is none for us. */
static int64_t
watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	return strtoll(us, NULL, 10);
}

void
notify_alive(const char *status)
{
	char words[300];

	(void)snprintf(words, sizeof words, "%sSTATUS=%.250s", watchdog_us() > 0 ? "WATCHDOG=1\n" : "",
	    status);
	notify(words);
}

int64_t
notify_every_us(int64_t most)
{
	int64_t us = watchdog_us() / 3;		/* one may come late, another be lost */

	return us > 0 && us < most ? us : most;
}
