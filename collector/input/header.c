/* header.c - see header.h.
 *
 * Any line, part by part; most need not come here (header_usual.c). */
#include "input/header.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "input/shape.h"
#include "mem.h"

#include "poison.h"

struct header *
header_new(const char *zone, int year, int64_t now, struct slice host, struct err *e)
{
	const struct zone *z = zone_get(zone, e);
	struct header *h;

	if (z == NULL)
		return NULL;
	h = xcalloc(1, sizeof *h);
	*h = (struct header){
		.stamps = { .zone = z, .clocked = year == 0, .year = year, .now = now },
		.host = { xslicedup(host), host.n },
		.scratch = buf_new(SCRATCH_MAX),
		.fields.text = buf_new(SCRATCH_MAX),
		.inner = buf_new(SCRATCH_MAX),
		.partial = { buf_new(SCRATCH_MAX), buf_new(SCRATCH_MAX) },
		.known_places = HOSTS_FEW,
		.known = xcalloc(HOSTS_FEW + HOST_PLACES, sizeof *h->known),
	};
	return h;
}

void
header_free(struct header *h)
{
	if (h == NULL)
		return;
	free((char *)(uintptr_t)h->host.p);
	buf_free(&h->scratch);
	buf_free(&h->fields.text);
	buf_free(&h->inner);
	buf_free(&h->partial[0]);
	buf_free(&h->partial[1]);
	free(h->known);
	free(h);
}

void
header_began_in(struct header *h, int year)
{
	h->stamps.year = year;
}

bool
header_years_torn(const struct header *h)
{
	return h->stamps.torn >= STAMP_TORN;
}

void
header_live(struct header *h, int64_t now, int64_t ahead_s)
{
	h->stamps.live = h->stamps.clocked;
	h->stamps.ahead_s = ahead_s;
	header_clock(h, now);
}

void
header_clock(struct header *h, int64_t now)
{
	h->stamps.now = now;
	h->stamps.bsd_key[0] = '\0';	/* the same minute may be of another year now */
}

void
header_within(struct header *h, struct slice all)
{
	const char *at = all.n > 0 ? memchr(all.p, '#', all.n) : NULL;

	h->clean = at != NULL ? slice_head(all, (size_t)(at - all.p)) : all;
}

int64_t
header_newest(const struct header *h)
{
	return h->stamps.newest;
}

void
header_set_newest(struct header *h, int64_t newest)
{
	h->stamps.newest = newest;
	if (newest != 0)
		h->stamps.year = 0;
	h->stamps.bsd_key[0] = '\0';
}

/* --- escapes and repeats --------------------------------------------------------- */

/* rsyslog writes control characters, and bytes above 127 where told so, as "#ooo".
 * Every other '#' is itself. -1 if this one is. */
static int
escape_at(const char *p, size_t n)
{
	int v;

	if (n < 4 || p[1] < '0' || p[1] > '3' || p[2] < '0' || p[2] > '7' || p[3] < '0' ||
	    p[3] > '7')
		return -1;
	v = (p[1] - '0') * 64 + (p[2] - '0') * 8 + p[3] - '0';
	return v < ' ' || v >= 127 ? v : -1;
}

/* The first escape in s, or NULL. */
static inline const char *
escape_in(struct slice s)
{
	const char *end = s.p + s.n;
	const char *at = s.n > 0 ? memchr(s.p, '#', s.n) : NULL;

	while (at != NULL && escape_at(at, (size_t)(end - at)) < 0)
		at = memchr(at + 1, '#', (size_t)(end - at - 1));
	return at;
}

/* Add s to the scratch space with its escapes undone. */
static void
add_unescaped(struct buf *scratch, struct slice s)
{
	const char *at;

	while ((at = escape_in(s)) != NULL) {
		size_t n = (size_t)(at - s.p);

		buf_add(scratch, slice_head(s, n));
		buf_char(scratch, (char)escape_at(at, s.n - n));
		s = slice_from(s, n + 4);
	}
	buf_add(scratch, s);
}

/* s with its escapes undone: s itself if there are none, else in the scratch space. */
static struct slice
unescape(struct header *h, struct slice s)
{
	if (escape_in(s) == NULL)
		return s;
	buf_clear(&h->scratch);
	add_unescaped(&h->scratch, s);
	return buf_slice(&h->scratch);
}

/* Take "N times". */
static bool
times(struct slice *s, uint32_t *n)
{
	uint64_t v;

	if (!slice_u64(s, &v) || v == 0 || v > UINT32_MAX || !slice_eat(s, SLICE(" times")))
		return false;
	*n = (uint32_t)v;
	return true;
}

/* "last message repeated 3 times" and, from sysklogd, "last message buffered 3
 * times", in either case maybe between "--- " and " ---"; HP-UX' "above message repeats 3 times"; rsyslog
 * up to 5 keeps the tag of that message. */
static inline bool
repeats_last(struct slice s, uint32_t *n)
{
	uint32_t v;

	if (s.n == 0 || (s.p[0] != 'l' && s.p[0] != '-' && s.p[0] != 'a'))
		return false;
	(void)slice_eat(&s, SLICE("--- "));
	if (!slice_eat(&s, SLICE("last message repeated ")) &&
	    !slice_eat(&s, SLICE("last message buffered ")) &&
	    !slice_eat(&s, SLICE("above message repeats ")))
		return false;
	if (!times(&s, &v) || (s.n > 0 && !slice_eq(s, SLICE(" ---"))))
		return false;
	*n = v;
	return true;
}

/* syslog-ng's suppress(): "Last message 'its first words' repeated 3 times,
 * suppressed by syslog-ng on mx1", under the tag of that message. */
static bool
suppressed(struct slice s, uint32_t *n)
{
	struct slice words;
	uint32_t v;

	if (!slice_eat(&s, SLICE("Last message '")) ||
	    !slice_rcut_at(&s, SLICE("' repeated "), &words) || !times(&s, &v) ||
	    !slice_starts(s, SLICE(", suppressed by syslog-ng on ")))
		return false;
	*n = v;
	return true;
}

/* rsyslog: "message repeated 3 times: [ TEXT]". */
static void
repeated(struct line *out)
{
	struct slice s = out->text;
	uint32_t n;

	if (!slice_eat(&s, SLICE("message repeated ")) || !times(&s, &n) ||
	    !slice_eat(&s, SLICE(": [")))
		return;
	(void)slice_eat_char(&s, ' ');
	if (slice_ends(s, SLICE("]")))	/* not when the line was cut */
		s.n--;
	out->text = s;
	out->repeat = n;
}

/* Solaris: "[ID 197553 mail.info] TEXT". */
static void
message_id(struct line *out)
{
	struct slice s = out->text, id;
	uint64_t number;

	if (slice_eat(&s, SLICE("[ID ")) && slice_u64(&s, &number) &&
	    slice_eat_char(&s, ' ') && slice_cut_at(&s, SLICE("] "), &id))
		out->text = s;
}

/* The text is a line of what runs in the container that the tag names; the time is the log daemon's, because the
 * container may live in another zone. */
static __attribute__((noinline)) void
contained(struct header *h, struct line *out)
{
	struct stamps stamps = h->stamps;
	struct noted n = { .time = out->time, .usec = out->usec, .host = out->host };
	struct line inner;

	buf_clear(&h->inner);
	buf_add(&h->inner, out->text);
	n.text = buf_slice(&h->inner);
	header_clear(&inner);
	h->forwarded = true;
	if (shape_noted(h, &n, &inner) == HEADER_LINE && inner.tag.n > 0) {
		*out = inner;
		out->time = n.time;
		out->usec = n.usec;
		out->stampless = false;
	}
	h->forwarded = false;
	h->stamps = stamps;
	stamp_forget(&h->stamps);
}

/* What may stand before the text proper. */
static inline bool
text_done(struct header *h, struct line *out)
{
	char c = out->text.n > 0 ? out->text.p[0] : '\0';

	if (c == '[')
		message_id(out);
	c = out->text.n > 0 ? out->text.p[0] : '\0';
	if (c == 'm')
		repeated(out);
	else if (c == '1' && out->pid == 0)
		shape_splogger(h, out);
	else if ((c == 'L' && suppressed(out->text, &out->repeat)) ||
	    (c == 'l' && repeats_last(out->text, &out->repeat))) {
		out->repeat_of_last = true;
		out->tag.n = out->text.n = 0;
		out->pid = 0;
	} else if (!h->forwarded && header_is_container(out->tag)) {
		contained(h, out);
	}
	return true;
}

/* --- host and tag ---------------------------------------------------------------- */

/* The number in "123", 0 if it is none that a process id can be. */
static inline uint32_t
pid_of(struct slice s)
{
	uint64_t v = 0;

	if (s.n > 10)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

/* The bytes before the first ':', '[' or ' '. */
static inline size_t
tag_length(struct slice s)
{
	static const char ends[256] = { [':'] = 1, ['['] = 1, [' '] = 1 };
	size_t n = 0;

#ifdef __SSE2__
	for (; n + 16 <= s.n; n += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.p + n));
		unsigned hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(
		    _mm_cmpeq_epi8(v, _mm_set1_epi8(':')), _mm_cmpeq_epi8(v, _mm_set1_epi8('['))),
		    _mm_cmpeq_epi8(v, _mm_set1_epi8(' '))));

		if (hits != 0)
			return n + (unsigned)__builtin_ctz(hits);
	}
#endif
	while (n < s.n && !ends[(unsigned char)s.p[n]])
		n++;
	return n;
}

/* Take the tag apart: "postfix/smtpd[2200]: text". It may lack the pid, the colon or
 * the blank. True if a colon ends it, which text without a tag seldom has. */
static inline bool
split_tag(struct slice s, struct line *out)
{
	size_t n = tag_length(s);
	bool colon;

	out->tag = slice_head(s, n);
	out->text = s;
	if (n == 0)
		return false;	/* no tag at all */
	s = slice_from(s, n);
	if (s.n > 0 && s.p[0] == '[') {
		for (n = 1; n < s.n && s.p[n] != ']' && s.p[n] != ' '; n++)
			;
		if (n < s.n && s.p[n] == ']') {
			out->pid = pid_of((struct slice){ s.p + 1, n - 1 });
			s = slice_from(s, n + 1);
		}
	}
	colon = slice_eat_char(&s, ':');
	(void)slice_eat_char(&s, ' ');
	out->text = s;
	return colon;
}

static inline size_t
word_of(struct slice s)
{
	const char *blank = s.n > 0 ? memchr(s.p, ' ', s.n) : NULL;

	return blank != NULL ? (size_t)(blank - s.p) : s.n;
}

/* Is this word, which ends in a colon, a tag and not an address like "2001:db8::"? */
static bool
is_tag(struct slice word)
{
	for (size_t i = 0; i + 1 < word.n; i++)
		if (strchr("0123456789abcdefABCDEF:", word.p[i]) == NULL || word.p[i] == '\0')
			return true;
	return !slice_ends(word, SLICE("::"));
}

/* "[postfix/smtpd]", as metalog writes a tag; not an address like "[2001:db8::1]". */
static bool
in_brackets(struct slice word, struct slice *tag)
{
	if (!slice_eat_char(&word, '[') || !slice_ends(word, SLICE("]")))
		return false;
	*tag = slice_head(word, word.n - 1);
	for (size_t i = 0; i < tag->n; i++)
		if (slice_lower(tag->p[i]) > 'f' && slice_lower(tag->p[i]) <= 'z')
			return true;
	return false;
}

/* syslog-ng's chain_hostnames: "source@host" where it was logged, "host/relay"
 * where it passed. The host that wrote the line is wanted. */
static struct slice
first_of_chain(struct slice host)
{
	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] == '@') {
			host = slice_from(host, i + 1);
			i = 0;
		}
		if (i < host.n && host.p[i] == '/')
			return slice_head(host, i);
	}
	return host;
}

/* "tag[pid]: text", after the host. */
static inline bool
bsd_text(struct header *h, struct slice s, bool must_tag, struct line *out)
{
	s = unescape(h, s);
	out->ident = s;
	if (out->repeat_of_last || repeats_last(s, &out->repeat)) {
		out->repeat_of_last = true;
		return true;
	}
	return (split_tag(s, out) || !must_tag) && text_done(h, out);
}

bool
header_text(struct header *h, struct slice s, bool must_tag, struct line *out)
{
	return bsd_text(h, s, must_tag, out);
}

/* May a header stand there, where a tag should? By few of its bytes. */
static inline bool
begins_header(struct slice s)
{
	return s.n > STAMP_BSD_BYTES && (s.p[0] == '<' || (s.p[3] == ' ' && s.p[6] == ' ' && s.p[9] == ':') ||
	    (s.p[4] == '-' && s.p[10] == 'T'));
}

static bool forwarded(struct header *h, struct slice s, struct line *out);	/* a header behind a header */

/* "tag[pid]: text", after a host which out has; some log daemons have more in between. */
static bool
behind_host(struct header *h, struct slice s, bool must_tag, struct line *out)
{
	struct slice host = out->host, tag, pid;

	if (!header_skip_forwarded_from(&s, &host))
		(void)header_skip_relay(&s, &host);
	if (host.p != out->host.p) {
		out->host = host;
		out->host_mark = NULL;
	}
	if (header_without_priority(&s, &tag, &pid))
		return header_put_together(h, tag, pid, s, out);
	return bsd_text(h, s, must_tag, out);
}

/* "host tag[pid]: text", after the stamp. With must_tag a line needs a tag with a
 * colon: nothing else tells it from rubbish. */
static bool
bsd_rest(struct header *h, struct slice s, bool must_tag, struct line *out)
{
	size_t word = word_of(s);
	struct slice tag;

	out->host = h->host;
	if (begins_header(s) && !h->forwarded && forwarded(h, s, out))
		return true;	/* behind a stamp alone: docker logs -t */
	if (s.n > 0 && s.p[0] == '<' && header_skip_priority(&s))
		word = word_of(s);
	if (s.n > 1 && s.p[0] <= 'W' && s.p[1] >= 'A' && s.p[1] <= 'R' && header_skip_level(&s)) {
		while (s.n > 0 && s.p[s.n - 1] == ' ')	/* its template has blanks there, too */
			s.n--;
		return bsd_text(h, s, must_tag, out);
	}
	if (s.n > 0 && s.p[0] == '[' && in_brackets(slice_head(s, word), &tag))
		return header_put_together(h, tag, slice_head(s, 0), slice_from(s, word + 1), out);
	if (word == 0 && !slice_eat_char(&s, ' '))
		return false;
	if (word == 0) {	/* a relay left the host out, but not its blank */
		while (slice_eat_char(&s, ' '))
			;
		word = word_of(s);
	}
	if (word > 1 && s.p[word - 1] == ':' && is_tag(slice_head(s, word))) {
		if (shape_dovecot(h, s, out) || header_within_logger(h, s, out))
			return true;	/* and else there is no host */
	} else if (word > 1 && s.p[word - 1] == ',' && shape_dovecot(h, s, out)) {
		return true;	/* "lmtp(26413, anna): Info: text" */
	} else if (repeats_last(s, &out->repeat)) {
		out->repeat_of_last = true;
	} else {
		out->host = first_of_chain(slice_head(s, word));
		if (out->host.n == word && word < s.n) {
			struct known_host *k = header_know_host(h, out->host);

			out->host_mark = k != NULL ? &k->mark : NULL;
		}
		s = slice_from(s, word + 1);
		(void)header_skip_priority(&s);
		if (begins_header(s) && !h->forwarded && forwarded(h, s, out))
			return true;
		return behind_host(h, s, must_tag, out);
	}
	return bsd_text(h, s, must_tag, out);
}

bool
header_rest(struct header *h, struct slice s, struct line *out)
{
	return bsd_rest(h, s, true, out);
}

bool
header_within_logger(struct header *h, struct slice s, struct line *out)
{
	struct slice rest = s, word = slice_head(s, 0);

	/* socklog: "mail.info: ", before it maybe the address "192.0.2.1: " */
	while (slice_cut_at(&rest, SLICE(": "), &word) && slice_is_digit(word.p[0]))
		;
	if (header_is_priority(word))
		s = rest;
	if (!begins_header(s) || h->forwarded)
		return false;
	out->host = h->host;
	return forwarded(h, s, out);
}

/* --- RFC 5424 and RFC 3164 as on the wire ----------------------------------------- */

bool
header_put_together(struct header *h, struct slice tag, struct slice pid, struct slice text,
    struct line *out)
{
	size_t head;

	buf_clear(&h->scratch);
	buf_add(&h->scratch, tag);
	if (pid.n > 0) {
		buf_char(&h->scratch, '[');
		buf_add(&h->scratch, pid);
		buf_char(&h->scratch, ']');
	}
	if (tag.n > 0)
		buf_str(&h->scratch, ": ");
	head = h->scratch.n;
	add_unescaped(&h->scratch, text);
	out->ident = buf_slice(&h->scratch);
	out->tag = slice_head(out->ident, tag.n);
	out->pid = pid_of(pid);
	out->text = slice_from(out->ident, head);
	out->repeat_of_last = tag.n == 0 && repeats_last(out->text, &out->repeat);
	if (out->repeat_of_last)
		out->text.n = 0;
	return text_done(h, out);
}

/* The time of a line that names none. */
static int64_t
arrived(const struct header *h, struct line *out)
{
	out->stampless = true;
	return h->stamps.now;
}

/* What follows "<22>1 ". */
static bool
rfc5424(struct header *h, struct slice s, struct line *out)
{
	struct slice app, procid, msgid;

	if (slice_eat(&s, SLICE("- ")))
		out->time = arrived(h, out);
	else if (!stamp_take(&h->stamps, &s, &out->time, &out->usec))
		return false;
	if (!header_field(&s, &out->host) || !header_field(&s, &app) || !header_field(&s, &procid) ||
	    !header_field(&s, &msgid) || !header_structured_data(&s))
		return false;
	out->host = out->host.n > 0 ? first_of_chain(out->host) : h->host;
	(void)slice_eat_char(&s, ' ');
	(void)slice_eat(&s, SLICE("\xef\xbb\xbf"));
	(void)slice_eat_char(&s, ' ');	/* rsyslog keeps the one after "tag:" */
	return header_put_together(h, app, procid, s, out);
}

/* "<22>" and one of: RFC 5424; a stamp and what follows it in a file; no stamp at
 * all, as some devices send. */
static bool
wire(struct header *h, struct slice s, struct line *out)
{
	uint64_t pri;

	if (!slice_eat_char(&s, '<') || !slice_u64(&s, &pri) || pri > 191 ||
	    !slice_eat_char(&s, '>'))
		return false;
	if (slice_eat(&s, SLICE("1 ")))
		return rfc5424(h, s, out);
	if (stamp_take(&h->stamps, &s, &out->time, &out->usec))
		return bsd_rest(h, s, false, out);
	out->time = arrived(h, out);
	return bsd_rest(h, s, true, out);
}

/* A relay put stamp and host of its own (in *out) before the sender's header, as rsyslog does with
 * %rawmsg%: the sender's counts, and of what it leaves out the relay's. That of one relay: h->forwarded
 * ends it. False, and *out as it was but for the mark, if it is none. */
static bool
forwarded(struct header *h, struct slice s, struct line *out)
{
	struct line relay = *out;
	bool good;

	relay.host_mark = out->host_mark = NULL;	/* the relay's; and another host may lie there by now */
	out->usec = 0;
	h->forwarded = true;
	good = s.p[0] == '<' ? wire(h, s, out) :
	    stamp_take(&h->stamps, &s, &out->time, &out->usec) && bsd_rest(h, s, true, out);
	h->forwarded = false;
	if (!good || out->stampless) {	/* "<22>tag: text" is a usual line, to usual() */
		*out = relay;
		return false;
	}
	if (out->host.p == h->host.p)
		out->host = relay.host;
	return true;
}

static inline enum header_answer
plain(struct header *h, struct slice raw, struct line *out)
{
	if (raw.n > 0 && raw.p[0] == '<')
		return wire(h, raw, out) ? HEADER_LINE : HEADER_NONE;
	if (!stamp_take(&h->stamps, &raw, &out->time, &out->usec))
		return shape_own(h, raw, out) ? HEADER_LINE : HEADER_NONE;
	shape_break(h);
	return bsd_rest(h, raw, false, out) ? HEADER_LINE : HEADER_NONE;
}

enum header_answer
header_plain(struct header *h, struct slice raw, struct line *out)
{
	return plain(h, raw, out);
}

/* Drop what stands before the lines of containers: "mail-1  | " of docker compose, "mail-1  |" of nerdctl
 * compose, "[pod/mail-0/postfix] " of kubectl logs --prefix. */
static void
skip_container(struct slice *s)
{
	struct slice rest = *s, name;
	size_t n = 0;

	if (slice_eat(&rest, SLICE("[pod/"))) {
		if (slice_cut_at(&rest, SLICE("] "), &name) && memchr(name.p, ' ', name.n) == NULL)
			*s = rest;
		return;
	}
	while (n < s->n && (slice_is_alnum(s->p[n]) || s->p[n] == '-' || s->p[n] == '_' || s->p[n] == '.' || s->p[n] == '@'))
		n++;
	rest = slice_from(*s, n);
	while (slice_eat_char(&rest, ' '))
		;
	if (n > 0 && rest.n < s->n - n && slice_eat_char(&rest, '|')) {
		(void)slice_eat_char(&rest, ' ');
		*s = rest;
	}
}

__attribute__((noinline)) enum header_answer
header_unusual(struct header *h, struct slice raw, struct line *out)
{
	enum header_answer answer;

	header_clear(out);
	if (h->entry.at != ENTRY_OUT)
		return shape_export(h, raw, out);
	if (raw.n > 0 && raw.p[raw.n - 1] == '\r')
		raw.n--;
	while (raw.n > 0 && raw.p[0] == '\0')	/* the hole that a crash left before the line */
		raw = slice_from(raw, 1);
	(void)slice_eat(&raw, SLICE("\xef\xbb\xbf"));	/* an editor's */
	skip_container(&raw);
	if (raw.n > 0 && raw.p[0] == '{')
		return shape_json(h, raw, out);
	if (raw.n > 0 && raw.p[0] == '_' && shape_export_begins(raw))
		return shape_export(h, raw, out);
	if (raw.n > 30 && raw.p[10] == 'T' && shape_cri(h, raw, out, &answer))
		return answer;
	if (plain(h, raw, out) == HEADER_LINE)
		return HEADER_LINE;
	if (raw.n > 0 && (raw.p[raw.n - 1] == '}' || raw.p[raw.n - 1] == ']') && shape_fluent(h, raw, out))
		return HEADER_LINE;
	return shape_bare(h, raw, out) ? HEADER_LINE : HEADER_NONE;
}
