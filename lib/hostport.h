/* hostport.h - a server as people write it: "db1", "db1:3307", "[2001:db8::1]:3307", "2001:db8::1". */
#ifndef MX_HOSTPORT_H
#define MX_HOSTPORT_H

#include <stdbool.h>

#include "err.h"
#include "slice.h"

enum { HOSTPORT_BYTES = 256, HOSTPORT_NAME = HOSTPORT_BYTES + 10 };

struct hostport {
	char host[HOSTPORT_BYTES];	/* without brackets; empty: none yet */
	unsigned port;
};

/* The whole of text; port is what it is without one. False and *e: this is no host or no port. */
bool hostport_parse(struct slice text, unsigned port, struct hostport *h, struct err *e);

/* What tells it from others, for people and for what is kept: the host, and the port where it is not the usual
 * one. */
void hostport_name(const struct hostport *h, unsigned usual, char name[HOSTPORT_NAME]);

/* Has it an address? False and *e: why not. It waits for name servers: for a process apart (apart.h) alone, and asked
 * before a library that says nothing of them, or hides them behind its time-out. A socket of this machine ("/..." and
 * "@...") has one. */
bool hostport_resolves(const struct hostport *h, struct err *e);

/* Does a connection come about? False and *e: why not, where a library does not tell: "Connection refused". It waits for
 * name servers and the peer: for a process apart (apart.h) alone. */
bool hostport_connects(const struct hostport *h, struct err *e);

#endif
