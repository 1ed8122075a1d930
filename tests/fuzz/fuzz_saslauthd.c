/* fuzz_saslauthd.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(saslauthd, "saslauthd")
