/* fuzz_mailscanner.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(mailscanner, "MailScanner")
