/* test_meet.c - lines that have no queue id in common, but a delivery number, a session, the
 * process id of qmail-queue or a Message-ID: in every order of their lines, settled after each
 * one, the counts must be those worked out by hand. */
#include "tap.h"

#include "dice.h"
#include "flow/flow.h"
#include "mem.h"

#include "poison.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { EVENTS = 20, ORDERS = 3000 };

struct step {
	int64_t ms;		/* since the case began */
	enum event_kind kind;
	const char *id, *task, *sess, *qp, *mid;
	const char *from, *to;	/* from also: the client's address */
	unsigned nrcpt;
	enum reason cls;
	bool no_end, all_done;
};

struct meet_case {
	const char *name, *want;	/* "metric=n ..."; all others of the books are 0 */
	struct step step[EVENTS];
};

/* The next line of a mail with the same id comes so long after. */
static const struct meet_case cases[] = {
{ "qmail: one mail, two recipients, one of them put off", "recv_msg=1 recv_rcpt=2 dlv_local=1 "
	"dlv_ext=1 defer=1 b_in=2 b_delivered=2", {
	{ 0, EV_NEW, "812" },
	{ 1, EV_QUEUED, "812", .qp = "99", .from = "a@example.net" },
	{ 2, EV_STARTED, "812", "1", .to = "u@example.org" },
	{ 3, EV_STARTED, "812", "2", .to = "v@example.com", .nrcpt = 1 },
	{ 9, EV_DELIVERED, .task = "1" },
	{ 2003, EV_DEFERRED, .task = "2", .cls = REASON_remote_conn },
	{ 400000, EV_STARTED, "812", "3", .to = "v@example.com", .nrcpt = 1 },
	{ 400900, EV_DELIVERED, .task = "3" },
	{ 400901, EV_REMOVED, "812" },
} },
{ "qmail: an id used again within the second", "recv_msg=2 recv_rcpt=2 dlv_local=1 bounce=1 "
	"b_in=2 b_delivered=1 b_bounced=1", {
	{ 100, EV_NEW, "812" },
	{ 101, EV_QUEUED, "812", .qp = "99", .from = "a@example.net" },
	{ 102, EV_STARTED, "812", "1", .to = "u@example.org" },
	{ 103, EV_DELIVERED, .task = "1" },
	{ 104, EV_REMOVED, "812" },
	{ 105, EV_NEW, "812" },
	{ 106, EV_QUEUED, "812", .qp = "101", .from = "b@example.net" },
	{ 107, EV_STARTED, "812", "2", .to = "u@example.org" },
	{ 108, EV_BOUNCED, .task = "2", .cls = REASON_unknown_rcpt },
	{ 109, EV_REMOVED, "812" },
} },
{ "qmail: numbers begin again, the old delivery never ended", "recv_msg=2 recv_rcpt=2 dlv_local=1 "
	"b_in=2 b_delivered=1 b_msgs=1", {
	{ 0, EV_NEW, "812" },
	{ 1, EV_QUEUED, "812", .from = "a@example.net" },
	{ 2, EV_STARTED, "812", "1", .to = "u@example.org" },
	{ 60000, EV_NEW, "813" },
	{ 60001, EV_QUEUED, "813", .from = "a@example.net" },
	{ 60002, EV_STARTED, "813", "1", .to = "v@example.org" },
	{ 60003, EV_DELIVERED, .task = "1" },
	{ 60004, EV_REMOVED, "813" },
} },
{ "qmail: a bounce is our own, whatever its id was before", "recv_msg=2 recv_rcpt=2 dlv_local=1 "
	"bounce=1 dsn=1 own_rcpt=1 dlv_ext=1 b_in=3 b_delivered=2 b_bounced=1", {
	{ 0, EV_NEW, "900" },
	{ 1, EV_QUEUED, "900", .qp = "50", .from = "x@example.net" },
	{ 2, EV_STARTED, "900", "7", .to = "w@example.org" },
	{ 3, EV_DELIVERED, .task = "7" },
	{ 4, EV_REMOVED, "900" },
	{ 1000, EV_NEW, "812" },
	{ 1001, EV_QUEUED, "812", .qp = "51", .from = "a@example.net" },
	{ 1002, EV_STARTED, "812", "8", .to = "nobody@example.org" },
	{ 1003, EV_BOUNCED, .task = "8", .cls = REASON_unknown_rcpt },
	{ 1004, EV_DSN_SENT, "812", .qp = "60" },
	{ 1005, EV_REMOVED, "812" },
	{ 1010, EV_NEW, "900" },
	{ 1011, EV_QUEUED, "900", .qp = "60", .from = "" },
	{ 1012, EV_STARTED, "900", "9", .to = "a@example.net", .nrcpt = 1 },
	{ 1013, EV_DELIVERED, .task = "9" },
	{ 1014, EV_REMOVED, "900" },
} },
{ "qmail: given up", "recv_msg=1 recv_rcpt=1 expire=1 b_in=1 b_expired=1", {
	{ 0, EV_NEW, "812" },
	{ 1, EV_QUEUED, "812", .from = "a@example.net" },
	{ 2, EV_STARTED, "812", "1", .to = "u@example.com", .nrcpt = 1 },
	{ 3, EV_BOUNCED, .task = "1", .cls = REASON_expired },
	{ 4, EV_REMOVED, "812" },
} },
{ "qmail: what comes with the null sender from outside is received", "recv_msg=1 recv_rcpt=1 "
	"dlv_local=1 b_in=1 b_delivered=1", {
	{ 0, EV_NEW, "812" },
	{ 1, EV_QUEUED, "812", .qp = "7", .from = "" },
	{ 2, EV_STARTED, "812", "1", .to = "u@example.org" },
	{ 3, EV_DELIVERED, .task = "1" },
	{ 4, EV_REMOVED, "812" },
} },
{ "sessions: a mail from outside, one from here, one of a user", "recv_msg=2 recv_rcpt=3 "
	"recv_local=1 local_rcpt=1 auth_ok=1 auth_rcpt=2 conn=2 dlv_local=1 b_in=4 b_delivered=1 "
	"b_msgs=2", {
	{ 0, EV_CONNECT, .sess = "s1", .from = "192.0.2.1" },
	{ 5, EV_QUEUED, "aa", .sess = "s1", .from = "a@example.net", .nrcpt = 1, .no_end = true },
	{ 9, EV_DELIVERED, "aa", .to = "u@example.org", .no_end = true },
	{ 0, EV_CONNECT, .sess = "s2", .from = "127.0.0.1" },
	{ 5, EV_QUEUED, "bb", .sess = "s2", .from = "a@example.net", .nrcpt = 1, .no_end = true },
	{ 0, EV_CONNECT, .sess = "s3", .from = "192.0.2.3" },
	{ 3, EV_AUTH_OK, .sess = "s3" },
	{ 5, EV_QUEUED, "cc", .sess = "s3", .from = "a@example.net", .nrcpt = 2, .no_end = true },
} },
{ "no line says how many recipients, and some were the same", "recv_msg=1 recv_rcpt=2 dlv_local=2 "
	"b_in=2 b_delivered=2", {
	{ 0, EV_CLIENT, "1abcde-000001-Aa", .from = "192.0.2.1" },
	{ 0, EV_QUEUED, "1abcde-000001-Aa", .from = "a@example.net" },
	{ 5000, EV_DELIVERED, "1abcde-000001-Aa", .to = "u@example.org" },
	{ 5000, EV_DELIVERED, "1abcde-000001-Aa", .to = "v@example.org" },
	{ 5000, EV_REMOVED, "1abcde-000001-Aa", .all_done = true },
} },
{ "recipients that were one are not missing", "recv_msg=1 recv_rcpt=3 dlv_local=2 b_in=2 "
	"b_delivered=2", {
	{ 0, EV_CLIENT, "1abcde-000001-Aa", .from = "192.0.2.1" },
	{ 0, EV_QUEUED, "1abcde-000001-Aa", .from = "a@example.net", .nrcpt = 3 },
	{ 5000, EV_DELIVERED, "1abcde-000001-Aa", .to = "u@example.org" },
	{ 5000, EV_DELIVERED, "1abcde-000001-Aa", .to = "v@example.org" },
	{ 5000, EV_REMOVED, "1abcde-000001-Aa", .all_done = true },
} },
{ "delivered before it was received, and one life all the same", "recv_msg=1 recv_rcpt=1 "
	"dlv_local=1 b_in=1 b_delivered=1", {
	{ 0, EV_DELIVERED, "1abcde-000001-Aa", .to = "u@example.org" },
	{ 30000, EV_CLIENT, "1abcde-000001-Aa", .from = "192.0.2.1" },
	{ 30000, EV_QUEUED, "1abcde-000001-Aa", .from = "a@example.net", .nrcpt = 1 },
	{ 30000, EV_REMOVED, "1abcde-000001-Aa", .all_done = true },
} },
{ "a verdict counts once, whoever says so", "spam=2 virus=1", {
	{ 0, EV_SPAM, "A1", .mid = "<1@example.net>" },
	{ 500, EV_SPAM, .mid = "<1@example.net>" },
	{ 900, EV_SPAM, .mid = "<1@example.net>" },
	{ 0, EV_VIRUS, .mid = "<1@example.net>" },
	{ 7200000, EV_SPAM, .mid = "<1@example.net>" },
} },
{ "a verdict on which no mail and no Message-ID is known", "spam=2", {
	{ 0, EV_SPAM },
	{ 100, EV_SPAM },
} },
};

static const enum metric looked_at[] = { M_recv_msg, M_recv_rcpt, M_recv_local, M_local_rcpt,
	M_own_rcpt, M_dlv_local, M_dlv_ext, M_defer, M_bounce, M_expire, M_dsn, M_spam, M_virus,
	M_conn, M_auth_ok, M_auth_rcpt, M_half_seen, M_b_in, M_b_delivered, M_b_bounced, M_b_expired,
	M_b_lost, M_b_msgs };

static struct slice
text(const char *s)
{
	return s != NULL ? slice_of(s) : (struct slice){ NULL, 0 };
}

static void
say(struct flow *f, const struct step *s)
{
	struct event e;
	int64_t at = 1773136800000 + s->ms;

	event_begin(&e, s->kind);
	e.id = text(s->id);
	e.task = text(s->task);
	e.sess = text(s->sess);
	e.qp = text(s->qp);
	e.mid = text(s->mid);
	e.to = text(s->to);
	e.cls = s->cls;
	e.no_end = s->no_end;
	e.all_done = s->all_done;
	e.usec = s->task != NULL || s->qp != NULL || s->kind == EV_NEW || s->kind == EV_REMOVED ?
	    (uint32_t)(at % 1000) * 1000 : 0;
	if (s->kind == EV_CLIENT || s->kind == EV_CONNECT)
		scan_set_client(&e, text(NULL), text(s->from));
	else
		e.from = text(s->from);
	if (s->kind == EV_QUEUED)
		e.nrcpt = s->nrcpt;
	if (s->kind == EV_AUTH_OK)
		e.sasl_user = SLICE("anna");
	if (s->kind == EV_DELIVERED)
		e.where = WHERE_LOCAL;
	if (s->kind == EV_STARTED)
		e.where = s->nrcpt > 0 ? WHERE_EXT : WHERE_LOCAL;
	flow_event(f, 1, 7, at / 1000, &e, 1, 0);
	track_settle(f->track);
}

static bool
add_up(void *arg, unsigned host, int64_t minute, const struct cell *c)
{
	int64_t *sum = arg;

	(void)host;
	(void)minute;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->pair[i].key < METRIC_N)
			sum[c->pair[i].key] += c->pair[i].n;
	return true;
}

/* The counts of one order, as text. */
static void
outcome(const struct step *const *order, unsigned n, struct buf *b)
{
	struct hash_key key = hash_key_random();
	int64_t sum[METRIC_N] = { 0 };
	struct flow f = { .tally = tally_new(NULL), .tops = tops_new(), .specimens = specimens_new() };

	f.track = track_new(&key, f.tally, NULL, NULL);
	for (unsigned i = 0; i < n; i++)
		say(&f, order[i]);
	tally_each(f.tally, add_up, sum);
	buf_clear(b);
	for (size_t i = 0; i < sizeof looked_at / sizeof *looked_at; i++)
		if (sum[looked_at[i]] != 0)
			buf_fmt(b, "%s=%lld ", metrics[looked_at[i]].name, (long long)sum[looked_at[i]]);
	track_free(f.track);
	tops_free(f.tops);
	specimens_free(f.specimens);
	tally_free(f.tally);
}

/* Every "metric=n" of want is there, and nothing else. */
static bool
is_wanted(const struct buf *got, const char *want)
{
	struct slice rest = slice_of(want), word;
	size_t n = 0;

	while (slice_next(&rest, ' ', &word)) {
		char with_blank[64];

		snprintf(with_blank, sizeof with_blank, "%.*s ", (int)word.n, word.p);
		if (!slice_has(buf_slice(got), slice_of(with_blank)))
			return false;
		n += word.n + 1;
	}
	return n == got->n;
}

static void
test_case(const struct meet_case *c)
{
	static const struct step none;
	const struct step *order[EVENTS];
	struct buf got = buf_new(4096);
	unsigned n = 0, wrong = 0;

	while (n < EVENTS && memcmp(&c->step[n], &none, sizeof none) != 0) {
		order[n] = &c->step[n];
		n++;
	}
	for (int o = 0; o < ORDERS && wrong == 0; o++) {
		outcome(order, n, &got);
		if (!is_wanted(&got, c->want)) {
			wrong++;
			printf("# order %d: got  %.*s\n#      want %s\n", o, (int)got.n, got.p, c->want);
		}
		for (unsigned i = n; i > 1; i--) {
			unsigned k = roll(i);
			const struct step *s = order[k];

			order[k] = order[i - 1];
			order[i - 1] = s;
		}
	}
	ok(wrong == 0, "%s", c->name);
	buf_free(&got);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		test_case(&cases[i]);
	return done_testing();
}
