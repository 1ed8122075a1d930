/* hash.h - a fast keyed 64-bit hash.
 *
 * For tables whose keys come from strangers, and for the identities of log
 * lines: with a secret key nobody can choose inputs that collide. Not a
 * signature: whoever knows the key can. Same key, same bytes, same value on
 * every machine of the same byte order. */
#ifndef MX_HASH_H
#define MX_HASH_H

#include <stdint.h>
#include <string.h>

#include "slice.h"

struct hash_key {
	uint64_t k[4];
};

/* A random key from the kernel; ends the program if there is none. */
struct hash_key hash_key_random(void);

static inline uint64_t
hash_read64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* Multiply to 128 bits and fold. */
static inline uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Up to 16 bytes as two words: the first and the last eight overlap in the
 * middle, so nothing beyond the slice is read. */
static inline void
hash_tail(const char *p, size_t n, uint64_t *a, uint64_t *b)
{
	*a = *b = 0;
	if (n >= 8) {
		*a = hash_read64(p);
		*b = hash_read64(p + n - 8);
	} else if (n >= 4) {
		uint32_t x, y;

		memcpy(&x, p, sizeof x);
		memcpy(&y, p + n - 4, sizeof y);
		*a = x;
		*b = y;
	} else if (n > 0) {
		*a = (uint64_t)(unsigned char)p[0] << 16 |
		    (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
	}
}

static inline uint64_t
hash_bytes(const struct hash_key *key, struct slice s)
{
	/* times a constant, lest the length be undone by the first byte of a tail */
	uint64_t h = key->k[0] ^ s.n * 0x9e3779b97f4a7c15u, g = key->k[3], a, b;
	const char *p = s.p;
	size_t n = s.n;

	while (n > 32) {
		h = hash_mix(hash_read64(p) ^ key->k[1], hash_read64(p + 8) ^ h);
		g = hash_mix(hash_read64(p + 16) ^ key->k[2], hash_read64(p + 24) ^ g);
		p += 32;
		n -= 32;
	}
	if (n > 16) {
		h = hash_mix(hash_read64(p) ^ key->k[1], hash_read64(p + 8) ^ h);
		p += 16;
		n -= 16;
	}
	hash_tail(p, n, &a, &b);
	return hash_mix(hash_mix(a ^ key->k[1], b ^ h) ^ g, key->k[2]);
}

static inline uint64_t
hash_u64(const struct hash_key *key, uint64_t v)
{
	return hash_mix(v ^ key->k[0], key->k[1] ^ (v >> 32));
}

#endif
