/* check_replication_data - how old is what filters know (signatures, rules, GeoIP, block lists), and do all machines
 * have the newest?
 *
 * Here the ages; with lists that --print made on each machine also which of them is behind. What files say of
 * themselves is read in lib/datafile.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "datafile.h"
#include "lag.h"
#include "logtime.h"
#include "wholefile.h"
#include "when.h"

#include "poison.h"

enum { NODES_MAX = 32, NODE_NAME = 64, FIXED = 7, ROWS = FIXED + 1 + 2 * DATAFILES };

struct node {
	char name[NODE_NAME];
	bool good;
	struct datafiles files;
};

static struct {
	struct opt_list files;
	bool print;
	struct node node[NODES_MAX];
	size_t nodes;
	int64_t now;
	double missing, versions, told;
	struct named_age {
		const char *name;
		double s;
	} age[NODES_MAX * DATAFILES];
	size_t ages;
	struct named_age oldest;
} set = { .versions = (double)NAN, .told = (double)NAN, .oldest = { NULL, (double)NAN } };

static const struct opt opts[] = {
	{ 0, "file", OPT_LIST, &set.files, "PATTERN", "files of this machine, by a pattern of the shell: "
	    "/var/lib/rbldnsd/*; may be given again; without it and FILE those that are where Debian has them" },
	{ 0, "print", OPT_FLAG, &set.print, NULL, "print what this machine has, and compare nothing" },
	{ 0 }
};

/* Behind the fixed rows, one for each file that a limit or a list names: see add_row(). */
static struct measure measures[ROWS] = {
	{ "age", "s", "of the oldest that has no limit of its own; not of ClamAV's main and bytecode, which are made "
	    "anew once in months", "7d", "30d" },
	LAG_MEASURES("6h", "2d"),
	{ "missing", "", "files that a machine lacks and another has", NULL, "0" },
	{ "versions", "", "of ClamAV's databases: by how many versions a machine is behind" },
	{ "told", "s", "how old the oldest list is", "1d", NULL },
	{ "files", "", "names of files, of all machines" },
};

static const struct program program = {
	"check_replication_data", "how old is what filters know, and do all machines have the newest?",
	"Known are ClamAV's databases (version and time of their header), rules of SpamAssassin by sa-update (version; the "
	"time they came here), GeoIP databases (.mmdb: when they were built), zones of rbldnsd ($SOA, $TIMESTAMP), files "
	"of Bayes (bayes_*: only the time), and any other file by its time and SHA-256. Files are the same where their "
	"names are, without .cvd, .cld, .cf, .mmdb; of several with one name in a folder, or in folders of releases, the "
	"newest counts; others that --file finds on a machine are called by their folders, too: lists_zone. Each name "
	"is a measurement too: -w daily=2d.\n\n"
	"NODE=FILE is what --print said on that machine. Behind is who has not what the newest has. The lag is for how long "
	"that is so, since runs last saw the machine well, and at most the age of what it has, where the file tells "
	"that; of Bayes it is how much older its file is. Runs keep that in NAGIOS_PLUGIN_STATE_DIRECTORY or "
	"/var/tmp/mxgauge-UID. A list that cannot be read, or is cut, is CRITICAL: a machine did not say what it has; so is a "
	"file that is not what its name promises.",
	opts, "[NODE=FILE...]", .measures = measures,
	.examples = "check_replication_data -w age=2d -c age=7d -w GeoLite2-City=40d\n"
	    "# on each machine, by cron, and fetched by the one that compares\n"
	    "check_replication_data --print --file '/var/lib/clamav/*.c[vl]d' >/var/lib/mxgauge/mx2.data\n"
	    "check_replication_data mx1=mx1.data mx2=mx2.data -w daily=2d -w versions=1"
};

static bool
add_row(const char *name)
{
	size_t n = 0;

	for (; measures[n].name != NULL; n++)
		if (strcmp(measures[n].name, name) == 0)
			return n >= FIXED;
	if (n + 1 < ROWS)
		measures[n] = (struct measure){ xstrdup(name), "s", "its age" };
	return n + 1 < ROWS;
}

/* -w NAME=RANGE with a file's name: which there are is known when all is read. */
static bool
see_limit(const char *text, bool critical)
{
	struct slice s = slice_of(text), name;

	(void)critical;
	if (slice_cut(&s, '=', &name) && name.n > 0)
		(void)add_row(xslicedup(name));
	return false;
}

static void
look_here(struct datafiles *all)
{
	static const char *usual[] = { "/var/lib/clamav/*.c[vl]d", "/var/lib/spamassassin/*/*.cf",
		"/var/lib/GeoIP/*.mmdb", "/usr/share/GeoIP/*.mmdb" };
	static const struct opt_list defaults = { usual, sizeof usual / sizeof *usual };
	struct err e = { "" };

	check_phase("reading the files");
	if (!datafiles_make(all, set.files.n > 0 ? &set.files : &defaults, set.files.n > 0, &e))
		check_unknown("%s", e.text);
	if (all->n == 0)
		check_unknown("nothing is where it usually is: which files? --file PATTERN");
}

static int
print(void)
{
	struct buf b = buf_new(DATAFILES_BYTES);
	char host[256] = "";
	bool good;

	look_here(&set.node[0].files);
	(void)gethostname(host, sizeof host - 1);
	datafiles_print(&b, &set.node[0].files, host, set.now);
	good = !b.full && fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
	buf_free(&b);
	return good ? 0 : 3;
}

/* "mx1=FILE"; a FILE alone is a node of that name. */
static void
read_node(const char *operand)
{
	struct node *n = &set.node[set.nodes++];
	struct slice path = slice_of(operand), name = path;
	struct buf b = buf_new(DATAFILES_BYTES);
	struct err e = { "" };
	double old;

	(void)slice_cut(&path, '=', &name);
	name = slice_head(name, NODE_NAME - 1);
	memcpy(n->name, name.p, name.n);
	check_phase("reading %s", path.p);
	n->good = wholefile_read(&b, path.p, &e) && datafiles_read(&n->files, b.n > 0 ? buf_slice(&b) : SLICE(""), &e);
	old = (double)(set.now - n->files.made_at);
	if (!n->good)
		lag_state(CHECK_CRITICAL, n->name, "%s", e.text);
	else if (isnan(set.told) || old > set.told)
		set.told = old > 0 ? old : 0;	/* clocks differ */
	buf_free(&b);
}

/* --- comparing ---------------------------------------------------------------------------- */

static void
describe(struct buf *b, const struct datafile *d)
{
	if (d->version != 0)
		buf_fmt(b, "version %lu of ", (unsigned long)d->version);
	when_print(b, d->made_at);
	if (d->hash[0] != '\0')
		buf_fmt(b, " (%.8s)", d->hash);
}

static double
behind_for(struct slice key, const struct datafile *d, const struct datafile *newest)
{
	bool well = datafile_same(d, newest);
	double lag, old = (double)(set.now - d->made_at);
	struct buf b = buf_new(1000);

	if (d->kind == DATAFILE_BAYES && newest->kind == DATAFILE_BAYES)
		return (double)(newest->made_at - d->made_at);
	lag = lag_last_well(key, well, set.now);
	if (isnan(lag)) {
		buf_fmt(&b, "%.*s lacks", (int)key.n, key.p);
		lag = lag_since(buf_slice(&b), SLICE("yes"), set.now);
	}
	buf_free(&b);
	/* who is always one behind, of what is made anew all the time, is never well and yet not far behind */
	return (d->kind == DATAFILE_CLAMAV || d->kind == DATAFILE_GEOIP) && old >= 0 && old < lag ? old : lag;
}

static void
judge(const struct node *n, const struct node *first, const struct datafile *newest)
{
	const struct datafile *d = datafiles_find(&n->files, newest->name);
	struct buf key = buf_new(1000), say = buf_new(1000);

	buf_fmt(&key, "%s: %s", n->name, newest->name);
	if (!n->good || d == NULL || d->kind == DATAFILE_BROKEN)
		lag_keep(buf_slice(&key));
	if (n->good && d == NULL) {
		set.missing++;
		check_detail("%s: missing; %s has it", key.p, first->name);
	} else if (n->good && d->kind != DATAFILE_BROKEN) {
		lag_copy(key.p, behind_for(buf_slice(&key), d, newest), (double)NAN);
		if (!datafile_same(d, newest)) {
			describe(&say, d);
			buf_fmt(&say, "; %s has ", first->name);
			describe(&say, newest);
			check_detail("%s: %s", key.p, say.p);
		}
		if (d->kind == DATAFILE_CLAMAV && newest->kind == DATAFILE_CLAMAV) {
			double apart = (double)(newest->version - d->version);

			set.versions = isnan(set.versions) || apart > set.versions ? apart : set.versions;
		}
	}
	buf_free(&key);
	buf_free(&say);
}

/* Who has the newest of that name? */
static const struct node *
first_of(const char *name, const struct datafile **newest)
{
	const struct node *first = NULL;

	*newest = NULL;
	for (size_t i = 0; i < set.nodes; i++) {
		const struct datafile *d = datafiles_find(&set.node[i].files, name);

		if (!set.node[i].good || d == NULL || (*newest != NULL && !datafile_newer(d, *newest)))
			continue;
		*newest = d;
		first = &set.node[i];
	}
	return first;
}

/* --- ages --------------------------------------------------------------------------------- */

static bool
seldom_made(const struct datafile *d)
{
	return d->kind == DATAFILE_CLAMAV && strcmp(d->name, "daily") != 0;
}

/* What is wrong with one file, whatever others have. Returns its age; NAN: it has none. */
static double
judge_alone(const struct node *n, const struct datafile *d)
{
	double age = (double)(set.now - d->made_at);
	struct buf b = buf_new(1000);

	buf_fmt(&b, "%s%s%s", set.nodes > 1 ? n->name : "", set.nodes > 1 ? ": " : "", d->name);
	if (d->kind == DATAFILE_BROKEN)
		lag_state(CHECK_CRITICAL, b.p, "it is not what its name promises: cut, or not written yet");
	else if (age < -DAY_S)
		lag_state(CHECK_WARNING, b.p, "it is from %s in the future", check_people(-age, "s"));
	if (d->expires_at != 0 && d->expires_at < set.now)
		lag_state(CHECK_CRITICAL, b.p, "it expired %s ago: rbldnsd does not answer from it",
		    check_people((double)(set.now - d->expires_at), "s"));
	check_verbose(1, "%s: %s, version %lu, %s old, %llu entries, level %lu", b.p, datafile_kind_name(d->kind),
	    (unsigned long)d->version, check_people(age, "s"), (unsigned long long)d->entries,
	    (unsigned long)d->level);
	buf_free(&b);
	return d->kind == DATAFILE_BROKEN ? (double)NAN : age > 0 ? age : 0;
}

/* Of a name, the oldest on any machine. */
static void
judge_age(const char *name)
{
	double age = (double)NAN;
	bool seldom = false;

	for (size_t i = 0; i < set.nodes; i++) {
		const struct datafile *d = datafiles_find(&set.node[i].files, name);
		double one = d != NULL && set.node[i].good ? judge_alone(&set.node[i], d) : (double)NAN;

		seldom = seldom || (d != NULL && seldom_made(d));
		if (!isnan(one) && (isnan(age) || one > age))
			age = one;
	}
	if (isnan(age))
		return;
	set.age[set.ages++] = (struct named_age){ name, age };
	if (!seldom && !check_has_limit(name) && (isnan(set.oldest.s) || age > set.oldest.s))
		set.oldest = set.age[set.ages - 1];
}

/* The oldest leads where nothing is compared. */
static void
tell_ages(void)
{
	check_known("age", set.oldest.s, "s");
	if (set.oldest.name != NULL)
		check_words("age", NULL, "%s is %s old", set.oldest.name, check_people(set.oldest.s, "s"));
	for (size_t i = 0; i < set.ages; i++) {
		const char *name = set.age[i].name;

		if (!add_row(name))
			continue;	/* a file that is called as one of the fixed rows, or one too many */
		check_value(name, set.age[i].s, "s");
		check_words(name, NULL, "%s is %s old", name, check_people(set.age[i].s, "s"));
	}
}

/* Names of all machines, each once. */
static size_t
each_name(void)
{
	const struct datafile *newest;
	const struct node *first;
	size_t n = 0;

	for (size_t i = 0; i < set.nodes; i++) {
		for (size_t k = 0; set.node[i].good && k < set.node[i].files.n; k++) {
			const char *name = set.node[i].files.file[k].name;
			bool again = false;

			for (size_t j = 0; j < i && !again; j++)
				again = set.node[j].good && datafiles_find(&set.node[j].files, name) != NULL;
			if (again)
				continue;
			n++;
			judge_age(name);
			first = first_of(name, &newest);
			for (size_t j = 0; first != NULL && set.nodes > 1 && j < set.nodes; j++)
				judge(&set.node[j], first, newest);
		}
	}
	return n;
}

int
main(int argc, char **argv)
{
	int operands;
	size_t n;

	check_begin("REPLICATION");
	check_own_limits(see_limit);
	operands = opt_parse(&program, argc, argv);
	set.now = (int64_t)time(NULL);
	if (operands >= NODES_MAX)
		opt_fail(&program, "more than %d machines", NODES_MAX - 1);
	if (set.print && operands > 0)
		opt_fail(&program, "--print is of this machine alone");
	if (operands == 1 && set.files.n == 0)
		opt_fail(&program, "compared with what? Two of NODE=FILE, or --file");
	if (set.print)
		return print();
	if (operands > 0)
		lag_begin(program.name, slice_of(argv[1]));
	if (operands == 0 || set.files.n > 0) {
		set.node[set.nodes++] = (struct node){ .name = "here", .good = true };
		look_here(&set.node[0].files);
	}
	for (int i = 1; i <= operands; i++)
		read_node(argv[i]);
	n = each_name();
	if (set.nodes > 1) {
		lag_tell();
		check_value("missing", set.missing, "");
		check_known("versions", set.versions, "");
		check_known("told", set.told, "s");
	}
	tell_ages();
	check_value("files", (double)n, "");
	check_done();
}
