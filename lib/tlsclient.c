/* tlsclient.c - TLS by OpenSSL. See tlsclient.h.
 *
 * Level 0 of OpenSSL's own security allows old peers to be looked at; certificates are
 * verified at level 2 all the same (RSA from 2048 bits, no SHA-1), as Debian does. */
#include "tlsclient.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "net.h"
#include "ossl.h"

#include "poison.h"

enum { VERIFY_LEVEL = 2 };

struct tlsclient_context {
	SSL_CTX *ssl;		/* NULL: err says why */
	const char *ca_file, *ca_dir;
	bool pins;
	pthread_t maker;
	bool making;		/* the fields above and err are the maker's */
	struct err err;
};

struct tlsclient {
	SSL *ssl;
	bool wants_pin;
};

/* What would have been read at the start: 100 KB that are not needed where all goes well. */
static void
load_words(void)
{
	(void)ossl.ERR_load_ERR_strings();
	(void)ossl.ERR_load_SSL_strings();
	(void)ossl.ERR_load_X509_strings();
	(void)ossl.ERR_load_PEM_strings();
	(void)ossl.ERR_load_ASN1_strings();
	(void)ossl.ERR_load_EVP_strings();
	(void)ossl.ERR_load_EC_strings();
	(void)ossl.ERR_load_RSA_strings();
	(void)ossl.ERR_load_BIO_strings();
}

/* OpenSSL's own words for what went wrong last. */
static const char *
reason(void)
{
	unsigned long code = ossl.ERR_peek_last_error();
	const char *words;

	load_words();
	words = code != 0 ? ossl.ERR_reason_error_string(code) : NULL;
	ossl.ERR_clear_error();
	return words != NULL ? words : "unknown trouble";
}

static bool
load_authorities(struct tlsclient_context *c)
{
	const char *dir = c->ca_dir;

	if (c->ca_file != NULL && ossl.SSL_CTX_load_verify_file(c->ssl, c->ca_file) != 1)
		return err_set(&c->err, "certificates of %s: %s", c->ca_file, reason());
	if (dir == NULL && c->ca_file == NULL)
		dir = ossl.X509_get_default_cert_dir();	/* the bundle takes 18 ms to read, this none */
	if (dir != NULL && ossl.SSL_CTX_load_verify_dir(c->ssl, dir) != 1)
		return err_set(&c->err, "certificates in %s: %s", dir, reason());
	return true;
}

static bool
set_up(struct tlsclient_context *c)
{
	if (!ossl_load(&c->err))
		return false;
	/* openssl.cnf has nothing for us: what it allows and forbids is set below, and reading it
	 * takes longer than a handshake's own work on a fast machine */
	(void)ossl.OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
	    OPENSSL_INIT_NO_LOAD_SSL_STRINGS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
	c->ssl = ossl.SSL_CTX_new(ossl.TLS_client_method());
	if (c->ssl == NULL || ossl.SSL_CTX_ctrl(c->ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, 0, NULL) != 1 ||
	    (c->pins && ossl.SSL_CTX_dane_enable(c->ssl) != 1))
		return err_set(&c->err, "OpenSSL: %s", reason());
	ossl.SSL_CTX_set_security_level(c->ssl, 0);
	ossl.X509_VERIFY_PARAM_set_auth_level(ossl.SSL_CTX_get0_param(c->ssl), VERIFY_LEVEL);
	ossl.SSL_CTX_set_verify(c->ssl, SSL_VERIFY_NONE, NULL);	/* looked at by tlsclient_facts() */
	(void)ossl.SSL_CTX_ctrl(c->ssl, SSL_CTRL_MODE,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
	return load_authorities(c);
}

static void *
make(void *context)
{
	struct tlsclient_context *c = context;

	if (!set_up(c) && c->ssl != NULL) {
		ossl.SSL_CTX_free(c->ssl);
		c->ssl = NULL;
	}
	return NULL;
}

/* NULL and *e: ca_file cannot be read. */
static struct tlsclient_context *
blank(const char *ca_file, const char *ca_dir, bool pins, struct err *e)
{
	struct tlsclient_context *c;

	if (ca_file != NULL && access(ca_file, R_OK) != 0) {
		err_set(e, "certificates of %s: %s", ca_file, strerror(errno));
		return NULL;
	}
	c = xcalloc(1, sizeof *c);
	*c = (struct tlsclient_context){ .ca_file = ca_file, .ca_dir = ca_dir, .pins = pins };
	return c;
}

struct tlsclient_context *
tlsclient_context_begin(const char *ca_file, const char *ca_dir, bool pins, struct err *e)
{
	struct tlsclient_context *c = blank(ca_file, ca_dir, pins, e);
	sigset_t all, old;

	if (c == NULL)
		return NULL;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old);	/* signals are the main thread's */
	c->making = pthread_create(&c->maker, NULL, make, c) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!c->making)
		(void)make(c);
	return c;
}

bool
tlsclient_context_ready(struct tlsclient_context *c, struct err *e)
{
	if (c->making)
		(void)pthread_join(c->maker, NULL);
	c->making = false;
	return c->ssl != NULL || err_set(e, "%s", c->err.text);
}

struct tlsclient_context *
tlsclient_context_new(const char *ca_file, const char *ca_dir, bool pins, struct err *e)
{
	struct tlsclient_context *c = blank(ca_file, ca_dir, pins, e);

	if (c == NULL)
		return NULL;
	(void)make(c);
	if (tlsclient_context_ready(c, e))
		return c;
	free(c);
	return NULL;
}

static bool
set_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = ossl.SSL_get0_param(ssl);
	struct net_addr a;

	if (net_addr_parse(name, 0, &a))
		return ossl.X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
	/* RFC 9525: names are in the subjectAltName, wildcards stand alone */
	ossl.SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return ossl.SSL_set1_host(ssl, name) == 1 && ossl.SSL_ctrl(ssl,
	    SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name) == 1;
}

struct tlsclient *
tlsclient_new(struct tlsclient_context *c, int fd, const char *name, struct err *e)
{
	struct tlsclient *t = xcalloc(1, sizeof *t);

	t->ssl = ossl.SSL_new(c->ssl);
	if (t->ssl == NULL || ossl.SSL_set_fd(t->ssl, fd) != 1 || !set_name(t->ssl, name)) {
		err_set(e, "TLS to %s: %s", name, reason());
		tlsclient_free(t);
		return NULL;
	}
	ossl.SSL_set_connect_state(t->ssl);
	return t;
}

void
tlsclient_free(struct tlsclient *t)
{
	if (t == NULL)
		return;
	ossl.SSL_free(t->ssl);
	memset(t, 0, sizeof *t);
	free(t);
}

size_t
tlsclient_pin(struct tlsclient *t, const char *host, const struct tlsclient_pin *pin, size_t n)
{
	size_t usable = 0;

	t->wants_pin = true;
	if (ossl.SSL_dane_enable(t->ssl, host) != 1)
		return 0;
	/* RFC 7672 3.1.1: the record stands for the name, too */
	ossl.SSL_dane_set_flags(t->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < n; i++)
		if (pin[i].usage >= 2 && ossl.SSL_dane_tlsa_add(t->ssl, pin[i].usage, pin[i].selector,
		    pin[i].matching, (const unsigned char *)pin[i].data.p, pin[i].data.n) == 1)
			usable++;
	ossl.ERR_clear_error();
	return usable;
}

static enum tlsclient_answer
answer(struct tlsclient *t, int rc, struct err *e)
{
	int saved = errno;

	switch (ossl.SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLSCLIENT_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLSCLIENT_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLSCLIENT_CLOSED;
	case SSL_ERROR_SYSCALL:
		if (saved == 0 || saved == ECONNRESET || saved == EPIPE)
			return TLSCLIENT_CLOSED;
		err_set(e, "%s", strerror(saved));
		return TLSCLIENT_FAILED;
	}
	if (ERR_GET_REASON(ossl.ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		ossl.ERR_clear_error();
		return TLSCLIENT_CLOSED;
	}
	err_set(e, "%s", reason());
	return TLSCLIENT_FAILED;
}

enum tlsclient_answer
tlsclient_handshake(struct tlsclient *t, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_do_handshake(t->ssl);
	return rc == 1 ? TLSCLIENT_DONE : answer(t, rc, e);
}

enum tlsclient_answer
tlsclient_read(struct tlsclient *t, void *to, size_t room, size_t *n, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_read_ex(t->ssl, to, room, n);
	return rc == 1 ? TLSCLIENT_DONE : answer(t, rc, e);
}

enum tlsclient_answer
tlsclient_write(struct tlsclient *t, struct slice s, size_t *n, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_write_ex(t->ssl, s.p, s.n, n);
	return rc == 1 ? TLSCLIENT_DONE : answer(t, rc, e);
}

/* --- facts ----------------------------------------------------------------------------- */

static int
certificates(const STACK_OF(X509) *chain)
{
	return chain != NULL ? ossl.OPENSSL_sk_num((const OPENSSL_STACK *)chain) : 0;
}

static int64_t
epoch(const ASN1_TIME *t)
{
	int days = 0, seconds = 0;
	ASN1_TIME *zero = ossl.ASN1_TIME_set(NULL, 0);

	if (zero != NULL && ossl.ASN1_TIME_diff(&days, &seconds, zero, t) != 1)
		days = seconds = 0;
	ossl.ASN1_STRING_free(zero);
	return (int64_t)days * 86400 + seconds;
}

static void
name_text(const X509_NAME *name, char *to, size_t size)
{
	BIO *b = ossl.BIO_new(ossl.BIO_s_mem());
	int n = 0;

	if (b != NULL && ossl.X509_NAME_print_ex(b, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = ossl.BIO_read(b, to, (int)size - 1);
	to[n > 0 ? n : 0] = '\0';
	ossl.BIO_free(b);
}

/* The certificate that ends first: of what was verified, but for the authority at the
 * end, which clients have of their own; else of what was sent. */
static void
look_at_times(SSL *ssl, struct tlsclient_facts *f)
{
	STACK_OF(X509) *verified = ossl.SSL_get0_verified_chain(ssl),
	    *sent = ossl.SSL_get_peer_cert_chain(ssl);
	STACK_OF(X509) *chain = verified != NULL ? verified : sent;
	int n = certificates(chain);

	if (verified != NULL && n > 1)
		n--;
	for (int i = 0; i < n; i++) {
		const X509 *x = ossl.OPENSSL_sk_value((const OPENSSL_STACK *)chain, i);
		int64_t until = epoch(ossl.X509_get0_notAfter(x));

		if (i > 0 && until >= f->until)
			continue;
		f->until = until;
		f->from = epoch(ossl.X509_get0_notBefore(x));
		name_text(ossl.X509_get_subject_name(x), f->ends, sizeof f->ends);
	}
}

static void
look_at_trust(struct tlsclient *t, X509 *leaf, struct tlsclient_facts *f)
{
	long rc = ossl.SSL_get_verify_result(t->ssl);

	f->pinned = t->wants_pin && ossl.SSL_get0_dane_authority(t->ssl, NULL, NULL) >= 0;
	f->trusted = leaf != NULL && rc == X509_V_OK && (!t->wants_pin || f->pinned);
	if (leaf == NULL)
		(void)snprintf(f->why, sizeof f->why, "the server has no certificate");
	else if (rc == X509_V_ERR_DANE_NO_MATCH || (rc == X509_V_OK && !f->trusted))
		(void)snprintf(f->why, sizeof f->why, "no TLSA record matches it");
	else if (!f->trusted)
		(void)snprintf(f->why, sizeof f->why, "%s", ossl.X509_verify_cert_error_string(rc));
}

static int
version_number(const SSL *ssl)
{
	switch (ossl.SSL_version(ssl)) {
	case TLS1_VERSION: return 10;
	case TLS1_1_VERSION: return 11;
	case TLS1_2_VERSION: return 12;
	case TLS1_3_VERSION: return 13;
	}
	return ossl.SSL_version(ssl) > TLS1_3_VERSION ? 14 : 0;
}

void
tlsclient_facts(struct tlsclient *t, struct tlsclient_facts *f)
{
	X509 *leaf = ossl.SSL_get0_peer_certificate(t->ssl);
	STACK_OF(X509) *sent = ossl.SSL_get_peer_cert_chain(t->ssl);
	EVP_PKEY *key = leaf != NULL ? ossl.X509_get0_pubkey(leaf) : NULL;

	*f = (struct tlsclient_facts){ .version_number = version_number(t->ssl) };
	(void)snprintf(f->version, sizeof f->version, "%s", ossl.SSL_get_version(t->ssl));
	(void)snprintf(f->cipher, sizeof f->cipher, "%s",
	    ossl.SSL_CIPHER_get_name(ossl.SSL_get_current_cipher(t->ssl)));
	f->secret_bits = ossl.SSL_CIPHER_get_bits(ossl.SSL_get_current_cipher(t->ssl), NULL);
	f->chain = (size_t)certificates(sent);
	look_at_trust(t, leaf, f);
	look_at_times(t->ssl, f);
	if (leaf == NULL)
		return;
	name_text(ossl.X509_get_subject_name(leaf), f->subject, sizeof f->subject);
	name_text(ossl.X509_get_issuer_name(leaf), f->issuer, sizeof f->issuer);
	if (key != NULL) {
		f->key_bits = ossl.EVP_PKEY_get_bits(key);
		(void)snprintf(f->key_kind, sizeof f->key_kind, "%s",
		    ossl.EVP_PKEY_get0_type_name(key) != NULL ? ossl.EVP_PKEY_get0_type_name(key) : "?");
	}
}
