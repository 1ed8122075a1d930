/* fuzz_mxgauge.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(mxgauge, "check_dnsbl")
