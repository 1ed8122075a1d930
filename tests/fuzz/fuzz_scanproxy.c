/* fuzz_scanproxy.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(scanproxy, "clamsmtpd", "spampd", "dspam")
