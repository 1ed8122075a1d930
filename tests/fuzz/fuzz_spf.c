/* fuzz_spf.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(spf, "policyd-spf", "postfix/policy-spf", "pyspf-milter")
