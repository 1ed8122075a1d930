/* test_opt.c - command lines: what is read, what is refused and in which words,
 * help and manual, times, and options from an ini file. */
#include "opt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "extraopts.h"
#include "when.h"

#include "tap.h"

static struct {
	bool flag, other;
	int verbose;
	const char *dir, *format;
	struct opt_list list;
	int64_t n, at;
	double window;
} got;

static const struct opt opts[] = {
	{ 'f', "flag", OPT_FLAG, &got.flag, NULL, "a flag" },
	{ 'o', "other", OPT_FLAG, &got.other, NULL, "another" },
	{ 'v', "verbose", OPT_COUNT, &got.verbose, NULL, "more", .max = 3 },
	{ 'd', "dir", OPT_STRING, &got.dir, "DIR", "a folder, and a text that is so long that "
	    "it has to be wrapped at the right edge of the terminal" },
	{ 0, "format", OPT_CHOICE, &got.format, "png|svg", "kind of picture" },
	{ 'l', "list", OPT_LIST, &got.list, "X", "some" },
	{ 'n', "number", OPT_INT, &got.n, "N", "how many", .min = 1, .max = 1000 },
	{ 0, "window", OPT_DURATION, &got.window, "TIME", "how long", .min = 60, .max = 691200 },
	{ 0, "at", OPT_TIME, &got.at, "TIME", "when" },
	{ 'H', "domain", OPT_STRING, &got.dir, "DOMAIN", "whose" },
	{ 0 }
};

static int
run_show(int argc, char **argv)
{
	printf("%d%d%d %s %s n=%lld w=%g list=", got.flag, got.other, got.verbose, got.dir,
	    got.format, (long long)got.n, got.window);
	for (size_t i = 0; i < got.list.n; i++)
		printf("%s,", got.list.v[i]);
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	putchar('\n');
	free(got.list.v);
	return argc > 0 && strcmp(argv[0], "fail") == 0;
}

static const struct command commands[] = {
	{ "show", "show what was read", "FILE...", opts, run_show, "What it is for.\n\nMore of it.",
	    "mxtool show -f x\nmxtool show --dir /a/folder/with/a/long/name --format svg --list \"a b\" --number 20 x" },
	{ "none", "take no operands", NULL, opts, run_show },
	{ "some", "take some operands", "[FILE...]", NULL, run_show },
	{ "one", "take one operand", "ID", NULL, run_show },
	{ 0 }
};

static const struct measure measures[] = {
	{ .name = "age", .unit = "s", .help = "how old it is", .warn = "1m", .crit = "5m" },
	{ .name = NULL }
};

static const struct program program = {
	"mxtool", "a tool for tests", ".begins with a dot - and \\ a backslash", .commands = commands,
	.examples = "mxtool show x", .measures = measures
};

/* Run the tool in a child; its output in out, its status as the result. */
static int
run(char *out, size_t size, const char *const words[])
{
	int fd[2], status, argc = 0;
	size_t n = 0;
	ssize_t k;
	pid_t pid;

	while (words[argc] != NULL)
		argc++;
	fflush(stdout);
	if (pipe(fd) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		char **argv = calloc((size_t)argc + 1, sizeof *argv);

		for (int i = 0; i < argc; i++)
			argv[i] = strdup(words[i]);
		dup2(fd[1], 1);
		dup2(fd[1], 2);
		close(fd[0]);
		close(fd[1]);
		got.dir = "DEF";
		got.format = "png";
		got.n = 20;
		got.window = 900;
		status = opt_commands(&program, argc, argv);
		fflush(stdout);
		_exit(status);	/* no talk about the leaks of a test */
	}
	close(fd[1]);
	while ((k = read(fd[0], out + n, size - 1 - n)) > 0)
		n += (size_t)k;
	out[n] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

#define W(...) { "mxtool", __VA_ARGS__, NULL }

static const struct {
	const char *words[16];
	int status;
	const char *out;	/* "..." at the end: only the beginning is compared */
} cases[] = {
	{ W("show", "x"), 0, "000 DEF png n=20 w=900 list= [x]\n" },
	{ W("show", "-fov", "x", "-v"), 0, "112 DEF png n=20 w=900 list= [x]\n" },
	{ W("show", "-vvvvv", "x"), 0, "003 DEF png n=20 w=900 list= [x]\n" },
	{ W("show", "-d", "a", "-n5", "-fn6", "--window=2h", "x"), 0,
	    "100 a png n=6 w=7200 list= [x]\n" },
	{ W("show", "--dir", "-b", "-l1", "-l", "2", "--list=3", "--", "-x", "--y"), 0,
	    "000 -b png n=20 w=900 list=1,2,3, [-x] [--y]\n" },
	{ W("show", "-", "--format", "svg", "--dir="), 2, "mxtool show: --dir is empty\n" },
	{ W("show", "-", "--format", "svg", "--dir=/x"), 0, "000 /x svg n=20 w=900 list= [-]\n" },
	{ W("show", "--hostname", "a", "x"), 0, "000 a png n=20 w=900 list= [x]\n" },
	{ W("show", "--host=b", "x"), 0, "000 b png n=20 w=900 list= [x]\n" },
	{ W("show", "--domain", "c", "x"), 0, "000 c png n=20 w=900 list= [x]\n" },
	{ W("show", "x", "--dir", "--hostname"), 2,
	    "mxtool show: --dir needs an argument (DIR), but --hostname follows\n" },
	{ W("some", "--hostname", "a"), 2, "mxtool some: unknown option --hostname; ..." },
	{ W("show", "fail"), 1, "000 ..." },
	{ W("some"), 0, "000 ..." },
	{ W("some", "a", "b"), 0, "000 DEF png n=20 w=900 list= [a] [b]\n" },
	{ W("none"), 0, "000 ..." },

	{ W("show"), 2, "mxtool show: something is missing: mxtool show [OPTION]... FILE...\n" },
	{ W("one", "a", "b"), 2, "mxtool one: \"b\" is too much: mxtool one [OPTION]... ID\n" },
	{ W("none", "x"), 2, "mxtool none: \"x\" is no option..." },
	{ W("show", "--dri", "x"), 2, "mxtool show: unknown option --dri; did you mean --dir?\n" },
	{ W("show", "--form", "x"), 2, "mxtool show: unknown option --form; did you mean --format?\n" },
	{ W("show", "--zzzzzz=3", "x"), 2, "mxtool show: unknown option --zzzzzz; --help..." },
	{ W("show", "-fx"), 2, "mxtool show: unknown option -x; --help lists the options\n" },
	{ W("show", "x", "--dir"), 2, "mxtool show: --dir needs an argument: --dir DIR\n" },
	{ W("show", "x", "--dir", "--flag"), 2,
	    "mxtool show: --dir needs an argument (DIR), but --flag follows\n" },
	{ W("show", "--dir", "--format=svg", "x"), 2,
	    "mxtool show: --dir needs an argument (DIR), but --format=svg follows\n" },
	{ W("show", "--dir", "--fromat=svg", "x"), 0, "000 --fromat=svg png n=20 w=900 list= [x]\n" },
	{ W("show", "--flag=", "x"), 0, "100 DEF png n=20 w=900 list= [x]\n" },
	{ W("show", "x", "-d"), 2, "mxtool show: -d needs an argument: -d DIR\n" },
	{ W("show", "--flag=1", "x"), 2, "mxtool show: --flag takes no argument, leave out \"=1\"\n" },
	{ W("show", "-n=5", "x"), 2, "mxtool show: -n=5: no \"=\" behind a letter, but -n 5\n" },
	{ W("show", "-n", "0", "x"), 2,
	    "mxtool show: -n 0 is out of its limits: N may be from 1 to 1000\n" },
	{ W("show", "-n", "5x", "x"), 2, "mxtool show: -n wants a whole number, not \"5x\"\n" },
	{ W("show", "-n", "99999999999999999999", "x"), 2, "mxtool show: -n wants a whole number..." },
	{ W("show", "--window", "5", "x"), 2,
	    "mxtool show: --window 5 is out of its limits: TIME may be from 60 s to 8 d\n" },
	{ W("show", "--window", "soon", "x"), 2, "mxtool show: --window: \"soon\" is not a number\n" },
	{ W("show", "--format", "gif", "x"), 2, "mxtool show: --format may be png|svg, not \"gif\"\n" },
	{ W("show", "--at", "teatime", "x"), 2, "mxtool show: --at: \"teatime\" is no time; ..." },
	{ W("show", "--dir\033[2J", "x"), 2, "mxtool show: unknown option --dir?[2J; --help..." },
	{ W("shwo"), 2, "mxtool: unknown command \"shwo\"; did you mean \"show\"?\n" },
	{ W("bake"), 2, "mxtool: unknown command \"bake\"; \"mxtool help\" lists the commands\n" },
	{ { "mxtool", NULL }, 2, "mxtool: no command; \"mxtool help\" lists the commands\n" },
	{ W("--dir", "x", "show"), 2,
	    "mxtool: unknown option --dir; a command's options stand behind the command\n" },
	{ W("-fx"), 2, "mxtool: unknown option -f; a command's options stand behind the command\n" },
	{ W("help", "bake"), 2, "mxtool: unknown command..." },
	{ W("--version"), 0, "mxtool v" MX_VERSION " (mxgauge " MX_VERSION ")\n" },
	{ W("show", "-V"), 0, "mxtool show v..." },
	{ W("help"), 0, "mxtool - a tool for tests\n\nUsage: mxtool COMMAND ... [OPTION]...\n..." },
	{ W("--help"), 0, "mxtool - a tool for tests\n..." },
	{ W("help", "show"), 0, "mxtool show - show what was read\n\nUsage: mxtool show [OPTION]... "
	    "FILE...\n\nWhat it is for.\n\nMore of it.\n\nOptions:\n"
	    "  -f, --flag              a flag\n  -o, --other             another\n"
	    "  -v, --verbose           more\n"
	    "  -d, --dir DIR           a folder, and a text that is so long that it has to\n"
	    "                          be wrapped at the right edge of the terminal\n"
	    "                          (default: DEF)\n"
	    "      --format png|svg    kind of picture (default: png)\n"
	    "  -l, --list X            some\n"
	    "  -n, --number N          how many (default: 20)\n"
	    "      --window TIME       how long (default: 15 min)\n..." },
	{ W("show", "--help"), 0, "mxtool show - show what was read\n..." },
};

static void
test_command_lines(void)
{
	static char out[65536];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int status = run(out, sizeof out, cases[i].words);
		size_t n = strlen(cases[i].out);

		is_int(status, cases[i].status, "exit status");
		if (n > 3 && strcmp(cases[i].out + n - 3, "...") == 0)
			ok(strncmp(out, cases[i].out, n - 3) == 0, "it begins: %.*s",
			    (int)strcspn(cases[i].out, "\n"), cases[i].out);
		else
			is_str(out, cases[i].out, "what it prints");
	}
}

/* Examples fit into 80 columns, and a shell takes them. */
static void
test_examples(void)
{
	static char out[65536];
	const char *const words[] = W("help", "show");

	is_int(run(out, sizeof out, words), 0, "help with examples");
	ok(strstr(out, "\nExamples:\nmxtool show -f x\nmxtool show --dir /a/folder/with/a/long/name --format svg "
	    "--list \"a b\" \\\n    --number 20 x\n") != NULL, "a long example goes on in a second line");
}

static void
test_man(void)
{
	static char out[65536];
	const char *const words[] = W("--man");
	static const char *const want[] = {
		".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH OPTIONS\n",
		".SH EXIT STATUS\n", ".SH EXAMPLES\n", ".SS show FILE...\n",
		".SH MEASUREMENTS\n", "\nhow old it is [s]; \\-w 1m, \\-c 5m\n",
		"\n\\&.begins with a dot \\- and \\e a backslash\n",
		"\\fB\\-d\\fR, \\fB\\-\\-dir\\fR \\fIDIR\\fR\n",
	};

	is_int(run(out, sizeof out, words), 0, "--man");
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		ok(strstr(out, want[i]) != NULL, "the manual has line %zu of those it must have", i);
}

static void
test_when(void)
{
	/* 2026-11-20 12:00:00 UTC; Berlin is one hour ahead of UTC in winter */
	static const int64_t now = 1795176000;
	static const struct {
		const char *text;
		int64_t t;	/* 0: refused */
	} t[] = {
		{ "now", 1795176000 }, { "@1795176001", 1795176001 }, { "-2h", 1795168800 },
		{ "-90", 1795175910 }, { "-8d", 1794484800 },
		{ "2026-11-20 03:00", 1795140000 }, { "2026-11-20T03:00", 1795140000 },
		{ "2026-11-20 03:00:15", 1795140015 }, { "2026-11-20T03:00:15.250", 1795140015 },
		{ "2026-11-20T03:00:00Z", 1795143600 }, { "2026-11-20T03:00:00+05:30", 1795123800 },
		{ "2026-11-20T03:00:00-0800", 1795172400 }, { "2026-11-20 03:00+01", 1795140000 },
		{ "2026-11-20 03:00:15.25 +0100", 1795140015 }, { "2026-11-20 03:00 UTC", 1795143600 },
		{ "2026-11-20", 1795129200 }, { "today", 1795129200 }, { "yesterday", 1795042800 },
		{ "yesterday 03:00", 1795053600 }, { "03:00", 1795140000 }, { "3:00", 1795140000 }, { "23:30", 1795127400 },
		{ "2024-02-29 00:00Z", 1709164800 }, { "2000-03-01 00:00Z", 951868800 },
		{ "2026-07-01 12:00", 1782900000 },	/* summer: two hours ahead */
		{ "", 0 }, { "soon", 0 }, { "2026-02-29", 0 }, { "2026-13-01", 0 }, { "2026-11-31", 0 },
		{ "2026-11-20 25:00", 0 }, { "2026-11-20 03:60", 0 }, { "2026-11-20 ", 0 },
		{ "2026-11-20 03:00 ", 0 }, { "2026-11-20 03:00x", 0 }, { "2026-11-20T03:00+25", 0 }, { "2026-11-20 03:00 +", 0 },
		{ "@", 0 }, { "@12x", 0 }, { "@-5", 0 }, { "--2h", 0 }, { "-", 0 }, { "-2x", 0 },
		{ "3:0", 0 }, { "123:00", 0 }, { "yesterday03:00", 0 }, { "20261120", 0 }, { "now ", 0 },
		{ "@99999999999999999999", 0 },
	};
	struct buf b = buf_new(100);

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct err e = { "" };
		int64_t v = 0;

		if (!when_parse(slice_of(t[i].text), now, &v, &e))
			ok(t[i].t == 0 && e.text[0] != '\0', "\"%s\" is no time", t[i].text);
		else
			is_int(v, t[i].t, t[i].text);
	}
	when_print(&b, now);
	is_str(b.p, "2026-11-20 13:00:00", "a time printed in local time");
	buf_free(&b);
	unsetenv("TZ");
	tzset();
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* The argument vector after expansion, joined by spaces; the error if it failed. */
static const char *
expanded(const char *a, const char *b)
{
	static char out[1024];
	char *argv_in[] = { strdup("check_x"), strdup(a), b != NULL ? strdup(b) : NULL, NULL };
	char **argv = argv_in;
	int argc = b != NULL ? 3 : 2;
	struct err e = { "" };
	int fd[2], status;
	size_t n = 0;
	ssize_t k;

	/* it may be called once a process */
	fflush(stdout);
	if (pipe(fd) != 0)
		abort();
	if (fork() == 0) {
		int words;
		bool good;

		alarm(5);	/* so that a failure is no hang */
		good = extraopts_expand("check_x", &argc, &argv, &words, &e);

		for (int i = 1; good && i < argc; i++)
			dprintf(fd[1], "%s%s", i > 1 ? " " : "", argv[i]);
		if (!good)
			dprintf(fd[1], "%s", e.text);
		_exit(0);
	}
	close(fd[1]);
	while ((k = read(fd[0], out + n, sizeof out - 1 - n)) > 0)
		n += (size_t)k;
	close(fd[0]);
	wait(&status);
	for (int i = 0; i < 3; i++)
		free(argv_in[i]);
	out[n] = '\0';
	return out;
}

/* What is left of a command line with --extra-opts, as the caller finds it. */
static void
test_operands_beside(const char *where)
{
	static const struct opt none[] = { { 0 } };
	static const struct opt_manner manner = { .common = none, .extra_opts = true };
	static const struct program one = { "check_x", "x", NULL, opts, "[FILE...]" };
	char *argv[] = { strdup("check_x"), strdup(where), strdup("a"), strdup("-f"), strdup("b"), NULL };
	char **all = argv;
	int status;

	fflush(stdout);
	if (fork() == 0) {
		opt_set_manner(&manner);
		_exit(opt_parse(&one, 5, argv) == 2 && strcmp(argv[1], "a") == 0 &&
		    strcmp(argv[2], "b") == 0 && got.flag && got.n == 5 ? 0 : 1);
	}
	wait(&status);
	is_int(status, 0, "operands beside --extra-opts are where the caller looks");
	while (*all != NULL)
		free(*all++);
}

static void
test_extra_opts(void)
{
	char dir[] = "/tmp/mxgauge-opt.XXXXXX", ini[64], want[256], arg[128];

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(ini, sizeof ini, "%s/plugins.ini", dir);
	write_file(ini, "# a remark\n[other]\nwarning = 1\n[ check_x ]\nwarning = ratio=90%\r\n"
	    "c=5\nv =\njson\n; another\n\n[fourth]\nnumber = 5\n[fifth]\ndir =\nwarning = 2\n[third]\nbad key = 3\n");
	setenv("MP_CONFIG_FILE", ini, 1);
	is_str(expanded("--extra-opts", "-wx"),
	    "--warning=ratio=90% -c 5 -v --json -wx", "the program's section, first");
	is_str(expanded("--extra-opts=other", NULL), "--warning=1", "a named section");
	is_str(expanded("--extra-opts", "other"), "--warning=1",
	    "a named section as the next word");
	is_str(expanded("-v", NULL), "-v", "nothing to expand");
	unsetenv("MP_CONFIG_FILE");
	setenv("NAGIOS_CONFIG_PATH", dir, 1);
	is_str(expanded("--extra-opts=other", NULL), "--warning=1",
	    "the file in NAGIOS_CONFIG_PATH");
	unsetenv("NAGIOS_CONFIG_PATH");
	snprintf(arg, sizeof arg, "--extra-opts=other@%s", ini);
	is_str(expanded(arg, NULL), "--warning=1", "a named file");
	snprintf(arg, sizeof arg, "--extra-opts=fourth@%s", ini);
	test_operands_beside(arg);
	snprintf(arg, sizeof arg, "--extra-opts=fifth@%s", ini);
	is_str(expanded(arg, NULL), "--dir= --warning=2", "a value that is empty is not the next line");
	snprintf(arg, sizeof arg, "--extra-opts=none@%s", ini);
	snprintf(want, sizeof want, "%s has no section [none]", ini);
	is_str(expanded(arg, NULL), want, "no such section");
	snprintf(arg, sizeof arg, "--extra-opts=third@%s", ini);
	snprintf(want, sizeof want, "%s:17: a line looks like \"option = value\"", ini);
	is_str(expanded(arg, NULL), want, "a bad line has a number");
	snprintf(arg, sizeof arg, "--extra-opts=@%s/none", dir);
	snprintf(want, sizeof want, "open %s/none: No such file or directory", dir);
	is_str(expanded(arg, NULL), want, "no such file");
	snprintf(arg, sizeof arg, "--extra-opts=@%s", dir);
	snprintf(want, sizeof want, "%s is not a file of at most 1 MiB", dir);
	is_str(expanded(arg, NULL), want, "a folder");
	write_file(ini, "\xef\xbb\xbf[other]\nwarning = 1\n");
	snprintf(arg, sizeof arg, "--extra-opts=other@%s", ini);
	is_str(expanded(arg, NULL), "--warning=1", "a byte order mark");
	unlink(ini);
	is_int(mkfifo(ini, 0600), 0, "a pipe to which nobody writes");
	snprintf(want, sizeof want, "%s is not a file of at most 1 MiB", ini);
	is_str(expanded(arg, NULL), want, "is told at once");
	unlink(ini);
	rmdir(dir);
}

int
main(void)
{
	test_command_lines();
	test_examples();
	test_man();
	test_when();
	test_extra_opts();
	return done_testing();
}
