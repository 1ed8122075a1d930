/* test_qmail.c - lines that splogger(8) cut: which pieces belong together, and which go on. */
#include "tap.h"

#include "dialect/dialect.h"
#include "input/header.h"
#include "poison.h"

enum { CUT = 799 };	/* splogger.c: its buffer less one */

extern const struct dialect dialect_qmail;

static struct header *header;
static char raw[2000], kept[4][64];

/* Is "STAMP" "SIGN" and n bytes 'x' a piece? Its key goes into kept[k]. */
static bool
piece(const char *stamp, char sign, int n, int k, struct part *p)
{
	struct line l;
	int head = snprintf(raw, sizeof raw, "Nov 18 10:00:00 mx1 anytag: %s%c", stamp, sign);

	memset(raw + head, 'x', (size_t)n);
	raw[head + n] = '\0';
	*p = (struct part){ .n = 99 };
	if (!header_parse(header, slice_of(raw), &l) || !dialect_qmail.claims(&l) ||
	    !dialect_qmail.part(&l, p))
		return false;
	snprintf(kept[k], sizeof kept[k], "%.*s", (int)p->key.n, p->key.p);
	return true;
}

int
main(void)
{
	struct err e;
	struct part p;

	header = header_new("UTC", 2026, 1795305600, SLICE(""), &e);
	ok(!piece("1794996000.000001", ' ', CUT - 1, 0, &p), "a short line is whole");
	ok(piece("1794996000.000001", ' ', CUT, 0, &p) && p.first && p.more && p.text.n == CUT,
	    "a line that fills splogger's buffer may go on");
	ok(p.n == 0 && p.of == 0 && !p.newline, "pieces have no numbers and are cut anywhere");
	is_str(kept[0], "1794996000.000001", "its stamp is the key");
	ok(piece("1794996000.000001", '+', CUT, 1, &p) && !p.first && p.more && p.text.n == CUT,
	    "the next piece, without its plus");
	is_str(kept[1], kept[0], "has the same key");
	ok(piece("1794996000.000001", '+', 3, 2, &p) && !p.first && !p.more && p.text.n == 3,
	    "a shorter one is the last");
	is_str(kept[2], kept[0], "and has the same key");
	ok(piece("1794996000.000002", '+', 3, 3, &p), "a piece of another line");
	ok(strcmp(kept[3], kept[0]) != 0, "has another key");
	header_free(header);
	return done_testing();
}
