/* confine.h - what the daemon may ask of the kernel once it runs. */
#ifndef MX_CONFINE_H
#define MX_CONFINE_H

#include <stdbool.h>

#include "err.h"

/* From here on, for good: files, sockets (unix, IPv4, IPv6: no raw ones), memory and time.
 * Starting programs, new processes and threads, tracing, mounting, new rights, memory that is
 * both written and executed, and all else fail with EPERM, and the kernel logs that. False and
 * *e: nothing changed, as where the kernel has no seccomp. */
bool confine(struct err *e);

/* For who reads strangers' files and says what it found to descriptor to: from here on it may open
 * files for reading, write there, and nothing else. Likewise. */
bool confine_reader(int to, struct err *e);

#endif
