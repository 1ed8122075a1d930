/* test_hash.c - texts like those that are hashed in great numbers do not collide: counted
 * ids, ids that differ in one letter, lines that differ in a digit or a length. */
#include "tap.h"

#include "hash.h"

#include "poison.h"

enum { MANY = 60000 };

static uint64_t seen[MANY];
static size_t n_seen;
static struct hash_key key;

static void
take(const char *text, int n)
{
	seen[n_seen++] = hash_bytes(&key, (struct slice){ text, (size_t)n });
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
collide(const char *what)
{
	int equal = 0;

	qsort(seen, n_seen, sizeof *seen, by_value);
	for (size_t i = 1; i < n_seen; i++)
		equal += seen[i] == seen[i - 1];
	is_int(equal, 0, what);
	n_seen = 0;
}

int
main(void)
{
	char t[200];
	bool inside = true;

	key = hash_key_random();
	for (int i = 0; i < MANY; i++)
		take(t, snprintf(t, sizeof t, "%d", i));
	collide("numbers");
	for (int i = 0; i < MANY; i++)
		take(t, snprintf(t, sizeof t, "ID%d", i));
	collide("names with numbers");
	for (int i = 0; i < MANY; i++)
		take(t, snprintf(t, sizeof t, "%X4F%X", 0x4f1a2 + i / 250, 0x1000 + i % 250 * 17));
	collide("queue ids");
	for (int i = 0; i < MANY; i++)
		take(t, snprintf(t, sizeof t, "3Zdqnk%c%03dz%d", "BCDFGHJKLM"[i % 10], i / 60, i % 60 / 10));
	collide("long queue ids");
	for (int i = 0; i < MANY; i++)
		take(t, snprintf(t, sizeof t, "postfix/smtpd[1]: connect from host%d.example.net[192.0.2.%d]",
		    i / 250, i % 250 + 1));
	collide("lines");
	for (int n = 0; n < 190; n++) {
		memset(t, 0, sizeof t);
		take(t, n);
		for (int at = 0; at < n; at++) {
			t[at] = 1;
			take(t, n);
			t[at] = 0;
		}
	}
	collide("one byte that differs, at any place of any length");
	/* in memory of its own, so that the sanitizer sees a byte too many */
	for (size_t n = 0; n < 100; n++) {
		char *p = malloc(n + (n == 0));

		if (p == NULL)
			return 1;
		memcpy(p, t, n);
		inside &= hash_bytes(&key, (struct slice){ p, n }) == hash_bytes(&key, (struct slice){ t, n });
		free(p);
	}
	ok(inside, "nothing beyond the text is read");
	for (int i = 0; i < MANY; i++)
		seen[n_seen++] = hash_u64(&key, (uint64_t)i);
	collide("small numbers as such");
	return done_testing();
}
