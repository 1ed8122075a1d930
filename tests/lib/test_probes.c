/* test_probes.c - the fates of probes: written and read again, late, lost, forgotten, summed up. */
#include <math.h>

#include "probes.h"
#include "tap.h"

static struct probes p, again;
static struct mailbox m;

static const char *
token(int i)
{
	static char text[SMTP_TOKEN];

	(void)snprintf(text, sizeof text, "%032d", i);
	return text;
}

static struct probe *
known(int i, double sent, enum probe_fate fate, double took)
{
	struct probe *one = probes_add(&p, token(i), sent);

	one->fate = fate;
	one->took = took;
	return one;
}

static void
test_text(void)
{
	struct buf b = buf_new(1 << 18), twice = buf_new(1 << 18);

	(void)mailbox_folder(&m, "INBOX", false, true);
	(void)mailbox_folder(&m, "Junk mail", true, false);
	(void)snprintf(m.folder[1].mark, MAILBOX_MARK, "7:12");
	known(1, 1000.5, PROBE_FOUND, 1.25)->junk = true;
	known(2, 1001, PROBE_FOUND, 90)->late = true;
	(void)known(3, 1002, PROBE_SENT, 0);
	probes_write(&p, &m, &b);
	m.folder[1].mark[0] = '\0';
	probes_read(&again, &m, buf_slice(&b));
	is_str(m.folder[1].mark, "7:12", "the mark of a folder");
	is_str(m.folder[0].mark, "", "none where there was none");
	probes_write(&again, &m, &twice);
	is_str(twice.p, b.p, "written, read and written again");
	again.n = 0;
	probes_read(&again, &m, SLICE("probe short f 1 1\nprobe 00000000000000000000000000000001 x 1 1\nprobe\n\n"
	    "probe 00000000000000000000000000000001 f x 1\nfolder\nnonsense\nprobe cut off"));
	is_int((long long)again.n, 0, "what is no line of it is passed over");
	buf_free(&b);
	buf_free(&twice);
}

static void
test_fates(void)
{
	struct probes_sum s;

	p.n = 0;
	probes_sum(&p, &s);
	ok(s.found == 0 && isnan(s.p50) && !s.last_lost, "nothing yet");
	(void)known(1, 1000, PROBE_FOUND, 1);
	(void)known(2, 1010, PROBE_SENT, 0);
	(void)known(3, 1020, PROBE_BEGUN, 0);
	(void)known(4, 1100, PROBE_SENT, 0);
	probes_age(&p, 1090, 60);
	probes_sum(&p, &s);
	ok(s.lost == 1 && s.waiting == 1 && s.last_lost && p.n == 3, "lost; what was only begun is forgotten");
	probes_find(&p, token(2))->fate = PROBE_FOUND;
	probes_find(&p, token(2))->took = 80;
	probes_sum(&p, &s);
	ok(s.lost == 0 && s.found == 2 && s.p50 < 2 && s.max > 79 && !s.last_lost, "it came after all");
	ok(probes_find(&p, token(3)) == NULL && probes_find(&p, "x") == NULL, "unknown ones");
}

static void
test_bounds(void)
{
	struct probes_sum s;

	p.n = 0;
	(void)known(0, 1, PROBE_SENT, 0);
	for (int i = 1; i <= 30; i++)
		(void)known(i, 1000 + i, PROBE_FOUND, i);
	probes_forget(&p, 20);
	probes_sum(&p, &s);
	ok(s.found == 20 && s.waiting == 1, "the last 20, and what is still looked for");
	ok(s.p50 > 19 && s.p50 < 22 && s.p95 > 28 && s.max > 29, "percentiles");
	for (int i = 100; i < 100 + PROBES_MAX; i++)
		(void)known(i, 2000 + i, PROBE_SENT, 0);
	ok(p.n == PROBES_MAX && probes_find(&p, token(30)) == NULL && probes_find(&p, token(100)) != NULL,
	    "no more than there is room for: the oldest leave");
}

int
main(void)
{
	test_text();
	test_fates();
	test_bounds();
	return done_testing();
}
