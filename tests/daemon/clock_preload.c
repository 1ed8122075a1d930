/* clock_preload.c - preloaded into mxgauged by clock.t: time() is as much ahead as the eight
 * bytes of the file CLOCK_FILE say, which may change at any time. Other clocks are not touched,
 * so that timers run as ever. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

time_t
time(time_t *out)
{
	static const volatile int64_t *ahead;
	struct timespec ts;

	if (ahead == NULL) {
		void *map = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED,
		    open(getenv("CLOCK_FILE"), O_RDONLY | O_CLOEXEC), 0);

		if (map == MAP_FAILED)
			abort();
		ahead = map;
	}
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += *ahead;
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
