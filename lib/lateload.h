/* lateload.h - a library's functions, found when they are needed and not at the program's start.
 *
 *	#define FUNCTIONS(F) F(ares_init_options) F(ares_send)
 *	struct ares { FUNCTIONS(LATELOAD_MEMBER) };
 *	static struct ares ares LATELOAD_LINKED(FUNCTIONS);
 *	if (!lateload("libcares.so.2", "libc-ares2", names, &ares, e)) ...
 *
 * A check that does not need the library does not pay for it. With MX_STATIC the functions
 * are linked, and there is nothing to find. */
#ifndef MX_LATELOAD_H
#define MX_LATELOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

#define LATELOAD_MEMBER(name) __typeof__(name) *name;
#define LATELOAD_NAME(name) #name,
#ifdef MX_STATIC
#define LATELOAD_ROW(name) .name = name,
#define LATELOAD_LINKED(functions) = { functions(LATELOAD_ROW) }
#else
#define LATELOAD_LINKED(functions)
#endif

/* Fill the pointers of the struct at to, one for each name (NULL ends them), in their order. May be
 * called again. False and *e: there is no such library, or it lacks a function; package is who brings it in Debian. */
bool lateload(const char *library, const char *package, const char *const *names, void *to, struct err *e);

#endif
