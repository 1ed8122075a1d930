/* cactixml.h - the XML that Cacti imports templates from: names of things, and elements.
 *
 * Cacti knows each thing by a hash: "hash_", two digits for the kind, four for the version of
 * the format, 32 that are its identity. Whoever imports a thing with a known hash changes it. */
#ifndef MX_CACTIXML_H
#define MX_CACTIXML_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* The kinds, by Cacti's numbers. */
enum cacti_kind {
	CACTI_GRAPH = 0x00, CACTI_DATA = 0x01, CACTI_DEVICE = 0x02, CACTI_METHOD = 0x03,
	CACTI_CDEF = 0x05, CACTI_GPRINT = 0x06, CACTI_FIELD = 0x07, CACTI_DS = 0x08,
	CACTI_INPUT = 0x09, CACTI_ITEM = 0x10, CACTI_CDEF_ITEM = 0x14, CACTI_PROFILE = 0x20
};

struct cacti_hash {
	char s[44];	/* "hash_" and 38 digits */
};

/* The hash of what is called so; the same on every machine. An empty one: there is no
 * OpenSSL here, and cactixml_write() will say so. */
struct cacti_hash cacti_hash(enum cacti_kind kind, const char *name, ...)
    __attribute__((format(printf, 2, 3)));

/* Begin and end an element, each on a line of its own. */
void cactixml_open(struct buf *x, const char *name);
void cactixml_close(struct buf *x, const char *name);
/* A whole element with text, which is escaped. */
void cactixml_field(struct buf *x, const char *name, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

/* Make it the file DIR/NAME; an older one stays until the new one is complete. */
bool cactixml_write(const struct buf *x, const char *dir, const char *name, struct err *e);

#endif
