/* cell.h - what is counted in one minute (or hour) of one host.
 *
 * A cell is sparse: most of some 170 metrics are zero in most minutes. Counts may
 * be negative as corrections; what is stored is the sum of all corrections. */
#ifndef MX_CELL_H
#define MX_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "hist.h"
#include "metric.h"
#include "slice.h"

/* What a pair's key means besides the metrics. */
enum {
	CELL_METRIC = 0,		/* + enum metric, by the state's own numbering */
	CELL_DELAY = 4096,		/* + bucket: delay of final deliveries */
	CELL_LIST = 5120,		/* cell_list(): how check_dnsbl found a DNSBL */
	CELL_DELAY_TOTAL = 8192,	/* + bucket: the whole way through a filter */
	CELL_DELAY_PARTS = 10240,	/* + part * HIST_PART_N + coarse bucket: see hist_part() */
	/* of hours alone, how many lines a program brought, and how many of them were not understood: */
	CELL_PROGRAM = 12288,		/* + program number */
	CELL_UNKNOWN = 14336,		/* + program number */
	CELL_WORD = 16384,		/* + word number: a DNSBL zone */
	CELL_HOP = 32768		/* + any of the above: so much of it is not the farm's, since
					 * another of its hosts has it too (cell_whose()) */
};

/* What is counted of a block list's health, of the first CELL_LISTS words. */
enum cell_fact {
	CELL_FACT_TESTED,		/* runs that found out whether it is healthy */
	CELL_FACT_ILL,		/* of those, how often it was not */
	CELL_FACT_TIMED,		/* runs in which it answered what no cache can know */
	CELL_FACT_US,		/* how long that took, in microseconds, all of them together */
	CELL_FACT_ASKED,		/* questions */
	CELL_FACT_UNANSWERED,	/* those without an answer */
	CELL_FACTS
};
enum { CELL_LISTS = 512 };

static inline uint32_t
cell_list(enum cell_fact fact, uint32_t word)
{
	return CELL_LIST + (uint32_t)fact * CELL_LISTS + word;
}

struct cell_pair {
	uint32_t key;
	int64_t n;
};

/* Pairs sorted by key, none with n == 0. */
struct cell {
	struct cell_pair *pair;
	uint32_t n, cap;
};

void cell_free(struct cell *c);
void cell_clear(struct cell *c);
void cell_add(struct cell *c, uint32_t key, int64_t n);
int64_t cell_get(const struct cell *c, uint32_t key);
/* sum += c */
void cell_merge(struct cell *sum, const struct cell *c);
/* sum += c * times */
void cell_merge_times(struct cell *sum, const struct cell *c, int64_t times);
/* Many cells added up, in a third of the time of as many cell_merge(). All zero is nothing yet. */
enum { CELL_SUM_KEYS = 128, CELL_SUM_PAGES = 2 * CELL_HOP / CELL_SUM_KEYS };
struct cell_sum {
	int64_t *page[CELL_SUM_PAGES];	/* counts by key */
	struct cell rest;		/* of keys beyond: of damaged cells alone */
};
void cell_sum_add(struct cell_sum *s, const struct cell *c);
/* The same of an encoded cell, of its keys below that one. False if it is damaged, and part of it was added. */
bool cell_sum_blob(struct cell_sum *s, struct slice blob, uint64_t below);
/* sum += *s, which is nothing then. */
void cell_sum_end(struct cell_sum *s, struct cell *sum);
/* What gauge m was in the time of c: the mean of its samples. NAN: there was none. */
double cell_gauge(const struct cell *c, enum metric m);
/* sum += c, another host's of the same minute: the gauges of sum are those of the hosts together. */
void cell_join(struct cell *sum, const struct cell *c);
/* Append c to b, and take one back. False if it is damaged. */
void cell_encode(struct buf *b, const struct cell *c);
bool cell_decode(struct slice s, struct cell *c);
/* The same of the keys below that one; what is behind them is not looked at. */
bool cell_decode_below(struct slice s, uint64_t key, struct cell *c);
/* Make of a host's cell, or of a sum of several hosts', what the farm has of it: less the hops
 * inside it. Or, not farm, leave the hops out: that is what the host itself did. */
void cell_whose(struct cell *c, bool farm);
/* One fact of a word divided by another: CELL_FACT_US by CELL_FACT_TIMED is the mean latency. NAN: the
 * second is 0, or there is no room for that word. */
double cell_list_share(const struct cell *c, enum cell_fact of, enum cell_fact by, uint32_t word);
/* hist_quantile() of the histogram that begins at key base, which need not be unpacked; of 1: hist_max(). */
double cell_quantile(const struct cell *c, uint32_t base, double q);
/* The histogram that begins at key base. */
void cell_hist(const struct cell *c, uint32_t base, struct hist *h);
/* That of one part of the delay: 0 before the queue, 1 in it, 2 connection, 3 transmission. */
void cell_hist_part(const struct cell *c, unsigned part, struct hist *h);

#endif
