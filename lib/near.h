/* near.h - files that come with the programs: found from where the program lies, so that what
 * was built, installed or moved as a whole needs no configuration. */
#ifndef MX_NEAR_H
#define MX_NEAR_H

#include <stdbool.h>
#include <stddef.h>

/* The first of paths (relative to the program's folder, NULL ends them) that can be read. False:
 * none of them. /proc is Linux's; elsewhere files have to be named. */
bool near_find(const char *const *paths, char *found, size_t size);

#endif
