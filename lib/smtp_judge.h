/* smtp_judge.h - what a check says about dialogues with mail servers: its findings, values,
 * lines and JSON. */
#ifndef MX_SMTP_JUDGE_H
#define MX_SMTP_JUDGE_H

#include <stdbool.h>

#include "check.h"
#include "smtp_targets.h"

struct smtp_judge {
	bool greylist_ok;	/* a greylist's refusal is well */
	int tls_min;		/* 10 to 13; an older version is WARNING */
};

/* Tell check.h all about t, which has run: each phase (the slowest server's), the worst server
 * first, a line for each and a member "targets" of the JSON. The check's table of
 * measures has the phases, p50, p95, max, cert and cert_left. */
void smtp_judge(const struct smtp_judge *j, struct smtp_targets *t);

#endif
