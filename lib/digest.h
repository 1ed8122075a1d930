/* digest.h - hashes and base64, as logins need them; by OpenSSL. */
#ifndef MX_DIGEST_H
#define MX_DIGEST_H

#include <stdbool.h>

#include "buf.h"
#include "slice.h"

enum { DIGEST_MD5_BYTES = 16, DIGEST_SHA256_BYTES = 32 };

/* False: this machine has no OpenSSL, or that no such hash (MD5 where only FIPS is allowed). */
bool digest_hmac_md5(struct slice key, struct slice text, unsigned char out[DIGEST_MD5_BYTES]);
bool digest_hmac_sha256(struct slice key, struct slice text,
    unsigned char out[DIGEST_SHA256_BYTES]);
bool digest_sha256(struct slice text, unsigned char out[DIGEST_SHA256_BYTES]);
/* Of all that can be read from fd. False: also, and errno, where reading fails. */
bool digest_sha256_fd(int fd, unsigned char out[DIGEST_SHA256_BYTES]);
bool digest_pbkdf2_sha256(struct slice password, struct slice salt, int iterations,
    unsigned char out[DIGEST_SHA256_BYTES]);

void digest_hex(struct buf *b, const unsigned char *hash, size_t n);

/* Add to b. Decoding is strict: false for what is no base64 (b then has a part of it). */
void digest_base64(struct buf *b, struct slice s);
bool digest_unbase64(struct buf *b, struct slice s);

#endif
