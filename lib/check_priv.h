/* check_priv.h - between check.c, check_out.c and check_alarm.c; nobody else's. */
#ifndef MX_CHECK_PRIV_H
#define MX_CHECK_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "check.h"
#include "range.h"

struct check_measured {
	const char *name, *unit;
	double value;
	bool has_warn, has_crit;
	struct range warn, crit;
	enum check_state state;
	char *words, *after;	/* NULL: none */
};

struct check_finding {
	enum check_state state;
	char *text;
};

/* Everything that was said, until check_done. */
struct check_answer {
	const char *name;	/* "REJECTS" */
	const char *program;	/* "check_reject_ratio" */
	enum check_state state;
	struct check_measured *value;
	size_t values;
	struct check_finding *finding;
	size_t findings;
	char **detail;		/* clean already */
	size_t details;
	struct buf extra;	/* ,"name":json ... */
};

/* The whole output, newline included. */
void check_out_text(struct buf *b, const struct check_answer *a);
void check_out_json(struct buf *b, const struct check_answer *a);

/* The text with everything taken out that could harm a page, a shell or a line;
 * at most max bytes. The caller frees it. */
char *check_out_clean(struct slice s, size_t max, bool keep_ampersand);

int check_state_exit(enum check_state s);

/* The deadline, in seconds from now, and the answer when it passes. program NULL: text,
 * else JSON. Also answers UNKNOWN when the program crashes. */
void check_alarm_arm(const char *name, const char *program, double seconds);
/* text is clean. */
void check_alarm_phase(const char *text);
/* The answer is on its way: when the deadline passes now, just end with status. */
void check_alarm_answering(int status);

#endif
