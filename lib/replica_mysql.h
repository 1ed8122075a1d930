/* replica_mysql.h - what to think of a replica of MySQL or MariaDB, from the rows that it answered.
 *
 * Pure judging: who asks is plugins/check_replication_mysql.c. All versions from MySQL 5.7 and
 * MariaDB 10.2 on: columns are found by either of their names, never by their place.
 * Tables of rows:
 *	variable, status	Variable_name, Value
 *	replica			a channel each, as SHOW [ALL] SLAVES | REPLICA STATUS has it
 *	connection		CHANNEL_NAME, COUNT_RECEIVED_HEARTBEATS (MySQL's performance_schema)
 *	heartbeat		server_id, age in seconds
 *	member			MEMBER_ID, MEMBER_HOST, MEMBER_STATE, queue (group replication)
 *	position		File, Position, Gtid: where a source's log ends; MySQL: Executed_Gtid_Set
 *	counts			receivers: replicas connected to it */
#ifndef MX_REPLICA_MYSQL_H
#define MX_REPLICA_MYSQL_H

#include <stdbool.h>
#include <stdint.h>

#include "opt.h"
#include "rows.h"

struct replica_mysql {
	const char *name;		/* of the replica, for people */
	const char *source_name;
	const struct rows *replica;
	const struct rows *source;	/* NULL: it was not asked, or did not answer */
	struct opt_list channels;	/* that have to be there */
	struct opt_list heartbeat_ids;	/* writers that count; none: whose beat is the newest */
	bool heartbeat;			/* that table is the truth */
	bool is_source;			/* it is to be no replica */
	bool writable;			/* read_only may be off */
	int64_t now;
};

/* All of it, by check_state(), lag_copy() and check_value(): call lag_notes_read() before, and lag_tell()
 * before replica_mysql_measures(). */
void replica_mysql_judge(const struct replica_mysql *m);
void replica_mysql_measures(void);

#define REPLICA_MYSQL_MEASURES \
	{ "gap", "", "transactions that a replica lacks: of those received, or with --source of the source's" }, \
	{ "bytes", "B", "of the source's log not applied yet, where it is known (one file)" }, \
	{ "channels", "", "replication channels; a number alone is the least", .least = true }, \
	{ "replicas", "", "with --is-source: replicas that are connected; a number alone is the least", \
	    .least = true }, \
	{ "members", "", "members of the cluster (Galera, group replication); a number alone is the least", \
	    .least = true }, \
	{ "queue", "", "transactions that wait in a cluster's member" }, \
	{ "flow_control", "%", "share of the time for which Galera was paused by its slowest member", "10" }

#endif
