/* sasl.c - the client's side of logins. See sasl.h.
 *
 * SCRAM: RFC 5802 and 7677, without channel binding. Names and passwords go as they are
 * given (UTF-8); SASLprep would change a few rare characters only. */
#include "sasl.h"

#include <string.h>

#include "digest.h"
#include "hash.h"

#include "poison.h"

/* A server that asks for more wants our processor time; 4096 is usual, 2^18 takes 0.1 s. */
enum { ITERATIONS_MAX = 1 << 18, MESSAGE_MAX = 2048, NONCE_BYTES = 18 };

static const char *const names[] = {
	[SASL_LOGIN] = "LOGIN", [SASL_PLAIN] = "PLAIN", [SASL_CRAM_MD5] = "CRAM-MD5",
	[SASL_SCRAM_SHA_256] = "SCRAM-SHA-256"
};

enum sasl_mech
sasl_mech_of(struct slice name)
{
	for (unsigned m = SASL_LOGIN; m <= SASL_SCRAM_SHA_256; m++)
		if (slice_eq_nocase(name, slice_of(names[m])))
			return (enum sasl_mech)m;
	return SASL_NONE;
}

const char *
sasl_name(enum sasl_mech mech)
{
	return mech == SASL_NONE ? "none" : names[mech];
}

bool
sasl_is_clear(enum sasl_mech mech)
{
	return mech == SASL_PLAIN || mech == SASL_LOGIN;
}

enum sasl_mech
sasl_best(struct slice offered)
{
	enum sasl_mech best = SASL_NONE;
	struct slice word;

	while (slice_next(&offered, ' ', &word)) {
		if (sasl_mech_of(word) > best)
			best = sasl_mech_of(word);
	}
	return best;
}

struct sasl
sasl_new(enum sasl_mech mech, struct slice user, struct slice password)
{
	return (struct sasl){ .mech = mech, .user = user, .password = password,
		.nonce = buf_new(64), .first = buf_new(MESSAGE_MAX) };
}

void
sasl_free(struct sasl *s)
{
	buf_free(&s->nonce);
	buf_free(&s->first);
}

bool
sasl_speaks_first(const struct sasl *s)
{
	return s->mech == SASL_PLAIN || s->mech == SASL_SCRAM_SHA_256;
}

bool
sasl_end(const struct sasl *s, struct err *e)
{
	if (s->mech == SASL_SCRAM_SHA_256 && !s->proven)
		return err_set(e, "the server did not prove that it knows the password");
	return true;
}

static bool
cram_md5(struct sasl *s, struct slice said, struct buf *out, struct err *e)
{
	unsigned char mac[DIGEST_MD5_BYTES];

	if (!digest_hmac_md5(s->password, said, mac))
		return err_set(e, "MD5 is not to be had on this machine");
	buf_add(out, s->user);
	buf_char(out, ' ');
	for (size_t i = 0; i < sizeof mac; i++)
		buf_fmt(out, "%02x", mac[i]);
	return true;
}

/* --- SCRAM ----------------------------------------------------------------------------- */

static void
scram_first(struct sasl *s, struct buf *out)
{
	struct hash_key random = hash_key_random();

	digest_base64(&s->nonce, (struct slice){ (const char *)&random, NONCE_BYTES });
	buf_str(&s->first, "n=");
	for (size_t i = 0; i < s->user.n; i++) {
		char c = s->user.p[i];

		buf_add(&s->first, c == ',' ? SLICE("=2C") : c == '=' ? SLICE("=3D") :
		    (struct slice){ &s->user.p[i], 1 });
	}
	buf_fmt(&s->first, ",r=%s", s->nonce.p);
	buf_str(out, "n,,");
	buf_add(out, buf_slice(&s->first));
}

/* "r=...,s=...,i=..." */
static bool
scram_read(const struct sasl *s, struct slice said, struct slice *nonce, struct buf *salt,
    int *iterations)
{
	struct slice part;
	uint64_t n;

	if (!slice_eat(&said, SLICE("r=")) || !slice_cut(&said, ',', nonce) ||
	    !slice_starts(*nonce, buf_slice(&s->nonce)) || nonce->n == s->nonce.n)
		return false;
	if (!slice_eat(&said, SLICE("s=")) || !slice_cut(&said, ',', &part) ||
	    !digest_unbase64(salt, part) || salt->n == 0)
		return false;
	if (!slice_eat(&said, SLICE("i=")) || !slice_u64(&said, &n) || n == 0 ||
	    n > ITERATIONS_MAX || (said.n > 0 && said.p[0] != ','))
		return false;
	*iterations = (int)n;
	return true;
}

#define BYTES(a) ((struct slice){ (const char *)(a), sizeof(a) })

/* What proves that we know the password, and what the server will have to say to prove the same. */
static bool
scram_proof(struct sasl *s, struct slice salt, int iterations, struct slice all,
    unsigned char proof[DIGEST_SHA256_BYTES])
{
	unsigned char salted[DIGEST_SHA256_BYTES], client[DIGEST_SHA256_BYTES],
	    server[DIGEST_SHA256_BYTES], stored[DIGEST_SHA256_BYTES], sign[DIGEST_SHA256_BYTES];

	if (!digest_pbkdf2_sha256(s->password, salt, iterations, salted) ||
	    !digest_hmac_sha256(BYTES(salted), SLICE("Client Key"), client) ||
	    !digest_hmac_sha256(BYTES(salted), SLICE("Server Key"), server) ||
	    !digest_sha256(BYTES(client), stored) ||
	    !digest_hmac_sha256(BYTES(stored), all, sign) ||
	    !digest_hmac_sha256(BYTES(server), all, s->server_signature))
		return false;
	for (size_t i = 0; i < sizeof sign; i++)
		proof[i] = client[i] ^ sign[i];
	return true;
}

static bool
scram_final(struct sasl *s, struct slice said, struct buf *out, struct err *e)
{
	struct buf salt = buf_new(MESSAGE_MAX), all = buf_new(3 * MESSAGE_MAX);
	unsigned char proof[DIGEST_SHA256_BYTES];
	struct slice nonce;
	int iterations;
	bool good = scram_read(s, said, &nonce, &salt, &iterations);

	if (!good) {
		err_set(e, "this is no first message of SCRAM");
	} else {
		buf_str(out, "c=biws,r=");	/* "n,," */
		buf_add(out, nonce);
		buf_add(&all, buf_slice(&s->first));
		buf_char(&all, ',');
		buf_add(&all, said);
		buf_char(&all, ',');
		buf_add(&all, buf_slice(out));
		good = scram_proof(s, buf_slice(&salt), iterations, buf_slice(&all), proof) ||
		    err_set(e, "SHA-256 is not to be had on this machine");
		buf_str(out, ",p=");
		digest_base64(out, BYTES(proof));
	}
	buf_free(&salt);
	buf_free(&all);
	return good;
}

static bool
scram_prove(struct sasl *s, struct slice said, struct err *e)
{
	struct buf want = buf_new(64);

	if (slice_starts(said, SLICE("e=")))
		return err_set(e, "the server says: %.*s", (int)slice_head(said, 100).n, said.p);
	buf_str(&want, "v=");
	digest_base64(&want, BYTES(s->server_signature));
	s->proven = slice_eq(said, buf_slice(&want)) || slice_starts(said, buf_slice(&want));
	buf_free(&want);
	return s->proven || err_set(e, "the server does not know the password");
}

static bool
scram(struct sasl *s, struct slice said, struct buf *out, struct err *e)
{
	switch (s->step) {
	case 0:
		scram_first(s, out);
		return true;
	case 1:
		return scram_final(s, said, out, e);
	case 2:
		return scram_prove(s, said, e);
	}
	return err_set(e, "the server goes on after the end of SCRAM");
}

bool
sasl_answer(struct sasl *s, struct slice said, struct buf *out, struct err *e)
{
	bool good = true;

	if (said.n > MESSAGE_MAX)
		return err_set(e, "a challenge of more than %d bytes", MESSAGE_MAX);
	switch (s->mech) {
	case SASL_PLAIN:
		good = s->step == 0 || err_set(e, "the server goes on after the end of PLAIN");
		buf_char(out, '\0');
		buf_add(out, s->user);
		buf_char(out, '\0');
		buf_add(out, s->password);
		break;
	case SASL_LOGIN:	/* "Username:" and "Password:", whatever a server calls them */
		good = s->step < 2 || err_set(e, "the server asks LOGIN for a third word");
		buf_add(out, s->step == 0 ? s->user : s->password);
		break;
	case SASL_CRAM_MD5:
		good = s->step == 0 || err_set(e, "the server goes on after the end of CRAM-MD5");
		good = good && cram_md5(s, said, out, e);
		break;
	case SASL_SCRAM_SHA_256:
		good = scram(s, said, out, e);
		break;
	case SASL_NONE:
		return err_set(e, "no mechanism");
	}
	s->step++;
	return good;
}
