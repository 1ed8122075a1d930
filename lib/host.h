/* host.h - by which name a mail server is known. */
#ifndef MX_HOST_H
#define MX_HOST_H

#include <stdbool.h>

#include "slice.h"

/* Hosts are known by their first label, since logs print them with and without domain;
 * addresses (IPv4, IPv6) are whole. Part of name; empty only if name is. */
struct slice host_label(struct slice name);

/* Does somebody who asks for this host mean the one of that name? With or without domain,
 * letters in either case; two different domains are two hosts. */
bool host_meant(struct slice asked, struct slice name);

/* What all hosts together are called where hosts are; no host of a state has that name. */
#define HOST_FARM "_farm"

#endif
