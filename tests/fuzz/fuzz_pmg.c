/* fuzz_pmg.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(pmg, "pmg-smtp-filter")
