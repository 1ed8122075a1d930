/* fuzz_amavis.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(amavis, "amavis", "/usr/sbin/amavisd")
