/* spool.h - results that monitors have not been told yet: one SQLite file, one writer.
 *
 * For each monitor by itself and in the order in which they came:
 *  - a result whose state is not that of the one before of its service is a change, and stays until it is
 *    delivered, too many or too old;
 *  - of those that repeat a state only the last one waits, and the next change takes its place.
 * So of a service there wait its changes, and one more. What is put here is on disk when spool_put() returns,
 * and goes when spool_done() has said so: whatever dies at whatever moment, nothing is lost, and a monitor may
 * hear twice of what it was just being told.
 * Of too many the oldest go, but never the newest of a service; what is too old goes in any case. Both are
 * counted. */
#ifndef MX_SPOOL_H
#define MX_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "mem.h"
#include "store/result.h"

struct spool;

/* Open the spool in the folder dir, which is made (its parents are there), and wait up to wait_s seconds for
 * another's lock on it: whoever sends for a runner that was killed still holds it. NULL and *e: it cannot be. */
struct spool *spool_open(const char *dir, double wait_s, struct err *e);
void spool_close(struct spool *s);

/* The number of the monitor of that name, from now on with these limits. 0 and *e on failure. */
int64_t spool_monitor(struct spool *s, const char *name, int64_t most, int64_t age_s, struct err *e);
/* Drop what waits for monitors that were not named since the spool was opened; how many monitors that were. */
bool spool_forget(struct spool *s, size_t *monitors, struct err *e);

/* Put r for n monitors, all or none. */
bool spool_put(struct spool *s, const int64_t *monitor, size_t n, const struct result *r, struct err *e);

struct spooled {
	int64_t id;
	struct result r;
	bool newest;		/* of its service */
};

/* The first n that wait for a monitor, at most most; their texts are in memory. */
bool spool_take(struct spool *s, int64_t monitor, struct spooled *out, size_t most, size_t *n,
    struct arena *memory, struct err *e);

/* The monitor has these n, or (refused) will not take them: they wait no longer. */
bool spool_done(struct spool *s, int64_t monitor, const int64_t *id, size_t n, bool refused, int64_t now,
    struct err *e);

/* Drop what is too old. */
bool spool_expire(struct spool *s, int64_t now, struct err *e);

struct spool_count {
	int64_t waiting, oldest_at;	/* of the first that waits: when it ended; 0: none does */
	int64_t sent, refused, dropped;	/* ever */
	int64_t sent_at, dropped_at;	/* the last time; what was refused is in both */
};

bool spool_count(struct spool *s, int64_t monitor, struct spool_count *c, struct err *e);

#endif
