/* check_mail_peers - nodes that should be alike behind a balancer: which one leaves the others?
 *
 * Reads the collector's state; asks no mail server anything. For each node and each share (of
 * refusals by reason, of spam, of lost sessions ...) the difference to the median of its peers is
 * compared with what that difference is in the weeks before, with how much the peers differ among
 * themselves, and with chance. Nodes that always were different, a backup MX, do not ring. Host
 * names were in log lines: they are cleaned. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "check.h"
#include "checkstate.h"
#include "flow.h"
#include "host.h"
#include "mem.h"
#include "metric.h"
#include "nextstep.h"
#include "past.h"
#include "quantity.h"
#include "reason.h"
#include "stateread.h"
#include "surprise.h"

#include "poison.h"

enum { SHOWN = 8, FLOWS_MAX = 200, GONE_S = 8 * 86400 };
enum { BUNCH = 3 };	/* recipients come in bunches: they vary as if there were fewer */
/* Nobody calls levels different that are nearer than a quarter. */
#define NEAR 0.25
#define MAD_TO_SIGMA 1.4826
#define MEDIAN_WORTH 1.57	/* a median varies as the mean of so many times fewer */

static struct checkstate set = { .reads = CHECKSTATE_PARTS, CHECKSTATE_DEFAULT, .window_s = 900 };
static int64_t min_events = 40;
static struct opt_list metrics_asked;

static const struct opt opts[] = {
	CHECKSTATE_OPTS(set),
	{ 0, "metric", OPT_LIST, &metrics_asked, "EXPR",
	    "compare this in place of what is compared by default, as in check_mail_flow; may be given again" },
	{ 0, "min", OPT_INT, &min_events, "N",
	    "of fewer events on a node nothing is concluded", .min = 1, .max = 1e9 },
	{ 0 }
};

static const struct measure measures[] = {
	{ "distance", "", "how many times what is ordinary the farthest node is away from its peers" },
	{ "missing", "", "nodes without a line in the window" },
	{ "nodes", "", "nodes that were compared" },
	{ 0 }
};

static const struct program program = {
	"check_mail_peers", "which node of a balanced group behaves unlike its peers",
	"Answers from the state that mxgauged or \"mxgauge import\" keeps. PEERs are hosts, or patterns "
	"(\"mx*\", \"filter[1-4]\"); without any, all hosts of the state are one group, which is right only "
	"where they do the same work.\n\n"
	"Compared are the share of each reason of refusals, of temporary refusals, spam, viruses, broken "
	"filters, deferred and bounced deliveries, lost and timed-out sessions, TLS, lines not "
	"understood, and the connections per minute. A node stands apart when it differs from the median of "
	"the others by much more than it did at this time in the weeks before, than the others differ "
	"among themselves, and than chance explains: the filter whose resolver no longer answers for the "
	"block lists, the one with the old virus database, the one that the balancer forgot. 5 is a "
	"clear case. The window must hold a few hundred recipients of each node: ten minutes of a large "
	"farm, hours of a small one.\n\n"
	"Of two nodes that differ it cannot be said which is wrong; both are shown.",
	opts, .args = "[PEER...]", .measures = measures,
	.examples = "check_mail_peers -w 5 -c 10 -w missing=0 'mx*'\n"
	    "check_mail_peers --window 1h -w 5 filter1 filter2 filter3\n"
	    "check_mail_peers --metric 'spam/recv_msg' -w 5 -v"
};

static const char *const others[] = {
	"spam/recv_msg", "virus/recv_msg", "filter_fail/recv_msg", "defer/(defer+dlv_ext+dlv_local)",
	"bounce/(bounce+dlv_ext+dlv_local)", "lost/conn", "timeout/conn", "tls_in/conn",
	"screen_bad/screened", "unknown/lines", "conn"
};

struct node {
	const struct stateread_host *host;
	struct cell now;
};

/* A node in one comparison. */
struct place {
	double v, peers;	/* its value, the median of all, or of the other */
	double distance;	/* NAN: nothing is concluded */
};

struct finding {
	size_t node, flow;
	struct place at;
};

static struct {
	struct node *node;
	size_t nodes, missing;
	char *flow_name[FLOWS_MAX];
	size_t flows;
	struct past *past;		/* by host id */
	struct finding *found;		/* all places with a distance, sorted */
	size_t n_found;
} run;

static double
minutes(void)
{
	return (double)(set.to - set.from);
}

/* --- what is compared ------------------------------------------------------------------- */

static void
add_flow(const char *text)
{
	if (run.flows == FLOWS_MAX)
		check_unknown("more than %d expressions", FLOWS_MAX);
	run.flow_name[run.flows++] = xstrdup(text);
}

/* Of one at a time: all of them would take a page each. It lives until the next call. */
static const struct flow *
flow_of(size_t i)
{
	static struct flow flow;

	flow_parse(&flow, slice_of(run.flow_name[i]), run.flow_name[i]);
	return &flow;
}

static void
choose_flows(void)
{
	struct buf b = buf_new(200);

	for (size_t i = 0; i < metrics_asked.n; i++)
		add_flow(metrics_asked.v[i]);
	if (metrics_asked.n > 0)
		return;
	for (int r = 1; r < REASON_N; r++) {
		/* a newsletter that goes out through one node changes nothing of what comes in */
		b.n = 0;
		buf_fmt(&b, "rej_%s/(rej+recv_rcpt-auth_rcpt)", reason_name((enum reason)r));
		add_flow(b.p);
		b.n = 0;
		buf_fmt(&b, "tmp_%s/(rej+tmp+recv_rcpt-auth_rcpt)", reason_name((enum reason)r));
		add_flow(b.p);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		add_flow(others[i]);
	buf_free(&b);
}

/* --- who ---------------------------------------------------------------------------------- */

static bool
is_peer(const struct stateread_host *h, int argc, char **argv, bool *used)
{
	struct slice label = host_label(slice_of(h->name));
	char *first = xslicedup(label);
	bool is = argc == 0;

	for (int i = 0; i < argc; i++)
		if (host_meant(slice_of(argv[i + 1]), slice_of(h->name)) ||
		    fnmatch(argv[i + 1], h->name, 0) == 0 || fnmatch(argv[i + 1], first, 0) == 0)
			is = used[i] = true;
	free(first);
	return is;
}

static void
choose_nodes(int argc, char **argv)
{
	bool *used = xcalloc((size_t)argc + 1, sizeof *used);

	run.node = xcalloc(set.n + 1, sizeof *run.node);
	for (size_t i = 0; i < set.n; i++) {
		const struct stateread_host *h = &set.hosts[i];

		/* who was silent for so long has left the group */
		if (is_peer(h, argc, argv, used) && set.as_of - h->newest < GONE_S && h->first <= set.as_of)
			run.node[run.nodes++] = (struct node){ .host = h };
	}
	for (int i = 0; i < argc; i++)
		if (!used[i])
			check_unknown("the state knows no host \"%s\"; see \"mxgauge status --state %s\"",
			    check_clean(slice_of(argv[i + 1])), set.state);
	free(used);
	if (run.nodes < 2)
		check_unknown("%s to compare: name at least two hosts of the state",
		    run.nodes == 1 ? "there is only one host" : "there is no host");
}

static bool
add_cell(void *arg, int host, int64_t minute, const struct cell *c)
{
	(void)arg;
	(void)minute;
	for (size_t i = 0; i < run.nodes; i++)
		if (run.node[i].host->id == host)
			cell_merge(&run.node[i].now, c);
	return true;
}

static void
read_nodes(void)
{
	struct err e = { "" };
	size_t ids = 0;

	for (size_t i = 0; i < set.n; i++)
		if ((size_t)set.hosts[i].id >= ids)
			ids = (size_t)set.hosts[i].id + 1;
	run.past = xcalloc(ids, sizeof *run.past);
	if (!stateread_parts(set.r, STATEREAD_FARM, set.from, set.to, add_cell, NULL, &e))
		check_unknown("%s", e.text);
	check_phase("reading the weeks before in %s", set.state);
	if (!past_read_hosts(run.past, ids, set.r, checkstate_first(&set), set.from, set.to, &e))
		check_unknown("%s", e.text);
	for (size_t i = 0; i < run.nodes; i++) {
		cell_whose(&run.node[i].now, false);
		run.missing += cell_get(&run.node[i].now, M_lines) <= 0;
	}
}

/* --- comparing ---------------------------------------------------------------------------- */

/* The median of all, which one that is far away does not move; of two nodes it is what the other
 * has. NAN where none is known. */
static double
median_of(const double *v, size_t n, size_t one)
{
	double *rest = xcalloc(n + 1, sizeof *rest), m;
	unsigned k = 0;

	for (size_t i = 0; i < n; i++)
		if ((n > 2 || i != one) && !isnan(v[i]))
			rest[k++] = v[i];
	m = k > 0 ? past_median(rest, k) : (double)NAN;
	free(rest);
	return m;
}

/* Shares by their odds, rates by their logarithm: a share that falls from 38 % to nothing is much
 * farther than one that falls to 20 %, and 2 % to nothing is far as well. */
static double
bent(const struct flow *f, double v, double events)
{
	double part = (v / 100 * events + 1) / (events + 2);

	if (f->kind == FLOW_SHARE)
		return part > 0 && part < 1 ? log(part / (1 - part)) : (double)NAN;
	return log(fabs(v) * (f->kind == FLOW_RATE ? minutes() : 1) + 1);
}

/* x of n against y of m: were they alike, both would be as both together. */
static double
surprise_both(double x, double n, double y, double m)
{
	double part = (x + y) / (n + m);

	return surprise(x, part * n) + surprise(y, part * m);
}

/* What chance does to the difference of two values bent, as a standard deviation: the difference, by
 * how many of them it is. Of few events none at all is nothing strange, and a logarithm is far. What
 * the peers have is their median, a matter of chance too: as of so many of them that it is worth. */
static double
chance(const struct flow *f, double apart, double v, double peers, double events)
{
	double worth = run.nodes > 2 ? (double)(run.nodes - 1) / MEDIAN_WORTH : 1;
	double z;

	if (f->kind == FLOW_SHARE)
		z = surprise_both(v / 100 * events, events, peers / 100 * events * worth, events * worth) +
		    surprise_both((1 - v / 100) * events, events, (1 - peers / 100) * events * worth,
		    events * worth);
	else if (f->kind == FLOW_RATE)
		z = surprise_both(v * minutes(), 1, peers * minutes() * worth, worth);
	else
		return 0;
	z = sqrt(fmax(z, 0) / fmax(BUNCH, flow_bunch(f)));
	return z > 0 ? fabs(apart) / z : (double)INFINITY;
}

/* One comparison: the nodes' values bent, now and in each sample of the past. */
struct view {
	double *now;			/* by node */
	double *then[PAST_MAX];		/* sample by sample, by node */
	struct usual *usual;		/* by node: its difference to its peers in the weeks before */
	size_t node;			/* of which usual is being asked */
};

static double
apart_then(void *arg, const struct past *past, unsigned sample)
{
	const struct view *w = arg;

	(void)past;
	return w->then[sample][w->node] - median_of(w->then[sample], run.nodes, w->node);
}

static void
look(struct view *w, const struct flow *f, const double *v)
{
	for (size_t i = 0; i < run.nodes; i++)
		w->now[i] = bent(f, v[i], flow_whole(f, &run.node[i].now));
	for (unsigned s = 0; s < run.past[run.node[0].host->id].weeks * PAST_HOURS; s++)
		for (size_t i = 0; i < run.nodes; i++) {
			const struct past *p = &run.past[run.node[i].host->id];

			w->then[s][i] = bent(f, flow_then(f, p, s, minutes()), flow_whole_then(f, p, s));
		}
	for (w->node = 0; w->node < run.nodes; w->node++) {
		struct usual *u = &w->usual[w->node];

		*u = past_usual(&run.past[run.node[w->node].host->id], apart_then, w);
		if (isnan(u->value))	/* nothing is known of the weeks before: peers are alike */
			*u = (struct usual){ .value = 0 };
	}
}

/* How much the nodes differ today from how they differ usually; nothing where there are only two. */
static double
restless(const struct view *w)
{
	double *v = xcalloc(run.nodes, sizeof *v), m;

	for (size_t i = 0; i < run.nodes; i++)
		v[i] = w->now[i] - w->usual[i].value;
	m = median_of(v, run.nodes, run.nodes);
	for (size_t i = 0; i < run.nodes; i++)
		v[i] = fabs(v[i] - m);
	m = run.nodes > 2 ? MAD_TO_SIGMA * median_of(v, run.nodes, run.nodes) : 0;
	free(v);
	return isnan(m) ? 0 : m;
}

/* Of how many events a node can be compared with its peers; NAN: it cannot. */
static double
events_of(const struct flow *f, size_t node, const struct place *at)
{
	double events = flow_whole(f, &run.node[node].now);

	if (isnan(at->v) || isnan(at->peers))
		return NAN;
	/* that a node has none is the finding */
	return f->kind == FLOW_RATE ? fmax(events, at->peers * minutes()) : events;
}

static void
compare(size_t flow, struct view *w)
{
	const struct flow *f = flow_of(flow);
	double *v = xcalloc(run.nodes, sizeof *v), spread = 0;
	bool looked = false;

	for (size_t i = 0; i < run.nodes; i++)
		v[i] = cell_get(&run.node[i].now, M_lines) > 0 ?
		    flow_now(f, &run.node[i].now, minutes()) : (double)NAN;
	for (size_t i = 0; i < run.nodes; i++) {
		struct place at = { .v = v[i], .peers = median_of(v, run.nodes, i) };
		double events = events_of(f, i, &at), luck, apart;

		if (!(events >= (double)min_events))
			continue;
		if (!looked) {	/* of most flows no node has enough */
			look(w, f, v);
			spread = restless(w);
			looked = true;
		}
		apart = w->now[i] - median_of(w->now, run.nodes, i);
		luck = chance(f, apart, at.v, at.peers, events);	/* a part of their spread too */
		at.distance = past_distance(&w->usual[i], apart, hypot(fmax(spread, luck), NEAR));
		if (at.distance > 0)
			run.found[run.n_found++] = (struct finding){ i, flow, at };
	}
	free(v);
}

static int
by_distance(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->at.distance != y->at.distance)
		return x->at.distance < y->at.distance ? 1 : -1;
	return x->node != y->node ? (x->node < y->node ? -1 : 1) : x->flow < y->flow ? -1 : 1;
}

static void
compare_all(void)
{
	struct view w = { .now = xcalloc(run.nodes, sizeof *w.now),
		.usual = xcalloc(run.nodes, sizeof *w.usual) };

	for (unsigned s = 0; s < PAST_MAX; s++)
		w.then[s] = xcalloc(run.nodes, sizeof *w.then[s]);
	run.found = xcalloc(run.nodes * run.flows, sizeof *run.found);
	for (size_t i = 0; i < run.flows; i++)
		compare(i, &w);
	if (run.n_found > 0)
		qsort(run.found, run.n_found, sizeof *run.found, by_distance);
}

/* --- answer ------------------------------------------------------------------------------- */

static const char *
node_name(size_t i)
{
	return check_clean(slice_of(run.node[i].host->name));
}

static void
words(struct buf *b, const struct finding *f)
{
	const struct flow *flow = flow_of(f->flow);

	buf_fmt(b, "%s: %s %s where its %s %s", node_name(f->node), run.flow_name[f->flow],
	    flow_people(flow, f->at.v), run.nodes > 2 ? "peers have" : "peer has", flow_people(flow, f->at.peers));
}

static void
measure(void)
{
	const struct finding *worst = run.n_found > 0 ? &run.found[0] : NULL;
	struct buf b = buf_new(900);

	check_value("distance", worst != NULL ? worst->at.distance : 0, "");
	check_value("missing", (double)run.missing, "");
	check_value("nodes", (double)run.nodes, "");
	if (worst != NULL)
		words(&b, worst);
	if (worst != NULL && worst->at.distance >= 1)
		check_words("distance", NULL, "%s, %s times what is ordinary", b.p,
		    check_people(worst->at.distance, ""));
	else
		check_words("distance", NULL, "%zu nodes behave alike", run.nodes);
	buf_free(&b);
}

static void
tell_missing(void)
{
	for (size_t i = 0; i < run.nodes; i++)
		if (cell_get(&run.node[i].now, M_lines) <= 0)
			check_detail("%s has no line in %s: its newest is from %s", node_name(i),
			    check_people(set.window_s, "s"), checkstate_time(run.node[i].host->newest));
}

static void
tell_findings(void)
{
	struct buf json = buf_new(1 << 18);

	buf_char(&json, '[');
	for (size_t i = 0; i < run.n_found && run.found[i].at.distance >= 1; i++) {
		const struct finding *f = &run.found[i];
		struct buf b = buf_new(900);

		words(&b, f);
		if (i < SHOWN && (f->at.distance >= 3 || check_is_verbose(1)))
			check_detail("%s (%s times)", b.p, check_people(f->at.distance, ""));
		buf_fmt(&json, "%s{\"node\":", i > 0 ? "," : "");
		buf_json(&json, slice_of(node_name(f->node)));
		buf_str(&json, ",\"metric\":");
		buf_json(&json, slice_of(run.flow_name[f->flow]));
		buf_str(&json, ",\"value\":");
		quantity_plain(&json, f->at.v, 6);
		buf_str(&json, ",\"peers\":");
		quantity_plain(&json, f->at.peers, 6);
		buf_str(&json, ",\"distance\":");
		quantity_plain(&json, f->at.distance, 4);
		buf_char(&json, '}');
		buf_free(&b);
	}
	buf_char(&json, ']');
	if (!json.full)
		check_extra("apart", buf_slice(&json));
	buf_free(&json);
	if (run.past[run.node[0].host->id].weeks < PAST_NEEDED)
		check_detail("How the nodes usually differ is not known yet (two weeks are needed): they are "
		    "taken for alike");
}

/* Lines of the node that is farthest away, of what it differs in. */
static void
tell_next(void)
{
	const struct finding *worst = run.n_found > 0 ? &run.found[0] : NULL;
	const char *kind[EXPR_MAX] = { NULL };
	const struct flow *f;
	size_t n = 0;

	if (worst == NULL)
		return;
	f = flow_of(worst->flow);
	for (unsigned k = 0; k < f->x.n; k++)
		if (f->x.step[k].op == EXPR_NAME)
			kind[n++] = metrics[f->x.step[k].name].name;
	/* the first is the share's part, the others what it is a share of */
	nextstep_samples(&set, run.node[worst->node].host->id, kind, n > 0 ? 1 : 0);
	nextstep_graph_of(&set, run.node[worst->node].host->name, n > 0 ? kind[0] : "conn");
}

int
main(int argc, char **argv)
{
	int peers;

	check_begin("PEERS");
	peers = opt_parse(&program, argc, argv);
	if (set.host != NULL)
		check_unknown("-H %s: name the nodes as operands, two at least",
		    check_clean(slice_of(set.host)));
	checkstate_open(&set);
	choose_flows();
	choose_nodes(peers, argv);
	read_nodes();
	compare_all();
	measure();
	hold_answered();
	checkstate_tell_window(&set);
	tell_missing();
	tell_findings();
	tell_next();
	check_done();	/* the kernel closes and frees quicker than we could */
}
