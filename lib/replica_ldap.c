/* replica_ldap.c - see replica_ldap.h.
 *
 * The difference of two CSNs is not the lag: on a quiet directory the last change but one may be
 * hours old when the newest has just been made, and two changes of one second may be missing
 * for hours. What counts is since when something is missing. */
#include "replica_ldap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "lag.h"
#include "logtime.h"

#include "poison.h"

enum { AHEAD_S = 60 };

/* n digits of a base from the front. */
static bool
take_digits(struct slice *s, size_t n, unsigned base, uint64_t *v)
{
	*v = 0;
	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = slice_lower(s->p[i]);
		unsigned digit = slice_is_digit(c) ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ?
		    (unsigned)(c - 'a') + 10 : 99;

		if (digit >= base)
			return false;
		*v = *v * base + digit;
	}
	*s = slice_from(*s, n);
	return true;
}

static bool
take_moment(struct slice *s, double *t)
{
	uint64_t year, month, day, hour, minute, second, micro = 0;

	if (!take_digits(s, 4, 10, &year) || !take_digits(s, 2, 10, &month) || !take_digits(s, 2, 10, &day) ||
	    !take_digits(s, 2, 10, &hour) || !take_digits(s, 2, 10, &minute) || !take_digits(s, 2, 10, &second) ||
	    !civil_valid((int)year, (int)month, (int)day) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (slice_eat_char(s, '.') && !take_digits(s, 6, 10, &micro))
		return false;
	*t = (double)(civil_days((int)year, (int)month, (int)day) * DAY_S) +
	    (double)(hour * HOUR_S + minute * MINUTE_S + second) + (double)micro / 1e6;
	return slice_eat_char(s, 'Z');
}

bool
replica_ldap_csn(struct slice text, struct replica_ldap_csn *csn)
{
	struct slice s = text;
	uint64_t seconds, count, id;

	csn->text = text;
	if (s.n == 20 && take_digits(&s, 8, 16, &seconds) && take_digits(&s, 4, 16, &count) &&
	    take_digits(&s, 4, 16, &id) && take_digits(&s, 4, 16, &count)) {
		csn->time_s = (double)seconds;
		csn->id = (unsigned)id;
		return true;
	}
	s = text;
	if (!take_moment(&s, &csn->time_s) || !slice_eat_char(&s, '#') || !take_digits(&s, 6, 16, &count) ||
	    !slice_eat_char(&s, '#') || !take_digits(&s, 3, 16, &id) || !slice_eat_char(&s, '#') ||
	    !take_digits(&s, 6, 16, &count) || s.n > 0)
		return false;
	csn->id = (unsigned)id;
	return true;
}

static const struct replica_ldap_csn *
find(const struct replica_ldap *s, unsigned id)
{
	for (size_t i = 0; i < s->csns; i++)
		if (s->csn[i].id == id)
			return &s->csn[i];
	return NULL;
}

/* "{replica 7 ldap://...} minCSN maxCSN" of 389-DS: the last word; of others all of it. */
static struct slice
newest_of(struct slice value)
{
	struct slice before, last = value;

	while (slice_cut(&value, ' ', &before))
		last = value;
	return last;
}

void
replica_ldap_read(struct replica_ldap *s)
{
	const struct row *r = NULL;

	s->csns = 0;
	while ((r = rows_next(s->rows, "csn", r)) != NULL && s->csns < REPLICA_LDAP_IDS) {
		struct replica_ldap_csn csn;
		struct slice value = row_text(r, "value");

		if (slice_starts(value, SLICE("{replicageneration}")))
			continue;
		if (!replica_ldap_csn(newest_of(value), &csn))
			check_detail("%s: this is no change number: %.*s", s->name,
			    (int)slice_head(value, 100).n, value.p);
		else if (find(s, csn.id) == NULL)
			s->csn[s->csns++] = csn;
	}
}

/* What servers whose word counts have newest of an id; NULL: nothing. */
static const struct replica_ldap_csn *
newest(const struct replica_ldap *servers, size_t n, unsigned id)
{
	const struct replica_ldap_csn *best = NULL, *c;
	bool provided = false;

	for (size_t i = 0; i < n; i++)
		provided = provided || servers[i].provider;
	for (size_t i = 0; i < n; i++) {
		c = find(&servers[i], id);
		if (c != NULL && servers[i].provider == provided && (best == NULL || c->time_s > best->time_s))
			best = c;
	}
	return best;
}

/* What was made at want is missing, all up to has is there, and well seconds ago nothing was missing
 * (NAN: unknown). It is missing since a moment between has and want. */
static double
lag_of(double has, double want, double well, double now)
{
	double least = now - want, most = now - has;

	if (has >= want)
		return 0;
	most = isnan(well) ? want - has : well < most ? well : most;
	return least > most ? least : most;
}

/* The lag of the worst id; -1: one is missing altogether. */
static double
worst_lag(const struct replica_ldap *servers, size_t n, const struct replica_ldap *s, double well, double now,
    unsigned *missing)
{
	double worst = 0, lag;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < servers[i].csns; k++) {
			unsigned id = servers[i].csn[k].id;
			const struct replica_ldap_csn *has = find(s, id), *want = newest(servers, n, id);

			if (want == NULL)
				continue;
			if (has == NULL) {
				*missing = id;
				return -1;
			}
			lag = lag_of(has->time_s, want->time_s, well, now);
			worst = lag > worst ? lag : worst;
		}
	}
	return worst;
}

bool
replica_ldap_behind(const struct replica_ldap *servers, size_t n, const struct replica_ldap *s)
{
	unsigned missing;
	double lag = worst_lag(servers, n, s, (double)NAN, 0, &missing);

	return lag < 0 || lag > 0;
}

static void
judge_one(const struct replica_ldap *servers, size_t n, const struct replica_ldap *s, int64_t now)
{
	unsigned missing = 0;
	double well, lag;
	struct buf key = buf_new(1000);

	if (s->csns == 0) {
		lag_state(CHECK_CRITICAL, s->name, "it shows no change number (contextCSN): it neither provides nor "
		    "copies this suffix, or the account may not read it");
		buf_free(&key);
		return;
	}
	buf_fmt(&key, "well %s", s->name);
	well = lag_last_well(buf_slice(&key), !replica_ldap_behind(servers, n, s), now);
	lag = worst_lag(servers, n, s, well, (double)now, &missing);
	buf_free(&key);
	if (lag < 0) {
		lag_state(CHECK_CRITICAL, s->name, "it never got anything from server id %03x", missing);
		lag_copy(s->name, well, (double)NAN);
		return;
	}
	for (size_t i = 0; i < s->csns; i++)
		if (s->csn[i].time_s > (double)now + AHEAD_S)
			lag_state(CHECK_WARNING, s->name, "its newest change is of %s ahead: a clock is wrong",
			    check_people(s->csn[i].time_s - (double)now, "s"));
	for (size_t i = 0; i < s->csns; i++)
		check_verbose(2, "%s: %.*s", s->name, (int)s->csn[i].text.n, s->csn[i].text.p);
	lag_copy(s->name, lag, (double)NAN);
}

/* "Error (0) Replica acquired successfully: Incremental update succeeded" */
static void
judge_agreement(const struct replica_ldap *s, const struct row *r)
{
	struct slice status = row_text(r, "status"), text = status, cn = row_text(r, "cn"), before;
	struct slice host = row_text(r, "host");
	uint64_t code = 0;
	bool good = slice_cut_at(&text, SLICE("("), &before) && slice_u64(&text, &code) && code == 0;

	/* 1: busy with another supplier, which happens all the time */
	if (good || code == 1)
		check_verbose(1, "%s: %.*s to %.*s: %.*s", s->name, (int)cn.n, cn.p, (int)host.n, host.p,
		    (int)slice_head(status, 300).n, status.p);
	else
		lag_state(CHECK_CRITICAL, s->name, "agreement %.*s to %.*s: %.*s", (int)cn.n, cn.p, (int)host.n,
		    host.p, (int)slice_head(status, 300).n, status.p);
}

void
replica_ldap_judge(struct replica_ldap *servers, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = NULL;

		if (!servers[i].answered)
			continue;
		while ((r = rows_next(servers[i].rows, "agreement", r)) != NULL)
			judge_agreement(&servers[i], r);
		if (servers[i].agreements && rows_count(servers[i].rows, "agreement") == 0)
			lag_state(CHECK_CRITICAL, servers[i].name, "it has no replication agreement, or the account may "
			    "not read it");
		if (!servers[i].provider || servers[i].csns == 0)
			judge_one(servers, n, &servers[i], now);
	}
}
