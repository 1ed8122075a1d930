/* stamp.c - see stamp.h.
 *
 * Most lines have the minute of the line before: the way is then one compare and
 * two digits. Where a stamp has no year, the newest line so far gives it: more
 * than half a year back means that a new year began, and the clock says which
 * stamps would lie in the future. What is read as it is written needs the clock
 * alone, and may be silent for years.
 *
 * In the hour that a zone repeats in autumn the order of arrival decides: a line
 * that would be more than ten minutes older than the newest belongs to the second
 * pass. The clock knows better where that has not begun, and where a line comes
 * just in its time after a silence. */
#include "input/stamp.h"

#include "poison.h"

enum {
	LATE_S = 600,		/* lines come out of order by less than this */
	AT_ONCE_S = 60,		/* a line that did not wait anywhere comes within that */
	HALF_YEAR_S = 183 * DAY_S
};

/* Two digits, or -1. */
static inline int
two(const char *p)
{
	return slice_is_digit(p[0]) && slice_is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

/* Four digits that can be a year, or -1. */
static inline int
year_at(const char *p)
{
	int a = two(p), b = two(p + 2);

	return a < 19 || a > 21 || b < 0 ? -1 : a * 100 + b;
}

/* Is the second moment of a repeated hour meant? */
static bool
second_pass(const struct stamps *st, const int64_t utc[2])
{
	if (st->clocked && utc[1] > st->now + LATE_S)
		return false;
	if (st->newest - utc[0] > LATE_S)
		return true;
	return st->live && st->now - st->newest_at > LATE_S && utc[1] <= st->now + AT_ONCE_S &&
	    utc[1] >= st->now - AT_ONCE_S;
}

/* Local civil seconds to UTC. */
static int64_t
local_utc(const struct stamps *st, int64_t civil)
{
	int64_t utc[2];

	return utc[zone_utc(st->zone, civil, utc) == 2 && second_pass(st, utc)];
}

static int64_t
in_year(const struct stamps *st, int year, int month, int day, int tod)
{
	return local_utc(st, civil_days(year, month, day) * DAY_S + tod);
}

/* The last such day that is not too far ahead of the clock. */
static int64_t
infer_live(const struct stamps *st, int month, int day, int tod)
{
	int year = civil_year(st->now / DAY_S) + 1;

	while (year > 1970 && (!civil_valid(year, month, day) ||
	    in_year(st, year, month, day, tod) > st->now + st->ahead_s))
		year--;
	return in_year(st, year, month, day, tod);
}

/* again: a new year began that the clock does not know of. One host may have a wrong clock, but it
 * is not alone for long. */
static void
look_torn(struct stamps *st, bool again)
{
	if (st->clocked && st->torn < STAMP_TORN)
		st->torn = again ? st->torn + 1 : 0;
}

/* The moment of a stamp without a year. */
static int64_t
infer(struct stamps *st, int month, int day, int tod)
{
	/* A clocked parser that is up to date needs no rule for late lines: the
	 * Dec 31 of this year is in the future. */
	bool late_rule = !st->clocked || st->newest < st->now - 366 * DAY_S;
	int year = st->year;

	if (st->live)
		return infer_live(st, month, day, tod);
	if (year != 0) {
		st->year = 0;
	} else if (st->newest != 0) {
		int64_t t;

		year = civil_year(st->newest / DAY_S);
		t = in_year(st, year, month, day, tod);
		if (t < st->newest - HALF_YEAR_S)
			year++;
		else if (late_rule && t > st->newest + HALF_YEAR_S + HALF_YEAR_S / 2)
			year--;
		look_torn(st, t < st->newest - HALF_YEAR_S && in_year(st, year, month, day, tod) > st->now + DAY_S);
	} else {
		year = civil_year(st->now / DAY_S) + 1;
	}
	while (st->clocked && year > 1970 && in_year(st, year, month, day, tod) > st->now + DAY_S)
		year--;
	if (month == 2 && day == 29 && !civil_leap(year) && civil_leap(year + 1) &&
	    (!st->clocked || in_year(st, year + 1, 2, 29, tod) <= st->now + DAY_S))
		year++;
	while (month == 2 && day == 29 && !civil_leap(year))
		year--;
	return in_year(st, year, month, day, tod);
}

static int
month_of(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (memcmp(p, names + (size_t)3 * (size_t)i, 3) == 0)
			return i + 1;
	return 0;
}

/* "hh:mm:ss" at the front as seconds, or -1. Second 60 is a leap second. */
static int
clock_of(struct slice s)
{
	int hh, mm, ss;

	if (s.n < 8 || s.p[2] != ':' || s.p[5] != ':')
		return -1;
	hh = two(s.p);
	mm = two(s.p + 3);
	ss = two(s.p + 6);
	if (hh < 0 || hh > 23 || mm < 0 || mm > 59 || ss < 0 || ss > 60)
		return -1;
	return hh * HOUR_S + mm * MINUTE_S + ss;
}

/* journalctl names months in the language of whoever asks it, as the C library has them: of each
 * month the words, without a dot behind them. */
static const char *const months_abroad[] = {
	"jan jän janv ene gen ian sty led oca tammi янв січ",
	"feb févr febr fev lut úno şub helmi фев лют",
	"mar mär mars mrt márc març bře maalis мар бер",
	"apr avril april abr kwi dub nis ápr huhti апр кві",
	"mai may maj mei mag maig máj kvě touko мая май тра",
	"jun juin juni juny giu iun jún cze čen haz kesä июн чер",
	"jul juil juli lug iul júl lip čec tem heinä июл лип",
	"aug août ago ag sie srp ağu elo авг сер",
	"sep sept set szept wrz zář eyl syys сен вер",
	"okt oct ott out paź říj eki loka окт жов",
	"nov lis kas marras ноя лис",
	"dez dec déc dic des gru pro ara joulu дек гру",
};

/* "Mär", "févr." */
static int
month_word(struct slice word)
{
	if (word.n > 0 && word.p[word.n - 1] == '.')
		word.n--;
	for (int i = 0; i < 12; i++) {
		struct slice list = slice_of(months_abroad[i]), one;

		while (slice_next(&list, ' ', &one))
			if (slice_eq_nocase(one, word))
				return i + 1;
	}
	return 0;
}

/* "11月", "11월". With a blank before it, as some have a single digit, it is none: so may the text of a
 * mail's header begin in Exim's reject log. */
static int
month_number(struct slice word)
{
	uint64_t n;

	if (!slice_u64(&word, &n) || n < 1 || n > 12 ||
	    (!slice_eq(word, SLICE("月")) && !slice_eq(word, SLICE("월"))))
		return 0;
	return (int)n;
}

/* A month and its blank, if the day and the time follow. */
static int
take_month(struct slice *s)
{
	struct slice t = *s, word, rest;
	uint64_t day;
	int month = t.n > 4 && t.p[3] == ' ' ? month_of(t.p) : 0;

	if (month != 0) {
		*s = slice_from(t, 4);
		return month;
	}
	word = slice_head(t, slice_until(slice_head(t, 16), ' ', ' '));
	t = slice_from(t, word.n);
	if (word.n < 2 || !slice_eat_char(&t, ' '))
		return 0;
	rest = t;
	(void)slice_eat_char(&rest, ' ');
	if (!slice_u64(&rest, &day) || !slice_eat_char(&rest, ' ') || clock_of(rest) < 0)
		return 0;
	month = slice_is_digit(word.p[0]) ? month_number(word) : month_word(word);
	if (month != 0)
		*s = t;
	return month;
}

/* Drop ".123456" if it is there. */
static void
fraction(struct slice *s, uint32_t *usec)
{
	static const uint32_t scale[] = { 0, 100000, 10000, 1000, 100, 10, 1 };
	uint32_t v = 0;
	size_t i = 1;

	if (s->n < 2 || (s->p[0] != '.' && s->p[0] != ',') || !slice_is_digit(s->p[1]))
		return;
	for (; i < s->n && slice_is_digit(s->p[i]); i++)
		if (i <= 6)
			v = v * 10 + (uint32_t)(s->p[i] - '0');
	*usec = v * scale[i <= 6 ? i - 1 : 6];
	*s = slice_from(*s, i);
}

/* A year and its blank, as some templates have it before the month, after the
 * day or after the time. 0 if there is none. */
static int
take_year(struct slice *s)
{
	int year = s->n > 5 && s->p[4] == ' ' ? year_at(s->p) : -1;

	if (year < 0)
		return 0;
	*s = slice_from(*s, 5);
	return year;
}

/* "Nov 18 10:00:00 ", "ноя 18 10:00:00 ", "Nov 18 10:00:00.123 2026 ", "2026 Nov 18 10:00:00 ",
 * "Nov 18 2026 10:00:00 ". */
static bool
bsd_any(struct stamps *st, struct slice *s, int64_t *time, uint32_t *usec)
{
	struct slice t = *s;
	int year = take_year(&t), month = take_month(&t), tod;
	uint64_t day;

	if (month == 0)
		return false;
	(void)slice_eat_char(&t, ' ');
	if (!slice_u64(&t, &day) || !slice_eat_char(&t, ' '))
		return false;
	if (year == 0)
		year = take_year(&t);
	tod = clock_of(t);
	if (tod < 0 || day > 31 || !civil_valid(year != 0 ? year : 2000, month, (int)day))
		return false;
	t = slice_from(t, 8);
	fraction(&t, usec);
	if (!slice_eat_char(&t, ' '))
		return false;
	if (year == 0)
		year = take_year(&t);
	if (year != 0) {
		*time = in_year(st, year, month, (int)day, tod);
	} else {
		*time = infer(st, month, (int)day, tod);
		if (s->p[12] == ':' && s->p[6] == ' ' && s->p[3] == ' ') {
			memcpy(st->bsd_key, s->p, STAMP_BSD_MINUTE);
			st->bsd_utc = *time - two(s->p + 13);	/* 60 is a second, too */
		}
	}
	stamp_remember(st, *time);
	*s = t;
	return true;
}

static inline bool
bsd_stamp(struct stamps *st, struct slice *s, int64_t *time, uint32_t *usec)
{
	int ss;

	/* Most often it is the minute of the line before. A digit after the
	 * stamp may be a year. */
	if (s->n > 17 && memcmp(s->p, st->bsd_key, STAMP_BSD_MINUTE) == 0 && s->p[12] == ':' &&
	    s->p[15] == ' ' && s->p[16] != ' ' && !slice_is_digit(s->p[16])) {
		ss = two(s->p + 13);
		if (ss < 0 || ss > 60)
			return false;
		*time = st->bsd_utc + ss;
		stamp_remember(st, *time);
		*s = slice_from(*s, 16);
		return true;
	}
	return bsd_any(st, s, time, usec);
}

/* "Z", "+02:00" or "+0200" to seconds; none: the source's zone. */
static inline bool
zone_of(const struct stamps *st, struct slice *s, int64_t civil, int64_t *utc)
{
	int sign, hh, mm;

	if (slice_eat_char(s, 'Z')) {
		*utc = civil;
		return true;
	}
	if (s->n < 5 || (s->p[0] != '+' && s->p[0] != '-')) {
		*utc = local_utc(st, civil);
		return true;
	}
	sign = s->p[0] == '-' ? -1 : 1;
	hh = two(s->p + 1);
	*s = slice_from(*s, 3);
	(void)slice_eat_char(s, ':');
	mm = s->n >= 2 ? two(s->p) : -1;
	if (hh < 0 || hh > 23 || mm < 0 || mm > 59)
		return false;
	*s = slice_from(*s, 2);
	*utc = civil - sign * (hh * HOUR_S + mm * MINUTE_S);
	return true;
}

/* "2026-11-18T10:00:00.123456+01:00 " */
static bool
iso_stamp(struct stamps *st, struct slice *s, int64_t *time, uint32_t *usec)
{
	struct slice t = *s, zone;
	int64_t civil;

	if (t.n < 20 || t.p[10] != 'T')
		return false;
	if (memcmp(t.p, st->iso_key, STAMP_ISO_MINUTE) == 0) {
		int ss = two(t.p + 17);

		if (t.p[16] != ':' || ss < 0 || ss > 60)
			return false;
		civil = st->iso_civil + ss;
	} else {
		int year = year_at(t.p), month = two(t.p + 5), day = two(t.p + 8);
		int tod = clock_of(slice_from(t, 11));

		if (t.p[4] != '-' || t.p[7] != '-' || tod < 0 || year < 0 ||
		    !civil_valid(year, month, day))
			return false;
		civil = civil_days(year, month, day) * DAY_S + tod;
		memcpy(st->iso_key, t.p, STAMP_ISO_MINUTE);
		st->iso_civil = civil - two(t.p + 17);
	}
	t = slice_from(t, 19);
	fraction(&t, usec);
	zone = t;
	if (!zone_of(st, &t, civil, &*time) || !slice_eat_char(&t, ' '))
		return false;
	if (zone.n - t.n == STAMP_ISO_ZONE + 1) {
		memcpy(st->iso_zone, zone.p, STAMP_ISO_ZONE);
		st->iso_east = civil - *time;
	}
	stamp_remember(st, *time);
	*s = t;
	return true;
}

bool
stamp_civil(struct slice *s, char sep, char between, struct civil_stamp *out)
{
	struct slice t = *s;
	size_t n;
	int year, month, day, tod;

	if (t.n < 19 || t.p[4] != sep || t.p[7] != sep || t.p[10] != between)
		return false;
	year = year_at(t.p);
	month = two(t.p + 5);
	day = two(t.p + 8);
	tod = clock_of(slice_from(t, 11));
	if (year < 0 || tod < 0 || !civil_valid(year, month, day))
		return false;
	*out = (struct civil_stamp){ .civil = civil_days(year, month, day) * DAY_S + tod };
	*s = t = slice_from(t, 19);
	if (t.n > 0 && t.p[0] == '.') {
		n = t.n;
		fraction(&t, &out->usec);
		out->digits = (unsigned)(n > t.n ? n - t.n - 1 : 0);
		*s = t;
	}
	return true;
}

bool
stamp_pattern(struct slice *s, const char *pattern, struct civil_stamp *out)
{
	int year = -1, month = 0, day = -1, tod = -1;
	struct slice t = *s;

	for (; *pattern != '\0'; pattern++) {
		size_t n = 2;

		if (t.n < 8)	/* as much as any part is long: a stamp alone is no line */
			return false;
		switch (*pattern) {
		case 'Y': year = year_at(t.p); n = 4; break;
		case 'y': year = two(t.p) < 0 ? -1 : 2000 + two(t.p); break;
		case 'M': month = month_of(t.p); n = 3; break;
		case 'N': month = two(t.p); break;
		case 'D': day = two(t.p); break;
		case 'C': tod = clock_of(t); n = 8; break;
		case 'F':
			for (n = 0; n < t.n && t.p[n] >= '0' && t.p[n] <= '9'; n++)
				;
			break;
		default:
			if (t.p[0] != *pattern)
				return false;
			n = 1;
		}
		t = slice_from(t, n);
	}
	if (year < 0 || tod < 0 || !civil_valid(year, month, day))
		return false;
	*out = (struct civil_stamp){ .civil = civil_days(year, month, day) * DAY_S + tod };
	*s = t;
	return true;
}

int64_t
stamp_zoned(struct stamps *st, struct slice *s, int64_t civil)
{
	struct slice t = *s;
	int64_t utc;

	if (slice_eat(&t, SLICE("Z ")) || slice_eat(&t, SLICE("UTC "))) {
		*s = t;
		utc = civil;
	} else if (t.n >= 6 && (t.p[0] == '+' || t.p[0] == '-') && zone_of(st, &t, civil, &utc) &&
	    slice_eat_char(&t, ' ')) {
		*s = t;
	} else {
		utc = local_utc(st, civil);
	}
	stamp_remember(st, utc);
	return utc;
}

bool
stamp_named_zone(struct stamps *st, struct slice *s, int64_t civil, int64_t *time)
{
	struct slice rest = *s, word;
	int hours = 0;

	if (!slice_cut(&rest, ' ', &word) || word.n < 2 || word.n > 6)
		return false;
	if (word.p[0] == '+' || word.p[0] == '-') {
		hours = two(word.p + 1);
		if (word.n == 3 && hours >= 0 && hours < 24)
			*time = civil - (word.p[0] == '-' ? -1 : 1) * hours * HOUR_S;
		else if (!zone_of(st, &word, civil, time) || word.n > 0)
			return false;
	} else {
		for (size_t i = 0; i < word.n; i++)
			if (!slice_is_alnum(word.p[i]) || slice_is_digit(word.p[i]))
				return false;
		*time = slice_eq(word, SLICE("UTC")) || slice_eq(word, SLICE("GMT")) ? civil : local_utc(st, civil);
	}
	stamp_remember(st, *time);
	*s = rest;
	return true;
}

bool
stamp_take(struct stamps *st, struct slice *s, int64_t *time, uint32_t *usec)
{
	if (s->n < 16)
		return false;
	return s->p[10] == 'T' ? iso_stamp(st, s, time, usec) : bsd_stamp(st, s, time, usec);
}
