/* test_framing.c - frames of a stream are the same, however the stream was cut. */
#include "tap.h"

#include "input/framing.h"
#include "mem.h"

#include "poison.h"

static const struct {
	const char *what, *in, *want;	/* want: "frame|frame|", "!" bad */
} cases[] = {
	{ "lines", "<1>a\n<2>b b\n", "<1>a|<2>b b|" },
	{ "counted", "4 <1>a5 <2>bb", "<1>a|<2>bb|" },
	{ "both in turn", "4 <1>a<2>b\n7 <3>\nc d<4>e\n", "<1>a|<2>b|<3>\nc d|<4>e|" },
	{ "a line end behind a counted frame", "4 <1>a\n4 <2>b\r\n", "<1>a|<2>b|" },
	{ "a line end within the count", "5 <1>a\n5 <2>b\n", "<1>a|<2>b|" },
	{ "line ends of all kinds, empty lines", "\r\n<1>a\r\n\n<2>b\n", "<1>a|<2>b|" },
	{ "no PRI", "Nov 20 20:47:06 h t: x\n", "Nov 20 20:47:06 h t: x|" },
	{ "an end that was cut off", "<1>a\n<2>b", "<1>a|" },
	{ "a counted end that was cut off", "4 <1>a9 <2>b", "<1>a|" },
	{ "no blank behind the count", "4x<1>a\n", "!" },
	{ "a count of nothing", "<1>a\n0 <2>", "<1>a|!" },
	{ "a count of ten digits", "1234567890 <1>a\n", "!" },
	{ "a TLS handshake", "\x16\x03\x01\n", "!" },
};

/* In pieces of step bytes, each in memory of its own size. */
static void
run(const char *in, size_t n, size_t step, struct buf *out)
{
	struct framing f = framing_new();
	enum framing_answer a = FRAMING_MORE;

	for (size_t at = 0; at < n && a != FRAMING_BAD; at += step) {
		char *copy = xslicedup(slice_head((struct slice){ in + at, n - at }, step));
		struct slice s = { copy, n - at < step ? n - at : step }, frame;
		bool cut;

		while ((a = framing_take(&f, &s, &frame, &cut)) == FRAMING_FRAME) {
			if (cut)
				buf_fmt(out, "cut %zu ", frame.n);
			buf_add(out, slice_head(frame, 100));
			buf_char(out, '|');
		}
		free(copy);
	}
	if (a == FRAMING_BAD)
		buf_char(out, '!');
	framing_free(&f);
}

static void
test_long(const char *what, const char *head, size_t body, const char *want)
{
	size_t n = strlen(head), all = n + body + 8;
	char *in = xmalloc(all);
	int bad = 0;

	memcpy(in, head, n);
	memset(in + n, 'x', body);
	memcpy(in + n + body, "\n<1>next", 8);
	for (size_t step = 1000; step < all + 5000; step += 4000) {
		struct buf out = buf_new(1000);

		run(in, all, step, &out);
		if (out.p == NULL || strncmp(out.p, want, strlen(want)) != 0)
			bad++;
		buf_free(&out);
	}
	is_int(bad, 0, what);
	free(in);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t step = 1; step < 60; step += step < 8 ? 1 : 17) {
			struct buf out = buf_new(1000);

			run(cases[i].in, strlen(cases[i].in), step, &out);
			if (strcmp(out.p == NULL ? "" : out.p, cases[i].want) != 0 || step == 1)
				is_str(out.p == NULL ? "" : out.p, cases[i].want, cases[i].what);
			buf_free(&out);
		}
	}
	test_long("a line of the greatest length", "<1>", FRAME_MAX - 3, "<1>xxx");
	test_long("one byte more is cut", "<1>", FRAME_MAX - 2, "cut 65536 <1>xxx");
	test_long("far more is cut, too", "<1>", FRAME_MAX * 5, "cut 65536 <1>xxx");
	test_long("and counted ones", "300000 <1>", 299997, "cut 65536 <1>xxx");
	return done_testing();
}
