/* test_replica_ldap.c - change numbers of directories, and who lacks one. */
#include "replica_ldap.h"

#include <stdlib.h>

#include "tap.h"

static const struct {
	const char *text;
	bool good;
	double time_s;
	unsigned id;
} csns[] = {
	{ "20261120203354.705750Z#000000#001#000000", true, 1795206834.70575, 1 },
	{ "19700101000000.000000Z#000000#000#000000", true, 0, 0 },
	{ "20261120203354Z#000000#fff#000000", true, 1795206834, 0xfff },
	{ "20261120203354.705750Z#00000a#00A#00000f", true, 1795206834.70575, 10 },
	{ "65000000000100070000", true, 0x65000000, 7 },
	{ "20261120203354.705750Z#000000#001#000000 ", false, 0, 0 },
	{ "20261120203354.705750Z#000000#001", false, 0, 0 },
	{ "20261320203354.705750Z#000000#001#000000", false, 0, 0 },
	{ "20261120243354.705750Z#000000#001#000000", false, 0, 0 },
	{ "20261120203354.70575Z#000000#001#000000", false, 0, 0 },
	{ "20261120203354.705750#000000#001#000000", false, 0, 0 },
	{ "", false, 0, 0 }, { "6500000000010007000g", false, 0, 0 }, { "650000000001000700001", false, 0, 0 },
};

/* A server with these change numbers, of 2026-11-20 20:33:SS by id: "54 1, 50 2". */
static struct replica_ldap
server(const char *name, bool provider, const char *const *values, struct buf *b, struct rows *r)
{
	struct replica_ldap s = { .name = name, .answered = true, .provider = provider, .rows = r };

	*b = buf_new(4096);
	for (; *values != NULL; values++) {
		rows_row(b, "csn");
		rows_text(b, "value", *values);
	}
	if (b->n > 0)
		rows_read(r, buf_slice(b));
	replica_ldap_read(&s);
	return s;
}

#define AT(second, id) "202611202033" second ".000000Z#000000#" id "#000000"

static void
compare(const char *what, bool provider, const char *const *first, const char *const *second, bool behind)
{
	struct buf b[2];
	struct rows r[2] = { { .n = 0 }, { .n = 0 } };
	struct replica_ldap s[2] = { server("a", provider, first, &b[0], &r[0]),
		server("b", false, second, &b[1], &r[1]) };

	ok(replica_ldap_behind(s, 2, &s[1]) == behind, "%s: %s", what, behind ? "behind" : "has all");
	for (int i = 0; i < 2; i++) {
		rows_free(&r[i]);
		buf_free(&b[i]);
	}
}

#define VALUES(...) (const char *const[]){ __VA_ARGS__, NULL }

int
main(void)
{
	for (size_t i = 0; i < sizeof csns / sizeof *csns; i++) {
		struct replica_ldap_csn c;
		bool good = replica_ldap_csn(slice_of(csns[i].text), &c);
		double off = good ? c.time_s - csns[i].time_s : 0;

		ok(good == csns[i].good && (!good || (off < 1e-5 && off > -1e-5 && c.id == csns[i].id)),
		    "\"%s\"", csns[i].text);
	}
	compare("the same", true, VALUES(AT("54", "001")), VALUES(AT("54", "001")), false);
	compare("older", true, VALUES(AT("54", "001")), VALUES(AT("53", "001")), true);
	compare("newer than its provider", true, VALUES(AT("53", "001")), VALUES(AT("54", "001")), false);
	compare("an id is missing", true, VALUES(AT("54", "001"), AT("10", "002")), VALUES(AT("54", "001")), true);
	compare("an id more", true, VALUES(AT("54", "001")), VALUES(AT("54", "001"), AT("10", "002")), false);
	compare("one of two ids is older", false, VALUES(AT("54", "001"), AT("10", "002")),
	    VALUES(AT("54", "001"), AT("09", "002")), true);
	compare("nothing at all", true, VALUES(AT("54", "001")), (const char *const[]){ NULL }, true);
	compare("389-DS", true, VALUES("{replicageneration} 64000000000000070000",
	    "{replica 7 ldap://ds1.example.org:389} 64000000000100070000 65000000000100070000"),
	    VALUES("{replica 7 ldap://ds1.example.org:389} 64000000000100070000 64ffffff000100070000"), true);
	compare("389-DS, the same", true, VALUES("{replica 7 ldap://ds1.example.org:389} 64000000000100070000 65000000000100070000"),
	    VALUES("{replica 7 ldap://ds1.example.org:389} 65000000000100070000"), false);
	return done_testing();
}
