/* datafile_head.c - what stands in the heads and tails of data files. See datafile.h. Pure: no file is opened here. */
#include <string.h>

#include "datafile.h"
#include "logtime.h"

#include "poison.h"

enum { YEAR_MOST = 2200, MMDB_VALUES = 4096 };

static bool
number(struct slice s, uint64_t most, uint64_t *v)
{
	s = slice_trim(s);
	return slice_u64(&s, v) && s.n == 0 && *v <= most;
}

static int64_t
moment_most(void)
{
	return civil_days(YEAR_MOST, 1, 1) * DAY_S;
}

/* --- ClamAV ------------------------------------------------------------------------------- */

bool
datafile_clamav(struct datafile *d, struct slice head)
{
	struct slice field[8];
	uint64_t version, entries, level, made = 0;

	head = slice_head(head, 512);
	if (!slice_eat(&head, SLICE("ClamAV-VDB:")))
		return false;
	for (int i = 0; i < 7; i++)	/* before the MD5 sum, the signature and the builder, nothing has colons */
		if (!slice_cut(&head, ':', &field[i]))
			return false;
	field[7] = head;
	if (!number(field[1], UINT32_MAX, &version) || version == 0 || !number(field[2], UINT64_MAX, &entries) ||
	    !number(field[3], UINT32_MAX, &level) || !number(field[7], (uint64_t)moment_most(), &made))
		return false;
	d->version = (uint32_t)version;
	d->entries = entries;
	d->level = (uint32_t)level;
	d->made_at = (int64_t)made;
	return true;
}

/* --- SpamAssassin --------------------------------------------------------------------------- */

bool
datafile_spamassassin(struct datafile *d, struct slice head)
{
	struct slice line;
	uint64_t version;

	while (slice_cut(&head, '\n', &line) && slice_eat(&line, SLICE("# UPDATE "))) {
		line = slice_trim(line);
		if (slice_eat(&line, SLICE("version ")) && number(line, UINT32_MAX, &version) && version > 0) {
			d->version = (uint32_t)version;
			return true;
		}
	}
	return false;
}

/* --- GeoIP ----------------------------------------------------------------------------------- */

enum { MMDB_POINTER = 1, MMDB_TEXT = 2, MMDB_UINT16 = 5, MMDB_UINT32 = 6, MMDB_MAP = 7, MMDB_UINT64 = 9,
	MMDB_ARRAY = 11, MMDB_BOOLEAN = 14 };

struct mmdb_value {
	unsigned type;
	uint64_t size;		/* pairs of a map, values of an array, else bytes */
	struct slice bytes;
};

static bool
take_bytes(struct slice *s, size_t n, struct slice *bytes)
{
	if (n > s->n)
		return false;
	*bytes = slice_head(*s, n);
	*s = slice_from(*s, n);
	return true;
}

static uint64_t
big_endian(struct slice s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	return v;
}

/* The head of a value, and the bytes of one that is neither map nor array. */
static bool
take_value(struct slice *s, struct mmdb_value *v)
{
	static const uint64_t base[] = { 29, 285, 65821 };
	struct slice b;

	if (!take_bytes(s, 1, &b))
		return false;
	v->type = (unsigned char)b.p[0] >> 5;
	v->size = (unsigned char)b.p[0] & 31;
	if (v->type == 0) {
		if (!take_bytes(s, 1, &b))
			return false;
		v->type = 7 + (unsigned char)b.p[0];
	}
	if (v->type == MMDB_POINTER)
		return false;	/* metadata have none; following it could go round */
	if (v->size > 28) {
		size_t more = (size_t)v->size - 28;

		if (!take_bytes(s, more, &b))
			return false;
		v->size = base[more - 1] + big_endian(b);
	}
	v->bytes = SLICE("");
	return v->type == MMDB_MAP || v->type == MMDB_ARRAY || v->type == MMDB_BOOLEAN ||
	    take_bytes(s, (size_t)v->size, &v->bytes);
}

/* What stands below a map or an array. */
static bool
skip_below(struct slice *s, const struct mmdb_value *of)
{
	uint64_t todo = of->type == MMDB_MAP ? 2 * of->size : of->type == MMDB_ARRAY ? of->size : 0;
	struct mmdb_value v;

	for (int n = 0; todo > 0; todo--) {
		if (todo > MMDB_VALUES || n++ == MMDB_VALUES || !take_value(s, &v))
			return false;
		todo += v.type == MMDB_MAP ? 2 * v.size : v.type == MMDB_ARRAY ? v.size : 0;
	}
	return true;
}

bool
datafile_geoip(struct datafile *d, struct slice tail)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	ptrdiff_t at = slice_rfind(tail, SLICE(marker));
	struct mmdb_value map, key, v;
	uint64_t made = 0;

	if (at < 0)
		return false;
	tail = slice_from(tail, (size_t)at + sizeof marker - 1);
	if (!take_value(&tail, &map) || map.type != MMDB_MAP || map.size > MMDB_VALUES)
		return false;
	for (uint64_t i = 0; i < map.size; i++) {
		bool whole;

		if (!take_value(&tail, &key) || key.type != MMDB_TEXT || !take_value(&tail, &v) ||
		    !skip_below(&tail, &v))
			return false;
		whole = (v.type == MMDB_UINT16 || v.type == MMDB_UINT32 || v.type == MMDB_UINT64) && v.size <= 8;
		if (whole && slice_eq(key.bytes, SLICE("build_epoch")))
			made = big_endian(v.bytes);
		else if (whole && slice_eq(key.bytes, SLICE("node_count")))
			d->entries = big_endian(v.bytes);
	}
	if (made == 0 || made > (uint64_t)moment_most())
		return false;
	d->made_at = (int64_t)made;
	return true;
}

/* --- rbldnsd ---------------------------------------------------------------------------------- */

static bool
take_digits(struct slice *s, size_t n, int *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		if (i >= s->n || !slice_is_digit(s->p[i]))
			return false;
		*v = 10 * *v + (s->p[i] - '0');
	}
	*s = slice_from(*s, n);
	if (s->n > 0 && (s->p[0] == ':' || s->p[0] == '-'))
		*s = slice_from(*s, 1);
	return true;
}

/* "2026:11:21[:03[:30[:00]]]", with - or nothing in place of ":", in UTC. */
static bool
take_stamp(struct slice s, int64_t *t)
{
	int part[6] = { 0 };

	for (int i = 0; i < 6 && (i < 3 || s.n > 0); i++)
		if (!take_digits(&s, i == 0 ? 4 : 2, &part[i]))
			return false;
	if (s.n > 0 || !civil_valid(part[0], part[1], part[2]) || part[0] < 1970 || part[0] > YEAR_MOST ||
	    part[3] > 23 || part[4] > 59 || part[5] > 60)
		return false;
	*t = civil_days(part[0], part[1], part[2]) * DAY_S + part[3] * HOUR_S + part[4] * MINUTE_S + part[5];
	return true;
}

/* "+90", "+2d", "+1w12h" */
static bool
take_span(struct slice s, int64_t *span)
{
	static const char unit[] = "smhdw";
	static const int64_t seconds[] = { 1, MINUTE_S, HOUR_S, DAY_S, 7 * DAY_S };

	for (*span = 0; s.n > 0;) {
		int64_t each = 1;
		const char *u;
		uint64_t v;

		if (!slice_u64(&s, &v) || v > 100000 * (uint64_t)DAY_S)
			return false;
		if (s.n > 0) {
			u = s.p[0] != '\0' ? strchr(unit, slice_lower(s.p[0])) : NULL;
			if (u == NULL)
				return false;
			each = seconds[u - unit];
			s = slice_from(s, 1);
		}
		*span += (int64_t)v * each;
		if (*span > moment_most())
			return false;
	}
	return true;
}

/* The next word of a line; empty behind the last. */
static struct slice
word(struct slice *s)
{
	size_t n;
	struct slice w;

	while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = slice_from(*s, 1);
	n = slice_until(*s, ' ', '\t');
	w = slice_head(*s, n);
	*s = slice_from(*s, n);
	return w;
}

static bool
take_soa(struct datafile *d, struct slice s)
{
	struct slice serial;
	uint64_t v;

	for (int i = 0; i < 3; i++)	/* TTL, origin, person */
		(void)word(&s);
	serial = word(&s);
	if (!number(serial, UINT32_MAX, &v))
		return false;
	d->version = (uint32_t)v;	/* 0: rbldnsd takes the time of the file */
	return true;
}

static bool
take_timestamp(struct datafile *d, struct slice s)
{
	struct slice made = word(&s), expires = word(&s);
	int64_t span;

	if (!take_stamp(made, &d->made_at))
		return false;
	if (slice_eat_char(&expires, '+') && take_span(expires, &span))
		d->expires_at = d->made_at + span;
	else
		(void)take_stamp(expires, &d->expires_at);
	return true;
}

bool
datafile_rbldnsd(struct datafile *d, struct slice head)
{
	struct slice line;
	bool soa = false, stamp = false;

	while (!(soa && stamp) && slice_cut(&head, '\n', &line)) {
		line = slice_trim(line);
		if (line.n > 1 && (line.p[0] == '#' || line.p[0] == ';' || line.p[0] == ':') && line.p[1] == '$')
			line = slice_from(line, 1);
		if (!soa && slice_eat(&line, SLICE("$SOA ")))
			soa = take_soa(d, line);
		else if (!stamp && slice_eat(&line, SLICE("$TIMESTAMP ")))
			stamp = take_timestamp(d, line);
	}
	return soa || stamp;
}
