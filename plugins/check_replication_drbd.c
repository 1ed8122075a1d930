/* check_replication_drbd - are DRBD's volumes complete and current on all their nodes?
 *
 * Reads /proc/drbd of 8.3 and 8.4, else what "drbdsetup status --json" of 9 says (lib/drbd.c). What is
 * being copied again is WARNING, what has no second copy CRITICAL. Since when that is so is kept
 * from run to run: DRBD does not say it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "drbd.h"
#include "lag.h"
#include "plural.h"
#include "wholefile.h"

#include "poison.h"

enum { TEXT_BYTES = 1 << 20 };

static struct {
	const char *proc, *drbdsetup;
	struct opt_list resources;
	bool two_primaries;
} set = { .proc = "/proc/drbd", .drbdsetup = "/usr/sbin/drbdsetup" };

static const struct opt opts[] = {
	{ 'r', "resource", OPT_LIST, &set.resources, "NAME",
	    "look at this one alone: r0, r0/1, drbd0; again for each further one" },
	{ 0, "two-primaries", OPT_FLAG, &set.two_primaries, NULL, "both nodes may be Primary (a cluster file system)" },
	{ 0, "drbd-proc", OPT_STRING, &set.proc, "FILE", "where 8.x tells its state" },
	{ 0, "drbdsetup", OPT_STRING, &set.drbdsetup, "COMMAND",
	    "the program of version 9; words are split at blanks: \"/usr/bin/sudo -n /usr/sbin/drbdsetup\"" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES(NULL, NULL),
	{ "out_of_sync", "B", "bytes that differ between a node and a peer, of all volumes", "0" },
	{ "done", "%", "how far the copying that is furthest back has come" },
	{ "left", "s", "until the last copying ends, as DRBD believes" },
	{ "volumes", "", "volumes with a peer; a number alone is the least", .least = true },
	{ 0 }
};

static const struct program program = {
	"check_replication_drbd", "are DRBD's volumes complete and current on all their nodes?",
	"Mail queues and mailboxes on DRBD are safe only while both sides are UpToDate and connected. CRITICAL are "
	"a peer that is away, a node that stands alone (split brain, or disconnected by hand), a disk that "
	"failed, is outdated or inconsistent, two Primaries where one is meant, no quorum, and suspended I/O. "
	"WARNING is copying: then done and left say how long it takes. A verification in progress is well; "
	"blocks that it found to differ are out_of_sync.\n\n"
	"lag is for how long a volume has not been complete on both sides, as far as runs of this check have seen; "
	"it is kept in NAGIOS_PLUGIN_STATE_DIRECTORY or in /var/tmp/mxgauge-UID.\n\n"
	"drbdsetup of version 9 wants root: let sudo allow \"drbdsetup status --json\" to the account of the "
	"monitoring, and name it by --drbdsetup.",
	opts, .measures = measures,
	.examples = "check_replication_drbd\n"
	    "check_replication_drbd --drbdsetup \"/usr/bin/sudo -n /usr/sbin/drbdsetup\" -c lag=30m -c volumes=2"
};

static struct drbd all;
static double worst_lag;

/* --- reading ------------------------------------------------------------------------------ */

/* False: there is no such file. */
static bool
read_proc(struct buf *b)
{
	struct err e;

	if (access(set.proc, F_OK) != 0 && errno == ENOENT)
		return false;
	if (!wholefile_read(b, set.proc, &e))
		check_unknown("%s", e.text);
	return true;
}

static void
ask_drbdsetup(bool has_proc)
{
	const char *argv[COMMAND_WORDS];
	struct buf out = buf_new(TEXT_BYTES);
	struct err e;

	command_words(set.drbdsetup, (const char *const[]){ "status", "--json", NULL }, argv);
	check_phase("waiting for %s", check_clean(slice_of(set.drbdsetup)));
	if (!command_read(argv, &out, &e))
		check_unknown("%s%s%s", has_proc ? "" : set.proc, has_proc ? "" : " is not there, and ", e.text);
	if (!drbd_json(&all, out.p != NULL ? buf_slice(&out) : SLICE(""), &e))
		check_unknown("%s: %s", check_clean(slice_of(set.drbdsetup)), e.text);
	buf_free(&out);
}

static void
learn(void)
{
	struct buf b = buf_new(TEXT_BYTES);
	bool none = true, has_proc = read_proc(&b);
	struct err e;

	if (has_proc && !drbd_proc(&all, b.n > 0 ? buf_slice(&b) : SLICE(""), &none, &e))
		check_unknown("%s: %s", set.proc, e.text);
	if (none)
		ask_drbdsetup(has_proc);
	buf_free(&b);
}

/* --- the verdict ---------------------------------------------------------------------------- */

static bool
is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

static bool
wanted(const struct drbd_row *r)
{
	for (size_t i = 0; i < set.resources.n; i++) {
		size_t n = strlen(set.resources.v[i]);

		if (strncmp(r->name, set.resources.v[i], n) == 0 && (r->name[n] == '\0' || r->name[n] == '/'))
			return true;
	}
	return set.resources.n == 0;
}

static void
judge_connection(const struct drbd_row *r, const char *name)
{
	if (r->connection[0] == '\0')
		lag_state(CHECK_CRITICAL, name, "it has no peer");
	else if (is(r->connection, "StandAlone"))
		lag_state(CHECK_CRITICAL, name, "StandAlone: both sides went on alone (split brain), or somebody "
		    "disconnected them; see which data to keep before \"drbdadm connect\"");
	else if (is(r->connection, "Connecting"))
		lag_state(CHECK_CRITICAL, name, "its peer is away (%s)", r->connection);
	else if (!is(r->connection, "Connected"))
		lag_state(CHECK_CRITICAL, name, "not connected: %s", check_clean(slice_of(r->connection)));
}

static void
judge_disk(const char *name, const char *whose, const char *disk, bool syncs)
{
	bool passes = is(disk, "Negotiating") || is(disk, "Attaching") || is(disk, "Consistent") ||
	    (is(disk, "Inconsistent") && syncs);

	if (is(disk, "UpToDate") || disk[0] == '\0')
		return;
	lag_state(passes ? CHECK_WARNING : CHECK_CRITICAL, name, "%s data are %s", whose, check_clean(slice_of(disk)));
}

/* What a volume says of itself is the same with each peer: with the first it is told. */
static void
judge_own(const struct drbd_row *r)
{
	bool syncs = false;

	for (const struct drbd_row *o = all.row; o < all.row + all.rows; o++) {
		if (!is(o->name, r->name))
			continue;
		if (o < r)
			return;
		syncs = syncs || drbd_syncs(o);
	}
	if (!r->client)
		judge_disk(r->name, "its own", r->disk, syncs);
	if (r->no_quorum)
		lag_state(CHECK_CRITICAL, r->name, "it has no quorum");
	if (r->suspended)
		lag_state(CHECK_CRITICAL, r->name, "its I/O is suspended: who uses it hangs");
}

static void
judge_copying(const struct drbd_row *r, const char *name)
{
	struct buf b = buf_new(100);

	if (!isnan(r->done_percent))
		buf_fmt(&b, ", %s done", check_people(r->done_percent, "%"));
	if (!isnan(r->left_s))
		buf_fmt(&b, ", %s left", check_people(r->left_s, "s"));
	if (drbd_syncs(r))
		lag_state(CHECK_WARNING, name, "%s (%s)%s", strncmp(r->replication, "Paused", 6) == 0 ?
		    "its copying is halted" : "is being copied", r->replication, b.n > 0 ? b.p : "");
	else if (is(r->replication, "Ahead") || is(r->replication, "Behind"))
		lag_state(CHECK_WARNING, name, "the network is too slow, and the peer is left behind (%s)", r->replication);
	else if (is(r->replication, "VerifyS") || is(r->replication, "VerifyT"))
		check_detail("%s: is being verified%s", name, b.n > 0 ? b.p : "");
	buf_free(&b);
}

static void
judge(const struct drbd_row *r, int64_t now)
{
	struct buf b = buf_new(2 * DRBD_NAME + 10);
	double since;

	buf_str(&b, r->name);
	if (r->peer[0] != '\0')
		buf_fmt(&b, " with %s", r->peer);
	judge_connection(r, b.p);
	judge_own(r);
	if (is(r->connection, "Connected") && !r->peer_client)	/* of one that is away all was said */
		judge_disk(b.p, "the peer's", r->peer_disk, drbd_syncs(r));
	judge_copying(r, b.p);
	if (is(r->role, "Primary") && is(r->peer_role, "Primary") && !set.two_primaries)
		lag_state(CHECK_CRITICAL, b.p, "both nodes are Primary");
	since = lag_since(buf_slice(&b), drbd_is_well(r) ? LAG_WELL : SLICE("not"), now);
	since = drbd_is_well(r) ? 0 : since;
	worst_lag = since > worst_lag ? since : worst_lag;
	lag_copy(b.p, since, (double)NAN);
	check_verbose(1, "%s: %s, %s/%s, %s/%s %s", b.p, check_clean(slice_of(r->connection)),
	    check_clean(slice_of(r->role)), check_clean(slice_of(r->peer_role)), check_clean(slice_of(r->disk)),
	    check_clean(slice_of(r->peer_disk)), check_clean(slice_of(r->replication)));
	buf_free(&b);
}

static void
measure(void)
{
	double oos = (double)NAN, done = (double)NAN, left = (double)NAN;
	size_t well = 0, n = 0;

	for (size_t i = 0; i < all.rows; i++) {
		const struct drbd_row *r = &all.row[i];

		if (!wanted(r))
			continue;
		n++;
		well += drbd_is_well(r);
		if (!isnan(r->out_of_sync_bytes))
			oos = isnan(oos) ? r->out_of_sync_bytes : oos + r->out_of_sync_bytes;
		if (drbd_syncs(r) && !isnan(r->done_percent) && !(done <= r->done_percent))
			done = r->done_percent;
		if (drbd_syncs(r) && !isnan(r->left_s) && !(left >= r->left_s))
			left = r->left_s;
	}
	lag_tell();
	if (well == n)
		check_words("lag", NULL, "%zu %s complete on both sides", n, PLURAL(n, "volume is", "volumes are"));
	else if (worst_lag == 0)
		check_words("lag", NULL, "%zu of %zu %s not complete on both sides", n - well, n, PLURAL(n, "volume", "volumes"));
	if (isnan(oos))
		check_show("out_of_sync", oos, "B");
	else
		check_value("out_of_sync", oos, "B");
	check_words("out_of_sync", NULL, "%s differ", check_people(isnan(oos) ? 0 : oos, "B"));
	check_show("done", done, "%");
	check_show("left", left, "s");
	check_value("volumes", (double)well, "");
}

int
main(int argc, char **argv)
{
	int64_t now = (int64_t)time(NULL);
	size_t n = 0;

	check_begin("DRBD");
	opt_parse(&program, argc, argv);
	learn();
	lag_begin(program.name, slice_of(set.proc));
	for (size_t i = 0; i < all.rows; i++)
		if (wanted(&all.row[i]) && ++n > 0)
			judge(&all.row[i], now);
	if (n == 0)
		check_unknown(all.rows > 0 ? "DRBD has no such resource" : "DRBD has no volume");
	if (all.over)
		check_state(CHECK_UNKNOWN, "there are more than %d volumes; the rest was not looked at", DRBD_ROWS);
	measure();
	check_done();
}
