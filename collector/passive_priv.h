/* passive_priv.h - what the files of "mxgauge passive" share. */
#ifndef MX_PASSIVE_PRIV_H
#define MX_PASSIVE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "checkrun.h"
#include "deliver.h"
#include "message.h"
#include "store/config.h"
#include "store/spool.h"

enum { PASSIVE_PATH = 4096, PASSIVE_RETRY_S = 5 };

/* A check, run again and again. */
struct job {
	const struct config_passive *c;
	struct passive *all;
	struct checkrun *run;		/* NULL: it does not run */
	double due;
	bool ran;
	struct result *unstored;	/* NULL: its last result is in the spool */
};

/* A monitor, told what waits for it. */
struct line {
	const struct config_monitor *c;
	struct passive *all;
	int64_t id;
	struct delivery *now;		/* NULL: nobody tells it */
	double next;			/* not before */
	double wait_s;			/* after the next failure */
	struct spool_count count;
	struct fault fault;
	char said[DELIVER_SAID];
	int64_t dropped_told;
};

struct passive {
	const char *path;
	struct config *config;
	struct config_passive beat;	/* the heartbeat's section */
	char beat_path[PASSIVE_PATH], beat_dir[PASSIVE_PATH];
	const char *beat_argv[5];
	struct spool *spool;
	struct job *job;
	size_t njobs;
	struct line *line;
	size_t nlines;
	struct event_base *base;
	struct event *tick, *signal[4];
	struct fault spool_fault;
	struct faults refused;
	bool once, ending, reloading;
	double end_by, alive_at, expire_at;
	int64_t started_at;
	int status;
};

static inline int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

/* Start the checks that are due, and store what could not be stored before. */
void passive_check(struct passive *p);
/* Tell monitors what waits for them. */
void passive_tell(struct passive *p);
/* How many are being told. */
size_t passive_deliveries(const struct passive *p);
/* A child has ended. */
void passive_reap(struct passive *p);
/* Drop what is too old. */
void passive_expire(struct passive *p);
/* Nothing of its last result is kept. */
void passive_forget(struct job *j);
/* Leave word of how we are; last: before we end. */
void passive_status(struct passive *p, bool last);

#endif
