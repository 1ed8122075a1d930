/* test_mail.c - facts as bytes: there and back, cut short, full, and damaged; and that
 * counting many recipients takes no more than a few steps each. */
#include "tap.h"

#include "flow/mail.h"

#include "poison.h"

static struct fact
delivery(enum fact_kind kind, int64_t time, const char *rcpt)
{
	return (struct fact){ .kind = kind, .flags = 2, .label = 7, .time = time, .delay_ms = 1200,
		.cls = REASON_other, .a = slice_of(rcpt), .c = SLICE("mx.example.com"),
		.d = SLICE("4.4.1"), .text = SLICE("connect to mx.example.com: Connection refused") };
}

/* One of each kind, with all that it may have. */
static void
fill(struct mail *m)
{
	static char wide[600];

	memset(wide, 'w', sizeof wide);
	for (int k = FACT_CLIENT; k <= FACT_PICKED; k++) {
		struct slice w = { wide, (size_t)k * 30 };
		struct fact f = { .kind = (enum fact_kind)k, .flags = (unsigned)k, .cls = REASON_rdns,
			.label = (uint16_t)(k % 3), .time = 1700000000 - k * 1000, .delay_ms = k - 2,
			.size = (uint64_t)k << 40, .nrcpt = UINT32_MAX, .other_id = w, .a = w, .b = w,
			.c = w, .d = w, .text = w };

		mail_add(m, &f);
	}
}

/* The parts of a delay come back, and only where they were known. */
static void
test_parts(void)
{
	struct mail m = { 0 };
	struct fact f = delivery(FACT_DELIVERED, 1700000000, "b@example.org");
	uint32_t at = 0;

	f.flags |= FACT_PARTS;
	memcpy(f.part, (unsigned char[]){ 0, 3, PART_UNKNOWN, 111 }, 4);
	mail_add(&m, &f);
	f.flags &= ~(unsigned)FACT_PARTS;
	mail_add(&m, &f);
	ok(mail_next(&m, &at, &f) && (f.flags & FACT_PARTS) && f.part[0] == 0 && f.part[1] == 3 &&
	    f.part[2] == PART_UNKNOWN && f.part[3] == 111 && f.delay_ms == 1200, "parts of a delay");
	ok(mail_next(&m, &at, &f) && !(f.flags & FACT_PARTS) && f.delay_ms == 1200, "and none");
	free(m.facts);
}

static void
test_bytes(void)
{
	struct mail m = { .host = 3, .id_n = 4, .id = "ABCD" }, back;
	struct buf b = buf_new(1 << 20);
	struct fact f;
	uint32_t at = 0;
	struct slice s;
	int n = 0;
	bool good = true, cut = true;

	fill(&m);
	while (mail_next(&m, &at, &f)) {
		n++;
		good &= (int)f.kind == n && f.flags == (unsigned)n && f.time == 1700000000 - n * 1000 &&
		    f.a.n <= MAIL_TEXT_MAX && f.text.n <= 160 && f.other_id.n <= MAIL_ID_MAX;
	}
	ok(good && n == FACT_PICKED, "each kind there and back, long texts cut");
	mail_encode(&b, &m);
	s = buf_slice(&b);
	ok(mail_decode(&s, &back) && s.n == 0 && back.n == m.n && back.first == m.first &&
	    back.last == m.last && slice_eq(mail_id(&back), SLICE("ABCD")), "a mail as a block");
	free(back.facts);
	for (size_t i = 0; i < b.n; i++) {
		s = slice_head(buf_slice(&b), i);
		if (mail_decode(&s, &back)) {
			cut = false;
			free(back.facts);
		}
	}
	ok(cut, "a block that is cut off is none");
	m.logged = m.n;
	mail_encode(&b, &m);
	f = delivery(FACT_BOUNCED, 1700000000, "u@example.org");
	mail_add(&m, &f);
	buf_clear(&b);
	mail_encode_more(&b, &m);
	ok(b.n < 150, "what was added is short");
	back = (struct mail){ .n = 5 };
	s = buf_slice(&b);
	ok(!mail_grow(&s, &back) && back.n == 5, "and fits that mail alone");
	buf_free(&b);
	free(m.facts);
}

/* Any byte of the facts changed: counting reads no other bytes than these. */
static void
test_damage(void)
{
	struct mail m = { .host = 1 }, copy;
	struct tally *t = tally_new(NULL);
	struct buf b = buf_new(1 << 20);

	fill(&m);
	for (int i = 0; i < 30; i++) {
		struct fact f = delivery(i % 2 == 0 ? FACT_DEFERRED : FACT_DELIVERED,
		    1700000000 + i, "u@example.org");

		mail_add(&m, &f);
	}
	mail_encode(&b, &m);
	for (size_t i = 0; i < b.n; i++) {
		struct slice s;
		char old = b.p[i];

		b.p[i] = (char)(i * 37 + 200);
		s = buf_slice(&b);
		if (mail_decode(&s, &copy)) {
			mail_count(&copy, copy.n, 1, t);
			mail_count(&copy, copy.n / 2, -1, t);
			tally_clear(t);
			free(copy.facts);
		}
		b.p[i] = old;
	}
	ok(1, "damaged facts do no harm");
	buf_free(&b);
	free(m.facts);
	tally_free(t);
}

static void
test_full(void)
{
	struct mail m = { .host = 1 };
	struct fact f = delivery(FACT_DEFERRED, 1700000000, "u@example.org");
	uint32_t n = 0;

	while (mail_add(&m, &f))
		n++;
	ok(m.n <= MAIL_FACTS_MAX && n > 100000, "a mail has an end");
	f.time++;
	ok(!mail_add(&m, &f) && m.last == 1700000000, "and what is too much leaves no trace");
	free(m.facts);
}

/* A list's mail: each recipient is deferred some times, the last time delivered; half of
 * them through a filter, 50 at a time. */
static uint64_t
steps_of(uint32_t rcpts, bool without_qmgr)
{
	struct mail m = { .host = 1 };
	struct tally *t = tally_new(NULL);
	struct fact f = { .kind = FACT_QUEUED, .label = 7, .time = 1700000000, .nrcpt = rcpts };
	uint64_t before;
	char text[40], id[20];

	if (!without_qmgr)
		mail_add(&m, &f);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < rcpts; i++) {
			(void)snprintf(text, sizeof text, "u%u@example.org", i);
			f = delivery(round < 3 ? FACT_DEFERRED : FACT_DELIVERED,
			    1700000000 + round * 1000 + i / 50, text);
			if (round == 3 && i % 100 < 50)
				f.other_id = (struct slice){ id, (size_t)snprintf(id, sizeof id, "B%u", i / 50) };
			mail_add(&m, &f);
		}
	}
	for (uint32_t i = 0; i < rcpts; i += 100) {
		f = (struct fact){ .kind = FACT_INTO, .flags = FACT_BY_DELIVERY, .delay_ms = -1,
			.time = 1700003000 + i / 50,
			.other_id = { id, (size_t)snprintf(id, sizeof id, "B%u", i / 50) } };
		mail_add(&m, &f);
	}
	before = mail_steps;
	mail_count(&m, m.n, 1, t);
	is_int(tally_counts(t, 1, 1700000000 / 60)[M_b_in] > 0, 1, "counted");
	tally_free(t);
	free(m.facts);
	return mail_steps - before;
}

int
main(void)
{
	uint64_t few, many;

	test_parts();
	test_bytes();
	test_damage();
	test_full();
	few = steps_of(1000, false);
	many = steps_of(10000, false);
	ok(many < few * 20 && many < 10000 * 100, "steps grow with the recipients, not their square");
	printf("# %llu and %llu\n", (unsigned long long)few, (unsigned long long)many);
	few = steps_of(1000, true);
	many = steps_of(10000, true);
	ok(many < few * 20 && many < 10000 * 100, "also when qmgr's line is missing");
	printf("# %llu and %llu\n", (unsigned long long)few, (unsigned long long)many);
	return done_testing();
}
