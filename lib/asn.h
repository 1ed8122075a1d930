/* asn.h - whose autonomous system a network is in, by a file in MaxMind's format (GeoLite2-ASN and its
 * like); the home of libmaxminddb, which is loaded when it is needed.
 *
 * A build without its header says so when it is asked. The library holds the file mapped, and checks
 * what it reads against its bounds. */
#ifndef MX_ASN_H
#define MX_ASN_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "network.h"

enum { ASN_NAME = 64 };

struct asn;

/* NULL and *e: there is no such file, it is no database, or this machine has no libmaxminddb. */
struct asn *asn_open(const char *path, struct err *e);

/* The number of the AS that has the network's first address, and its name as the file has it: raw text,
 * cut at ASN_NAME - 1 bytes. 0: the file does not know. */
uint32_t asn_of(struct asn *a, const struct network *n, char name[ASN_NAME]);

/* False and *e: networks were found in the file, and none of them had the number of an AS: it is about
 * something else, countries for example; or it is damaged. */
bool asn_useful(const struct asn *a, struct err *e);

#endif
