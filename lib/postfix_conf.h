/* postfix_conf.h - the Postfix instances of a machine, as their main.cf say. */
#ifndef MX_POSTFIX_CONF_H
#define MX_POSTFIX_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "mem.h"

struct postfix_instance {
	const char *dir;	/* /etc/postfix */
	const char *queue;	/* its queue_directory */
	const char *log;	/* its maillog_file, "" if syslog has its lines */
	const char *tag;	/* its syslog_name */
};

enum { POSTFIX_INSTANCES = 32 };

/* The instance in /etc/postfix below root ("" for the machine itself) and those that it names:
 * at most max; how many. One whose main.cf cannot be read is none. They live in a. */
size_t postfix_instances(const char *root, struct arena *a, struct postfix_instance *out,
    size_t max);

/* Up to max bytes of a plain file, of its end or of its beginning, into a new *out. False if
 * it cannot be read. */
bool postfix_conf_read(const char *path, size_t max, bool end, struct buf *out);

#endif
