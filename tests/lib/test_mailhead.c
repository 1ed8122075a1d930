/* test_mailhead.c - dates as mail servers write them, and the way of a message. */
#include "mailhead.h"
#include "tap.h"

static const struct {
	const char *text;
	bool good;
	int64_t at;
} dates[] = {
	{ "Sat, 21 Nov 2026 18:44:33 +0000", true, 1795286673 },
	{ "Sat, 21 Nov 2026 19:44:33 +0100 (CET)", true, 1795286673 },
	{ "21 Nov 2026 18:44:33 -0000", true, 1795286673 },
	{ "21-Nov-2026 18:44:33 +0000", true, 1795286673 },
	{ " 1-Nov-2026 18:44:33 +0000", true, 1793558673 },
	{ "Sat,21 Nov 26 13:44:33 EST", true, 1795286673 },
	{ "21 Nov 126 18:44:33 GMT", true, 1795286673 },
	{ "Tue, 14 Nov 95 10:00 UT", true, 816343200 },
	{ "(a (nested \\) one)) Sat (day), 21 (x) Nov 2026 18 : 44 : 33 (y) +0530 (z)", true, 1795266873 },
	{ "Sat,\r\n\t21 November 2026\r\n 18:44:33 Z", true, 1795286673 },
	{ "Thu, 31 Dec 1998 23:59:60 +0000", true, 915148800 },
	{ "Sun, 29 Feb 2024 12:00:00 -1200", true, 1709251200 },
	{ "29 Feb 2026 12:00:00 +0000", false, 0 },
	{ "21 Nov 2026 24:00:00 +0000", false, 0 },
	{ "21 Nov 2026 18:60:00 +0000", false, 0 },
	{ "21 Nov 2026 18:44:33 +0160", false, 0 },
	{ "21 Nov 2026 18:44:33 CET", false, 0 },
	{ "21 Nov 2026 18:44:33", false, 0 },
	{ "21 Nov 2026", false, 0 },
	{ "21 Foo 2026 18:44:33 +0000", false, 0 },
	{ "21 Nov 20266 18:44:33 +0000", false, 0 },
	{ "21 Nov 1969 18:44:33 +0000", false, 0 },
	{ "((((", false, 0 },
	{ "", false, 0 },
};

static const struct {
	const char *text, *by, *with;
	int64_t at;	/* 0: none */
} received[] = {
	{ "from mail.example.net (mail.example.net [198.51.100.9])\r\n\t(using TLSv1.3 with cipher X; Y)\r\n"
	  "\tby mx1.example.org (Postfix) with ESMTPS id 4ABC\r\n\tfor <anna@example.org>; "
	  "Sat, 21 Nov 2026 18:44:33 +0000 (UTC)", "mx1.example.org", "ESMTPS", 1795286673 },
	{ "(qmail 1234 invoked by uid 89); 21 Nov 2026 18:44:33 -0000", "", "", 1795286673 },
	{ "from unknown (HELO x) (198.51.100.9)\n  by mx2.example.org with SMTP; 21 Nov 2026 18:44:33 -0000",
	  "mx2.example.org", "SMTP", 1795286673 },
	{ "from a by \"b; c\" with LMTP; nonsense; Sat, 21 Nov 2026 18:44:33 +0000", "\"b; c\"", "LMTP",
	  1795286673 },
	{ "by mx3.example.org with ESMTP id 1", "mx3.example.org", "ESMTP", 0 },
	{ "by", "", "", 0 },
	{ "", "", "", 0 },
};

static void
test_fields(void)
{
	struct slice head = SLICE("Received: one\r\n\ttwo\r\nno field\r\n folded\r\nSubject :\r\n x\r\n"
	    "Empty:\r\nLast: y\r\n\r\nBody: no\r\n"), name, value;

	ok(mailhead_next(&head, &name, &value) && slice_eq(name, SLICE("Received")) &&
	    slice_eq(value, SLICE("one\r\n\ttwo")), "a folded field");
	ok(mailhead_next(&head, &name, &value) && slice_eq(name, SLICE("Subject")) &&
	    slice_eq(value, SLICE("x")), "what is no field is passed over; a blank before the colon");
	ok(mailhead_next(&head, &name, &value) && slice_eq(name, SLICE("Empty")) && value.n == 0, "an empty one");
	ok(mailhead_next(&head, &name, &value) && slice_eq(value, SLICE("y")), "the last");
	ok(!mailhead_next(&head, &name, &value), "the body is none");
	head = SLICE("A: b");
	ok(mailhead_next(&head, &name, &value) && slice_eq(value, SLICE("b")) &&
	    !mailhead_next(&head, &name, &value), "a header that is cut off");
}

static void
test_bounds(void)
{
	static struct mailhead_way w;
	char longer[300];

	memset(longer, 'x', sizeof longer);
	memcpy(longer, "by ", 3);
	for (int i = 0; i < 70; i++)
		mailhead_received(&w, (struct slice){ longer, sizeof longer });
	is_int((long long)w.hops, MAILHEAD_HOPS_MAX, "no more hops than there is room for");
	is_int((long long)w.left_out, 70 - MAILHEAD_HOPS_MAX, "the others are counted");
	is_int((long long)strlen(w.hop[0].by), MAILHEAD_NAME - 1, "a long name is cut");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
		int64_t at = 0;
		bool good = mailhead_date(slice_of(dates[i].text), &at);

		if (!ok(good == dates[i].good && at == dates[i].at, "date \"%s\"", dates[i].text))
			printf("# got %d %lld\n", good, (long long)at);
	}
	for (size_t i = 0; i < sizeof received / sizeof received[0]; i++) {
		struct mailhead_way w = { .hops = 0 };

		mailhead_received(&w, slice_of(received[i].text));
		is_str(w.hop[0].by, received[i].by, "received by");
		is_str(w.hop[0].with, received[i].with, "with");
		is_int(w.hop[0].dated ? w.hop[0].at : 0, received[i].at, "at");
	}
	test_fields();
	test_bounds();
	return done_testing();
}
