/* feed.c - append the lines of a log to another one at a steady rate, as a log daemon would.
 *
 *	feed FROM TO RATE SECONDS [FIRST]
 *
 * Each line gets the present time as its stamp (BSD form, UTC), since at 20,000 lines a second
 * a day's own stamps would run through hours. Writes 100 times a second. RATE 0: as fast as it
 * can be written. FIRST: begin behind so many lines. Prints the number of the last line, and
 * how many seconds it took. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "poison.h"

enum { STAMP = 15, BOUTS = 100 };	/* "Nov  5 10:00:00"; bouts a second */

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
stamp_now(char stamp[STAMP + 1])
{
	static const char month[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t t = time(NULL);
	struct tm tm;
	char text[80];

	(void)gmtime_r(&t, &tm);
	(void)snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", month[tm.tm_mon], tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(stamp, text, STAMP);
}

/* The next n lines; returns how many there were. */
static long
pass_on(FILE *from, FILE *to, long n)
{
	char line[1 << 16], stamp[STAMP + 1];
	long i = 0;

	stamp_now(stamp);
	for (; i < n && fgets(line, sizeof line, from) != NULL; i++) {
		if (strlen(line) > STAMP)
			memcpy(line, stamp, STAMP);
		(void)fputs(line, to);
	}
	(void)fflush(to);
	return i;
}

static void
wait_until(double at)
{
	double left = at - now();
	struct timespec t = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };

	if (left > 0)
		(void)nanosleep(&t, NULL);
}

int
main(int argc, char **argv)
{
	long rate = argc > 3 ? strtol(argv[3], NULL, 10) : 0, seconds = argc > 4 ?
	    strtol(argv[4], NULL, 10) : 1, first = argc > 5 ? strtol(argv[5], NULL, 10) : 0;
	FILE *from = argc > 4 ? fopen(argv[1], "r") : NULL, *to = from != NULL ? fopen(argv[2], "a") : NULL;
	long done = 0, bouts = seconds * BOUTS, got = 1;
	FILE *nowhere = fopen("/dev/null", "w");
	double start;

	if (to == NULL || nowhere == NULL) {
		fprintf(stderr, "feed FROM TO RATE SECONDS [FIRST]: %s\n", strerror(errno));
		return 1;
	}
	(void)pass_on(from, nowhere, first);
	start = now();
	for (long bout = 1; got > 0 && (rate == 0 || bout <= bouts); bout++) {
		got = pass_on(from, to, rate == 0 ? 10000 : bout * rate / BOUTS - done);
		done += got;
		got = got > 0 || rate > 0;
		if (rate > 0)
			wait_until(start + (double)bout / BOUTS);
	}
	printf("%ld %.3f\n", first + done, now() - start);
	return 0;
}
