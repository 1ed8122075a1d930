/* test_cell.c - sparse counts: sums, corrections, and blobs that were damaged. */
#include <math.h>

#include "tap.h"

#include "cell.h"
#include "dice.h"

#include "poison.h"

static bool
is_sorted(const struct cell *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].n == 0 || (i > 0 && c->pair[i].key <= c->pair[i - 1].key))
			return false;
	return c->n <= c->cap;
}

/* Against an array that has all of it. */
static void
test_sums(void)
{
	static int64_t all[300];
	struct cell c = { 0 }, sum = { 0 }, other = { 0 };
	struct cell_sum more = { { NULL }, { 0 } };
	struct buf b = buf_new(1 << 16);
	bool good = true;

	for (int i = 0; i < 20000; i++) {
		uint32_t key = roll(300);
		int64_t n = (int64_t)roll(7) - 3;

		all[key] += n;
		cell_add(&c, key, n);
		if (i % 100 == 99) {
			good &= is_sorted(&c);
			cell_merge_times(&sum, &c, 3);
			cell_merge_times(&sum, &c, 0);
			cell_merge_times(&sum, &c, -2);
			good &= is_sorted(&sum);
			if (i % 200 == 99) {
				cell_sum_add(&more, &c);
			} else {
				cell_encode(&b, &c);
				good &= cell_sum_blob(&more, buf_slice(&b), UINT64_MAX);
				buf_clear(&b);
			}
			cell_clear(&c);
		}
	}
	for (uint32_t k = 0; k < 300; k++)
		good &= cell_get(&sum, k) == all[k];
	ok(good, "sums of sums");
	cell_add(&sum, 3 * CELL_HOP, 7);
	cell_clear(&c);
	cell_add(&c, 3 * CELL_HOP, 5);
	cell_sum_add(&more, &c);
	cell_add(&other, 3 * CELL_HOP, 2);
	cell_sum_end(&more, &other);
	good = is_sorted(&other) && other.n == sum.n;
	for (uint32_t i = 0; good && i < sum.n; i++)
		good = cell_get(&other, sum.pair[i].key) == sum.pair[i].n;
	ok(good, "many at once, and a key of damage");
	cell_sum_end(&more, &other);
	is_int(other.n, sum.n, "nothing more comes of it");
	cell_free(&other);
	is_int(cell_get(&sum, 4000000000u), 0, "what was never counted is zero");
	cell_clear(&sum);
	cell_add(&sum, 5, 3);
	cell_add(&sum, 5, -3);
	is_int(sum.n, 0, "what was taken back leaves nothing");
	cell_add(&sum, 5, 0);
	is_int(sum.n, 0, "nor does zero");
	buf_free(&b);
	cell_free(&c);
	cell_free(&sum);
}

static void
test_blob(void)
{
	struct cell c = { 0 }, back = { 0 };
	struct cell_sum sum = { { NULL }, { 0 } };
	struct buf b = buf_new(10000);
	bool cut = true, bent = true;

	cell_add(&c, 0, 1);
	cell_add(&c, 7, -5);
	cell_add(&c, CELL_DELAY + 3, 123456789);
	cell_add(&c, CELL_WORD, 2);
	cell_add(&c, UINT32_MAX, 1);
	cell_encode(&b, &c);
	ok(cell_decode(buf_slice(&b), &back) && back.n == 5 && cell_get(&back, 7) == -5 &&
	    cell_get(&back, UINT32_MAX) == 1, "there and back");
	ok(cell_decode_below(buf_slice(&b), CELL_DELAY + 3, &back) && back.n == 2 && cell_get(&back, 7) == -5,
	    "those below a key");
	ok(cell_decode_below(buf_slice(&b), 0, &back) && back.n == 0, "none is below 0");
	ok(cell_sum_blob(&sum, buf_slice(&b), CELL_DELAY + 3), "added to a sum, those below a key");
	cell_clear(&back);
	cell_sum_end(&sum, &back);
	ok(back.n == 2 && cell_get(&back, 0) == 1 && cell_get(&back, 7) == -5, "... and no others");
	for (size_t n = 0; n < b.n; n++)
		cut &= !cell_decode(slice_head(buf_slice(&b), n), &back);
	ok(cut, "cut anywhere: refused");
	buf_char(&b, 0);
	ok(!cell_decode(buf_slice(&b), &back), "more than there should be: refused");
	b.n--;
	for (size_t i = 0; i < b.n; i++) {
		for (unsigned x = 0; x < 256; x++) {
			char old = b.p[i];

			b.p[i] = (char)x;
			if (cell_decode(buf_slice(&b), &back))
				bent &= is_sorted(&back);
			b.p[i] = old;
		}
	}
	ok(bent, "any byte changed: refused, or still in order");
	buf_clear(&b);
	buf_varint(&b, 2);
	buf_varint(&b, 1);
	buf_zigzag(&b, 1);
	buf_varint(&b, 0);
	buf_zigzag(&b, 1);
	ok(!cell_decode(buf_slice(&b), &back), "the same key twice: refused");
	b.p[1] = 0;
	ok(!cell_decode(buf_slice(&b), &back) && !cell_sum_blob(&sum, buf_slice(&b), UINT64_MAX),
	    "key 0 twice: refused");
	buf_clear(&b);
	buf_varint(&b, 1);
	buf_varint(&b, 1);
	buf_zigzag(&b, INT64_MAX);
	ok(!cell_decode(buf_slice(&b), &back) && !cell_sum_blob(&sum, buf_slice(&b), UINT64_MAX),
	    "a number that sums could overflow: refused");
	cell_clear(&back);
	cell_sum_end(&sum, &back);
	buf_free(&b);
	cell_free(&c);
	cell_free(&back);
}

static void
test_hist(void)
{
	struct cell c = { 0 };
	struct hist h;

	cell_add(&c, CELL_DELAY - 1, 9);
	cell_add(&c, CELL_DELAY, 1);
	cell_add(&c, CELL_DELAY + HIST_N - 1, 2);
	cell_add(&c, CELL_DELAY + HIST_N, 9);
	cell_hist(&c, CELL_DELAY, &h);
	ok(hist_count(&h) == 3 && h.n[0] == 1 && h.n[HIST_N - 1] == 2, "a histogram and not its neighbours");
	cell_free(&c);
}

/* What cell_quantile() says of those in a cell is what hist.h says of them unpacked. */
static bool
same_quantiles(const struct cell *c)
{
	static const double share[] = { 0, 0.01, 0.5, 0.95, 0.99, 1 };
	struct hist h;
	bool same = true;

	cell_hist(c, CELL_DELAY, &h);
	for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
		double v = cell_quantile(c, CELL_DELAY, share[i]);
		double w = share[i] < 1 ? hist_quantile(&h, share[i]) : hist_max(&h);

		same &= hist_count(&h) <= 0 ? isnan(v) : v == w;
	}
	return same;
}

static void
test_quantiles(void)
{
	struct cell c = { 0 };
	bool same = same_quantiles(&c);

	cell_add(&c, CELL_DELAY - 1, 90);
	cell_add(&c, CELL_DELAY + HIST_N, 90);
	ok(same && same_quantiles(&c), "nothing has no quantile, and neighbours have none of it");
	for (uint32_t i = 0; i < HIST_N; i += 7) {
		cell_add(&c, CELL_DELAY + i, 1 + i * i % 13);
		same &= same_quantiles(&c);
	}
	ok(same, "quantiles of a cell are those of its histogram");
	cell_add(&c, CELL_DELAY + 3, -5);
	cell_add(&c, CELL_DELAY + HIST_N - 1, -4);
	ok(same_quantiles(&c), "also where a correction is on its way");
	cell_add(&c, CELL_DELAY + 3, -5000);
	ok(same_quantiles(&c), "fewer than none is nothing");
	cell_free(&c);
}

/* Two hosts: one handed 3 of 5 recipients on to the other, which has 4. */
static void
test_whose(void)
{
	struct cell c = { 0 }, sum = { 0 };

	cell_add(&c, M_dlv_ext, 5);
	cell_add(&c, CELL_DELAY + 7, 5);
	cell_add(&c, CELL_WORD + 1, 2);
	cell_add(&c, CELL_HOP + M_dlv_ext, 3);
	cell_add(&c, CELL_HOP + CELL_DELAY + 7, 5);
	cell_merge(&sum, &c);
	cell_whose(&c, false);
	ok(c.n == 3 && cell_get(&c, M_dlv_ext) == 5 && cell_get(&c, CELL_DELAY + 7) == 5,
	    "a host's own has no hops");
	cell_clear(&c);
	cell_add(&c, M_recv_rcpt, 4);
	cell_add(&c, CELL_HOP + M_recv_rcpt, 3);
	cell_add(&c, CELL_HOP + M_auth_rcpt, 1);
	cell_merge(&sum, &c);
	cell_whose(&sum, true);
	ok(sum.n == 4 && cell_get(&sum, M_dlv_ext) == 2 && cell_get(&sum, CELL_DELAY + 7) == 0 &&
	    cell_get(&sum, M_recv_rcpt) == 1 && cell_get(&sum, M_auth_rcpt) == -1 &&
	    cell_get(&sum, CELL_WORD + 1) == 2, "the farm's is less the hops");
	cell_whose(&sum, true);
	ok(sum.n == 4 && cell_get(&sum, M_recv_rcpt) == 1, "and stays so");
	cell_free(&c);
	cell_free(&sum);
}

/* A host's queues, once counted. */
static void
sample(struct cell *c, int64_t deferred, int64_t oldest_s)
{
	cell_add(c, M_q_samples, 1);
	cell_add(c, M_q_deferred, deferred);
	if (oldest_s < 0)
		return;
	cell_add(c, M_q_age_samples, 1);
	cell_add(c, M_q_oldest_s, oldest_s);
}

static void
test_gauges(void)
{
	struct cell a = { 0 }, b = { 0 }, none = { 0 }, sum = { 0 };

	cell_add(&none, M_conn, 2);
	ok(isnan(cell_gauge(&none, M_q_deferred)), "a level without a sample is unknown");
	sample(&a, 0, -1);
	ok(cell_gauge(&a, M_q_deferred) == 0 && isnan(cell_gauge(&a, M_q_oldest_s)),
	    "an empty queue is 0, and an age that nobody knew is unknown");
	sample(&a, 20, 50);
	ok(cell_gauge(&a, M_q_deferred) == 10 && cell_gauge(&a, M_q_oldest_s) == 50,
	    "of two samples it is the mean");
	sample(&b, 7, 30);
	cell_join(&sum, &none);
	cell_join(&sum, &a);
	cell_join(&sum, &b);
	cell_join(&sum, &none);
	ok(cell_gauge(&sum, M_q_deferred) == 17 && cell_gauge(&sum, M_q_oldest_s) == 50,
	    "hosts together: levels are added, of ages the greatest counts");
	is_int(cell_get(&sum, M_conn), 4, "and counts are added as ever");
	cell_free(&a);
	cell_free(&b);
	cell_free(&none);
	cell_free(&sum);
}

int
main(void)
{
	test_gauges();
	test_sums();
	test_whose();
	test_blob();
	test_hist();
	test_quantiles();
	return done_testing();
}
