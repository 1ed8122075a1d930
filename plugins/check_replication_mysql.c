/* check_replication_mysql - replicas of MySQL and MariaDB: threads, errors, lag, clusters.
 *
 * The server and its source are asked at once, each in a process apart (lib/apart.h), because
 * the client library waits for ever for a server that was stopped. What the answers mean is
 * lib/replica_mysql.c. The only home of mysql.h. */
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>
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
#include "mem.h"
#include "replica_mysql.h"
#include "secret.h"

#include "poison.h"

enum { QUERY_BYTES = 2000, USUAL_PORT = 3306 };

#define FUNCTIONS(F) \
	F(mysql_init) F(mysql_options) F(mysql_real_connect) F(mysql_errno) F(mysql_error) F(mysql_query) \
	F(mysql_use_result) F(mysql_num_fields) F(mysql_fetch_fields) F(mysql_fetch_row) \
	F(mysql_fetch_lengths) F(mysql_free_result) F(mysql_get_server_info) F(mysql_server_init)

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} lib LATELOAD_LINKED(FUNCTIONS);

static struct {
	const char *host, *socket, *user, *password_file, *password_env, *source, *heartbeat, *ca_file, *ca_dir;
	int64_t port;
	struct opt_list channels, heartbeat_ids;
	bool heartbeat_local, is_source, writable, tls;
	char *password;
} set = { .port = USUAL_PORT, .password_env = "MXGAUGE_PASSWORD" };

static const struct opt opts[] = {
	{ 'H', "host", OPT_STRING, &set.host, "HOST", "the server to look at" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where it listens", .min = 1, .max = 65535 },
	{ 0, "socket", OPT_STRING, &set.socket, "PATH", "its local socket, in place of -H" },
	{ 'u', "user", OPT_STRING, &set.user, "NAME", "who asks; the password comes from a file or the environment" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 0, "source", OPT_STRING, &set.source, "auto|HOST[:PORT]", "ask the source too, as the same user; "
	    "auto: the one that the replica names" },
	{ 0, "heartbeat", OPT_STRING, &set.heartbeat, "DB.TABLE", "the lag is the age of what was written last "
	    "to this table, column ts (pt-heartbeat's, or your own)" },
	{ 0, "heartbeat-id", OPT_LIST, &set.heartbeat_ids, "ID", "server_id that has to beat; may be given "
	    "again; by default the newest counts" },
	{ 0, "heartbeat-local", OPT_FLAG, &set.heartbeat_local, NULL, "ts is the server's local time and not UTC" },
	{ 0, "channel", OPT_LIST, &set.channels, "NAME", "this channel (connection) has to be there; may be "
	    "given again" },
	{ 0, "is-source", OPT_FLAG, &set.is_source, NULL, "the server is a source, and no replica" },
	{ 0, "writable", OPT_FLAG, &set.writable, NULL, "a replica may have read_only off" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "only with TLS and a certificate that is valid for the host" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0, "ca-dir", OPT_STRING, &set.ca_dir, "DIR", "the same, by hashes; by default /etc/ssl/certs" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("1m", "10m"),
	REPLICA_MYSQL_MEASURES,
	{ 0 }
};

static const struct program program = {
	"check_replication_mysql", "do replicas of MySQL and MariaDB run, and how far are they behind?",
	"CRITICAL are a server that does not answer, one that is no replica, a receiver or applier that does "
	"not run (with the error's number and text), a missing channel, and a member outside of its "
	"cluster. WARNING are read_only off, events that will be skipped, semi-synchronous replication that "
	"fell back, and transactions of the replica's own.\n\n"
	"What the replica itself knows (Seconds_Behind) says nothing of a source that hangs: for about a "
	"minute all looks well. --source asks that one too, and tells how many transactions are missing "
	"and for how long nothing was applied. --heartbeat is the truth from end to end: something "
	"writes the time to a table at the source every second, and the replica's copy of it ages. Clocks have "
	"to be right for that.\n\n"
	"A delay that was configured (MASTER_DELAY) is subtracted. \"silent\" is how long no event and no "
	"heartbeat came from the source, as far as runs have seen; they keep that in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID.\n\n"
	"The account needs SLAVE MONITOR (MariaDB 10.5 and later) or REPLICATION CLIENT; for --source "
	"in MariaDB BINLOG MONITOR; for --is-source PROCESS; SELECT on the heartbeat's table and on performance_schema.",
	opts, .measures = measures,
	.needs = "-H HOST|--socket PATH",
	.examples = "check_replication_mysql -H db2.example.org -u monitor --password-file /etc/mxgauge/db --tls\n"
	    "# frozen sources are found, and how many transactions are missing\n"
	    "check_replication_mysql -H db2.example.org -u monitor --source db1.example.org -w gap=1000\n"
	    "check_replication_mysql -H db2.example.org -u monitor --heartbeat percona.heartbeat -w lag=10s\n"
	    "check_replication_mysql -H db1.example.org -u monitor --is-source -c replicas=2"
};

/* --- in a process apart -------------------------------------------------------------------------- */

/* Whom to ask, and as what. */
struct peer {
	struct hostport at;
	char name[HOSTPORT_NAME];
	const char *socket;
	bool as_source;
};

struct session {
	MYSQL *db;
	int to;
	bool maria;
	bool wants_status;	/* a cluster, or semi-synchronous: to list the status takes long */
};

static void
send_rows(const struct session *s, struct buf *b)
{
	if (b->n > 0)
		apart_put(s->to, buf_slice(b));
	buf_free(b);
}

static void
send_error(const struct session *s, const char *step, long number, const char *text)
{
	struct buf b = buf_new(1 << 16);

	rows_error(&b, step, number, text);
	send_rows(s, &b);
}

static bool
switched_on(MYSQL_ROW row)
{
	return row[0] != NULL && strcmp(row[0], "read_only") != 0 && row[1] != NULL && strcmp(row[1], "ON") == 0;
}

/* Every row of the result goes to the parent, who stops us when it is too much. */
static void
send_result(struct session *s, const char *table)
{
	MYSQL_RES *r = lib.mysql_use_result(s->db);
	MYSQL_ROW row;

	if (r == NULL)
		return;
	while ((row = lib.mysql_fetch_row(r)) != NULL) {
		const MYSQL_FIELD *f = lib.mysql_fetch_fields(r);
		const unsigned long *length = lib.mysql_fetch_lengths(r);
		struct buf b = buf_new(APART_BYTES);

		if (strcmp(table, "variable") == 0 && lib.mysql_num_fields(r) == 2)
			s->wants_status = s->wants_status || switched_on(row);
		rows_row(&b, table);
		for (unsigned i = 0; i < lib.mysql_num_fields(r); i++)
			rows_field(&b, f[i].name, row[i], length[i]);
		send_rows(s, &b);
	}
	lib.mysql_free_result(r);
}

/* False: the server did not like it. */
static bool
ask(struct session *s, const char *table, const char *sql)
{
	apart_phase(s->to, "asking for the %s", table);
	if (lib.mysql_query(s->db, sql) != 0)
		return false;
	send_result(s, table);
	return lib.mysql_errno(s->db) == 0;
}

static void
must(const struct session *s, const char *table, bool asked)
{
	if (!asked)
		send_error(s, table, (long)lib.mysql_errno(s->db), lib.mysql_error(s->db));
}

static void
options(MYSQL *db)
{
	static const char no = 0, yes = 1;
	static const unsigned no_file = 0;
	static const unsigned long largest = 1 << 24;

	lib.mysql_options(db, MYSQL_OPT_LOCAL_INFILE, &no_file);	/* a server could ask for our files */
	lib.mysql_options(db, MYSQL_OPT_MAX_ALLOWED_PACKET, &largest);
	lib.mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	lib.mysql_options(db, MYSQL_OPT_RECONNECT, &no);
	if (!set.tls) {
		/* nor may it ask for the password as it is */
		lib.mysql_options(db, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,client_ed25519,"
		    "caching_sha2_password,parsec,auth_gssapi_client");
		return;
	}
	lib.mysql_options(db, MYSQL_OPT_SSL_ENFORCE, &yes);
	lib.mysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	if (set.ca_file != NULL)
		lib.mysql_options(db, MYSQL_OPT_SSL_CA, set.ca_file);
	if (set.ca_dir != NULL || set.ca_file == NULL)
		lib.mysql_options(db, MYSQL_OPT_SSL_CAPATH, set.ca_dir != NULL ? set.ca_dir : "/etc/ssl/certs");
}

static bool
open_session(struct session *s, const struct peer *p)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	struct err e = { "" };
	const char *version;
	unsigned number;

	apart_phase(s->to, "loading libmariadb");
	if (!lateload("libmariadb.so.3", "libmariadb3", names, &lib, &e)) {
		send_error(s, "library", 0, e.text);
		return false;
	}
	(void)lib.mysql_server_init(0, NULL, NULL);
	if ((s->db = lib.mysql_init(NULL)) == NULL)
		abort();
	options(s->db);
	apart_phase(s->to, "looking up its address");
	if (p->socket == NULL && !hostport_resolves(&p->at, &e)) {	/* the library would ask again until the time is up */
		send_error(s, "connection", 0, e.text);
		return false;
	}
	apart_phase(s->to, "connecting");
	if (lib.mysql_real_connect(s->db, p->socket != NULL ? NULL : p->at.host, set.user,
	    set.password, NULL, p->at.port, p->socket, 0) == NULL) {
		/* 2002, 2003, 2005: could not connect; the library has lost why ("115": it was in progress) */
		number = lib.mysql_errno(s->db);
		if (number == CR_SERVER_LOST && strstr(lib.mysql_error(s->db), "initial communication") != NULL)
			send_error(s, "connection", (long)number, "the server hung up before it greeted, or speaks no MySQL");
		else if (p->socket != NULL || number < 2002 || number > 2005 || hostport_connects(&p->at, &e))
			send_error(s, "connection", (long)number, lib.mysql_error(s->db));
		else
			send_error(s, "connection", 0, e.text);
		return false;
	}
	version = lib.mysql_get_server_info(s->db);
	s->maria = version != NULL && strstr(version, "MariaDB") != NULL;
	return true;
}

/* 1064: older than the words. */
static bool
ask_replica(struct session *s)
{
	if (s->maria)
		return ask(s, "replica", "SHOW ALL SLAVES STATUS");
	return ask(s, "replica", "SHOW REPLICA STATUS") ||
	    (lib.mysql_errno(s->db) == 1064 && ask(s, "replica", "SHOW SLAVE STATUS"));
}

static bool
ask_position(struct session *s)
{
	if (s->maria)
		return ask(s, "position", "SHOW MASTER STATUS") && ask(s, "position",
		    "SELECT IF(@@gtid_binlog_pos = '', @@gtid_current_pos, @@gtid_binlog_pos) AS Gtid");
	return ask(s, "position", "SHOW BINARY LOG STATUS") ||
	    (lib.mysql_errno(s->db) == 1064 && ask(s, "position", "SHOW MASTER STATUS"));
}

/* `a``b`.`c`: names are the administrator's, but a quote is a quote. */
static void
quote(struct buf *b, struct slice name)
{
	buf_char(b, '`');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '`')
			buf_char(b, '`');
		buf_char(b, name.p[i]);
	}
	buf_char(b, '`');
}

static bool
ask_heartbeat(struct session *s)
{
	struct slice table = slice_of(set.heartbeat), db = SLICE("");
	struct buf b = buf_new(QUERY_BYTES);
	bool good;

	(void)slice_cut(&table, '.', &db);
	buf_fmt(&b, "SELECT t.*, TIMESTAMPDIFF(MICROSECOND, ts, %s) / 1000000 AS age FROM ",
	    set.heartbeat_local ? "NOW(6)" : "UTC_TIMESTAMP(6)");
	quote(&b, db);
	buf_char(&b, '.');
	quote(&b, table);
	buf_str(&b, " AS t LIMIT 100");
	good = (set.heartbeat_local || ask(s, "zone", "SET time_zone = '+00:00'")) &&
	    ask(s, "heartbeat", b.p);
	buf_free(&b);
	return good;
}

/* What not every server has, or not every account may see, is left out. */
static void
ask_rest(struct session *s)
{
	if (s->wants_status)
		(void)ask(s, "status", "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'wsrep\\_%' OR "
		    "Variable_name LIKE 'Rpl\\_semi\\_sync\\_%'");
	if (s->maria)
		return;
	(void)ask(s, "connection", "SELECT CHANNEL_NAME, SERVICE_STATE, COUNT_RECEIVED_HEARTBEATS FROM "
	    "performance_schema.replication_connection_status LIMIT 300");
	(void)ask(s, "member", "SELECT m.MEMBER_ID, m.MEMBER_HOST, m.MEMBER_STATE, "
	    "s.COUNT_TRANSACTIONS_IN_QUEUE AS queue FROM performance_schema.replication_group_members m LEFT JOIN "
	    "performance_schema.replication_group_member_stats s ON s.MEMBER_ID = m.MEMBER_ID "
	    "WHERE m.MEMBER_ID <> '' LIMIT 100");
}

static void
converse(void *arg, int to)
{
	const struct peer *p = arg;
	struct session s = { NULL, to, false, false };

	if (!open_session(&s, p))
		return;
	must(&s, "variables", ask(&s, "variable", "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_id', "
	    "'server_uuid', 'read_only', 'wsrep_on', 'gtid_slave_pos') OR "
	    "Variable_name LIKE 'rpl\\_semi\\_sync\\_%\\_enabled'"));
	if (p->as_source) {
		must(&s, "position", ask_position(&s));
		return;
	}
	must(&s, "replica status", ask_replica(&s));
	if (set.heartbeat != NULL)
		must(&s, "heartbeat", ask_heartbeat(&s));
	if (set.is_source)
		must(&s, "process list", ask(&s, "counts", "SELECT COUNT(*) AS receivers FROM "
		    "information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"));
	ask_rest(&s);
}

/* --- the check ------------------------------------------------------------------------------------- */

static void
read_peer(struct peer *p, const char *text)
{
	struct err e = { "" };

	if (!hostport_parse(slice_of(text), (unsigned)set.port, &p->at, &e))
		opt_fail(&program, "%s", e.text);
	hostport_name(&p->at, USUAL_PORT, p->name);
}

static void
check_options(struct peer p[2])
{
	struct err e = { "" };

	if ((set.host == NULL) == (set.socket == NULL))
		opt_fail(&program, "whom to ask? -H HOST, or --socket PATH");
	if (set.heartbeat != NULL && strchr(set.heartbeat, '.') == NULL)
		opt_fail(&program, "--heartbeat %s: it is DB.TABLE", set.heartbeat);
	if (set.heartbeat == NULL && (set.heartbeat_ids.n > 0 || set.heartbeat_local))
		opt_fail(&program, "which heartbeat? --heartbeat DB.TABLE");
	if (set.is_source && set.source != NULL)
		opt_fail(&program, "--is-source and --source exclude each other");
	if ((set.ca_file != NULL || set.ca_dir != NULL) && !set.tls)
		opt_fail(&program, "--ca-file and --ca-dir need --tls");
	check_readable("certificates of", set.ca_file);
	check_readable("certificates of", set.ca_dir);
	p[0].socket = set.socket;
	if (set.host != NULL)
		read_peer(&p[0], set.host);
	else
		(void)snprintf(p[0].name, sizeof p[0].name, "%s", set.socket);
	if (set.source != NULL && strcmp(set.source, "auto") != 0)
		read_peer(&p[1], set.source);
	if (set.user != NULL && (set.password_file != NULL || getenv(set.password_env) != NULL)) {
		set.password = secret_read("--password-file", set.password_file, set.password_env, &e);
		if (set.password == NULL)
			check_unknown("%s", e.text);
	}
}

/* Where the replica says that its source is. */
static bool
named_source(const struct rows *r, struct peer *p)
{
	const struct row *c = rows_next(r, "replica", NULL);
	struct slice host = row_text(c, row_has(c, "Source_Host") ? "Source_Host" : "Master_Host");
	double port = row_number(c, row_has(c, "Source_Port") ? "Source_Port" : "Master_Port");

	if (host.n == 0 || host.n >= HOSTPORT_BYTES || !(port >= 1 && port <= 65535))
		return false;
	(void)snprintf(p->at.host, sizeof p->at.host, "%.*s", (int)host.n, host.p);
	p->at.port = (unsigned)port;
	hostport_name(&p->at, USUAL_PORT, p->name);
	return true;
}

/* The replica and its source, at once where both are known. */
static void
look(struct peer p[2])
{
	static struct rows r[2];
	struct apart_job j[2] = { { converse, &p[0] }, { converse, &p[1] } };
	bool later = set.source != NULL && strcmp(set.source, "auto") == 0;
	double until = check_deadline();
	struct replica_mysql m = { .name = p[0].name, .source_name = p[1].name, .replica = &r[0], .channels = set.channels, .now = (int64_t)time(NULL),
		.heartbeat_ids = set.heartbeat_ids, .heartbeat = set.heartbeat != NULL,
		.is_source = set.is_source, .writable = set.writable };

	apart_run(j, set.source == NULL || later ? 1 : 2, later ? (until + clock_now()) / 2 : until);
	if (lag_answer(&j[0], &r[0], m.name)) {
		if (later && named_source(&r[0], &p[1]))
			apart_run(&j[1], 1, until);
		if (p[1].name[0] != '\0' && lag_answer(&j[1], &r[1], p[1].name))
			m.source = &r[1];
		replica_mysql_judge(&m);
	} else if (set.source != NULL && !later) {
		(void)lag_answer(&j[1], &r[1], p[1].name);
	}
}

int
main(int argc, char **argv)
{
	static struct peer p[2] = { { .as_source = false }, { .as_source = true } };

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	check_options(p);
	check_phase("asking");
	lag_begin(program.name, slice_of(p[0].name));
	look(p);
	lag_tell();
	replica_mysql_measures();
	check_done();
}
