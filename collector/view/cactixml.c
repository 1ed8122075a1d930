/* cactixml.c - see cactixml.h. */
#include "view/cactixml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "poison.h"

/* The format of Cacti 1.2.3: it and all later ones take it, none takes a newer than its own. */
#define FORMAT "0102"

enum { TEXT_BYTES = 4096, ID_BYTES = 16 };

struct cacti_hash
cacti_hash(enum cacti_kind kind, const char *name, ...)
{
	struct buf id = buf_new(TEXT_BYTES), hex = buf_new(64);
	unsigned char digest[DIGEST_SHA256_BYTES];
	struct cacti_hash h = { "" };
	va_list ap;

	va_start(ap, name);
	buf_str(&id, "mxgauge ");
	buf_vfmt(&id, name, ap);
	va_end(ap);
	if (!id.full && digest_sha256(buf_slice(&id), digest)) {
		digest_hex(&hex, digest, ID_BYTES);
		(void)snprintf(h.s, sizeof h.s, "hash_%02x" FORMAT "%s", (unsigned)kind, hex.p);
	}
	buf_free(&id);
	buf_free(&hex);
	return h;
}

void
cactixml_open(struct buf *x, const char *name)
{
	buf_fmt(x, "<%s>\n", name);
}

void
cactixml_close(struct buf *x, const char *name)
{
	buf_fmt(x, "</%s>\n", name);
}

static void
escaped(struct buf *x, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&': buf_str(x, "&amp;"); break;
		case '<': buf_str(x, "&lt;"); break;
		case '>': buf_str(x, "&gt;"); break;
		case '"': buf_str(x, "&quot;"); break;
		default: buf_char(x, s.p[i]);
		}
	}
}

void
cactixml_field(struct buf *x, const char *name, const char *text, ...)
{
	struct buf raw = buf_new(64 * TEXT_BYTES), clean = buf_new(64 * TEXT_BYTES);
	va_list ap;

	va_start(ap, text);
	buf_vfmt(&raw, text, ap);
	va_end(ap);
	buf_clean(&clean, buf_slice(&raw), raw.n);
	buf_fmt(x, "<%s>", name);
	escaped(x, buf_slice(&clean));
	buf_fmt(x, "</%s>\n", name);
	x->full |= raw.full;
	buf_free(&raw);
	buf_free(&clean);
}

/* Is a hash missing somewhere? Elements are called by them. */
static bool
lacks_hash(const struct buf *x)
{
	return strstr(x->p, "<>") != NULL;
}

bool
cactixml_write(const struct buf *x, const char *dir, const char *name, struct err *e)
{
	struct buf path = buf_new(TEXT_BYTES), new = buf_new(TEXT_BYTES);
	bool good = true;
	FILE *f = NULL;

	buf_fmt(&path, "%s/%s", dir, name);
	buf_fmt(&new, "%s.new", path.p != NULL ? path.p : "");
	if (x->full || path.full || new.full)
		good = err_set(e, "%s/%s: too large for Cacti", dir, name);
	else if (lacks_hash(x))
		good = err_set(e, "%s: there is no OpenSSL here to make Cacti's hashes with", path.p);
	else
		f = fopen(new.p, "w");
	if (good) {
		good = f != NULL && fwrite(x->p, 1, x->n, f) == x->n;
		if (f != NULL && fclose(f) != 0)
			good = false;
		if (!good || rename(new.p, path.p) != 0) {
			good = err_set(e, "write %s: %s", path.p, strerror(errno));
			if (f != NULL)
				(void)unlink(new.p);
		}
	}
	buf_free(&path);
	buf_free(&new);
	return good;
}
