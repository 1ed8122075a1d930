/* test_track.c - which mails continue each other, whatever is heard first; the table; and
 * that telling takes few steps. What the counts are is in test_order.c. */
#include "tap.h"

#include "flow/track.h"

#include "poison.h"

static struct hash_key key;
static int64_t newest[HOSTS_MAX];

static struct event
event(enum event_kind kind, const char *id)
{
	struct event e;

	event_begin(&e, kind);
	e.id = slice_of(id);
	return e;
}

static void
client(struct track *t, int64_t time, const char *id, const char *ip)
{
	struct event e = event(EV_CLIENT, id);

	e.client_ip = slice_of(ip);
	e.loopback = address_is_loopback(e.client_ip);
	track_event(t, 1, 7, time, &e, 1);
}

static void
queued(struct track *t, int64_t time, const char *id, uint32_t nrcpt)
{
	struct event e = event(EV_QUEUED, id);

	e.nrcpt = nrcpt;
	e.from = SLICE("a@example.net");
	track_event(t, 1, 7, time, &e, 1);
}

static void
handed(struct track *t, int64_t time, const char *id, const char *rcpt, const char *next)
{
	struct event e = event(EV_DELIVERED, id);

	e.where = WHERE_EXT;
	e.to = slice_of(rcpt);
	e.new_id = slice_of(next);
	e.relay_loopback = true;
	e.relay_port = 10024;
	e.delay_ms = 1000;
	e.service = SLICE("smtp");
	track_event(t, 1, 7, time, &e, 1);
}

struct sums {
	int64_t v[METRIC_N];
};

static bool
add_up(void *arg, unsigned host, int64_t minute, const struct cell *c)
{
	struct sums *s = arg;

	(void)host;
	(void)minute;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].key < METRIC_N)
			s->v[c->pair[i].key] += c->pair[i].n;
	return true;
}

static struct sums
sums(struct track *t, struct tally *tally)
{
	struct sums s = { { 0 } };

	track_settle(t);
	tally_each(tally, add_up, &s);
	return s;
}

/* The four lines of a round trip in each of their 24 orders, settled after each. */
static void
test_bond(void)
{
	bool good = true;

	for (int order = 0; order < 24; order++) {
		struct tally *tally = tally_new(NULL);
		struct track *t = track_new(&key, tally, NULL, NULL);
		int left[4] = { 0, 1, 2, 3 }, n = 4, x = order;
		struct sums s;

		while (n > 0) {
			int pick = x % n, what = left[pick];

			x /= n;
			left[pick] = left[--n];
			if (what == 0)
				queued(t, 100, "A", 1);
			else if (what == 1)
				client(t, 101, "B", "127.0.0.1");
			else if (what == 2)
				queued(t, 101, "B", 1);
			else
				handed(t, 102, "A", "u@example.org", "B");
			track_settle(t);
		}
		s = sums(t, tally);
		good &= s.v[M_recv_msg] == 1 && s.v[M_recv_local] == 0 && s.v[M_dlv_ext] == 0 &&
		    s.v[M_b_in] == 1 && s.v[M_b_delivered] == 0 && s.v[M_half_seen] == 1;
		track_free(t);
		tally_free(tally);
	}
	ok(good, "a round trip in any order");
}

/* A filter elsewhere gives back from its own address; B of another client is another's. */
static void
test_address(void)
{
	struct tally *tally = tally_new(NULL);
	struct track *t = track_new(&key, tally, NULL, NULL);
	struct event e = event(EV_DELIVERED, "A");
	struct sums s;

	e.where = WHERE_EXT;
	e.new_id = SLICE("B");
	e.relay_ip = SLICE("198.51.100.5");
	e.relay_port = 10024;
	queued(t, 100, "A", 1);
	client(t, 101, "B", "192.0.2.9");
	queued(t, 101, "B", 1);
	track_event(t, 1, 7, 102, &e, 1);
	s = sums(t, tally);
	ok(s.v[M_recv_msg] == 2 && s.v[M_dlv_ext] == 1, "an id of ours by chance is no bond");
	client(t, 101, "B", "198.51.100.5");
	s = sums(t, tally);
	ok(s.v[M_dlv_ext] == 0, "the filter's own address is");
	e.relay_port = 25;
	e.new_id = SLICE("C");
	client(t, 101, "C", "198.51.100.5");
	track_event(t, 1, 7, 102, &e, 1);
	s = sums(t, tally);
	ok(s.v[M_dlv_ext] == 1, "another mail server's \"queued as\" is not");
	e.new_id = SLICE("A");
	e.relay_port = 10024;
	track_event(t, 1, 7, 102, &e, 1);
	s = sums(t, tally);
	ok(s.v[M_dlv_ext] == 2, "nor does a mail continue itself");
	track_free(t);
	tally_free(tally);
}

static bool
keep(void *arg, struct mail *m)
{
	(void)m;
	++*(int *)arg;
	return true;
}

static void
test_table(void)
{
	struct tally *tally = tally_new(NULL);
	struct track *t = track_new(&key, tally, NULL, NULL);
	char id[20];
	int n = 0;

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(id, sizeof id, "ID%d", i);
		queued(t, 1000 + i, id, 1);
	}
	newest[1] = 21000;
	is_int((long long)track_mails(t), 20000, "many mails");
	track_settle(t);
	ok(track_changed(t, keep, &n) && n == 20000, "all are new");
	track_committed(t);
	n = 0;
	ok(track_changed(t, keep, &n) && n == 0, "none after the commit");
	n = 0;
	ok(track_put_away(t, newest, 900, 1000, 100000, keep, &n) && n > 15000 && n < 20000,
	    "the quiet ones are put away");
	track_kept(t);
	is_int((long long)track_mails(t), 20000, "not if the commit failed");
	n = 0;
	(void)track_put_away(t, newest, 900, 1000, 100, keep, &n);
	track_committed(t);
	ok(track_mails(t) + (size_t)n == 20000 && track_mails(t) <= 100 &&
	    track_mails(t) > 80, "beyond the most, the idle ones");
	for (int i = 19999; i > 19990; i--) {
		(void)snprintf(id, sizeof id, "ID%d", i);
		queued(t, 1000 + i, id, 1);
	}
	ok(track_mails(t) + (size_t)n == 20000, "the rest is found where it was");
	track_free(t);
	tally_free(tally);
}

/* A mail of so many recipients comes back from the filter as one: the facts that both
 * sides learn must not grow faster than it. */
static uint32_t
bytes_of(int rcpts, bool backwards)
{
	struct tally *tally = tally_new(NULL);
	struct track *t = track_new(&key, tally, NULL, NULL);
	char rcpt[40];
	size_t bytes;

	if (!backwards)
		client(t, 100, "B", "127.0.0.1");
	for (int i = 0; i < rcpts; i++) {
		(void)snprintf(rcpt, sizeof rcpt, "u%d@example.org", i);
		handed(t, 101 + i / 100, "A", rcpt, "B");
	}
	for (int i = 0; i < rcpts; i++) {
		struct event e = event(EV_DEFERRED, "B");

		e.to = SLICE("u@example.org");
		e.where = WHERE_EXT;
		track_event(t, 1, 7, 200 + i / 10, &e, 1);
	}
	if (backwards)
		client(t, 100, "B", "127.0.0.1");
	track_settle(t);
	bytes = track_memory_bytes(t);
	track_free(t);
	tally_free(tally);
	return (uint32_t)bytes;
}

int
main(void)
{
	uint32_t few, many;

	key = hash_key_random();
	test_bond();
	test_address();
	test_table();
	few = bytes_of(1000, false);
	many = bytes_of(20000, false);
	ok(many < few * 40, "memory grows with the recipients");
	printf("# %u and %u bytes\n", few, many);
	few = bytes_of(1000, true);
	many = bytes_of(20000, true);
	ok(many < few * 40, "also when the beginning is heard last");
	printf("# %u and %u bytes\n", few, many);
	return done_testing();
}
