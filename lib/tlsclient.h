/* tlsclient.h - a client's TLS over a connection that does not wait.
 *
 * The handshake is carried through also where the certificate is bad, so that everything
 * can be told about it; tlsclient_facts() says whether it may be trusted, and the caller must ask
 * before it sends anything. Old versions and weak ciphers are spoken, to be seen and told. */
#ifndef MX_TLSCLIENT_H
#define MX_TLSCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"

struct tlsclient_context;
struct tlsclient;

enum tlsclient_answer {
	TLSCLIENT_DONE, TLSCLIENT_WANT_READ, TLSCLIENT_WANT_WRITE, TLSCLIENT_CLOSED, TLSCLIENT_FAILED
};

/* One TLSA record. */
struct tlsclient_pin {
	uint8_t usage, selector, matching;
	struct slice data;
};

struct tlsclient_facts {
	char version[16];	/* "TLSv1.3" */
	char cipher[48];
	int version_number;	/* 10 to 13: TLS 1.0 to 1.3; below 10: older */
	int secret_bits;	/* of the cipher */
	int key_bits;		/* of the server's key */
	char key_kind[16];	/* "RSA", "EC" */
	bool trusted;		/* chain and name, or DANE, are in order */
	bool pinned;		/* and that by a TLSA record */
	char why[200];		/* when not trusted */
	char subject[200], issuer[200];
	size_t chain;		/* how many certificates the server sent */
	int64_t from, until;	/* of the certificate of the chain that ends first */
	char ends[200];		/* its subject */
};

/* What all connections share. ca_file, ca_dir: where trusted authorities lie; both NULL: the
 * system's folder of hashes, which costs nothing to open. pins: tlsclient_pin() will be
 * called. NULL and *e on failure. */
struct tlsclient_context *tlsclient_context_new(const char *ca_file, const char *ca_dir, bool pins,
    struct err *e);
/* The same in the background, as to load OpenSSL takes longer than a mail server needs for its
 * greeting: ready after tlsclient_context_ready(), which waits, and until which nobody else may use
 * OpenSSL. False and *e: it could not be made. The process has to end by _exit(). */
struct tlsclient_context *tlsclient_context_begin(const char *ca_file, const char *ca_dir, bool pins,
    struct err *e);
bool tlsclient_context_ready(struct tlsclient_context *c, struct err *e);

/* A connection on fd, which stays the caller's; name is the host that the certificate must
 * be of, or an address. NULL and *e on failure. Ended by tlsclient_free(), NULL is fine. */
struct tlsclient *tlsclient_new(struct tlsclient_context *c, int fd, const char *name,
    struct err *e);
void tlsclient_free(struct tlsclient *t);

/* Before the handshake: trust what these records say instead of any authority (DANE, RFC 7672:
 * usages 2 and 3). Returns how many of them can be used. */
size_t tlsclient_pin(struct tlsclient *t, const char *host, const struct tlsclient_pin *pin,
    size_t n);

/* Go on with what waits for the socket. Done: also what was wanted is set (*n bytes). */
enum tlsclient_answer tlsclient_handshake(struct tlsclient *t, struct err *e);
enum tlsclient_answer tlsclient_read(struct tlsclient *t, void *to, size_t room, size_t *n,
    struct err *e);
enum tlsclient_answer tlsclient_write(struct tlsclient *t, struct slice s, size_t *n,
    struct err *e);

/* After the handshake. */
void tlsclient_facts(struct tlsclient *t, struct tlsclient_facts *f);

#endif
