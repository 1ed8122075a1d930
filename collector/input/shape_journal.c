/* shape_journal.c - the journal's entries: `journalctl -o export`, and what any form of an
 * entry becomes.
 *
 * An entry is lines KEY=value up to an empty line. A value with line ends in it has KEY alone
 * on its line, its length in eight bytes, the value as it is, and a line end: no byte of such
 * a value is ever taken for a line of its own. */
#include "input/shape.h"

#include "poison.h"

enum { SMALL_MAX = 1024, MESSAGE_MAX = 65536 };	/* bytes kept of a value */

static const struct {
	const char *name;
	size_t max;
} names[FIELDS] = {
	[F_TIME] = { "__REALTIME_TIMESTAMP", SMALL_MAX },
	[F_HOST] = { "_HOSTNAME", SMALL_MAX },
	[F_TAG] = { "SYSLOG_IDENTIFIER", SMALL_MAX },
	[F_COMM] = { "_COMM", SMALL_MAX },
	[F_SYSLOG_PID] = { "SYSLOG_PID", SMALL_MAX },
	[F_PID] = { "_PID", SMALL_MAX },
	[F_MESSAGE] = { "MESSAGE", MESSAGE_MAX },
	[F_LOG] = { "log", MESSAGE_MAX },
	[F_STREAM] = { "stream", SMALL_MAX },
	[F_WHEN] = { "time", SMALL_MAX },
	[F_ID] = { "id", SMALL_MAX },
	[F_MODULE] = { "module", SMALL_MAX },
	[F_FUNCTION] = { "function", SMALL_MAX },
};

enum field
field_named(struct slice name)
{
	enum field f = 0;

	while (f < FIELDS && !slice_eq(name, slice_of(names[f].name)))
		f++;
	return f;
}

void
fields_clear(struct header *h)
{
	memset(h->fields.in, 0, sizeof h->fields.in);
	buf_clear(&h->fields.text);
}

void
field_begin(struct header *h, enum field f)
{
	h->fields.in[f].at = (uint32_t)h->fields.text.n;
}

void
field_end(struct header *h, enum field f)
{
	size_t n = h->fields.text.n - h->fields.in[f].at;

	h->fields.in[f].n = (uint32_t)(n < names[f].max ? n : names[f].max);
	h->fields.in[f].there = true;
}

struct slice
field_value(const struct header *h, enum field f)
{
	if (h->fields.in[f].n == 0)
		return SLICE("");
	return (struct slice){ h->fields.text.p + h->fields.in[f].at, h->fields.in[f].n };
}

/* Fields of the journal that go by the place of another one, which no entry has. */
enum field
field_of_entry(struct slice name)
{
	return slice_eq(name, SLICE("CONTAINER_ID")) ? F_STREAM : field_named(name);
}

static struct slice
one_of(const struct header *h, enum field a, enum field b)
{
	return field_value(h, h->fields.in[a].there ? a : b);
}

enum header_answer
shape_entry(struct header *h, struct line *out)
{
	static const uint64_t latest_us = 7258118400000000;	/* year 2200 */
	struct slice time = field_value(h, F_TIME);
	uint64_t us;

	if (!slice_u64(&time, &us) || time.n > 0 || us >= latest_us)
		return HEADER_NONE;
	out->time = (int64_t)(us / 1000000);
	out->usec = (uint32_t)(us % 1000000);
	stamp_remember(&h->stamps, out->time);
	out->host = h->fields.in[F_HOST].n > 0 ? field_value(h, F_HOST) : h->host;
	/* of what a container printed the tag is the admin's choice, and may be any name */
	(void)header_put_together(h, h->fields.in[F_STREAM].there ? field_value(h, F_STREAM) : one_of(h, F_TAG, F_COMM),
	    one_of(h, F_SYSLOG_PID, F_PID), field_value(h, F_MESSAGE), out);
	return HEADER_LINE;
}

/* --- over a restart ------------------------------------------------------------------- */

static void
put_text(struct buf *b, struct slice s)
{
	buf_varint(b, s.n);
	buf_add(b, s);
}

static bool
take_text(struct slice *s, struct slice *out)
{
	uint64_t n;

	if (!slice_varint(s, &n) || n > s->n)
		return false;
	*out = slice_head(*s, (size_t)n);
	*s = slice_from(*s, (size_t)n);
	return true;
}

void
header_unfinished(const struct header *h, struct buf *b)
{
	if (h->entry.at == ENTRY_OUT && h->partial[0].n + h->partial[1].n == 0)
		return;
	buf_varint(b, h->entry.at);
	buf_varint(b, h->entry.field);
	buf_varint(b, h->entry.bytes);
	buf_varint(b, h->entry.left);
	for (enum field f = 0; f < FIELDS_KEPT; f++) {
		buf_varint(b, h->fields.in[f].there ? 1 : 0);
		buf_varint(b, h->fields.in[f].at);
		buf_varint(b, h->fields.in[f].n);
	}
	put_text(b, buf_slice(&h->fields.text));
	put_text(b, buf_slice(&h->partial[0]));
	put_text(b, buf_slice(&h->partial[1]));
}

void
header_set_unfinished(struct header *h, struct slice s)
{
	uint64_t at, field, bytes, there, from, n;
	struct slice text[3] = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	struct fields in = { .text = h->fields.text };
	uint64_t left;
	bool good = slice_varint(&s, &at) && slice_varint(&s, &field) && slice_varint(&s, &bytes) &&
	    slice_varint(&s, &left) && at <= ENTRY_END && field <= FIELDS && bytes <= 8;

	for (enum field f = 0; good && f < FIELDS_KEPT; f++) {
		good = slice_varint(&s, &there) && slice_varint(&s, &from) && slice_varint(&s, &n) &&
		    from <= SCRATCH_MAX && n <= SCRATCH_MAX;
		if (good) {
			in.in[f].there = there != 0;
			in.in[f].at = (uint32_t)from;
			in.in[f].n = (uint32_t)n;
		}
	}
	for (int i = 0; good && i < 3; i++)
		good = take_text(&s, &text[i]);
	for (enum field f = 0; good && f < FIELDS_KEPT; f++)
		good = in.in[f].at + in.in[f].n <= text[0].n;
	if (!good)
		return;
	fields_clear(h);
	buf_add(&h->fields.text, text[0]);
	memcpy(h->fields.in, in.in, sizeof in.in);
	buf_add(&h->partial[0], text[1]);
	buf_add(&h->partial[1], text[2]);
	h->entry.at = (enum entry_at)at;
	h->entry.field = (enum field)field;
	h->entry.bytes = (unsigned)bytes;
	h->entry.left = left;
	stamp_forget(&h->stamps);
}

/* --- export -------------------------------------------------------------------------- */

bool
shape_export_begins(struct slice raw)
{
	return slice_starts(raw, SLICE("__CURSOR=")) ||
	    slice_starts(raw, SLICE("__REALTIME_TIMESTAMP="));
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    s.p[i] != '_')
			return false;
	return s.n > 0 && s.n <= 64;
}

/* A field that is wanted and was not there yet, or FIELDS. */
static enum field
wanted(const struct header *h, struct slice name)
{
	enum field f = field_of_entry(name);

	return (f <= F_MESSAGE || f == F_STREAM) && !h->fields.in[f].there ? f : FIELDS;
}

/* A line "KEY=value", "KEY" or none, between values. */
static enum header_answer
between(struct header *h, struct slice raw, struct line *out)
{
	struct slice name;
	enum field f;

	if (raw.n == 0) {
		h->entry.at = ENTRY_OUT;
		return shape_entry(h, out);
	}
	if (slice_cut(&raw, '=', &name) && is_name(name)) {
		if ((f = wanted(h, name)) != FIELDS) {
			field_begin(h, f);
			buf_add(&h->fields.text, raw);
			field_end(h, f);
		}
		return HEADER_MORE;
	}
	if (!is_name(raw)) {	/* damaged: the entry is no line, and nor is this */
		h->entry.at = ENTRY_OUT;
		return HEADER_NONE;
	}
	h->entry.at = ENTRY_LENGTH;
	h->entry.field = wanted(h, raw);
	h->entry.left = h->entry.bytes = 0;
	return HEADER_MORE;
}

static void
take_length(struct header *h, unsigned char c)
{
	h->entry.left |= (uint64_t)c << (8 * h->entry.bytes);
	if (++h->entry.bytes < 8)
		return;
	if (h->entry.field != FIELDS)
		field_begin(h, h->entry.field);
	h->entry.at = h->entry.left > 0 ? ENTRY_DATA : ENTRY_END;
	if (h->entry.at == ENTRY_END && h->entry.field != FIELDS)
		field_end(h, h->entry.field);
}

/* As many bytes of s as the value still needs. */
static size_t
take_data(struct header *h, struct slice s)
{
	size_t n = s.n < h->entry.left ? s.n : (size_t)h->entry.left;

	if (h->entry.field != FIELDS)
		buf_add(&h->fields.text, slice_head(s, n));
	h->entry.left -= n;
	if (h->entry.left == 0) {
		h->entry.at = ENTRY_END;
		if (h->entry.field != FIELDS)
			field_end(h, h->entry.field);
	}
	return n;
}

/* The bytes of a value, which the reader has cut at line ends. */
static enum header_answer
within(struct header *h, struct slice s)
{
	while (s.n > 0) {
		if (h->entry.at == ENTRY_LENGTH) {
			take_length(h, (unsigned char)s.p[0]);
			s = slice_from(s, 1);
		} else if (h->entry.at == ENTRY_DATA) {
			s = slice_from(s, take_data(h, s));
		} else {
			h->entry.at = ENTRY_OUT;	/* more than it said */
			return HEADER_NONE;
		}
	}
	return HEADER_MORE;
}

enum header_answer
shape_export(struct header *h, struct slice raw, struct line *out)
{
	enum header_answer a;

	if (h->entry.at == ENTRY_OUT || (h->entry.at == ENTRY_NAME && shape_export_begins(raw) &&
	    h->fields.in[F_TIME].there)) {
		fields_clear(h);
		h->entry.at = ENTRY_NAME;
		shape_break(h);
		stamp_forget(&h->stamps);	/* usual() knows no minute while this lasts */
	}
	if (h->entry.at == ENTRY_NAME)
		return between(h, raw, out);
	a = within(h, raw);
	if (a != HEADER_MORE)
		return a;
	if (h->entry.at == ENTRY_END)
		h->entry.at = ENTRY_NAME;
	else
		a = within(h, SLICE("\n"));
	return a;
}
