/* rights.h - the one right that a part of mxgauged may have beyond those of its account: to read
 * any file (CAP_DAC_READ_SEARCH), for who counts queues. */
#ifndef MX_RIGHTS_H
#define MX_RIGHTS_H

#include <stdbool.h>

#include "err.h"

/* Give that right up, as who needs it has it by now. Others stay. */
void rights_drop_reading(void);

/* Become the account as account_become() does, and keep that right of all that we have, and no
 * other. Without it that is no fault. */
bool rights_keep_reading(const char *user, const char *group, struct err *e);

/* Programs that are started from here on get no right of ours; we have none either. */
void rights_drop_all(void);

#endif
