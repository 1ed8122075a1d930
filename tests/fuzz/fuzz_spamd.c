/* fuzz_spamd.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(spamd, "spamd", "spamd-2", "spamc")
