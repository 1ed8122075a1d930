/* fuzz_opendmarc.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(opendmarc, "opendmarc")
