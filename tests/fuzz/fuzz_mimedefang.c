/* fuzz_mimedefang.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(mimedefang, "mimedefang.pl", "mimedefang", "mimedefang-multiplexor")
