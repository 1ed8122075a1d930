/* pictures.h - `mxgauge graph`: all pictures of a state, and the page with them. */
#ifndef MX_PICTURES_H
#define MX_PICTURES_H

#include <stdbool.h>

#include "err.h"

struct pictures {
	const char *state;	/* folder of the state */
	const char *rrd;	/* folder of the RRDs; NULL: STATE/rrd */
	const char *out;	/* folder of the pictures; made if it is not there */
	const char *templates;	/* folder; NULL: the installed ones */
	const char *host;	/* its name, or "_farm"; NULL: all and the farm */
	const char *span;	/* "day", "week", "month", "year"; NULL: all */
	bool svg;		/* else PNG */
};

/* Draw, and print one line that says how many and where. The page OUT/index.html is written
 * only when nothing was left out: neither host nor span is given. False and *e: the
 * first fault; the other pictures were drawn. */
bool pictures_draw(const struct pictures *p, struct err *e);

#endif
