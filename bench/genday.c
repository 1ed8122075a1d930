/* genday.c - make a day of a small mail farm: its log, and what is true about it.
 *
 *	genday [options] LINES SEED LOG [TRUTH]
 *
 * The log (LOG, "-" for stdout) has about LINES lines; TRUTH is JSON by the names of
 * lib/metric.def. The same LINES and SEED make the same events in every form, so that a test
 * can write one day in several. The parts are in day/, the farm is described in day/day.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "day/day.h"
#include "day/exim.h"
#include "day/opensmtpd.h"
#include "day/sendmail.h"
#include "poison.h"

static const char usage[] =
    "usage: genday [options] LINES SEED LOG [TRUTH]\n"
    "  -M NAME        the mail system of all hosts: postfix (default), opensmtpd, exim,
"
    "                 sendmail
"
    "  -d YYYY-MM-DD  the day (2026-11-05)\n"
    "  -i             RFC 3339 stamps and full host names\n"
    "  -m MINUTES     shuffle the lines within so many minutes (1440: the whole day)\n"
    "  -o HOST        this host's lines alone (mxa, mxb, mxc)\n"
    "  -l HOST=PCT    lose so many percent of a host's lines\n";

/* How busy each hour is, in thousandths of the busiest. */
static const unsigned busy[24] = {
	520, 480, 450, 440, 450, 480, 560, 700, 880, 980, 1000, 990,
	950, 970, 980, 960, 920, 860, 800, 760, 720, 680, 620, 560
};

static const struct visit postfix_visits[] = {
	{ 440, session_refused, false },
	{ 190, session_screened, false },
	{ 40, session_attack, false },
	{ 30, session_content_refused, false },
	{ 30, session_broken, false },
	{ 120, noise, false },
	{ 110, mail_inbound, true },
	{ 50, mail_submitted, true },
	{ 15, mail_local, true },
	{ 0, NULL, false }
};
static const struct farm farm_postfix = { "postfix", postfix_visits };

static const struct farm farm_opensmtpd = { "opensmtpd", opensmtpd_visits };

static const struct farm farm_exim = { "exim", exim_visits };
static const struct farm farm_sendmail = { "sendmail", sendmail_visits };

static const struct farm *const farms[] = { &farm_postfix, &farm_opensmtpd, &farm_exim,
	&farm_sendmail };
static const struct farm *farm = &farm_postfix;

static enum host
draw_host(void)
{
	unsigned x = below(100);

	return x < 45 ? MXA : x < 80 ? MXB : MXC;
}

static void
begin_session(int64_t t)
{
	const struct visit *s;
	enum host h = draw_host();
	unsigned total = 0, x;

	for (s = farm->visits; s->weight > 0; s++)
		total += s->weight;
	x = below(total);
	for (s = farm->visits; x >= s->weight; s++)
		x -= s->weight;
	/* A mail that the day's end cuts before it is queued is none. */
	if (!s->takes_mail || t < DAY_END - 20 * SECOND)
		s->begin(h, t);
}

/* Sessions begin as long as the day is behind its share of the lines. */
static void
live(int64_t lines)
{
	uint64_t whole = 0, so_far = 0;

	for (int i = 0; i < 24; i++)
		whole += busy[i] * UINT64_C(3600);
	for (unsigned s = 0; s < 86400; s++) {
		so_far += busy[s / 3600];
		int64_t share = (int64_t)((double)lines * ((double)so_far / (double)whole));

		while (truth_lines() < share)
			begin_session((int64_t)s * SECOND + below(SECOND));
		out_advance(s);
	}
}

static void
fail(const char *what)
{
	fprintf(stderr, "genday: %s\n%s", what, usage);
	exit(3);
}

static int
host_by_name(const char *name, size_t n)
{
	for (int h = 0; h < HOSTS; h++)
		if (strlen(host_name[h]) == n && memcmp(host_name[h], name, n) == 0)
			return h;
	fail("no such host");
	return -1;
}

static const struct farm *
farm_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof farms / sizeof *farms; i++)
		if (strcmp(farms[i]->name, name) == 0)
			return farms[i];
	fail("no such mail system");
	return NULL;
}

static void
parse_options(int argc, char **argv, struct out_form *form)
{
	const char *eq;
	int c;

	while ((c = getopt(argc, argv, "M:d:im:o:l:")) != -1) {
		switch (c) {
		case 'd':
			if (sscanf(optarg, "%4u-%2u-%2u", &form->year, &form->month, &form->day) != 3 ||
			    form->month < 1 || form->month > 12 || form->day < 1 || form->day > 31)
				fail("not a date");
			break;
		case 'M':
			farm = farm_by_name(optarg);
			break;
		case 'i':
			form->iso = true;
			break;
		case 'm':
			form->shuffle_minutes = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			form->only = host_by_name(optarg, strlen(optarg));
			break;
		case 'l':
			eq = strchr(optarg, '=');
			if (eq == NULL)
				fail("-l wants HOST=PERCENT");
			form->lack = host_by_name(optarg, (size_t)(eq - optarg));
			form->lack_percent = (unsigned)strtoul(eq + 1, NULL, 10);
			break;
		default:
			fail("bad option");
		}
	}
}

static FILE *
open_for_writing(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");

	if (f == NULL) {
		fprintf(stderr, "genday: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

static void
close_written(FILE *f, const char *path)
{
	if (fflush(f) != 0 || fclose(f) != 0) {
		fprintf(stderr, "genday: write %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	struct out_form form = { .year = 2026, .month = 11, .day = 5, .only = -1 };
	char date[32];
	FILE *f;

	parse_options(argc, argv, &form);
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc > 4)
		fail("too few or too many arguments");
	day_dice.state = strtoull(argv[1], NULL, 10) * UINT64_C(0x2545f4914f6cdd1d) + 1;
	f = open_for_writing(argv[2]);
	out_begin(f, &form);
	live(strtoll(argv[0], NULL, 10));
	out_end();
	close_written(f, argv[2]);
	if (argc == 4) {
		f = open_for_writing(argv[3]);
		snprintf(date, sizeof date, "%04u-%02u-%02u", form.year, form.month, form.day);
		truth_write(f, strtoull(argv[1], NULL, 10), date);
		close_written(f, argv[3]);
	}
	return 0;
}
