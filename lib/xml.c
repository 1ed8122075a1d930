/* xml.c - see xml.h. */
#include "xml.h"

#include <string.h>

#include "poison.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct slice *s)
{
	while (s->n > 0 && is_space(s->p[0]))
		*s = slice_from(*s, 1);
}

/* Up to the next blank or one of "/>=". */
static struct slice
word(struct slice *s)
{
	size_t n = 0;

	while (n < s->n && !is_space(s->p[n]) && s->p[n] != '/' && s->p[n] != '>' && s->p[n] != '=')
		n++;
	*s = slice_from(*s, n);
	return (struct slice){ s->p - n, n };
}

/* Where the tag ends: a '>' in quotes is none. -1: it does not. */
static ptrdiff_t
tag_end(struct slice s)
{
	char quote = '\0';

	for (size_t i = 0; i < s.n; i++) {
		if (quote != '\0')
			quote = s.p[i] == quote ? '\0' : quote;
		else if (s.p[i] == '"' || s.p[i] == '\'')
			quote = s.p[i];
		else if (s.p[i] == '>')
			return (ptrdiff_t)i;
	}
	return -1;
}

/* What is no tag of interest: a comment, CDATA, a declaration. False: it is a tag; *ends: it does not end. */
static bool
skip_other(struct slice *text, bool *ends)
{
	static const struct {
		struct slice head, tail;
	} other[] = {
		{ { "!--", 3 }, { "-->", 3 } }, { { "![CDATA[", 8 }, { "]]>", 3 } }, { { "?", 1 }, { "?>", 2 } },
		{ { "!", 1 }, { ">", 1 } },
	};
	struct slice head;

	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		if (!slice_starts(*text, other[i].head))
			continue;
		*ends = slice_cut_at(text, other[i].tail, &head);
		return true;
	}
	return false;
}

bool
xml_next(struct slice *text, struct xml_tag *tag)
{
	struct slice before, s;
	bool ends = true;
	ptrdiff_t n;

	while (slice_cut(text, '<', &before)) {
		if (skip_other(text, &ends)) {
			if (!ends)
				return false;
			continue;
		}
		n = tag_end(*text);
		if (n < 0)
			return false;
		s = slice_head(*text, (size_t)n);
		*text = slice_from(*text, (size_t)n + 1);
		*tag = (struct xml_tag){ .end = slice_eat_char(&s, '/') };
		tag->empty = s.n > 0 && s.p[s.n - 1] == '/';
		if (tag->empty)
			s.n--;
		tag->name = word(&s);
		tag->attributes = s;
		return tag->name.n > 0;
	}
	return false;
}

bool
xml_is(const struct xml_tag *tag, const char *name)
{
	return !tag->end && slice_eq(tag->name, slice_of(name));
}

/* The value as it stands there. */
static bool
find(const struct xml_tag *tag, const char *name, struct slice *value)
{
	struct slice s = tag->attributes, key;
	char quote;

	for (;;) {
		skip_space(&s);
		key = word(&s);
		skip_space(&s);
		if (key.n == 0 || !slice_eat_char(&s, '='))
			return false;
		skip_space(&s);
		if (s.n == 0 || (s.p[0] != '"' && s.p[0] != '\''))
			return false;
		quote = s.p[0];
		s = slice_from(s, 1);
		if (!slice_cut(&s, quote, value))
			return false;
		if (slice_eq(key, slice_of(name)))
			return true;
	}
}

/* What stands for one character; what is beyond ASCII becomes '?'. */
static char
reference(struct slice *s)
{
	static const struct {
		struct slice name;
		char c;
	} known[] = {
		{ { "lt;", 3 }, '<' }, { { "gt;", 3 }, '>' }, { { "amp;", 4 }, '&' }, { { "quot;", 5 }, '"' },
		{ { "apos;", 5 }, '\'' },
	};
	struct slice number = *s, head;
	uint64_t v;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_eat(s, known[i].name))
			return known[i].c;
	if (!slice_eat_char(&number, '#') || !slice_cut(&number, ';', &head))
		return '&';
	*s = number;
	return slice_u64(&head, &v) && head.n == 0 && v > 0 && v < 128 ? (char)v : '?';
}

void
xml_attribute(const struct xml_tag *tag, const char *name, char *to, size_t size)
{
	struct slice s;
	size_t n = 0;

	if (!find(tag, name, &s))
		s.n = 0;
	while (s.n > 0 && n < size - 1) {
		char c = s.p[0];

		s = slice_from(s, 1);
		if (c == '&')
			c = reference(&s);
		to[n++] = c;
	}
	to[n] = '\0';
}

bool
xml_says(const struct xml_tag *tag, const char *name, const char *value)
{
	struct slice s;

	return find(tag, name, &s) && slice_eq(s, slice_of(value));
}
