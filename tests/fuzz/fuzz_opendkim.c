/* fuzz_opendkim.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(opendkim, "opendkim")
