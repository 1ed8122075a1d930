/* digest.c - hashes by OpenSSL. See digest.h. */
#include "digest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "ossl.h"

#include "poison.h"

enum { READ_BYTES = 1 << 16 };

static bool
hmac(const EVP_MD *md, struct slice key, struct slice text, unsigned char *out)
{
	return md != NULL && ossl.HMAC(md, key.p, (int)key.n, (const unsigned char *)text.p, text.n, out,
	    NULL) != NULL;
}

bool
digest_hmac_md5(struct slice key, struct slice text, unsigned char out[DIGEST_MD5_BYTES])
{
	return ossl_load(NULL) && hmac(ossl.EVP_md5(), key, text, out);
}

bool
digest_hmac_sha256(struct slice key, struct slice text, unsigned char out[DIGEST_SHA256_BYTES])
{
	return ossl_load(NULL) && hmac(ossl.EVP_sha256(), key, text, out);
}

bool
digest_sha256(struct slice text, unsigned char out[DIGEST_SHA256_BYTES])
{
	return ossl_load(NULL) && ossl.EVP_Digest(text.p, text.n, out, NULL, ossl.EVP_sha256(), NULL) == 1;
}

bool
digest_sha256_fd(int fd, unsigned char out[DIGEST_SHA256_BYTES])
{
	EVP_MD_CTX *c = ossl_load(NULL) ? ossl.EVP_MD_CTX_new() : NULL;
	char *bytes = xmalloc(READ_BYTES);
	ssize_t n = -1;
	bool good = c != NULL && ossl.EVP_DigestInit_ex(c, ossl.EVP_sha256(), NULL) == 1;

	while (good && (n = read(fd, bytes, READ_BYTES)) > 0)
		good = ossl.EVP_DigestUpdate(c, bytes, (size_t)n) == 1;
	good = good && n == 0 && ossl.EVP_DigestFinal_ex(c, out, NULL) == 1;
	if (c != NULL)
		ossl.EVP_MD_CTX_free(c);
	free(bytes);
	return good;
}

void
digest_hex(struct buf *b, const unsigned char *hash, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%02x", hash[i]);
}

bool
digest_pbkdf2_sha256(struct slice password, struct slice salt, int iterations,
    unsigned char out[DIGEST_SHA256_BYTES])
{
	return ossl_load(NULL) && ossl.PKCS5_PBKDF2_HMAC(password.p, (int)password.n, (const unsigned char *)salt.p,
	    (int)salt.n, iterations, ossl.EVP_sha256(), DIGEST_SHA256_BYTES, out) == 1;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
digest_base64(struct buf *b, struct slice s)
{
	for (; s.n > 0; s = slice_from(s, 3)) {
		unsigned v = (unsigned)(unsigned char)s.p[0] << 16;

		v |= s.n > 1 ? (unsigned)(unsigned char)s.p[1] << 8 : 0;
		v |= s.n > 2 ? (unsigned char)s.p[2] : 0;
		buf_char(b, letters[v >> 18]);
		buf_char(b, letters[v >> 12 & 63]);
		buf_char(b, s.n > 1 ? letters[v >> 6 & 63] : '=');
		buf_char(b, s.n > 2 ? letters[v & 63] : '=');
	}
}

bool
digest_unbase64(struct buf *b, struct slice s)
{
	size_t padding = slice_ends(s, SLICE("==")) ? 2 : slice_ends(s, SLICE("=")) ? 1 : 0;
	unsigned v = 0;

	if (s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] != '\0' ? memchr(letters, s.p[i], 64) : NULL;

		if (at == NULL && !(i >= s.n - padding))
			return false;
		v = v << 6 | (at != NULL ? (unsigned)(at - letters) : 0);
		if (i % 4 != 3)
			continue;
		for (size_t j = 0; j < 3 - (i + 1 == s.n ? padding : 0); j++)
			buf_char(b, (char)(v >> (16 - 8 * j) & 255));
		v = 0;
	}
	return !b->full;
}
