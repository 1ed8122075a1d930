/* judged.h - between lives.c, which counts mails, and judged.c, which counts the records of
 * Message-IDs that were judged. Nobody else includes it. */
#ifndef MX_JUDGED_H
#define MX_JUDGED_H

#include "flow/mail.h"

void judged_count(const struct mail *m, uint32_t upto, int sign, struct tally *t);

#endif
