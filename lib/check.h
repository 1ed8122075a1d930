/* check.h - what every check_* program does: options, thresholds, deadline, answer.
 *
 *	check_begin("SPOOL");
 *	opt_parse(&program, argc, argv);	-w -c -t -v --json and their like are read here
 *	check_value("files", count, "");	the first is what a bare RANGE means
 *	check_done();
 *
 * Only here the answer is printed and the process ended, always with 0 to 3. The first line
 * has the worst first and the performance data, at most 1,000 bytes; all is at most 8,192.
 * Whatever is printed loses control characters, broken UTF-8, and "|", "<", ">" and "&". */
#ifndef MX_CHECK_H
#define MX_CHECK_H

#include <stdbool.h>

#include "buf.h"
#include "opt.h"
#include "slice.h"

/* In the order of their weight; the exit status is another matter. */
enum check_state { CHECK_OK, CHECK_UNKNOWN, CHECK_WARNING, CHECK_CRITICAL };

/* Call first. name stands at the front of the answer ("REJECTS"). The deadline of
 * 9 s runs from here on; opt_parse sets it to what -t says. */
void check_begin(const char *name);

/* A check whose -w and -c also know other words ("-c zen.example.org"): take says which it has
 * taken. Before opt_parse. */
void check_own_limits(bool (*take)(const char *text, bool critical));

/* What was measured: unit is "", "%", "s", "B", "c" or "/min". Compared with -w and -c of that name.
 * NAN means that it could not be measured and is UNKNOWN. Returns its state.
 * A program with a table of measures gives only values that stand in it. */
enum check_state check_value(const char *name, double value, const char *unit);

/* Words for the first line in place of "NAME VALUE", and what is to follow behind
 * the limit; for a value that was given already. after may be NULL. The first
 * value with words is also told when it is well. */
void check_words(const char *name, const char *after, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As check_value, but only shown and never judged, NAN included: too little was seen
 * for a verdict. Its limits count as used. */
void check_show(const char *name, double value, const char *unit);

/* check_value() of what is known; NAN, unknown, is shown: check_known() never judges it, it is no fault or has been
 * told; check_asked() does for whoever set a limit. */
void check_known(const char *name, double value, const char *unit);
void check_asked(const char *name, double value, const char *unit);

/* The worst that was found so far. */
enum check_state check_worst(void);

/* Would check_value() find it worse than OK? Nothing is said of it yet. */
bool check_would_ring(const char *name, double value, const char *unit);

/* Did the caller give -w or -c for this name? */
bool check_has_limit(const char *name);

/* The i-th name that -w and -c gave, each once; empty behind the last. For a check whose caller
 * names what is measured: one without a table of measures. */
struct slice check_limit_name(size_t i);

/* Something found without a threshold. OK: only told when nothing is worse. */
void check_state(enum check_state state, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One further line; and one that is printed only with -v (level 1 to 3). */
void check_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void check_verbose(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool check_is_verbose(int level);
bool check_is_json(void);
/* A further line with an address of the administrator's own in which "&" is kept. */
void check_link(const char *what, const char *url);

/* A member of the object that --json prints. json is valid JSON; it is copied. */
void check_extra(const char *name, struct slice json);

/* What is being done, for "timed out after 9 s while ..." */
void check_phase(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Until when, on CLOCK_MONOTONIC in seconds, work has to be done so that an answer is out within
 * -t: for a check that can say more than "timed out". */
double check_deadline(void);

/* Text from strangers for use in one of the above: cut at 200 bytes. It lives until
 * the eighth call after this one. */
const char *check_clean(struct slice s);

/* A number as quantity_people says it; it lives until the sixteenth call after this one. */
const char *check_people(double v, const char *unit);

/* UNKNOWN, and the end, where what an option names, a file or a folder, cannot be read; NULL is well. */
void check_readable(const char *what, const char *path);

/* Have check_done() call f before it prints. */
void check_before_done(void (*f)(void));

/* Print the answer and end: with what was found, or at once for trouble of our own. */
_Noreturn void check_done(void);
_Noreturn void check_unknown(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
