/* mails.h - read the mails that a state has, for trace: latest versions only. */
#ifndef MX_MAILS_H
#define MX_MAILS_H

#include <stdbool.h>

#include "err.h"
#include "flow/mail.h"
#include "stateread.h"

/* Call f for each mail, host names by stateread_hosts(). The mail is the reader's, until f
 * returns; f returns false to stop. */
typedef bool mails_fn(void *arg, const struct mail *m);
bool mails_each(struct stateread *r, mails_fn *f, void *arg, struct err *e);

#endif
