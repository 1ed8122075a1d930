/* state_dir.h - for tests that open a state of their own in a folder and drop it again. */
#ifndef MX_STATE_DIR_H
#define MX_STATE_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"

/* The state does not work: nothing of this test can be told. */
_Noreturn static inline void
die(const struct err *e)
{
	printf("Bail out! %s\n", e->text);
	exit(1);
}

/* Remove the closed state in dir; the folder stays. */
static inline void
drop_state(const char *dir)
{
	static const char *const files[] = { "state.db", "state.db-wal", "state.db-shm", "lock" };
	char path[100];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
}

#endif
