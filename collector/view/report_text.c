/* report_text.c - the report as a text that can be mailed to people.
 *
 * At most 78 columns, worst and largest first. All names in it come from
 * strangers and are cleaned. Sections with nothing to say are left out. */
#include "plural.h"
#include "view/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "programs.h"
#include "view/report_priv.h"
#include "view/words.h"

#include "poison.h"

enum { WIDTH = 78, LABEL = 32, REMARK = WIDTH - LABEL - 19, ROWS = 10, SAMPLES = 5 };

/* One row: label, number, and a remark. What of it does not fit goes on below. */
static void __attribute__((format(printf, 4, 5)))
row(struct buf *out, const char *label, int64_t n, const char *fmt, ...)
{
	char text[200];
	struct slice remark;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	remark = slice_of(text);
	buf_fmt(out, "  %-*.*s %13s%s", LABEL, LABEL, label, words_count(n).s, remark.n == 0 ? "" : "   ");
	while (remark.n > REMARK) {
		size_t at = REMARK;

		while (at > 0 && remark.p[at] != ' ')
			at--;
		if (at == 0)
			break;		/* one long word */
		buf_add(out, slice_head(remark, at));
		buf_fmt(out, "\n%*s", WIDTH - REMARK, "");
		remark = slice_from(remark, at + 1);
	}
	buf_add(out, remark);
	buf_char(out, '\n');
}

/* A row that is left out when there is nothing to count. */
static void
row_if(struct buf *out, const char *label, int64_t n, const char *remark)
{
	if (n != 0)
		row(out, label, n, "%s", remark);
}

/* As many whole words of s as fit in max bytes, " ~" if there were more. */
static void
add_words(struct buf *out, struct slice s, size_t max)
{
	size_t n = s.n;

	if (n > max) {
		for (n = max - 2; n > 0 && s.p[n] != ' ';)
			n--;
	}
	buf_add(out, slice_head(s, n));
	buf_str(out, n < s.n ? " ~\n" : "\n");
}

static void
heading(struct buf *out, const char *text)
{
	buf_fmt(out, "\n%s\n", text);
}

/* --- head ------------------------------------------------------------------------- */

static void
title(const struct report *r, struct buf *out)
{
	struct buf names = buf_new(4096);

	for (size_t i = 0; i < r->nhosts; i++) {
		buf_str(&names, i == 0 ? "" : ", ");
		buf_clean(&names, slice_of(r->hosts[i].host->name), 60);
	}
	if (r->host != STATEREAD_FARM)
		buf_fmt(out, "Mail report: %s\n", names.p);
	else if (r->nhosts > 4 || names.n > 50)
		buf_fmt(out, "Mail report: farm of %zu hosts\n", r->nhosts);
	else
		buf_fmt(out, "Mail report: farm of %zu host%s (%s)\n", r->nhosts,
		    PLURAL(r->nhosts, "", "s"), names.p == NULL ? "" : names.p);
	buf_fmt(out, "%s to %s, %s\n", words_time(r->from, false).s, words_time(r->to, true).s,
	    words_seconds((double)(r->to - r->from)).s);
	buf_free(&names);
}

/* The class with the most refusals, or NULL. */
static const char *
main_class(const struct cell *c, const enum metric by_class[REASON_N])
{
	const char *best = NULL;
	int64_t most = 0;

	for (int i = REASON_none + 1; i < REASON_N; i++) {
		if (cell_get(c, by_class[i]) > most) {
			most = cell_get(c, by_class[i]);
			best = reason_name((enum reason)i);
		}
	}
	return best;
}

static void
in_short(const struct report *r, struct buf *out)
{
	const struct cell *c = &r->sum;
	int64_t in = cell_get(c, M_recv_rcpt), rej = cell_get(c, M_rej), tmp = cell_get(c, M_tmp);
	int64_t all = in + rej + tmp, lost = cell_get(c, M_b_lost);
	const char *why = main_class(c, metric_rej);

	if (r->from + 3600 <= r->begin && r->begin < r->to)
		buf_fmt(out, "Of the time before %s nothing is counted here.\n", words_time(r->begin, true).s);
	if (cell_get(c, M_lines) == 0) {
		buf_str(out, "\nNo log line of this time was read: the zeros below mean nothing.\n");
	} else if (all == 0) {
		buf_str(out, "\nNo mail came in from outside.\n");
	} else {
		buf_fmt(out, "\nOf %s recipient%s that clients asked for, %s were refused",
		    words_count(all).s, PLURAL(all, "", "s"), words_share(rej, all).s);
		if (why != NULL)
			buf_fmt(out, "\n(most: %s)", why);
		buf_fmt(out, ",%s%s put off and %s accepted.\n", why != NULL ? " " : "\n",
		    words_share(tmp, all).s, words_share(in, all).s);
	}
	if (lost != 0)
		buf_fmt(out, "ATTENTION: %s recipient%s unaccounted for (see The books).\n",
		    words_count(lost).s, PLURAL(lost, " is", "s are"));
}

/* --- what came, what went ------------------------------------------------------------ */

static void
incoming(const struct cell *c, struct buf *out)
{
	int64_t in = cell_get(c, M_recv_rcpt), rej = cell_get(c, M_rej), tmp = cell_get(c, M_tmp);
	int64_t all = in + rej + tmp, msgs = cell_get(c, M_recv_msg);
	int64_t conn = cell_get(c, M_conn), screened = cell_get(c, M_screened);
	int64_t by_users = cell_get(c, M_auth_rcpt), by_hosts = cell_get(c, M_local_rcpt);

	heading(out, "Coming in");
	if (screened != 0)
		row(out, "connections screened", screened, "%s passed, %s hung up",
		    words_share(cell_get(c, M_screen_pass), screened).s,
		    words_share(cell_get(c, M_screen_hangup), screened).s);
	if (conn > 0)
		row(out, "SMTP sessions", conn, "%s with TLS", words_share(cell_get(c, M_tls_in), conn).s);
	else
		row(out, "SMTP sessions", 0, "%s", "");
	row(out, "recipients refused", rej, "%s, %s without 4xx", words_share(rej, all).s,
	    words_share(rej, rej + in).s);	/* the second is check_reject_ratio's */
	row(out, "recipients put off", tmp, "%s of those asked for", words_share(tmp, all).s);
	row(out, "recipients accepted", in, "%s", words_share(in, all).s);
	row(out, "messages accepted", msgs, "%s, %.1f recipients each",
	    words_bytes((double)cell_get(c, M_recv_bytes)).s,
	    msgs == 0 ? 0 : (double)in / (double)msgs);
	row(out, "messages of logged-in users", cell_get(c, M_auth_ok), "to %s recipient%s",
	    words_count(by_users).s, PLURAL(by_users, "", "s"));
	row(out, "messages made on the hosts", cell_get(c, M_recv_local), "to %s recipient%s",
	    words_count(by_hosts).s, PLURAL(by_hosts, "", "s"));
	row_if(out, "failed logins", cell_get(c, M_auth_fail), "");
	row_if(out, "logins to mailboxes", cell_get(c, M_login_ok), "");
	row_if(out, "failed logins to mailboxes", cell_get(c, M_login_fail), "");
	row_if(out, "messages called spam", cell_get(c, M_spam), "");
	row_if(out, "messages with malware", cell_get(c, M_virus), "");
	row_if(out, "forbidden attachments", cell_get(c, M_banned), "");
}

static void
outgoing(const struct cell *c, struct buf *out)
{
	int64_t ext = cell_get(c, M_dlv_ext), local = cell_get(c, M_dlv_local);
	int64_t failed = cell_get(c, M_bounce) + cell_get(c, M_expire);
	struct hist h;

	heading(out, "Delivered");
	row(out, "recipients elsewhere", ext, "%s",
	    words_bytes((double)cell_get(c, M_dlv_bytes)).s);
	row(out, "recipients in mailboxes here", local, "%s", "");
	row_if(out, "recipients dropped", cell_get(c, M_discard), "by filters and rules");
	row(out, "recipients failed", failed, "%s of them all", words_share(failed, ext + local + failed).s);
	row_if(out, "of these too long in the queue", cell_get(c, M_expire), "");
	row(out, "attempts put off", cell_get(c, M_defer), "%s", "");
	row_if(out, "notifications sent", cell_get(c, M_dsn), "");
	cell_hist(c, CELL_DELAY, &h);
	if (hist_count(&h) > 0)
		buf_fmt(out, "  Half were there within %s, 95 %% within %s, 99 %% within %s;\n"
		    "  the slowest took %s.\n", words_seconds(hist_quantile(&h, 0.50)).s,
		    words_seconds(hist_quantile(&h, 0.95)).s,
		    words_seconds(hist_quantile(&h, 0.99)).s, words_seconds(hist_max(&h)).s);
}

/* --- reasons ---------------------------------------------------------------------------- */

struct item {
	const char *name, *remark;
	int64_t n;
};

static int
by_number(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The classes with the most, their shares and what they mean. */
static void
reasons(const struct cell *c, const char *head, const enum metric by_class[REASON_N],
    struct buf *out)
{
	struct item item[REASON_N];
	int64_t sum = 0;
	size_t n = 0;

	for (int i = REASON_none + 1; i < REASON_N; i++) {
		int64_t v = cell_get(c, by_class[i]);

		sum += v;
		if (v > 0)
			item[n++] = (struct item){ reason_name((enum reason)i),
			    reason_sentence((enum reason)i), v };
	}
	if (n == 0)
		return;
	qsort(item, n, sizeof *item, by_number);
	heading(out, head);
	for (size_t i = 0; i < n && i < ROWS; i++) {
		struct buf what = buf_new(300);

		buf_fmt(&what, "%s: %s", item[i].name, item[i].remark);
		buf_fmt(out, "  %11s %8s  ", words_count(item[i].n).s,
		    words_share(item[i].n, sum).s);
		add_words(out, buf_slice(&what), WIDTH - 24);
		buf_free(&what);
	}
}

/* The name at the left, cleaned and cut; numbers under each other at the right. */
static void
top_row(struct buf *out, struct slice name, const char *number, const char *share)
{
	struct buf clean = buf_new(256);

	buf_clean(&clean, name, 54);
	if (clean.n < name.n && clean.n >= 52)
		buf_str(&clean, " ~");	/* there was more */
	buf_fmt(out, "  %-56s %10s%s%s\n", clean.p == NULL ? "?" : clean.p, number,
	    share[0] == '\0' ? "" : "  ", share);
	buf_free(&clean);
}

/* DNS block lists, counted exactly: of addresses, and of names. */
static void
zones(const struct report *r, struct buf *out)
{
	int64_t all = cell_get(&r->sum, M_rej_dnsbl) + cell_get(&r->sum, M_tmp_dnsbl) +
	    cell_get(&r->sum, M_rej_rhsbl) + cell_get(&r->sum, M_tmp_rhsbl);
	struct stateread_top *zone;
	size_t n = stateread_counted(r->state, &r->sum, &zone);

	if (n > 0)
		heading(out, "Block lists that refused");
	for (size_t i = 0; i < n && i < ROWS; i++)
		top_row(out, zone[i].text, words_count((int64_t)zone[i].n).s, words_share((int64_t)zone[i].n, all).s);
	free(zone);
}

/* Top tables are kept by the hour: the hours that the period touches. */
static void
top(const struct report *r, const char *head, enum top_kind kind, struct buf *out)
{
	struct stateread_top t[ROWS];
	size_t n = stateread_top(r->state, r->host, r->from / 3600, (r->to + 3599) / 3600, kind,
	    t, ROWS);
	bool inexact = false;

	if (n == 0)
		return;
	heading(out, head);
	for (size_t i = 0; i < n; i++) {
		char number[64];

		snprintf(number, sizeof number, "%s%s", words_count((int64_t)t[i].n).s,
		    t[i].error > 0 ? "+" : "");
		inexact = inexact || t[i].error > 0;
		top_row(out, t[i].text, number, "");
	}
	if (inexact)
		buf_str(out, "  (+: at least; this list was longer than is kept)\n");
}

/* --- the books, the hosts, our own doubts --------------------------------------------------- */

static const char *
host_name(const struct report *r, int id)
{
	for (size_t i = 0; i < r->nhosts; i++)
		if (r->hosts[i].host->id == id)
			return r->hosts[i].host->name;
	return "?";
}

/* What to ask `mxgauge trace` for. */
static void
lost_samples(const struct report *r, struct buf *out)
{
	struct stateread_lost lost[SAMPLES];
	size_t n = stateread_lost(r->state, r->host, r->from, r->to, lost, SAMPLES);

	for (size_t i = 0; i < n; i++) {
		const char *host = host_name(r, lost[i].host);

		buf_str(out, i == 0 ? "  See \"mxgauge trace\" of " : "                         ");
		buf_clean(out, slice_of(lost[i].id), 31);
		buf_fmt(out, "%s on ", strlen(host) > 21 ? "\n   " : "");
		buf_clean(out, slice_of(host), 49);
		buf_fmt(out, ", %s\n", words_time(lost[i].time, false).s);
	}
}

static void
books(const struct report *r, struct buf *out)
{
	const struct cell *c = &r->sum;
	int64_t mails = cell_get(c, M_b_msgs);

	heading(out, "The books (recipients)");
	row(out, "accepted, expansion included", cell_get(c, M_b_in), "%s", "");
	row(out, "- delivered", cell_get(c, M_b_delivered), "%s", "");
	row(out, "- bounced or given up", cell_get(c, M_b_bounced) + cell_get(c, M_b_expired),
	    "%s", "");
	row(out, "- discarded", cell_get(c, M_b_discarded), "%s", "");
	row(out, "- on hold", cell_get(c, M_b_held), "%s", "");
	row(out, "- still under way", report_open(c), "in %s mail%s",
	    words_count(mails).s, PLURAL(mails, "", "s"));
	row(out, "= unaccounted for", cell_get(c, M_b_lost), "%s",
	    cell_get(c, M_b_lost) == 0 ? "the books balance" :
	    "mails that ended without an outcome");
	if (cell_get(c, M_b_lost) != 0)
		lost_samples(r, out);
}

static void
host_table(const struct report *r, struct buf *out)
{
	int64_t hops = report_hops(r);

	if (r->nhosts < 2)
		return;
	buf_fmt(out, "\n%-23s %10s %10s %8s %11s %11s\n", "Hosts", "sessions", "accepted",
	    "refused", "delivered", "put off");
	for (size_t i = 0; i < r->nhosts; i++) {
		const struct cell *c = &r->hosts[i].sum;
		int64_t in = cell_get(c, M_recv_rcpt), rej = cell_get(c, M_rej);

		words_name(out, slice_of(r->hosts[i].host->name), 21);
		buf_fmt(out, " %10s %10s %8s %11s %11s\n",
		    words_count(cell_get(c, M_conn)).s, words_count(in).s,
		    words_share(rej, in + rej + cell_get(c, M_tmp)).s,
		    words_count(cell_get(c, M_dlv_ext) + cell_get(c, M_dlv_local)).s,
		    words_count(cell_get(c, M_defer)).s);
	}
	if (hops != 0)
		buf_fmt(out, "  %s %s went from one to another: the farm has %s once\n", words_count(hops).s,
		    PLURAL(hops, "recipient", "recipients"), PLURAL(hops, "it", "them"));
}

/* Whose lines these were. */
static void
programs(const struct report *r, struct buf *out)
{
	struct program_lines *p;
	struct err e;
	size_t n;

	if (!programs_read(r->state, r->host, r->from / 3600, (r->to + 3599) / 3600, &p, &n, &e))
		return;
	if (n > 0)
		heading(out, "Programs by lines, and the share that was not understood");
	for (size_t i = 0; i < n && i < ROWS; i++)
		top_row(out, p[i].name, words_count(p[i].lines).s, words_share(p[i].unknown, p[i].lines).s);
	free(p);
}

static void
doubts(const struct report *r, struct buf *out)
{
	static const struct {
		enum metric m;
		const char *label, *remark;
	} rows[] = {
		{ M_qwarn, "warnings of the mail system", "queue, disk, processes, lookups" },
		{ M_filter_fail, "filter failures", "filter, milter or policy service" },
		{ M_half_seen, "mails without a beginning", "it was before the first line" },
		{ M_too_late, "lines not counted", "older than the horizon, or in the future" },
		{ M_copies, "lines that came twice", "counted once" },
		{ M_cut, "lines cut at 64 KiB", "" },
		{ M_repeat_lost, "repeats of a lost line", "not counted" },
		{ M_log_loss, "messages lost by log daemons", "never seen here" },
		{ M_evicted, "open mails forgotten", "older than keep_mails, or with too long a history" },
	};
	int64_t lines = cell_get(&r->sum, M_lines), unknown = cell_get(&r->sum, M_unknown);

	heading(out, "What this is based on");
	row(out, "log lines", lines, "%s", "");
	row(out, "not understood", unknown, "%s of the lines", words_share(unknown, lines).s);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		row_if(out, rows[i].label, cell_get(&r->sum, rows[i].m), rows[i].remark);
	top(r, "Filters and services that failed", TOP_FILTER, out);
	programs(r, out);
	top(r, "Lines that were not understood begin with", TOP_UNKNOWN, out);
}

void
report_text(const struct report *r, struct buf *out)
{
	if (r->nhosts == 0) {
		buf_str(out, "The state is empty: no line was read yet.\n");
		return;
	}
	title(r, out);
	in_short(r, out);
	incoming(&r->sum, out);
	outgoing(&r->sum, out);
	host_table(r, out);
	report_queues_text(r, out);
	reasons(&r->sum, "Why recipients were refused for good", metric_rej, out);
	reasons(&r->sum, "Why recipients were put off", metric_tmp, out);
	zones(r, out);
	report_lists_text(r, out);
	top(r, "Refused clients by network", TOP_CLIENT, out);
	top(r, "Refused sender domains", TOP_SENDER, out);
	top(r, "Refused recipient domains", TOP_RCPT, out);
	top(r, "What refusals said", TOP_REASON, out);
	top(r, "Logins, good and failed", TOP_SASL, out);
	reasons(&r->sum, "Why other servers put us off", metric_defer, out);
	reasons(&r->sum, "Why mail failed", metric_bounce, out);
	top(r, "Next hops that put us off or refused", TOP_RELAY, out);
	books(r, out);
	doubts(r, out);
}
