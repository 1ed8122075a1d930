/* mxgauge.c - the tool: one sub-command a row. The work is elsewhere. */
#include <stdio.h>

#include "import.h"
#include "opt.h"

#include "poison.h"

static const char *state = "/var/lib/mxgauge", *host, *zone, *templates;
static int64_t year;
static bool no_rrd, phases;

static const struct opt import_opts[] = {
	{ 's', "state", OPT_STRING, &state, "DIR", "folder of the state; made if it is not there" },
	{ 'H', "host", OPT_STRING, &host, "HOST", "host of lines that name none" },
	{ 0, "tz", OPT_STRING, &zone, "ZONE", "zone of stamps that name none, as Europe/Berlin; "
	    "else the machine's" },
	{ 0, "year", OPT_INT, &year, "YEAR", "year of the first line of each file, where stamps "
	    "have none; else it follows from the file's own date", .min = 1970, .max = 2199 },
	{ 0, "templates", OPT_STRING, &templates, "DIR", "folder of the RRD templates" },
	{ 0, "no-rrd", OPT_FLAG, &no_rrd, NULL, "write no RRDs" },
	{ 0, "phases", OPT_FLAG, &phases, NULL, "say how long each part took" },
	{ 0 }
};

static int
run_import(int argc, char **argv)
{
	struct import im = { .state = state, .host = host, .zone = zone, .templates = templates,
		.year = (int)year, .no_rrd = no_rrd, .phases = phases, .file = argv,
		.files = (size_t)argc };

	return import_run(&im);
}

static const struct command commands[] = {
	{ "import", "read whole log files into the state", "FILE...", import_opts, run_import,
	    "Reads log files (plain, .gz, .zst, - for standard input) and adds what they say to "
	    "the counts. Files that were read before go on where they were left, so a second run "
	    "over the same file adds nothing.",
	    "mxgauge import --state ./state /var/log/mail.log.1 /var/log/mail.log" },
	{ 0 }
};

static const struct program program = {
	.name = "mxgauge", .summary = "counts and pictures of mail servers from their logs",
	.commands = commands,
};

int
main(int argc, char **argv)
{
	return opt_commands(&program, argc, argv);
}
