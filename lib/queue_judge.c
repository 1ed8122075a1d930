/* queue_judge.c - see queue_judge.h. Domains and reasons are strangers' text: cleaned before they
 * are printed. */
#include "queue_judge.h"

#include <math.h>
#include <string.h>

#include "buf.h"
#include "check.h"

#include "plural.h"
#include "poison.h"

#define AGES(box) \
	{ box "_oldest", "s", "age of the oldest message in " box }, \
	{ box "_p50", "s", "half of the messages in " box " are older" }, \
	{ box "_p95", "s", "one in twenty of the messages in " box " is older" }

const struct measure queue_measures[] = {
	{ "total", "", "messages in all queues" },
	{ "active", "", "messages being delivered (Postfix)" },
	{ "deferred", "", "messages to be tried again" },
	{ "hold", "", "messages held, or frozen" },
	{ "incoming", "", "messages not tried yet" },
	{ "maildrop", "", "messages submitted locally that pickup has not taken (Postfix)" },
	{ "corrupt", "", "messages set aside as damaged" },
	{ "oldest", "s", "age of the oldest message that is not on hold" },
	{ "growth", "/min", "more messages than at the run before, per minute; below 0 where they became fewer, and a "
	    "number alone is the most", .most = true },
	{ "bytes", "B", "size of all messages" },
	{ "frozen", "%", "share of messages that are frozen (Exim)" },
	{ "null_sender", "%", "share of notifications (null sender): high after spam in others' names" },
	AGES("incoming"), AGES("active"), AGES("deferred"), AGES("hold"), AGES("maildrop"),
	{ 0 }
};

static bool
ages_known(const struct queue *q, enum queue_box box)
{
	return q->age[box].n > 0 || queue_in_box(q, box) == 0;
}

/* The middle of a bucket may lie above the oldest in it. */
static double
quantile(const struct queue *q, const struct queue_ages *a, double part)
{
	double age = a->n == 0 ? 0 : round(hist_quantile(&a->hist, part) * 1000);

	return age < queue_age(q, a->oldest) ? age : queue_age(q, a->oldest);
}

/* What is not known is shown so; UNKNOWN where it is to be judged and no file was looked at, but not
 * where the few that it is of were gone when they were. */
static void
give(const struct queue *q, const char *name, double v, const char *unit)
{
	if (isnan(v) && (q->looked > 0 || !check_has_limit(name)))
		check_show(name, v, unit);
	else
		check_value(name, v, unit);
}

static void
measure_ages(const struct queue *q)
{
	static const enum queue_box told[] = {
		QUEUE_INCOMING, QUEUE_ACTIVE, QUEUE_DEFERRED, QUEUE_HOLD, QUEUE_MAILDROP
	};
	const struct measure *m = queue_measures;

	while (strcmp(m->name, "incoming_oldest") != 0)
		m++;
	for (size_t i = 0; i < sizeof told / sizeof *told; i++, m += 3) {
		const struct queue_ages *a = &q->age[told[i]];
		double p50 = quantile(q, a, 0.5), p95 = quantile(q, a, 0.95);

		if (!ages_known(q, told[i])) {
			for (int k = 0; k < 3; k++)
				give(q, m[k].name, (double)NAN, "s");
			continue;
		}
		check_value(m[0].name, queue_age(q, a->oldest), "s");
		check_value(m[1].name, p50, "s");
		check_value(m[2].name, p95, "s");
	}
}

static void
measure_share(const struct queue *q, const char *name, int64_t n)
{
	if (q->looked > 0)
		check_value(name, 100.0 * (double)n / (double)q->looked, "%");
	else
		give(q, name, queue_total(q) == 0 ? 0 : (double)NAN, "%");
}

static void
measure(const struct queue *q, double growth)
{
	enum queue_box in = QUEUE_DEFERRED;
	int64_t first = queue_oldest(q, &in);

	check_value("total", (double)queue_total(q), "");
	check_value("active", queue_in_box(q, QUEUE_ACTIVE), "");
	check_value("deferred", queue_in_box(q, QUEUE_DEFERRED), "");
	check_value("hold", queue_in_box(q, QUEUE_HOLD), "");
	check_value("incoming", queue_in_box(q, QUEUE_INCOMING), "");
	check_value("maildrop", queue_in_box(q, QUEUE_MAILDROP), "");
	check_value("corrupt", queue_in_box(q, QUEUE_CORRUPT), "");
	give(q, "oldest", queue_age_known(q) ? queue_age(q, first) : (double)NAN, "s");
	check_known("growth", growth, "/min");
	give(q, "bytes", queue_bytes(q), "B");
	measure_share(q, "frozen", q->frozen);
	measure_share(q, "null_sender", q->null_sender);
	measure_ages(q);
	if (first != 0)
		check_words("oldest", NULL, "oldest %s%s, in %s", queue_oldest_known(q) ? "" :
		    "at least ", check_people(queue_age(q, first), "s"), queue_box_name[in]);
}

/* --- sentences ----------------------------------------------------------------------------- */

/* " (1,130 to example.net: Connection refused)": only where one stands out. */
static void
say_cause(const struct queue *q, struct buf *b)
{
	const struct queue_row *top, *why;
	struct buf head = buf_new(512);
	double off;

	if (queue_table_top(&q->to, SLICE(""), &top, 1) == 1 && top->n * 10 >= q->looked * 3 && top->n > 2) {
		buf_fmt(b, ", %s%s to %s", queue_sampled(q) ? "about " : "",
		    check_people(round(queue_scaled(q, top->n, &off)), ""),
		    check_clean(queue_table_text(&q->to, top)));
		buf_add(&head, queue_table_text(&q->to, top));
		buf_char(&head, '\0');
		if (queue_table_top(&q->why, buf_slice(&head), &why, 1) == 1)
			buf_fmt(b, ": %s", check_clean(slice_from(queue_table_text(&q->why, why), head.n)));
	}
	buf_free(&head);
}

static void
say_all(const struct queue *q)
{
	enum queue_box in = QUEUE_DEFERRED;
	int64_t first = queue_oldest(q, &in);
	struct buf b = buf_new(900), boxes = buf_new(200), cause = buf_new(600);

	for (int i = 0; i < QUEUE_BOXES; i++)
		if (queue_in_box(q, (enum queue_box)i) > 0)
			buf_fmt(&boxes, "%s%s %s", boxes.n > 0 ? ", " : "",
			    check_people(queue_in_box(q, (enum queue_box)i), ""), queue_box_name[i]);
	say_cause(q, &cause);
	buf_fmt(&b, "%s %s queued", check_people((double)queue_total(q), ""),
	    PLURAL(queue_total(q), "message", "messages"));
	if (boxes.n > 0)
		buf_fmt(&b, " (%s)", boxes.p);
	if (cause.n > 0)
		buf_str(&b, cause.p);
	if (first != 0)
		buf_fmt(&b, ", oldest %s%s", queue_oldest_known(q) ? "" : "at least ",
		    check_people(queue_age(q, first), "s"));
	check_words("total", NULL, "%s", b.p);
	check_words("deferred", NULL, "%s deferred%s", check_people(queue_in_box(q, QUEUE_DEFERRED), ""),
	    cause.n > 0 ? cause.p : "");
	buf_free(&b);
	buf_free(&boxes);
	buf_free(&cause);
}

/* "sampled 5,000 of 212,000": what is said of files is an estimate. */
static void
say_sampled(const struct queue *q)
{
	if (q->looked > 0 && queue_sampled(q))
		check_detail("sampled %s of %s messages%s; numbers with \"about\" are estimates",
		    check_people((double)q->looked, ""), check_people((double)queue_total(q), ""),
		    q->out_of_time ? " (--sample-time was up)" : "");
	if (q->unreadable > 0)
		check_detail("%s could not be read: %s", check_people((double)q->unreadable, ""),
		    check_clean(slice_of(q->trouble.text)));
	if (q->foreign > 0)
		check_verbose(1, "%s other things lie in the folders", check_people((double)q->foreign, ""));
	if (q->vanished > 0)
		check_verbose(1, "%s were gone or not complete when they were read",
		    check_people((double)q->vanished, ""));
}

static void
tell_why(const struct queue *q, const struct queue_row *domain)
{
	const struct queue_row *why[3];
	struct buf head = buf_new(512);
	size_t n;

	buf_add(&head, queue_table_text(&q->to, domain));
	buf_char(&head, '\0');
	n = queue_table_top(&q->why, buf_slice(&head), why, 3);
	for (size_t i = 0; i < n; i++)
		check_detail("    %s of those read: %s", check_people((double)why[i]->n, ""),
		    check_clean(slice_from(queue_table_text(&q->why, why[i]), head.n)));
	buf_free(&head);
}

static void
tell_top(const struct queue *q, const struct queue_table *t, const char *title, const char *none,
    size_t most)
{
	const struct queue_row *top[QUEUE_TOP_MAX];
	size_t n = queue_table_top(t, SLICE(""), top, most);

	if (n > 0)
		check_detail("%s", title);
	for (size_t i = 0; i < n; i++) {
		struct slice text = queue_table_text(t, top[i]);
		double off, all = round(queue_scaled(q, top[i]->n, &off));
		struct buf more = buf_new(64);

		if (off > 0)
			buf_fmt(&more, " (+/- %s)", check_people(ceil(off), ""));
		check_detail("  %s%s %s%s%s%s", off > 0 ? "about " : "", check_people(all, ""),
		    text.n > 0 ? check_clean(text) : none, more.n > 0 ? more.p : "",
		    top[i]->oldest > 0 ? ", oldest " : "",
		    top[i]->oldest > 0 ? check_people(queue_age(q, top[i]->oldest), "s") : "");
		if (t == &q->to)
			tell_why(q, top[i]);
		buf_free(&more);
	}
}

static void
tell_json(const struct queue *q)
{
	struct buf b = buf_new(1 << 16);

	buf_char(&b, '{');
	for (int i = 0; i < QUEUE_BOXES; i++) {
		const struct queue_ages *a = &q->age[i];

		buf_fmt(&b, "%s\"%s\":{\"messages\":%.0f,\"oldest\":", i > 0 ? "," : "", queue_box_name[i],
		    queue_in_box(q, (enum queue_box)i));
		if (ages_known(q, (enum queue_box)i))
			buf_fmt(&b, "%.0f}", queue_age(q, a->oldest));
		else
			buf_str(&b, "null}");
	}
	buf_char(&b, '}');
	check_extra("queues", buf_slice(&b));
	buf_clear(&b);
	buf_fmt(&b, "{\"of\":%lld,\"looked\":%lld,\"all\":%s}", (long long)queue_total(q),
	    (long long)q->looked, queue_sampled(q) ? "false" : "true");
	check_extra("sample", buf_slice(&b));
	buf_free(&b);
}

void
queue_judge(const struct queue *q, double growth, size_t top)
{
	measure(q, growth);
	say_all(q);
	say_sampled(q);
	tell_top(q, &q->to, "To:", "(no domain)", top);
	tell_top(q, &q->from, "From:", "(notifications: null sender)", top);
	tell_json(q);
}
