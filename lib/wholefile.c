/* wholefile.c - see wholefile.h. */
#include "wholefile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "poison.h"

enum { READ_BYTES = 1 << 16 };

bool
wholefile_read(struct buf *b, const char *path, struct err *e)
{
	static char part[READ_BYTES];
	FILE *f = fopen(path, "rb");
	size_t n;
	bool good;

	if (f == NULL)
		return err_set(e, "%s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof part, f)) > 0 && !b->full)
		buf_add(b, (struct slice){ part, n });
	good = !ferror(f) || err_set(e, "read %s: %s", path, strerror(errno));
	fclose(f);
	return good && (!b->full || err_set(e, "%s is too long", path));
}
