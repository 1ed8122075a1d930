/* replica_dovecot.h - what Dovecot's replicator (2.2 and 2.3; 2.4 has none) says of the users whose mail it copies.
 *
 * Pure reading and judging: who asks is plugins/check_replication_imap.c. The text is what "doveadm replicator
 * status", "... status '*'" and "... dsync-status" print, one behind the other in any order, as doveadm's table
 * or with "-f tab". Tables of rows:
 *	sum	the counts of the queue, and of users in all
 *	user	name, priority, fast, success, failed: those that are being copied, have to be or could not be,
 *		REPLICA_DOVECOT_USERS at most
 *	sync	name, type, status: what is being copied now */
#ifndef MX_REPLICA_DOVECOT_H
#define MX_REPLICA_DOVECOT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "rows.h"
#include "slice.h"

enum { REPLICA_DOVECOT_USERS = 1000 };

/* Add the rows to out. False and *e: a line is none of the replicator's, or something is missing. */
bool replica_dovecot_read(struct slice text, struct buf *out, struct err *e);

/* Tell what the rows say, by lag_state(), lag_copy() and details; the measurements follow lag_tell(). */
void replica_dovecot_judge(const struct rows *r, int64_t now);
void replica_dovecot_measure(const struct rows *r);

#endif
