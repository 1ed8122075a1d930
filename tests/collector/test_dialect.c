/* test_dialect.c - golden logs: tests/logs/DIALECT/NAME.log against NAME.want.
 *
 * A line of .want is "NUMBER KIND key=value ..." for each event of line NUMBER, or
 * "NUMBER known|unknown|foreign"; a line that was cut in pieces has the number of the one
 * that came last. With a log's name as argument it prints what it finds:
 * that is how a .want is made, before a human checks it against the log. */
#include "tap.h"

#include <dirent.h>

#include "buf.h"
#include "dialect/dialect.h"
#include "flow/join.h"
#include "input/lines.h"
#include "input/reader.h"
#include "poison.h"

static struct event events[EVENTS_MAX];

/* key=value, in quotes where a blank would end it. */
static void
put(struct buf *b, const char *key, struct slice s)
{
	if (s.n == 0)
		return;
	buf_fmt(b, " %s=", key);
	if (memchr(s.p, ' ', s.n) != NULL || memchr(s.p, '"', s.n) != NULL)
		buf_json(b, s);
	else
		buf_clean(b, s, s.n);
}

static void
put_number(struct buf *b, const char *key, unsigned long long n)
{
	if (n > 0)
		buf_fmt(b, " %s=%llu", key, n);
}

static void
put_flag(struct buf *b, const char *name, bool on)
{
	if (on)
		buf_fmt(b, " %s", name);
}

static void
put_peers(struct buf *b, const struct event *e)
{
	put(b, "client", e->client_name);
	put(b, "ip", e->client_ip);
	put_number(b, "port", e->client_port);
	put(b, "orig_client", e->orig_client_name);
	put(b, "orig_ip", e->orig_client_ip);
	put(b, "relay", e->relay);
	put(b, "relay_ip", e->relay_ip);
	put_number(b, "relay_port", e->relay_port);
	put_flag(b, "loopback", e->loopback);
	put_flag(b, "relay_loopback", e->relay_loopback);
	put_flag(b, "outbound", e->outbound);
	put_flag(b, "in_filter", e->in_filter);
	put_flag(b, "piped", e->piped);
	put_flag(b, "screen", e->screen);
	put_flag(b, "by_admin", e->by_admin);
	put_flag(b, "aborted", e->aborted);
	put_flag(b, "mailbox", e->mailbox);
	put_flag(b, "no_end", e->no_end);
	put_flag(b, "all_done", e->all_done);
	put_flag(b, "twin", e->twin);
	put(b, "helo", e->helo);
	if (e->from.p != NULL)
		buf_fmt(b, " from=<%.*s>", (int)e->from.n, e->from.p);
	put(b, "to", e->to);
	put(b, "orig_to", e->orig_to);
}

static void
put_event(struct buf *b, unsigned number, const struct event *e)
{
	static const char *const kinds[EVENT_KIND_N] = {
#define X(name) [EV_##name] = #name,
		EVENT_KINDS(X)
#undef X
	};
	static const char *const wheres[] = { "", "ext", "local", "discard", "forward" };

	buf_fmt(b, "%u %s", number, kinds[e->kind]);
	put(b, "id", e->id);
	put(b, "new_id", e->new_id);
	put(b, "task", e->task);
	put(b, "sess", e->sess);
	put(b, "qp", e->qp);
	put_number(b, "usec", e->usec);
	put(b, "where", slice_of(wheres[e->where]));
	put(b, "cls", slice_of(reason_name(e->cls)));
	put(b, "sub", e->sub);
	put_number(b, "code", e->code);
	put(b, "dsn", e->dsn);
	put(b, "stage", e->stage);
	put_peers(b, e);
	put_number(b, "nrcpt", e->nrcpt);
	put_number(b, "size", e->size);
	put_number(b, "count", e->count);
	put_number(b, "auth_fail", e->auth_fail);
	put_number(b, "asked", e->asked);
	put_number(b, "answered", e->answered);
	if (e->timed)
		buf_fmt(b, " latency_us=%u", (unsigned)e->latency_us);
	put_number(b, "conn_use", e->conn_use);
	if (e->delay_ms >= 0)
		buf_fmt(b, " delay=%lld", (long long)e->delay_ms);
	if (e->delays_ms[0] >= 0)
		buf_fmt(b, " delays=%d/%d/%d/%d", (int)e->delays_ms[0],
		    (int)e->delays_ms[1], (int)e->delays_ms[2], (int)e->delays_ms[3]);
	put(b, "proto", e->proto);
	put(b, "tls", e->tls_proto);
	put(b, "cipher", e->tls_cipher);
	put(b, "trust", e->tls_trust);
	put(b, "sasl", e->sasl_method);
	put(b, "user", e->sasl_user);
	put(b, "mid", e->mid);
	put(b, "text", e->text);
	buf_char(b, '\n');
}

static void
put_line(struct buf *b, unsigned number, const struct line *l)
{
	const struct dialect *d = dialect_of(l);
	int n = d != NULL ? d->parse(l, events) : 0;

	if (d == NULL || n == DIALECT_FOREIGN)
		buf_fmt(b, "%u foreign\n", number);
	else if (n <= 0)
		buf_fmt(b, "%u %s\n", number, n == 0 ? "known" : "unknown");
	for (int i = 0; i < n; i++)
		put_event(b, number, &events[i]);
}

struct running {
	struct buf *b;
	struct join *join;
};

static void
joined(void *arg, const struct joined *w)
{
	struct running *r = arg;
	unsigned number = 0;

	for (size_t i = 0; i < w->pieces; i++)
		if (w->piece[i].mark > number)
			number = (unsigned)w->piece[i].mark;
	if (w->whole)
		put_line(r->b, number, &w->line);
	else
		buf_fmt(r->b, "%u unknown\n", number);
}

static bool
take_line(void *arg, struct file_line *fl, struct err *e)
{
	struct running *r = arg;
	const struct line *l = &fl->line;
	const struct dialect *d;
	struct part part;
	unsigned host;

	(void)e;
	if (fl->raw.n > 0 && fl->raw.p[0] == '#')	/* a comment: no log line begins so */
		return true;
	if (fl->answer == HEADER_NONE || l->repeat_of_last) {
		if (fl->raw.n > 0)
			buf_fmt(r->b, "%u no line\n", (unsigned)fl->number);
		return true;
	}
	host = (unsigned)hash_bytes(&reader_key, l->host);
	join_time(r->join, host, l->time);
	d = dialect_of(l);
	if (d != NULL && d->part != NULL && l->repeat == 1 && d->part(l, &part))
		join_add(r->join, host, l, &part, fl->number,
		    (struct slice){ NULL, 0 });
	else
		put_line(r->b, (unsigned)fl->number, l);
	return true;
}

static bool
run(const char *path, struct buf *b, struct err *e)
{
	struct running r = { b, join_new(&reader_key, 86400, joined, &r) };
	bool good = lines_each(path, "UTC", 2026, 1795305600, SLICE(""), take_line, &r, e);

	join_end(r.join, true);
	join_free(r.join);
	return good;
}

static void
read_want(const char *path, struct buf *b)
{
	char part[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	while (f != NULL && (n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(b, (struct slice){ part, n });
	if (f != NULL)
		fclose(f);
}

/* One test for each line, so that a failure names it. */
static void
compare(const char *name, struct slice got, struct slice want)
{
	struct slice g, w;
	unsigned n = 0, bad = 0;

	while (got.n > 0 || want.n > 0) {
		bool has_g = slice_cut(&got, '\n', &g), has_w = slice_cut(&want, '\n', &w);

		n++;
		if (has_g && has_w && slice_eq(g, w))
			continue;
		if (bad++ < 5)
			printf("# got  %.*s\n# want %.*s\n", has_g ? (int)g.n : 0,
			    has_g ? g.p : "", has_w ? (int)w.n : 0, has_w ? w.p : "");
		if (!has_g || !has_w)
			break;
	}
	ok(n > 0 && bad == 0, "%s: %u events", name, n);
}

static void
test_log(const char *dir, const char *file)
{
	char path[512];
	struct buf got = buf_new(1 << 22), want = buf_new(1 << 22);
	struct err e = { "" };
	size_t stem = strlen(file) - 4;

	snprintf(path, sizeof path, "%s/%s", dir, file);
	ok(run(path, &got, &e), "%s can be read%s%s", path, e.text[0] != '\0' ? ": " : "",
	    e.text);
	snprintf(path, sizeof path, "%s/%.*s.want", dir, (int)stem, file);
	read_want(path, &want);
	compare(path, buf_slice(&got), buf_slice(&want));
	buf_free(&got);
	buf_free(&want);
}

static void
test_folder(const char *folder)
{
	char dir[256];
	struct dirent *d;
	DIR *at;
	int n = 0;

	snprintf(dir, sizeof dir, "tests/logs/%s", folder);
	at = opendir(dir);
	while (at != NULL && (d = readdir(at)) != NULL) {
		size_t len = strlen(d->d_name);

		if (len > 4 && strcmp(d->d_name + len - 4, ".log") == 0) {
			test_log(dir, d->d_name);
			n++;
		}
	}
	if (at != NULL)
		closedir(at);
	ok(n > 0, "%s has golden logs", dir);
}

static void
test_loopback(void)
{
	ok(address_is_loopback(SLICE("127.0.0.1")), "127.0.0.1 is loopback");
	ok(address_is_loopback(SLICE("127.9.9.9")), "127.9.9.9 is loopback");
	ok(address_is_loopback(SLICE("::1")), "::1 is loopback");
	ok(address_is_loopback(SLICE("::ffff:127.0.0.1")), "::ffff:127.0.0.1 is loopback");
	ok(!address_is_loopback(SLICE("128.0.0.1")), "128.0.0.1 is not");
	ok(!address_is_loopback(SLICE("::11")), "::11 is not");
	ok(!address_is_loopback(SLICE("12")), "12 is not");
	ok(!address_is_loopback(SLICE("")), "nothing is not");
}

/* Texts that other servers and filters give; the Postfix goldens have the rest. */
static void
test_reasons(void)
{
	static const struct {
		const char *text, *dsn;
		unsigned code;
		bool remote;
		enum reason cls;
		const char *sub;
	} cases[] = {
		{ "Spam message rejected", "5.7.1", 550, false, REASON_spam_content, "" },
		{ "Greylisting in action, please come back later", "4.7.1", 451, true,
		    REASON_greylist, "remote" },
		{ "Greylisted", "5.7.1", 550, false, REASON_policy, "" },
		{ "rejected by DMARC policy for example.org", "5.7.1", 550, false,
		    REASON_dmarc, "reject" },
		{ "Message rejected due to: SPF fail - not authorized", "5.7.23", 550, false,
		    REASON_spf, "fail" },
		{ "IP listed at bl.example.org", "5.7.1", 550, true, REASON_dnsbl,
		    "bl.example.org" },
		{ "it is blocked using abcdefghijklmnopqrst0123.zen.dq.example.org.", "5.7.1", 554, false,
		    REASON_dnsbl, "zen.dq.example.org" },
		{ "Deferred due to greylisting. Host: '192.0.2.1' From: 'a@example.net' SPF: 'none'", "", 451, false,
		    REASON_greylist, "" },
		{ "You (joe) have reached your daily email limit of 1000 emails", "", 550, false, REASON_ratelimit,
		    "quota_sender" },
		{ "The email account that you tried to reach is daily used", "", 550, true, REASON_other, "" },
		{ "This domain is not hosted here", "", 550, false, REASON_relay_denied, "" },
		{ "No such person at this address.", "", 550, true, REASON_unknown_rcpt, "" },
		{ "Account suspended", "", 550, true, REASON_unknown_rcpt, "mailbox_disabled" },
		{ "mailbox is full", "5.0.0", 552, true, REASON_mailbox_full, "" },
		{ "sorry", "5.2.2", 552, true, REASON_mailbox_full, "" },
		{ "unusual rate of unsolicited mail", "4.7.28", 421, true, REASON_ratelimit, "" },
		{ "<spam@example.org> no thanks", "", 550, true, REASON_other, "" },
		{ "Access denied, banned sending IP", "5.7.606", 550, true, REASON_policy,
		    "blacklisted" },
		{ "Temporary server error. Please try again later PRX4", "4.3.2", 451, true, REASON_resource, "" },
		{ "Temporary local problem - please try later", "", 451, true, REASON_resource, "" },
		{ "This user doesn't have a example.org account", "", 554, true, REASON_unknown_rcpt, "" },
		{ "IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help) (BL)", "", 554, true,
		    REASON_dnsbl, "" },
		{ "SMTP AUTH is required for users under this sender domain", "5.7.1", 554, false,
		    REASON_auth_required, "" },
		{ "Sender is not same as SMTP authenticate username", "5.7.1", 553, false, REASON_auth_failed,
		    "sender_login_mismatch" },
		{ "no", "5.7.606", 550, true, REASON_policy, "" },
		{ "[TSS04] Messages temporarily deferred due to complaints", "4.7.0", 421, true,
		    REASON_ratelimit, "" },
		{ "temporarily deferred for 5 minutes", "4.7.0", 421, true, REASON_greylist,
		    "remote" },
		{ "part of their network is on our block list", "5.7.1", 550, true, REASON_dnsbl,
		    "" },
		{ "no", "5.7.1", 550, false, REASON_policy, "" },
		{ "no", "", 0, false, REASON_other, "" },
		{ "", "", 0, false, REASON_other, "" },
		{ "dsleeps", "", 550, false, REASON_other, "" },
		{ "your dsl line", "", 550, false, REASON_generic_host, "dynamic" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice sub;
		enum reason r = reason_of_text(slice_of(cases[i].text),
		    slice_of(cases[i].dsn), cases[i].code, cases[i].remote, &sub);

		if (!ok(r == cases[i].cls && slice_eq(sub, slice_of(cases[i].sub)),
			"\"%s\" is %s/%s", cases[i].text, reason_name(cases[i].cls),
			cases[i].sub))
			printf("# got %s/%.*s\n", reason_name(r), (int)sub.n, sub.p);
	}
}

int
main(int argc, char **argv)
{
	struct buf b = buf_new(1 << 24);
	struct err e;

	if (argc > 1) {
		if (!run(argv[1], &b, &e)) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
		fwrite(b.p, 1, b.n, stdout);
		buf_free(&b);
		return 0;
	}
	for (const struct dialect *const *d = dialects; *d != NULL; d++)
		test_folder((*d)->name);
	test_loopback();
	test_reasons();
	return done_testing();
}
