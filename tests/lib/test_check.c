/* test_check.c - the answer of a check: states, first line, performance data, JSON,
 * deadline. Each case runs in a child and is compared byte for byte. */
#include "check.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "tap.h"

static const struct program bare = { "check_thing", "look at a thing" };

static const struct measure measures[] = {
	{ "ratio", "%", "the share" }, { "age", "s", "the age" }, { "files", "", "the number" }, { 0 }
};
static const struct program declared = { "check_thing", "look at a thing", .measures = measures };

/* A number alone is the most of what may be below 0, or the least. */
static const struct measure ends[] = {
	{ "trend", "/min", "what moves", .most = true }, { "left", "s", "what is left", .least = true }, { 0 }
};
static const struct program moving = { "check_thing", "look at a thing", .measures = ends };

/* --- what the children do --------------------------------------------------- */

static void
begin(const struct program *p, const char *const words[])
{
	char *argv[16] = { NULL };
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = strdup(words[argc]);
	check_begin("THING");
	(void)opt_parse(p, argc, argv);
}

static void
plain(const char *const words[])
{
	begin(&bare, words);
	check_value("files", 12345, "");
	check_value("oldest", 14400, "s");
	check_value("share", 12.5, "%");
	check_done();
}

static void
known(const char *const words[])
{
	begin(&declared, words);
	check_value("ratio", 93.4, "%");
	check_words("ratio", ", mostly dnsbl 71%", "93.4%% of 12,345 refused");
	check_value("age", 0.5, "s");
	check_value("files", 7, "");
	check_detail("second line");
	check_verbose(1, "third line");
	check_verbose(3, "fourth line");
	check_link("Graph", "https://www.example.org/g?a=1&b=<2>|");
	check_extra("lists", SLICE("{\"a\":1}"));
	check_done();
}

static void
falling(const char *const words[])
{
	begin(&moving, words);
	check_value("trend", -120, "/min");
	check_value("left", 7200, "s");
	check_done();
}

static const char *name, *from, *near;
static const struct opt strings[] = {
	{ 'n', "name", OPT_STRING, &name, "NAME", "whose" },
	{ 0, "from", OPT_STRING, &from, "ADDRESS", "from whom", .empty = true },
	{ 0, "near", OPT_STRING, &near, "[=DIR]", "where" },
	{ 0 }
};
static const struct program looking = { "check_thing", "look at a thing", .opts = strings };

static void
seeking(const char *const words[])
{
	from = "(none)";
	near = "none";
	begin(&looking, words);
	check_state(CHECK_OK, "\"%s\" and \"%s\"", from, near);
	check_done();
}

static void
not_a_number(const char *const words[])
{
	begin(&bare, words);
	check_value("files", NAN, "");
	check_value("oldest", INFINITY, "s");
	check_done();
}

/* Each value is asked of before it is said. */
static void
foretold(const char *const words[])
{
	begin(&declared, words);
	check_detail("%s", check_would_ring("ratio", 50, "%") ? "rings" : "does not ring");
	check_value("ratio", 50, "%");
	check_detail("%s", check_would_ring("age", NAN, "s") ? "rings" : "does not ring");
	check_detail("%s", check_would_ring("age", 7200, "s") ? "rings" : "does not ring");
	check_value("age", 7200, "s");
	check_done();
}

static void
shown(const char *const words[])
{
	begin(&declared, words);
	check_show("ratio", NAN, "%");
	check_words("ratio", ", too few to judge", "nothing refused");
	check_show("age", 7200, "s");
	check_value("files", 9, "");
	check_done();
}

static void
found(const char *const words[])
{
	begin(&bare, words);
	check_value("files", 5, "");
	check_state(CHECK_OK, "all is quiet");
	check_state(CHECK_UNKNOWN, "one list is blind");
	check_state(CHECK_WARNING, "disk is slow");
	check_state(CHECK_CRITICAL, "disk is gone");
	check_done();
}

static void
quiet(const char *const words[])
{
	begin(&bare, words);
	check_state(CHECK_OK, "all is quiet");
	check_done();
}

static void
half(const char *const words[])
{
	begin(&declared, words);
	check_state(CHECK_CRITICAL, "connection refused");
	check_done();
}

static void
missing(const char *const words[])
{
	begin(&declared, words);
	check_value("ratio", 1, "%");
	check_done();
}

static void
unknown(const char *const words[])
{
	begin(&bare, words);
	check_unknown("cannot list %s: %s", "/var/spool", "Permission denied");
}

static void
hostile(const char *const words[])
{
	static char long_name[300];

	memset(long_name, 'x', sizeof long_name - 1);
	begin(&bare, words);
	check_value("it's a = |name\xff\033\xe2\x80\xae", 1, "");
	check_state(CHECK_WARNING, "banner %s",
	    check_clean(SLICE("220 a\r\nOK | x=1\033[2J <b>&\xff\xc2\x9b end")));
	check_detail("%s", check_clean(slice_of(long_name)));
	check_detail("first\nTHING OK - forged | a=1");
	check_done();
}

static void
many(const char *const words[])
{
	static char names[100][32];

	begin(&bare, words);
	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "%s%03d", i == 50 ? "v" : "measurement_number_", i);
		check_value(names[i], 1234567 + i, "B");
	}
	for (int i = 0; i < 9000; i++)
		check_detail("line %d of the long output", i);
	check_done();
}

static void
long_text(const char *const words[])
{
	begin(&bare, words);
	check_value("a", 1, "");
	for (int i = 0; i < 100; i++)
		check_state(CHECK_WARNING, "trouble number %d", i);
	check_done();
}

static void
late(const char *const words[])
{
	begin(&bare, words);
	check_phase("reading %s", "a \"slow\" | <disk>");
	for (;;)
		pause();
}

static void
crash(const char *const words[])
{
	begin(&bare, words);
	check_phase("adding up");
	raise(SIGABRT);
}

static void
tail(const char *const words[])
{
	begin(&bare, words);
	check_value("tiny", 0.00001234, "s");
	check_value("huge", 1e15, "B");
	check_value("third", 1.0 / 3, "");
	check_value("minus", -0.0, "c");
	check_value("a b", 2, "%");
	check_done();
}

static const struct {
	void (*f)(const char *const words[]);
	const char *words[12];
	int status;
	const char *out;
} cases[] = {
#define W(...) { "check_thing", __VA_ARGS__, NULL }
#define NONE { "check_thing", NULL }
	{ plain, NONE, 0, "THING OK - files 12,345, oldest 4 h, share 12.5% | "
	    "files=12345 oldest=14400s share=12.5%\n" },
	/* a bare range means the first measurement; both ends belong to it */
	{ plain, W("-w", "12345", "-c", "20000"), 0, "THING OK - files 12,345, oldest 4 h, "
	    "share 12.5% | files=12345;12345;20000 oldest=14400s share=12.5%\n" },
	{ plain, W("-w", "12344"), 1, "THING WARNING - files 12,345 (limit 12,344) | "
	    "files=12345;12344 oldest=14400s share=12.5%\n" },
	{ plain, W("-w", "10", "-c", "20"), 2, "THING CRITICAL - files 12,345 (limit 20) | "
	    "files=12345;10;20 oldest=14400s share=12.5%\n" },
	{ plain, W("--warning", "10", "--critical", "oldest=3h"), 2, "THING CRITICAL - oldest 4 h (limit 3 h); files "
	    "12,345 (limit 10) | files=12345;10 oldest=14400s;;10800 share=12.5%\n" },
	{ plain, W("-c", "20000:"), 2, "THING CRITICAL - files 12,345 (at least 20,000) | "
	    "files=12345;;20000: oldest=14400s share=12.5%\n" },
	{ plain, W("-w", "oldest=3h", "-c", "oldest=~:5h", "-c", "share=@10%:20%"), 2,
	    "THING CRITICAL - share 12.5% (alert from 10% to 20%); oldest 4 h (limit 3 h) | "
	    "files=12345 oldest=14400s;10800;~:18000 share=12.5%;;@10:20\n" },
	{ plain, W("-w", "oldest=1h", "-w", "oldest=5h"), 0, "THING OK - files 12,345, oldest 4 h, "
	    "share 12.5% | files=12345 oldest=14400s;18000 share=12.5%\n" },
	/* numbers alone where one end is well */
	{ falling, W("-w", "trend=100/min", "-c", "200", "-w", "left=1h"), 0, "THING OK - trend -120/min, left 2 h | "
	    "trend=-120;~:100;~:200 left=7200s;3600:\n" },
	{ falling, W("-w", "0:100", "-c", "@-130:-110", "-c", "left=@1h:3h"), 2, "THING CRITICAL - trend -120/min (alert "
	    "from -130/min to -110/min); left 2 h (alert from 60 min to 3 h) | trend=-120;100;@-130:-110 "
	    "left=7200s;;@3600:10800\n" },
	{ falling, W("-w", "left=3h"), 1, "THING WARNING - left 2 h (at least 3 h) | trend=-120 left=7200s;10800:\n" },
	/* limits that can't be right */
	{ plain, W("-w", "olsdet=3h"), 3, "THING UNKNOWN - -w olsdet=3h: there is no measurement "
	    "\"olsdet\"; did you mean oldest? There are: files, oldest, share | "
	    "files=12345 oldest=14400s share=12.5%\n" },
	{ plain, W("-w", "5", "-c", "nothing=3h"), 1, "THING WARNING - files 12,345 (limit 5) | "
	    "files=12345;5 oldest=14400s share=12.5%\n-c nothing=3h: there is no measurement "
	    "\"nothing\"; there are: files, oldest, share\n" },
	{ plain, W("-w", "share=5m"), 3, "THING UNKNOWN - -w share: bad range \"5m\": \"m\" behind 5: "
	    "only % may follow the number | files=12345 oldest=14400s\n" },
	{ plain, W("-w", "20:10"), 3,
	    "THING UNKNOWN - -w: bad range \"20:10\": the start is above the end\n" },
	{ plain, W("-w", "oldest="), 3, "THING UNKNOWN - -w oldest: bad range \"\": it is empty; "
	    "write for example 10, 10:, ~:10 or @10:20\n" },
	{ known, W("-w", "ratoi=90%"), 3, "THING UNKNOWN - -w ratoi=90%: there is no measurement "
	    "\"ratoi\"; did you mean ratio? There are: ratio, age, files\n" },
	{ known, W("-c", "age=90%"), 3, "THING UNKNOWN - -c age: bad range \"90%\": \"%\" behind 90: "
	    "us, ms, s, m, h, d or w may follow the number\n" },
	{ missing, W("-w", "age=5"), 3, "THING UNKNOWN - -w age: not measured | ratio=1%\n" },
	{ half, W("-w", "age=5"), 2, "THING CRITICAL - connection refused\n-w age: not measured\n" },
	/* words, details, verbosity */
	{ known, NONE, 0, "THING OK - 93.4% of 12,345 refused, mostly dnsbl 71% | ratio=93.4% age=0.5s "
	    "files=7\nsecond line\nGraph: https://www.example.org/g?a=1&b=(2)/\n" },
	{ known, W("-w", "90%", "-v"), 1, "THING WARNING - 93.4% of 12,345 refused (limit 90%), mostly "
	    "dnsbl 71% | ratio=93.4%;90 age=0.5s files=7\nsecond line\nthird line\n"
	    "Graph: https://www.example.org/g?a=1&b=(2)/\n" },
	{ known, W("-c", "files=5", "-vvv"), 2, "THING CRITICAL - files 7 (limit 5); 93.4% of 12,345 "
	    "refused, mostly dnsbl 71% | ratio=93.4% age=0.5s files=7;;5\nsecond line\nthird line\n"
	    "fourth line\nGraph: https://www.example.org/g?a=1&b=(2)/\n" },
	{ known, W("--json", "-w", "ratio=90%", "-c", "@500ms:2s"), 3, "{\"check\":\"check_thing\","
	    "\"state\":\"UNKNOWN\",\"text\":\"-c: bad range \\\"@500ms:2s\\\": \\\"ms\\\" behind 500: only % "
	    "may follow the number\",\"measurements\":{},\"details\":[]}\n" },
	{ known, W("--json", "-w", "ratio=90%", "-c", "age=500ms:2s"), 1, "{\"check\":\"check_thing\","
	    "\"state\":\"WARNING\",\"text\":\"93.4% of 12,345 refused (limit 90%), mostly dnsbl 71%\","
	    "\"measurements\":{\"ratio\":{\"value\":93.4,\"unit\":\"%\",\"warn\":\"90\",\"crit\":null,"
	    "\"state\":\"WARNING\"},\"age\":{\"value\":0.5,\"unit\":\"s\",\"warn\":null,\"crit\":\"0.5:2\","
	    "\"state\":\"OK\"},\"files\":{\"value\":7,\"unit\":\"\",\"warn\":null,\"crit\":null,\"state\":\"OK\"}},"
	    "\"details\":[\"second line\",\"Graph: https://www.example.org/g?a=1&b=(2)/\"],"
	    "\"lists\":{\"a\":1}}\n" },
	/* the order of states */
	{ found, NONE, 2, "THING CRITICAL - disk is gone; disk is slow; one list is blind | files=5\n" },
	{ quiet, NONE, 0, "THING OK - all is quiet\n" },
	{ unknown, NONE, 3, "THING UNKNOWN - cannot list /var/spool: Permission denied\n" },
	{ not_a_number, W("-w", "10"), 3, "THING UNKNOWN - files could not be measured; oldest could "
	    "not be measured | files=U;10 oldest=U\n" },
	{ not_a_number, W("--json"), 3, "{\"check\":\"check_thing\",\"state\":\"UNKNOWN\",\"text\":\"files "
	    "could not be measured; oldest could not be measured\",\"measurements\":{\"files\":{\"value\":"
	    "null,\"unit\":\"\",\"warn\":null,\"crit\":null,\"state\":\"UNKNOWN\"},\"oldest\":{\"value\":null,"
	    "\"unit\":\"s\",\"warn\":null,\"crit\":null,\"state\":\"UNKNOWN\"}},\"details\":[]}\n" },
	{ shown, W("-w", "age=1h", "-c", "50%"), 0, "THING OK - nothing refused, too few to judge | "
	    "ratio=U;;50 age=7200s;3600 files=9\n" },
	{ shown, W("-w", "age=1h", "-w", "files=10:", "-c", "50%"), 1, "THING WARNING - files 9 (at "
	    "least 10); nothing refused, too few to judge | ratio=U;;50 age=7200s;3600 "
	    "files=9;10:\n" },
	/* what would ring, before it is said: by the same limits */
	{ foretold, NONE, 0, "THING OK - ratio 50%, age 2 h | ratio=50% age=7200s\n"
	    "does not ring\nrings\ndoes not ring\n" },
	{ foretold, W("-w", "50%", "-c", "age=1h"), 2, "THING CRITICAL - age 2 h (limit 60 min) | "
	    "ratio=50%;50 age=7200s;;3600\ndoes not ring\nrings\nrings\n" },
	{ foretold, W("-c", "40%", "-w", "age=1h", "-w", "age=3h"), 2, "THING CRITICAL - ratio 50% "
	    "(limit 40%) | ratio=50%;;40 age=7200s;10800\nrings\nrings\ndoes not ring\n" },
	/* numbers, labels, strangers' text */
	{ tail, NONE, 0, "THING OK - tiny 12 us, huge 1 PB, third 0.3333 | tiny=0.00001234s "
	    "huge=1000000000000000B third=0.333333 minus=0c 'a b'=2%\n" },
	{ hostile, NONE, 1, "THING WARNING - banner 220 a??OK / x=1?[2J (b)+?? end | "
	    "'it''s a _ /name???" "'=1\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nfirst?THING OK - forged / a=1\n" },
	/* options */
	{ plain, W("-V"), 3, "check_thing v" MX_VERSION " (mxgauge " MX_VERSION ")\n" },
	{ plain, W("--wanring", "5"), 3,
	    "THING UNKNOWN - unknown option --wanring; did you mean --warning?\n" },
	{ plain, W("-w"), 3, "THING UNKNOWN - -w needs an argument: -w [NAME=]RANGE\n" },
	{ plain, W("operand"), 3, "THING UNKNOWN - \"operand\" is no option, and check_thing takes "
	    "nothing else; --help lists the options\n" },
	/* a macro of the monitoring's that is not set */
	{ seeking, W("--name", "", "-w", "10"), 3, "THING UNKNOWN - --name is empty\n" },
	{ seeking, W("-n", "", "-w", "10"), 3, "THING UNKNOWN - -n is empty\n" },
	{ seeking, W("--name=", "--json"), 3, "{\"check\":\"check_thing\",\"state\":\"UNKNOWN\",\"text\":\"--name is "
	    "empty\",\"measurements\":{},\"details\":[]}\n" },
	{ seeking, W("-w", ""), 3, "THING UNKNOWN - -w is empty\n" },
	{ seeking, W("-t", ""), 3, "THING UNKNOWN - -t is empty\n" },
	{ seeking, W("--from", ""), 0, "THING OK - \"\" and \"none\"\n" },
	{ seeking, W("--near"), 0, "THING OK - \"(none)\" and \"\"\n" },
	{ plain, W("-t", "0"), 3,
	    "THING UNKNOWN - -t 0 is out of its limits: TIME may be from 100 ms to 60 min\n" },
	{ plain, W("--bad", "--json"), 3, "{\"check\":\"check_thing\",\"state\":\"UNKNOWN\",\"text\":"
	    "\"unknown option --bad; --help lists the options\",\"measurements\":{},\"details\":[]}\n" },
	{ plain, W("--extra-opts=bogus@tests/lib/opts.ini"), 3, "THING UNKNOWN - --extra-opts: unknown option "
	    "--bogus; --help lists the options\n" },
	{ plain, W("--extra-opts=good@tests/lib/opts.ini", "--bogus"), 3, "THING UNKNOWN - unknown option "
	    "--bogus; --help lists the options\n" },
	{ plain, W("--extra-opts=range@tests/lib/opts.ini", "-c", "5"), 3, "THING UNKNOWN - --extra-opts: -w: bad range "
	    "\"2:1\": the start is above the end\n" },
	{ plain, W("--extra-opts=good@tests/lib/opts.ini", "-w", "2:1"), 3, "THING UNKNOWN - -w: bad range "
	    "\"2:1\": the start is above the end\n" },
	{ plain, W("--extra-opts=name@tests/lib/opts.ini"), 3, "THING UNKNOWN - --extra-opts: -c nosuch=5: there is no "
	    "measurement \"nosuch\"; there are: files, oldest, share | files=12345 oldest=14400s share=12.5%\n" },
	{ plain, W("--extra-opts=@/nonexistent/x.ini"), 3, "THING UNKNOWN - --extra-opts: open "
	    "/nonexistent/x.ini: No such file or directory\n" },
	/* the deadline, and a bug */
	{ late, W("-t", "100ms"), 2,
	    "THING CRITICAL - timed out after 100 ms while reading a 'slow' / (disk)\n" },
	{ late, W("-t", "100ms", "--json"), 2, "{\"check\":\"check_thing\",\"state\":\"CRITICAL\",\"text\":"
	    "\"timed out after 100 ms while reading a 'slow' / (disk)\",\"measurements\":{},"
	    "\"details\":[]}\n" },
	{ crash, NONE, 3,
	    "THING UNKNOWN - THING crashed, please report this bug; while adding up\n" },
};

/* Run one in a child: its output in out, its status as the result. */
static int
run(void (*f)(const char *const words[]), const char *const words[], char *out, size_t size)
{
	int fd[2], status;
	size_t n = 0;
	ssize_t k;
	pid_t pid;

	fflush(stdout);
	if (pipe(fd) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		f(words);
		_exit(99);
	}
	close(fd[1]);
	while ((k = read(fd[0], out + n, size - 1 - n)) > 0)
		n += (size_t)k;
	out[n] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
test_sizes(void)
{
	static const char *const words[] = NONE, *const json[] = W("--json");
	static char out[1 << 20];
	size_t line;

	is_int(run(many, words, out, sizeof out), 0, "many values and details");
	line = strcspn(out, "\n");
	ok(line > 800 && line < 1000, "the first line has %zu bytes", line);
	ok(strlen(out) > 8000 && strlen(out) <= 8192, "all has %zu bytes", strlen(out));
	ok(strstr(out, " measurement_number_000=1234567B ") != NULL, "values are whole");
	ok(strstr(out, "B v050=1234617B\n") != NULL || strstr(out, "B v050=1234617B ") != NULL,
	    "a short one found its place where longer ones had none");
	ok(strstr(out, "\n... and ") != NULL, "what was left out is told");
	is_int(run(many, json, out, sizeof out), 0, "the same as JSON");
	ok(strlen(out) < 200000 && strstr(out, " lines more\"]}\n") != NULL, "is whole");
	is_int(run(long_text, words, out, sizeof out), 1, "many findings");
	line = strcspn(out, "\n");
	ok(line < 500 && strstr(out, " ... | a=1\n") != NULL, "a long first line is cut before the data");
}

static void
test_help(void)
{
	static const char *const words[] = W("-h");
	static char out[1 << 16];

	is_int(run(known, words, out, sizeof out), 3, "-h exits with 3");
	ok(strstr(out, "\n  -w, --warning [NAME=]RANGE\n") != NULL, "help has the common options");
	ok(strstr(out, "\n  age                     the age [s]\n") != NULL, "and the measurements");
	for (char *l = out; *l != '\0'; l += strcspn(l, "\n") + 1)
		if (strcspn(l, "\n") > 80)
			ok(0, "a line of the help is too long: %.100s", l);
}

/* Started by a process that blocked the alarm. */
static void
deaf(const char *const words[])
{
	struct itimerspec end = { .it_value.tv_sec = 3 };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	timer_t timer;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGALRM);
	sigprocmask(SIG_BLOCK, &s, NULL);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &end, NULL);	/* so that a failure is no hang */
	late(words);
}

/* Started by a process that ignores its children: what a program's end says is learnt all the same. */
static void
childless(const char *const words[])
{
	static const char *const argv[] = { "/bin/sh", "-c", "exit 7", NULL };
	struct buf out = buf_new(100);
	struct err e = { "" };

	signal(SIGCHLD, SIG_IGN);
	begin(&bare, words);
	check_state(command_read(argv, &out, &e) ? CHECK_OK : CHECK_CRITICAL, "%s", e.text);
	check_done();
}

/* Nobody reads: the exit status is right all the same. */
static void
gone(const char *const words[])
{
	int fd[2];

	if (pipe(fd) != 0)
		abort();
	dup2(fd[1], STDOUT_FILENO);
	close(fd[0]);
	close(fd[1]);
	half(words);
}

int
main(void)
{
	static const char *const none[] = NONE, *const soon[] = W("-t", "100ms");
	static char out[1 << 16];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct timespec a, b;
		int status;

		clock_gettime(CLOCK_MONOTONIC, &a);
		status = run(cases[i].f, cases[i].words, out, sizeof out);
		clock_gettime(CLOCK_MONOTONIC, &b);
		is_int(status, cases[i].status, "exit status");
		is_str(out, cases[i].out, "answer");
		ok(b.tv_sec - a.tv_sec < 5, "in time");
	}
	test_sizes();
	test_help();
	is_int(run(gone, none, out, sizeof out), 2, "a closed pipe changes nothing");
	is_int(run(deaf, soon, out, sizeof out), 2, "a blocked alarm rings");
	is_int(run(childless, none, out, sizeof out), 2, "a program's exit status is known where children were ignored");
	is_str(out, "THING CRITICAL - /bin/sh failed with status 7\n", "and told");
	return done_testing();
}
