/* stamp.h - the time stamps of the syslog family, and what they leave out.
 *
 * A stamp may lack the year, the zone, or both. What was read before, the clock
 * and the zone of the source fill them in; struct stamps is that memory, one for
 * each source. */
#ifndef MX_STAMP_H
#define MX_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "logtime.h"
#include "slice.h"

enum {
	STAMP_BSD_MINUTE = 12,	/* "Nov 18 10:00" */
	STAMP_BSD_BYTES = 16,
	STAMP_TORN = 60,
	STAMP_ISO_MINUTE = 16,	/* "2026-11-18T10:00" */
	STAMP_ISO_ZONE = 6,	/* "+01:00" */
	STAMP_ISO_BYTES = 33	/* with microseconds, as rsyslog writes it */
};

struct stamps {
	const struct zone *zone;	/* of stamps that name none */
	bool clocked;			/* years are inferred: nothing lies in the future */
	bool live;			/* read as it is written: now is the time of day */
	int year;			/* of the first stamp without one; 0 once used */
	int64_t now, newest;
	int64_t newest_at;		/* what now was when the newest came */
	unsigned torn;			/* minutes in a row that lie half a year or more before the
					 * newest line, and a year later in the future; STAMP_TORN:
					 * there were so many */
	int64_t ahead_s;		/* live: how far ahead of us another clock may be */
	char bsd_key[STAMP_BSD_MINUTE];	/* the minutes seen last ... */
	char iso_key[STAMP_ISO_MINUTE];
	int64_t bsd_utc, iso_civil;	/* ... and what they mean */
	char iso_zone[STAMP_ISO_ZONE];	/* seen last, and its seconds east */
	int64_t iso_east;
};

/* Take a stamp and the blank after it from the front of *s:
 *	Nov 18 10:00:00 | Nov 18 10:00:00.123 2026 | 2026 Nov 18 10:00:00 | Nov 18 2026 10:00:00
 *	2026-11-18T10:00:00.123456+01:00, "Z" or no zone
 * The month may be a name of another language ("Dez", "août", "11月").
 * False, and *s untouched, if it is none. *usec is set only by a fraction. */
bool stamp_take(struct stamps *st, struct slice *s, int64_t *time, uint32_t *usec);

/* A date and time of day as programs write it into files of their own: sep between the
 * numbers of the date, between before the time; a fraction of a second may follow. */
struct civil_stamp {
	int64_t civil;		/* seconds as if it were UTC */
	uint32_t usec;
	unsigned digits;	/* of the fraction, behind a dot */
};
bool stamp_civil(struct slice *s, char sep, char between, struct civil_stamp *out);
/* The same by a pattern: Y year, y year of this century in two digits, M "Nov", N month, D day, C
 * "hh:mm:ss", F digits of a fraction; anything else is itself. */
bool stamp_pattern(struct slice *s, const char *pattern, struct civil_stamp *out);
/* What it is in UTC: with the zone "+0100", "+01:00", "Z" or "UTC" at the front of *s and its blank, which
 * are dropped, or else in the source's zone. */
int64_t stamp_zoned(struct stamps *st, struct slice *s, int64_t civil);

/* The same with the zone's short name at the front of *s, as journalctl -o short-full prints it: "UTC ", "CET ",
 * "-03 ". The names are those of the source's zone, UTC and GMT apart. False if there is none. */
bool stamp_named_zone(struct stamps *st, struct slice *s, int64_t civil, int64_t *time);

/* The newest line is the memory for years and repeated hours; a clock gone wild
 * on some host must not spoil it. */
static inline void
stamp_remember(struct stamps *st, int64_t t)
{
	enum { DAY = 86400 };

	if (t <= st->newest)
		return;
	if (st->clocked ? t > st->now + DAY : st->newest != 0 && t - st->newest >= 366 * DAY)
		return;
	st->newest = t;
	st->newest_at = st->now;
}

/* stamp_same() and stamp_same_iso() are to know no minute until the next stamp_take(). */
static inline void
stamp_forget(struct stamps *st)
{
	st->bsd_key[0] = st->iso_zone[0] = '\0';
}

/* Is what stands in the STAMP_BSD_BYTES at p "Mmm dd hh:mm:ss " of the minute that was
 * seen last? */
static inline bool
stamp_same(struct stamps *st, const char *p, int64_t *time)
{
	unsigned tens = (unsigned)(p[13] - '0'), ones = (unsigned)(p[14] - '0');

	if (memcmp(p, st->bsd_key, STAMP_BSD_MINUTE) != 0 || p[12] != ':' || p[15] != ' ' ||
	    tens > 5 || ones > 9)
		return false;
	*time = st->bsd_utc + tens * 10 + ones;
	stamp_remember(st, *time);
	return true;
}

/* The same of the STAMP_ISO_BYTES "yyyy-mm-ddThh:mm:ss.uuuuuu+hh:mm ". */
static inline bool
stamp_same_iso(struct stamps *st, const char *p, int64_t *time, uint32_t *usec)
{
	unsigned tens = (unsigned)(p[17] - '0'), ones = (unsigned)(p[18] - '0');
	uint32_t v = 0;
	bool digits = true;

	if (memcmp(p, st->iso_key, STAMP_ISO_MINUTE) != 0 ||
	    memcmp(p + 26, st->iso_zone, STAMP_ISO_ZONE) != 0 || p[16] != ':' || p[19] != '.' ||
	    p[32] != ' ' || tens > 5 || ones > 9)
		return false;
	for (int i = 20; i < 26; i++) {
		digits &= slice_is_digit(p[i]);
		v = v * 10 + (uint32_t)(p[i] - '0');
	}
	if (!digits)
		return false;
	*usec = v;
	*time = st->iso_civil + tens * 10 + ones - st->iso_east;
	stamp_remember(st, *time);
	return true;
}

#endif
