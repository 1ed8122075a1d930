/* mem.c - see mem.h. */
#define _DEFAULT_SOURCE	/* madvise is not in POSIX */
#include "mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "poison.h"

struct arena_block {
	struct arena_block *before;
	size_t size, used;
	_Alignas(16) char data[];
};

static _Noreturn void
exhausted(size_t n)
{
	fprintf(stderr, "out of memory (%zu bytes wanted)\n", n);
	_Exit(3);	/* UNKNOWN for a check; nothing half-written may be flushed */
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		exhausted(n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		exhausted(n);
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n > 0 ? n : 1);

	if (p == NULL)
		exhausted(n);
	return p;
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	if (size > 0 && n > SIZE_MAX / size)
		exhausted(SIZE_MAX);
	return xrealloc(p, n * size);
}

void
mem_give_back(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

char *
xslicedup(struct slice s)
{
	char *p = xmalloc(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

char *
xstrdup(const char *s)
{
	return xslicedup(slice_of(s));
}

static void *
take(struct arena *a, size_t n)
{
	struct arena_block *b = a->last;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (b == NULL || b->size - b->used < n) {
		size_t size = n > 8192 ? n : 8192;

		b = xmalloc(sizeof *b + size);
		*b = (struct arena_block){ .before = a->last, .size = size };
		a->last = b;
	}
	p = b->data + b->used;
	b->used += n;
	a->used_bytes += n;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n), 0, n);
}

char *
arena_strdup(struct arena *a, struct slice s)
{
	char *p = take(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

struct slice
arena_slice(struct arena *a, struct slice s)
{
	return (struct slice){ arena_strdup(a, s), s.n };
}

void
arena_free(struct arena *a)
{
	while (a->last != NULL) {
		struct arena_block *b = a->last;

		a->last = b->before;
		free(b);
	}
	a->used_bytes = 0;
}

struct pool_chunk {
	struct pool_chunk *before;
	size_t size;
	_Alignas(16) char data[];
};

/* Each chunk as large as all before it, up to a huge page: then the kernel gives, and the
 * processor finds, in one go what would be 512 pages. */
static void
pool_grow(struct pool *p)
{
	enum { SMALLEST = 64 << 10, HUGE_PAGE = 2 << 20 };
	size_t size = p->last == NULL ? SMALLEST : p->last->size * 2;
	struct pool_chunk *c = NULL;

	if (size < HUGE_PAGE) {
		c = xmalloc(size);
	} else {
		size = HUGE_PAGE;
		if (posix_memalign((void **)&c, HUGE_PAGE, size) != 0)
			exhausted(size);
#ifdef MADV_HUGEPAGE
		(void)madvise(c, size, MADV_HUGEPAGE);	/* only a hint */
#endif
	}
	assert(size >= sizeof *c + p->size);
	c->before = p->last;
	c->size = size;
	p->last = c;
	p->next = c->data;
	p->end = (char *)c + size;
}

void *
pool_take(struct pool *p)
{
	struct pool_spare *s = p->spare;
	size_t size = (p->size + 15) & ~(size_t)15;
	void *block;

	if (s != NULL) {
		p->spare = s->next;
		return s;
	}
	if ((size_t)(p->end - p->next) < size)
		pool_grow(p);
	block = p->next;
	p->next += size;
	return block;
}

void
pool_give(struct pool *p, void *block)
{
	struct pool_spare *s = block;

	s->next = p->spare;
	p->spare = s;
}

void
pool_free(struct pool *p)
{
	while (p->last != NULL) {
		struct pool_chunk *c = p->last;

		p->last = c->before;
		free(c);
	}
	p->spare = NULL;
	p->next = p->end = NULL;
}
