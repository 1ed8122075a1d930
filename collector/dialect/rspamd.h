/* rspamd.h - what the files of the rspamd dialect share: rspamd.c takes the envelope off a
 * line and reads trouble, rspamd_task.c the line of each message. */
#ifndef MX_RSPAMD_H
#define MX_RSPAMD_H

#include "dialect/filter.h"

/* What rspamd_task_write_log() prints, behind the function's name. As parse(). */
int rspamd_task(struct slice s, struct event *out);

#endif
