/* dnsbl_judge.h - what the answers of block lists mean: for a list, and for an address on it.
 *
 * A listing counts only where the list was found to answer truthfully in the same run, all that it
 * answered lies inside 127/8, and the table knows the code. */
#ifndef MX_DNSBL_JUDGE_H
#define MX_DNSBL_JUDGE_H

#include "dnsbl_ask.h"

enum dnsbl_verdict { DNSBL_CLEAN, DNSBL_NOT_KNOWN, DNSBL_IS_LISTED };	/* the worst last */

extern const char *const dnsbl_verdict_name[], *const dnsbl_health_name[];

/* Fill health, why and latency_s of each list. */
void dnsbl_judge(struct dnsbl_run *r);
/* Was it answered, be it by "no such name"? */
bool dnsbl_answers(const struct dnsbl_reply *reply);
/* Is that the health of a list on which nobody should rely? */
bool dnsbl_is_ill(enum dnsbl_health h);

/* What the questions to all lists say of the resolver, after dnsbl_judge(). One that is mute gave no
 * answer at all; one that lies answers for names that nobody has. Of lists they say nothing. */
enum dnsbl_resolver { DNSBL_RESOLVES, DNSBL_LIES, DNSBL_MUTE };
enum dnsbl_resolver dnsbl_resolver(const struct dnsbl_run *r);

struct dnsbl_found {
	enum dnsbl_verdict verdict;
	bool strange;		/* a code that the table does not know, or that is no list's */
	double weight;		/* of the heaviest code; 0 unless listed */
	char words[300];	/* "127.0.0.4 XBL", or why it is not known; not cleaned */
};
void dnsbl_find(const struct dnsbl_list *l, size_t target, struct dnsbl_found *f);

/* Does a use take what the list answers to everybody for a listing? */
bool dnsbl_use_hit(const struct dnsbl_list *l, const struct dnsbl_use *u);

#endif
