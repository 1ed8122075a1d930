/* mtamib.h - what the SNMP agent of a mail server or an appliance says of its queue.
 *
 * The objects that are asked for, and what their values mean: MTA-MIB (RFC 2789) with the
 * applications of NETWORK-SERVICES-MIB (RFC 2788); in their place the queues of Cisco AsyncOS,
 * Barracuda and FortiMail; and a command's output that net-snmp's "extend" serves. Knows nothing of
 * the protocol. What agents say is bounded, and texts are strangers'. */
#ifndef MX_MTAMIB_H
#define MX_MTAMIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum mtamib_object {
	/* scalars */
	MTAMIB_UPTIME, MTAMIB_EXTEND,
	MTAMIB_ASYNC_USED, MTAMIB_ASYNC_SPACE, MTAMIB_ASYNC_MESSAGES, MTAMIB_ASYNC_OLDEST,
	MTAMIB_BARRACUDA_IN, MTAMIB_BARRACUDA_ACTIVE, MTAMIB_BARRACUDA_DEFERRED,
	/* columns of tables */
	MTAMIB_APPL_NAME, MTAMIB_APPL_STATE,
	MTAMIB_RECEIVED, MTAMIB_STORED, MTAMIB_TRANSMITTED, MTAMIB_VOLUME, MTAMIB_RECIPIENTS, MTAMIB_LOOPS,
	MTAMIB_GROUP_REJECTED, MTAMIB_GROUP_STORED, MTAMIB_GROUP_VOLUME, MTAMIB_GROUP_OLDEST,
	MTAMIB_GROUP_WHY, MTAMIB_GROUP_NAME,
	MTAMIB_FORTI_NAME, MTAMIB_FORTI_STORED, MTAMIB_FORTI_VOLUME,
	MTAMIB_OBJECTS, MTAMIB_SCALARS = MTAMIB_APPL_NAME
};

struct mtamib_row {
	const char *oid;	/* without the index; NULL: as the caller was told (MTAMIB_EXTEND) */
	unsigned indexes;	/* 0: a scalar, whose instance is .0 */
	bool text;
};

extern const struct mtamib_row mtamib_row[MTAMIB_OBJECTS];

/* The OID of what "extend NAME COMMAND" in snmpd.conf printed, as text. False: no such name can be. */
bool mtamib_extend_oid(struct buf *b, const char *name);

enum { MTAMIB_APPLS = 64, MTAMIB_GROUPS = 512, MTAMIB_TEXT = 200 };

/* applOperStatus */
enum mtamib_state { MTAMIB_UP = 1, MTAMIB_DOWN, MTAMIB_HALTED, MTAMIB_CONGESTED, MTAMIB_RESTARTING,
	MTAMIB_QUIESCING };

/* Numbers are NAN where the agent does not say them. */
struct mtamib_appl {
	uint32_t index;
	int state;		/* 0: not said */
	double received, stored, transmitted, bytes, recipients, loops;
	char name[MTAMIB_TEXT];
};

struct mtamib_group {
	uint32_t appl, index;
	double rejected, stored, bytes, oldest_s;
	char name[MTAMIB_TEXT], why[MTAMIB_TEXT];
};

/* What is said of all queues of a host; counters are since some start. */
struct mtamib_sum {
	double total, deferred, oldest_s, bytes, recipients, used_percent;
	double received, transmitted, rejected, loops;
};

struct mtamib {
	double uptime_s, space;		/* space: AsyncOS, 1 there is, 2 little, 3 none */
	struct mtamib_sum scalar;	/* what is not in tables */
	struct mtamib_appl appl[MTAMIB_APPLS];
	struct mtamib_group group[MTAMIB_GROUPS];
	size_t appls, groups;
	unsigned values, wrong;		/* taken; not of the type that they must have */
	bool over;			/* more rows than there is room for */
};

/* A value. index: as many as the object has. text.p NULL: it is a number; number alike for
 * unsigned types; of neither type: both say so. */
struct mtamib_value {
	enum mtamib_object object;
	uint32_t index[2];
	bool is_number, is_text;
	uint64_t number;
	struct slice text;
};

void mtamib_init(struct mtamib *m);
void mtamib_take(struct mtamib *m, const struct mtamib_value *v);
void mtamib_sum(const struct mtamib *m, struct mtamib_sum *s);

/* Does it say anything of a queue? False and why, for "HOST ...". snmpd's own module for Sendmail says
 * "0 stored" where there is no Sendmail: that is no empty queue. */
bool mtamib_says_queue(const struct mtamib *m, const char **why);

#endif
