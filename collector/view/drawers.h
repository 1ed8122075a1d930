/* drawers.h - many pictures, drawn by a process for each core. */
#ifndef MX_DRAWERS_H
#define MX_DRAWERS_H

#include <stddef.h>

#include "err.h"
#include "view/page.h"

/* Draw n pictures, whose folders are there, and fill in their sizes; on a terminal the progress is
 * shown. How many failed, and *e: why the first of them did. */
size_t drawers_draw(struct page_picture *const *picture, size_t n, struct err *e);

#endif
