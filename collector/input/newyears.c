/* newyears.c - see newyears.h. */
#include "input/newyears.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input/stamp.h"

#include "poison.h"

enum {
	SAMPLE_BYTES = 8192,
	CLOSE_BYTES = 2 * SAMPLE_BYTES,	/* no nearer than that is looked between two samples */
	SAMPLES_MIN = 8,
	SAMPLES_MAX = 400,
	DEPTH_MAX = 24,
	CLOSE_DAYS = 31,	/* a step of more days may hide a new year */
	YEAR_DAYS = 366
};

struct log {
	int fd;
	uint64_t size;
};

/* The day of the year of the stamp at the front of a line, -1: none without a year is there. */
static int
day_of(struct slice line)
{
	static const struct zone *utc;
	struct stamps st = { .year = 2000 };
	int64_t time;
	uint32_t usec;
	uint64_t priority;

	if (utc == NULL && (utc = zone_get("UTC", &(struct err){ "" })) == NULL)
		return -1;
	st.zone = utc;
	if (slice_eat_char(&line, '<') && (!slice_u64(&line, &priority) || !slice_eat_char(&line, '>')))
		return -1;
	if (!stamp_take(&st, &line, &time, &usec) || st.year != 0)
		return -1;
	return (int)(time / DAY_S - civil_days(2000, 1, 1));
}

/* That of the first line at offset or behind it that has one. */
static int
sample(const struct log *l, uint64_t offset)
{
	char bytes[SAMPLE_BYTES];
	ssize_t got = pread(l->fd, bytes, sizeof bytes, (off_t)offset);
	struct slice s = { bytes, got > 0 ? (size_t)got : 0 }, line;
	int day = -1;

	if (offset > 0 && !slice_cut(&s, '\n', &line))
		return -1;
	while (day < 0 && slice_cut(&s, '\n', &line))
		day = day_of(line);
	return day;
}

/* Back by more than half a year is a new one; forward by that, a line that came late. */
static int
step(int from, int to)
{
	return to < from - YEAR_DAYS / 2 ? 1 : to > from + YEAR_DAYS / 2 ? -1 : 0;
}

/* Between the samples at two places: half way in between, too, where they are days apart. */
static int
new_years(const struct log *l, uint64_t from, int day_from, uint64_t to, int day_to, int depth)
{
	int days = (day_to - day_from + YEAR_DAYS) % YEAR_DAYS, day;
	uint64_t middle = from + (to - from) / 2;

	if (to - from <= CLOSE_BYTES || days <= CLOSE_DAYS || depth == DEPTH_MAX ||
	    (day = sample(l, middle)) < 0)
		return step(day_from, day_to);
	return new_years(l, from, day_from, middle, day, depth + 1) +
	    new_years(l, middle, day, to, day_to, depth + 1);
}

/* The last year in which that day is at most one after today. */
static int
year_by(int64_t today, int day)
{
	int year = civil_year(today) + 1;

	/* days are of a leap year: one more or less does not matter, but at its end */
	while (year > 1970 && civil_days(year, 1, 1) + day - (day > 59 && !civil_leap(year)) > today + 1)
		year--;
	return year;
}

static uint64_t
samples_of(const struct log *l)
{
	uint64_t n = l->size / CLOSE_BYTES;

	return n < SAMPLES_MIN ? SAMPLES_MIN : n < SAMPLES_MAX ? n : SAMPLES_MAX;
}

static int
first_year(const struct log *l, int64_t today)
{
	uint64_t samples = samples_of(l);
	uint64_t at = 0, tail = l->size > SAMPLE_BYTES / 2 ? l->size - SAMPLE_BYTES / 2 : 0;
	int first = sample(l, 0), last = first, years = 0, year;

	if (first < 0)
		return 0;
	for (uint64_t i = 1; i <= samples; i++) {
		uint64_t next = i < samples ? l->size / samples * i : tail;
		int day = next > at ? sample(l, next) : -1;

		if (day < 0)
			continue;
		years += new_years(l, at, last, next, day, 0);
		last = day;
		at = next;
	}
	year = year_by(today, last) - years;
	return years > 0 && year < year_by(today, first) ? year : 0;
}

int
newyears_first(const char *path, int64_t written_at)
{
	struct log l = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	struct stat st;
	int year = 0;

	if (l.fd < 0)
		return 0;
	if (fstat(l.fd, &st) == 0 && S_ISREG(st.st_mode)) {
		l.size = (uint64_t)st.st_size;
		year = first_year(&l, written_at / DAY_S);
	}
	(void)close(l.fd);
	return year;
}
