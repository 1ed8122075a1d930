/* fuzz_exim.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(exim, "exim", "/usr/sbin/exim4")
