/* report_priv.h - what the files of the report share; nobody else includes it. */
#ifndef MX_REPORT_PRIV_H
#define MX_REPORT_PRIV_H

#include "view/report.h"

/* The mail queues of hosts that have a sensor: ,"queues":{HOST:{METRIC:{"mean":,"most":}}}, and a
 * table; nothing where there is none. */
void report_queues_json(const struct report *r, struct buf *out);
void report_queues_text(const struct report *r, struct buf *out);

/* How check_dnsbl found block lists: ,"dnsbl_health":{ZONE:{"runs":,"ill":,"asked":,"unanswered":,
 * "latency":SECONDS}}, and a table, the worst first. */
void report_lists_json(const struct report *r, struct buf *out);
void report_lists_text(const struct report *r, struct buf *out);

#endif
