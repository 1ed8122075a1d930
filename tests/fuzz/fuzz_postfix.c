/* fuzz_postfix.c - any text from any Postfix daemon; see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(postfix,
    "postfix/smtpd", "postfix/smtp", "postfix/qmgr", "postfix/cleanup",
    "postfix/postscreen", "postfix/local", "postfix/lmtp", "postfix/pipe",
    "postfix/bounce", "postfix/pickup", "postfix/anvil", "postfix/dnsblog",
    "postfix/tlsproxy", "postfix/postsuper", "postfix/master", "postfix/verify",
    "postfix", "postfix/new", "mx/relay/smtp", "/")
