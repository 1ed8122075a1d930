/* failover.h - who is active: what Pacemaker, keepalived and Heartbeat report, in one form.
 *
 * A thing (an address, a file system, a VRRP instance) is to be active on one node, and never on two. What is
 * wrong without a threshold is told by check_state() while a report is read. */
#ifndef MX_FAILOVER_H
#define MX_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "opt.h"
#include "slice.h"

enum { FAILOVER_THINGS = 128, FAILOVER_NAME = 100 };

struct failover_thing {
	char name[FAILOVER_NAME];
	char place[3 * FAILOVER_NAME];	/* the nodes where it is active; empty: none */
	unsigned active;
	double since_s;			/* NAN: the report does not say */
};

struct failover {
	struct failover_thing thing[FAILOVER_THINGS];
	size_t things;
	unsigned nodes, online;		/* 0, 0: the report does not say */
	bool over;			/* there are more things */
	const struct opt_list *several;	/* things that may be active on several nodes */
};

/* What crm_mon prints as XML. False and *e: it is none. */
bool failover_pacemaker(struct failover *f, struct slice xml, struct err *e);

/* keepalived.json of that node. Whoever is MASTER on two nodes is told by failover_judge(). */
bool failover_keepalived(struct failover *f, const char *node, struct slice json, int64_t now, struct err *e);

/* Of that thing: it is active there. place NULL: the thing exists, and is not active here. */
void failover_active(struct failover *f, const char *name, const char *place, double since_s);

/* Tell who is active on no node or on several; other_may: nodes that were not asked may have it. */
void failover_judge(const struct failover *f, bool other_may);

#endif
