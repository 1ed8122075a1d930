/* fuzz_users.c - a table of accounts of a state that was damaged: what can be read is in its
 * bounds, and is read back as it is written. */
#include <assert.h>
#include <stdint.h>

#include "roster.h"
#include "users.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* By name, and decoded one by one: the same users. */
static void
try_roster(const struct users *u, struct slice table, bool good)
{
	struct roster r = { 0 };
	bool taken = roster_add(&r, 498658, table, false);

	assert(taken || !good);
	assert(r.n == u->n || !good);
	for (const struct roster_one *one = r.first; one != NULL; one = one->next) {
		struct users whole = { 0 };
		struct user *x = users_get(&whole, roster_name(one));
		const struct user *same = users_find(u, roster_name(one));
		bool numbers = roster_numbers(one, x->num), visits = roster_visits(one, x);

		assert((numbers && visits) || !good);
		assert(!good || (x->num[0] == same->num[0] && x->ok.n == same->ok.n && x->failed.n == same->failed.n));
		users_free(&whole);
	}
	roster_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct users u = { 0 }, again = { 0 };
	struct buf b = buf_new(1 << 24), c = buf_new(1 << 24);
	bool good = users_decode(&u, 498658, (struct slice){ (const char *)p, n }, NULL);

	try_roster(&u, (struct slice){ (const char *)p, n }, good);
	for (uint32_t i = 0; i < u.n; i++) {
		const struct user *x = u.user[i];

		assert(x->len <= USERS_TEXT && x->ok.n <= USERS_KEEP && x->failed.n <= USERS_KEEP);
		assert(users_find(&u, user_name(x)) == x);
		assert(users_set_size(&x->ok) >= x->ok.n && users_domains(&x->domains) >= 0);
	}
	users_encode(&u, 498658, &b);
	if (good && users_decode(&again, 498658, buf_slice(&b), NULL)) {	/* else a sum is too large */
		users_encode(&again, 498658, &c);
		assert(slice_eq(buf_slice(&b), buf_slice(&c)));
	}
	(void)users_prune(&u, 1);
	assert(u.n <= 1);
	users_free(&u);
	users_free(&again);
	buf_free(&b);
	buf_free(&c);
	return 0;
}
