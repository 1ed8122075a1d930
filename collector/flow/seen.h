/* seen.h - has another source brought this line already?
 *
 * A line's identity is (host, whole second, tag without pid, unescaped text), as a keyed
 * 48-bit hash within its host and minute. A line counts as often as in the
 * source that has it most often: the k-th copy within one source is new if no
 * other source had k. As long as one source alone spoke of a minute nothing is
 * looked up. Chance of taking two lines for one: about 1e-11 a line. */
#ifndef MX_SEEN_H
#define MX_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { SEEN_BYTES = 6 };	/* of a hash in a stored block */

struct seen;

/* What the store has of a minute: call block for each stored block, in any order. */
typedef void seen_block_fn(void *arg, uint32_t source, const unsigned char *hashes, size_t n);
typedef bool seen_load_fn(void *arg, unsigned host, int64_t minute, seen_block_fn *block,
    void *block_arg, struct err *e);

/* load may be NULL: nothing is stored. */
struct seen *seen_new(seen_load_fn *load, void *arg);
void seen_free(struct seen *s);

/* 1: count this line; 0: a copy; -1: *e, the store could not be read. */
int seen_line(struct seen *s, unsigned host, int64_t minute, uint32_t source, uint64_t hash,
    struct err *e);

/* Which occurrence of hash this is, from 1, among those asked about here: a count of its own,
 * apart from all sources, that is stored with them. 0: *e, the store could not be read. */
uint32_t seen_nth(struct seen *s, unsigned host, int64_t minute, uint64_t hash, struct err *e);

/* New hashes since the last commit, block by block, to be stored; then they are
 * forgotten here, and minutes not used since the commit before leave the memory. */
typedef bool seen_put_fn(void *arg, unsigned host, int64_t minute, uint32_t source,
    const unsigned char *hashes, size_t n);
bool seen_each(struct seen *s, seen_put_fn *put, void *arg);
void seen_committed(struct seen *s);

size_t seen_memory_bytes(const struct seen *s);

#endif
