/* test_origin.c - networks of accepted mail: addresses, corrections, the order of lists. */
#include "tap.h"

#include "flow/origin.h"

#include "poison.h"

static struct {
	char text[2000];
	size_t n;
} seen;

static bool
note(void *arg, const struct origin *list, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++) {
		char text[ORIGIN_TEXT];
		struct slice s = origin_text(&list[i], text);

		seen.n += (size_t)snprintf(seen.text + seen.n, sizeof seen.text - seen.n, "%s%u/%lld/%u %.*s %lld",
		    i == 0 ? "[" : ", ", list[i].host, (long long)list[i].hour, list[i].kind - TOP_ACCEPTED,
		    (int)s.n, s.p, (long long)list[i].n);
	}
	seen.n += (size_t)snprintf(seen.text + seen.n, sizeof seen.text - seen.n, "]");
	return true;
}

static bool
count(void *arg, const struct origin *list, size_t n)
{
	(void)list;
	*(size_t *)arg += n;
	return n > 0;
}

static const char *
all(struct origins *o)
{
	seen.n = 0;
	seen.text[0] = '\0';
	(void)origins_each(o, note, NULL);
	return seen.text;
}

static const struct {
	const char *ip, *net;
} cases[] = {
	{ "192.0.2.77", "192.0.2.0/24" },
	{ "0.0.0.0", "0.0.0.0/24" },
	{ "255.255.255.255", "255.255.255.0/24" },
	{ "109.10.9.1", "109.10.9.0/24" },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ "2001:DB8::1", "2001:db8::/64" },
	{ "::", "::/64" },
	{ "127.0.0.1", "?" }, { "127.1.2.3", "?" }, { "::1", "?" }, { "", "?" }, { "192.0.2", "?" },
	{ "192.0.2.", "?" }, { "192.0.2.1.", "?" }, { "192.0..1", "?" }, { "192.0.2.256", "?" },
	{ "192.0.2.0001", "?" }, { "unknown", "?" }, { "192.0.2.1a", "?" }, { "2001:db8::g", "?" },
	{ "1:2:3:4:5:6:7:8:9", "?" }, { "2001:db8:1:2:3:4:5:6:7777777777777777777777777", "?" },
	{ "/etc/passwd", "?" }, { "1.2.3.4 ", "?" }
};

int
main(void)
{
	struct origins *o = origins_new();
	size_t n = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char want[100];

		snprintf(want, sizeof want, "[1/5/0 %s 3]", cases[i].net);
		origins_add(o, 1, 5, TOP_ACCEPTED, slice_of(cases[i].ip), 3);
		is_str(all(o), want, cases[i].ip);
		origins_clear(o);
	}
	is_str(all(o), "", "nothing is nothing");
	origins_add(o, 2, 7, TOP_ACCEPTED, SLICE("192.0.2.1"), 1);
	origins_add(o, 1, 8, TOP_JUDGED, SLICE("192.0.2.1"), 2);
	origins_add(o, 1, 8, TOP_ACCEPTED, SLICE("192.0.2.2"), -2);
	origins_add(o, 1, 7, TOP_ACCEPTED, SLICE("198.51.100.1"), 5);
	origins_add(o, 1, 8, TOP_ACCEPTED, SLICE("192.0.2.3"), -1);
	origins_add(o, 1, 8, TOP_ACCEPTED, SLICE("192.0.3.3"), 1);
	origins_add(o, 1, 7, TOP_ACCEPTED, SLICE("198.51.100.2"), -5);
	is_str(all(o), "[1/8/0 192.0.2.0/24 -3, 1/8/0 192.0.3.0/24 1][1/8/1 192.0.2.0/24 2]"
	    "[2/7/0 192.0.2.0/24 1]", "lists by host, hour and kind; what cancels out is gone");
	origins_add(o, 1, 8, TOP_JUDGED, SLICE("192.0.2.9"), -2);
	is_str(all(o), "[1/8/0 192.0.2.0/24 -3, 1/8/0 192.0.3.0/24 1][2/7/0 192.0.2.0/24 1]",
	    "asked again, and corrected again");
	for (unsigned i = 0; i < 20000; i++) {
		char ip[40];

		snprintf(ip, sizeof ip, i % 2 ? "10.%u.%u.1" : "2001:db8:%x:%x::1", i / 256, i % 256);
		origins_add(o, 3, 1, TOP_ACCEPTED, slice_of(ip), 1);
		origins_add(o, 3, 1, TOP_ACCEPTED, slice_of(ip), i % 4 == 0 ? 1 : -1);
	}
	(void)origins_each(o, count, &n);
	is_int((long long)n, 5000 + 3, "many are found again");
	origins_put(o, &(struct origin){ .net = 1, .hour = 9, .n = 3, .host = 1, .kind = TOP_ACCEPTED, .family = 4 });
	origins_add(o, 1, 9, TOP_ACCEPTED, SLICE("0.0.1.9"), 4);
	n = 0;
	(void)origins_each(o, count, &n);
	is_int((long long)n, 5000 + 4, "one of another table is the same network");
	origins_clear(o);
	n = 0;
	(void)origins_each(o, count, &n);
	is_int((long long)n, 0, "forgotten");
	origins_free(o);
	return done_testing();
}
