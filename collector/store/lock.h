/* lock.h - one writer to a state folder. */
#ifndef MX_LOCK_H
#define MX_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* Take DIR/lock for this process; it is given back when the process ends, however
 * it ends, or by lock_release. -1 and *e if another process has it (the sentence
 * names its pid) or the folder cannot be written. */
int lock_take(const char *dir, struct err *e);
void lock_release(int fd);

/* Who has it; 0: nobody, or we may not know. */
pid_t lock_holder(const char *dir);

#endif
