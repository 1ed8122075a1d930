/* dnsbl_log.c - see dnsbl_log.h.
 *
 * syslog(3) tells nobody when it fails; that there is no socket is all that can be known. */
#include "dnsbl_log.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "dnsbl_judge.h"

#include "poison.h"

enum { ZONE_BYTES = 200, KEY_BYTES = 20 };

#define SOCKET "/dev/log"

struct questions {
	unsigned asked, answered;
	double slowest_s;
};

static void
count(struct questions *q, const struct dnsbl_reply *of)
{
	q->asked += of->asked;
	if (!of->asked || !dnsbl_answers(of))
		return;
	q->answered++;
	q->slowest_s = of->took_s > q->slowest_s ? of->took_s : q->slowest_s;
}

/* Less a customer's key, as refusals are counted (dialect/reason.c). */
static struct slice
public_zone(struct slice zone)
{
	struct slice rest = zone, first;

	return slice_cut(&rest, '.', &first) && first.n >= KEY_BYTES && slice_has(rest, SLICE(".")) ? rest : zone;
}

static void
put_ms(struct buf *b, const char *name, double s)
{
	if (isnan(s))
		buf_fmt(b, " %s=-", name);
	else
		buf_fmt(b, " %s=%.1f", name, s * 1e3);
}

void
dnsbl_log_line(struct buf *b, const struct dnsbl_run *r, const struct dnsbl_list *l)
{
	struct slice zone = public_zone(slice_of(l->zone));
	const struct dnsbl_reply *const health[] = { &l->test, &l->test6, &l->clean, &l->random, &l->soa, &l->ns };
	struct questions q = { .slowest_s = 0 };
	size_t listed = 0, of = 0;
	struct dnsbl_found f;

	if (zone.n > ZONE_BYTES)
		return;
	for (size_t i = 0; i < sizeof health / sizeof *health; i++)
		count(&q, health[i]);
	for (size_t i = 0; i < r->targets; i++) {
		if (!l->of[i].asked)
			continue;
		count(&q, &l->of[i]);
		dnsbl_find(l, i, &f);
		listed += f.verdict == DNSBL_IS_LISTED;
		of++;
	}
	buf_fmt(b, "list=%.*s health=%s", (int)zone.n, zone.p, dnsbl_health_name[l->health]);
	put_ms(b, "latency_ms", l->latency_s);
	put_ms(b, "slowest_ms", q.answered > 0 ? q.slowest_s : (double)NAN);
	buf_fmt(b, " asked=%u answered=%u listed=%zu of=%zu", q.asked, q.answered, listed, of);
}

bool
dnsbl_log(const struct dnsbl_run *r, struct err *e)
{
	enum dnsbl_resolver resolver = dnsbl_resolver(r);

	if (access(SOCKET, W_OK) != 0)
		return err_set(e, "--log: " SOCKET ": %s", strerror(errno));
	openlog("check_dnsbl", LOG_PID, LOG_MAIL);
	if (resolver != DNSBL_RESOLVES)
		syslog(LOG_WARNING, "resolver health=%s lists=%zu", resolver == DNSBL_MUTE ? "mute" : "lies",
		    r->lists);
	for (size_t i = 0; resolver == DNSBL_RESOLVES && i < r->lists; i++) {
		struct buf b = buf_new(DNSBL_LINE_BYTES);

		dnsbl_log_line(&b, r, &r->list[i]);
		if (b.n > 0 && !b.full)
			syslog(LOG_INFO, "%s", b.p);
		buf_free(&b);
	}
	closelog();
	return true;
}
