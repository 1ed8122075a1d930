/* fuzz_opensmtpd.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(opensmtpd, "smtpd", "opensmtpd")
