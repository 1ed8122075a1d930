/* tls.h - TLS for connections that come in: who we are, and whom we let in.
 *
 * TLS 1.2 and newer. A client has to show a certificate whose name is listed and that the CA
 * issued, or whose fingerprint is listed; or anonymous ones are let in. There is no
 * resumption and no renegotiation: who comes is looked at, once, by the rules of now. Nothing
 * blocks: the caller waits for what an answer asks. */
#ifndef MX_TLS_IN_H
#define MX_TLS_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* The files are PEM. ca may be empty if peers are fingerprints; peers (peer.h) if anonymous. */
struct tls_rules {
	const char *certificate, *key, *ca;
	bool anonymous;
	const char *const *peer;
	size_t peers;
};

struct tls_server;

/* Read the files. NULL and *e: one is missing, unreadable, no PEM, the key belongs to
 * another certificate ... A certificate that has expired is taken: see tls_server_ends(). */
struct tls_server *tls_server_new(const struct tls_rules *rules, struct err *e);
/* Connections keep what they need of it. */
void tls_server_free(struct tls_server *s);
bool tls_server_has_rules(const struct tls_server *s, const struct tls_rules *rules);
/* When its certificate expires. */
int64_t tls_server_ends(const struct tls_server *s);

struct tls;

enum tls_answer {
	TLS_DONE,
	TLS_WANT_READ, TLS_WANT_WRITE,	/* call again when fd can be */
	TLS_END,			/* the client ended it in due form */
	TLS_FAILED			/* *e says why; there is nothing to be had any more */
};

/* fd does not block, and stays the caller's. */
struct tls *tls_new(struct tls_server *s, int fd);
/* Says that we end, if that goes without waiting. */
void tls_free(struct tls *t);

enum tls_answer tls_handshake(struct tls *t, struct err *e);
/* After the handshake; *n is set by TLS_DONE. A read with room for TLS_READ_MIN bytes leaves nothing in
 * here that fd would not tell of. A write that has to wait is to be tried again with the same
 * bytes, and perhaps more behind them. */
enum { TLS_READ_MIN = 1 << 14 };
enum tls_answer tls_read(struct tls *t, char *p, size_t max, size_t *n, struct err *e);
enum tls_answer tls_write(struct tls *t, const char *p, size_t len, size_t *n, struct err *e);

#endif
