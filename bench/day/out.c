/* out.c - lines in the order in which a log server gets them, in one of several forms.
 *
 * A calendar has a list for each second; what is said for later waits there. mxb's lines
 * come late by up to two seconds, the same for a minute, and a few of all lines by chance:
 * so that the file is not in order, as no central log is. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "day.h"
#include "poison.h"

enum { LATEST = 8, SECONDS = 86400 + LATEST, TEXT_MAX = 2048 };

const char *const host_name[HOSTS] = { "mxa", "mxb", "mxc" };

struct line {
	struct line *next;
	int64_t arrives;	/* microseconds, as all times here */
	uint64_t number;	/* in order of saying: the order of equals */
	int64_t t;
	uint8_t host;
	uint16_t n;
	char text[];
};

static struct {
	FILE *f;
	struct out_form form;
	struct line *second[SECONDS];
	uint64_t said;
	struct line **group;	/* lines to be written, or to be shuffled first */
	size_t n, cap;
	unsigned next_shuffle;	/* minute */
	struct dice dice;	/* for the form, never for the day */
} out;

void
out_begin(FILE *f, const struct out_form *form)
{
	out.f = f;
	out.form = *form;
	out.next_shuffle = form->shuffle_minutes;
	out.dice.state = 4711;
	setvbuf(f, NULL, _IOFBF, 1 << 20);
}

int64_t
day_epoch(void)
{
	int64_t y = out.form.year - (out.form.month <= 2), era = y / 400, yoe = y - era * 400;
	int64_t doy = (153 * ((int64_t)out.form.month + (out.form.month > 2 ? -3 : 9)) + 2) / 5 +
	    out.form.day - 1;

	return (era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468) * 86400;
}

/* When a line of the host and that time reaches the log server. */
static int64_t
arrival(enum host h, int64_t t)
{
	int64_t late = 0;

	if (h == MXB)
		late = (int64_t)(dice_mix((uint64_t)(t / MINUTE) * 31 + 5) % (2 * SECOND));
	if (chance(25))
		late += below(2 * SECOND);
	return t + late;
}

bool
say(enum host h, int64_t t, const char *who, const char *service, unsigned pid,
    const char *fmt, ...)
{
	char text[TEXT_MAX];
	char tag_pid[16] = "";
	int n, m;
	va_list ap;

	if (t >= DAY_END)
		return false;
	if (pid > 0)
		snprintf(tag_pid, sizeof tag_pid, "[%u]", pid);
	n = snprintf(text, sizeof text, "%s%s%s%s: ", who != NULL ? who : "",
	    who != NULL ? "/" : "", service, tag_pid);
	va_start(ap, fmt);
	m = vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
	va_end(ap);
	if (n < 0 || m < 0 || n + m >= TEXT_MAX)
		abort();	/* a line of ours that does not fit is a bug */

	struct line *l = malloc(sizeof *l + (size_t)(n + m));

	if (l == NULL)
		abort();
	l->arrives = arrival(h, t);
	l->number = out.said++;
	l->t = t;
	l->host = (uint8_t)h;
	l->n = (uint16_t)(n + m);
	memcpy(l->text, text, l->n);
	l->next = out.second[l->arrives / SECOND];
	out.second[l->arrives / SECOND] = l;
	truth_add(h, F_lines, 1);
	return true;
}

static int
by_arrival(const void *a, const void *b)
{
	const struct line *x = *(struct line *const *)a, *y = *(struct line *const *)b;

	if (x->arrives != y->arrives)
		return x->arrives < y->arrives ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void
write_line(const struct line *l)
{
	static const char month[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	static int64_t last = -1;
	static char stamp[64];
	int64_t s = l->t / SECOND;
	unsigned hh = (unsigned)(s / 3600), mm = (unsigned)(s / 60 % 60), ss = (unsigned)(s % 60);

	if (s != last) {
		if (out.form.iso)
			snprintf(stamp, sizeof stamp, "%04u-%02u-%02uT%02u:%02u:%02u",
			    out.form.year, out.form.month, out.form.day, hh, mm, ss);
		else
			snprintf(stamp, sizeof stamp, "%s %2u %02u:%02u:%02u ",
			    month[out.form.month - 1], out.form.day, hh, mm, ss);
		last = s;
	}
	fputs(stamp, out.f);
	if (out.form.iso)
		fprintf(out.f, ".%06u+00:00 %s.example.org ", (unsigned)(l->t % SECOND),
		    host_name[l->host]);
	else
		fprintf(out.f, "%s ", host_name[l->host]);
	fwrite(l->text, 1, l->n, out.f);
	putc('\n', out.f);
}

static bool
is_wanted(const struct line *l)
{
	if (out.form.only >= 0 && l->host != out.form.only)
		return false;
	return l->host != out.form.lack || dice_below(&out.dice, 100) >= out.form.lack_percent;
}

static void
write_group(bool shuffle)
{
	for (size_t i = out.n; shuffle && i > 1; i--) {
		size_t j = dice_below(&out.dice, (uint32_t)i);
		struct line *l = out.group[j];

		out.group[j] = out.group[i - 1];
		out.group[i - 1] = l;
	}
	for (size_t i = 0; i < out.n; i++) {
		if (is_wanted(out.group[i]))
			write_line(out.group[i]);
		free(out.group[i]);
	}
	out.n = 0;
}

void
out_advance(unsigned second)
{
	size_t first = out.n;

	for (struct line *l = out.second[second], *next; l != NULL; l = next) {
		next = l->next;
		if (out.n == out.cap) {
			out.cap = out.cap > 0 ? out.cap * 2 : 4096;
			out.group = realloc(out.group, out.cap * sizeof(struct line *));
			if (out.group == NULL)
				abort();
		}
		out.group[out.n++] = l;
	}
	out.second[second] = NULL;
	if (out.n > first)
		qsort(out.group + first, out.n - first, sizeof out.group[0], by_arrival);
	if (out.form.shuffle_minutes == 0) {
		write_group(false);
	} else if ((second + 1) / 60 >= out.next_shuffle) {
		write_group(true);
		out.next_shuffle += out.form.shuffle_minutes;
	}
}

void
out_end(void)
{
	for (unsigned s = 86400; s < SECONDS; s++)
		out_advance(s);
	write_group(out.form.shuffle_minutes > 0);
	free(out.group);
	out.group = NULL;
}
