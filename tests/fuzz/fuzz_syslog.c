/* fuzz_syslog.c - see fuzz_dialect.h. */
#include "fuzz_dialect.h"

FUZZ_DIALECT(syslog, "rsyslogd", "systemd-journald", "rsyslogd-2177", "kernel")
