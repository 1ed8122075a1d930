/* tls.c - TLS for connections that come in, see tls.h.
 *
 * Not libevent's bufferevent: it reads as bytes come, while the syslog server reads when it
 * has room, in turn, and to a connection's end before the sender's next one. */
#include "input/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "input/peer.h"
#include "logtime.h"
#include "mem.h"
#include "ossl.h"

#include "poison.h"

enum {
	CHAIN_BYTES = 1 << 15, CHAIN_LENGTH = 8,	/* that a client may show */
	NAMES_TOLD = 200
};

struct tls_server {
	SSL_CTX *ctx;
	struct arena arena;
	struct tls_rules rules;		/* copied */
	struct peer *peer;
	int64_t ends;
	unsigned users;			/* connections, and who made it */
};

struct tls {
	SSL *ssl;
	struct tls_server *server;
	bool failed;
	char why[400];			/* the client's certificate will not do */
};

/* --- who comes -------------------------------------------------------------------- */

/* Is one of the names meant? Adds it to told, as far as there is room. */
static bool
try_name(const struct tls_server *s, struct slice name, struct buf *told)
{
	bool good = false;

	if (name.n > 0 && memchr(name.p, '\0', name.n) != NULL)
		return false;		/* "good.example.org\0.example.net" */
	for (size_t i = 0; i < s->rules.peers && !good; i++)
		good = peer_has_name(&s->peer[i], name);
	if (told->n > 0)
		buf_str(told, ", ");
	buf_add(told, name);
	return good;
}

static struct slice
bytes_of(const ASN1_STRING *a)
{
	return (struct slice){ (const char *)ossl.ASN1_STRING_get0_data(a), (size_t)ossl.ASN1_STRING_length(a) };
}

/* The names in subjectAltName; *any: there was one. */
static bool
alt_names(const struct tls_server *s, X509 *cert, struct buf *told, bool *any)
{
	GENERAL_NAMES *names = ossl.X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool good = false;

	*any = false;
	for (int i = 0; i < ossl.OPENSSL_sk_num((const OPENSSL_STACK *)names) && !good; i++) {
		const GENERAL_NAME *g = ossl.OPENSSL_sk_value((const OPENSSL_STACK *)names, i);

		if (g->type != GEN_DNS)
			continue;
		*any = true;
		good = try_name(s, bytes_of(g->d.dNSName), told);
	}
	ossl.GENERAL_NAMES_free(names);
	return good;
}

/* The last CN is the most specific one (RFC 6125, 2.3.1). */
static bool
common_name(const struct tls_server *s, X509 *cert, struct buf *told)
{
	const X509_NAME *subject = ossl.X509_get_subject_name(cert);
	unsigned char *text = NULL;
	int at = -1, next, n;
	bool good;

	while ((next = ossl.X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return false;
	n = ossl.ASN1_STRING_to_UTF8(&text, ossl.X509_NAME_ENTRY_get_data(ossl.X509_NAME_get_entry(subject, at)));
	good = n > 0 && try_name(s, (struct slice){ (const char *)text, (size_t)n }, told);
	ossl.CRYPTO_free(text, OPENSSL_FILE, OPENSSL_LINE);
	return good;
}

static bool
is_named(const struct tls_server *s, X509 *cert, struct buf *told)
{
	bool any, good = alt_names(s, cert, told, &any);

	return good || (!any && common_name(s, cert, told));
}

/* By its fingerprint; who issued it does not matter then, its dates do. */
static bool
is_known(const struct tls_server *s, const unsigned char print[PEER_PRINT_BYTES])
{
	for (size_t i = 0; i < s->rules.peers; i++)
		if (peer_has_print(&s->peer[i], print))
			return true;
	return false;
}

static bool
in_time(const X509 *cert)
{
	return ossl.X509_cmp_timeframe(NULL, ossl.X509_get0_notBefore(cert), ossl.X509_get0_notAfter(cert)) == 0;
}

static void
complain(struct tls *t, const struct buf *names, const char *why,
    const unsigned char print[PEER_PRINT_BYTES])
{
	char text[PEER_PRINT_TEXT];

	peer_print_text(print, text);
	snprintf(t->why, sizeof t->why, "its certificate (%s): %s; %s",
	    names->n > 0 ? names->p : "without a name", why, text);
}

/* In place of OpenSSL's own verification, which it calls. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = ossl.X509_STORE_CTX_get_ex_data(store, ossl.SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = ossl.SSL_get_ex_data(ssl, 0);
	const struct tls_server *s = t->server;
	X509 *cert = ossl.X509_STORE_CTX_get0_cert(store);
	struct buf names = buf_new(NAMES_TOLD);
	unsigned char print[EVP_MAX_MD_SIZE] = { 0 };
	bool named;
	int error = X509_V_OK;

	(void)arg;
	if (ossl.X509_digest(cert, ossl.EVP_sha256(), print, NULL) != 1)
		return 0;
	named = is_named(s, cert, &names);
	if (is_known(s, print))
		error = in_time(cert) ? X509_V_OK : X509_V_ERR_CERT_HAS_EXPIRED;
	else if (s->rules.ca[0] != '\0' && ossl.X509_verify_cert(store) != 1)
		error = ossl.X509_STORE_CTX_get_error(store) == X509_V_OK ? X509_V_ERR_UNSPECIFIED :
		    ossl.X509_STORE_CTX_get_error(store);
	else if (!named)
		error = X509_V_ERR_APPLICATION_VERIFICATION;
	if (error != X509_V_OK)
		complain(t, &names, error == X509_V_ERR_APPLICATION_VERIFICATION ? "not in tls_peers" :
		    ossl.X509_verify_cert_error_string(error), print);
	ossl.X509_STORE_CTX_set_error(store, error);
	buf_free(&names);
	return error == X509_V_OK;
}

/* --- who we are ------------------------------------------------------------------- */

static const char *
reason(unsigned long code)
{
	const char *text = ossl.ERR_reason_error_string(code);

	return text == NULL ? "no reason given" : text;
}

/* OpenSSL's own sentences do not name what is missing. */
static bool
readable(const char *setting, const char *path, struct err *e)
{
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return err_set(e, "%s = %s: %s", setting, path, strerror(errno));
	fclose(f);
	return true;
}

static int
no_passphrase(char *p, int size, int writing, void *arg)
{
	(void)p;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

static bool
load_certificate(struct tls_server *s, struct err *e)
{
	const char *path = s->rules.certificate;
	struct tm tm;

	if (!readable("tls_certificate", path, e))
		return false;
	if (ossl.SSL_CTX_use_certificate_chain_file(s->ctx, path) != 1)
		return err_set(e, "tls_certificate = %s: %s", path,
		    ERR_GET_REASON(ossl.ERR_peek_error()) == PEM_R_NO_START_LINE ?
		    "no certificate in PEM form" : reason(ossl.ERR_peek_error()));
	if (ossl.ASN1_TIME_to_tm(ossl.X509_get0_notAfter(ossl.SSL_CTX_get0_certificate(s->ctx)), &tm) == 1)
		s->ends = civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * DAY_S +
		    tm.tm_hour * HOUR_S + tm.tm_min * MINUTE_S + tm.tm_sec;
	return true;
}

static bool
load_key(struct tls_server *s, struct err *e)
{
	const char *path = s->rules.key;
	unsigned long code;
	bool asked = false;

	if (!readable("tls_key", path, e))
		return false;
	ossl.SSL_CTX_set_default_passwd_cb(s->ctx, no_passphrase);
	ossl.SSL_CTX_set_default_passwd_cb_userdata(s->ctx, &asked);
	if (ossl.SSL_CTX_use_PrivateKey_file(s->ctx, path, SSL_FILETYPE_PEM) == 1)
		return true;
	code = ossl.ERR_peek_error();
	if (ERR_GET_LIB(code) == ERR_LIB_X509)	/* values or types mismatch */
		return err_set(e, "tls_key = %s: does not belong to the certificate in %s", path,
		    s->rules.certificate);
	if (asked)
		return err_set(e, "tls_key = %s: it has a passphrase, for which mxgauged cannot ask", path);
	return err_set(e, "tls_key = %s: no private key in PEM form (%s)", path, reason(code));
}

static bool
load_ca(struct tls_server *s, struct err *e)
{
	const char *path = s->rules.ca;

	if (path[0] == '\0')
		return true;
	if (!readable("tls_ca", path, e))
		return false;
	return ossl.SSL_CTX_load_verify_locations(s->ctx, path, NULL) == 1 ||
	    err_set(e, "tls_ca = %s: no certificates in PEM form (%s)", path,
	    reason(ossl.ERR_peek_error()));
}

/* Our names of the CA are not told to clients: GnuTLS would not show a certificate that is
 * known by its fingerprint alone. */
static void
set_up(struct tls_server *s)
{
	SSL_CTX *c = s->ctx;

	(void)ossl.SSL_CTX_ctrl(c, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	(void)ossl.SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)ossl.SSL_CTX_ctrl(c, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
	(void)ossl.SSL_CTX_set_num_tickets(c, 0);
	(void)ossl.SSL_CTX_ctrl(c, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS, NULL);
	(void)ossl.SSL_CTX_ctrl(c, SSL_CTRL_SET_MAX_CERT_LIST, CHAIN_BYTES, NULL);
	ossl.SSL_CTX_set_verify_depth(c, CHAIN_LENGTH);
	if (s->rules.anonymous)
		return;
	ossl.SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	ossl.SSL_CTX_set_cert_verify_callback(c, verify, NULL);
}

static bool
copy_rules(struct tls_server *s, const struct tls_rules *r, struct err *e)
{
	const char **peer = arena_alloc(&s->arena, (r->peers + 1) * sizeof *peer);

	s->rules = *r;
	s->rules.certificate = arena_strdup(&s->arena, slice_of(r->certificate));
	s->rules.key = arena_strdup(&s->arena, slice_of(r->key));
	s->rules.ca = arena_strdup(&s->arena, slice_of(r->ca));
	s->rules.peer = peer;
	s->peer = arena_alloc(&s->arena, (r->peers + 1) * sizeof *s->peer);
	for (size_t i = 0; i < r->peers; i++) {
		peer[i] = arena_strdup(&s->arena, slice_of(r->peer[i]));
		if (!peer_parse(peer[i], &s->peer[i], e))
			return false;
	}
	return true;
}

struct tls_server *
tls_server_new(const struct tls_rules *r, struct err *e)
{
	struct tls_server *s = xcalloc(1, sizeof *s);
	bool good;

	s->users = 1;
	if (!ossl_load(e)) {
		free(s);
		return NULL;
	}
	ossl.ERR_clear_error();
	s->ctx = ossl.SSL_CTX_new(ossl.TLS_server_method());
	if (s->ctx == NULL)
		good = err_set(e, "TLS: %s", reason(ossl.ERR_peek_error()));
	else
		good = copy_rules(s, r, e) && load_certificate(s, e) && load_key(s, e) && load_ca(s, e);
	ossl.ERR_clear_error();
	if (!good) {
		tls_server_free(s);
		return NULL;
	}
	set_up(s);
	return s;
}

void
tls_server_free(struct tls_server *s)
{
	if (s == NULL || --s->users > 0)
		return;
	ossl.SSL_CTX_free(s->ctx);
	arena_free(&s->arena);
	free(s);
}

bool
tls_server_has_rules(const struct tls_server *s, const struct tls_rules *r)
{
	const struct tls_rules *own = &s->rules;

	if (strcmp(own->certificate, r->certificate) != 0 || strcmp(own->key, r->key) != 0 ||
	    strcmp(own->ca, r->ca) != 0 || own->anonymous != r->anonymous || own->peers != r->peers)
		return false;
	for (size_t i = 0; i < r->peers; i++)
		if (strcmp(own->peer[i], r->peer[i]) != 0)
			return false;
	return true;
}

int64_t
tls_server_ends(const struct tls_server *s)
{
	return s->ends;
}

/* --- connections -------------------------------------------------------------------- */

struct tls *
tls_new(struct tls_server *s, int fd)
{
	struct tls *t = xcalloc(1, sizeof *t);

	t->ssl = ossl.SSL_new(s->ctx);
	if (t->ssl == NULL || ossl.SSL_set_fd(t->ssl, fd) != 1 || ossl.SSL_set_ex_data(t->ssl, 0, t) != 1)
		abort();	/* no memory */
	ossl.SSL_set_accept_state(t->ssl);
	t->server = s;
	s->users++;
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	ossl.ERR_clear_error();
	if (!t->failed && ossl.SSL_is_init_finished(t->ssl))
		(void)ossl.SSL_shutdown(t->ssl);
	ossl.ERR_clear_error();
	ossl.SSL_free(t->ssl);
	tls_server_free(t->server);
	free(t);
}

/* What a client did that ended a handshake. */
static const char *
sentence(unsigned long code)
{
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return reason(code);
	switch (ERR_GET_REASON(code)) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return "it shows no certificate";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return "what it sends is no TLS";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
		return "it speaks nothing newer than TLS 1.1";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "it hung up";
	default:
		break;
	}
	if (ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
		return "it turned us down, see there";
	return reason(code);
}

/* After an SSL function that did not succeed. */
static enum tls_answer
answer(struct tls *t, int rc, struct err *e)
{
	int error = ossl.SSL_get_error(t->ssl, rc), saved = errno;
	unsigned long code = ossl.ERR_peek_error();

	switch (error) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	case SSL_ERROR_SYSCALL:
		err_set(e, "%s", saved == 0 ? "it hung up" : strerror(saved));
		break;
	default:
		if (t->why[0] != '\0')
			err_set(e, "%s", t->why);
		else if (ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
			err_set(e, "%s (%s)", sentence(code), reason(code));
		else
			err_set(e, "%s", sentence(code));
	}
	ossl.ERR_clear_error();
	t->failed = true;
	return TLS_FAILED;
}

enum tls_answer
tls_handshake(struct tls *t, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_accept(t->ssl);
	return rc == 1 ? TLS_DONE : answer(t, rc, e);
}

enum tls_answer
tls_read(struct tls *t, char *p, size_t max, size_t *n, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_read_ex(t->ssl, p, max, n);
	return rc == 1 ? TLS_DONE : answer(t, rc, e);
}

enum tls_answer
tls_write(struct tls *t, const char *p, size_t len, size_t *n, struct err *e)
{
	int rc;

	ossl.ERR_clear_error();
	errno = 0;
	rc = ossl.SSL_write_ex(t->ssl, p, len, n);
	return rc == 1 ? TLS_DONE : answer(t, rc, e);
}
