/* fuzz_clamav.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(clamav, "clamd", "clamav-milter", "freshclam")
