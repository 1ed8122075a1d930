/* test_mtamib.c - what values of an SNMP agent mean, and rates between two runs. */
#include "mtamib.h"

#include <math.h>
#include <stdlib.h>

#include "mtarate.h"
#include "tap.h"

static struct mtamib m;

static void
number(enum mtamib_object o, uint32_t a, uint32_t b, uint64_t v)
{
	mtamib_take(&m, &(struct mtamib_value){ .object = o, .index = { a, b }, .is_number = true, .number = v });
}

static void
text(enum mtamib_object o, uint32_t a, uint32_t b, const char *s)
{
	mtamib_take(&m, &(struct mtamib_value){ .object = o, .index = { a, b }, .is_text = true, .text = slice_of(s) });
}

static struct mtamib_sum
sum(void)
{
	struct mtamib_sum s;

	mtamib_sum(&m, &s);
	return s;
}

static void
tables(void)
{
	const char *why;

	mtamib_init(&m);
	ok(isnan(sum().total) && isnan(sum().oldest_s), "nothing said is nothing known");
	ok(!mtamib_says_queue(&m, &why), "and no queue");
	number(MTAMIB_GROUP_STORED, 1, 7, 30);
	number(MTAMIB_GROUP_STORED, 1, 8, 12);
	number(MTAMIB_GROUP_OLDEST, 1, 8, 360000);
	number(MTAMIB_GROUP_OLDEST, 1, 7, 100);
	ok(sum().total == 42 && sum().oldest_s == 3600, "groups alone are added up; the oldest is the oldest");
	number(MTAMIB_STORED, 1, 0, 40);
	number(MTAMIB_STORED, 2, 0, 1);
	ok(sum().total == 41, "applications say the whole: groups may overlap");
	number(MTAMIB_VOLUME, 1, 0, 3);
	ok(sum().bytes == 3072, "volumes are in K octets");
	text(MTAMIB_STORED, 1, 0, "7");
	ok(sum().total == 41 && m.wrong == 1, "a text is no number");
	text(MTAMIB_GROUP_NAME, 1, 8, "  example.net \n");
	ok(m.groups == 2 && strcmp(m.group[1].name, "example.net") == 0, "names without blanks around");
	number(MTAMIB_ASYNC_MESSAGES, 0, 0, 5);
	ok(sum().total == 5, "an appliance says the whole");
	for (uint32_t i = 0; i < 2 * MTAMIB_GROUPS; i++)
		number(MTAMIB_GROUP_REJECTED, 9, i, 1);
	ok(m.groups == MTAMIB_GROUPS && m.over, "rows have a cap");
}

static double
output(const char *s)
{
	mtamib_init(&m);
	text(MTAMIB_EXTEND, 0, 0, s);
	return sum().total;
}

static void
extends(void)
{
	struct buf b = buf_new(100);

	ok(mtamib_extend_oid(&b, "ab") && slice_eq(buf_slice(&b), SLICE("1.3.6.1.4.1.8072.1.3.2.3.1.2.2.97.98")),
	    "the name is the index: %s", b.p);
	buf_free(&b);
	ok(!mtamib_extend_oid(&b, ""), "no name");
	ok(output("17\n") == 17 && output(" 17.5 ") == 17.5, "a number alone");
	ok(isnan(output("17 messages")) && isnan(output("")), "more than a number is none");
	ok(output("QUEUE OK - 3 queued | total=3;1;2 deferred=2 oldest=77s bytes=1B\nmore | total=9") == 3 &&
	    sum().deferred == 2 && sum().oldest_s == 77 && sum().bytes == 1, "performance data of a check");
	ok(isnan(output("x | total=U oldest=-3s")) && isnan(sum().oldest_s), "unknown and negative are unknown");
	ok(isnan(output("x | total=99999999999999999999999999")), "no queue has that many");
}

static void
rates(void)
{
	struct mtamib_sum s = { .total = 100, .received = 4294967000.0, .transmitted = 50, .rejected = (double)NAN };
	struct mtarate r;

	mtarate_of("check_x", "mx1", &s, 1000, 10000, &r);
	ok(isnan(r.growth), "the first run has none");
	s = (struct mtamib_sum){ .total = 40, .received = 304, .transmitted = 170, .rejected = 7 };
	mtarate_of("check_x", "mx2", &s, 1060, 10060, &r);
	ok(isnan(r.growth), "nor has another host");
	mtarate_of("check_x", "mx1", &s, 1060, 10060, &r);
	ok(r.growth == -60 && r.transmitted == 120, "per minute");
	ok(r.received == 600, "a counter of 32 bits ran over: %.1f", r.received);
	ok(isnan(r.rejected), "what was not said has no rate");
	mtarate_of("check_x", "mx1", &s, 1070, 10070, &r);
	ok(r.transmitted > 100, "a run by hand is compared with the same");
	mtarate_of("check_x", "mx1", &s, 5, 10130, &r);
	ok(isnan(r.transmitted) && !isnan(r.growth), "an agent that began anew: counters have no rate");
	mtarate_of("check_x", "mx1", &s, 5000, 20000, &r);
	ok(isnan(r.growth), "what is older than an hour is not compared with");
}

int
main(void)
{
	char dir[] = "/tmp/mx-mtamib.XXXXXX", remove[64];

	ok(mkdtemp(dir) != NULL && setenv("NAGIOS_PLUGIN_STATE_DIRECTORY", dir, 1) == 0, "a folder");
	tables();
	extends();
	rates();
	(void)snprintf(remove, sizeof remove, "rm -r %s", dir);
	ok(system(remove) == 0, "cleaned up");
	return done_testing();
}
