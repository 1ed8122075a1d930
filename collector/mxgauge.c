/* mxgauge.c - the tool: one sub-command a row. The work is elsewhere. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "import.h"
#include "logtime.h"
#include "mem.h"
#include "opt.h"
#include "passive.h"
#include "plural.h"
#include "store/backup.h"
#include "store/config.h"
#include "view/cacti.h"
#include "view/checkconfig.h"
#include "view/pictures.h"
#include "view/parse.h"
#include "view/report.h"
#include "view/setup.h"
#include "view/status.h"
#include "view/trace.h"
#include "view/value.h"

#include "poison.h"

static const char *state = "/var/lib/mxgauge", *host, *zone, *templates;
static const char *configured_state, *configured_templates;	/* what they are without options */
static int64_t year;
static int64_t from = REPORT_WHOLE, to = REPORT_WHOLE;
static const char usual_config[] = CONFIG_DEFAULT_FILE;
static const char *root = "", *config = usual_config, *proposed;
static const char *rrd, *out, *span, *format = "png";
static bool no_rrd, phases, json, manual, hash_addresses;
static const char *rules_file;
static struct config *rules;	/* the configuration that holds, NULL: there is none */

#define STATE_ROW(help) { 's', "state", OPT_STRING, &state, "DIR", help }
#define RULES_ROW { 'f', "config", OPT_STRING, &rules_file, "FILE", "the configuration whose reason " \
	"sections are taken; else that of mxgauged, if it is good" }
#define HOST_ROW { 'H', "host", OPT_STRING, &host, "HOST", "one host; else, or for _farm, the whole farm" }

static const struct opt import_opts[] = {
	STATE_ROW("folder of the state; made if it is not there"),
	{ 'H', "host", OPT_STRING, &host, "HOST", "host of lines that name none" },
	{ 0, "tz", OPT_STRING, &zone, "ZONE", "zone of stamps that name none, as Europe/Berlin; "
	    "else the machine's" },
	{ 0, "year", OPT_INT, &year, "YEAR", "year of the first line of each file, where stamps "
	    "have none; else it follows from the file's own date", .min = 1970, .max = 2199 },
	{ 0, "templates", OPT_STRING, &templates, "DIR", "folder of the RRD templates" },
	{ 'f', "config", OPT_STRING, &rules_file, "FILE", "the configuration by which hosts are named and counts "
	    "kept, and whose state it is unless --state says otherwise; else that of mxgauged, if it is good. It "
	    "holds for another state, too: a keep_mails of an hour lets no older mail be traced there" },
	{ 0, "hash-addresses", OPT_FLAG, &hash_addresses, NULL, "keep keyed hashes in place of addresses and "
	    "logins; as the setting hash_addresses of the configuration, and where the state has a key "
	    "and there is no configuration" },
	{ 0, "no-rrd", OPT_FLAG, &no_rrd, NULL, "write no RRDs" },
	{ 0, "phases", OPT_FLAG, &phases, NULL, "say how long each part took" },
	{ 0 }
};

/* What the commands have from a configuration, unless options say otherwise. */
static void
take_config(void)
{
	if (state == configured_state)
		configured_state = state = xstrdup(rules->state);
	if (templates == configured_templates && rules->templates[0] != '\0')
		configured_templates = templates = xstrdup(rules->templates);
}

/* False: the file that was named has faults, and they were printed. */
static bool
take_rules(void)
{
	struct buf faults = buf_new(1 << 20);

	if (rules_file != NULL) {
		config_free(rules);
		rules = config_read(rules_file, &faults);
		if (rules != NULL)
			take_config();
	}
	if (faults.n > 0)
		fputs(faults.p, stderr);
	buf_free(&faults);
	return rules != NULL || rules_file == NULL;
}

/* False: there is no such zone, which was said. Zones are to be loaded at the start anyway. */
static bool
take_zone(void)
{
	struct err e;

	if (zone_get(zone, &e) != NULL)
		return true;
	fprintf(stderr, "mxgauge: --tz: %s\n", e.text);
	return false;
}

/* Hand the status on; it was worked with these rules. */
static int
done_with(int status)
{
	const char *name;
	uint64_t n = rules == NULL || rules->words == NULL ? 0 : sitewords_gave_up(rules->words, &name);

	if (n > 0)
		fprintf(stderr, "mxgauge: reason \"%s\": its expression took too many steps; rules gave "
		    "up %" PRIu64 " time%s\n", name, n, PLURAL(n, "", "s"));
	config_free(rules);
	rules = NULL;
	return status;
}

static int
run_import(int argc, char **argv)
{
	if (!take_rules() || !take_zone())
		return 2;

	const struct import im = { .state = state, .host = host, .zone = zone, .templates = templates,
		.year = (int)year, .no_rrd = no_rrd, .phases = phases, .hash_addresses = hash_addresses,
		.config = rules, .commit_s = rules != NULL ? rules->commit_interval : 1,
		.file = argv, .files = (size_t)argc };

	return done_with(import_run(&im));
}

/* The sentence of a sub-command that failed. */
static int
status_of(bool good, const struct err *e)
{
	if (!good)
		fprintf(stderr, "mxgauge: %s\n", e->text);
	return good ? 0 : 1;
}

/* The same of a command line that names too little or too much. */
static int
misused(const char *sentence)
{
	fprintf(stderr, "mxgauge: %s\n", sentence);
	return 2;
}

static const struct opt report_opts[] = {
	STATE_ROW("folder of the state"),
	HOST_ROW,
	{ 0, "from", OPT_TIME, &from, "TIME", "begin of the period: \"2026-11-20 03:00\", "
	    "\"yesterday 03:00\", \"-2h\", \"@EPOCH\"; else the oldest line that is kept" },
	{ 0, "to", OPT_TIME, &to, "TIME", "end of the period, written so too; else the newest line" },
	{ 0, "json", OPT_FLAG, &json, NULL, "one JSON object" },
	{ 0 }
};

static int
run_report(int argc, char **argv)
{
	struct err e;

	(void)argc;
	(void)argv;
	return status_of(report_run(state, host, from, to, json, &e), &e);
}

static const struct opt status_opts[] = { STATE_ROW("folder of the state"), { 0 } };

static int
run_status(int argc, char **argv)
{
	struct err e;

	(void)argc;
	(void)argv;
	return status_of(status_run(state, &e), &e);
}

static const struct opt graph_opts[] = {
	STATE_ROW("folder of the state"),
	{ 'o', "out", OPT_STRING, &out, "DIR", "folder of the pictures; made if it is not there" },
	{ 'H', "host", OPT_STRING, &host, "HOST", "one host, or _farm; else all" },
	{ 0, "span", OPT_CHOICE, &span, "day|week|month|year", "one span; else all" },
	{ 0, "format", OPT_CHOICE, &format, "png|svg", "what kind of pictures" },
	{ 0, "rrd", OPT_STRING, &rrd, "DIR", "folder of the RRDs; else that of mxgauged's configuration, "
	    "where it is of this state, or DIR/rrd of the state" },
	{ 0, "templates", OPT_STRING, &templates, "DIR", "folder of the RRD templates" },
	{ 0 }
};

static int
run_graph(int argc, char **argv)
{
	const bool usual = rrd == NULL && rules != NULL && config_is_of(rules, state);
	const struct pictures p = { .state = state, .rrd = usual ? rules->rrd_dir : rrd, .out = out, .templates = templates,
		.host = host, .span = span, .svg = strcmp(format, "svg") == 0 };
	struct err e;

	(void)argc;
	(void)argv;
	if (out == NULL)
		return misused("graph: --out DIR is missing");
	return status_of(pictures_draw(&p, &e), &e);
}

static const char *poller_calls = "/usr/local/bin/mxgauge";

static const struct opt cacti_templates_opts[] = {
	{ 'o', "out", OPT_STRING, &out, "DIR", "folder of the files; made if it is not there" },
	{ 0, "templates", OPT_STRING, &templates, "DIR", "folder of the RRD templates" },
	{ 0, "program", OPT_STRING, &poller_calls, "PATH", "where Cacti's poller finds mxgauge" },
	{ 0 }
};

static int
run_cacti_templates(int argc, char **argv)
{
	const struct cacti c = { .out = out, .templates = templates, .program = poller_calls };
	struct err e;

	(void)argc;
	(void)argv;
	if (out == NULL)
		return misused("cacti-templates: --out DIR is missing");
	return status_of(cacti_run(&c, &e), &e);
}

static const char *list;
static int64_t at = VALUE_NOW;

static const struct opt cacti_value_opts[] = {
	STATE_ROW("folder of the state"),
	{ 'H', "host", OPT_STRING, &host, "HOST", "one host, or _farm" },
	{ 0, "list", OPT_STRING, &list, "ZONE", "of which block list", .empty = true },
	{ 0, "at", OPT_TIME, &at, "TIME", "as of then: \"2026-11-20 03:00\", \"-2h\", \"@EPOCH\"; "
	    "else now, if the collector is at work" },
	{ 0, "templates", OPT_STRING, &templates, "DIR", "folder of the RRD templates" },
	{ 0 }
};

static int
run_cacti_value(int argc, char **argv)
{
	const struct value v = { .state = state, .templates = templates, .template = argv[0],
		.names = argc > 1 ? argv[1] : NULL, .host = host, .list = list, .at = at };
	struct err e;

	if (host == NULL)
		return misused("cacti-value: --host HOST is missing");
	return status_of(value_run(&v, &e), &e);
}

static const struct opt setup_opts[] = {
	{ 's', "state", OPT_STRING, &proposed, "DIR", "folder of the state that the configuration "
	    "names; else the usual one" },
	{ 0, "root", OPT_STRING, &root, "DIR", "look at the machine whose files are below DIR",
	    .empty = true },
	{ 0, "manual", OPT_FLAG, &manual, NULL, "print the manual of all settings instead" },
	{ 0 }
};

static int
run_setup(int argc, char **argv)
{
	struct err e;

	(void)argc;
	(void)argv;
	return status_of(manual ? setup_run_manual(&e) : setup_run(root, proposed, &e), &e);
}

static const struct opt check_config_opts[] = {
	{ 'f', "config", OPT_STRING, &config, "FILE", "the configuration of mxgauged" },
	{ 0 }
};

static int
run_check_config(int argc, char **argv)
{
	if (argc > 0 && config != usual_config)
		return misused("check-config: the file is named twice, by --config and without");
	return checkconfig_run(argc > 0 ? argv[0] : config);
}

static bool once;

static const struct opt passive_opts[] = {
	{ 'f', "config", OPT_STRING, &config, "FILE", "the configuration of mxgauged, with passive and monitor "
	    "sections" },
	{ '1', "once", OPT_FLAG, &once, NULL, "run each check once, tell the monitors, and end: with status 1 if one "
	    "of them could not be told" },
	{ 0 }
};

static int
run_passive(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return passive_run(config, once);
}

static bool unknown, stats;
static const char *dialect;

static const struct opt parse_opts[] = {
	{ 0, "dialect", OPT_STRING, &dialect, "NAME", "ask this dialect alone" },
	{ 0, "unknown", OPT_FLAG, &unknown, NULL, "print only the lines that were not understood" },
	{ 0, "stats", OPT_FLAG, &stats, NULL, "print only how many lines of which program gave what" },
	{ 'H', "host", OPT_STRING, &host, "HOST", "host of lines that name none" },
	{ 0, "tz", OPT_STRING, &zone, "ZONE", "zone of stamps that name none; else the machine's" },
	{ 0, "year", OPT_INT, &year, "YEAR", "year of the first line, where stamps have none",
	    .min = 1970, .max = 2199 },
	RULES_ROW,
	{ 0 }
};

static int
run_parse(int argc, char **argv)
{
	struct parse_options o = { .mode = stats ? PARSE_STATS : unknown ? PARSE_UNKNOWN :
		PARSE_EVENTS, .dialect = dialect, .zone = zone, .year = (int)year,
		.now = (int64_t)time(NULL), .host = slice_of(host != NULL ? host : "") };
	struct err e;

	if (unknown && stats)
		return misused("parse: --unknown and --stats exclude each other");
	if (!take_rules() || !take_zone())
		return 2;
	o.words = rules != NULL ? rules->words : NULL;
	return done_with(status_of(view_parse(&o, argv, (size_t)argc, stdout, &e), &e));
}

static const struct opt backup_opts[] = { STATE_ROW("folder of the state"), { 0 } };

static int
run_backup(int argc, char **argv)
{
	struct err e;

	(void)argc;
	return status_of(backup_make(state, argv[0], &e), &e);
}

static const struct opt trace_opts[] = {
	STATE_ROW("folder of the state"),
	{ 'H', "host", OPT_STRING, &host, "HOST", "only mails of this host" },
	{ 0 }
};

static int
run_trace(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '\0')
			return misused("trace: a name is empty");
	return trace_run(state, argv, (size_t)argc, host);
}

static const struct command commands[] = {
	{ "import", "read whole log files into the state", "FILE...", import_opts, run_import,
	    "Reads log files (plain, .gz, .zst, .bz2, .xz, - for standard input) and adds what they say to "
	    "the counts. Files that were read before go on where they were left, so a second run "
	    "over the same file adds nothing. A pipe is read until it is closed, with commits while "
	    "it lasts; SIGTERM, SIGINT and SIGHUP end the reading, and what was read is counted.",
	    "mxgauge import --state ./state /var/log/mail.log.1 /var/log/mail.log" },
	{ "report", "what happened in a period, as a text or as JSON", NULL, report_opts, run_report,
	    "Prints what was received, delivered, refused and why, how long it took and whether "
	    "the books balance, for the farm or one host.",
	    "mxgauge report --from yesterday --to today\nmxgauge report --host mx1 --json" },
	{ "graph", "draw the pictures, and a page with all of them", NULL, graph_opts, run_graph,
	    "Draws all RRDs over the last day, week, month and year, and writes DIR/index.html, "
	    "which needs no web server. The right edge is now, or the newest minute when that is "
	    "older than six hours, as in an archive. With --host or --span only those pictures "
	    "are drawn and the page stays as it is.",
	    "mxgauge graph --state ./state --out ./graphs\n"
	    "mxgauge graph --out /var/www/mail --host mx1 --span day --format svg", "--out DIR" },
	{ "parse", "show what is understood of each line, as JSON", "FILE...", parse_opts, run_parse,
	    "Prints one JSON object for each event. Nothing is counted or stored.",
	    "mxgauge parse --unknown /var/log/mail.log" },
	{ "status", "how the collector is: sources, lag, limits, disk", NULL, status_opts, run_status,
	    "Prints where reading stands, how far each source lags behind, what could not be "
	    "understood and how long the disk lasts.", NULL },
	{ "trace", "one mail's life", "ID|MESSAGE-ID|ADDRESS|CLIENT|USER...", trace_opts, run_trace,
	    "Prints what is known of the mails that a queue id, a Message-ID, an address, a "
	    "domain (@example.org), a client's IP address or a user who authenticated names, and of those "
	    "that they continue or became. Refusals have no mail: of them, and of failed logins, the state "
	    "keeps a few samples of each kind, host and ten minutes, which are printed too.",
	    "mxgauge trace 4F1A2B3C4D\nmxgauge trace joe@example.org\nmxgauge trace 192.0.2.7" },
	{ "backup", "copy the state while mxgauged runs", "FILE", backup_opts, run_backup,
	    "Makes FILE a consistent copy of the state as of its last commit. To go back to it, "
	    "stop mxgauged, put it in place of state.db and start mxgauged: what came after it is read again, as far as "
	    "the logs are there, and the RRDs follow the state.",
	    "mxgauge backup /srv/backup/mxgauge-$(date +%F).db" },
	{ "passive", "run checks and send their results to monitors", NULL, passive_opts, run_passive,
	    "Runs the checks of the passive sections of the configuration and sends their results to the "
	    "monitors of its monitor sections: Nagios' command file, NSCA, NRDP, Icinga 2's API. For machines "
	    "that no monitor reaches. What cannot be sent waits in the folder passive of the state, across "
	    "restarts. It stays in the foreground until SIGTERM; SIGHUP reads the configuration again.",
	    "mxgauge passive --once\nmxgauge passive --config /etc/mxgauge/mxgauge.conf" },
	{ "cacti-templates", "make templates for Cacti of the RRD templates", NULL,
	    cacti_templates_opts, run_cacti_templates,
	    "Writes DIR/mxgauge.xml, with which Cacti draws the RRDs of the collector, and "
	    "DIR/mxgauge-polled.xml, with which its poller asks mxgauge itself. Those of the RRD "
	    "templates that come with mxgauge are installed; this is for your own. Importing them "
	    "again changes what was imported before.",
	    "mxgauge cacti-templates --templates /etc/mxgauge/rrd-templates --out /srv/cacti-templates",
	    "--out DIR" },
	{ "cacti-value", "answer Cacti's poller", "TEMPLATE [NAME,NAME...]", cacti_value_opts,
	    run_cacti_value,
	    "Prints NAME:VALUE for each data source of an RRD template, or for those that are named. "
	    "Counts are totals since the month began (UTC), for data sources of the type DERIVE: a "
	    "poller that leaves out a run loses nothing. Queues and other gauges are the mean of the "
	    "last five minutes, delays those of the deliveries in them, U what is not known. "
	    "mxgauge-polled.xml, of cacti-templates, has templates that ask so.",
	    "mxgauge cacti-value --host mx1 flow recv_rcpt,rej\n"
	    "mxgauge cacti-value --host _farm --list zen.spamhaus.org dnsbl", "--host HOST" },
	{ "setup", "propose a configuration for this machine", NULL, setup_opts, run_setup,
	    "Looks which MTA runs here, where its log and queue are and who may read them, and "
	    "prints a configuration with comments. It changes nothing.",
	    "mxgauge setup > /etc/mxgauge/mxgauge.conf" },
	{ "check-config", "name what is wrong in a configuration", "[FILE]", check_config_opts,
	    run_check_config,
	    "Reads the configuration as mxgauged would and prints each fault as file:line: "
	    "sentence. Status 0 if it is good, 2 if not.", NULL },
	{ 0 }
};

static const struct program program = {
	.name = "mxgauge", .summary = "counts and pictures of mail servers from their logs",
	.commands = commands,
};

/* The state and the templates are where the daemon's configuration says, if there is a good one. */
static void
take_usual_config(void)
{
	struct buf faults = buf_new(4096);

	configured_state = state;
	rules = config_read(CONFIG_DEFAULT_FILE, &faults);
	if (rules != NULL)
		take_config();
	buf_free(&faults);
}

int
main(int argc, char **argv)
{
	(void)signal(SIGXFSZ, SIG_IGN);	/* a file size limit is an error like a full disk */
	take_usual_config();
	return opt_commands(&program, argc, argv);
}
