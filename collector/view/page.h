/* page.h - one static HTML page with all pictures: no scripts, nothing from elsewhere,
 * works from a file. */
#ifndef MX_PAGE_H
#define MX_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"
#include "view/graph.h"

struct page_picture {
	struct graph g;
	struct graph_size size;
};

struct page_host {
	const char *name;		/* any text, or HOST_FARM */
	struct cell sum[GRAPH_SPANS];	/* what was counted in each span */
	struct page_picture *picture;	/* all spans of a graph one after the other */
	size_t n;
};

struct page {
	struct page_host *host;
	size_t n;
	int64_t end, drawn_at;
};

/* Write PATH as a whole, or leave the old one. */
bool page_write(const struct page *p, const char *path, struct err *e);

#endif
