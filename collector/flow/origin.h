/* origin.h - from which networks accepted mail came, since the last commit.
 *
 * Beside each count of recv_rcpt the client's network is noted, and taken back with it: a mail
 * that turns out to be another's, or spam, moves. So these are corrections, unlike the tables of
 * top.h; the store adds them to the lists that it has. As many as mails in a commit at most. */
#ifndef MX_ORIGIN_H
#define MX_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"
#include "stateread.h"

enum { ORIGIN_TEXT = 64 };

struct origins;

struct origins *origins_new(void);
void origins_free(struct origins *o);

/* n recipients more (or fewer) came from that address in that hour. An address that is none, or
 * loopback, is STATEREAD_NOWHERE: they came from somewhere. kind: TOP_ACCEPTED or TOP_JUDGED. */
void origins_add(struct origins *o, unsigned host, int64_t hour, enum top_kind kind,
    struct slice ip, int64_t n);
struct origin {
	uint64_t net;		/* the upper half of an IPv6 address, or three bytes of an IPv4 one */
	int64_t hour;
	int64_t n;
	uint16_t host;
	uint8_t kind;
	uint8_t family;		/* 4, 6; 0: nowhere */
};

/* The same of one that another table has. */
void origins_put(struct origins *o, const struct origin *at);

/* "192.0.2.0/24", "2001:db8::/64", as tops_client() calls them. */
struct slice origin_text(const struct origin *n, char text[ORIGIN_TEXT]);

/* Call f for each host, hour and kind with its corrections, none of them 0, until it says false. */
typedef bool origins_fn(void *arg, const struct origin *list, size_t n);
bool origins_each(struct origins *o, origins_fn *f, void *arg);
void origins_clear(struct origins *o);

#endif
