/* test_rows.c - rows that go from one process to another; sets of transactions. */
#include "rows.h"

#include <math.h>

#include "gtid.h"
#include "tap.h"

static const struct {
	const char *has, *set, *only;
	double lacks;
} sets[] = {
	{ "", "", "", 0 }, { "", "u:1-5", "", 5 }, { "u:1-5", "u:1-5", "", 0 }, { "u:1-3", "u:1-5", "", 2 },
	{ "u:1-480:485", "u:1-500", "", 19 }, { "u:1-5", "u:1-3", "", 0 }, { "u:1-5", "v:1-5", "", 5 },
	{ "u:1-5,\nv:1-9", "v:8-12,u:5-6", "", 4 }, { "U:1-5", "u:1-5", "", 0 }, { "u:7", "u:7", "", 0 },
	{ "", "u:1-5:tag:3-4", "", 7 }, { "u:1-5", "u:1-5:tag:3-4", "", 2 }, { "u:tag:3-4", "u:1-5:tag:3-4", "", 5 },
	{ "", "u:5-1", "", 0 }, { "", "u", "", 0 }, { "", ":::,,:", "", 0 }, { "", "u:1-", "", 0 },
	{ "", "u:99999999999999999999999", "", 0 }, { "u:1-5", "u:1-6,v:1-3", "v", 3 }, { "", " u : 1-2 ", "", 2 },
};

static const struct {
	const char *from, *to;
	double gap;	/* below 0: none */
} gaps[] = {
	{ "0-1-14", "0-1-14", 0 }, { "0-1-14", "0-1-10", 4 }, { "0-1-14,1-2-7", "0-1-14", 7 },
	{ "0-1-14,1-2-7", "1-9-5,0-3-4", 12 }, { "0-1-10", "0-1-14", 0 }, { "", "0-1-3", -1 },
	{ "0-1-3", "", 3 }, { "x", "0-1-3", -1 }, { "0-1-3", "0-1", -1 }, { "0-1-3;", "0-1-3", -1 },
	{ "0-1-5", "0-1-3,0-2-4", 1 },
};

static void
gtids(void)
{
	static char much[GTID_BYTES + 1];

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		double n = gtid_lacks(slice_of(sets[i].has), slice_of(sets[i].set), slice_of(sets[i].only));

		ok(n == sets[i].lacks, "\"%s\" lacks %g of \"%s\": %g", sets[i].has, sets[i].lacks, sets[i].set, n);
	}
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		double n = gtid_gap(slice_of(gaps[i].from), slice_of(gaps[i].to));

		ok(gaps[i].gap < 0 ? isnan(n) : n == gaps[i].gap, "\"%s\" to \"%s\": %g", gaps[i].from, gaps[i].to, n);
	}
	memset(much, '1', GTID_BYTES);
	ok(isnan(gtid_lacks(SLICE(""), slice_of(much), SLICE(""))), "of what was cut nothing is known");
}

static void
write_rows(struct buf *b)
{
	rows_row(b, "status");
	rows_text(b, "Name", "a");
	rows_field(b, "Empty", "", 0);
	rows_text(b, "Nothing", NULL);
	rows_field(b, "Zero", "1\0002", 3);
	rows_row(b, "other");
	rows_row(b, "status");
	rows_text(b, "name", "b");
	rows_text(b, "lag", " 12.5 ");
	rows_error(b, "connection", 2003, "no route");
}

static void
check_rows(const struct rows *r)
{
	const struct row *a = rows_next(r, "status", NULL), *b = rows_next(r, "status", a);

	ok(a != NULL && b != NULL && rows_next(r, "status", b) == NULL, "two rows");
	is_int((long long)rows_count(r, "status"), 2, "counted");
	ok(rows_next(r, "status", rows_next(r, "none", NULL)) == a, "none of that name");
	ok(row_is(a, "NAME", "A") && row_is(b, "Name", "b"), "names and texts in either case");
	ok(row_has(a, "Empty") && row_text(a, "Empty").n == 0, "empty is there");
	ok(row_has(a, "Nothing") && isnan(row_number(a, "Nothing")), "NULL is there and no number");
	ok(!row_has(a, "lag") && isnan(row_number(a, "lag")), "what is not there is no number");
	ok(isnan(row_number(a, "Empty")) && isnan(row_number(a, "Name")), "nor are other texts");
	ok(row_number(b, "lag") == 12.5, "a number");
	is_int((long long)row_text(a, "Zero").n, 3, "bytes of all sorts");
	ok(rows_find(r, "status", "name", SLICE("B")) == b, "found by a text");
	ok(row_text(NULL, "x").n == 0 && !row_has(NULL, "x") && isnan(row_number(NULL, "x")), "no row at all");
}

static void
trouble(const struct rows *r)
{
	static const struct rows none;
	struct apart_job j = { .end = APART_DONE, .phase = "asking" };
	struct buf b = buf_new(1000);
	bool ours;

	ok(!rows_trouble(&j, &none, &b, &ours) && b.n == 0, "no trouble");
	ok(rows_trouble(&j, r, &b, &ours) && !ours, "a peer's");
	is_str(b.p, "connection: no route (2003)", "the sentence");
	buf_clear(&b);
	j.end = APART_LATE;
	ok(rows_trouble(&j, &none, &b, &ours) && !ours, "late");
	is_str(b.p, "no answer in time while asking", "and where");
	buf_clear(&b);
	j.end = APART_DIED;
	ok(rows_trouble(&j, &none, &b, &ours) && ours, "a crash is ours");
	buf_free(&b);
}

int
main(void)
{
	struct buf b = buf_new(1 << 20);
	struct rows r = { .n = 0 };

	write_rows(&b);
	rows_read(&r, buf_slice(&b));
	is_int((long long)r.n, 4, "all rows");
	check_rows(&r);
	trouble(&r);
	rows_free(&r);
	for (size_t n = 0; n < b.n; n++) {	/* cut anywhere */
		char *copy = xslicedup((struct slice){ b.p, n });

		rows_read(&r, (struct slice){ copy, n });
		if (r.n > 4)
			ok(0, "cut at %zu: %zu rows", n, r.n);
		rows_free(&r);
		free(copy);
	}
	buf_clear(&b);
	for (int i = 0; i < ROWS_MAX + 5; i++)
		rows_row(&b, "t");
	for (int i = 0; i < ROWS_FIELDS + 5; i++)
		rows_text(&b, "f", "");
	rows_read(&r, buf_slice(&b));
	is_int((long long)r.n, ROWS_MAX, "no more rows than there may be");
	rows_free(&r);
	buf_free(&b);
	gtids();
	return done_testing();
}
