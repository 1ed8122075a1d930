/* conftext.h - read a configuration file and make it fit for libconfuse. */
#ifndef MX_CONFTEXT_H
#define MX_CONFTEXT_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Fill *text with the file at path, its comments turned into blanks so that every
 * line keeps its number. False and *e ("file:line: sentence") if it is no
 * readable text file of at most 1 MiB, or if a quote, comment or brace is left
 * open. The caller frees *text in both cases. */
bool conftext_read(const char *path, struct buf *text, struct err *e);

/* The same for text that is there already; path is for the sentences. */
bool conftext_strip(const char *path, struct buf *text, struct err *e);

#endif
