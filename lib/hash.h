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

/* More than 64 bytes: four chains at once, and the last 64 bytes overlap those before, so
 * that no branch depends on what is left over. */
static inline uint64_t
hash_long(const struct hash_key *key, struct slice s, uint64_t h)
{
	uint64_t g = key->k[3], i = key->k[1], j = key->k[2];
	const char *p = s.p, *last = s.p + s.n - 64;

	for (;; p = p + 64 < last ? p + 64 : last) {
		h = hash_mix(hash_read64(p) ^ key->k[1], hash_read64(p + 8) ^ h);
		g = hash_mix(hash_read64(p + 16) ^ key->k[2], hash_read64(p + 24) ^ g);
		i = hash_mix(hash_read64(p + 32) ^ key->k[3], hash_read64(p + 40) ^ i);
		j = hash_mix(hash_read64(p + 48) ^ key->k[0], hash_read64(p + 56) ^ j);
		if (p == last)
			break;
	}
	return hash_mix(hash_mix(h ^ key->k[1], g ^ key->k[2]) ^ i, j ^ key->k[0]);
}

static inline uint64_t
hash_bytes(const struct hash_key *key, struct slice s)
{
	/* times a constant, lest the length be undone by the first byte of a tail */
	uint64_t h = key->k[0] ^ s.n * 0x9e3779b97f4a7c15u, g = key->k[3], a, b;
	const char *p = s.p;
	size_t n = s.n;

	if (n > 64)
		return hash_long(key, s, h);
	while (n > 16) {	/* in turn into both */
		uint64_t mixed = hash_mix(hash_read64(p) ^ key->k[1], hash_read64(p + 8) ^ h);

		h = g;
		g = mixed;
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
