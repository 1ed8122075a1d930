/* check_replication_files - are trees of files alike that csync2, rsync, unison or a deployment keep so?
 *
 * Each machine makes a manifest of its trees (--print); any machine compares them. What a manifest is
 * and how trees are walked is lib/manifest.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "lag.h"
#include "manifest.h"
#include "wholefile.h"

#include "poison.h"

enum { NODES_MAX = 32, TOLD_MAX = 10 };

static struct {
	struct opt_list trees, manifests, exclude;
	const char *csync2;
	bool print;
} set;

static const struct opt opts[] = {
	{ 0, "tree", OPT_LIST, &set.trees, "PATH", "a folder or file of this machine; may be given again" },
	{ 0, "manifest", OPT_LIST, &set.manifests, "FILE", "what --print said on another machine; may be given again" },
	{ 0, "exclude", OPT_LIST, &set.exclude, "PATTERN", "leave out paths of --tree that match, and all below: *.db, "
	    "etc/postfix/local/*; of the whole path or its last part; may be given again" },
	{ 0, "csync2", OPT_STRING, &set.csync2, "FILE", "what \"csync2 -M\" said: files that wait for a peer" },
	{ 0, "print", OPT_FLAG, &set.print, NULL, "print the manifest of the trees, and compare nothing" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("1h", "1d"),
	{ "differences", "", "paths that are not alike, of the machine with the most" },
	{ "age", "s", "of the oldest manifest", "1d", NULL },
	{ "files", "", "paths compared" },
	{ "dirty", "", "with --csync2: files that wait, counted for each peer" },
	{ 0 }
};

static const struct program program = {
	"check_replication_files", "are trees of files alike on several machines?",
	"Compared are paths, sizes, modes and SHA-256 of contents, with the first: of --tree where it is given, else of "
	"the first --manifest. Times and owners do not count. A manifest that cannot be read, is cut or is none is CRITICAL: "
	"a machine did not say what it has; what cannot be read here is UNKNOWN.\n\n"
	"The lag is for how long a machine has not been alike, since runs last saw it so; they keep that in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID. Contents never leave a machine, but a hash of a short "
	"secret can be guessed: exclude those. Paths are told as they were given, so give the same on each machine.",
	opts, .measures = measures,
	.needs = "--tree PATH|--manifest FILE",
	.examples = "# on each machine, by cron, and fetched by the one that compares\n"
	    "check_replication_files --print --tree /etc/postfix --exclude '*.db' >/var/lib/mxgauge/mx2.manifest\n"
	    "check_replication_files --tree /etc/postfix --exclude '*.db' --manifest mx2.manifest --manifest mx3.manifest\n"
	    "check_replication_files --manifest mx1.manifest --manifest mx2.manifest -w differences=0 -w age=2h\n"
	    "csync2 -M >/run/dirty; check_replication_files --csync2 /run/dirty -w lag=30m"
};

/* Clocks differ; by more than a day one is wrong, and what is too old would not be seen. */
static double
age_of(const struct manifest *m, const char *path, double now)
{
	double age = now - (double)m->made_at;

	if (age < -86400)
		lag_state(CHECK_WARNING, path, "it is from %s in the future", check_people(-age, "s"));
	return age > 0 ? age : 0;
}

/* For each machine but the first. */
struct telling {
	const char *node;
	size_t told;
};

static void
on_difference(void *arg, const struct manifest_entry *a, const struct manifest_entry *b)
{
	struct telling *t = arg;
	struct slice path = a != NULL ? a->path : b->path;

	if (t->told++ >= TOLD_MAX)
		return;
	if (a == NULL || b == NULL)
		check_detail("%s: %s: %.*s", t->node, a == NULL ? "only there" : "missing", (int)path.n, path.p);
	else
		check_detail("%s: differs: %.*s (%.*s)", t->node, (int)path.n, path.p,
		    (int)slice_head(b->what, 20).n, b->what.p);
}

static void
make(struct buf *b)
{
	struct err e = { "" };

	check_phase("reading the trees");
	*b = buf_new(MANIFEST_BYTES);
	if (!manifest_make(b, &set.trees, &set.exclude, (int64_t)time(NULL), &e))
		check_unknown("%s", e.text);
}

/* The machine of a manifest is told by the file's name: what stands in it anybody may have written. */
static bool
read_manifest(struct manifest *m, const char *path)
{
	struct buf *b = xcalloc(1, sizeof *b);
	struct err e = { "" };

	*b = buf_new(MANIFEST_BYTES);
	check_phase("reading %s", path);
	if (!wholefile_read(b, path, &e))
		lag_state(CHECK_CRITICAL, "manifest", "%s", e.text);	/* which names the path */
	else if (!manifest_read(m, b->n > 0 ? buf_slice(b) : SLICE(""), &e))
		lag_state(CHECK_CRITICAL, path, "%s", e.text);
	else
		return true;
	return false;
}

static void
judge(const char *node, const struct manifest *first, const struct manifest *m, double *most)
{
	struct telling t = { node, 0 };
	size_t n = manifest_compare(first, m, on_difference, &t);
	int64_t now = (int64_t)time(NULL);
	double lag = lag_last_well(slice_of(node), n == 0, now);
	struct buf key = buf_new(1000);

	if (isnan(lag)) {
		buf_fmt(&key, "%s differs", node);
		lag = lag_since(buf_slice(&key), SLICE("differs"), now);
	}
	if (n > TOLD_MAX)
		check_detail("%s: and %s more", node, check_people((double)(n - TOLD_MAX), ""));
	*most = isnan(*most) || (double)n > *most ? (double)n : *most;
	lag_copy(node, lag, (double)NAN);
	buf_free(&key);
}

/* "chary TAB peer TAB me TAB path", or "force" in place of chary. A peer is behind since its list was last empty. */
static void
judge_csync2(void)
{
	struct buf b = buf_new(MANIFEST_BYTES);
	struct slice s, line, kind, peer, me;
	struct err e = { "" };
	double n = 0, lag;

	check_phase("reading %s", set.csync2);
	if (!wholefile_read(&b, set.csync2, &e))
		check_unknown("%s", e.text);
	s = b.n > 0 ? buf_slice(&b) : SLICE("");
	while (slice_cut(&s, '\n', &line)) {
		if (!slice_cut(&line, '\t', &kind) || !slice_cut(&line, '\t', &peer) || !slice_cut(&line, '\t', &me))
			continue;	/* talk */
		if (n++ < TOLD_MAX)
			check_detail("csync2: %.*s waits for %.*s", (int)line.n, line.p, (int)peer.n, peer.p);
	}
	lag = lag_last_well(SLICE("csync2"), !(n > 0), (int64_t)time(NULL));
	lag_copy("csync2", isnan(lag) ? lag_since(SLICE("csync2 waits"), SLICE("yes"), (int64_t)time(NULL)) : lag,
	    (double)NAN);
	check_value("dirty", n, "");
	buf_free(&b);
}

static void
compare(void)
{
	static struct manifest m[NODES_MAX + 1];
	struct buf own = { NULL };
	struct err e = { "" };
	double most = (double)NAN, age = (double)NAN, now = (double)time(NULL);
	size_t first = set.trees.n > 0 ? 0 : 1;
	bool has_first = true;

	if (first == 0) {
		make(&own);
		if (!manifest_read(&m[0], buf_slice(&own), &e))
			check_unknown("%s", e.text);
	}
	for (size_t i = 1; i <= set.manifests.n; i++) {
		bool good = read_manifest(&m[i], set.manifests.v[i - 1]);
		double one;

		has_first = has_first && (good || i != first);
		if (!good)
			continue;
		one = age_of(&m[i], set.manifests.v[i - 1], now);
		age = isnan(age) || one > age ? one : age;
		if (i != first && has_first)
			judge(set.manifests.v[i - 1], &m[first], &m[i], &most);
	}
	if (set.csync2 != NULL)
		judge_csync2();
	lag_tell();
	check_known("differences", most, "");
	check_known("age", age, "s");
	check_known("files", has_first && set.manifests.n > 0 ? (double)m[first].n : (double)NAN, "");
}

int
main(int argc, char **argv)
{
	struct buf text;

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	if (set.trees.n == 0 && (set.print || (set.manifests.n < 2 && (set.csync2 == NULL || set.manifests.n > 0))))
		opt_fail(&program, "which files? --tree PATH, or --manifest FILE twice");
	if (!set.print && set.trees.n > 0 && set.manifests.n == 0)
		opt_fail(&program, "compared with what? --manifest FILE, or --print");
	if (set.manifests.n > NODES_MAX)
		opt_fail(&program, "more than %d manifests", NODES_MAX);
	opt_each_once(&program, set.manifests.v, set.manifests.n, strcmp);
	if (set.print) {
		bool good;

		make(&text);
		good = fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
		buf_free(&text);
		return good ? 0 : 3;
	}
	lag_begin(program.name, slice_of(set.manifests.n > 0 ? set.manifests.v[0] : set.csync2));
	compare();
	check_done();
}
