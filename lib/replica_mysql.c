/* replica_mysql.c - see replica_mysql.h. The traps that it minds:
 *
 * Seconds_Behind is NULL where a thread does not run: never 0. It tells how far the applier is behind
 * the relay log, so it is 0 while nothing comes from a frozen source: only the source itself or a
 * heartbeat shows that. A replica that is delayed on purpose is behind by that much in health. */
#include "replica_mysql.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "gtid.h"
#include "lag.h"

#include "plural.h"
#include "poison.h"

enum { NAME_BYTES = 400 };

static const char *const io_names[] = { "Slave_IO_Running", "Replica_IO_Running", NULL };
static const char *const sql_names[] = { "Slave_SQL_Running", "Replica_SQL_Running", NULL };
static const char *const behind_names[] = { "Seconds_Behind_Master", "Seconds_Behind_Source", NULL };
static const char *const host_names[] = { "Master_Host", "Source_Host", NULL };
static const char *const port_names[] = { "Master_Port", "Source_Port", NULL };
static const char *const file_names[] = { "Master_Log_File", "Source_Log_File", NULL };
static const char *const relay_file_names[] = { "Relay_Master_Log_File", "Relay_Source_Log_File", NULL };
static const char *const read_names[] = { "Read_Master_Log_Pos", "Read_Source_Log_Pos", NULL };
static const char *const exec_names[] = { "Exec_Master_Log_Pos", "Exec_Source_Log_Pos", NULL };
static const char *const channel_names[] = { "Connection_name", "Channel_Name", NULL };
static const char *const server_names[] = { "Master_Server_Id", "Source_Server_Id", NULL };

static struct {
	double gap, bytes;
	size_t channels;
	double replicas, members, queue, flow_control;
	bool is_source, judged;
} sum = { (double)NAN, (double)NAN, 0, (double)NAN, (double)NAN, (double)NAN, (double)NAN, false, false };

static struct slice
text_of(const struct row *r, const char *const *names)
{
	const char *name = row_any(r, names);

	return name == NULL ? SLICE("") : row_text(r, name);
}

static double
number_of(const struct row *r, const char *const *names)
{
	const char *name = row_any(r, names);

	return name == NULL ? (double)NAN : row_number(r, name);
}

static struct slice
named(const struct rows *r, const char *table, const char *name)
{
	return row_text(rows_find(r, table, "Variable_name", slice_of(name)), "Value");
}

static bool
is_on(struct slice s)
{
	return slice_eq_nocase(s, SLICE("on")) || slice_eq(s, SLICE("1"));
}

static double
status_number(const struct rows *r, const char *name)
{
	return row_number(rows_find(r, "status", "Variable_name", slice_of(name)), "Value");
}

/* What is not known counts nothing. */
static double
most(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

/* --- one channel ---------------------------------------------------------------------------- */

struct channel {
	const struct replica_mysql *m;
	const struct row *row;
	char name[NAME_BYTES];
};

static void
name_channel(struct channel *c)
{
	struct slice channel = text_of(c->row, channel_names);

	(void)snprintf(c->name, sizeof c->name, "%s%s%.*s", c->m->name, channel.n > 0 ? " channel " : "",
	    (int)slice_head(channel, 100).n, channel.p);
}

/* ": 1045 Access denied ...", or nothing. */
static void
say_error(struct buf *b, const struct row *r, const char *number, const char *text)
{
	struct slice n = row_text(r, number), t = row_text(r, text);

	if (n.n > 0 && !slice_eq(n, SLICE("0")))
		buf_fmt(b, ": %.*s %.*s", (int)n.n, n.p, (int)slice_head(t, 400).n, t.p);
}

/* Is the receiver at work? */
static bool
judge_receiver(const struct channel *c)
{
	struct slice io = text_of(c->row, io_names), host = text_of(c->row, host_names);
	struct slice port = text_of(c->row, port_names);
	struct buf why = buf_new(1000);

	if (slice_eq_nocase(io, SLICE("yes")))
		return true;
	say_error(&why, c->row, "Last_IO_Errno", "Last_IO_Error");
	if (row_any(c->row, io_names) == NULL)
		lag_state(CHECK_UNKNOWN, c->name, "its answer does not tell whether the receiver runs");
	else if (slice_eq_nocase(io, SLICE("no")))
		lag_state(CHECK_CRITICAL, c->name, "the receiver (IO thread) %s%s",
		    why.n > 0 ? "broke" : "is stopped", why.n > 0 ? why.p : "");
	else
		lag_state(CHECK_CRITICAL, c->name, "no connection to the source %.*s:%.*s%s", (int)host.n,
		    host.p, (int)port.n, port.p, why.n > 0 ? why.p : "");
	buf_free(&why);
	return false;
}

static bool
judge_applier(const struct channel *c)
{
	struct slice sql = text_of(c->row, sql_names);
	struct buf why = buf_new(1000);
	bool runs = slice_eq_nocase(sql, SLICE("yes"));
	double skip = row_number(c->row, "Skip_Counter");

	say_error(&why, c->row, "Last_SQL_Errno", "Last_SQL_Error");
	if (row_any(c->row, sql_names) == NULL)
		lag_state(CHECK_UNKNOWN, c->name, "its answer does not tell whether the applier runs");
	else if (!runs)
		lag_state(CHECK_CRITICAL, c->name, "the applier (SQL thread) %s%s",
		    why.n > 0 ? "broke" : "is stopped", why.n > 0 ? why.p : "");
	else if (why.n > 0)
		lag_state(CHECK_WARNING, c->name, "the applier has trouble and tries again%s", why.p);
	if (skip > 0)
		lag_state(CHECK_WARNING, c->name, "the next %s %s will be skipped "
		    "(sql_slave_skip_counter): the copy will differ", check_people(skip, ""),
		    PLURAL(skip, "event", "events"));
	buf_free(&why);
	return runs;
}

/* Everything that moves when something comes in. */
static double
silent(const struct channel *c)
{
	struct slice channel = text_of(c->row, channel_names);
	const struct row *p = rows_find(c->m->replica, "connection", "CHANNEL_NAME", channel);
	const struct slice parts[] = { text_of(c->row, file_names), text_of(c->row, read_names),
		row_text(c->row, "Gtid_IO_Pos"), row_text(c->row, "Retrieved_Gtid_Set"),
		row_text(c->row, "Slave_received_heartbeats"), row_text(p, "COUNT_RECEIVED_HEARTBEATS") };
	struct buf sign = buf_new(1 << 16), key = buf_new(1000);
	double s;

	if (parts[4].n == 0 && parts[5].n == 0)
		return (double)NAN;	/* an idle source would look dead */
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_add(&sign, parts[i]);
		buf_char(&sign, '|');
	}
	buf_fmt(&key, "silent %s", c->name);
	s = lag_silent_since(buf_slice(&key), buf_slice(&sign), c->m->now);
	buf_free(&sign);
	buf_free(&key);
	return s;
}

/* NAN if it has no number. */
static double
seconds_behind(const struct channel *c)
{
	double behind = number_of(c->row, behind_names), delay = row_number(c->row, "SQL_Delay");

	if (isnan(behind) || isnan(delay))
		return behind;
	return behind > delay ? behind - delay : 0;
}

/* --- compared with the source ---------------------------------------------------------------- */

/* For how long has the replica lacked something and applied nothing? */
static double
stuck(const struct channel *c, double gap)
{
	struct slice at = row_text(c->row, "Gtid_Slave_Pos"), file = text_of(c->row, relay_file_names);
	struct slice pos = text_of(c->row, exec_names);
	struct buf key = buf_new(1000), sign = buf_new(1 << 16);
	double s;

	buf_fmt(&key, "stuck %s", c->name);
	if (gap > 0)
		buf_fmt(&sign, "%.*s|%.*s|%.*s", (int)at.n, at.p, (int)file.n, file.p, (int)pos.n, pos.p);
	s = lag_since(buf_slice(&key), sign.n > 0 ? buf_slice(&sign) : LAG_WELL, c->m->now);
	buf_free(&key);
	buf_free(&sign);
	return gap > 0 ? s : 0;
}

static double
bytes_between(struct slice file_a, double a, struct slice file_b, double b)
{
	return file_a.n > 0 && slice_eq(file_a, file_b) && a >= b ? a - b : (double)NAN;
}

/* Its own or the server's. */
static struct slice
applied(const struct channel *c)
{
	struct slice at = row_text(c->row, "Gtid_Slave_Pos");

	return at.n > 0 ? at : named(c->m->replica, "variable", "gtid_slave_pos");
}

/* The row about a source's end that has this: MariaDB tells it in two. */
static const struct row *
position(const struct channel *c, const char *field)
{
	const struct row *r = NULL;

	while (c->m->source != NULL && (r = rows_next(c->m->source, "position", r)) != NULL)
		if (row_text(r, field).n > 0)
			break;
	return r;
}

static void
measure_gap(const struct channel *c, double *lag)
{
	const struct row *end = position(c, "File"), *sets = position(c, "Executed_Gtid_Set");
	const struct row *at = position(c, "Gtid");
	double gap = (double)NAN, bytes = (double)NAN, missing;

	if (row_text(c->row, "Retrieved_Gtid_Set").n > 0)
		gap = gtid_lacks(row_text(c->row, "Executed_Gtid_Set"),
		    row_text(c->row, "Retrieved_Gtid_Set"), SLICE(""));
	else if (row_text(c->row, "Gtid_IO_Pos").n > 0)
		gap = gtid_gap(row_text(c->row, "Gtid_IO_Pos"), applied(c));
	bytes = bytes_between(text_of(c->row, file_names), number_of(c->row, read_names),
	    text_of(c->row, relay_file_names), number_of(c->row, exec_names));
	if (c->m->source != NULL) {
		missing = bytes_between(row_text(end, "File"), row_number(end, "Position"),
		    text_of(c->row, relay_file_names), number_of(c->row, exec_names));
		bytes = isnan(missing) ? bytes : missing;
		if (sets != NULL)
			gap = gtid_lacks(row_text(c->row, "Executed_Gtid_Set"),
			    row_text(sets, "Executed_Gtid_Set"), SLICE(""));
		else if (at != NULL && applied(c).n > 0)
			gap = gtid_gap(row_text(at, "Gtid"), applied(c));
		if (!c->m->heartbeat && !(row_number(c->row, "SQL_Delay") > 0))
			*lag = most(*lag, stuck(c, isnan(gap) ? bytes : gap));
	}
	sum.gap = most(sum.gap, gap);
	sum.bytes = most(sum.bytes, bytes);
}

/* The two were asked at once, so only the replica's own transactions tell something: what came from
 * the source may be newer than the source's answer. */
static void
judge_own(const struct channel *c)
{
	struct slice self = named(c->m->replica, "variable", "server_uuid");
	struct slice source = row_text(position(c, "Executed_Gtid_Set"), "Executed_Gtid_Set");
	double own;

	if (self.n == 0 || source.n == 0)
		return;
	own = gtid_lacks(source, row_text(c->row, "Executed_Gtid_Set"), self);
	if (own > 0)
		lag_state(CHECK_WARNING, c->name, "it has %s %s that %s has not: somebody wrote to it",
		    check_people(own, ""), PLURAL(own, "transaction", "transactions"), c->m->source_name);
}

static void
judge_source(const struct channel *c)
{
	struct slice follows = text_of(c->row, server_names), id;

	if (c->m->source == NULL)
		return;
	judge_own(c);
	id = named(c->m->source, "variable", "server_id");
	/* 0: it has not reached its source yet */
	if (id.n > 0 && follows.n > 0 && !slice_eq(follows, SLICE("0")) && !slice_eq(id, follows))
		lag_state(CHECK_WARNING, c->name, "it follows server %.*s, but %s is server %.*s",
		    (int)follows.n, follows.p, c->m->source_name, (int)id.n, id.p);
}

static void
judge_channel(const struct replica_mysql *m, const struct row *row)
{
	struct channel c = { m, row, "" };
	double lag = seconds_behind(&c), still;
	bool receives, applies;

	name_channel(&c);
	sum.channels++;
	receives = judge_receiver(&c);
	applies = judge_applier(&c);
	still = silent(&c);
	measure_gap(&c, &lag);
	judge_source(&c);
	if (isnan(lag) && receives && applies && !m->heartbeat)
		lag_state(CHECK_UNKNOWN, c.name, "both threads run, but it does not know how far it is behind");
	if (row_number(row, "SQL_Delay") > 0)
		check_detail("%s: delayed on purpose by %s", c.name,
		    check_people(row_number(row, "SQL_Delay"), "s"));
	/* with a heartbeat that tells the lag */
	lag_copy(c.name, m->heartbeat ? (double)NAN : lag, receives ? still : (double)NAN);
}

static void
judge_channels(const struct replica_mysql *m)
{
	const struct row *r = NULL;

	while ((r = rows_next(m->replica, "replica", r)) != NULL)
		judge_channel(m, r);
	for (size_t i = 0; i < m->channels.n; i++) {
		r = NULL;
		while ((r = rows_next(m->replica, "replica", r)) != NULL)
			if (slice_eq_nocase(text_of(r, channel_names), slice_of(m->channels.v[i])))
				break;
		if (r == NULL)
			lag_state(CHECK_CRITICAL, m->name, "there is no channel %s", m->channels.v[i]);
	}
}

/* --- heartbeat ---------------------------------------------------------------------------------- */

static bool
beats(const struct replica_mysql *m, const struct row *r)
{
	for (size_t i = 0; i < m->heartbeat_ids.n; i++)
		if (slice_eq(row_text(r, "server_id"), slice_of(m->heartbeat_ids.v[i])))
			return true;
	return m->heartbeat_ids.n == 0;
}

/* Without ids the newest beat is the source's: rows of earlier sources stay for ever. */
static void
judge_heartbeat(const struct replica_mysql *m)
{
	const struct row *r = NULL;
	double newest = (double)NAN, oldest = (double)NAN, age;
	size_t n = 0;

	while ((r = rows_next(m->replica, "heartbeat", r)) != NULL) {
		age = row_number(r, "age");
		if (!beats(m, r) || isnan(age))
			continue;
		n++;
		newest = isnan(newest) || age < newest ? age : newest;
		oldest = most(oldest, age);
	}
	if (n < m->heartbeat_ids.n)
		lag_state(CHECK_CRITICAL, m->name, "the heartbeat of %s is missing", m->heartbeat_ids.n > 1 ?
		    "one of the servers" : m->heartbeat_ids.v[0]);
	else if (n == 0)
		lag_state(CHECK_CRITICAL, m->name, "the heartbeat table has no row with a time");
	age = m->heartbeat_ids.n > 0 ? oldest : newest;
	if (age < -2)
		lag_state(CHECK_WARNING, m->name, "its heartbeat is of %s ahead: a clock is wrong, or the zone "
		    "(--heartbeat-local)", check_people(-age, "s"));
	if (n > 0)
		lag_copy(m->name, age, (double)NAN);
}

/* --- clusters ------------------------------------------------------------------------------------- */

static void
judge_galera(const struct replica_mysql *m)
{
	const struct rows *r = m->replica;
	struct slice comment = named(r, "status", "wsrep_local_state_comment");
	struct slice status = named(r, "status", "wsrep_cluster_status");
	double state = status_number(r, "wsrep_local_state");

	sum.members = status_number(r, "wsrep_cluster_size");
	sum.queue = status_number(r, "wsrep_local_recv_queue");
	sum.flow_control = 100 * status_number(r, "wsrep_flow_control_paused");
	if (!slice_eq_nocase(status, SLICE("primary")))
		lag_state(CHECK_CRITICAL, m->name, "it is not in the primary component of its cluster: %.*s",
		    (int)status.n, status.p);
	else if (!is_on(named(r, "status", "wsrep_connected")) || !is_on(named(r, "status", "wsrep_ready")))
		lag_state(CHECK_CRITICAL, m->name, "the cluster's member takes no queries: %.*s",
		    (int)comment.n, comment.p);
	else if (!(state == 4))
		lag_state(state == 2 || state == 3 ? CHECK_WARNING : CHECK_CRITICAL, m->name,
		    "the cluster's member is not synced: %.*s", (int)comment.n, comment.p);
	lag_copy(m->name, rows_count(r, "replica") > 0 || m->heartbeat ? (double)NAN : 0, (double)NAN);
}

static void
judge_group(const struct replica_mysql *m)
{
	struct slice self = named(m->replica, "variable", "server_uuid");
	const struct row *r = NULL;
	double online = 0, n = 0;

	while ((r = rows_next(m->replica, "member", r)) != NULL) {
		struct slice host = row_text(r, "MEMBER_HOST"), state = row_text(r, "MEMBER_STATE");
		bool own = slice_eq_nocase(row_text(r, "MEMBER_ID"), self), good = row_is(r, "MEMBER_STATE", "ONLINE");

		n++;
		online += good ? 1 : 0;
		sum.queue = own ? row_number(r, "queue") : sum.queue;
		if (!good)
			lag_state(own && !row_is(r, "MEMBER_STATE", "RECOVERING") ? CHECK_CRITICAL : CHECK_WARNING,
			    m->name, "the group's member %.*s is %.*s", (int)host.n, host.p, (int)state.n, state.p);
	}
	sum.members = online;
	if (online * 2 <= n)
		lag_state(CHECK_CRITICAL, m->name, "the group has no majority: %s of %s members are online",
		    check_people(online, ""), check_people(n, ""));
	lag_copy(m->name, rows_count(m->replica, "replica") > 0 || m->heartbeat ? (double)NAN : 0, (double)NAN);
}

/* --- the server --------------------------------------------------------------------------------- */

/* A source waits for a replica's word, until one is too slow: then it goes on without. */
static void
judge_semisync(const struct replica_mysql *m)
{
	static const char *const roles[][2] = { { "master", "master" }, { "source", "source" },
		{ "slave", "slave" }, { "replica", "replica" } };

	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		char enabled[64], status[64];

		(void)snprintf(enabled, sizeof enabled, "rpl_semi_sync_%s_enabled", roles[i][0]);
		(void)snprintf(status, sizeof status, "rpl_semi_sync_%s_status", roles[i][1]);
		/* a source that nobody copies from waits for nobody */
		if (is_on(named(m->replica, "variable", enabled)) && !is_on(named(m->replica, "status", status)) &&
		    (i >= 2 ? sum.channels > 0 : m->is_source))
			lag_state(CHECK_WARNING, m->name, "semi-synchronous replication is enabled and does not "
			    "work: what is committed may be lost with the source");
	}
}

void
replica_mysql_judge(const struct replica_mysql *m)
{
	bool galera = is_on(named(m->replica, "variable", "wsrep_on"));
	bool group = rows_next(m->replica, "member", NULL) != NULL;

	sum.judged = true;
	sum.is_source = m->is_source;
	judge_channels(m);
	if (m->heartbeat)
		judge_heartbeat(m);
	if (galera)
		judge_galera(m);
	if (group)
		judge_group(m);
	judge_semisync(m);
	if (m->is_source) {
		sum.replicas = row_number(rows_next(m->replica, "counts", NULL), "receivers");
		if (sum.channels > 0)
			lag_state(CHECK_WARNING, m->name, "it is to be a source, but is a replica too");
		lag_copy(m->name, 0, (double)NAN);
	} else if (sum.channels == 0 && !galera && !group) {
		lag_state(CHECK_CRITICAL, m->name, "it is no replica: no source is configured");
	}
	if (!m->is_source && !m->writable && sum.channels > 0 &&
	    slice_eq_nocase(named(m->replica, "variable", "read_only"), SLICE("off")))
		lag_state(CHECK_WARNING, m->name, "read_only is off: somebody may write to the copy (--writable)");
}

void
replica_mysql_measures(void)
{
	check_known("gap", sum.gap, "");
	check_known("bytes", sum.bytes, "B");
	check_known("channels", sum.judged ? (double)sum.channels : (double)NAN, "");
	check_known("replicas", sum.replicas, "");
	check_known("members", sum.members, "");
	check_known("queue", sum.queue, "");
	check_known("flow_control", sum.flow_control, "%");
}
