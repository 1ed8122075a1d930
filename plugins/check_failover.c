/* check_failover - who is active: on exactly one node, since when, and does it flap?
 *
 * Pacemaker by crm_mon, keepalived by the JSON that it writes, Heartbeat by cl_status; lib/failover.c
 * and lib/pacemaker.c read them. What moved is remembered from run to run (lib/moves.c). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "command.h"
#include "failover.h"
#include "keep.h"
#include "mem.h"
#include "moves.h"
#include "plural.h"
#include "wholefile.h"

#include "poison.h"

enum { TEXT_BYTES = 1 << 20, NAMED = 4 };

static struct {
	const char *crm_mon, *cl_status;
	struct opt_list keepalived, several;
	bool pacemaker, heartbeat, alone;
} set = { .crm_mon = "/usr/sbin/crm_mon -1 --output-as=xml", .cl_status = "/usr/bin/cl_status" };

static const struct opt opts[] = {
	{ 0, "pacemaker", OPT_FLAG, &set.pacemaker, NULL, "ask crm_mon; this is so where nothing else is named" },
	{ 0, "crm-mon", OPT_STRING, &set.crm_mon, "COMMAND",
	    "how; words are split at blanks. Before 2.0.3: \"/usr/sbin/crm_mon -1 --as-xml\"" },
	{ 'k', "keepalived", OPT_LIST, &set.keepalived, "FILE",
	    "read keepalived.json of this node, or as NODE=FILE of another; again for each further node" },
	{ 0, "alone", OPT_FLAG, &set.alone, NULL,
	    "all nodes of keepalived are given: what is active on none of them is CRITICAL" },
	{ 0, "heartbeat", OPT_FLAG, &set.heartbeat, NULL, "ask cl_status of Heartbeat" },
	{ 0, "cl-status", OPT_STRING, &set.cl_status, "COMMAND", "how" },
	{ 0, "several", OPT_LIST, &set.several, "NAME",
	    "this may be active on several nodes (two Primaries by will); may be given again" },
	{ 0 }
};

static const struct measure measures[] = {
	{ "changes", "", "times that something moved to another node within the last hour", "0", "3" },
	{ "since", "s", "since the last move; a number alone is the least", .least = true },
	{ "active", "", "things that are active on exactly one node; a number alone is the least", .least = true },
	{ "nodes", "", "nodes online; a number alone is the least", .least = true },
	{ "age", "s", "age of the oldest file that was read (keepalived)", "5m", "15m" },
	{ 0 }
};

static const struct program program = {
	"check_failover", "who is active: on exactly one node, since when, and does it flap?",
	"CRITICAL are things that are active on two nodes or on none, that failed or are blocked, nodes that are "
	"offline or unclean, and a cluster without quorum or that does not run here. WARNING are standby, "
	"maintenance, what nobody manages, failures that the cluster remembers, and each move for an hour. "
	"Two moves more within the hour are flapping, and CRITICAL.\n\n"
	"Pacemaker: the account needs the group haclient. keepalived tells of itself when it gets a signal, which "
	"root may send, each minute by cron:\n\n"
	"kill -s $(keepalived --signum=JSON) $(cat /run/keepalived.pid)\n\n"
	"It writes keepalived.json to /tmp, or to PrivateTmp of its unit; a file that nobody renews is told by age. "
	"One node knows only of itself: two masters are seen where the files of all nodes are given "
	"(--alone), for instance after copying them to the monitoring machine.\n\n"
	"Moves are those that runs of this check have seen, kept in NAGIOS_PLUGIN_STATE_DIRECTORY or in "
	"/var/tmp/mxgauge-UID.",
	opts, .measures = measures,
	.examples = "check_failover\n"
	    "check_failover -c nodes=2 --several drbd-clone\n"
	    "check_failover --keepalived /run/mxgauge/keepalived.json\n"
	    "check_failover --keepalived mx1=/srv/mx1.json --keepalived mx2=/srv/mx2.json --alone"
};

static struct failover all;
static struct moves moves;
static double age = (double)NAN;

/* --- asking ------------------------------------------------------------------------------- */

static void
add_text(void *arg, struct slice piece)
{
	buf_add(arg, piece);
}

/* What command and more print, also where it fails; *failed then. */
static void
ask(const char *command, const char *const *more, struct buf *out, bool *failed)
{
	const char *argv[COMMAND_WORDS];
	struct buf said = buf_new(400);
	int status = 0;
	struct err e;

	command_words(command, more, argv);
	check_phase("waiting for %s", check_clean(slice_of(command)));
	if (!command_run(argv, add_text, out, &said, &status, &e))
		check_unknown("%s", e.text);
	*failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	if (*failed && out->n == 0) {
		(void)command_failed(&e, argv[0], said.n > 0 ? buf_slice(&said) : SLICE(""), status);
		check_unknown("%s", e.text);
	}
	buf_free(&said);
}

static void
ask_pacemaker(void)
{
	struct buf out = buf_new(TEXT_BYTES);
	bool failed;
	struct err e;

	ask(set.crm_mon, (const char *const[]){ NULL }, &out, &failed);
	if (failover_pacemaker(&all, out.n > 0 ? buf_slice(&out) : SLICE(""), &e)) {
		failover_judge(&all, false);
	} else if (failed) {
		check_state(CHECK_CRITICAL, "Pacemaker does not run here, or does not answer: %s", e.text);
		check_done();
	} else {
		check_unknown("%s: %s", check_clean(slice_of(set.crm_mon)), e.text);
	}
	buf_free(&out);
}

static void
read_keepalived(const char *given, int64_t now)
{
	struct slice rest = slice_of(given), node = { "this node", 9 };
	struct buf b = buf_new(TEXT_BYTES);
	char name[FAILOVER_NAME];
	struct stat st;
	struct err e;

	if (slice_cut(&rest, '=', &node))
		given = rest.p;
	(void)snprintf(name, sizeof name, "%.*s", (int)slice_head(node, FAILOVER_NAME - 1).n, node.p);
	check_phase("reading %s", given);
	if (!wholefile_read(&b, given, &e))
		check_unknown("%s", e.text);
	if (stat(given, &st) != 0)
		check_unknown("%s: %s", given, strerror(errno));
	if (!(age >= difftime(now, st.st_mtime)))
		age = difftime(now, st.st_mtime) > 0 ? difftime(now, st.st_mtime) : 0;
	if (!failover_keepalived(&all, name, b.n > 0 ? buf_slice(&b) : SLICE(""), now, &e))
		check_unknown("%s: %s", given, e.text);
	buf_free(&b);
}

/* hbstatus, rscstatus, and nodestatus of each node. */
static void
ask_heartbeat(void)
{
	struct buf out = buf_new(4096), state = buf_new(400);
	struct slice rest, node;
	bool failed;

	ask(set.cl_status, (const char *const[]){ "rscstatus", NULL }, &out, &failed);
	node = out.n > 0 ? buf_slice(&out) : SLICE("");
	if (!slice_cut(&node, '\n', &rest))
		rest = node;
	if (failed)
		check_state(CHECK_CRITICAL, "Heartbeat does not run here: %s", check_clean(rest));
	else if (slice_eq(rest, SLICE("transition")))
		check_state(CHECK_WARNING, "Heartbeat's resources are moving");
	failover_active(&all, "resources", slice_eq(rest, SLICE("all")) ? "this node" :
	    slice_eq(rest, SLICE("local")) ? "this node (its own)" : slice_eq(rest, SLICE("foreign")) ?
	    "this node (the other's)" : NULL, (double)NAN);
	buf_clear(&out);
	if (failed)
		return;
	ask(set.cl_status, (const char *const[]){ "listnodes", NULL }, &out, &failed);
	for (rest = out.n > 0 ? buf_slice(&out) : SLICE(""); slice_cut(&rest, '\n', &node); ) {
		char *name = xslicedup(slice_trim(node));

		buf_clear(&state);
		ask(set.cl_status, (const char *const[]){ "nodestatus", name, NULL }, &state, &failed);
		all.nodes++;
		if (state.n > 0 && slice_starts(buf_slice(&state), SLICE("dead")))
			check_state(CHECK_CRITICAL, "node %s is dead", check_clean(slice_of(name)));
		else
			all.online++;
	}
	buf_free(&out);
	buf_free(&state);
}

/* --- the verdict ----------------------------------------------------------------------------- */

/* "vip at mx1, spool at mx1" */
static void
say_active(size_t active)
{
	struct buf b = buf_new(800);
	size_t told = 0;

	for (size_t i = 0; i < all.things && told < NAMED; i++)
		if (all.thing[i].active > 0 && ++told > 0)
			buf_fmt(&b, "%s%s at %s", told > 1 ? ", " : "", check_clean(slice_of(all.thing[i].name)),
			    check_clean(slice_of(all.thing[i].place)));
	if (active > told && told == NAMED)
		buf_fmt(&b, " and %zu more", active - told);
	if (told == 0)
		buf_str(&b, all.things == 0 ? "nothing to be active" : "nothing is active here");
	check_words("changes", NULL, "%s", b.p);
	buf_free(&b);
}

static void
measure(int64_t now, bool known)
{
	double since = (double)NAN;
	size_t changes = 0, active = 0;
	const char *moved = NULL;

	for (size_t i = 0; i < all.things; i++) {
		const struct failover_thing *t = &all.thing[i];
		const struct moves_row *r = moves_see(&moves, slice_of(t->name), slice_of(t->place), now);
		double s = !isnan(t->since_s) ? t->since_s : r != NULL ? moves_since(r, now) : (double)NAN;
		size_t n = r != NULL ? moves_in_hour(r, now) : 0;

		active += t->active == 1;
		if (!(since <= s))
			since = s;
		if (n > changes) {
			changes = n;
			moved = t->name;
		}
		check_detail("%s: %s%s", check_clean(slice_of(t->name)), t->active > 0 ? "active at " : "not active",
		    check_clean(slice_of(t->place)));
	}
	if (known)
		check_value("changes", (double)changes, "");
	else
		check_show("changes", (double)NAN, "");
	if (isnan(since))
		check_show("since", since, "s");
	else
		check_value("since", floor(since), "s");
	check_value("active", (double)active, "");
	check_value("nodes", (double)all.online, "");
	if (isnan(age))
		check_show("age", age, "s");
	else
		check_value("age", age, "s");
	if (moved != NULL)
		check_words("changes", NULL, "%s moved %zu %s within the hour", check_clean(slice_of(moved)), changes,
		    PLURAL(changes, "time", "times"));
	else
		say_active(active);
}

static void
what_is_watched(struct buf *thing)
{
	if (set.pacemaker)
		buf_fmt(thing, "%s\n", set.crm_mon);
	for (size_t i = 0; i < set.keepalived.n; i++)
		buf_fmt(thing, "%s\n", set.keepalived.v[i]);
	if (set.heartbeat)
		buf_fmt(thing, "%s\n", set.cl_status);
}

int
main(int argc, char **argv)
{
	struct buf thing = buf_new(1 << 14), kept = buf_new(KEEP_BYTES);
	int64_t now = (int64_t)time(NULL);
	struct err e = { "" };
	bool known, kept_well;

	check_begin("FAILOVER");
	opt_parse(&program, argc, argv);
	set.pacemaker = set.pacemaker || (set.keepalived.n == 0 && !set.heartbeat);
	all.several = &set.several;
	what_is_watched(&thing);
	known = keep_read(program.name, buf_slice(&thing), &kept, &e);
	moves_read(&moves, buf_slice(&kept));
	if (set.pacemaker)
		ask_pacemaker();
	for (size_t i = 0; i < set.keepalived.n; i++)
		read_keepalived(set.keepalived.v[i], now);
	if (set.keepalived.n > 0 && !set.pacemaker)
		failover_judge(&all, !set.alone);
	if (set.heartbeat)
		ask_heartbeat();
	if (all.over)
		check_state(CHECK_UNKNOWN, "there are more than %d things; the rest was not looked at", FAILOVER_THINGS);
	measure(now, known);
	buf_clear(&kept);
	moves_write(&moves, &kept);
	kept_well = keep_write(program.name, buf_slice(&thing), kept.n > 0 ? buf_slice(&kept) : SLICE(""),
	    known ? &e : NULL);
	if (!known || !kept_well)
		keep_failed(true, "what moves is not seen", &e);
	check_done();
}
