/* specimen.h - a few lines of each kind, kept so that an alert can show what it speaks of.
 *
 * Of each host, ten minutes and kind the SPECIMENS_KEPT lines with the smallest rank are kept.
 * The rank is a keyed hash of the line, so that those kept follow from the set of lines and not
 * from their order, and no stranger chooses them; of slow deliveries the slowest rank first. A
 * kind is the name of a metric ("rej_dnsbl", "defer_remote_conn", "auth_fail") or SPECIMEN_SLOW. */
#ifndef MX_SPECIMEN_H
#define MX_SPECIMEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

#define SPECIMEN_SLOW "slow"

enum {
	SPECIMENS_KEPT = 3,
	SPECIMEN_SLOT_S = 600,
	SPECIMEN_KEEP_S = 2 * 86400,	/* alarms of the night before can be looked at */
	SPECIMEN_KIND_MAX = 24,
	SPECIMEN_TEXT_MAX = 80		/* each text is cut there */
};

enum specimen_text {
	SPECIMEN_ID,		/* queue id; empty: it never had one */
	SPECIMEN_CLIENT,	/* address */
	SPECIMEN_USER,		/* who authenticated, or tried to */
	SPECIMEN_FROM, SPECIMEN_TO,
	SPECIMEN_SAID,		/* the reason, as the line has it */
	SPECIMEN_TEXTS
};

struct specimen {
	struct slice kind;
	uint64_t rank;
	int64_t time;
	struct slice text[SPECIMEN_TEXTS];
};

/* The rank of a delivery that took so long, and back. */
uint64_t specimen_slow(int64_t delay_ms, uint64_t hash);
int64_t specimen_delay_ms(const struct specimen *s);

/* Append one to a blob, and take one from its front: its slices point into the blob. False at the
 * end, or if it is damaged. */
void specimen_encode(struct buf *b, const struct specimen *s);
bool specimen_decode(struct slice *blob, struct specimen *s);

#endif
