/* mtatell.c - see mtatell.h. Whatever hosts say of themselves is strangers' text. */
#include "mtatell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#include "plural.h"
#include "poison.h"

enum { JSON_BYTES = 1 << 17 };

/* A group and where it is. */
struct place {
	const struct mtahost *host;
	const struct mtamib_group *group;
};

static struct {
	const struct mtahost *h;
	size_t n;
	struct place *place;
	size_t places;
} all;

static const char *
clean(const char *s)
{
	return check_clean(slice_of(s));
}

static const char *
people(double v, const char *unit)
{
	return isnan(v) ? "?" : check_people(v, unit);
}

/* --- groups ------------------------------------------------------------------------------ */

static double
stored(const struct place *p)
{
	return isnan(p->group->stored) ? 0 : p->group->stored;
}

static int
larger(const void *a, const void *b)
{
	double x = stored(a), y = stored(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
sort_groups(void)
{
	size_t n = 0;

	for (size_t i = 0; i < all.n; i++)
		n += all.h[i].mib->groups;
	all.place = xcalloc(n + 1, sizeof *all.place);
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < all.h[i].mib->groups && all.h[i].trouble == CHECK_OK; k++)
			all.place[all.places++] = (struct place){ &all.h[i], &all.h[i].mib->group[k] };
	qsort(all.place, all.places, sizeof *all.place, larger);
}

static const char *
group_name(const struct place *p)
{
	static char text[40];
	struct buf b = buf_new(sizeof text);

	if (p->group->name[0] != '\0')
		return clean(p->group->name);
	buf_fmt(&b, "group %u", (unsigned)p->group->index);
	memcpy(text, b.p, b.n + 1);
	buf_free(&b);
	return text;
}

static const struct mtamib_group *
oldest_group(const struct mtahost *h)
{
	const struct mtamib_group *g = NULL;

	for (size_t i = 0; i < h->mib->groups; i++)
		if (h->mib->group[i].oldest_s > 0 &&
		    (g == NULL || h->mib->group[i].oldest_s > g->oldest_s))
			g = &h->mib->group[i];
	return g;
}

/* --- measurements ------------------------------------------------------------------------ */

/* A rate is not known at the first run. */
static void
give_rate(const char *name, double v)
{
	check_known(name, round(v * 10) / 10, "/min");
}

static void
add(double *sum, double v)
{
	if (!isnan(v))
		*sum = isnan(*sum) ? v : *sum + v;
}

/* The host whose value is the largest. */
static const struct mtahost *
most(size_t offset, double *v)
{
	const struct mtahost *which = NULL;

	*v = (double)NAN;
	for (size_t i = 0; i < all.n; i++) {
		double of;

		if (all.h[i].trouble != CHECK_OK)
			continue;
		memcpy(&of, (const char *)&all.h[i].sum + offset, sizeof of);
		if (!isnan(of) && !(*v >= of)) {
			*v = of;
			which = &all.h[i];
		}
	}
	return which;
}

static double
sum_of(size_t offset)
{
	double sum = (double)NAN, v;

	for (size_t i = 0; i < all.n; i++) {
		memcpy(&v, (const char *)&all.h[i] + offset, sizeof v);
		if (all.h[i].trouble == CHECK_OK)
			add(&sum, v);
	}
	return sum;
}

#define SUM(field) sum_of(offsetof(struct mtahost, sum) + offsetof(struct mtamib_sum, field))
#define RATE(field) sum_of(offsetof(struct mtahost, rate) + offsetof(struct mtarate, field))

/* " (1,130 of them example.net: Connection refused)": only where one stands out. */
static void
say_cause(struct buf *b, double total)
{
	const struct place *p = all.place;

	if (all.places == 0 || stored(p) < 3 || stored(p) < 0.3 * total || all.places == 1)
		return;
	buf_fmt(b, ", %s in %s", check_people(stored(p), ""), group_name(p));
	if (all.n > 1)
		buf_fmt(b, " at %s", clean(p->host->name));
	if (p->group->why[0] != '\0')
		buf_fmt(b, ": %s", clean(p->group->why));
}

static void
say_total(double total, double oldest)
{
	struct buf b = buf_new(900);
	size_t answered = 0;

	for (size_t i = 0; i < all.n; i++)
		answered += all.h[i].trouble == CHECK_OK;
	buf_fmt(&b, "%s %s queued", people(total, ""), PLURAL(total, "message", "messages"));
	if (all.n == 1)
		buf_fmt(&b, " at %s", clean(all.h[0].name));
	else
		buf_fmt(&b, " at %zu %s", answered, PLURAL(answered, "host", "hosts"));
	say_cause(&b, total);
	if (oldest > 0)
		buf_fmt(&b, ", oldest %s", check_people(oldest, "s"));
	check_words("total", NULL, "%s", b.p);
	buf_free(&b);
}

static double
say_down(struct buf *b)
{
	double down = 0;

	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < all.h[i].mib->appls; k++) {
			const struct mtamib_appl *a = &all.h[i].mib->appl[k];

			if (a->state == MTAMIB_CONGESTED)
				check_state(CHECK_WARNING, "%s says that it is congested (%s)", clean(all.h[i].name),
				    a->name[0] != '\0' ? clean(a->name) : "mail server");
			if (a->state != MTAMIB_DOWN && a->state != MTAMIB_HALTED)
				continue;
			if (down == 0)
				buf_fmt(b, "%s says that %s is %s", clean(all.h[i].name),
				    a->name[0] != '\0' ? clean(a->name) : "its mail server",
				    a->state == MTAMIB_DOWN ? "down" : "halted");
			down++;
		}
	if (down > 1)
		buf_fmt(b, ", and %s more", check_people(down - 1, ""));
	return down;
}

static void
measure(void)
{
	const struct mtahost *worst, *old, *full;
	double total = SUM(total), w, o, used, down;
	struct buf b = buf_new(600);

	worst = most(offsetof(struct mtamib_sum, total), &w);
	old = most(offsetof(struct mtamib_sum, oldest_s), &o);
	full = most(offsetof(struct mtamib_sum, used_percent), &used);
	check_asked("total", total, "");
	check_asked("worst", w, "");
	check_asked("deferred", SUM(deferred), "");
	check_asked("oldest", o, "s");
	give_rate("growth", RATE(growth));
	check_asked("bytes", SUM(bytes), "B");
	check_asked("recipients", SUM(recipients), "");
	give_rate("received", RATE(received));
	give_rate("transmitted", RATE(transmitted));
	give_rate("rejected", RATE(rejected));
	give_rate("loops", RATE(loops));
	check_known("used", used, "%");
	down = say_down(&b);
	check_known("down", worst != NULL || down > 0 ? down : (double)NAN, "");
	if (worst != NULL)
		say_total(total, o);
	if (worst != NULL)
		check_words("worst", NULL, "%s at %s", check_people(w, ""), clean(worst->name));
	if (old != NULL && oldest_group(old) != NULL)
		check_words("oldest", NULL, "oldest %s, in %s at %s", check_people(o, "s"),
		    group_name(&(struct place){ old, oldest_group(old) }), clean(old->name));
	else if (old != NULL)
		check_words("oldest", NULL, "oldest %s at %s", check_people(o, "s"), clean(old->name));
	if (full != NULL)
		check_words("used", NULL, "%s has used %s of its queue", clean(full->name), check_people(used, "%"));
	if (b.n > 0)
		check_words("down", NULL, "%s", b.p);
	buf_free(&b);
}

/* --- further lines ------------------------------------------------------------------------ */

static void
tell_host(const struct mtahost *h)
{
	struct buf b = buf_new(600);

	if (h->trouble != CHECK_OK) {
		check_state(h->trouble, "%s %s", clean(h->name), clean(h->why));
		return;
	}
	if (h->mib->space == 2 || h->mib->space == 3)
		check_state(h->mib->space == 3 ? CHECK_CRITICAL : CHECK_WARNING, "%s says that its queue %s",
		    clean(h->name), h->mib->space == 3 ? "is full" : "is short of space");
	buf_fmt(&b, "%s: %s %s", clean(h->name), people(h->sum.total, ""),
	    PLURAL(h->sum.total, "message", "messages"));
	if (h->sum.oldest_s > 0)
		buf_fmt(&b, ", oldest %s", check_people(h->sum.oldest_s, "s"));
	if (h->sum.bytes > 0)
		buf_fmt(&b, ", %s", check_people(h->sum.bytes, "B"));
	if (!isnan(h->mib->uptime_s))
		buf_fmt(&b, "; its agent is up for %s", check_people(h->mib->uptime_s, "s"));
	if (all.n > 1 || check_is_verbose(1))
		check_detail("%s", b.p);
	if (h->mib->over)
		check_detail("%s has more applications or groups than %d and %d; the rest was not read",
		    clean(h->name), MTAMIB_APPLS, MTAMIB_GROUPS);
	if (h->mib->wrong > 0)
		check_detail("%s: %u %s left out", clean(h->name), h->mib->wrong,
		    PLURAL(h->mib->wrong, "value is of a wrong type and was", "values are of a wrong type and were"));
	buf_free(&b);
}

static void
tell_top(size_t top)
{
	if (top > 0 && all.places > 0 && stored(&all.place[0]) > 0)
		check_detail("Largest:");
	for (size_t i = 0; i < all.places && i < top && stored(&all.place[i]) > 0; i++) {
		const struct place *p = &all.place[i];

		check_detail("  %s %s%s%s%s%s%s%s", check_people(stored(p), ""), group_name(p),
		    all.n > 1 ? " at " : "", all.n > 1 ? clean(p->host->name) : "",
		    p->group->oldest_s > 0 ? ", oldest " : "",
		    p->group->oldest_s > 0 ? check_people(p->group->oldest_s, "s") : "",
		    p->group->why[0] != '\0' ? ": " : "", clean(p->group->why));
	}
}

static void
json_number(struct buf *b, const char *name, double v)
{
	buf_fmt(b, ",\"%s\":", name);
	if (!isnan(v))
		buf_fmt(b, "%.0f", v);
	else
		buf_str(b, "null");
}

static void
json_host(struct buf *b, const struct mtahost *h)
{
	buf_str(b, "{\"host\":");
	buf_json(b, slice_of(clean(h->name)));
	buf_str(b, ",\"trouble\":");
	if (h->trouble != CHECK_OK)
		buf_json(b, slice_of(clean(h->why)));
	else
		buf_str(b, "null");
	json_number(b, "messages", h->trouble == CHECK_OK ? h->sum.total : (double)NAN);
	json_number(b, "deferred", h->trouble == CHECK_OK ? h->sum.deferred : (double)NAN);
	json_number(b, "oldest", h->trouble == CHECK_OK ? h->sum.oldest_s : (double)NAN);
	json_number(b, "bytes", h->trouble == CHECK_OK ? h->sum.bytes : (double)NAN);
	json_number(b, "uptime", h->mib->uptime_s);
	buf_char(b, '}');
}

static void
json_group(struct buf *b, const struct place *p)
{
	buf_str(b, "{\"host\":");
	buf_json(b, slice_of(clean(p->host->name)));
	buf_str(b, ",\"queue\":");
	buf_json(b, slice_of(group_name(p)));
	json_number(b, "messages", p->group->stored);
	json_number(b, "oldest", p->group->oldest_s);
	buf_str(b, ",\"reason\":");
	buf_json(b, slice_of(clean(p->group->why)));
	buf_char(b, '}');
}

static void
tell_json(size_t top)
{
	struct buf b = buf_new(JSON_BYTES);

	buf_char(&b, '[');
	for (size_t i = 0; i < all.n; i++) {
		buf_str(&b, i > 0 ? "," : "");
		json_host(&b, &all.h[i]);
	}
	buf_char(&b, ']');
	check_extra("hosts", buf_slice(&b));
	buf_clear(&b);
	buf_char(&b, '[');
	for (size_t i = 0; i < all.places && i < top && stored(&all.place[i]) > 0; i++) {
		buf_str(&b, i > 0 ? "," : "");
		json_group(&b, &all.place[i]);
	}
	buf_char(&b, ']');
	check_extra("queues", buf_slice(&b));
	buf_free(&b);
}

void
mtatell(const struct mtahost *h, size_t n, size_t top)
{
	all.h = h;
	all.n = n;
	sort_groups();
	measure();
	for (size_t i = 0; i < n; i++)
		tell_host(&h[i]);
	tell_top(top);
	if (check_is_json())
		tell_json(top);
	free(all.place);
}
