/* notify.h - tell the service manager how we are. */
#ifndef MX_NOTIFY_H
#define MX_NOTIFY_H

#include <stdbool.h>

/* Send "READY=1", "STOPPING=1" or the like (sd_notify(3)'s words) to the socket
 * that NOTIFY_SOCKET names. Nothing happens without one; that it cannot be told is
 * no reason to fail. */
void notify(const char *words);

#endif
