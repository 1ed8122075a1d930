/* sasl.h - the client's side of logins: PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-256.
 *
 * Knows nothing of SMTP: what goes to and comes from the server is plain bytes here;
 * base64 is the caller's. */
#ifndef MX_SASL_H
#define MX_SASL_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "slice.h"

enum sasl_mech { SASL_NONE, SASL_LOGIN, SASL_PLAIN, SASL_CRAM_MD5, SASL_SCRAM_SHA_256 };

struct sasl {
	enum sasl_mech mech;
	struct slice user, password;
	unsigned step;
	struct buf nonce, first;	/* SCRAM: ours, and our first message without its head */
	unsigned char server_signature[32];
	bool proven;			/* SCRAM: the server knows the password, too */
};

/* By its name, in either case; SASL_NONE if it is none of ours. */
enum sasl_mech sasl_mech_of(struct slice name);
const char *sasl_name(enum sasl_mech mech);
/* Does it show the password to whoever listens? */
bool sasl_is_clear(enum sasl_mech mech);
/* The best of what a server offers ("PLAIN LOGIN CRAM-MD5"). */
enum sasl_mech sasl_best(struct slice offered);

/* user and password must live as long as it is used. */
struct sasl sasl_new(enum sasl_mech mech, struct slice user, struct slice password);
void sasl_free(struct sasl *s);

/* May the first answer go with the command? */
bool sasl_speaks_first(const struct sasl *s);
/* Answer what the server said ("" at the start). False and *e: it said nonsense. */
bool sasl_answer(struct sasl *s, struct slice said, struct buf *out, struct err *e);
/* The server says that we are in. False and *e: it did not prove what it had to. */
bool sasl_end(const struct sasl *s, struct err *e);

#endif
