/* header_usual.c - the usual line, in one go, and the hosts by which it is known.
 *
 * Most lines are of the same minute as the one before, of a host that was there before, and have neither
 * escapes nor repeats: for those the way is a stamp, two blanks and a '#' looked for. All others go the
 * long way of header.c. */
#include "input/header.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "hash.h"
#include "input/shape.h"
#include "mem.h"

#include "poison.h"

/* The words of a host of more than 16 bytes. Nodes of a farm often differ in the middle alone. */
static void
long_words(struct slice host, uint64_t word[2])
{
	size_t i;

	word[0] = word[1] = host.n;
	for (i = 0; i + 8 < host.n; i += 8)
		word[0] = hash_mix(word[0] ^ hash_read64(host.p + i), 0x9e3779b97f4a7c15u);
	word[1] ^= hash_read64(host.p + host.n - 8);
}

/* Where a host with these words is looked for first. */
static inline struct known_host *
host_places(const struct header *h, const uint64_t word[2])
{
	return &h->known[((word[0] ^ word[1] << 1) * 0x9e3779b97f4a7c15u >> 40) & (h->known_places - 1)];
}

/* NULL: it is a new one. */
static inline struct known_host *
find_host(const struct header *h, struct slice host, const uint64_t word[2])
{
	struct known_host *k = host_places(h, word), *end = k + HOST_PLACES;

	while (((k->word[0] ^ word[0]) | (k->word[1] ^ word[1])) != 0 || k->n != host.n ||
	    (host.n > 16 && memcmp(k->text, host.p, host.n) != 0))
		if (++k == end)
			return NULL;
	return k;
}

static struct known_host *
enter_host(struct header *h, const struct known_host *new)
{
	struct known_host *at = host_places(h, new->word), *k = at;

	while (k < at + HOST_PLACES && k->n > 0)
		k++;
	if (k == at + HOST_PLACES)
		k = at + h->known_n % HOST_PLACES;
	*k = *new;
	return k;
}

__attribute__((noinline)) struct known_host *
header_know_host(struct header *h, struct slice host)
{
	struct known_host *k, new = { .n = (uint8_t)host.n };

	if (host.n == 0 || host.n > sizeof new.text)
		return NULL;
	memcpy(new.text, host.p, host.n);
	memcpy(new.word, new.text, sizeof new.word);
	if (host.n > sizeof new.word)
		long_words(host, new.word);
	if ((k = find_host(h, host, new.word)) != NULL)
		return k;
	if (h->known_n++ == h->known_places / 4 && h->known_places < HOSTS_MANY) {
		struct known_host *old = h->known;
		unsigned n = h->known_places + HOST_PLACES;

		h->known_places *= 4;
		h->known = xcalloc(h->known_places + HOST_PLACES, sizeof *h->known);
		for (unsigned i = 0; i < n; i++)
			if (old[i].n > 0)
				(void)enter_host(h, &old[i]);
		free(old);
	}
	return enter_host(h, &new);
}

#if defined(__SSE2__) && defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* A number of one to seven digits and the ']' behind it at the front of *p, where eight bytes
 * are; *p is left at the ']'. All digits at once: how many there are is never the same. */
static inline bool
usual_pid(const char **p, uint32_t *pid)
{
	uint64_t v = hash_read64(*p) ^ 0x3030303030303030u;
	uint64_t other = ((v + 0x7676767676767676u) | v) & 0x8080808080808080u;
	unsigned n;

	if (other == 0 || (other & 0x80) != 0)
		return false;
	n = (unsigned)__builtin_ctzll(other) / 8;
	v <<= 64 - 8 * n;		/* zeros in front, the first digit is the lowest byte */
	v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ffu;
	v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffffu;
	*pid = (uint32_t)(v * 10000 + (v >> 32));
	*p += n;
	return **p == ']';
}

static inline bool
has_escape(const struct header *h, const char *p, const char *end)
{
	if (h->clean.n > 0 && p >= h->clean.p && end <= h->clean.p + h->clean.n)
		return false;
	return memchr(p, '#', (size_t)(end - p)) != NULL;
}

/* A stamp of the minute of the line before; NULL, or what follows its blank. */
static inline const char *
usual_stamp(struct header *h, struct slice raw, struct line *out)
{
	out->usec = 0;
	if (raw.p[10] != 'T')
		return stamp_same(&h->stamps, raw.p, &out->time) ? raw.p + STAMP_BSD_BYTES : NULL;
	return stamp_same_iso(&h->stamps, raw.p, &out->time, &out->usec) ? raw.p + STAMP_ISO_BYTES : NULL;
}

/* A host that was seen before; what follows it, or NULL. */
static inline const char *
usual_host(struct header *h, const char *p, const char *end, struct line *out)
{
	static const char ones[32] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	struct known_host *k;
	const char *blank;
	uint64_t word[2];
	__m128i v;
	unsigned hits;
	size_t n;

	if (end - p < 16)
		return NULL;
	v = _mm_loadu_si128((const __m128i *)(const void *)p);
	hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_set1_epi8(' '), v));
	if (hits != 0) {
		n = (unsigned)__builtin_ctz(hits);
		v = _mm_and_si128(v, _mm_loadu_si128((const __m128i *)(const void *)(ones + 16 - n)));
		memcpy(word, &v, sizeof word);
	} else if ((blank = memchr(p + 16, ' ', (size_t)(end - p) - 16)) != NULL) {
		n = (size_t)(blank - p);
		long_words((struct slice){ p, n }, word);
	} else {
		return NULL;
	}
	if (n == 0 || (k = find_host(h, (struct slice){ p, n }, word)) == NULL)
		return NULL;
	out->host = (struct slice){ p, n };
	out->host_mark = &k->mark;
	return p + n + 1;
}

/* The usual line: such a stamp, such a host, "tag[pid]: " or "tag: ", and nothing that has to be undone.
 * False if it is any other, and then nothing was done: the long way decides. */
static inline bool
usual(struct header *h, struct slice raw, struct line *out)
{
	/* 1: always; 2: where a stamp begins, in a container's line; a letter: where that is behind it ("last message
	 * repeated") */
	static const char to_undo[256] = { ['['] = 1, ['m'] = 1, ['L'] = 1, [' '] = 1, ['l'] = 'a', ['<'] = 2, ['1'] = 2,
		['2'] = 2, ['J'] = 2, ['F'] = 2, ['M'] = 2, ['A'] = 2, ['S'] = 2, ['O'] = 2, ['N'] = 2, ['D'] = 2, ['W'] = 2,
		['T'] = 2 };
	const char *p, *end = raw.p + raw.n;
	uint32_t pid = 0;
	__m128i v;
	unsigned hits;
	size_t n = 0;
	char undo;

	if (raw.n < STAMP_ISO_BYTES || end[-1] == '\r' || (p = usual_stamp(h, raw, out)) == NULL ||
	    (p = usual_host(h, p, end, out)) == NULL || end - p < 32)
		return false;
	out->ident = (struct slice){ p, (size_t)(end - p) };
	do {	/* in those 32 */
		v = _mm_loadu_si128((const __m128i *)(const void *)(p + n));
		hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(
		    _mm_cmpeq_epi8(v, _mm_set1_epi8(':')), _mm_cmpeq_epi8(v, _mm_set1_epi8('['))),
		    _mm_cmpeq_epi8(v, _mm_set1_epi8(' '))));
		n += hits != 0 ? (unsigned)__builtin_ctz(hits) : 16;
	} while (hits == 0 && n < 32);
	out->tag = (struct slice){ p, n };
	p += n;
	if (hits == 0 || n == 0 || end - p < 16)
		return false;
	if (*p == '[') {
		p++;
		if (!usual_pid(&p, &pid))
			return false;
		p++;
	}
	/* "[ID 1 mail.info]", repeats, splogger's stamps, containers' lines and escapes go the long way */
	if (p[0] != ':' || p[1] != ' ')
		return false;
	undo = to_undo[(unsigned char)p[2]];
	if ((undo != 0 && (undo == 1 || undo == p[3] ||
	    (undo == 2 && header_may_begin((struct slice){ p + 2, (size_t)(end - p - 2) })))) ||
	    (p[2] == '1' && pid == 0) || has_escape(h, p, end))
		return false;
	shape_break(h);
	out->behind = (struct slice){ p, (size_t)(end - p) };
	out->pid = pid;
	out->text = (struct slice){ p + 2, (size_t)(end - p - 2) };
	out->note = 0;
	out->repeat = 1;
	out->repeat_of_last = out->own = out->goes_on = out->stampless = false;
	return true;
}
#else
static inline bool
usual(struct header *h, struct slice raw, struct line *out)
{
	(void)h;
	(void)raw;
	(void)out;
	return false;
}
#endif

enum header_answer
header_parse(struct header *h, struct slice raw, struct line *out)
{
	return usual(h, raw, out) ? HEADER_LINE : header_unusual(h, raw, out);
}
