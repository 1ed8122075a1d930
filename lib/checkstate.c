/* checkstate.c - see checkstate.h. */
#include "checkstate.h"

#include <string.h>

#include "check.h"
#include "host.h"
#include "quantity.h"
#include "when.h"

#include "poison.h"

int
checkstate_host(const struct stateread_host *hosts, size_t n, const char **asked)
{
	struct buf b = buf_new(700);

	if (*asked == NULL || strcmp(*asked, "_farm") == 0) {
		*asked = NULL;
		return STATEREAD_FARM;
	}
	for (size_t i = 0; i < n; i++)
		if (host_meant(slice_of(*asked), slice_of(hosts[i].name))) {
			*asked = hosts[i].name;
			return hosts[i].id;
		}
	for (size_t i = 0; i < n && !b.full; i++)
		buf_fmt(&b, "%s%s", i > 0 ? ", " : "", check_clean(slice_of(hosts[i].name)));
	check_unknown("the state knows no host \"%s\"; it knows: %s%s",
	    check_clean(slice_of(*asked)), n > 0 ? b.p : "none", b.full ? ", ..." : "");
}

static struct buf *
next_text(void)
{
	static struct buf ring[4];
	static unsigned next;
	struct buf *b = &ring[next++ % 4];

	buf_free(b);
	*b = buf_new(64);
	return b;
}

const char *
checkstate_people(double v, const char *unit)
{
	struct buf *b = next_text();

	quantity_people(b, v, unit);
	return b->p;
}

const char *
checkstate_clock(int64_t t)
{
	struct buf *b = next_text();

	when_print(b, t);
	return b->p;
}
