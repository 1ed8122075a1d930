/* peer.h - which certificates may send to us, as the configuration writes it.
 *
 * "mx1.example.org" is a name; "*.example.org" has one label in place of the star; "*" is
 * any certificate of the CA; "SHA256:41:F2:..." is one certificate, whoever issued it. */
#ifndef MX_PEER_H
#define MX_PEER_H

#include <stdbool.h>

#include "err.h"
#include "slice.h"

enum { PEER_PRINT_BYTES = 32, PEER_PRINT_TEXT = 7 + 3 * PEER_PRINT_BYTES };

struct peer {
	bool is_print, any, below;	/* below: name begins with a dot, and one label goes before */
	struct slice name;		/* in the text that was parsed */
	unsigned char print[PEER_PRINT_BYTES];
};

bool peer_parse(const char *text, struct peer *p, struct err *e);
/* Is that name of a certificate meant? Letters in either case. */
bool peer_has_name(const struct peer *p, struct slice name);
bool peer_has_print(const struct peer *p, const unsigned char print[PEER_PRINT_BYTES]);
/* As peer_parse() reads it. */
void peer_print_text(const unsigned char print[PEER_PRINT_BYTES], char text[PEER_PRINT_TEXT]);

#endif
