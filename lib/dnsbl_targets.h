/* dnsbl_targets.h - which addresses and names block lists are asked for: given by name, by network, from a
 * file, or this machine's own. */
#ifndef MX_DNSBL_TARGETS_H
#define MX_DNSBL_TARGETS_H

#include "dnsbl_ask.h"

/* "192.0.2.1", "192.0.2.0/28", "2001:db8::/124", or a name for domain lists. False and *e: it is none of
 * these, or has too many addresses. */
bool dnsbl_target_net(struct dnsbl_run *r, struct slice text, struct err *e);
/* One of them a line, "#" begins a remark. False and *e also for a file without any: nobody would be looked for. */
bool dnsbl_target_file(struct dnsbl_run *r, const char *path, struct err *e);
/* All addresses of a name. False and *e: it has none, or nobody could say. */
bool dnsbl_target_host(struct dnsbl_run *r, const char *name, struct err *e);
/* The addresses from which this machine reaches the world, as far as the world can see them. What is
 * left out is told in *e ("" if nothing); false: there was none. */
bool dnsbl_target_own(struct dnsbl_run *r, struct err *e);

#endif
