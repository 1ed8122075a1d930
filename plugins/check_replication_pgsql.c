/* check_replication_pgsql - standbys, primaries and subscriptions of PostgreSQL.
 *
 * The server and its primary are asked at once, each in a process apart (lib/apart.h). What the
 * answers mean is lib/replica_pgsql.c. The only home of libpq-fe.h. */
#include <postgresql/libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apart.h"
#include "check.h"
#include "clock.h"
#include "hostport.h"
#include "lag.h"
#include "lateload.h"
#include "replica_pgsql.h"
#include "secret.h"

#include "poison.h"

enum { WORDS_MAX = 20, USUAL_PORT = 5432 };

#define FUNCTIONS(F) \
	F(PQconnectdbParams) F(PQstatus) F(PQerrorMessage) F(PQserverVersion) F(PQexec) F(PQresultStatus) \
	F(PQresultErrorField) F(PQntuples) F(PQnfields) F(PQfname) F(PQgetvalue) F(PQgetlength) F(PQgetisnull) \
	F(PQclear) F(PQconndefaults)

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} lib LATELOAD_LINKED(FUNCTIONS);

static struct {
	const char *host, *dbname, *user, *password_file, *password_env, *primary, *role, *ca_file;
	int64_t port;
	struct opt_list standbys, ignored_slots;
	bool archive, tls;
	char *password;
} set = { .port = USUAL_PORT, .dbname = "postgres", .role = "auto", .password_env = "MXGAUGE_PASSWORD",
	.ca_file = "/etc/ssl/certs/ca-certificates.crt" };

static const struct opt opts[] = {
	{ 'H', "host", OPT_STRING, &set.host, "HOST", "the server to look at; a path is the folder of its local socket" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where it listens", .min = 1, .max = 65535 },
	{ 'd', "database", OPT_STRING, &set.dbname, "NAME", "subscriptions are those of this database" },
	{ 'u', "user", OPT_STRING, &set.user, "NAME", "who asks; the password comes from a file or the environment" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 0, "role", OPT_CHOICE, &set.role, "auto|standby|primary|subscriber",
	    "what the server has to be; auto: what it is" },
	{ 0, "primary", OPT_STRING, &set.primary, "HOST[:PORT]", "ask the primary too, as the same user: is it one, "
	    "and what has it got more?" },
	{ 0, "standby", OPT_LIST, &set.standbys, "NAME", "a standby (its application_name) that has to be connected; "
	    "may be given again" },
	{ 0, "archive", OPT_FLAG, &set.archive, NULL, "the standby reads files of an archive, and has no receiver" },
	{ 0, "ignore-slot", OPT_LIST, &set.ignored_slots, "NAME", "this slot is of no interest; may be given again" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "only with TLS and a certificate that is valid for the host" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("1m", "10m"),
	REPLICA_PGSQL_MEASURES,
	{ 0 }
};

static const struct program program = {
	"check_replication_pgsql", "do standbys and subscriptions of PostgreSQL run, and how far are they behind?",
	"Asked is a standby, a primary, or a subscriber; what it is decides what is looked at. CRITICAL are a "
	"server that does not answer, a standby without connection to its primary, a standby that was "
	"promoted (with --role standby or --primary), two primaries, a named standby that is not connected, "
	"commits that wait for a synchronous standby, a lost slot, and a subscription whose worker does "
	"not run. WARNING are a paused replay, a connection that does not stream or says nothing, a slot "
	"that nobody reads, and a subscription that is disabled or still copies tables.\n\n"
	"The lag of a standby is the age of the last transaction that it applied, while something waits to be "
	"applied; an idle primary is no lag. A primary that hangs is not seen by its standby for about a "
	"minute: --primary asks it, and tells how many bytes of WAL are missing and for how long nothing "
	"was applied, as far as runs have seen; they keep that in NAGIOS_PLUGIN_STATE_DIRECTORY or "
	"/var/tmp/mxgauge-UID. recovery_min_apply_delay is subtracted.\n\n"
	"The account needs pg_monitor, and nothing else. Without --tls a server in between could ask for the "
	"password as it is where libpq is older than 16. PostgreSQL 10 and later.",
	opts, .measures = measures,
	.needs = "-H HOST",
	.examples = "check_replication_pgsql -H db2.example.org -u monitor --password-file /etc/mxgauge/db --role standby\n"
	    "check_replication_pgsql -H db2.example.org -u monitor --primary db1.example.org --tls -w bytes=64MB\n"
	    "check_replication_pgsql -H db1.example.org -u monitor --role primary --standby db2 -w slot_bytes=10GB\n"
	    "check_replication_pgsql -H db3.example.org -u monitor -d mail --role subscriber"
};

/* --- in a process apart ---------------------------------------------------------------------------- */

struct peer {
	struct hostport at;
	char name[HOSTPORT_NAME];
	bool as_primary;
};

struct session {
	PGconn *db;
	int to;
	int version;
};

static void
send_error(int to, const char *step, const char *code, const char *text)
{
	struct slice s = slice_of(text), line;
	struct buf b = buf_new(1 << 16);

	if (slice_cut(&s, '\n', &line))		/* more lines have hints for programmers */
		s = line;
	rows_row(&b, "error");
	rows_text(&b, "step", step);
	rows_text(&b, "number", code == NULL ? "0" : code);
	rows_field(&b, "text", s.p, s.n);
	apart_put(to, buf_slice(&b));
	buf_free(&b);
}

/* False: the server did not like it. */
static bool
ask(const struct session *s, const char *table, const char *sql, bool must)
{
	struct buf b = buf_new(APART_BYTES);
	PGresult *r;
	bool good;

	apart_phase(s->to, "asking for the %s", table);
	r = lib.PQexec(s->db, sql);
	good = lib.PQresultStatus(r) == PGRES_TUPLES_OK;
	if (!good && must) {
		const char *words = lib.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

		send_error(s->to, table, lib.PQresultErrorField(r, PG_DIAG_SQLSTATE),
		    words != NULL ? words : lib.PQerrorMessage(s->db));
	}
	for (int i = 0; good && i < lib.PQntuples(r) && i < ROWS_MAX; i++) {
		rows_row(&b, table);
		for (int f = 0; f < lib.PQnfields(r) && f < ROWS_FIELDS; f++)
			rows_field(&b, lib.PQfname(r, f), lib.PQgetisnull(r, i, f) ? NULL : lib.PQgetvalue(r, i, f),
			    (size_t)lib.PQgetlength(r, i, f));
	}
	if (b.n > 0)
		apart_put(s->to, buf_slice(&b));
	buf_free(&b);
	lib.PQclear(r);
	return good;
}

/* Does this libpq know the word? */
static bool
has_word(const char *word)
{
	const PQconninfoOption *o = lib.PQconndefaults();

	for (; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, word) == 0)
			return true;
	return false;
}

static bool
open_session(struct session *s, const struct peer *p)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	const char *word[WORDS_MAX] = { "host", "port", "dbname", "user", "password", "application_name",
		"client_encoding", "sslmode", "sslrootcert" };
	struct err e = { "" };
	char port[16];

	apart_phase(s->to, "loading libpq");
	if (!lateload("libpq.so.5", "libpq5", names, &lib, &e)) {
		send_error(s->to, "library", NULL, e.text);
		return false;
	}
	(void)snprintf(port, sizeof port, "%u", p->at.port);
	const char *value[WORDS_MAX] = { p->at.host, port, set.dbname, set.user, set.password, "mxgauge", "UTF8",
		set.tls ? "verify-full" : "prefer", set.tls ? set.ca_file : NULL };
	if (!set.tls && has_word("require_auth")) {
		word[9] = "require_auth";
		value[9] = "!password";		/* as it is: never */
	}
	apart_phase(s->to, "looking up its address");
	if (!hostport_resolves(&p->at, &e)) {
		send_error(s->to, "connection", NULL, e.text);
		return false;
	}
	apart_phase(s->to, "connecting");
	s->db = lib.PQconnectdbParams(word, value, 0);
	if (lib.PQstatus(s->db) != CONNECTION_OK) {
		send_error(s->to, "connection", NULL, lib.PQerrorMessage(s->db));
		return false;
	}
	s->version = lib.PQserverVersion(s->db);
	return true;
}

#define END "(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END)"
#define SECONDS_SINCE(x) "EXTRACT(EPOCH FROM clock_timestamp() - " x ")"
#define SETTING_S(x) "EXTRACT(EPOCH FROM current_setting('" x "', true)::interval)"

static const char self_sql[] =
    "SELECT pg_is_in_recovery() AS recovery, " END " AS \"end\", "
    "pg_last_wal_receive_lsn() AS received, pg_last_wal_replay_lsn() AS replayed, "
    SECONDS_SINCE("pg_last_xact_replay_timestamp()") " AS replay_age, "
    "CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused, "
    SETTING_S("recovery_min_apply_delay") " AS delay, " SETTING_S("wal_receiver_timeout") " AS receiver_timeout, "
    SETTING_S("wal_sender_timeout") " AS sender_timeout, "
    "current_setting('synchronous_standby_names', true) AS sync_names, "
    "(SELECT system_identifier FROM pg_control_system()) AS system, "
    "(SELECT timeline_id FROM pg_control_checkpoint()) AS timeline";

/* Is what waited a moment ago still not applied? */
static void
ask_again(const struct session *s)
{
	(void)ask(s, "pause", "SELECT pg_sleep(0.2) WHERE pg_last_wal_receive_lsn() > "
	    "pg_last_wal_replay_lsn()", false);
	(void)ask(s, "again", "SELECT pg_last_wal_replay_lsn() AS replayed WHERE pg_is_in_recovery()", false);
}

static void
ask_copies(const struct session *s)
{
	(void)ask(s, "standby", s->version >= 120000 ?
	    "SELECT *, pg_wal_lsn_diff(" END ", replay_lsn) AS bytes, EXTRACT(EPOCH FROM replay_lag) AS lag_s, "
	    SECONDS_SINCE("reply_time") " AS heard FROM pg_stat_replication LIMIT 500" :
	    "SELECT *, pg_wal_lsn_diff(" END ", replay_lsn) AS bytes, EXTRACT(EPOCH FROM replay_lag) AS lag_s "
	    "FROM pg_stat_replication LIMIT 500", true);
	(void)ask(s, "slot", "SELECT *, pg_wal_lsn_diff(" END ", restart_lsn) AS kept FROM pg_replication_slots "
	    "LIMIT 500", true);
}

static void
ask_subscriptions(const struct session *s)
{
	(void)ask(s, "subscription", s->version >= 150000 ?
	    "SELECT s.subname, s.subenabled, t.pid, t.received_lsn, t.latest_end_lsn, "
	    SECONDS_SINCE("t.last_msg_receipt_time") " AS heard, e.apply_error_count AS errors, "
	    "(SELECT count(*) FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS syncing "
	    "FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database() "
	    "LEFT JOIN pg_stat_subscription t ON t.subid = s.oid AND t.relid IS NULL AND t.received_lsn IS NOT NULL "
	    "LEFT JOIN pg_stat_subscription_stats e ON e.subid = s.oid LIMIT 200" :
	    "SELECT s.subname, s.subenabled, t.pid, t.received_lsn, t.latest_end_lsn, "
	    SECONDS_SINCE("t.last_msg_receipt_time") " AS heard, "
	    "(SELECT count(*) FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS syncing "
	    "FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database() "
	    "LEFT JOIN pg_stat_subscription t ON t.subid = s.oid AND t.relid IS NULL LIMIT 200", true);
}

static void
converse(void *arg, int to)
{
	const struct peer *p = arg;
	struct session s = { NULL, to, 0 };

	if (!open_session(&s, p))
		return;
	if (s.version < 100000) {
		send_error(to, "version", NULL, "it is older than PostgreSQL 10");
		return;
	}
	if (!ask(&s, "self", self_sql, true) || p->as_primary)
		return;
	(void)ask(&s, "receiver", "SELECT *, " SECONDS_SINCE("last_msg_receipt_time") " AS heard FROM "
	    "pg_stat_wal_receiver WHERE pid IS NOT NULL", true);
	ask_copies(&s);
	ask_subscriptions(&s);
	ask_again(&s);
}

/* --- the check --------------------------------------------------------------------------------------- */

static void
check_options(struct peer p[2])
{
	struct err e = { "" };

	if (set.host == NULL)
		opt_fail(&program, "whom to ask? -H HOST");
	if (set.primary != NULL && (strcmp(set.role, "primary") == 0 || strcmp(set.role, "subscriber") == 0))
		opt_fail(&program, "--primary is for a standby");
	if (!hostport_parse(slice_of(set.host), (unsigned)set.port, &p[0].at, &e) ||
	    (set.primary != NULL && !hostport_parse(slice_of(set.primary), (unsigned)set.port, &p[1].at, &e)))
		opt_fail(&program, "%s", e.text);
	hostport_name(&p[0].at, USUAL_PORT, p[0].name);
	if (set.primary != NULL)
		hostport_name(&p[1].at, USUAL_PORT, p[1].name);
	if (set.tls)
		check_readable("certificates of", set.ca_file);
	if (set.user != NULL && (set.password_file != NULL || getenv(set.password_env) != NULL)) {
		set.password = secret_read("--password-file", set.password_file, set.password_env, &e);
		if (set.password == NULL)
			check_unknown("%s", e.text);
	}
}

static void
look(struct peer p[2])
{
	static struct rows r[2];
	struct apart_job j[2] = { { converse, &p[0] }, { converse, &p[1] } };
	struct replica_pgsql q = { .name = p[0].name, .primary_name = p[1].name, .server = &r[0],
		.role = set.role, .standbys = set.standbys, .ignored_slots = set.ignored_slots,
		.archive = set.archive, .now = (int64_t)time(NULL) };
	bool good;

	apart_run(j, set.primary != NULL ? 2 : 1, check_deadline());
	good = lag_answer(&j[0], &r[0], q.name);
	if (set.primary != NULL && lag_answer(&j[1], &r[1], q.primary_name))
		q.primary = &r[1];
	if (good)
		replica_pgsql_judge(&q);
}

int
main(int argc, char **argv)
{
	static struct peer p[2] = { { .as_primary = false }, { .as_primary = true } };
	struct buf thing = buf_new(1000);

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	check_options(p);
	check_phase("asking");
	buf_fmt(&thing, "%s/%s", p[0].name, set.dbname);
	lag_begin(program.name, buf_slice(&thing));
	look(p);
	lag_tell();
	replica_pgsql_measures();
	check_done();
}
