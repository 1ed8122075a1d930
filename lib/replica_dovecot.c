/* replica_dovecot.c - see replica_dovecot.h.
 *
 * "fast sync" is how long ago an attempt began, "success sync" how long ago one ended well: both in whole seconds,
 * by two clocks that may be one apart. An idle user is copied once in replication_full_sync_interval (a day), so
 * that the age of a success alone is no lag. While the other server is frozen, no counter moves and no user
 * has failed: what shows it is an attempt that began and does not end. */
#include "replica_dovecot.h"

#include <math.h>
#include <stdio.h>

#include "check.h"
#include "lag.h"
#include "logtime.h"

#include "plural.h"
#include "poison.h"

enum { SYNCS = 200, TOLD = 10, CLOCKS_APART_S = 1, HANGS_S = 30, NAME_BYTES = 400 };

/* As doveadm calls them, and the names of our rows. */
static const struct {
	struct slice said;
	const char *name;
} counts[] = {
	{ { "Queued 'sync' requests", 22 }, "queue_sync" },
	{ { "Queued 'high' requests", 22 }, "queue_high" },
	{ { "Queued 'low' requests", 21 }, "queue_low" },
	{ { "Queued 'failed' requests", 24 }, "queue_failed" },
	{ { "Queued 'full resync' requests", 29 }, "queue_full" },
	{ { "Waiting 'failed' requests", 25 }, "waiting" },
	{ { "Total number of known users", 27 }, "users" }
};

enum { COUNTS = sizeof counts / sizeof counts[0] };

struct user {
	struct slice name, priority;
	double fast_s, success_s;	/* NAN: never */
	bool failed;
};

struct sync {
	struct slice name, type, status;
};

struct said {
	double count[COUNTS];		/* NAN: not told */
	struct sync sync[SYNCS];
	size_t syncs, written;
	bool has_users;
	double users, failed, unwell, oldest_s, newest_s;	/* of the table of users */
	struct slice oldest;
};

/* --- lines --------------------------------------------------------------------------------------- */

/* The last field of a line, which loses it: behind the last TAB, or the last word of a table. */
static struct slice
take_last(struct slice *line)
{
	bool tabs = memchr(line->p, '\t', line->n) != NULL;
	struct slice before, word = tabs ? *line : slice_trim(*line);

	*line = word;
	if (slice_rcut_at(&word, tabs ? SLICE("\t") : SLICE(" "), &before)) {
		*line = before;
		return word;
	}
	line->n = 0;
	return word;
}

/* "27:03:59"; "-" is never. */
static bool
take_age(struct slice word, double *seconds)
{
	uint64_t h, m, s;

	*seconds = (double)NAN;
	if (slice_eq(word, SLICE("-")))
		return true;
	if (!slice_u64(&word, &h) || !slice_eat_char(&word, ':') || !slice_u64(&word, &m) || !slice_eat_char(&word, ':') ||
	    !slice_u64(&word, &s) || word.n > 0 || m > 59 || s > 59)
		return false;
	*seconds = (double)h * HOUR_S + (double)(m * MINUTE_S + s);
	return true;
}

/* From the right, as a user's name may have blanks. */
static bool
take_user(struct slice line, struct user *u)
{
	struct slice failed = take_last(&line), success = take_last(&line), full = take_last(&line);
	struct slice fast = take_last(&line);
	double unused;

	u->priority = take_last(&line);
	u->name = slice_trim(line);
	u->failed = slice_eq(failed, SLICE("y"));
	return (u->failed || slice_eq(failed, SLICE("-"))) && take_age(success, &u->success_s) && take_age(full, &unused) &&
	    take_age(fast, &u->fast_s) && u->name.n > 0 && (slice_eq(u->priority, SLICE("none")) ||
	    slice_eq(u->priority, SLICE("low")) || slice_eq(u->priority, SLICE("high")) || slice_eq(u->priority, SLICE("sync")));
}

/* The type is a word that no status begins with; "-" has no user. */
static bool
take_sync(struct slice line, struct sync *s)
{
	static const char *const types[] = { "full", "normal", "incremental", "-" };
	bool tabs = memchr(line.p, '\t', line.n) != NULL;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		char type[20];
		int n = snprintf(type, sizeof type, tabs ? "\t%s\t" : " %s ", types[i]);

		s->status = line;
		if (slice_cut_at(&s->status, (struct slice){ type, (size_t)n }, &s->name)) {
			s->type = slice_of(types[i]);
			s->name = slice_trim(s->name);
			s->status = slice_trim(s->status);
			return true;
		}
	}
	return false;
}

static bool
take_count(struct slice line, struct said *a)
{
	for (size_t i = 0; i < COUNTS; i++) {
		struct slice rest = line;
		uint64_t n;

		if (!slice_eat(&rest, counts[i].said))
			continue;
		rest = slice_trim(rest);
		if (!slice_u64(&rest, &n) || rest.n > 0)
			return false;
		a->count[i] = (double)n;
		return true;
	}
	return false;
}

static bool
is_head(struct slice line, struct slice last, bool *users)
{
	struct slice all = line;

	*users = slice_has(line, SLICE("priority"));
	return slice_eq(take_last(&line), last) && (!slice_starts(all, SLICE("username")) ? !*users &&
	    slice_starts(all, SLICE("field")) : *users || slice_has(all, SLICE("type")));
}

/* --- rows ------------------------------------------------------------------------------------------ */

static bool
is_well(const struct user *u)
{
	return !u->failed && slice_eq(u->priority, SLICE("none")) && !isnan(u->success_s) &&
	    !(u->fast_s < u->success_s - CLOCKS_APART_S);
}

static bool
is_being_copied(const struct said *a, struct slice name)
{
	for (size_t i = 0; i < a->syncs; i++)
		if (slice_eq(a->sync[i].name, name))
			return true;
	return false;
}

static void
put_number(struct buf *out, const char *name, double v)
{
	char text[40];

	(void)snprintf(text, sizeof text, "%.0f", v);
	if (!isnan(v))
		rows_text(out, name, text);
}

static void
put_user(struct buf *out, const struct user *u)
{
	rows_row(out, "user");
	rows_field(out, "name", u->name.p, slice_head(u->name, NAME_BYTES).n);
	rows_field(out, "priority", u->priority.p, u->priority.n);
	put_number(out, "fast", u->fast_s);
	put_number(out, "success", u->success_s);
	rows_text(out, "failed", u->failed ? "y" : "");
}

static void
add_user(struct said *a, const struct user *u, struct buf *out)
{
	bool busy = is_being_copied(a, u->name), waits = busy || !is_well(u);

	a->users++;
	a->failed += u->failed;
	a->unwell += waits;
	if (!(a->oldest_s >= u->success_s) && !isnan(u->success_s)) {
		a->oldest_s = u->success_s;
		a->oldest = u->name;
	}
	if (!(a->newest_s <= u->success_s) && !isnan(u->success_s))
		a->newest_s = u->success_s;
	if (busy || (waits && a->written < REPLICA_DOVECOT_USERS)) {
		a->written++;
		put_user(out, u);
	}
}

/* One way through the text for what is being copied, another for the users: their order is doveadm's. */
static bool
read_lines(struct said *a, struct slice text, struct buf *out, bool second, struct err *e)
{
	enum { NOWHERE, USERS, SYNCING } in = NOWHERE;
	struct slice line;

	while (slice_next(&text, '\n', &line)) {
		struct user u;
		struct sync s;
		bool users;

		if (is_head(line, SLICE("failed"), &users) || is_head(line, SLICE("status"), &users) ||
		    is_head(line, SLICE("value"), &users)) {
			in = users ? USERS : slice_starts(line, SLICE("field")) ? NOWHERE : SYNCING;
			a->has_users = a->has_users || users;
		} else if (in == USERS && take_user(line, &u)) {
			if (second)
				add_user(a, &u, out);
		} else if (in == SYNCING && take_sync(line, &s)) {
			if (!second && s.name.n > 0 && a->syncs < SYNCS)
				a->sync[a->syncs++] = s;
		} else if (!take_count(line, a) && slice_trim(line).n > 0) {
			return err_set(e, "this is no line of doveadm replicator: %.*s", (int)slice_head(line, 100).n, line.p);
		}
	}
	return true;
}

static bool
is_complete(const struct said *a, struct err *e)
{
	for (size_t i = 0; i < COUNTS; i++)
		if (isnan(a->count[i]))
			return err_set(e, "it lacks \"%s\" of doveadm replicator status", counts[i].said.p);
	return a->has_users || a->count[COUNTS - 1] == 0 ||
	    err_set(e, "it lacks the table of users of doveadm replicator status '*'");
}

bool
replica_dovecot_read(struct slice text, struct buf *out, struct err *e)
{
	static struct said a;

	a = (struct said){ .oldest_s = (double)NAN, .newest_s = (double)NAN };
	for (size_t i = 0; i < COUNTS; i++)
		a.count[i] = (double)NAN;
	if (!read_lines(&a, text, out, false, e) || !is_complete(&a, e) || !read_lines(&a, text, out, true, e))
		return false;
	for (size_t i = 0; i < a.syncs; i++) {
		rows_row(out, "sync");
		rows_field(out, "name", a.sync[i].name.p, slice_head(a.sync[i].name, NAME_BYTES).n);
		rows_field(out, "type", a.sync[i].type.p, a.sync[i].type.n);
		rows_field(out, "status", a.sync[i].status.p, slice_head(a.sync[i].status, NAME_BYTES).n);
	}
	rows_row(out, "sum");
	for (size_t i = 0; i < COUNTS; i++)
		put_number(out, counts[i].name, a.count[i]);
	put_number(out, "listed", a.users);
	put_number(out, "failed", a.failed);
	put_number(out, "unwell", a.unwell);
	put_number(out, "oldest", a.oldest_s);
	put_number(out, "newest", a.newest_s);
	rows_field(out, "oldest_user", a.oldest.p, slice_head(a.oldest, NAME_BYTES).n);
	return true;
}

/* --- the verdict -------------------------------------------------------------------------------- */

/* Since when what the user has new has waited: as long as runs saw it so, and the attempt that did not end well at
 * least; but since the last success at most. An attempt that goes on may have begun in the second of that success. */
static double
lag_of(const struct rows *r, const struct row *u, const char *name, int64_t now)
{
	double fast = row_number(u, "fast"), success = row_number(u, "success");
	double lag = lag_since(slice_of(name), SLICE("not copied"), now);
	bool busy = rows_find(r, "sync", "name", row_text(u, "name")) != NULL;

	if ((busy || row_is(u, "failed", "y") || fast < success - CLOCKS_APART_S) && fast > lag)
		lag = fast;
	return success < lag ? success : lag;
}

static void
say_why(const struct rows *r, const struct row *u, const char *name)
{
	const struct row *s = rows_find(r, "sync", "name", row_text(u, "name"));
	double success = row_number(u, "success"), fast = row_number(u, "fast");
	struct slice status = row_text(s, "status"), type = row_text(s, "type"), queue = row_text(u, "priority");
	struct buf last = buf_new(100);

	if (isnan(success))
		buf_str(&last, "it never was before");
	else
		buf_fmt(&last, "the last success was %s ago", check_people(success, "s"));
	if (s != NULL)
		check_detail("%s: is being copied for %s (%.*s: %.*s); %s", name, check_people(fast, "s"), (int)type.n, type.p,
		    (int)status.n, status.p, last.p);
	else if (row_is(u, "failed", "y"))
		check_detail("%s: copying failed %s ago; %s", name, check_people(fast, "s"), last.p);
	else
		check_detail("%s: waits to be copied (priority %.*s); %s", name, (int)queue.n, queue.p, last.p);
	buf_free(&last);
}

/* The longest that is being copied; NAN: none is. */
static double
running(const struct rows *r, size_t *n)
{
	const struct row *s = NULL;
	double longest = (double)NAN;

	*n = 0;
	while ((s = rows_next(r, "sync", s)) != NULL) {
		double fast = row_number(rows_find(r, "user", "name", row_text(s, "name")), "fast");

		++*n;
		if (!(longest >= fast))
			longest = fast;
	}
	return longest;
}

void
replica_dovecot_judge(const struct rows *r, int64_t now)
{
	const struct row *sum = rows_next(r, "sum", NULL), *u = NULL;
	double failed = row_number(sum, "failed"), listed = row_number(sum, "listed"), longest;
	size_t told = 0, n;

	if (listed > 0 && failed == listed)
		lag_state(CHECK_CRITICAL, "replicator", "copying failed for all users (%.0f): is the other server away, or its "
		    "doveadm_password another?", failed);
	while ((u = rows_next(r, "user", u)) != NULL) {
		struct slice who = row_text(u, "name");
		struct buf name = buf_new(NAME_BYTES + 20);

		buf_fmt(&name, "replicator %.*s", (int)who.n, who.p);
		lag_copy(name.p, lag_of(r, u, name.p, now), (double)NAN);
		if (told++ < TOLD)
			say_why(r, u, name.p);
		buf_free(&name);
	}
	if (row_number(sum, "unwell") == 0)
		lag_copy("replicator", 0, (double)NAN);
	else if (row_number(sum, "unwell") > TOLD)
		check_detail("replicator: %.0f users are not copied", row_number(sum, "unwell"));
	longest = running(r, &n);
	if (n > 0 && longest >= HANGS_S && longest < row_number(sum, "newest"))
		check_detail("replicator: users that are being copied: %zu, one for %s already, and nobody's copying ended since: "
		    "does the other server hang?", n, check_people(longest, "s"));
}

void
replica_dovecot_measure(const struct rows *r)
{
	const struct row *sum = rows_next(r, "sum", NULL);
	struct slice oldest = row_text(sum, "oldest_user");
	size_t n;
	double longest = running(r, &n);

	check_value("failed", row_number(sum, "failed"), "");
	check_words("failed", NULL, "copying failed for %.0f of %.0f %s", row_number(sum, "failed"),
	    row_number(sum, "listed"), PLURAL(row_number(sum, "listed"), "user", "users"));
	check_known("success", row_number(sum, "oldest"), "s");
	if (oldest.n > 0)
		check_words("success", NULL, "%.*s was last copied %s ago", (int)oldest.n, oldest.p,
		    check_people(row_number(sum, "oldest"), "s"));
	check_value("running", n == 0 || isnan(longest) ? 0 : longest, "s");
	check_words("running", NULL, "a user is being copied for %s", check_people(isnan(longest) ? 0 : longest, "s"));
	for (size_t i = 0; i < COUNTS; i++)
		check_value(counts[i].name, row_number(sum, counts[i].name), "");
}
