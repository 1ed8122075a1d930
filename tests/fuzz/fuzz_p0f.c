/* fuzz_p0f.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(p0f, "p0f")
