/* gtid.h - global transaction ids of MySQL and MariaDB: how many does a copy lack? */
#ifndef MX_GTID_H
#define MX_GTID_H

#include "rows.h"
#include "slice.h"

enum { GTID_BYTES = ROWS_VALUE };

/* How many transactions of MySQL's set the set has lacks: "uuid:1-3:5,\nuuid:tag:7-9"; only of the
 * server only, unless that is empty. What is no interval counts nothing. NAN for sets of
 * GTID_BYTES or more: they may be cut. */
double gtid_lacks(struct slice has, struct slice set, struct slice only);

/* By how many transactions MariaDB's position to is behind from: "0-1-14,1-2-7"; domains that
 * to does not have count whole. NAN if one is no position, or from is empty. */
double gtid_gap(struct slice from, struct slice to);

#endif
