/* test_users.c - tables of accounts: the same in whatever order they are put together, and as
 * exact as is promised. */
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "users.h"

#include "poison.h"

enum { HOUR = 498658, LINES = 4000, PARTS = 7 };

static const struct hash_key key = { { 1, 2, 3, 4 } };

static struct slice
text(const char *what, unsigned i)
{
	static char t[100];

	return (struct slice){ t, (size_t)snprintf(t, sizeof t, "%s%u.example.org", what, i) };
}

/* Line i of the set: who, from where, how. */
static void
say(struct users *u, unsigned i)
{
	unsigned who = i * 7919 % 50;
	struct user *x = users_get(u, text("user", who));

	x->num[USER_MSGS] += 1;
	cell_add(&x->domains, users_domain(&key, text(i % 2 ? "D" : "d", i % 40)), 1);
	user_visit(x, &key, i % 3 == 0, text("net", i * 31 % (who < 25 ? 20 : 500)), 1, i % 5 == 0,
	    (int64_t)HOUR * 3600 + i % 3600);
}

static int
by_name(const void *a, const void *b)
{
	const struct user *x = *(struct user *const *)a, *y = *(struct user *const *)b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = memcmp(x->text, y->text, n);

	return c != 0 ? c : (int)x->len - (int)y->len;
}

/* Its bytes, the same for the same content. */
static struct buf
dump(struct users *u)
{
	struct buf b = buf_new(1 << 24);

	qsort(u->user, u->n, sizeof(struct user *), by_name);
	users_encode(u, HOUR, &b);
	return b;
}

static bool
same(struct users *a, struct users *b)
{
	struct buf x = dump(a), y = dump(b);
	bool equal = slice_eq(buf_slice(&x), buf_slice(&y));

	buf_free(&x);
	buf_free(&y);
	return equal;
}

static void
test_order(void)
{
	struct users all = { 0 }, sum = { 0 }, part[PARTS] = { { 0 } }, again = { 0 };
	struct buf b = buf_new(1 << 24);

	for (unsigned i = 0; i < LINES; i++)
		say(&all, i);
	for (unsigned i = LINES; i-- > 0; )	/* backwards, and in parts */
		say(&part[i * 104729 % PARTS], i);
	for (unsigned p = 0; p < PARTS; p++) {
		buf_clear(&b);
		users_encode(&part[p], HOUR, &b);
		if (p % 2)
			users_merge(&sum, &part[p]);
		else
			is_int(users_decode(&sum, HOUR, buf_slice(&b), NULL), 1, "a part is read back");
		users_free(&part[p]);
	}
	ok(same(&all, &sum), "parts in another order add up to the whole");
	buf_free(&b);
	b = dump(&all);
	ok(users_decode(&again, HOUR, buf_slice(&b), NULL) && same(&all, &again), "and so do its bytes");
	for (size_t n = 0; n < b.n; n += 1 + n / 50) {
		struct users cut = { 0 };

		if (users_decode(&cut, HOUR, (struct slice){ b.p, n }, NULL))
			break;
		users_free(&cut);
		if (n + 1 + n / 50 >= b.n)
			ok(true, "a cut blob is damaged");
	}
	buf_free(&b);
	users_free(&all);
	users_free(&sum);
	users_free(&again);
}

static void
test_corrections(void)
{
	struct users u = { 0 };
	struct user *x = users_get(&u, SLICE("anna"));

	for (unsigned i = 0; i < 100; i++)
		cell_add(&x->domains, users_domain(&key, text("d", i)), 2);
	for (unsigned i = 3; i < 100; i++)
		cell_add(&x->domains, users_domain(&key, text("d", i)), -2);
	ok(fabs(users_domains(&x->domains) - 3) < 0.2, "domains that were taken back were never there");
	x->num[USER_MSGS] += -1;
	ok(user_number(x, USER_MSGS) <= 0, "no number is below nothing");
	ok(users_find(&u, SLICE("anna")) == x && users_find(&u, SLICE("ann")) == NULL, "found by name");
	users_free(&u);
}

/* How far the greatest of some estimates is off. */
static void
test_sizes(void)
{
	static const unsigned sizes[] = { 1, 5, 32, 33, 100, 300, 1000, 20000 };

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		unsigned n = sizes[k];
		struct users u = { 0 };
		struct user *x = users_get(&u, SLICE("anna"));
		double domains, nets;

		for (unsigned i = 0; i < n; i++) {
			cell_add(&x->domains, users_domain(&key, text("d", i)), 1);
			user_visit(x, &key, true, text("net", i), 1, 0, 0);
		}
		domains = users_domains(&x->domains);
		nets = users_set_size(&x->failed);
		ok(n <= USERS_KEEP ? nets == n : nets > n * 0.6 && nets < n * 1.5, "%u visitors: %.0f", n, nets);
		ok(n > 1000 ? domains > 1000 : fabs(domains - n) < 1 + n * 0.15, "%u domains: %.1f", n, domains);
		users_free(&u);
	}
}

static void
test_bounds(void)
{
	struct users u = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		users_get(&u, text("guess", i))->num[USER_FAILED] += 5;
	users_get(&u, SLICE("anna"))->num[USER_MSGS] += 1;
	users_get(&u, SLICE("bob"))->num[USER_OK] += 1;
	is_int((int)users_prune(&u, 100), 902, "who does not fit leaves, and is counted");
	ok(users_find(&u, SLICE("anna")) != NULL && users_find(&u, SLICE("bob")) != NULL,
	    "never one who sends or logs in for names that were guessed");
	ok(u.n == 100 && users_get(&u, SLICE("carol")) != NULL, "and others come");
	users_free(&u);
}

/* u's table, taken apart. */
static bool
parts_are(const struct users *u, struct slice table)
{
	bool good = true;
	uint32_t n = 0;

	good = users_begin(&table, &n) && n == u->n;
	for (; good && n > 0; n--) {
		struct slice bytes = table, name;
		struct users_part p;
		struct user sum = { 0 };
		const struct user *x;
		struct users_seen v;
		int64_t first[2] = { 0, 0 };

		good = users_take(&table, &p) && (x = users_find(u, p.name)) != NULL &&
		    users_part_numbers(&p, sum.num) && users_part_domains(&p, &sum.domains) &&
		    users_part_visits(&p, HOUR, &sum) && users_sent(bytes, &first[0], &first[1]);
		if (!good)
			break;
		good = memcmp(sum.num, x->num, sizeof sum.num) == 0 && sum.domains.n == x->domains.n &&
		    sum.ok.n == x->ok.n && p.oks == x->ok.n && p.faileds == x->failed.n &&
		    p.more_failed == x->failed.more && first[0] == x->num[0] && first[1] == x->num[1] &&
		    (p.oks == 0 || (users_next(&p.ok, &name, &v) && v.n == x->ok.v[0].n &&
		    slice_eq(name, users_visit_name(&x->ok.v[0]))));
		cell_free(&sum.domains);
		free(sum.ok.v != &sum.only ? sum.ok.v : NULL);
		free(sum.failed.v != &sum.only ? sum.failed.v : NULL);
	}
	return good && n == 0 && table.n == 0;
}

static void
test_only(void)
{
	struct users u = { 0 }, again = { 0 }, some = { 0 }, wanted = { 0 };
	struct buf b;

	for (unsigned i = 0; i < LINES; i++)
		say(&u, i);
	users_get(&u, SLICE("large"))->num[USER_NAMELESS] = (int64_t)1 << 39;
	users_get(&u, SLICE("less"))->num[USER_RCPTS] = -300;
	(void)users_get(&u, SLICE(""));
	b = dump(&u);
	(void)users_get(&wanted, text("user", 3));
	ok(users_decode(&some, HOUR, buf_slice(&b), &wanted), "some of the users can be read alone");
	is_int(some.n, 1, "and no others");
	ok(users_decode(&again, HOUR, buf_slice(&b), NULL) && parts_are(&again, buf_slice(&b)),
	    "a table can be taken apart");
	buf_free(&b);
	users_free(&u);
	users_free(&again);
	users_free(&some);
	users_free(&wanted);
}

int
main(void)
{
	test_order();
	test_corrections();
	test_sizes();
	test_bounds();
	test_only();
	return done_testing();
}
