/* fuzz_greylist.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(greylist, "postgrey", "milter-greylist", "sqlgrey", "gld", "greylistd")
