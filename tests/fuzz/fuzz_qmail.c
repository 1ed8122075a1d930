/* fuzz_qmail.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(qmail, "qmail", "spamdyke", "simscan", "vpopmail", "qmail-smtpd", "qmail-scanner",
    "tcpserver", "rblsmtpd", "vchkpw-smtp")
