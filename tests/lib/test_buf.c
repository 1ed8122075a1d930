/* test_buf.c - buffers that say when they are full, and what they make of strange text. */
#include "tap.h"

#include "buf.h"

#include "poison.h"

static void
test_full(void)
{
	struct buf b = buf_new(5);

	buf_str(&b, "abc");
	buf_str(&b, "def");
	ok(b.full && b.n == 3 && strcmp(b.p, "abc") == 0, "what does not fit is left out whole");
	buf_str(&b, "de");
	ok(b.n == 5, "up to the limit");
	buf_char(&b, 'x');
	buf_fmt(&b, "%d", 7);
	ok(b.n == 5 && b.full, "and not further");
	buf_clear(&b);
	buf_fmt(&b, "%s", "");
	ok(b.n == 0 && !b.full, "cleared");
	buf_fmt(&b, "%05d", 42);
	ok(b.n == 5 && strcmp(b.p, "00042") == 0, "formatted to the last byte");
	buf_free(&b);
	b = buf_new(0);
	buf_char(&b, 'x');
	ok(b.full && b.n == 0, "no room at all");
	buf_clean(&b, SLICE("x"), 1);
	ok(b.n == 0, "for clean text neither");
	buf_free(&b);
	b = buf_new(5);
	buf_clean(&b, SLICE("abcdefg"), 7);
	ok(b.full && b.n == 5, "which is cut");
	buf_free(&b);
	b = buf_new(2000);
	buf_fmt(&b, "%s,", "a");
	buf_fmt(&b, "%0999d", 42);
	ok(b.n == 1001 && strlen(b.p) == 1001 && strcmp(b.p + 998, "042") == 0, "formatted beyond what is there");
	buf_fmt(&b, "%01999d", 42);
	ok(b.full && b.n == 1001 && strlen(b.p) == 1001, "but not beyond the limit");
	buf_free(&b);
	buf_free(&b);
	ok(b.p == NULL, "freed twice is freed");
}

static void
test_varint(void)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX,
		UINT64_MAX - 1, UINT64_MAX };
	struct buf b = buf_new(1000);
	bool good = true, cut = true;
	struct slice s;
	uint64_t u;
	int64_t v;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		buf_clear(&b);
		buf_varint(&b, values[i]);
		s = buf_slice(&b);
		for (size_t n = 0; n < b.n; n++) {
			struct slice part = slice_head(s, n);

			cut &= !slice_varint(&part, &u) && part.n == n;
		}
		good &= slice_varint(&s, &u) && u == values[i] && s.n == 0;
		buf_clear(&b);
		buf_zigzag(&b, (int64_t)values[i]);
		s = buf_slice(&b);
		good &= slice_zigzag(&s, &v) && v == (int64_t)values[i] && s.n == 0;
	}
	ok(good, "numbers there and back");
	ok(cut, "a number that is cut off is none");
	s = SLICE("\377\377\377\377\377\377\377\377\377\377\377\1");
	ok(!slice_varint(&s, &u) && s.n == 12, "nor is one of eleven bytes");
	buf_free(&b);
}

static const char *
clean(struct slice s, size_t max)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(1000);
	buf_clean(&b, s, max);
	return b.p != NULL ? b.p : "";
}

static const char *
json(struct slice s)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(1000);
	buf_json(&b, s);
	return b.p;
}

static const char *
name(struct slice s)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(1000);
	buf_json_name(&b, s);
	return b.p;
}

int
main(void)
{
	struct buf b = buf_new(6);

	test_full();
	test_varint();
	is_str(json(SLICE("a\"b\\c\n\0d\177")), "\"a\\\"b\\\\c\\u000a\\u0000d\\u007f\"", "JSON escapes");
	is_str(json(SLICE("\xc3\xa4\xff\xc3")), "\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"",
	    "broken UTF-8 becomes U+FFFD");
	is_str(json(SLICE("\xed\xa0\x80")), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
	    "half a surrogate is broken");
	is_str(name(SLICE("mx1.example.org \xc3\xa4\"")), "\"mx1.example.org \xc3\xa4\\\"\"", "a name");
	is_str(name(SLICE("a\xff\001<\xe2\x80\xae")), "\"a\\\\xff\\\\x01\\\\x3c\\\\xe2\\\\x80\\\\xae\"",
	    "what is unfit, byte by byte");
	is_str(name(SLICE("a\\xff")), "\"a\\\\x5cxff\"", "and nobody can write a name so himself");
	buf_json(&b, SLICE("abcdef"));
	ok(b.full && b.n == 0, "a JSON string that does not fit is left out whole");
	buf_free(&b);
	is_str(clean(SLICE("a\033[2J\r\nb\xc2\x9b""c"), 100), "a?[2J??b?c", "controls of terminals");
	is_str(clean(SLICE("\xc3\xa4\xc3\xa4"), 3), "\xc3\xa4", "no half letter at the limit");
	is_str(clean(SLICE("\xc0\x80\xf4\x90\x80\x80"), 100), "??????", "overlong and too large");
	is_str(clean(SLICE("abc"), 0), "", "nothing allowed");
	is_str(clean(SLICE("a\xe2\x80\xae""b\xe2\x81\xa6""c\xd8\x9c""d\xe2\x80\x8f""e"), 100), "a?b?c?d?e",
	    "what turns the direction of text");
	is_str(clean(SLICE("a\xe2\x80\xa8""b\xe2\x80\xa9""c\xe2\x80\x8b""d\xef\xbb\xbf""e"), 100), "a?b?c?d?e",
	    "lines that are none of ours, and what nobody sees");
	is_str(clean(SLICE("\xd8\xa3\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\x90\xe2\x82\xac\xe2\x80\xb0\xef\xbb\xbc"), 100),
	    "\xd8\xa3\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\x90\xe2\x82\xac\xe2\x80\xb0\xef\xbb\xbc", "their neighbours stay");
	return done_testing();
}
