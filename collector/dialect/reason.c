/* reason.c - what a refusal's text means.
 *
 * Texts of refusals come from maps, policy services, milters and other people's
 * servers; no two agree. So: fixed texts of known programs, then enhanced status
 * codes that mean one thing only, then words, then the vague codes. Words are
 * looked for where words begin, in either case, in one pass over the text. */
#include "dialect/dialect.h"

#include "poison.h"

enum {
	ANY = 0,
	ONLY_4 = 1,	/* a 4xx reply only */
	ONLY_REMOTE = 2,	/* another server's answer to us only */
	ONLY_LOCAL = 4
};

struct word {
	const char *text;	/* lower case, begins where a word begins */
	const char *also;	/* and this must follow somewhere, NULL: nothing */
	enum reason cls;
	const char *sub;
	int when;
};

static const struct word words[] = {
#define WORD(text, also, cls, sub, when) { text, also, REASON_##cls, sub, when },
#include "reason_words.def"
#undef WORD
};

enum { WORDS = sizeof words / sizeof words[0] };

/* Rows by their first letter, in order, so that a text costs one look per word
 * and not one per row. Filled before main and constant from then on. */
enum { END = UINT16_MAX };
static uint16_t row_first[26], row_next[WORDS];

__attribute__((constructor)) static void
index_words(void)
{
	for (int i = 0; i < 26; i++)
		row_first[i] = END;
	for (int i = WORDS - 1; i >= 0; i--) {
		int letter = words[i].text[0] - 'a';

		row_next[i] = row_first[letter];
		row_first[letter] = (uint16_t)i;
	}
}

static bool
word_here(const struct word *w, struct slice s)
{
	size_t i = 0;

	for (; w->text[i] != '\0'; i++)
		if (i == s.n || slice_lower(s.p[i]) != w->text[i])
			return false;
	/* a short word must also end here: "dsl", not "dsleeps" */
	if (i <= 4 && i < s.n && slice_is_alnum(s.p[i]))
		return false;
	return w->also == NULL ||
	       slice_find_nocase(slice_from(s, i), slice_of(w->also)) >= 0;
}

static bool
fits(const struct word *w, unsigned code, bool remote)
{
	if (w->when == ONLY_4)
		return code / 100 == 4;
	if (w->when == ONLY_REMOTE)
		return remote;
	return w->when != ONLY_LOCAL || !remote;
}

/* The best row that the text has, or NULL. Addresses in <> are no words. */
static const struct word *
best_word(struct slice text, unsigned code, bool remote)
{
	unsigned best = WORDS;

	for (size_t i = 0; i < text.n; i++) {
		char c = slice_lower(text.p[i]);

		if (c == '<') {
			const char *end = memchr(text.p + i, '>', text.n - i);

			if (end != NULL)
				i = (size_t)(end - text.p);
			continue;
		}
		if (c < 'a' || c > 'z' || (i > 0 && slice_is_alnum(text.p[i - 1])))
			continue;
		for (unsigned r = row_first[c - 'a']; r < best; r = row_next[r])
			if (fits(&words[r], code, remote) &&
			    word_here(&words[r], slice_from(text, i)))
				best = r;
	}
	return best < WORDS ? &words[best] : NULL;
}

struct slice
reason_zone_here(struct slice s)
{
	size_t n = 0, dots = 0, first = 0;

	for (; n < s.n; n++) {
		char c = s.p[n];

		if (slice_is_alnum(c))
			continue;
		if (c == '.')
			first = dots++ == 0 ? n : first;
		else if (c != '-' && c != '_')
			break;
	}
	while (n > 0 && s.p[n - 1] == '.') {
		n--;
		dots--;
	}
	s.n = n;
	if (dots == 0)
		return slice_head(s, 0);
	return first >= 20 && dots >= 2 ? slice_from(s, first + 1) : s;
}

struct slice
reason_zone(struct slice text)
{
	static const struct slice heads[] = {
		{ "blocked using ", 14 }, { "listed at ", 10 }, { "listed in ", 10 },
		{ "black list at ", 14 }, { "listed by ", 10 }, { "found in ", 9 },
		{ "blackhole site ", 15 },
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		ptrdiff_t at = slice_find(text, heads[i]);
		struct slice zone;

		if (at < 0 || (at > 0 && text.p[at - 1] != ' '))
			continue;
		zone = reason_zone_here(slice_from(text, (size_t)at + heads[i].n));
		if (zone.n > 0)
			return zone;
	}
	return slice_head(text, 0);
}

/* "5.7.26" as 726; 0 if it is none. */
static unsigned
dsn_number(struct slice dsn)
{
	uint64_t cls, subject, detail;

	if (!slice_u64(&dsn, &cls) || !slice_eat_char(&dsn, '.') ||
	    !slice_u64(&dsn, &subject) || !slice_eat_char(&dsn, '.') ||
	    !slice_u64(&dsn, &detail) || subject > 9)
		return 0;
	/* some invent details ("5.7.606"): the subject still says something */
	return (unsigned)(subject * 100 + (detail < 99 ? detail : 99));
}

static enum reason
answer(struct slice *sub, enum reason cls, struct slice name)
{
	*sub = name;
	return cls;
}

/* Codes that say one thing only (RFC 3463 and the registry of RFC 5248). */
static enum reason
clear_code(unsigned dsn, struct slice *sub)
{
	switch (dsn) {
	case 101: case 103: case 106:
		return answer(sub, REASON_unknown_rcpt, SLICE(""));
	case 102: case 110:
		return answer(sub, REASON_unknown_rcpt, SLICE("domain"));
	case 107: return answer(sub, REASON_unknown_sender, SLICE("address"));
	case 108: return answer(sub, REASON_unknown_sender, SLICE("domain"));
	case 202: return answer(sub, REASON_mailbox_full, SLICE(""));
	case 203: case 304:
		return answer(sub, REASON_size, SLICE(""));
	case 301: return answer(sub, REASON_resource, SLICE("disk"));
	case 305: return answer(sub, REASON_resource, SLICE("config"));
	case 403: return answer(sub, REASON_dns, SLICE(""));
	case 406: return answer(sub, REASON_loop, SLICE(""));
	case 407: return answer(sub, REASON_expired, SLICE(""));
	case 720: case 721: case 722:
		return answer(sub, REASON_dkim, SLICE("fail"));
	case 723: case 724:
		return answer(sub, REASON_spf, SLICE("fail"));
	case 725: return answer(sub, REASON_rdns, SLICE("unverified"));
	case 726: case 729:
		return answer(sub, REASON_dmarc, SLICE("reject"));
	case 727: return answer(sub, REASON_unknown_sender, SLICE("nullmx"));
	case 728: return answer(sub, REASON_ratelimit, SLICE(""));
	}
	return REASON_none;
}

/* What is left to say when no word was found. */
static enum reason
vague_code(unsigned dsn, unsigned code, bool remote, struct slice *sub)
{
	*sub = SLICE("");
	switch (dsn) {
	case 100: return REASON_unknown_rcpt;
	case 201: return answer(sub, REASON_unknown_rcpt, SLICE("mailbox_disabled"));
	case 401: case 402:
		return REASON_remote_conn;
	case 404: return REASON_dns;
	case 405: return answer(sub, REASON_resource, SLICE("load"));
	case 703: case 704: case 705: case 710:
		return REASON_tls_required;
	case 708: case 714:
		return REASON_auth_failed;
	case 709: case 711:
		return REASON_auth_required;
	}
	switch (dsn / 100) {
	case 2:
		if (remote)
			break;	/* theirs to know */
		return answer(sub, REASON_resource, SLICE("mailbox"));
	case 3:	/* x.3.0 of another server is its way to say nothing */
		return remote && dsn == 300 ? REASON_other : REASON_resource;
	case 5: return REASON_protocol;
	case 6: return answer(sub, REASON_protocol, SLICE("mime"));
	case 7: return REASON_policy;
	}
	if (code >= 500 && code <= 504)
		return REASON_protocol;
	if (code == 530)
		return REASON_auth_required;
	if (code == 535)
		return REASON_auth_failed;
	return REASON_other;
}

enum { TEXT_MAX = 2048 };	/* Postfix cuts its lines there */

static struct slice
spf_result(struct slice text)
{
	static const struct {
		const char *text, *result;
	} results[] = {
		{ "softfail", "softfail" }, { "permerror", "permerror" }, { "temperror", "temperror" },
		{ "SPF Permanent Error", "permerror" }, { "SPF Temporary Error", "temperror" },	/* pypolicyd-spf */
	};

	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
		if (slice_has(text, slice_of(results[i].text)))
			return slice_of(results[i].result);
	return SLICE("fail");
}

enum reason
reason_of_text(
    struct slice text, struct slice dsn, unsigned code, bool remote, struct slice *sub)
{
	unsigned number = dsn_number(dsn);
	const struct word *w;
	enum reason cls;

	text = slice_head(text, TEXT_MAX);
	if (code == 0 && dsn.n > 0 && (dsn.p[0] == '4' || dsn.p[0] == '5'))
		code = (unsigned)(dsn.p[0] - '0') * 100;
	cls = clear_code(number, sub);
	if (cls == REASON_spf)
		*sub = spf_result(text);
	if (cls != REASON_none)
		return cls;
	*sub = reason_zone(text);
	if (sub->n > 0)
		return REASON_dnsbl;
	w = best_word(text, code, remote);
	if (w != NULL) {
		*sub = slice_of(w->sub);
		if (remote && w->cls == REASON_greylist)
			*sub = SLICE("remote");
		return w->cls;
	}
	return vague_code(number, code, remote, sub);
}

bool
address_is_loopback_6(struct slice ip)
{
	return slice_eq(ip, SLICE("::1")) || (slice_eq_nocase(slice_head(ip, 7), SLICE("::ffff:")) &&
	    slice_starts(slice_from(ip, 7), SLICE("127.")));
}
