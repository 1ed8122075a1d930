/* opt.h - options: one row is the option, its limits, its help and its manual.
 *
 *	static const char *dir = "/var/spool/postfix";
 *	static int64_t limit = 1000;
 *	static const struct opt opts[] = {
 *		{ 'd', "dir", OPT_STRING, &dir, "DIR", "spool folder to look at" },
 *		{ 0, "limit", OPT_INT, &limit, "N", "stop after N files", .min = 1, .max = 1e6 },
 *		{ 0 }
 *	};
 *
 * The variable's value at the start is the default, and the help says so. Read are
 * "-d X", "-dX", "--dir X", "--dir=X", clustered flags, options behind operands, and "--".
 * -H is --host and --hostname, too, whatever its row calls it.
 * What is wrong ends the program with one sentence: a tool with status 2 on stderr, a
 * check as UNKNOWN on stdout (check.h sees to that). -h --help, -V --version, --man
 * (the manual page as troff) and --completion (for bash) are every program's. */
#ifndef MX_OPT_H
#define MX_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Rows and programs leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum opt_type {
	OPT_FLAG = 1,	/* bool: becomes true */
	OPT_COUNT,	/* int: one more each time, up to max */
	OPT_STRING,	/* const char * */
	OPT_CHOICE,	/* const char *: one of the words of arg, "png|svg" */
	OPT_LIST,	/* struct opt_list: may be given more than once */
	OPT_INT,	/* int64_t */
	OPT_DURATION,	/* double, in seconds: "500ms", "15m", "8d", "90" */
	OPT_TIME,	/* int64_t, UTC epoch: see when.h */
	OPT_HELP, OPT_VERSION, OPT_MAN, OPT_COMPLETION	/* opt.c's own */
};

struct opt_list {
	const char **v;
	size_t n;
	size_t of_file;		/* the first so many stood in the file of --extra-opts */
};

struct opt {
	char letter;		/* 0: none */
	const char *name;	/* the long name; NULL ends a table */
	enum opt_type type;
	void *to;
	const char *arg;	/* what help calls the argument; "[=X]" if it may be left out (a long name's; "" then) */
	const char *help;
	double min, max;	/* of OPT_INT, OPT_COUNT, OPT_DURATION; both 0: no limits */
	bool empty;		/* its argument may be empty; others' would be a variable that is not set */
};

/* What a check measures: the names that -w and -c know. The first is the one that
 * a bare RANGE means. A table ends with a row of zeros. */
struct measure {
	const char *name, *unit, *help;
	const char *warn, *crit;	/* ranges that hold until -w or -c name others; NULL: none */
	bool least;	/* a number alone is the least that is well: "21d" is "21d:" */
	bool most;	/* it may be below 0, and that is well: "50/min" is "~:50/min" */
	const char *in_full;	/* numbers but 0 need their unit, as in this; NULL: without one they are in the measure's */
};

/* A sub-command. run gets the operands alone (argv[0] is the first of them) and
 * returns the exit status. */
struct command {
	const char *name, *summary;
	const char *args;	/* operands as help shows them: "FILE...", "[FILE...]", "ID";
				 * NULL: none. How many are required follows from it. */
	const struct opt *opts;
	int (*run)(int argc, char **argv);
	const char *about;	/* description; paragraphs are separated by an empty line */
	const char *examples;	/* command lines, and indented by nothing; "# " begins a remark */
	const char *needs;	/* the options without which it does nothing, as help shows them: "--out DIR" */
};

struct program {
	const char *name, *summary;
	const char *about;		/* as in struct command */
	const struct opt *opts;
	const char *args;
	const char *examples;
	const struct measure *measures;	/* a check's */
	const struct command *commands;	/* a tool's; ends with a row of zeros */
	const char *exit_status;	/* NULL: the usual sentences */
	const char *needs;		/* as in struct command */
};

/* Fill the variables of p->opts. Returns the number of operands, which were moved to
 * argv[1] and on. Ends the program for --help and the like, and for errors. */
int opt_parse(const struct program *p, int argc, char **argv);

/* The main of a tool with sub-commands: "NAME CMD ...", "NAME help [CMD]",
 * "NAME CMD --help". Returns what the command's run returned. */
int opt_commands(const struct program *p, int argc, char **argv);

/* End the program over something wrong in its command line that the rows
 * cannot say (two options that exclude each other). */
_Noreturn void opt_fail(const struct program *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same where one of n names, which are to be compared with each other or added up, is given twice: by strcmp() or
 * strcasecmp(). */
void opt_each_once(const struct program *p, const char *const *names, size_t n,
    int (*compare)(const char *, const char *));

/* How a kind of program behaves, set before opt_parse; tools need none. */
struct opt_manner {
	const struct opt *common;	/* rows that every such program has */
	const char *exit_status;	/* for the manual */
	bool extra_opts;		/* --extra-opts is expanded first */
	int help_status;		/* of --help, --version and --man */
	void (*begin)(const struct program *p, int argc, char **argv);	/* nothing is read yet; again when extra_opts are in argv */
	void (*fail)(const struct program *p, const char *sentence);	/* does not return */
	void (*ready)(const struct program *p);		/* all options are read */
};
void opt_set_manner(const struct opt_manner *m);

/* The help (plain text, 80 columns) and the manual page (troff) of a program with
 * the rows of its manner. */
void opt_help(struct buf *b, const struct program *p, const struct opt_manner *m);
void opt_man(struct buf *b, const struct program *p, const struct opt_manner *m);
/* What bash has to read to complete its options, their choices and what it measures. */
void opt_completion(struct buf *b, const struct program *p, const struct opt_manner *m);

/* The rows of -h, -V, --man and --completion. */
extern const struct opt opt_own[];

/* Of the rows' names and other words, the one that word probably meant; NULL if none is near.
 * Words are given one after the other; *best starts with { 0 }. */
struct opt_near {
	const char *word;
	unsigned distance;
};
void opt_near(struct opt_near *best, const char *typed, const char *word);

#endif
