/* rrdlib.h - librrd, loaded when something is written or drawn: its home in the collector.
 *
 * It brings 45 libraries along, those that draw letters among them. Linked with a program they
 * cost it 17 million instructions and 7 MB at each start, also where a mail is traced or a report is made. So
 * its functions are called through librrd.NAME; each that is used has a row here. */
#ifndef MX_RRDLIB_H
#define MX_RRDLIB_H

#include <stdbool.h>

#include <rrd.h>

#include "err.h"
#include "lateload.h"

#define RRD_FUNCTIONS(F) \
	F(rrd_clear_error) F(rrd_create_r2) F(rrd_get_error) F(rrd_graph_v) F(rrd_info_free) \
	F(rrd_test_error) F(rrd_updatex_r)

struct librrd {
	RRD_FUNCTIONS(LATELOAD_MEMBER)
};
extern struct librrd librrd;

/* Before any use; may be called again. False and *e: this machine has no such library. */
bool librrd_load(struct err *e);

#endif
