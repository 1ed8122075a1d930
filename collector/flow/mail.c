/* mail.c - the facts of a mail as bytes.
 *
 * A fact is: kind, flags, time since base (zigzag), then by kind its numbers and texts, each
 * text behind its length. OTHER_LABEL in the kind says that a label follows which
 * is not the mail's first one, WITH_USEC that the time has a fraction. What the facts mean for the counts is in count.c. */
#include "flow/mail.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "poison.h"

enum { OTHER_LABEL = 0x80, WITH_USEC = 0x40, KIND = 0x3f };

/* Which fields a kind has. */
enum { HAS_DELAY = 1, HAS_SIZE = 2, HAS_OTHER = 4, HAS_A = 8, HAS_B = 16, HAS_C = 32,
	HAS_D = 64, HAS_TEXT = 128, HAS_CLASS = 256 };

static const unsigned short layout[] = {
	[FACT_CLIENT] = HAS_A | HAS_B | HAS_C,
	[FACT_PICKUP] = HAS_A,
	[FACT_MSGID] = HAS_A,
	[FACT_QUEUED] = HAS_SIZE | HAS_A,
	[FACT_DELIVERED] = HAS_DELAY | HAS_OTHER | HAS_A | HAS_B | HAS_C | HAS_D | HAS_TEXT,
	[FACT_DEFERRED] = HAS_CLASS | HAS_DELAY | HAS_A | HAS_B | HAS_C | HAS_D | HAS_TEXT,
	[FACT_BOUNCED] = HAS_CLASS | HAS_DELAY | HAS_A | HAS_B | HAS_C | HAS_D | HAS_TEXT,
	[FACT_EXPIRED] = 0,
	[FACT_REMOVED] = 0,
	[FACT_HELD] = HAS_TEXT,
	[FACT_RELEASED] = 0,
	[FACT_DISCARDED] = HAS_TEXT,
	[FACT_REFUSED] = HAS_D | HAS_TEXT,
	[FACT_PROBE] = HAS_A | HAS_TEXT,
	[FACT_VERDICT] = HAS_TEXT,
	[FACT_NOTIFIED] = HAS_OTHER | HAS_TEXT,
	[FACT_NEW] = 0,
	[FACT_STARTED] = HAS_OTHER | HAS_A,
	[FACT_ENDED] = HAS_CLASS | HAS_DELAY | HAS_OTHER | HAS_C | HAS_D | HAS_TEXT,
	[FACT_FROM] = HAS_DELAY | HAS_OTHER | HAS_B,
	[FACT_INTO] = HAS_SIZE | HAS_OTHER,
	[FACT_DSN_OF] = HAS_OTHER,
	[FACT_SESSION] = HAS_A | HAS_B | HAS_C,
	[FACT_VOID] = HAS_A,
	[FACT_HOP_FROM] = HAS_SIZE | HAS_OTHER,
	[FACT_HOP_INTO] = HAS_SIZE | HAS_OTHER,
	[FACT_PIPED] = HAS_DELAY | HAS_OTHER,
	[FACT_PICKED] = HAS_OTHER,
	[FACT_JUDGED] = 0,
	[FACT_WHO] = HAS_A | HAS_B | HAS_C,
	[FACT_CAME] = HAS_OTHER,
	[FACT_BOUNCED_BY] = HAS_OTHER,
	[FACT_FORWARDED] = HAS_OTHER,
};

enum { FACT_BYTES_MAX = 12 + 4 * 10 + 6 * (3 + MAIL_TEXT_MAX) + FACT_TEXT_KEEP };

/* Larger times, delays and sizes are damage: sums of them must not overflow. */
#define LARGEST ((int64_t)1 << 50)

static unsigned char *
put_text(unsigned char *p, struct slice s, size_t max)
{
	size_t n = s.n < max ? s.n : max, i = 0;

	p = varint_put(p, n);
	if (n < 8) {
		for (; i < n; i++)
			p[i] = (unsigned char)s.p[i];
		return p + n;
	}
	/* in words, the last of which overlaps: memcpy() takes longer for so little */
	for (; i + 8 < n; i += 8)
		memcpy(p + i, s.p + i, 8);
	memcpy(p + n - 8, s.p + n - 8, 8);
	return p + n;
}

/* What a reply to a delivery says beyond "250 2.0.0 <recipient>"; nothing if it is a
 * hand-over, of which the next id is kept; without that id if it ends with it. */
static struct slice
without_usual(const struct fact *f)
{
	struct slice s = f->text;

	if (f->other_id.n > 0 && !(f->flags & FACT_OUTWARD))
		return slice_head(s, 0);
	(void)slice_eat(&s, SLICE("250 "));
	if (slice_eat(&s, f->d))
		(void)slice_eat_char(&s, ' ');
	if (s.n > f->a.n + 3 && s.p[0] == '<' && memcmp(s.p + 1, f->a.p, f->a.n) == 0 &&
	    s.p[f->a.n + 1] == '>')
		s = slice_from(s, f->a.n + 3);
	if (f->other_id.n > 0 && f->other_id.n <= MAIL_ID_MAX && slice_ends(s, f->other_id))
		s = slice_head(s, s.n - f->other_id.n);
	return slice_eq(s, SLICE("Ok: queued as ")) ? slice_head(s, 0) : s;
}

static void
resize(struct mail *m, uint32_t cap)
{
	unsigned char *inside = m->inside ? m->facts : NULL;

	m->facts = xrealloc(m->inside ? NULL : m->facts, cap);
	if (inside != NULL)
		memcpy(m->facts, inside, m->n);
	m->inside = false;
	m->cap = cap;
}

static bool
reserve(struct mail *m, uint32_t more)
{
	uint32_t want = m->n + more;

	if (want > MAIL_FACTS_MAX)
		return false;
	if (want > m->cap) {
		uint32_t cap = m->cap == 0 ? MAIL_ROOM : m->cap * 2;

		resize(m, cap > want ? cap : want);
	}
	return true;
}

static bool
has_parts(const struct fact *f)
{
	return (f->flags & FACT_PARTS) && fact_is_delivery(f->kind);
}

bool
mail_add(struct mail *m, const struct fact *f)
{
	unsigned char raw[FACT_BYTES_MAX], *p = raw;
	unsigned has = layout[f->kind];
	uint16_t label = m->label != 0 ? m->label : f->label;
	int64_t rel = m->n == 0 ? 0 : f->time - m->base;

	*p++ = (unsigned char)(f->kind | (f->label != label && f->label != 0 ? OTHER_LABEL : 0) |
	    (f->usec != 0 ? WITH_USEC : 0));
	*p++ = (unsigned char)f->flags;
	p = varint_put(p, zigzag(rel));
	if (raw[0] & OTHER_LABEL) {
		*p++ = (unsigned char)(f->label & 0xff);
		*p++ = (unsigned char)(f->label >> 8);
	}
	if (f->usec != 0)
		p = varint_put(p, f->usec);
	if (has & HAS_CLASS)
		*p++ = (unsigned char)f->cls;
	if (has & HAS_DELAY)
		p = varint_put(p, (uint64_t)(f->delay_ms < LARGEST ? f->delay_ms + 1 : LARGEST));
	if (has_parts(f)) {
		memcpy(p, f->part, sizeof f->part);
		p += sizeof f->part;
	}
	if (has & HAS_SIZE) {
		p = varint_put(p, f->size < LARGEST ? f->size : LARGEST);
		p = varint_put(p, f->nrcpt);
	}
	if (has & HAS_OTHER)
		p = put_text(p, f->other_id, MAIL_ID_MAX);
	if (has & HAS_A)
		p = put_text(p, f->a, MAIL_TEXT_MAX);
	if (has & HAS_B)
		p = put_text(p, f->b, MAIL_TEXT_MAX);
	if (has & HAS_C)
		p = put_text(p, f->c, MAIL_TEXT_MAX);
	if (has & HAS_D)	/* the usual DSN is not worth its bytes */
		p = put_text(p, slice_eq(f->d, SLICE("2.0.0")) ? slice_head(f->d, 0) : f->d, 16);
	if (has & HAS_TEXT)
		p = f->kind == FACT_DELIVERED ? put_text(p, without_usual(f), FACT_SENT_KEEP) :
		    put_text(p, f->text, FACT_TEXT_KEEP);
	if (!reserve(m, (uint32_t)(p - raw)))
		return false;
	memcpy(m->facts + m->n, raw, (size_t)(p - raw));
	m->label = label;
	if (m->n == 0)
		m->base = m->first = m->last = f->time;
	m->first = f->time < m->first ? f->time : m->first;
	m->last = f->time > m->last ? f->time : m->last;
	m->n += (uint32_t)(p - raw);
	return true;
}

/* As varint_get(); nearly always it is one byte. */
static inline const unsigned char *
get_varint(const unsigned char *p, const unsigned char *end, uint64_t *v)
{
	if (p == end || *p >= 0x80)
		return varint_get(p, end, v);
	*v = *p;
	return p + 1;
}

static inline const unsigned char *
get_text(const unsigned char *p, const unsigned char *end, struct slice *out)
{
	uint64_t n;

	p = get_varint(p, end, &n);
	if (p == NULL || n > (size_t)(end - p))
		return NULL;
	*out = (struct slice){ (const char *)p, (size_t)n };
	return p + n;
}

/* Behind kind, flags and time. */
static inline const unsigned char *
get_numbers(const unsigned char *p, const unsigned char *end, unsigned has, struct fact *f)
{
	uint64_t delay, nrcpt;

	if (has & HAS_CLASS) {
		if (p == end || *p >= REASON_N)
			return NULL;
		f->cls = (enum reason)*p++;
	}
	if (has & HAS_DELAY) {
		if ((p = get_varint(p, end, &delay)) == NULL || delay > LARGEST)
			return NULL;
		f->delay_ms = (int64_t)delay - 1;
	}
	if (has_parts(f)) {
		if ((size_t)(end - p) < sizeof f->part)
			return NULL;
		memcpy(f->part, p, sizeof f->part);
		p += sizeof f->part;
	}
	if (has & HAS_SIZE) {
		if ((p = get_varint(p, end, &f->size)) == NULL || f->size > LARGEST ||
		    (p = get_varint(p, end, &nrcpt)) == NULL || nrcpt > UINT32_MAX)
			return NULL;
		f->nrcpt = (uint32_t)nrcpt;
	}
	return p;
}

/* The fact at p, and where the next one is; NULL: there is none, or it is damaged. */
static inline const unsigned char *
get_fact(const struct mail *m, const unsigned char *p, const unsigned char *end, struct fact *f)
{
	uint64_t zigzag, usec;
	unsigned has, kind, head;
	int64_t rel;

	if (end - p < 3)
		return NULL;
	head = p[0];
	kind = head & KIND;
	if (kind == 0 || kind >= sizeof layout / sizeof *layout)
		return NULL;
	has = layout[kind];
	fact_init(f, (enum fact_kind)kind, 0);
	f->flags = p[1];
	f->label = m->label;
	if ((p = get_varint(p + 2, end, &zigzag)) == NULL)
		return NULL;
	rel = zigzag_back(zigzag);
	if (rel > LARGEST || rel < -LARGEST)
		return NULL;
	f->time = m->base + rel;
	if (head & OTHER_LABEL) {
		if (end - p < 2)
			return NULL;
		f->label = (uint16_t)(p[0] | p[1] << 8);
		p += 2;
	}
	if (head & WITH_USEC) {
		if ((p = get_varint(p, end, &usec)) == NULL || usec >= 1000000)
			return NULL;
		f->usec = (uint32_t)usec;
	}
	if ((p = get_numbers(p, end, has, f)) == NULL ||
	    ((has & HAS_OTHER) && (p = get_text(p, end, &f->other_id)) == NULL) ||
	    ((has & HAS_A) && (p = get_text(p, end, &f->a)) == NULL) ||
	    ((has & HAS_B) && (p = get_text(p, end, &f->b)) == NULL) ||
	    ((has & HAS_C) && (p = get_text(p, end, &f->c)) == NULL) ||
	    ((has & HAS_D) && (p = get_text(p, end, &f->d)) == NULL) ||
	    ((has & HAS_TEXT) && (p = get_text(p, end, &f->text)) == NULL))
		return NULL;
	if (kind == FACT_DELIVERED && f->d.n == 0)
		f->d = SLICE("2.0.0");
	return p;
}

bool
mail_next_of(const struct mail *m, uint32_t upto, uint32_t *at, struct fact *f)
{
	const unsigned char *p = get_fact(m, m->facts + *at, m->facts + upto, f);

	if (p != NULL)
		*at = (uint32_t)(p - m->facts);
	return p != NULL;
}

bool
mail_next(const struct mail *m, uint32_t *at, struct fact *f)
{
	return mail_next_of(m, m->n, at, f);
}

static inline const unsigned char *
get_bytes(const unsigned char *p, const unsigned char *end, size_t n)
{
	return (size_t)(end - p) < n ? NULL : p + n;
}

/* Where the fact behind the one at p is; NULL: nowhere. */
static const unsigned char *
skip_fact(const unsigned char *p, const unsigned char *end)
{
	unsigned head = p[0], flags = p[1], kind = head & KIND, has;
	struct slice text;
	uint64_t v;

	if (kind == 0 || kind >= sizeof layout / sizeof *layout)
		return NULL;
	has = layout[kind];
	if ((p = get_varint(p + 2, end, &v)) == NULL ||
	    ((head & OTHER_LABEL) && (p = get_bytes(p, end, sizeof(uint16_t))) == NULL) ||
	    ((head & WITH_USEC) && (p = get_varint(p, end, &v)) == NULL) ||
	    ((has & HAS_CLASS) && (p = get_bytes(p, end, 1)) == NULL) ||
	    ((has & HAS_DELAY) && (p = get_varint(p, end, &v)) == NULL) ||
	    ((flags & FACT_PARTS) && fact_is_delivery((enum fact_kind)kind) &&
	    (p = get_bytes(p, end, HIST_PARTS)) == NULL) ||
	    ((has & HAS_SIZE) && ((p = get_varint(p, end, &v)) == NULL ||
	    (p = get_varint(p, end, &v)) == NULL)))
		return NULL;
	for (has &= HAS_OTHER | HAS_A | HAS_B | HAS_C | HAS_D | HAS_TEXT; has != 0; has &= has - 1)
		if ((p = get_text(p, end, &text)) == NULL)
			return NULL;
	return p;
}

bool
mail_next_kind(const struct mail *m, enum fact_kind kind, uint32_t *at, struct fact *f)
{
	const unsigned char *p = m->facts + *at, *end = m->facts + m->n;

	while (end - p >= 3 && (p[0] & KIND) != kind)
		if ((p = skip_fact(p, end)) == NULL)
			return false;
	if ((p = get_fact(m, p, end, f)) == NULL)
		return false;
	*at = (uint32_t)(p - m->facts);
	return true;
}

uint32_t
mail_facts(const struct mail *m, uint32_t upto, struct fact *few, uint32_t n_few,
    struct fact **facts)
{
	const unsigned char *p = m->facts, *end = m->facts + upto;
	struct fact *f = few;
	uint32_t n = 0, cap = n_few;

	while ((p = get_fact(m, p, end, &f[n])) != NULL) {
		if (++n < cap)
			continue;
		f = xreallocarray(f == few ? NULL : f, (size_t)cap * 2, sizeof *f);
		if (cap == n_few)
			memcpy(f, few, cap * sizeof *f);
		cap *= 2;
	}
	*facts = f;
	return n;
}

static unsigned
flags_of(const struct mail *m)
{
	return (m->real ? 1u : 0) | (m->bound ? 2u : 0) | (m->piped ? 4u : 0) | (m->picked ? 8u : 0) |
	    (m->hops ? 16u : 0);
}

static void
set_flags(struct mail *m, unsigned flags)
{
	m->real = flags & 1;
	m->bound = m->waiting = flags & 2;
	m->piped = flags & 4;
	m->picked = flags & 8;
	m->hops = flags & 16;
}

enum { HEAD_BYTES = 2 * VARINT_BYTES + MAIL_ID_MAX, NUMBERS_BYTES = 2 + 5 * VARINT_BYTES };

/* What p has that was written from head on, numbers that change as a mail grows, and the facts
 * from byte from on. */
static void
encode_facts(struct buf *b, const struct mail *m, uint32_t from, unsigned char *head,
    unsigned char *p)
{
	*p++ = (unsigned char)flags_of(m);
	*p++ = m->msgids;
	p = varint_put(p, m->label);
	p = varint_put(p, zigzag(m->base));
	p = varint_put(p, (uint64_t)(m->base - m->first));
	p = varint_put(p, (uint64_t)(m->last - m->base));
	p = varint_put(p, m->n - from);
	buf_add(b, (struct slice){ (char *)head, (size_t)(p - head) });
	buf_add(b, (struct slice){ (const char *)m->facts + from, m->n - from });
}

static bool
decode_facts(struct slice *s, struct mail *m)
{
	uint64_t label, before, after, n;
	unsigned flags;

	if (s->n < 2)
		return false;
	flags = (unsigned char)s->p[0];
	m->msgids = (uint8_t)s->p[1];
	*s = slice_from(*s, 2);
	if (!slice_varint(s, &label) || label > UINT16_MAX || !slice_zigzag(s, &m->base) ||
	    !slice_varint(s, &before) || !slice_varint(s, &after) || !slice_varint(s, &n) ||
	    before > INT32_MAX || after > INT32_MAX || m->base > LARGEST || m->base < -LARGEST ||
	    n > MAIL_FACTS_MAX - m->n || n > s->n)
		return false;
	set_flags(m, flags);
	m->label = (uint16_t)label;
	m->first = m->base - (int64_t)before;
	m->last = m->base + (int64_t)after;
	resize(m, m->n + (uint32_t)n);
	memcpy(m->facts + m->n, s->p, n);
	m->n = m->counted = m->cap;
	*s = slice_from(*s, (size_t)n);
	return true;
}

void
mail_encode(struct buf *b, const struct mail *m)
{
	unsigned char head[HEAD_BYTES + NUMBERS_BYTES], *p = varint_put(head, m->host);

	*p++ = m->id_n;
	memcpy(p, m->id, m->id_n);
	encode_facts(b, m, 0, head, p + m->id_n);
}

bool
mail_decode(struct slice *s, struct mail *m)
{
	uint64_t host;

	*m = (struct mail){ 0 };
	if (!slice_varint(s, &host) || host >= HOSTS_MAX || s->n < 1)
		return false;
	m->host = (uint16_t)host;
	m->id_n = (uint8_t)s->p[0];
	if (m->id_n > MAIL_ID_MAX || s->n < 1u + m->id_n)
		return false;
	memcpy(m->id, s->p + 1, m->id_n);
	*s = slice_from(*s, 1u + m->id_n);
	return decode_facts(s, m);
}

void
mail_encode_more(struct buf *b, const struct mail *m)
{
	unsigned char head[HEAD_BYTES + NUMBERS_BYTES];

	encode_facts(b, m, m->logged, head, varint_put(head, m->logged));
}

bool
mail_grow(struct slice *s, struct mail *m)
{
	uint64_t from;

	return slice_varint(s, &from) && from == m->n && decode_facts(s, m);
}
