/* fuzz_rspamd.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(rspamd, "rspamd", "rspamd_proxy")
