/* manifest.h - what lies in trees of files: a line each, to be made on one machine and compared on another.
 *
 * A manifest has names, modes, sizes and SHA-256 of contents, never contents. Its first line says when and where it was
 * made: "mxgauge-manifest 1 1795206834 mx1.example.org". Then, sorted by path:
 *	f 0644 1834 HASH etc/postfix/main.cf
 *	d 0755 - - etc/postfix		l - - HASH etc/localtime (of where it leads)
 * Bytes of a path other than printable ones, and "%", are %XX. Times and owners are left out: copies have their own.
 * Other people's manifests are text from strangers. */
#ifndef MX_MANIFEST_H
#define MX_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "mem.h"
#include "opt.h"
#include "slice.h"

enum { MANIFEST_ENTRIES = 200000, MANIFEST_BYTES = 64 << 20, MANIFEST_DEPTH = 40 };

struct manifest_entry {
	struct slice path, what;	/* "f 0644 1834 HASH" */
};

struct manifest {
	struct slice host;
	int64_t made_at;
	struct manifest_entry *entry;	/* sorted by path, each once */
	size_t n;
	struct arena arena;
};

/* The manifest of trees, as text. Paths that match a pattern of exclude (fnmatch, of the whole path or of the
 * last part) are left out, with all below. False and *e: something cannot be read, or is too much. */
bool manifest_make(struct buf *text, const struct opt_list *trees, const struct opt_list *exclude, int64_t now,
    struct err *e);

/* Take a manifest apart; text has to stay. False and *e: it is none, or cut, or not sorted. */
bool manifest_read(struct manifest *m, struct slice text, struct err *e);

/* Call differs for each path that is not alike; a or b is NULL where it is missing. Returns how many. */
size_t manifest_compare(const struct manifest *a, const struct manifest *b,
    void (*differs)(void *arg, const struct manifest_entry *a, const struct manifest_entry *b), void *arg);

#endif
