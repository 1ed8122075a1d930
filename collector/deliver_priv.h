/* deliver_priv.h - what the kinds of monitors share: each is one function in a process of its own. */
#ifndef MX_DELIVER_PRIV_H
#define MX_DELIVER_PRIV_H

#include "deliver.h"

/* What a process says of the result of that index in its batch: each at most once. */
struct deliver_to {
	int fd;
	const struct spooled *batch;
	size_t n;
};

void deliver_taken(const struct deliver_to *to, size_t i);
void deliver_refused(const struct deliver_to *to, size_t i, struct slice why);
/* All of them are taken. */
void deliver_all(const struct deliver_to *to);
/* Those of which nothing was said are not told, because of this. */
void deliver_failed(const struct deliver_to *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How many bytes of text a result may have there; usual: what the protocol carries. */
size_t deliver_text_bytes(const struct config_monitor *m, size_t usual);

/* Tell it all, until the moment until of clock_now(). */
void deliver_nagios(const struct config_monitor *m, const struct deliver_to *to, double until);
void deliver_nsca(const struct config_monitor *m, const struct deliver_to *to, double until);
void deliver_nrdp(const struct config_monitor *m, const struct deliver_to *to, double until);
void deliver_icinga2(const struct config_monitor *m, const struct deliver_to *to, double until);

#endif
