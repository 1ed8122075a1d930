/* dnsbl_log.h - what a run of check_dnsbl found of each list, as lines of syslog: the collector counts
 * them beside the hits (collector/dialect/mxgauge.c). */
#ifndef MX_DNSBL_LOG_H
#define MX_DNSBL_LOG_H

#include "dnsbl_ask.h"

enum { DNSBL_LINE_BYTES = 400 };

/* The line of one list, after dnsbl_judge(): "list=zen.example.org health=ok latency_ms=12.3
 * slowest_ms=40.0 asked=6 answered=6 listed=0 of=1". latency_ms is of a question that no cache can
 * know, "-" where none was answered. Nothing of it is a stranger's text, and no key of a customer
 * is in it. Nothing is written of a list whose name does not fit. */
void dnsbl_log_line(struct buf *b, const struct dnsbl_run *r, const struct dnsbl_list *l);

/* Send a line for each list to syslog, facility mail, tag check_dnsbl; of a resolver that does not
 * answer, or lies, one line that says so, as of lists it then says nothing. False and *e: there is
 * nobody to send them to. */
bool dnsbl_log(const struct dnsbl_run *r, struct err *e);

#endif
