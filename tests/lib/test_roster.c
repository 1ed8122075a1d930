/* test_roster.c - accounts of several tables by name: the same as one table of all of them. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "roster.h"

#include "poison.h"

enum { HOUR = 498658, HOURS = 3, USERS = 300 };

static const struct hash_key key = { { 1, 2, 3, 4 } };

static struct slice
text(const char *what, unsigned i)
{
	static char t[100];

	return (struct slice){ t, (size_t)snprintf(t, sizeof t, "%s%u.example.org", what, i) };
}

/* Every third of them in every hour, the others in one. */
static void
fill(struct users *u, unsigned hour)
{
	for (unsigned i = 0; i < USERS; i++) {
		struct user *x;

		if (i % 3 != 0 && i % HOURS != hour)
			continue;
		x = users_get(u, text("user", i));
		x->num[USER_MSGS] = i % 5;
		x->num[USER_RCPTS] = (int64_t)i * 7;
		x->num[USER_FAILED] = i % 10 == 0;
		user_visit(x, &key, i % 4 == 0, text("net", hour), 1, 0, (HOUR + hour) * 3600L);
	}
}

static void
test_sums(void)
{
	struct roster r = { 0 }, failing = { 0 };
	struct users all = { 0 };
	bool good = true, sorted = true, few = true;

	/* not in order: what waits to be filed away comes last */
	for (unsigned k = 0; k < HOURS; k++) {
		unsigned hour = (k + 1) % HOURS;
		struct users u = { 0 };
		struct buf b = buf_new(1 << 20);

		fill(&u, hour);
		users_merge(&all, &u);
		users_encode(&u, HOUR + hour, &b);
		good &= roster_add(&r, HOUR + hour, buf_slice(&b), false) &&
		    roster_add(&failing, HOUR + hour, buf_slice(&b), true);
		memset(b.p, 'x', b.n);
		buf_free(&b);
		users_free(&u);
	}
	ok(good && r.n == all.n, "all users of all tables");
	for (const struct roster_one *one = r.first; one != NULL; one = one->next) {
		const struct user *x = users_find(&all, roster_name(one));
		struct users whole = { 0 };
		struct user *y = users_get(&whole, roster_name(one));

		good &= x != NULL && roster_find(&r, roster_name(one)) == one && roster_numbers(one, y->num) &&
		    roster_visits(one, y) && memcmp(x->num, y->num, sizeof x->num) == 0 &&
		    x->ok.n == y->ok.n && x->failed.n == y->failed.n && one->oks >= x->ok.n;
		for (const struct roster_part *p = &one->first; p != NULL && p->next != NULL; p = p->next)
			sorted &= p->hour <= p->next->hour;
		sorted &= one->last->next == NULL;
		few &= one->failed == (x->num[USER_FAILED] != 0 || x->failed.n > 0) &&
		    one->failed == (roster_find(&failing, roster_name(one)) != NULL);
		users_free(&whole);
	}
	ok(good, "with their numbers and visitors");
	ok(sorted, "a part of an earlier hour comes first");
	ok(few && failing.n > 0 && failing.n < r.n, "those that failed alone");
	ok(roster_find(&r, SLICE("nobody")) == NULL, "who is not there is not found");
	roster_free(&r);
	roster_free(&failing);
	users_free(&all);
}

static void
test_damage(void)
{
	struct users u = { 0 };
	struct buf b = buf_new(1 << 20);
	bool good = true;

	fill(&u, 0);
	users_encode(&u, HOUR, &b);
	for (size_t n = 0; n <= b.n + 1; n++) {
		struct roster r = { 0 };
		char *copy = malloc(n > 0 ? n : 1);	/* so that a sanitizer sees what is read behind it */

		if (copy == NULL)
			break;
		memset(copy, 0, n);
		memcpy(copy, b.p, n < b.n ? n : b.n);
		good &= roster_add(&r, HOUR, (struct slice){ copy, n }, n % 2) == (n == b.n);
		roster_free(&r);
		free(copy);
	}
	ok(good, "a table that is cut off or has more is none");
	buf_free(&b);
	users_free(&u);
}

int
main(void)
{
	test_sums();
	test_damage();
	return done_testing();
}
