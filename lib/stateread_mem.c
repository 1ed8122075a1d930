/* stateread_mem.c - see stateread_mem.h. */
#include "stateread_mem.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"

enum { STEP = 16, HEAD = 8, SMALL = 1024, CHUNK = 16 << 10 };

struct block {
	uint64_t size;			/* of data[] */
	union {
		struct block *next;	/* given back, of the same size */
		char data[8];
	};
};

static struct block *spare[SMALL / STEP + 1];
static char *at, *end;			/* of the newest chunk */

static struct block *
block_of(void *data)
{
	return (struct block *)((char *)data - offsetof(struct block, data));
}

/* With the head it is a multiple of STEP. */
static int
round_up(int n)
{
	return ((n + HEAD + STEP - 1) & ~(STEP - 1)) - HEAD;
}

static struct block *
take_small(size_t whole)
{
	struct block *b = spare[whole / STEP];

	if (b != NULL) {
		spare[whole / STEP] = b->next;
		return b;
	}
	if ((size_t)(end - at) < whole) {
		if ((at = malloc(CHUNK)) == NULL) {
			end = NULL;
			return NULL;
		}
		end = at + CHUNK;
	}
	b = (struct block *)at;
	at += whole;
	return b;
}

#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 10
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"	/* that it is given back by way of data[] gcc does not see */
#endif

static void *
take(int n)
{
	size_t size = (size_t)round_up(n), whole = size + HEAD;
	struct block *b = whole <= SMALL ? take_small(whole) : malloc(whole);

	if (b == NULL)
		return NULL;
	b->size = size;
	return b->data;
}

static void
give(void *data)
{
	struct block *b = block_of(data);
	size_t whole = b->size + HEAD;

	if (whole > SMALL) {
		free(b);
		return;
	}
	b->next = spare[whole / STEP];
	spare[whole / STEP] = b;
}

static int
size_of(void *data)
{
	return data != NULL ? (int)block_of(data)->size : 0;
}

static void *
resize(void *data, int n)
{
	int had = size_of(data);
	void *more;

	if (n <= had)
		return data;
	if ((more = take(n)) == NULL)
		return NULL;
	memcpy(more, data, (size_t)had);
	give(data);
	return more;
}

static int
nothing(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void
no_end(void *arg)
{
	(void)arg;
}

void
stateread_mem_begin(void)
{
	static const sqlite3_mem_methods ours = { take, give, resize, size_of, round_up, nothing, no_end, NULL };

	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}
