/* commit.h - for tests that take lines in by themselves. */
#ifndef MX_COMMIT_H
#define MX_COMMIT_H

#include "ingest.h"
#include "state_dir.h"

/* As ingest_commit(), which has to go well. */
static inline void
commit(struct ingest *in, bool last)
{
	struct err e = { "" };

	if (!ingest_commit(in, last, &e))
		die(&e);
}

#endif
