/* lost.h - which mails the unaccounted recipients belong to, since the last commit.
 *
 * Beside each count of b_lost the mail is noted, and taken back with it. The sum over a
 * queue id is what counts: the parts of a mail that a filter divided cancel out. The number
 * is in the cells and exact; this only names samples of it. */
#ifndef MX_LOST_H
#define MX_LOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum { LOST_ID_MAX = 31 };	/* as long as the id of a mail */

struct lost;

struct lost_mail {
	uint16_t host;
	uint8_t id_n;
	bool begun;		/* some were counted, not only taken back */
	char id[LOST_ID_MAX];
	int64_t time;		/* of the newest that were counted; else taken back */
	int64_t rcpts;		/* more (or fewer) than before */
};

struct lost *lost_new(void);
void lost_free(struct lost *l);

/* n recipients of that mail are unaccounted since time; below 0: no longer. */
void lost_add(struct lost *l, unsigned host, struct slice id, int64_t time, int64_t n);

/* Those noted, in order of their first note; rcpts may be 0. Valid until the next call of
 * another function. */
const struct lost_mail *lost_mails(const struct lost *l, size_t *n);
void lost_clear(struct lost *l);

#endif
