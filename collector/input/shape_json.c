/* shape_json.c - lines that are JSON: `journalctl -o json`, docker's json-file log around
 * whatever its program printed, and records of log shippers (shape_shipped.c); and what containerd and CRI-O
 * have around a line for Kubernetes:
 *
 *	2026-11-18T12:30:00.123456789Z stdout F TEXT
 *
 * One object a line, fields in any order, those of objects in it by names like "host.name"; those not wanted
 * are skipped. What is longer than
 * 16 KiB is cut: a piece has no line end, or is P and not F, and waits for the rest of its stream. */
#include "input/shape.h"

#include "poison.h"

static void
skip_blanks(struct slice *s)
{
	while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = slice_from(*s, 1);
}

/* --- strings -------------------------------------------------------------------------- */

/* Four hexadecimal digits at the front of s, or -1. */
static int
hex4(struct slice s)
{
	int v = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		char c = slice_lower(s.p[i]);

		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + c - 'a' + 10;
		else
			return -1;
	}
	return v;
}

static void
add_utf8(struct buf *b, unsigned v)
{
	if (v < 0x80) {
		buf_char(b, (char)v);
		return;
	}
	if (v < 0x800) {
		buf_char(b, (char)(0xc0 | v >> 6));
	} else {
		if (v < 0x10000) {
			buf_char(b, (char)(0xe0 | v >> 12));
		} else {
			buf_char(b, (char)(0xf0 | v >> 18));
			buf_char(b, (char)(0x80 | (v >> 12 & 0x3f)));
		}
		buf_char(b, (char)(0x80 | (v >> 6 & 0x3f)));
	}
	buf_char(b, (char)(0x80 | (v & 0x3f)));
}

/* "uXXXX" behind the backslash, two of them where one is half a character. */
static bool
unicode(struct slice *s, struct buf *b)
{
	int v = hex4(slice_from(*s, 1)), low;

	if (v < 0)
		return false;
	*s = slice_from(*s, 5);
	if (v >= 0xd800 && v < 0xdc00 && slice_starts(*s, SLICE("\\u")) &&
	    (low = hex4(slice_from(*s, 2))) >= 0xdc00 && low < 0xe000) {
		v = 0x10000 + ((v - 0xd800) << 10) + low - 0xdc00;
		*s = slice_from(*s, 6);
	} else if (v >= 0xd800 && v < 0xe000) {
		v = 0xfffd;
	}
	if (b != NULL)
		add_utf8(b, (unsigned)v);
	return true;
}

/* One escape behind its backslash. */
static bool
escape(struct slice *s, struct buf *b)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (s->n == 0)
		return false;
	if (s->p[0] == 'u')
		return unicode(s, b);
	at = s->p[0] != '\0' ? strchr(names, s->p[0]) : NULL;
	if (at == NULL)
		return false;
	if (b != NULL)
		buf_char(b, bytes[at - names]);
	*s = slice_from(*s, 1);
	return true;
}

/* Take a string with its quotes; what it means goes to b, if there is one. */
static bool
string(struct slice *s, struct buf *b)
{
	size_t n;

	if (!slice_eat_char(s, '"'))
		return false;
	for (;;) {
		n = slice_until(*s, '"', '\\');
		if (n == s->n)
			return false;
		if (b != NULL)
			buf_add(b, slice_head(*s, n));
		*s = slice_from(*s, n + 1);
		if (s->p[-1] == '"')
			return true;
		if (!escape(s, b))
			return false;
	}
}

/* --- other values ---------------------------------------------------------------------- */

/* "[101,88,5]": bytes, as the journal prints what is not text. */
static bool
bytes_of(struct slice *s, struct buf *b)
{
	struct slice t = slice_from(*s, 1);
	uint64_t v;

	do {
		skip_blanks(&t);
		if (!slice_u64(&t, &v) || v > 255)
			return false;
		buf_char(b, (char)v);
		skip_blanks(&t);
	} while (slice_eat_char(&t, ','));
	if (!slice_eat_char(&t, ']'))
		return false;
	*s = t;
	return true;
}

/* Skip a value of any kind, however deep: what opens must close. */
static bool
skip(struct slice *s)
{
	unsigned depth = 0;

	do {
		size_t n = 0;

		skip_blanks(s);
		if (s->n == 0)
			return false;
		switch (s->p[0]) {
		case '"':
			if (!string(s, NULL))
				return false;
			break;
		case '{':
		case '[':
			depth++;
			*s = slice_from(*s, 1);
			break;
		case '}':
		case ']':
			if (depth == 0)
				return false;
			depth--;
			*s = slice_from(*s, 1);
			break;
		case ',':
		case ':':
			if (depth == 0)
				return false;
			*s = slice_from(*s, 1);
			break;
		default:	/* a number, true, false, null */
			while (n < s->n && memchr(",:]}[{\" \t", s->p[n], 9) == NULL)
				n++;
			*s = slice_from(*s, n);
		}
	} while (depth > 0);
	return true;
}

/* The value of a field that is wanted. What is neither text nor bytes is as if it were
 * not there: the journal prints null for what is too long. */
static bool
value(struct header *h, struct slice *s, enum field f)
{
	struct buf *b = &h->fields.text;
	size_t n = b->n;
	bool good = false;

	field_begin(h, f);
	if (s->n > 0 && s->p[0] == '"') {
		if (!string(s, b))
			return false;
		good = true;
	} else if (s->n > 0 && s->p[0] == '[') {
		struct slice first = slice_from(*s, 1);

		skip_blanks(&first);
		/* a field that an entry has twice is an array of its values */
		if (first.n > 0 && first.p[0] == '"')
			good = string(&first, b) && skip(s);
		else if (!(good = bytes_of(s, b)) && !skip(s))
			return false;
	} else {
		struct slice number = *s;

		if (!skip(s))
			return false;
		if ((f == F_PID || f == F_WHEN) && slice_is_digit(number.p[0])) {
			buf_add(b, slice_head(number, number.n - s->n));
			good = true;
		}
	}
	if (good)
		field_end(h, f);
	else
		b->n = n;
	if (f == F_WHEN)
		buf_char(b, ' ');	/* as a stamp has it */
	return true;
}

enum { NAME_MAX_BYTES = 48, DEPTH_MAX = 4 };

/* What an object held besides fields of the journal and of docker. */
struct object {
	bool shipped;			/* names that docker's json-file has not */
	bool by_other[FIELDS];		/* a shipper's name gave it */
	char name[NAME_MAX_BYTES];	/* of the object that is being read, with a dot */
};

/* The field of this name in an object whose own name is n bytes of o->name; FIELDS if it is not wanted. */
static enum field
wanted(const struct header *h, struct object *o, size_t n, struct slice key)
{
	enum field f = n == 0 ? field_of_entry(key) : FIELDS;
	bool better = f != FIELDS;

	if (f < F_LOG || f > F_WHEN)
		o->shipped |= !slice_eq(key, SLICE("attrs"));
	if (f == FIELDS && n + key.n < sizeof o->name) {
		memcpy(o->name + n, key.p, key.n);
		f = field_shipped((struct slice){ o->name, n + key.n }, &better);
		if (f != FIELDS && (!h->fields.in[f].there || (better && o->by_other[f]))) {
			o->by_other[f] = !better;
			return f;
		}
		return FIELDS;
	}
	if (f != FIELDS && h->fields.in[f].there && !o->by_other[f])
		return FIELDS;
	if (f != FIELDS)
		o->by_other[f] = false;
	return f;
}

/* The fields of the object at the front of *s. */
static bool
object(struct header *h, struct slice *s, struct object *o, size_t n, unsigned depth)
{
	if (!slice_eat_char(s, '{'))
		return false;
	skip_blanks(s);
	if (slice_eat_char(s, '}'))
		return depth > 0;
	do {
		struct slice key;
		enum field f;

		skip_blanks(s);
		key = *s;
		if (!string(s, NULL))
			return false;
		key = (struct slice){ key.p + 1, key.n - s->n - 2 };
		skip_blanks(s);
		if (!slice_eat_char(s, ':'))
			return false;
		skip_blanks(s);
		if (s->n > 0 && s->p[0] == '{' && depth < DEPTH_MAX && n + key.n + 1 < sizeof o->name) {
			bool wrapper = slice_eq(key, SLICE("_source")) || slice_eq(key, SLICE("result"));

			o->shipped |= !slice_eq(key, SLICE("attrs"));
			memcpy(o->name + n, key.p, key.n);
			o->name[n + key.n] = '.';
			if (!object(h, s, o, wrapper ? n : n + key.n + 1, depth + 1))
				return false;
		} else {
			f = wanted(h, o, n, key);
			if (f == FIELDS ? !skip(s) : !value(h, s, f))
				return false;
			if (f == F_TAG && slice_eq(key, SLICE("tag")) && !slice_ends(field_value(h, f), SLICE(":")))
				h->fields.in[f].there = false;	/* Fluentd's, not rsyslog's */
		}
		skip_blanks(s);
	} while (slice_eat_char(s, ','));
	return slice_eat_char(s, '}');
}

/* --- containers -------------------------------------------------------------------------- */

/* Put the pieces of a long line together: false if more is to come. */
static bool
whole_text(struct header *h, struct noted *n)
{
	struct buf *b = &h->partial[n->err];

	if (b->n > 0 || !n->end)
		buf_add(b, n->text);
	if (!n->end)
		return false;
	if (n->text.n > 0 && n->text.p[n->text.n - 1] == '\r')
		n->text.n--;
	if (b->n > 0) {	/* it is free again, and stands until the next line */
		n->text = buf_slice(b);
		b->n = 0;
		b->full = false;
	}
	return true;
}

enum header_answer
shape_noted(struct header *h, const struct noted *n, struct line *out)
{
	if (header_plain(h, n->text, out) == HEADER_LINE) {
		if (out->host.p == h->host.p)
			out->host = n->host;
		return HEADER_LINE;
	}
	header_clear(out);
	out->time = n->time;
	out->usec = n->usec;
	out->host = n->host;
	if (shape_dovecot(h, n->text, out) || header_text(h, n->text, true, out))
		return HEADER_LINE;
	out->tag.n = out->pid = 0;
	out->text = out->ident;
	out->own = true;
	return HEADER_LINE;
}

static enum header_answer
printed(struct header *h, struct noted *n, struct line *out)
{
	n->host = h->host;
	return whole_text(h, n) ? shape_noted(h, n, out) : HEADER_MORE;
}

static enum header_answer
docker(struct header *h, struct line *out)
{
	struct slice when = field_value(h, F_WHEN);
	struct noted n = { .err = slice_eq(field_value(h, F_STREAM), SLICE("stderr")),
		.text = field_value(h, F_LOG) };

	when.n++;	/* the blank that value() put there */
	if (!stamp_take(&h->stamps, &when, &n.time, &n.usec) || when.n > 0)
		return HEADER_NONE;
	n.end = n.text.n > 0 && n.text.p[n.text.n - 1] == '\n';
	n.text.n -= n.end;
	return printed(h, &n, out);
}

bool
shape_cri(struct header *h, struct slice raw, struct line *out, enum header_answer *answer)
{
	struct noted n = { .text = raw };
	struct slice tags, stamp;

	if (!slice_cut(&n.text, ' ', &stamp))
		return false;
	n.err = slice_eat(&n.text, SLICE("stderr "));
	if ((!n.err && !slice_eat(&n.text, SLICE("stdout "))) || !slice_cut(&n.text, ' ', &tags) ||
	    tags.n == 0 || (tags.p[0] != 'F' && tags.p[0] != 'P') || (tags.n > 1 && (tags.n == 2 || tags.p[1] != ':')) ||
	    !stamp_take(&h->stamps, &raw, &n.time, &n.usec))
		return false;
	n.end = tags.p[0] == 'F';
	*answer = printed(h, &n, out);
	return true;
}

/* The record at the front of s; what follows it must be tail. */
static enum header_answer
record(struct header *h, struct slice s, const char *tail, struct slice when, struct line *out)
{
	struct object o = { 0 };

	fields_clear(h);
	if (!object(h, &s, &o, 0, 0))
		return HEADER_NONE;
	skip_blanks(&s);
	if (!slice_eq(s, slice_of(tail)))
		return HEADER_NONE;
	if (h->fields.in[F_TIME].there) {
		shape_break(h);
		return shape_entry(h, out);
	}
	if (!o.shipped && h->fields.in[F_LOG].there && h->fields.in[F_WHEN].there)
		return docker(h, out);
	return shape_shipped(h, when, out);
}

enum header_answer
shape_json(struct header *h, struct slice raw, struct line *out)
{
	return record(h, raw, "", SLICE(""), out);
}

bool
shape_fluent(struct header *h, struct slice raw, struct line *out)
{
	struct slice s = raw, when, tag;

	if (slice_cut(&s, '\t', &when) && slice_cut(&s, '\t', &tag) && s.n > 0 && s.p[0] == '{')
		return record(h, s, "", when, out) == HEADER_LINE;
	s = raw;
	return slice_cut_at(&s, SLICE(": ["), &tag) && slice_cut_at(&s, SLICE(", {"), &when) && when.n < 24 &&
	    record(h, (struct slice){ s.p - 1, s.n + 1 }, "]", when, out) == HEADER_LINE;
}
