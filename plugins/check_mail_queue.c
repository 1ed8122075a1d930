/* check_mail_queue - how much waits in a mail server's queue, since when, for whom and why.
 *
 * Reads the queue's folders itself (lib/queue.h): it runs no program of the MTA's and writes
 * nothing, unless it may not read them and must ask the MTA. Counts are exact; what stands in
 * files is read from all of them or from an even sample, and then the answer says so. A queue that
 * cannot be read is UNKNOWN and never empty. Domains and reasons are strangers' text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "check.h"
#include "keep.h"
#include "mem.h"
#include "queue.h"

#include "poison.h"

enum { TOP_MAX = 50, SPOOLS_MAX = 64, ROWS_KEPT = 32, NEWEST_S = 50, OLDEST_S = 3600 };

static struct {
	const char *mta, *sample, *ask, *command;
	struct opt_list spool;
	double look_s;
	int64_t top;
	bool no_growth;
} set = { .mta = "auto", .sample = "5000", .ask = "auto", .look_s = 3, .top = 5 };

static const struct opt opts[] = {
	{ 0, "mta", OPT_CHOICE, &set.mta, "auto|postfix|exim|sendmail|qmail|opensmtpd|maildir",
	    "whose queue; auto looks which one is installed" },
	{ 'd', "spool", OPT_LIST, &set.spool, "DIR",
	    "its folder, where it is not the usual one; again for each further instance or queue" },
	{ 0, "sample", OPT_STRING, &set.sample, "N|all|none",
	    "read at most N of the messages' files for what their names do not tell" },
	{ 0, "sample-time", OPT_DURATION, &set.look_s, "TIME", "and read no longer than that",
	    .min = 0.01, .max = 3600 },
	{ 0, "top", OPT_INT, &set.top, "N", "name so many domains and senders", .min = 0, .max = TOP_MAX },
	{ 0, "ask", OPT_CHOICE, &set.ask, "auto|always|never",
	    "let the MTA's own command list the queue: where the folders may not be read, always, never" },
	{ 0, "command", OPT_STRING, &set.command, "PATH", "where that command is" },
	{ 0, "no-growth", OPT_FLAG, &set.no_growth, NULL,
	    "keep no file for the next run to compare with" },
	{ 0 }
};

#define AGES(box) \
	{ box "_oldest", "s", "age of the oldest message in " box }, \
	{ box "_p50", "s", "half of the messages in " box " are older" }, \
	{ box "_p95", "s", "one in twenty of the messages in " box " is older" }

static const struct measure measures[] = {
	{ "total", "", "messages in all queues" },
	{ "active", "", "messages being delivered (Postfix)" },
	{ "deferred", "", "messages to be tried again" },
	{ "hold", "", "messages held, or frozen" },
	{ "incoming", "", "messages not tried yet" },
	{ "maildrop", "", "messages submitted locally that pickup has not taken (Postfix)" },
	{ "corrupt", "", "messages set aside as damaged" },
	{ "oldest", "s", "age of the oldest message that is not on hold" },
	{ "growth", "/min", "more messages than at the run before, per minute" },
	{ "bytes", "B", "size of all messages" },
	{ "frozen", "%", "share of messages that are frozen (Exim)" },
	{ "null_sender", "%", "share of notifications (null sender): high after spam in others' names" },
	AGES("incoming"), AGES("active"), AGES("deferred"), AGES("hold"), AGES("maildrop"),
	{ 0 }
};

static const struct program program = {
	"check_mail_queue", "depth, age and cause of a mail server's queue",
	"Counting reads the queue's folders and opens no file, so that 200,000 messages are counted in "
	"a tenth of a second. Ages stand in the names of Exim's, Sendmail's and maildirs' files, and of "
	"Postfix's with enable_long_queue_ids = yes. For the rest (ages otherwise, domains, senders, "
	"sizes, reasons) files are read: at most --sample of them, evenly from all folders, "
	"and no longer than --sample-time; then the answer says \"sampled\" and how far an "
	"estimate may be off. The oldest of a sample is at least as old as said.\n\n"
	"Messages are counted, for OpenSMTPD envelopes (one a recipient). Exim and Sendmail keep new and "
	"deferred messages in one folder: which is which stands in the files.\n\n"
	"Postfix, Sendmail, qmail and OpenSMTPD keep their queues from other accounts. The best way "
	"is \"setcap cap_dac_read_search+ep check_mail_queue\" on a copy that only the group of the "
	"monitoring may execute; it then reads every file, so keep it from others. Else "
	"the MTA's own command is asked (postqueue -j, exim -bp, mailq, smtpctl), which reads all files and "
	"is slow on large queues.\n\n"
	"growth compares with the last run at least 50 s before, which is kept in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or in /var/tmp/mxgauge-UID. The first run has none.",
	opts, .measures = measures,
	.examples = "check_mail_queue -w 500 -c 5000 -w oldest=4h -w hold=100 -c growth=50/min\n"
	    "check_mail_queue --mta postfix --spool /var/spool/postfix --spool /var/spool/postfix-out\n"
	    "# everything of a large queue, by hand\n"
	    "check_mail_queue --sample all --sample-time 1m -t 2m --top 20 -v"
};

static struct queue q;

/* --- whose queue ---------------------------------------------------------------------- */

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static bool
any_there(const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (is_there(*paths))
			return true;
	return false;
}

static const struct queue_mta *
whose(void)
{
	const struct queue_mta *found = NULL;

	if (strcmp(set.mta, "auto") != 0)
		return queue_mta(set.mta);
	if (set.spool.n > 0)
		check_unknown("--spool needs --mta: whose folder is it?");
	for (const struct queue_mta *const *m = queue_mtas; *m != NULL; m++) {
		if (!any_there((*m)->signs) || !any_there((*m)->spools))
			continue;
		if (found != NULL)
			check_unknown("both %s and %s are installed here; say which one by --mta %s or "
			    "--mta %s", found->title, (*m)->title, found->name, (*m)->name);
		found = *m;
	}
	if (found == NULL)
		check_unknown("no mail server was found on this machine; name it by --mta, and its "
		    "queue by --spool");
	return found;
}

/* --- reading -------------------------------------------------------------------------- */

static size_t
sample_size(void)
{
	struct slice s = slice_of(set.sample);
	uint64_t n;

	if (slice_eq(s, SLICE("all")))
		return 0;
	if (!slice_u64(&s, &n) || s.n > 0 || n == 0 || n > 100000000)
		check_unknown("--sample %s is neither a number from 1 on nor \"all\" nor \"none\"",
		    check_clean(slice_of(set.sample)));
	return (size_t)n;
}

/* "; how to get the right", where it is a right that is missing. */
static const char *
hint(const char *why, const char *said)
{
	static char text[400];

	if (strstr(why, "ermission denied") == NULL && strstr(said, "ermission denied") == NULL)
		return "";
	(void)snprintf(text, sizeof text, "; %s", q.mta->right);
	return text;
}

static void
ask(const char *why)
{
	const char *command = set.command != NULL ? set.command : q.mta->ask[0];
	const struct queue_mta *mta = q.mta;
	int64_t now = q.now;
	struct err e;

	if (command == NULL || strcmp(set.ask, "never") == 0)
		check_unknown("%s%s", why, hint(why, ""));
	queue_free(&q);
	queue_init(&q, mta, now);
	check_phase("waiting for %s", command);
	if (!queue_ask(&q, command, &e))
		check_unknown("%s%s%s%s", why, why[0] == '\0' ? "" : ", and ", e.text, hint(why, e.text));
	check_verbose(1, "listed by %s%s%s", command, why[0] == '\0' ? "" : ": ", why);
}

static const char *const *
spools(void)
{
	const char **v = xcalloc(SPOOLS_MAX + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < set.spool.n && n < SPOOLS_MAX; i++)
		v[n++] = set.spool.v[i];
	for (const char *const *p = q.mta->spools; set.spool.n == 0 && *p != NULL; p++)
		if (is_there(*p))
			v[n++] = *p;
	if (n == 0)
		check_unknown("there is no queue of %s at %s; name its folder by --spool", q.mta->title,
		    q.mta->spools[0] != NULL ? q.mta->spools[0] : "a usual place");
	return v;
}

static void
count(void)
{
	struct err e;

	if (strcmp(set.ask, "always") == 0) {
		ask("");
		return;
	}
	for (const char *const *spool = spools(); *spool != NULL; spool++) {
		check_phase("counting %s", *spool);
		if (!queue_walk(&q, *spool, &e)) {
			ask(e.text);
			return;
		}
	}
	check_phase("reading the messages' files");
	if (strcmp(set.sample, "none") != 0)
		queue_look(&q, sample_size(), set.look_s);
	if (q.unreadable > 0 && q.looked == 0)
		check_unknown("%s%s", q.trouble.text, hint(q.trouble.text, ""));
}

/* --- growth ----------------------------------------------------------------------------- */

struct row {
	int64_t time, total;
};

/* "TIME TOTAL" lines, the newest last. */
static size_t
old_rows(struct slice kept, struct row row[ROWS_KEPT])
{
	struct slice line;
	uint64_t time, total;
	size_t n = 0;

	while (n < ROWS_KEPT && slice_cut(&kept, '\n', &line)) {
		if (!slice_u64(&line, &time) || !slice_eat_char(&line, ' ') ||
		    !slice_u64(&line, &total) || line.n > 0)
			continue;
		if ((int64_t)time <= q.now && (int64_t)time > q.now - OLDEST_S)
			row[n++] = (struct row){ (int64_t)time, (int64_t)total };
	}
	return n;
}

/* One row in twenty seconds is enough: whoever runs the check by hand does not push out the last
 * run of the monitoring. */
static void
keep_rows(struct slice what, const struct row *row, size_t n)
{
	struct buf b = buf_new(ROWS_KEPT * 48);
	struct err e;

	for (size_t i = n == ROWS_KEPT; i < n; i++)
		buf_fmt(&b, "%lld %lld\n", (long long)row[i].time, (long long)row[i].total);
	if (n == 0 || q.now - row[n - 1].time >= 20)
		buf_fmt(&b, "%lld %lld\n", (long long)q.now, (long long)queue_total(&q));
	if (!keep_write("check_mail_queue", what, buf_slice(&b), &e))
		check_verbose(1, "%s", e.text);
	buf_free(&b);
}

static double
growth(void)
{
	struct buf what = buf_new(4096), kept = buf_new(KEEP_BYTES);
	struct row row[ROWS_KEPT];
	double per_min = (double)NAN;
	struct err e;
	size_t n = 0;

	buf_str(&what, q.mta->name);
	for (size_t i = 0; i < set.spool.n; i++)
		buf_fmt(&what, "\n%s", set.spool.v[i]);
	if (keep_read("check_mail_queue", buf_slice(&what), &kept, &e))
		n = old_rows(buf_slice(&kept), row);
	else
		check_verbose(1, "%s", e.text);
	for (size_t i = n; i > 0 && isnan(per_min); i--)
		if (q.now - row[i - 1].time >= NEWEST_S)
			per_min = (double)(queue_total(&q) - row[i - 1].total) * 60 /
			    (double)(q.now - row[i - 1].time);
	keep_rows(buf_slice(&what), row, n);
	buf_free(&what);
	buf_free(&kept);
	return per_min;
}

/* --- measurements ------------------------------------------------------------------------ */

/* By the folders, else by what the files of a sample say. */
static double
in_box(enum queue_box box)
{
	double off;

	if (q.mta->boxed || q.looked == 0)
		return (double)q.n[box];
	return round(queue_scaled(&q, q.looked_box[box], &off));
}

static double
age_of(int64_t arrived)
{
	return arrived == 0 ? 0 : q.now > arrived ? (double)(q.now - arrived) : 0;
}

/* Is the oldest of all known, not only of a sample? */
static bool
oldest_known(void)
{
	return !queue_sampled(&q) || (q.ages_of_all && (q.mta->boxed || q.looked == 0));
}

/* Frozen and held ones wait for a person: they have limits of their own. */
static int64_t
oldest(enum queue_box *in)
{
	static const enum queue_box waiting[] = {
		QUEUE_DEFERRED, QUEUE_ACTIVE, QUEUE_INCOMING, QUEUE_MAILDROP
	};
	int64_t t = 0;

	if (!q.mta->boxed && q.looked == 0)
		return q.all.oldest;
	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
		int64_t of = q.age[waiting[i]].oldest;

		if (of != 0 && (t == 0 || of < t)) {
			t = of;
			*in = waiting[i];
		}
	}
	return t;
}

static bool
ages_known(enum queue_box box)
{
	return q.age[box].n > 0 || in_box(box) == 0;
}

/* The middle of a bucket may lie above the oldest in it. */
static double
quantile(const struct queue_ages *a, double part)
{
	double age = a->n == 0 ? 0 : round(hist_quantile(&a->hist, part) * 1000);

	return age < age_of(a->oldest) ? age : age_of(a->oldest);
}

static void
measure_ages(void)
{
	static const enum queue_box told[] = {
		QUEUE_INCOMING, QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_HOLD, QUEUE_MAILDROP
	};
	const struct measure *m = measures;

	while (strcmp(m->name, "incoming_oldest") != 0)
		m++;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++, m += 3) {
		const struct queue_ages *a = &q.age[told[i]];
		double p50 = quantile(a, 0.5), p95 = quantile(a, 0.95);

		if (!ages_known(told[i])) {
			check_show(m[0].name, (double)NAN, "s");
			check_show(m[1].name, (double)NAN, "s");
			check_show(m[2].name, (double)NAN, "s");
			continue;
		}
		check_value(m[0].name, age_of(a->oldest), "s");
		check_value(m[1].name, p50, "s");
		check_value(m[2].name, p95, "s");
	}
}

static void
measure_share(const char *name, int64_t n)
{
	if (q.looked > 0)
		check_value(name, 100.0 * (double)n / (double)q.looked, "%");
	else
		check_show(name, queue_total(&q) == 0 ? 0 : (double)NAN, "%");
}

static void
measure(void)
{
	enum queue_box in = QUEUE_DEFERRED;
	int64_t first = oldest(&in);
	double more = set.no_growth ? (double)NAN : growth();

	check_value("total", (double)queue_total(&q), "");
	check_value("active", in_box(QUEUE_ACTIVE), "");
	check_value("deferred", in_box(QUEUE_DEFERRED), "");
	check_value("hold", in_box(QUEUE_HOLD), "");
	check_value("incoming", in_box(QUEUE_INCOMING), "");
	check_value("maildrop", in_box(QUEUE_MAILDROP), "");
	check_value("corrupt", in_box(QUEUE_CORRUPT), "");
	if (first != 0 || q.ages_of_all || queue_total(&q) == 0 || q.looked > 0)
		check_value("oldest", age_of(first), "s");
	else
		check_value("oldest", (double)NAN, "s");
	if (isnan(more))
		check_show("growth", more, "/min");
	else
		check_value("growth", more, "/min");
	if (q.sized > 0 || queue_total(&q) == 0)
		check_value("bytes", q.sized == 0 ? 0 : round(q.bytes / (double)q.sized *
		    (double)queue_total(&q)), "B");
	else
		check_show("bytes", (double)NAN, "B");
	measure_share("frozen", q.frozen);
	measure_share("null_sender", q.null_sender);
	measure_ages();
	if (first != 0)
		check_words("oldest", NULL, "oldest %s%s, in %s", oldest_known() ? "" :
		    "at least ", check_people(age_of(first), "s"), queue_box_name[in]);
}

/* --- sentences ----------------------------------------------------------------------------- */

/* " (1,130 to example.net: Connection refused)": only where one stands out. */
static void
say_cause(struct buf *b)
{
	const struct queue_row *top, *why;
	struct buf head = buf_new(512);
	double off;

	if (queue_table_top(&q.to, SLICE(""), &top, 1) == 1 && top->n * 10 >= q.looked * 3 && top->n > 2) {
		buf_fmt(b, ", %s%s to %s", queue_sampled(&q) ? "about " : "",
		    check_people(round(queue_scaled(&q, top->n, &off)), ""),
		    check_clean(queue_table_text(&q.to, top)));
		buf_add(&head, queue_table_text(&q.to, top));
		buf_char(&head, '\0');
		if (queue_table_top(&q.why, buf_slice(&head), &why, 1) == 1)
			buf_fmt(b, ": %s", check_clean(slice_from(queue_table_text(&q.why, why), head.n)));
	}
	buf_free(&head);
}

static void
say_all(void)
{
	enum queue_box in = QUEUE_DEFERRED;
	int64_t first = oldest(&in);
	struct buf b = buf_new(900), boxes = buf_new(200), cause = buf_new(600);

	for (int i = 0; i < QUEUE_BOXES; i++)
		if (in_box((enum queue_box)i) > 0)
			buf_fmt(&boxes, "%s%s %s", boxes.n > 0 ? ", " : "",
			    check_people(in_box((enum queue_box)i), ""), queue_box_name[i]);
	say_cause(&cause);
	buf_fmt(&b, "%s %s queued", check_people((double)queue_total(&q), ""),
	    queue_total(&q) == 1 ? "message" : "messages");
	if (boxes.n > 0)
		buf_fmt(&b, " (%s)", boxes.p);
	if (cause.n > 0)
		buf_str(&b, cause.p);
	if (first != 0)
		buf_fmt(&b, ", oldest %s%s", oldest_known() ? "" : "at least ",
		    check_people(age_of(first), "s"));
	check_words("total", NULL, "%s", b.p);
	check_words("deferred", NULL, "%s deferred%s", check_people(in_box(QUEUE_DEFERRED), ""),
	    cause.n > 0 ? cause.p : "");
	buf_free(&b);
	buf_free(&boxes);
	buf_free(&cause);
}

/* "sampled 5,000 of 212,000": what is said of files is an estimate. */
static void
say_sampled(void)
{
	if (q.looked > 0 && queue_sampled(&q))
		check_detail("sampled %s of %s messages%s; numbers with \"about\" are estimates",
		    check_people((double)q.looked, ""), check_people((double)queue_total(&q), ""),
		    q.out_of_time ? " (--sample-time was up)" : "");
	if (q.unreadable > 0)
		check_detail("%s could not be read: %s", check_people((double)q.unreadable, ""),
		    check_clean(slice_of(q.trouble.text)));
	if (q.foreign > 0)
		check_verbose(1, "%s other things lie in the folders", check_people((double)q.foreign, ""));
	if (q.vanished > 0)
		check_verbose(1, "%s were gone or not complete when they were read",
		    check_people((double)q.vanished, ""));
}

static void
tell_why(const struct queue_row *domain)
{
	const struct queue_row *why[3];
	struct buf head = buf_new(512);
	size_t n;

	buf_add(&head, queue_table_text(&q.to, domain));
	buf_char(&head, '\0');
	n = queue_table_top(&q.why, buf_slice(&head), why, 3);
	for (size_t i = 0; i < n; i++)
		check_detail("    %s of those read: %s", check_people((double)why[i]->n, ""),
		    check_clean(slice_from(queue_table_text(&q.why, why[i]), head.n)));
	buf_free(&head);
}

static void
tell_top(const struct queue_table *t, const char *title, const char *none, bool why)
{
	const struct queue_row *top[TOP_MAX];
	size_t n = queue_table_top(t, SLICE(""), top, (size_t)set.top);

	if (n > 0)
		check_detail("%s", title);
	for (size_t i = 0; i < n; i++) {
		struct slice text = queue_table_text(t, top[i]);
		double off, all = round(queue_scaled(&q, top[i]->n, &off));
		struct buf more = buf_new(64);

		if (off > 0)
			buf_fmt(&more, " (+/- %s)", check_people(ceil(off), ""));
		check_detail("  %s%s %s%s%s%s", off > 0 ? "about " : "", check_people(all, ""),
		    text.n > 0 ? check_clean(text) : none, more.n > 0 ? more.p : "",
		    top[i]->oldest > 0 ? ", oldest " : "",
		    top[i]->oldest > 0 ? check_people(age_of(top[i]->oldest), "s") : "");
		if (why)
			tell_why(top[i]);
		buf_free(&more);
	}
}

static void
tell_json(void)
{
	struct buf b = buf_new(1 << 16);

	buf_char(&b, '{');
	for (int i = 0; i < QUEUE_BOXES; i++) {
		const struct queue_ages *a = &q.age[i];

		buf_fmt(&b, "%s\"%s\":{\"messages\":%.0f,\"oldest\":", i > 0 ? "," : "", queue_box_name[i],
		    in_box((enum queue_box)i));
		if (ages_known((enum queue_box)i))
			buf_fmt(&b, "%.0f}", age_of(a->oldest));
		else
			buf_str(&b, "null}");
	}
	buf_char(&b, '}');
	check_extra("queues", buf_slice(&b));
	buf_clear(&b);
	buf_fmt(&b, "{\"of\":%lld,\"looked\":%lld,\"all\":%s}", (long long)queue_total(&q),
	    (long long)q.looked, queue_sampled(&q) ? "false" : "true");
	check_extra("sample", buf_slice(&b));
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	check_begin("QUEUE");
	opt_parse(&program, argc, argv);
	queue_init(&q, whose(), (int64_t)time(NULL));
	count();
	measure();
	say_all();
	say_sampled();
	tell_top(&q.to, "To:", "(no domain)", true);
	tell_top(&q.from, "From:", "(notifications: null sender)", false);
	tell_json();
	check_done();
}
