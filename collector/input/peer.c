/* peer.c - names and fingerprints of certificates, see peer.h. */
#include "input/peer.h"

#include <stdio.h>

#include "poison.h"

static int
hex(char c)
{
	c = slice_lower(c);
	return slice_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_print(struct slice s, unsigned char print[PEER_PRINT_BYTES])
{
	for (size_t i = 0; i < PEER_PRINT_BYTES; i++) {
		if (i > 0)
			(void)slice_eat_char(&s, ':');
		if (s.n < 2 || hex(s.p[0]) < 0 || hex(s.p[1]) < 0)
			return false;
		print[i] = (unsigned char)(hex(s.p[0]) * 16 + hex(s.p[1]));
		s = slice_from(s, 2);
	}
	return s.n == 0;
}

bool
peer_parse(const char *text, struct peer *p, struct err *e)
{
	struct slice s = slice_of(text);

	*p = (struct peer){ .name = s };
	if (slice_eq_nocase(slice_head(s, 7), SLICE("sha256:"))) {
		p->is_print = true;
		return parse_print(slice_from(s, 7), p->print) ||
		    err_set(e, "a fingerprint is SHA256: and 32 bytes as two hexadecimal digits each");
	}
	if (slice_eq_nocase(slice_head(s, 5), SLICE("sha1:")))
		return err_set(e, "SHA1 can be forged; write the SHA256 fingerprint");
	if (slice_eq(s, SLICE("*"))) {
		p->any = true;
		return true;
	}
	p->below = slice_starts(s, SLICE("*."));
	if (p->below)
		p->name = slice_from(s, 1);
	if (p->name.n < (p->below ? 2 : 1) || slice_has(p->name, SLICE("*")))
		return err_set(e, "must be a name, *.DOMAIN, * or SHA256:FINGERPRINT");
	return true;
}

bool
peer_has_name(const struct peer *p, struct slice name)
{
	size_t rest = p->name.n;

	if (p->is_print || name.n == 0)
		return false;
	if (p->any)
		return true;
	if (!p->below)
		return slice_eq_nocase(p->name, name);
	return name.n > rest && !slice_has(slice_head(name, name.n - rest), SLICE(".")) &&
	    slice_eq_nocase(p->name, slice_from(name, name.n - rest));
}

bool
peer_has_print(const struct peer *p, const unsigned char print[PEER_PRINT_BYTES])
{
	return p->is_print && memcmp(p->print, print, PEER_PRINT_BYTES) == 0;
}

void
peer_print_text(const unsigned char print[PEER_PRINT_BYTES], char text[PEER_PRINT_TEXT])
{
	int n = snprintf(text, PEER_PRINT_TEXT, "SHA256");

	for (size_t i = 0; i < PEER_PRINT_BYTES; i++)
		n += snprintf(text + n, PEER_PRINT_TEXT - (size_t)n, ":%02X", print[i]);
}
