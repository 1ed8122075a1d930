/* rir.h - who is to be told of abuse from a network, by files that the regional registries publish.
 *
 * Understood are whois dumps, whole or split by the kind of object (inetnum, inet6num, organisation, role, person,
 * irt), and delegated-extended statistics, which name no contact but registry and country. Files are
 * read as a stream, two or three times where objects refer to others: memory is that of the networks
 * asked for, whatever the size of the files. They are to be unpacked first. */
#ifndef MX_RIR_H
#define MX_RIR_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "network.h"
#include "slice.h"

enum { RIR_MAIL = 100, RIR_KEY = 64, RIR_WANTED_MAX = 4096 };

/* A network that is asked for, and what was found. Texts are plain: of an address the letters, digits and
 * signs that addresses commonly have, of the others letters, digits and hyphens. */
struct rir_want {
	struct network net;
	char mail[RIR_MAIL];		/* empty: nobody is named */
	char registry[RIR_KEY];		/* "ripencc", "APNIC" */
	char country[3];

	/* rir.c's own */
	struct rir_place {
		unsigned char size[16];	/* of the range: the smallest wins */
		bool any;
		char mail[RIR_MAIL], abuse[RIR_KEY], irt[RIR_KEY], org[RIR_KEY];
	} named, owned;			/* the smallest range that names a contact, or an organisation */
	unsigned char size[16];		/* of the range that country and registry are from */
	bool placed;
};

struct rir;

/* Find them all (at most RIR_WANTED_MAX); the order of want changes. False and *e: a file cannot be read, or holds
 * nothing of the above. */
bool rir_find(const char *const *files, size_t n_files, struct rir_want *want, size_t n, struct err *e);

/* The same of text in memory, as if it were the one file. */
bool rir_find_text(struct slice text, struct rir_want *want, size_t n, struct err *e);

#endif
