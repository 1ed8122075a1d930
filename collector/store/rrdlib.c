/* rrdlib.c - find librrd's functions. See rrdlib.h. */
#include "store/rrdlib.h"

#include "poison.h"

struct librrd librrd;

bool
librrd_load(struct err *e)
{
	static const char *const names[] = { RRD_FUNCTIONS(LATELOAD_NAME) NULL };

	return lateload("librrd.so.8", "librrd8", names, &librrd, e);
}
