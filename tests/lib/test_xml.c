/* test_xml.c - tags and attributes of XML; what moved, and when. */
#include "xml.h"

#include "moves.h"
#include "tap.h"

static const char *
value(struct xml_tag *t, const char *name)
{
	static char text[32];

	xml_attribute(t, name, text, sizeof text);
	return text;
}

static void
tags(void)
{
	struct slice s = SLICE("<?xml version=\"1.0\"?>\n<!-- <no/> --><a b='1' c = \"x>y\" >text<d/>\n<![CDATA[<no>]]></a><!x><e f=\"&lt;&amp;&#65;&#955;&x;\"/><g h");
	struct xml_tag t;

	ok(xml_next(&s, &t) && xml_is(&t, "a") && !t.empty, "comments and declarations are skipped");
	is_str(value(&t, "b"), "1", "single quotes");
	is_str(value(&t, "c"), "x>y", "blanks around =, and > in a value");
	is_str(value(&t, "d"), "", "no such attribute");
	ok(xml_says(&t, "b", "1") && !xml_says(&t, "b", "2") && !xml_says(&t, "z", ""), "comparing");
	ok(xml_next(&s, &t) && xml_is(&t, "d") && t.empty, "an empty tag");
	ok(xml_next(&s, &t) && t.end && !xml_is(&t, "a") && slice_eq(t.name, SLICE("a")), "an end; CDATA is skipped");
	ok(xml_next(&s, &t) && xml_is(&t, "e"), "a tag with references");
	is_str(value(&t, "f"), "<&A?&x;", "references");
	ok(!xml_next(&s, &t), "a tag that does not end is none");
	s = SLICE("< >");
	ok(!xml_next(&s, &t), "nor is one without a name");
	s = SLICE("<a b=\"0123456789012345678901234567890123456789\"/>");
	ok(xml_next(&s, &t) && strlen(value(&t, "b")) == 31, "long values are cut");
}

static void
moved(void)
{
	static struct moves m, again;
	struct buf b = buf_new(1 << 16);
	const struct moves_row *r = moves_see(&m, SLICE("vip"), SLICE("mx1"), 1000);

	ok(r != NULL && moves_in_hour(r, 1000) == 0 && moves_since(r, 1060) == 60, "to be seen first is no move");
	r = moves_see(&m, SLICE("vip"), SLICE("mx1"), 1100);
	ok(moves_in_hour(r, 1100) == 0, "to stay is no move");
	r = moves_see(&m, SLICE("vip"), SLICE("mx2"), 1200);
	ok(moves_in_hour(r, 1200) == 1 && moves_since(r, 1260) == 60, "a move");
	ok(moves_in_hour(r, 1200 + MOVES_HOUR_S) == 0, "is forgotten after an hour");
	moves_write(&m, &b);
	moves_read(&again, buf_slice(&b));
	r = moves_see(&again, SLICE("vip"), SLICE("mx2"), 1300);
	ok(again.rows == 1 && moves_since(r, 1300) == 100 && moves_in_hour(r, 1300) == 1, "written and read");
	for (int i = 0; i < 40; i++)
		r = moves_see(&m, SLICE("vip"), i % 2 == 0 ? SLICE("mx1") : SLICE("mx2"), 1300 + i);
	ok(r->n == MOVES_KEPT && moves_in_hour(r, 1400) == MOVES_KEPT, "what flaps has a cap");
	for (int i = 0; i < 2 * MOVES_THINGS; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "%d", i);
		(void)moves_see(&m, slice_of(name), SLICE("mx1"), 1);
	}
	ok(m.rows == MOVES_THINGS, "so have things");
	buf_free(&b);
}

int
main(void)
{
	tags();
	moved();
	return done_testing();
}
