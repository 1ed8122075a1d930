/* misuse_kept.h - what is asked of accounts each minute, made ready by the collector.
 *
 * To look at all accounts of a farm takes longer and more memory than all else that a check does, the more the
 * larger the farm is. So the collector looks at them by the usual rule every few seconds and keeps the few that an
 * answer names: of each measure the worst, those who sent and failed most, and all whose password was guessed.
 * Another rule, window or host is answered from the tables of all, and so is who asks when no new answer was kept. */
#ifndef MX_MISUSE_KEPT_H
#define MX_MISUSE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "misuse.h"
#include "stateread.h"

enum {
	MISUSE_SHOWN = 5,	/* so many that sent most, that failed most and networks that failed most are kept */
	MISUSE_KEPT_S = 10	/* how often, where it is made quickly; one that is twice as old is not used */
};

/* Append to b what is to be kept of the farm in r, now; nothing, if there is too much. False and *e: the state
 * cannot be read. */
bool misuse_keep(struct buf *b, struct stateread *r, struct err *e);

/* What misuse_read() would say of the farm, with the accounts and networks alone that are kept. False: there is
 * no such answer, ask it. *m is for misuse_free(). */
bool misuse_kept(struct misuse *m, const struct misuse_set *set, struct stateread *r, int64_t from, int64_t to);

#endif
