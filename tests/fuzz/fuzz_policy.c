/* fuzz_policy.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(policy, "policyd-weight", "postfwd2/policy", "cbpolicyd", "milter-regex")
