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

/* The row that stands first wins, whatever stands first in the text. */
static const struct word words[] = {
	{ "dmarc", NULL, REASON_dmarc, "reject", ANY },
	{ "spf softfail", NULL, REASON_spf, "softfail", ANY },
	{ "spf permerror", NULL, REASON_spf, "permerror", ANY },
	{ "spf temperror", NULL, REASON_spf, "temperror", ANY },
	{ "spf", NULL, REASON_spf, "fail", ANY },
	{ "openspf", NULL, REASON_spf, "fail", ANY },
	{ "not designated as permitted sender", NULL, REASON_spf, "fail", ANY },
	{ "is not a designated mailserver", NULL, REASON_spf, "fail", ANY },
	{ "dkim", NULL, REASON_dkim, "fail", ANY },
	{ "greylist", NULL, REASON_greylist, "", ONLY_4 },
	{ "graylist", NULL, REASON_greylist, "", ONLY_4 },
	{ "grey list", NULL, REASON_greylist, "", ONLY_4 },
	{ "gray list", NULL, REASON_greylist, "", ONLY_4 },
	{ "grey-list", NULL, REASON_greylist, "", ONLY_4 },
	{ "postgrey", NULL, REASON_greylist, "", ONLY_4 },
	{ "come back later", NULL, REASON_greylist, "", ONLY_4 },
	{ "try again in", "second", REASON_greylist, "", ONLY_4 },
	{ "try again in", "minute", REASON_greylist, "", ONLY_4 },
	{ "please retry", NULL, REASON_greylist, "", ONLY_4 },
	{ "virus", NULL, REASON_virus, "", ANY },
	{ "viruses", NULL, REASON_virus, "", ANY },
	{ "infected", NULL, REASON_virus, "", ANY },
	{ "malware", NULL, REASON_virus, "", ANY },
	{ "trojan", NULL, REASON_virus, "", ANY },
	{ "worm", NULL, REASON_virus, "", ANY },
	{ "eicar", NULL, REASON_virus, "", ANY },
	{ "banned", NULL, REASON_attachment, "banned", ANY },
	{ "attachment", NULL, REASON_attachment, "", ANY },
	{ "attachments", NULL, REASON_attachment, "", ANY },
	{ "executable", NULL, REASON_attachment, "", ANY },
	{ "bad-header", NULL, REASON_attachment, "bad_header", ANY },
	{ "rate limit", NULL, REASON_ratelimit, "", ANY },
	{ "rate-limit", NULL, REASON_ratelimit, "", ANY },
	{ "ratelimit", NULL, REASON_ratelimit, "", ANY },
	{ "rate exceeded", NULL, REASON_ratelimit, "", ANY },
	{ "throttl", NULL, REASON_ratelimit, "", ANY },
	{ "unusual rate", NULL, REASON_ratelimit, "", ANY },
	{ "too quickly", NULL, REASON_ratelimit, "", ANY },
	{ "at a rate", NULL, REASON_ratelimit, "", ANY },
	{ "too many hops", NULL, REASON_loop, "", ANY },
	{ "too many received", NULL, REASON_loop, "", ANY },
	{ "too many recipients", NULL, REASON_ratelimit, "too_many_rcpt", ANY },
	{ "too many connections", NULL, REASON_ratelimit, "conn_count", ANY },
	{ "too many concurrent", NULL, REASON_ratelimit, "conn_count", ANY },
	{ "too many errors", NULL, REASON_ratelimit, "error_limit", ANY },
	{ "too many invalid", NULL, REASON_ratelimit, "error_limit", ANY },
	{ "too much mail", NULL, REASON_ratelimit, "msg_rate", ANY },
	{ "too many", NULL, REASON_ratelimit, "msg_rate", ANY },
	{ "limit exceeded", NULL, REASON_ratelimit, "msg_rate", ONLY_4 },
	{ "exceeded", "hour", REASON_ratelimit, "quota_sender", ANY },
	{ "exceeded", "per day", REASON_ratelimit, "quota_sender", ANY },
	{ "exceeded", "daily", REASON_ratelimit, "quota_sender", ANY },
	{ "exceeded", "messages", REASON_ratelimit, "quota_sender", ANY },
	{ "spamhaus", NULL, REASON_dnsbl, "spamhaus", ANY },
	{ "spamcop", NULL, REASON_dnsbl, "spamcop", ANY },
	{ "barracudacentral", NULL, REASON_dnsbl, "barracuda", ANY },
	{ "barracuda reputation", NULL, REASON_dnsbl, "barracuda", ANY },
	{ "barracudanetworks", NULL, REASON_dnsbl, "barracuda", ANY },
	{ "sorbs", NULL, REASON_dnsbl, "sorbs", ANY },
	{ "sbl", NULL, REASON_dnsbl, "", ANY },
	{ "xbl", NULL, REASON_dnsbl, "", ANY },
	{ "pbl", NULL, REASON_dnsbl, "", ANY },
	{ "dnsbl", NULL, REASON_dnsbl, "", ANY },
	{ "dnsbls", NULL, REASON_dnsbl, "", ANY },
	{ "rbl", NULL, REASON_dnsbl, "", ANY },
	{ "rbls", NULL, REASON_dnsbl, "", ANY },
	{ "uribl", NULL, REASON_spam_content, "url", ANY },
	{ "surbl", NULL, REASON_spam_content, "url", ANY },
	{ "dbl", NULL, REASON_spam_content, "url", ANY },
	{ "blacklist", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "black list", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "blocklist", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "block list", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "denylist", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "poor reputation", NULL, REASON_dnsbl, "", ANY },
	{ "reputation", NULL, REASON_dnsbl, "", ONLY_REMOTE },
	{ "blacklist", NULL, REASON_policy, "blacklisted", ONLY_LOCAL },
	{ "blacklisted", NULL, REASON_policy, "blacklisted", ONLY_LOCAL },
	{ "black listed url", NULL, REASON_spam_content, "url", ANY },
	{ "relay access denied", NULL, REASON_relay_denied, "", ANY },
	{ "relaying denied", NULL, REASON_relay_denied, "", ANY },
	{ "relay not permitted", NULL, REASON_relay_denied, "", ANY },
	{ "relay denied", NULL, REASON_relay_denied, "", ANY },
	{ "relaying prohibited", NULL, REASON_relay_denied, "", ANY },
	{ "relaying not allowed", NULL, REASON_relay_denied, "", ANY },
	{ "unable to relay", NULL, REASON_relay_denied, "", ANY },
	{ "not permitted to relay", NULL, REASON_relay_denied, "", ANY },
	{ "we do not relay", NULL, REASON_relay_denied, "", ANY },
	{ "we don't relay", NULL, REASON_relay_denied, "", ANY },
	{ "isn't in my list of allowed rcpthosts", NULL, REASON_relay_denied, "", ANY },
	{ "administrative prohibition", "relay", REASON_relay_denied, "", ANY },
	{ "over quota", NULL, REASON_mailbox_full, "", ANY },
	{ "overquota", NULL, REASON_mailbox_full, "", ANY },
	{ "quota exceeded", NULL, REASON_mailbox_full, "", ANY },
	{ "exceeded storage", NULL, REASON_mailbox_full, "", ANY },
	{ "exceeded its", "quota", REASON_mailbox_full, "", ANY },
	{ "quota", NULL, REASON_mailbox_full, "", ANY },
	{ "mailbox full", NULL, REASON_mailbox_full, "", ANY },
	{ "mailbox is full", NULL, REASON_mailbox_full, "", ANY },
	{ "inbox is full", NULL, REASON_mailbox_full, "", ANY },
	{ "mailfolder is full", NULL, REASON_mailbox_full, "", ANY },
	{ "out of storage", NULL, REASON_mailbox_full, "", ANY },
	{ "insufficient system storage", NULL, REASON_resource, "disk", ANY },
	{ "insufficient disk space", NULL, REASON_resource, "disk", ANY },
	{ "no space left", NULL, REASON_resource, "disk", ANY },
	{ "out of disk", NULL, REASON_resource, "disk", ANY },
	{ "message size", NULL, REASON_size, "", ANY },
	{ "message too big", NULL, REASON_size, "", ANY },
	{ "message too large", NULL, REASON_size, "", ANY },
	{ "message file too big", NULL, REASON_size, "", ANY },
	{ "too large", NULL, REASON_size, "", ANY },
	{ "exceeds size limit", NULL, REASON_size, "", ANY },
	{ "exceeds maximum", "size", REASON_size, "", ANY },
	{ "sender verify failed", NULL, REASON_unknown_sender, "verify", ANY },
	{ "sender address rejected", NULL, REASON_unknown_sender, "", ONLY_REMOTE },
	{ "sender address", "not exist", REASON_unknown_sender, "address", ANY },
	{ "sender domain", NULL, REASON_unknown_sender, "domain", ANY },
	{ "domain of sender", NULL, REASON_unknown_sender, "domain", ANY },
	{ "sender unknown", NULL, REASON_unknown_sender, "address", ANY },
	{ "invalid sender", NULL, REASON_unknown_sender, "address", ANY },
	{ "bad sender", NULL, REASON_unknown_sender, "address", ANY },
	{ "user unknown", NULL, REASON_unknown_rcpt, "", ANY },
	{ "unknown user", NULL, REASON_unknown_rcpt, "", ANY },
	{ "unknown recipient", NULL, REASON_unknown_rcpt, "", ANY },
	{ "unknown address", NULL, REASON_unknown_rcpt, "", ANY },
	{ "unknown mailbox", NULL, REASON_unknown_rcpt, "", ANY },
	{ "recipient unknown", NULL, REASON_unknown_rcpt, "", ANY },
	{ "recipient not found", NULL, REASON_unknown_rcpt, "", ANY },
	{ "recipient address rejected", NULL, REASON_unknown_rcpt, "", ONLY_REMOTE },
	{ "recipient rejected", NULL, REASON_unknown_rcpt, "", ANY },
	{ "recipient cannot be verified", NULL, REASON_unknown_rcpt, "verify", ANY },
	{ "no such user", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no such recipient", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no such mailbox", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no such address", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no such local user", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no mailbox here", NULL, REASON_unknown_rcpt, "", ANY },
	{ "no mailbox by that name", NULL, REASON_unknown_rcpt, "", ANY },
	{ "does not exist", NULL, REASON_unknown_rcpt, "", ANY },
	{ "doesn't exist", NULL, REASON_unknown_rcpt, "", ANY },
	{ "invalid recipient", NULL, REASON_unknown_rcpt, "", ANY },
	{ "invalid mailbox", NULL, REASON_unknown_rcpt, "", ANY },
	{ "invalid address", NULL, REASON_unknown_rcpt, "", ANY },
	{ "bad destination", NULL, REASON_unknown_rcpt, "", ANY },
	{ "mailbox unavailable", NULL, REASON_unknown_rcpt, "", ANY },
	{ "mailbox not found", NULL, REASON_unknown_rcpt, "", ANY },
	{ "mailbox not available", NULL, REASON_unknown_rcpt, "", ANY },
	{ "mailbox disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "mailbox is disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "mailbox is inactive", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "account is disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "account disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "account has been disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ANY },
	{ "unrouteable address", NULL, REASON_unknown_rcpt, "", ANY },
	{ "undeliverable address", NULL, REASON_unknown_rcpt, "verify", ANY },
	{ "not our customer", NULL, REASON_unknown_rcpt, "", ANY },
	{ "cannot find your", NULL, REASON_rdns, "unverified", ANY },
	{ "reverse dns", NULL, REASON_rdns, "", ANY },
	{ "reverse hostname", NULL, REASON_rdns, "no_ptr", ANY },
	{ "rdns", NULL, REASON_rdns, "", ANY },
	{ "ptr", NULL, REASON_rdns, "no_ptr", ANY },
	{ "forward-confirmed", NULL, REASON_rdns, "unverified", ANY },
	{ "forward confirmed", NULL, REASON_rdns, "unverified", ANY },
	{ "possibly forged", NULL, REASON_rdns, "unverified", ANY },
	{ "you are not me", NULL, REASON_helo, "own_name", ANY },
	{ "you claim to be me", NULL, REASON_helo, "own_name", ANY },
	{ "helo is my", NULL, REASON_helo, "own_name", ANY },
	{ "helo", NULL, REASON_helo, "", ANY },
	{ "ehlo", NULL, REASON_helo, "", ANY },
	{ "bogus helo", NULL, REASON_helo, "invalid", ANY },
	{ "dynamic", NULL, REASON_generic_host, "dynamic", ANY },
	{ "dynamically", NULL, REASON_generic_host, "dynamic", ANY },
	{ "dialup", NULL, REASON_generic_host, "dialup", ANY },
	{ "dial-up", NULL, REASON_generic_host, "dialup", ANY },
	{ "dsl", NULL, REASON_generic_host, "dynamic", ANY },
	{ "dhcp", NULL, REASON_generic_host, "dynamic", ANY },
	{ "pool", NULL, REASON_generic_host, "dynamic", ONLY_LOCAL },
	{ "residential", NULL, REASON_generic_host, "dynamic", ANY },
	{ "generic", NULL, REASON_generic_host, "dynamic", ONLY_LOCAL },
	{ "starttls", NULL, REASON_tls_required, "", ANY },
	{ "tls required", NULL, REASON_tls_required, "", ANY },
	{ "tls is required", NULL, REASON_tls_required, "", ANY },
	{ "encryption required", NULL, REASON_tls_required, "", ANY },
	{ "encryption is required", NULL, REASON_tls_required, "", ANY },
	{ "encryption needed", NULL, REASON_tls_required, "", ANY },
	{ "authentication failed", NULL, REASON_auth_failed, "", ANY },
	{ "authentication credentials invalid", NULL, REASON_auth_failed, "", ANY },
	{ "not owned by user", NULL, REASON_auth_failed, "sender_login_mismatch", ANY },
	{ "not logged in", NULL, REASON_auth_failed, "sender_login_mismatch", ANY },
	{ "authentication required", NULL, REASON_auth_required, "", ANY },
	{ "authentication is required", NULL, REASON_auth_required, "", ANY },
	{ "not authenticated", NULL, REASON_auth_required, "", ANY },
	{ "must authenticate", NULL, REASON_auth_required, "", ANY },
	{ "must be authenticated", NULL, REASON_auth_required, "", ANY },
	{ "smtp auth", NULL, REASON_auth_required, "", ANY },
	{ "unauthenticated", NULL, REASON_auth_required, "", ANY },
	{ "spam", NULL, REASON_spam_content, "", ANY },
	{ "spammy", NULL, REASON_spam_content, "", ANY },
	{ "spamassassin", NULL, REASON_spam_content, "filter", ANY },
	{ "gtube", NULL, REASON_spam_content, "filter", ANY },
	{ "unsolicited", NULL, REASON_spam_content, "", ANY },
	{ "junk", NULL, REASON_spam_content, "", ANY },
	{ "bulk", NULL, REASON_spam_content, "", ANY },
	{ "phish", NULL, REASON_spam_content, "", ANY },
	{ "scam", NULL, REASON_spam_content, "", ANY },
	{ "content rejected", NULL, REASON_spam_content, "", ANY },
	{ "message content", NULL, REASON_spam_content, "", ANY },
	{ "message blocked", NULL, REASON_spam_content, "", ANY },
	{ "content", "rejected", REASON_spam_content, "", ANY },
	{ "content", "blocked", REASON_spam_content, "", ANY },
	{ "message contains", NULL, REASON_spam_content, "", ANY },
	{ "loop", NULL, REASON_loop, "", ANY },
	{ "loops", NULL, REASON_loop, "", ANY },
	{ "hop count", NULL, REASON_loop, "", ANY },
	{ "hopcount", NULL, REASON_loop, "", ANY },
	{ "too long in the queue", NULL, REASON_expired, "", ANY },
	{ "too long in queue", NULL, REASON_expired, "", ANY },
	{ "host not found", NULL, REASON_dns, "", ANY },
	{ "domain not found", NULL, REASON_dns, "nxdomain", ANY },
	{ "name service error", NULL, REASON_dns, "", ANY },
	{ "dns", NULL, REASON_dns, "", ANY },
	{ "pipelining", NULL, REASON_protocol, "pipelining", ANY },
	{ "bare <lf>", NULL, REASON_protocol, "bare_lf", ANY },
	{ "synchronization", NULL, REASON_protocol, "sync", ANY },
	{ "syntax error", NULL, REASON_protocol, "syntax", ANY },
	{ "bad syntax", NULL, REASON_protocol, "syntax", ANY },
	{ "protocol error", NULL, REASON_protocol, "", ANY },
	{ "bad sequence", NULL, REASON_protocol, "bad_sequence", ANY },
	{ "server local data error", NULL, REASON_resource, "lookup", ANY },
	{ "temporary lookup failure", NULL, REASON_resource, "lookup", ANY },
	{ "configuration error", NULL, REASON_resource, "config", ANY },
	{ "configuration problem", NULL, REASON_resource, "config", ANY },
	{ "load average", NULL, REASON_resource, "load", ANY },
	{ "too much load", NULL, REASON_resource, "load", ANY },
	{ "overloaded", NULL, REASON_resource, "load", ANY },
	{ "busy", NULL, REASON_resource, "load", ANY },
	{ "internal error", NULL, REASON_resource, "", ANY },
	{ "service unavailable", NULL, REASON_resource, "", ONLY_4 },
	{ "service not available", NULL, REASON_resource, "", ONLY_4 },
	{ "service currently unavailable", NULL, REASON_resource, "", ONLY_4 },
	{ "local error", NULL, REASON_resource, "", ANY },
	{ "lookup failure", NULL, REASON_resource, "lookup", ANY },
	{ "try again", NULL, REASON_greylist, "", ONLY_4 },
	{ "try later", NULL, REASON_greylist, "", ONLY_4 },
	{ "blocked", NULL, REASON_policy, "blacklisted", ANY },
	{ "banned by policy", NULL, REASON_policy, "", ANY },
	{ "access denied", NULL, REASON_policy, "access_map", ANY },
	{ "not allowed", NULL, REASON_policy, "", ANY },
	{ "not authorized", NULL, REASON_policy, "", ANY },
	{ "not permitted", NULL, REASON_policy, "", ANY },
	{ "prohibited", NULL, REASON_policy, "", ANY },
	{ "policy", NULL, REASON_policy, "", ANY },
	{ "disabled", NULL, REASON_unknown_rcpt, "mailbox_disabled", ONLY_REMOTE },
};

enum { WORDS = sizeof words / sizeof words[0] };

/* Rows by their first letter, in order, so that a text costs one look per word
 * and not one per row. Filled before main and constant from then on. */
enum { END = 255 };
static unsigned char row_first[26], row_next[WORDS];
_Static_assert((int)WORDS < (int)END, "row numbers are bytes");

__attribute__((constructor)) static void
index_words(void)
{
	memset(row_first, END, sizeof row_first);
	for (int i = WORDS - 1; i >= 0; i--) {
		int letter = words[i].text[0] - 'a';

		row_next[i] = row_first[letter];
		row_first[letter] = (unsigned char)i;
	}
}

static inline char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool
word_here(const struct word *w, struct slice s)
{
	size_t i = 0;

	for (; w->text[i] != '\0'; i++)
		if (i == s.n || lower(s.p[i]) != w->text[i])
			return false;
	/* a short word must also end here: "dsl", not "dsleeps" */
	if (i <= 4 && i < s.n && is_alnum(s.p[i]))
		return false;
	return w->also == NULL || slice_find_nocase(slice_from(s, i), slice_of(w->also)) >= 0;
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
		char c = lower(text.p[i]);

		if (c == '<') {
			const char *end = memchr(text.p + i, '>', text.n - i);

			if (end != NULL)
				i = (size_t)(end - text.p);
			continue;
		}
		if (c < 'a' || c > 'z' || (i > 0 && is_alnum(text.p[i - 1])))
			continue;
		for (unsigned r = row_first[c - 'a']; r < best; r = row_next[r])
			if (fits(&words[r], code, remote) &&
			    word_here(&words[r], slice_from(text, i)))
				best = r;
	}
	return best < WORDS ? &words[best] : NULL;
}

/* "zen.example.org" at the front of s, with a dot, or empty. A leading label that is
 * a customer's secret key is not given out. */
static struct slice
zone_at(struct slice s)
{
	size_t n = 0, dots = 0, first;

	while (n < s.n && (is_alnum(s.p[n]) || s.p[n] == '.' || s.p[n] == '-' || s.p[n] == '_'))
		n++;
	while (n > 0 && s.p[n - 1] == '.')
		n--;
	s.n = n;
	for (size_t i = 0; i < n; i++)
		dots += s.p[i] == '.';
	if (dots == 0)
		return slice_head(s, 0);
	for (first = 0; s.p[first] != '.';)
		first++;
	if (first >= 20 && dots >= 2)
		s = slice_from(s, first + 1);
	return s;
}

struct slice
reason_zone(struct slice text)
{
	static const struct slice heads[] = {
		{ " blocked using ", 15 }, { " listed at ", 11 }, { " listed in ", 11 },
		{ " black list at ", 15 }, { " listed by ", 11 }, { " found in ", 10 },
	};

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		ptrdiff_t at = slice_find(text, heads[i]);
		struct slice zone;

		if (at < 0)
			continue;
		zone = zone_at(slice_from(text, (size_t)at + heads[i].n));
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

	if (!slice_u64(&dsn, &cls) || !slice_eat_char(&dsn, '.') || !slice_u64(&dsn, &subject) ||
	    !slice_eat_char(&dsn, '.') || !slice_u64(&dsn, &detail) || subject > 9 || detail > 99)
		return 0;
	return (unsigned)(subject * 100 + detail);
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
vague_code(unsigned dsn, unsigned code, struct slice *sub)
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
	case 3: return REASON_resource;
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

enum reason
reason_of_text(struct slice text, struct slice dsn, unsigned code, bool remote, struct slice *sub)
{
	unsigned number = dsn_number(dsn);
	const struct word *w;
	enum reason cls;

	if (code == 0 && dsn.n > 0 && (dsn.p[0] == '4' || dsn.p[0] == '5'))
		code = (unsigned)(dsn.p[0] - '0') * 100;
	*sub = reason_zone(text);
	if (sub->n > 0)
		return REASON_dnsbl;
	cls = clear_code(number, sub);
	if (cls != REASON_none && cls != REASON_spf)
		return cls;
	w = best_word(text, code, remote);
	if (cls == REASON_spf && (w == NULL || w->cls != REASON_spf))
		return cls;
	if (w != NULL) {
		*sub = slice_of(w->sub);
		if (remote && w->cls == REASON_greylist)
			*sub = SLICE("remote");
		return w->cls;
	}
	return vague_code(number, code, sub);
}

bool
address_is_loopback(struct slice ip)
{
	if (ip.n < 3 || (ip.p[0] != '1' && ip.p[0] != ':'))
		return false;
	if (ip.n > 7 && slice_eq_nocase(slice_head(ip, 7), SLICE("::ffff:")))
		ip = slice_from(ip, 7);
	if (slice_starts(ip, SLICE("127.")))
		return true;
	return slice_eq(ip, SLICE("::1"));
}
