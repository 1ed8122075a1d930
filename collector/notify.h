/* notify.h - tell the service manager how we are. */
#ifndef MX_NOTIFY_H
#define MX_NOTIFY_H

#include <stdint.h>

/* Send "READY=1", "STOPPING=1" or the like (sd_notify(3)'s words) to the socket
 * that NOTIFY_SOCKET names. Nothing happens without one; that it cannot be told is
 * no reason to fail. */
void notify(const char *words);
/* A reload begins, now; READY=1 ends it. */
void notify_reloading(void);
/* We live, and this is what "systemctl status" shall say of us, in one line. */
void notify_alive(const char *status);
/* How often to say so, in microseconds: what its watchdog wants, at most most. */
int64_t notify_every_us(int64_t most);

#endif
