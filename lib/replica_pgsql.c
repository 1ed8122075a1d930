/* replica_pgsql.c - see replica_pgsql.h. The traps that it minds:
 *
 * The age of the last transaction grows on an idle primary without anything missing, so it is the lag only
 * while received log waits to be applied. That nothing waits is no health either: a standby without
 * receiver has applied all it got. And what a primary calls replay_lag stands still where replay is
 * paused: bytes do not lie. */
#include "replica_pgsql.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "lag.h"

#include "poison.h"

enum { NAME_BYTES = 400, TIMEOUT_S = 60 };

static struct {
	double bytes, slot_bytes, standbys, subscriptions;
} sum = { (double)NAN, (double)NAN, (double)NAN, (double)NAN };

static double
most(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static bool
is_true(const struct row *r, const char *name)
{
	return row_is(r, name, "t");
}

static bool
hex(struct slice s, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = slice_lower(s.p[i]);

		if (!slice_is_digit(c) && (c < 'a' || c > 'f'))
			return false;
		*v = *v << 4 | (uint64_t)(slice_is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	return s.n > 0 && s.n <= 8;
}

/* "16/B374D848" as a number; NAN if it is none. */
static double
position_of(struct slice s)
{
	struct slice high;
	uint64_t a, b;

	if (!slice_cut(&s, '/', &high) || !hex(high, &a) || !hex(s, &b))
		return (double)NAN;
	return (double)a * 4294967296.0 + (double)b;
}

static double
position(const struct row *r, const char *name)
{
	return position_of(row_text(r, name));
}

/* For how long, as far as runs have seen, has at stood still while something was missing? */
static double
stuck(const struct replica_pgsql *p, const char *name, struct slice at, double missing)
{
	struct buf key = buf_new(NAME_BYTES + 16);
	double s;

	buf_fmt(&key, "stuck %s", name);
	s = lag_since(buf_slice(&key), missing > 0 ? at : LAG_WELL, p->now);
	buf_free(&key);
	return missing > 0 ? s : 0;
}

/* The other side is asked for a sign of life after half of the time-out, and given up after all of it. */
static void
judge_silence(const char *name, const char *whose, double heard, double timeout)
{
	double limit = 0.75 * (isnan(timeout) ? TIMEOUT_S : timeout);

	if (limit > 0 && heard > limit)
		lag_state(CHECK_WARNING, name, "%s said nothing for %s: it hangs, or the network does", whose,
		    check_people(heard, "s"));
}

/* --- a standby ------------------------------------------------------------------------------- */

/* Why a standby gets no log stands in its own, and in no view. Where the primary answers us, it is not
 * the network. */
static const char *
why_alone(const struct replica_pgsql *p, const struct row *self)
{
	if (row_text(self, "conninfo").n == 0 && row_has(self, "conninfo"))
		return ", and no primary_conninfo: --archive?";
	return p->primary == NULL ? "; its log says why" : "; the primary answers us, so its log says what it is "
	    "refused: a wrong password, pg_hba.conf, a slot or log that is not there?";
}

/* Does the log come in? */
static double
judge_receiver(const struct replica_pgsql *p, const struct row *self)
{
	const struct row *r = rows_next(p->server, "receiver", NULL);
	struct slice host = row_text(r, "sender_host"), port = row_text(r, "sender_port");
	struct slice status = row_text(r, "status");
	double heard = row_number(r, "heard");

	if (p->archive)
		return (double)NAN;
	if (r == NULL) {
		lag_state(CHECK_CRITICAL, p->name, "it is not connected to its primary (no WAL receiver%s)",
		    why_alone(p, self));
		return (double)NAN;
	}
	if (status.n == 0)
		lag_state(CHECK_UNKNOWN, p->name, "the account may not see the WAL receiver: grant it pg_monitor");
	else if (!row_is(r, "status", "streaming"))
		lag_state(CHECK_WARNING, p->name, "the WAL receiver is %.*s, not streaming", (int)status.n, status.p);
	else
		check_verbose(1, "%s: streaming from %.*s:%.*s", p->name, (int)host.n, host.p, (int)port.n, port.p);
	judge_silence(p->name, "the primary", heard, row_number(self, "receiver_timeout"));
	return heard;
}

/* What waits, and since when at most. */
static double
replay_lag(const struct replica_pgsql *p, const struct row *self)
{
	const struct row *again = rows_next(p->server, "again", NULL);
	double received = position(self, "received"), replayed = position(self, "replayed");
	double age = row_number(self, "replay_age"), delay = row_number(self, "delay");

	if (!isnan(position(again, "replayed")))
		replayed = position(again, "replayed");
	if (p->archive && isnan(received))
		return age;
	if (isnan(received) || isnan(replayed))
		return (double)NAN;
	sum.bytes = received > replayed ? received - replayed : 0;
	if (replayed >= received)
		return 0;
	return isnan(delay) || isnan(age) ? age : age > delay ? age - delay : 0;
}

/* A missing number is no difference. */
static bool
differ(double a, double b)
{
	return !isnan(a) && !isnan(b) && (a < b || a > b);
}

/* The primary's word: is it one, is it ours, what has it got more? */
static void
compare(const struct replica_pgsql *p, const struct row *self, double *lag)
{
	const struct row *other = rows_next(p->primary, "self", NULL), *again = rows_next(p->server, "again", NULL);
	const struct row *receiver = rows_next(p->server, "receiver", NULL);
	double end = position(other, "end"), replayed = position(self, "replayed");
	struct slice at = row_text(again != NULL ? again : self, "replayed"), mine = row_text(self, "system");
	double missing;

	if (is_true(other, "recovery"))
		lag_state(CHECK_WARNING, p->primary_name, "it is no primary, but a standby itself");
	if (mine.n > 0 && row_text(other, "system").n > 0 && !slice_eq(mine, row_text(other, "system"))) {
		lag_state(CHECK_CRITICAL, p->name, "it is no copy of %s: their system identifiers differ",
		    p->primary_name);
		return;
	}
	if (differ(row_number(receiver, "received_tli"), row_number(other, "timeline")))
		lag_state(CHECK_WARNING, p->name, "it follows timeline %s, the primary is on %s",
		    check_people(row_number(receiver, "received_tli"), ""),
		    check_people(row_number(other, "timeline"), ""));
	if (isnan(end) || isnan(replayed))
		return;
	replayed = most(position(again, "replayed"), replayed);
	missing = end > replayed ? end - replayed : 0;
	sum.bytes = missing;
	if (!(row_number(self, "delay") > 0))
		*lag = most(*lag, stuck(p, p->name, at, missing));
}

static void
judge_standby(const struct replica_pgsql *p, const struct row *self)
{
	double heard = judge_receiver(p, self), lag = replay_lag(p, self);

	if (is_true(self, "paused"))
		lag_state(CHECK_WARNING, p->name, "replay is paused (pg_wal_replay_pause)");
	if (row_number(self, "delay") > 0)
		check_detail("%s: delayed on purpose by %s", p->name, check_people(row_number(self, "delay"), "s"));
	if (p->primary != NULL)
		compare(p, self, &lag);
	if (isnan(lag) && (p->archive || rows_next(p->server, "receiver", NULL) != NULL))
		lag_state(CHECK_UNKNOWN, p->name, "it does not know how far it is behind");
	lag_copy(p->name, lag, heard);
}

/* --- a primary ------------------------------------------------------------------------------- */

static bool
ignored(const struct replica_pgsql *p, struct slice slot)
{
	for (size_t i = 0; i < p->ignored_slots.n; i++)
		if (slice_eq(slot, slice_of(p->ignored_slots.v[i])))
			return true;
	return false;
}

/* A slot that nobody reads keeps log until the disk is full. */
static void
judge_slot(const struct replica_pgsql *p, const struct row *r, bool standby)
{
	struct slice slot = row_text(r, "slot_name"), why = row_text(r, "invalidation_reason");
	double kept = row_number(r, "kept");

	if (ignored(p, slot) || is_true(r, "temporary"))
		return;
	if (row_is(r, "wal_status", "lost") || why.n > 0)
		lag_state(CHECK_CRITICAL, p->name, "slot %.*s is lost: its reader has to be made anew%s%.*s",
		    (int)slot.n, slot.p, why.n > 0 ? ", " : "", (int)why.n, why.p);
	else if (row_is(r, "wal_status", "unreserved"))
		lag_state(CHECK_WARNING, p->name, "slot %.*s is about to be lost: its reader is too far behind",
		    (int)slot.n, slot.p);
	else if (!is_true(r, "active") && !standby)
		lag_state(CHECK_WARNING, p->name, "nobody reads slot %.*s, which keeps %s of WAL", (int)slot.n,
		    slot.p, isnan(kept) ? "an unknown amount" : check_people(kept, "B"));
	sum.slot_bytes = most(sum.slot_bytes, kept);
}

static void
judge_copy(const struct replica_pgsql *p, const struct row *r, const struct row *self)
{
	struct slice app = row_text(r, "application_name"), state = row_text(r, "state");
	double bytes = row_number(r, "bytes"), lag = row_number(r, "lag_s"), heard = row_number(r, "heard");
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof name, "%.*s", (int)slice_head(app, 200).n, app.p);
	if (state.n == 0) {
		lag_state(CHECK_UNKNOWN, name, "the account may not see how it fares: grant it pg_monitor");
		return;
	}
	if (!row_is(r, "state", "streaming"))
		lag_state(CHECK_WARNING, name, "it is not streaming, but in %.*s", (int)state.n, state.p);
	/* the last that was measured: nothing for a standby that has all */
	if (isnan(lag) && !isnan(bytes))
		lag = 0;
	lag = most(lag, stuck(p, name, row_text(r, "replay_lsn"), bytes));
	judge_silence(name, "this standby", heard, row_number(self, "sender_timeout"));
	sum.bytes = most(sum.bytes, bytes);
	lag_copy(name, lag, heard);
}

static void
judge_copies(const struct replica_pgsql *p, const struct row *self)
{
	const struct row *r = NULL;
	size_t n = 0, synchronous = 0;

	while ((r = rows_next(p->server, "standby", r)) != NULL) {
		if (row_is(r, "state", "backup"))
			continue;
		n++;
		synchronous += row_is(r, "sync_state", "sync") || row_is(r, "sync_state", "quorum");
		judge_copy(p, r, self);
	}
	for (size_t i = 0; i < p->standbys.n; i++)
		if (rows_find(p->server, "standby", "application_name", slice_of(p->standbys.v[i])) == NULL)
			lag_state(CHECK_CRITICAL, p->standbys.v[i], "this standby is not connected to %s", p->name);
	if (row_text(self, "sync_names").n > 0 && n > 0 && synchronous == 0 &&
	    row_text(rows_next(p->server, "standby", NULL), "sync_state").n == 0)
		return;		/* not for our eyes */
	if (row_text(self, "sync_names").n > 0 && synchronous == 0)
		lag_state(CHECK_CRITICAL, p->name, "no synchronous standby is connected: commits wait");
	sum.standbys = (double)n;
}

static void
judge_slots(const struct replica_pgsql *p, bool standby)
{
	const struct row *r = NULL;

	while ((r = rows_next(p->server, "slot", r)) != NULL)
		judge_slot(p, r, standby);
}

/* --- subscriptions ------------------------------------------------------------------------------ */

static void
judge_subscription(const struct replica_pgsql *p, const struct row *r)
{
	struct slice sub = row_text(r, "subname");
	double received = position(r, "received_lsn"), ended = position(r, "latest_end_lsn");
	double waits = received > ended ? received - ended : 0, errors = row_number(r, "errors"), lag;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof name, "subscription %.*s", (int)slice_head(sub, 200).n, sub.p);
	if (!is_true(r, "subenabled")) {
		lag_state(CHECK_WARNING, name, "it is disabled");
		return;
	}
	if (row_text(r, "pid").n == 0) {
		lag_state(CHECK_CRITICAL, name, "its worker does not run%s%s%s", errors > 0 ? "; applying failed " :
		    "", errors > 0 ? check_people(errors, "") : "", errors > 0 ? " times: see the server's log" : "");
		lag_copy(name, (double)NAN, (double)NAN);
		return;
	}
	if (row_number(r, "syncing") > 0)
		lag_state(CHECK_WARNING, name, "%s of its tables are not copied yet",
		    check_people(row_number(r, "syncing"), ""));
	sum.subscriptions += 1;
	lag = stuck(p, name, row_text(r, "latest_end_lsn"), waits);
	judge_silence(name, "its publisher", row_number(r, "heard"),
	    row_number(rows_next(p->server, "self", NULL), "receiver_timeout"));
	lag_copy(name, lag, row_number(r, "heard"));
}

static void
judge_subscriptions(const struct replica_pgsql *p)
{
	const struct row *r = NULL;

	sum.subscriptions = 0;
	while ((r = rows_next(p->server, "subscription", r)) != NULL)
		judge_subscription(p, r);
}

/* --- the server --------------------------------------------------------------------------------- */

static bool
as_it_should(const struct replica_pgsql *p, bool standby)
{
	const struct row *other = p->primary == NULL ? NULL : rows_next(p->primary, "self", NULL);

	if (!standby && other != NULL && row_is(other, "recovery", "f")) {
		lag_state(CHECK_CRITICAL, p->name, "it and %s are both primaries: split brain", p->primary_name);
		return false;
	}
	if (standby ? strcmp(p->role, "primary") == 0 : strcmp(p->role, "standby") == 0 || p->primary != NULL) {
		lag_state(CHECK_CRITICAL, p->name, standby ? "it is a standby, not the primary" :
		    "it is no standby: it was promoted, or never was one");
		return false;
	}
	return true;
}

void
replica_pgsql_judge(const struct replica_pgsql *p)
{
	const struct row *self = rows_next(p->server, "self", NULL);
	bool standby = is_true(self, "recovery");
	size_t subscriptions = rows_count(p->server, "subscription");

	if (!as_it_should(p, standby))
		return;
	if (standby)
		judge_standby(p, self);
	judge_copies(p, self);
	judge_slots(p, standby);
	judge_subscriptions(p);
	if (strcmp(p->role, "subscriber") == 0 && subscriptions == 0)
		lag_state(CHECK_CRITICAL, p->name, "it has no subscription in this database");
	else if (!standby && !(sum.standbys > 0) && subscriptions == 0)
		lag_state(CHECK_CRITICAL, p->name, "nothing is replicated here: no standby is connected, and "
		    "this database has no subscription");
}

void
replica_pgsql_measures(void)
{
	check_known("bytes", sum.bytes, "B");
	check_known("standbys", sum.standbys, "");
	check_known("slot_bytes", sum.slot_bytes, "B");
	check_known("subscriptions", sum.subscriptions, "");
}
