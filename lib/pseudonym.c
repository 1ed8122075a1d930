/* pseudonym.c - see pseudonym.h. */
#include "pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hash.h"
#include "mem.h"
#include "secret.h"

#include "poison.h"

enum {
	LOOSE = 10, EXACT = 4,		/* letters, of four bits each */
	WORD = 1 + LOOSE + EXACT,
	KEY_HEX = 32, NAME_BYTES = 5000,
	LOW_MAX = 512,			/* of longer ones case matters; RFC 5321 allows 320 */
	BRACKETS_MAX = 320
};

struct key {
	uint64_t k[2];
};

struct pseudonyms {
	struct key loose, exact;
};

/* --- the hash ---------------------------------------------------------------------------- */

static inline uint64_t
turn(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = turn(v[1], 13) ^ v[0];
	v[0] = turn(v[0], 32);
	v[2] += v[3];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = turn(v[1], 17) ^ v[2];
	v[2] = turn(v[2], 32);
}

static uint64_t
little(const unsigned char *p, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return word;
}

/* A compiler sees that this is one load. */
static inline uint64_t
little_8(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	    (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t
siphash(const struct key *key, struct slice s)
{
	uint64_t v[4] = {
		key->k[0] ^ 0x736f6d6570736575u, key->k[1] ^ 0x646f72616e646f6du,
		key->k[0] ^ 0x6c7967656e657261u, key->k[1] ^ 0x7465646279746573u
	};
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t at = 0; at <= s.n; at += 8) {
		uint64_t word = at + 8 <= s.n ? little_8(p + at) :
		    little(p + at, s.n - at) | (uint64_t)(s.n & 0xff) << 56;

		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- the key ----------------------------------------------------------------------------- */

static bool
name_of(char name[NAME_BYTES], const char *dir, const char *end, struct err *e)
{
	if (snprintf(name, NAME_BYTES, "%s/addresses.key%s", dir, end) < NAME_BYTES)
		return true;
	return err_set(e, "%s: the name is too long", dir);
}

bool
pseudonyms_there(const char *dir)
{
	char name[NAME_BYTES];
	struct err e;

	return name_of(name, dir, "", &e) && access(name, F_OK) == 0;
}

/* All of it or nothing: a key that is half there would be another one the next time. */
static bool
make_key(const char *dir, const char *name, struct err *e)
{
	struct hash_key random = hash_key_random();
	char new[NAME_BYTES], text[KEY_HEX + 2];
	int fd, n;
	bool good;

	if (!name_of(new, dir, ".new", e))
		return false;
	n = snprintf(text, sizeof text, "%016llx%016llx\n", (unsigned long long)random.k[0],
	    (unsigned long long)random.k[1]);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, "write %s: %s", new, strerror(errno));
	good = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
	good = close(fd) == 0 && good && rename(new, name) == 0;
	if (!good) {
		err_set(e, "write %s: %s", name, strerror(errno));
		(void)unlink(new);
	}
	return good;
}

static bool
hex_word(const char *p, uint64_t *word)
{
	*word = 0;
	for (int i = 0; i < KEY_HEX / 2; i++) {
		const char *at = p[i] != '\0' ? strchr("0123456789abcdef", p[i]) : NULL;

		if (at == NULL)
			return false;
		*word = *word << 4 | (uint64_t)(at - "0123456789abcdef");
	}
	return true;
}

/* Keys from the key: what is told of one says nothing of the other. */
static struct key
derived(const struct key *key, char of)
{
	char text[2] = { of, '0' };
	struct key k;

	k.k[0] = siphash(key, (struct slice){ text, 2 });
	text[1] = '1';
	k.k[1] = siphash(key, (struct slice){ text, 2 });
	return k;
}

struct pseudonyms *
pseudonyms_open(const char *dir, bool make, struct err *e)
{
	char name[NAME_BYTES], *line;
	struct pseudonyms *p;
	struct key key;
	struct err why;

	if (!name_of(name, dir, "", e) ||
	    (make && access(name, F_OK) != 0 && errno == ENOENT && !make_key(dir, name, e)))
		return NULL;
	if (!secret_is_private(name, &why) || (line = secret_read(NULL, name, NULL, &why)) == NULL) {
		err_set(e, "the key of the addresses: %s", why.text);
		return NULL;
	}
	if (strlen(line) != KEY_HEX || !hex_word(line, &key.k[0]) || !hex_word(line + KEY_HEX / 2, &key.k[1])) {
		err_set(e, "%s is no key: it has to be %d hexadecimal digits; removed, it is made anew, and "
		    "nobody finds the addresses hashed until now", name, KEY_HEX);
		free(line);
		return NULL;
	}
	free(line);
	p = xcalloc(1, sizeof *p);
	p->loose = derived(&key, 'l');
	p->exact = derived(&key, 'e');
	return p;
}

void
pseudonyms_free(struct pseudonyms *p)
{
	free(p);
}

/* --- one address ------------------------------------------------------------------------- */

/* How much of it names somebody: what stands before the last @. */
static size_t
local_part(struct slice address)
{
	ptrdiff_t at = slice_rfind(address, SLICE("@"));

	return at < 0 ? address.n : (size_t)at;
}

static bool
is_word(struct slice s)
{
	if (s.n != WORD || s.p[0] != '~')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < 'a' || s.p[i] > 'p')
			return false;
	return true;
}

static bool
is_nobody(struct slice local)
{
	return local.n == 0 || slice_eq(local, SLICE("double-bounce")) || slice_eq(local, SLICE("#")) ||
	    slice_eq_nocase(local, SLICE("mailer-daemon"));
}

static void
letters(char *to, uint64_t hash, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = (char)('a' + (hash >> 4 * i & 15));
}

static uint64_t
loose_hash(const struct pseudonyms *p, struct slice address)
{
	char low[LOW_MAX];

	if (address.n > LOW_MAX)
		return siphash(&p->loose, address);
	for (size_t i = 0; i < address.n; i++)
		low[i] = slice_lower(address.p[i]);
	return siphash(&p->loose, (struct slice){ low, address.n });
}

static size_t
put_word(const struct pseudonyms *p, struct slice s, char *out)
{
	out[0] = '~';
	letters(out + 1, loose_hash(p, s), LOOSE);
	letters(out + 1 + LOOSE, siphash(&p->exact, s), EXACT);
	return WORD;
}

struct slice
pseudonym_of_mid(const struct pseudonyms *p, struct slice mid, char out[PSEUDONYM_MAX])
{
	bool brackets = mid.n >= 2 && mid.p[0] == '<' && mid.p[mid.n - 1] == '>';
	struct slice inner = brackets ? (struct slice){ mid.p + 1, mid.n - 2 } : mid;
	size_t n = 0;

	if (inner.n == 0 || is_word(inner))
		return mid;
	if (brackets)
		out[n++] = '<';
	n += put_word(p, inner, out + n);
	if (brackets)
		out[n++] = '>';
	return (struct slice){ out, n };
}

struct slice
pseudonym_of(const struct pseudonyms *p, struct slice address, char out[PSEUDONYM_MAX])
{
	size_t n = local_part(address);
	struct slice local = slice_head(address, n), rest = slice_from(address, n);

	if (is_nobody(local) || is_word(local))
		return address;
	rest = slice_head(rest, PSEUDONYM_MAX - WORD);
	put_word(p, address, out);
	if (rest.n > 0)
		memcpy(out + WORD, rest.p, rest.n);
	return (struct slice){ out, WORD + rest.n };
}

bool
pseudonym_same(struct slice a, struct slice b)
{
	return a.n >= WORD && b.n >= WORD && is_word(slice_head(a, WORD)) && is_word(slice_head(b, WORD)) &&
	    memcmp(a.p, b.p, 1 + LOOSE) == 0 && slice_eq_nocase(slice_from(a, WORD), slice_from(b, WORD));
}

/* --- text -------------------------------------------------------------------------------- */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

/* RFC 5322's atext and the dot, and what RFC 6531 adds. */
static bool
in_local(char c)
{
	static const char also[256] = {
		['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
		['-'] = 1, ['/'] = 1, ['='] = 1, ['?'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['{'] = 1,
		['|'] = 1, ['}'] = 1, ['~'] = 1, ['.'] = 1
	};

	return is_alnum(c) || also[(unsigned char)c];
}

/* Where the name before the @ at begins: what may be quoted, and may be a pseudonym with text
 * right before it. */
static size_t
local_begins(struct slice s, size_t from, size_t at)
{
	size_t i = at;

	if (i > from && s.p[i - 1] == '"') {
		for (i--; i > from && s.p[i - 1] != '"'; i--)
			;
		if (i > from)
			return i - 1;
		i = at - 1;
	}
	while (i > from && in_local(s.p[i - 1]))
		i--;
	return at - i > WORD && is_word((struct slice){ s.p + at - WORD, WORD }) ? at - WORD : i;
}

/* Where the domain behind the @ at ends. A dot that ends a sentence is no part of it; of several
 * @ the last one is before it. */
static size_t
domain_ends(struct slice s, size_t at)
{
	size_t i = at;

	while (i < s.n && s.p[i] == '@') {
		at = i++;
		if (i < s.n && s.p[i] == '[')
			while (i < s.n && s.p[i] != ']' && s.p[i] != ' ')
				i++;
		while (i < s.n && (is_alnum(s.p[i]) || s.p[i] == '-' || s.p[i] == '.' || s.p[i] == ']'))
			i++;
	}
	while (i > at + 1 && s.p[i - 1] == '.')
		i--;
	return i;
}

static bool
is_control(struct slice s)
{
	return slice_eq(s, SLICE("CR")) || slice_eq(s, SLICE("LF")) || slice_eq(s, SLICE("CRLF")) ||
	    slice_eq(s, SLICE("NUL"));
}

/* What stands between the < at i and its >, if that can be an address; else nothing. */
static struct slice
in_brackets(struct slice s, size_t i)
{
	size_t n = 0;

	s = slice_from(s, i + 1);
	while (n < s.n && n < BRACKETS_MAX && s.p[n] != '>' && s.p[n] != '<' && s.p[n] != ' ')
		n++;
	return n < s.n && s.p[n] == '>' && !is_control(slice_head(s, n)) ? slice_head(s, n) : slice_head(s, 0);
}

/* The next < or @. */
static size_t
next_sign(struct slice s, size_t i)
{
	while (i < s.n && s.p[i] != '<' && s.p[i] != '@')
		i++;
	return i;
}

bool
pseudonyms_wanted(struct slice text)
{
	return next_sign(text, 0) < text.n;
}

static void
put(const struct pseudonyms *p, struct slice address, struct buf *out)
{
	char word[PSEUDONYM_MAX];

	buf_add(out, pseudonym_of(p, address, word));
}

void
pseudonyms_text(const struct pseudonyms *p, struct slice text, struct buf *out)
{
	size_t done = 0, i = 0;		/* before done all is in out */

	while ((i = next_sign(text, i)) < text.n) {
		struct slice found = { text.p, 0 };

		if (text.p[i] == '<') {
			found = in_brackets(text, i);
		} else {
			size_t from = local_begins(text, done, i);

			if (from < i)
				found = (struct slice){ text.p + from, domain_ends(text, i) - from };
		}
		if (found.n == 0) {
			i++;
			continue;
		}
		buf_add(out, (struct slice){ text.p + done, (size_t)(found.p - text.p) - done });
		put(p, found, out);
		done = i = (size_t)(found.p - text.p) + found.n;
	}
	buf_add(out, slice_from(text, done));
}
