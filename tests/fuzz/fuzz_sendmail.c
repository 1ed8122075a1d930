/* fuzz_sendmail.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(sendmail, "sm-mta", "sendmail")
