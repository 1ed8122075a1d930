/* top.h - who and what is most frequent, per host and hour, since the last commit.
 *
 * The store merges it into what it
 * has. Bounded: see toplist.h. */
#ifndef MX_TOP_H
#define MX_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"
#include "stateread.h"
#include "toplist.h"

struct tops;

struct tops *tops_new(void);
void tops_free(struct tops *t);

/* Count text n times. */
void tops_add(struct tops *t, unsigned host, int64_t hour, enum top_kind kind, struct slice text,
    uint32_t n);
/* The network of an address as text: 192.0.2.0/24, 2001:db8::/64. False: it is no address. */
enum { TOP_NETWORK_MAX = 46 + 8 };
bool top_network(struct slice ip, char text[TOP_NETWORK_MAX]);
/* Count a client by its network. */
void tops_client(struct tops *t, unsigned host, int64_t hour, struct slice ip, uint32_t n);
/* The domain of an address, "<>" for the null sender. */
void tops_domain(struct tops *t, unsigned host, int64_t hour, enum top_kind kind,
    struct slice address, uint32_t n);
/* The fixed beginning of a reason's text. */
void tops_reason(struct tops *t, unsigned host, int64_t hour, struct slice text, uint32_t n);

/* A delivery to a next hop, which may be "none", and to an address, empty for one that goes on,
 * that took so long; below 0: not known. */
void tops_delay(struct tops *t, unsigned host, int64_t hour, struct slice relay, struct slice to,
    int64_t ms, uint32_t n);

/* A line that was not understood: whose, and the fixed beginning of its text. */
void tops_unknown(struct tops *t, unsigned host, int64_t hour, struct slice tag, struct slice text);

/* The list of that kind, made when it is asked for; it lives until tops_clear(). */
struct toplist *tops_list(struct tops *t, unsigned host, int64_t hour, enum top_kind kind);

/* Call f for each table, until it says false; forget them all. */
typedef bool tops_fn(void *arg, unsigned host, int64_t hour, enum top_kind kind,
    struct toplist *list);
bool tops_each(struct tops *t, tops_fn *f, void *arg);
void tops_clear(struct tops *t);

#endif
