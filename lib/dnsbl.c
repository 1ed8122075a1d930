/* dnsbl.c - read the table of block lists, and read answers by it. See dnsbl.h. */
#include "dnsbl.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"

enum { TABLE_BYTES = 1 << 20, ROWS_MAX = 2000, CODES_MAX = 64 };

/* --- patterns ---------------------------------------------------------------------------- */

/* "2", or "[2..11;30]". */
static bool
take_byte(struct slice *s, unsigned char byte, bool *hit)
{
	bool many = slice_eat_char(s, '[');

	*hit = false;
	do {
		uint64_t from, to;

		if (!slice_u64(s, &from))
			return false;
		to = from;
		if (many && slice_eat(s, SLICE("..")) && !slice_u64(s, &to))
			return false;
		if (from > to || to > 255)
			return false;
		*hit = *hit || (byte >= from && byte <= to);
	} while (many && slice_eat_char(s, ';'));
	return !many || slice_eat_char(s, ']');
}

static bool
match_one(struct slice pattern, const unsigned char ip[4], bool *good)
{
	bool all = true, hit;

	for (int i = 0; i < 4; i++) {
		if ((i > 0 && !slice_eat_char(&pattern, '.')) || !take_byte(&pattern, ip[i], &hit)) {
			*good = false;
			return false;
		}
		all = all && hit;
	}
	*good = *good && pattern.n == 0;
	return all;
}

bool
dnsbl_match(struct slice patterns, const unsigned char ip[4], bool *good)
{
	struct slice one;
	bool any = false;

	*good = true;
	do {
		(void)slice_next(&patterns, ',', &one);
		any = match_one(slice_trim(one), ip, good) || any;
	} while (patterns.n > 0);
	return any && *good;
}

/* --- the file ----------------------------------------------------------------------------- */

/* The first word, and what follows it without blanks. */
static struct slice
take_word(struct slice *s)
{
	struct slice rest = slice_trim(*s), word = slice_head(rest, slice_until(rest, ' ', '\t'));

	*s = slice_trim(slice_from(rest, word.n));
	return word;
}

/* "ip4 ip6" as bits; 0: a word is wrong. */
static unsigned
kinds_of(struct slice words)
{
	static const struct {
		const char *word;
		unsigned bit;
	} kinds[] = { { "ip4", DNSBL_IP4 }, { "ip6", DNSBL_IP6 }, { "domain", DNSBL_DOMAIN },
		{ "allow", DNSBL_ALLOW } };
	unsigned all = 0;

	while (words.n > 0) {
		struct slice word = take_word(&words);
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (slice_eq(word, slice_of(kinds[i].word)))
				bit = kinds[i].bit;
		if (bit == 0)
			return 0;
		all |= bit;
	}
	return all & ~(unsigned)DNSBL_ALLOW ? all : 0;
}

static bool
begin_list(struct dnsbl_table *t, struct slice rest, struct err *e)
{
	struct slice zone = take_word(&rest);
	struct dnsbl_row row = { .kinds = kinds_of(rest), .what = "", .by = "", .removal = "" };

	if (zone.n == 0 || row.kinds == 0)
		return err_set(e, "a list has a zone and one or more of ip4, ip6, domain, allow");
	if (t->rows >= ROWS_MAX)
		return err_set(e, "there are more than %d lists", ROWS_MAX);
	row.zone = arena_strdup(&t->memory, zone);
	t->row = xreallocarray(t->row, t->rows + 1, sizeof *t->row);
	t->row[t->rows++] = row;
	return true;
}

/* "127.0.0.[10..11] 0.5 in words", "bit 64 in words" */
static bool
add_code(struct dnsbl_table *t, struct dnsbl_row *row, enum dnsbl_says says, struct slice rest,
    struct err *e)
{
	struct dnsbl_code c = { .says = says, .weight = 1, .pattern = "127.0.0.[0..255]" };
	struct slice first = take_word(&rest), more = rest, number;
	uint64_t bit;
	double weight;
	bool good = true;

	if (slice_eq(first, SLICE("bit"))) {
		number = take_word(&rest);
		if (!slice_u64(&number, &bit) || number.n > 0 || bit == 0 || bit > 128 || (bit & (bit - 1)) != 0)
			return err_set(e, "a bit is 1, 2, 4 and so on up to 128");
		c.bit = (unsigned)bit;
		more = rest;
	} else {
		c.pattern = arena_strdup(&t->memory, first);
		(void)dnsbl_match(first, (const unsigned char[4]){ 0 }, &good);
		if (!good)
			return err_set(e, "a code is like 127.0.0.2, 127.0.0.[2..11], or \"bit 64\"");
	}
	number = take_word(&more);
	if (slice_decimal(&number, &weight) && number.n == 0) {
		c.weight = weight;
		rest = more;
	}
	c.words = arena_strdup(&t->memory, rest);
	if (row->codes >= CODES_MAX)
		return err_set(e, "a list has at most %d codes", CODES_MAX);
	row->code = xreallocarray(row->code, row->codes + 1, sizeof *row->code);
	row->code[row->codes++] = c;
	return true;
}

static bool
take_dead(struct dnsbl_table *t, struct dnsbl_row *row, struct slice rest)
{
	row->dead = arena_strdup(&t->memory, take_word(&rest));
	row->dead_words = arena_strdup(&t->memory, rest);
	return row->dead[0] != '\0';
}

static bool
take_line(struct dnsbl_table *t, struct slice line, struct err *e)
{
	static const struct {
		const char *word;
		size_t at;
	} texts[] = { { "what", offsetof(struct dnsbl_row, what) }, { "by", offsetof(struct dnsbl_row, by) },
		{ "removal", offsetof(struct dnsbl_row, removal) },
		{ "test", offsetof(struct dnsbl_row, test) }, { "clean", offsetof(struct dnsbl_row, clean) } };
	static const struct {
		const char *word;
		enum dnsbl_says says;
	} codes[] = { { "listed", DNSBL_LISTED }, { "blocked", DNSBL_BLOCKED }, { "nothing", DNSBL_NOTHING } };
	struct slice rest = line, key = take_word(&rest);
	struct dnsbl_row *row = t->rows > 0 ? &t->row[t->rows - 1] : NULL;

	if (key.n == 0 || key.p[0] == '#')
		return true;
	if (slice_eq(key, SLICE("list")))
		return begin_list(t, rest, e);
	if (row == NULL)
		return err_set(e, "a line \"list ZONE\" comes first");
	if (slice_eq(key, SLICE("dead")))
		return take_dead(t, row, rest) || err_set(e, "dead since when? YYYY-MM-DD, then words");
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (slice_eq(key, slice_of(codes[i].word)))
			return add_code(t, row, codes[i].says, rest, e);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *text = arena_strdup(&t->memory, rest);

		if (!slice_eq(key, slice_of(texts[i].word)))
			continue;
		memcpy((char *)row + texts[i].at, &text, sizeof text);
		return true;
	}
	return err_set(e, "there is no \"%.*s\"; there are: list, what, by, removal, test, clean, "
	    "listed, blocked, nothing, dead", (int)slice_head(key, 60).n, key.p);
}

bool
dnsbl_read(struct dnsbl_table *t, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text = f != NULL ? xmalloc(TABLE_BYTES) : NULL;
	struct slice all = { text, f != NULL ? fread(text, 1, TABLE_BYTES, f) : 0 }, line;
	struct err why = { "" };
	unsigned number = 0;
	bool good = f != NULL && !ferror(f) && all.n < TABLE_BYTES;

	if (!good)
		err_set(e, "%s: %s", path, all.n == TABLE_BYTES ? "is larger than 1 MB" : strerror(errno));
	while (good && slice_next(&all, '\n', &line)) {
		number++;
		good = take_line(t, line, &why) || err_set(e, "%s:%u: %s", path, number, why.text);
	}
	if (f != NULL)
		fclose(f);
	free(text);
	return good;
}

void
dnsbl_free(struct dnsbl_table *t)
{
	for (size_t i = 0; i < t->rows; i++)
		free(t->row[i].code);
	free(t->row);
	arena_free(&t->memory);
	*t = (struct dnsbl_table){ .rows = 0 };
}

/* --- reading answers ------------------------------------------------------------------------ */

static bool
is_row_of(const struct dnsbl_row *row, struct slice zone)
{
	struct slice name = slice_of(row->zone);

	if (!slice_eat_char(&name, '*'))
		return slice_eq_nocase(name, zone);
	return name.n == 0 || (zone.n > name.n && slice_eq_nocase(slice_from(zone, zone.n - name.n), name));
}

static struct dnsbl_code other_codes[] = {
	{ .says = DNSBL_BLOCKED, .pattern = "127.255.255.[0..255]",
	    .words = "error code: the resolver is blocked or over its quota" },
	{ .says = DNSBL_BLOCKED, .pattern = "127.0.0.1", .words = "error code: the resolver is blocked" },
	{ .says = DNSBL_LISTED, .pattern = "127.[0..255].[0..255].[0..255]", .weight = 1, .words = "" }
};
static const struct dnsbl_row others = { .zone = "*", .kinds = DNSBL_IP, .what = "", .by = "", .removal = "",
	.code = other_codes, .codes = sizeof other_codes / sizeof *other_codes };

const struct dnsbl_row *
dnsbl_row(const struct dnsbl_table *t, struct slice zone)
{
	const struct dnsbl_row *best = &others;
	bool found = false;

	for (size_t i = t->rows; i > 0; i--) {
		const struct dnsbl_row *row = &t->row[i - 1];

		/* the longest name is the most exact; of two the later one */
		if (!is_row_of(row, zone) || (found && strlen(row->zone) <= strlen(best->zone)))
			continue;
		best = row;
		found = true;
	}
	return best;
}

bool
dnsbl_next(const struct dnsbl_row *row, const unsigned char ip[4], size_t *at,
    struct dnsbl_reading *reading)
{
	bool first = *at == 0, good;

	*reading = (struct dnsbl_reading){ .says = ip[0] == 127 ? DNSBL_STRANGE : DNSBL_OUTSIDE };
	if (*at > row->codes)
		return false;
	while (ip[0] == 127 && *at < row->codes) {
		const struct dnsbl_code *c = &row->code[(*at)++];

		if (!dnsbl_match(slice_of(c->pattern), ip, &good) || (c->bit != 0 && (ip[3] & c->bit) == 0))
			continue;
		*reading = (struct dnsbl_reading){ c->says, c };
		if (c->bit == 0)
			*at = row->codes + 1;
		return true;
	}
	*at = row->codes + 1;
	return first;
}
