/* drbd.h - what DRBD says of its volumes: /proc/drbd of 8.3 and 8.4, "drbdsetup status --json" of 9. */
#ifndef MX_DRBD_H
#define MX_DRBD_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "slice.h"

enum { DRBD_ROWS = 256, DRBD_NAME = 80, DRBD_WORD = 32 };

/* A volume and one of its peers. Words are DRBD's own; empty: not said. */
struct drbd_row {
	char name[DRBD_NAME];		/* "r0", "r0/1", "drbd0" */
	char peer[DRBD_NAME];		/* 8.x does not say it */
	char role[DRBD_WORD], peer_role[DRBD_WORD];
	char connection[DRBD_WORD];	/* Connected, Connecting (8.x: WFConnection), StandAlone ... */
	char replication[DRBD_WORD];	/* Established, SyncSource ... */
	char disk[DRBD_WORD], peer_disk[DRBD_WORD];
	bool client, peer_client;	/* without a disk on purpose */
	bool no_quorum, suspended;
	double out_of_sync_bytes, done_percent, left_s;		/* NAN: not said */
};

struct drbd {
	struct drbd_row row[DRBD_ROWS];
	size_t rows;
	bool over;		/* there are more */
};

/* False and *e: this is nothing of DRBD's. Version 9 says nothing of volumes there: *none. */
bool drbd_proc(struct drbd *d, struct slice text, bool *none, struct err *e);
bool drbd_json(struct drbd *d, struct slice text, struct err *e);

/* Is the copy complete and current on both sides, and connected? */
bool drbd_is_well(const struct drbd_row *r);
/* Is it being copied now, or about to be? */
bool drbd_syncs(const struct drbd_row *r);

#endif
