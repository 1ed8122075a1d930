/* netlist.h - networks that an administrator names, one by one or in a file. */
#ifndef MX_NETLIST_H
#define MX_NETLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "network.h"
#include "slice.h"

/* Starts with { 0 }; net is the caller's, to be freed. */
struct netlist {
	struct network *net;
	size_t n, cap;
};

/* "192.0.2.0/24", and as Postfix writes IPv6: "[2001:db8::]/32". False: it is none. */
bool netlist_add(struct netlist *l, struct slice word);
/* A file has one at the start of each line; "#" begins a remark, and what follows a blank is not
 * looked at: maps of Postfix will do. False and *e: it cannot be read, or a line has none. */
bool netlist_read(struct netlist *l, const char *path, struct err *e);

#endif
