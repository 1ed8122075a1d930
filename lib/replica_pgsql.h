/* replica_pgsql.h - what to think of a standby, a primary or a subscriber of PostgreSQL, from its rows.
 *
 * Pure judging: who asks is plugins/check_replication_pgsql.c. PostgreSQL 10 and later; columns that a
 * release lacks are not missed. Tables of rows, each as the view of that name with these besides:
 *	self		recovery, version, received, replayed, end (positions in the log), replay_age, paused,
 *			delay, system, timeline, receiver_timeout, sender_timeout, sync_names, conninfo
 *	again		replayed: some time later
 *	receiver	pg_stat_wal_receiver; heard: seconds since a message
 *	standby		pg_stat_replication; bytes, lag_s, heard
 *	slot		pg_replication_slots; kept: bytes of log
 *	subscription	pg_subscription and pg_stat_subscription; heard, syncing: tables not copied yet,
 *			errors: of applying */
#ifndef MX_REPLICA_PGSQL_H
#define MX_REPLICA_PGSQL_H

#include <stdbool.h>
#include <stdint.h>

#include "opt.h"
#include "rows.h"

struct replica_pgsql {
	const char *name, *primary_name;
	const struct rows *server;
	const struct rows *primary;	/* NULL: it was not asked, or did not answer */
	const char *role;		/* "standby", "primary", "subscriber" or "auto" */
	struct opt_list standbys;	/* application names that have to be connected */
	struct opt_list ignored_slots;
	bool archive;			/* a standby that reads files: no receiver */
	int64_t now;
};

/* As replica_mysql_judge() and its measures. */
void replica_pgsql_judge(const struct replica_pgsql *p);
void replica_pgsql_measures(void);

#define REPLICA_PGSQL_MEASURES \
	{ "bytes", "B", "of the log (WAL) that the copy, or the standby furthest behind, has not applied" }, \
	{ "standbys", "", "standbys that are connected to the server; a number alone is the least", \
	    .least = true }, \
	{ "slot_bytes", "B", "of the log that the slot furthest behind keeps from being removed" }, \
	{ "subscriptions", "", "subscriptions whose worker runs; a number alone is the least", .least = true }

#endif
