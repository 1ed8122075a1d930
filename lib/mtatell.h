/* mtatell.h - the verdict on the queues of some hosts that were asked from afar (mtamib.h). */
#ifndef MX_MTATELL_H
#define MX_MTATELL_H

#include <stddef.h>

#include "check.h"
#include "mtamib.h"
#include "mtarate.h"

struct mtahost {
	const char *name;
	struct mtamib *mib;	/* what it said, also where it ended in trouble */
	enum check_state trouble;	/* CHECK_OK: all was answered */
	char why[400];		/* the trouble, for "HOST WHY" */
	struct mtamib_sum sum;	/* of mib; only of hosts that are well */
	struct mtarate rate;
};

/* The rows of such a check's measures. */
#define MTATELL_MEASURES \
	{ "total", "", "messages in the queues of all hosts" }, \
	{ "worst", "", "messages at the host that has most" }, \
	{ "deferred", "", "of them to be tried again (Barracuda, --extend)" }, \
	{ "oldest", "s", "age of the oldest message" }, \
	{ "growth", "/min", "more messages than at the run before, per minute; below 0 where they became fewer, and " \
	    "a number alone is the most", .most = true }, \
	{ "bytes", "B", "size of all messages" }, \
	{ "recipients", "", "recipients of all messages" }, \
	{ "received", "/min", "messages received since the run before, per minute" }, \
	{ "transmitted", "/min", "messages handed on" }, \
	{ "rejected", "/min", "messages rejected" }, \
	{ "loops", "/min", "mail loops detected" }, \
	{ "used", "%", "how full the fullest queue's disk is (AsyncOS)", "80", "95" }, \
	{ "down", "", "applications that say that they are down or halted", NULL, "0" }

/* Give measurements, sentences, and the top largest groups. */
void mtatell(const struct mtahost *h, size_t n, size_t top);

#endif
