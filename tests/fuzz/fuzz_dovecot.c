/* fuzz_dovecot.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(dovecot, "dovecot", "auth", "dovecot-auth", "dovecot/lmtp")
