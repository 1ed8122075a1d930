/* mem.h - memory that is there or the program ends, and arenas.
 *
 * Sizes that come from outside are compared with a maximum before they get
 * here, so "out of memory" means a truly exhausted machine; what matters is on
 * disk. */
#ifndef MX_MEM_H
#define MX_MEM_H

#include <stddef.h>

#include "slice.h"

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
/* Room for n elements of size bytes; ends the program if n * size overflows. */
void *xreallocarray(void *p, size_t n, size_t size);
/* Give memory that is not used any more back to the system, where the C library can. */
void mem_give_back(void);
char *xstrdup(const char *s);
/* A terminated copy; NUL bytes inside are kept, so the C string may end early. */
char *xslicedup(struct slice s);

/* An arena: everything in it ends together. Start with all zeros. */
struct arena {
	struct arena_block *last;
	size_t used_bytes;
};

void *arena_alloc(struct arena *a, size_t n);	/* zeroed, 16-aligned */
char *arena_strdup(struct arena *a, struct slice s);
struct slice arena_slice(struct arena *a, struct slice s);
void arena_free(struct arena *a);

/* Many blocks of one size (up to 64 KB) that come and go, faster than malloc(). What is
 * given back serves the next take; the system has it back after pool_free() only. */
struct pool_spare {
	struct pool_spare *next;
};

struct pool {
	size_t size;		/* of a block: set it before the first take */
	struct pool_spare *spare;
	char *next, *end;	/* of the last chunk, what was never taken */
	struct pool_chunk *last;
};

void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *block);
void pool_free(struct pool *p);

#endif
