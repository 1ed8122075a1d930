/* postfix_misc.c - anvil's statistics, master's starts and stops, and the small daemons.
 *
 *	statistics: max connection rate 12/60s for (smtp:192.0.2.1) at Nov  3 16:00:12
 *	daemon started -- version 3.7.11, configuration /etc/postfix */
#include "dialect/postfix.h"

#include "poison.h"

/* "max connection rate 12/60s for (smtpd:192.0.2.1) at ...", "max cache size 3 at ..." */
int
pf_anvil(const struct pf_line *p, struct event *out)
{
	static const struct {
		struct slice head, stage;
	} stats[] = {
#define S(head, stage) { { head, sizeof(head) - 1 }, { stage, sizeof(stage) - 1 } }
		S("connection rate ", "conn_rate"), S("connection count ", "conn_count"),
		S("cache size ", "cache_size"), S("message rate ", "msg_rate"),
		S("recipient rate ", "rcpt_rate"), S("newtls rate ", "newtls_rate"),
		S("auth rate ", "auth_rate"), S("tlstrace rate ", "tlstrace_rate"),
#undef S
	};
	struct slice s = p->text, service;
	struct event *e = pf_event(out, EV_STATS, p);
	uint64_t n;

	if (!slice_eat(&s, SLICE("statistics: max ")))
		return -1;
	for (size_t i = 0; i < sizeof stats / sizeof stats[0]; i++)
		if (slice_eat(&s, stats[i].head)) {
			e->stage = stats[i].stage;
			break;
		}
	if (e->stage.n == 0 || !slice_u64(&s, &n) || n > UINT32_MAX)
		return -1;
	e->count = (uint32_t)n;
	e->text = s;
	/* the service may be "127.0.0.1:25" and the address have colons of its own: what
	 * follows the service's name begins behind the first colon after it */
	if (slice_cut_at(&s, SLICE(" for ("), &service) && slice_cut(&s, ')', &service)) {
		struct slice name, ip = service;

		if (!slice_cut(&ip, ':', &name))
			return 1;
		if (memchr(name.p, '.', name.n) != NULL)
			slice_cut(&ip, ':', &name);
		if (!slice_eq(ip, SLICE("unknown")))
			e->client_ip = ip;
	}
	return 1;
}

int
pf_master(const struct pf_line *p, struct event *out)
{
	static const struct slice news[] = {
#define N(head) { head, sizeof(head) - 1 }
		N("daemon started"), N("terminating on signal "), N("reload"),
		N("starting the Postfix"),
		N("stopping the Postfix"), N("refreshing the Postfix"),
		N("aborting the Postfix"),
		N("the Postfix mail system is "), N("rebuilding "), N("flushing "),
		N("logging to "),
#undef N
	};

	if (slice_starts_any(p->text, news, sizeof news / sizeof news[0]))
		return pf_info(p, out, REASON_none, SLICE(""));
	if (slice_starts(p->text, SLICE("waiting for the Postfix")) ||
	    slice_starts(p->text, SLICE("set-permissions")) ||
	    slice_starts(p->text, SLICE("postfix-script")) ||
	    slice_starts(p->text, SLICE("restarting ")) ||
	    slice_starts(p->text, SLICE("To disable")) ||
	    slice_starts(p->text, SLICE("Postfix is ")) ||
	    slice_starts(p->text, SLICE("See ")) ||
	    slice_starts(p->text, SLICE("Stopping postlogd")))
		return 0;
	return -1;
}

/* verify, scache, trivial-rewrite, proxymap, postdrop, sendmail, flush, tlsmgr ... */
int
pf_other(const struct pf_line *p, struct event *out)
{
	struct slice s = p->text;

	(void)out;
	if (slice_starts(s, SLICE("statistics: ")) || slice_starts(s, SLICE("cache ")) ||
	    slice_starts(s, SLICE("starting TLS")) || slice_starts(s, SLICE("open smtp")) ||
	    slice_starts(s, SLICE("close ")) || slice_starts(s, SLICE("open ")) ||
	    slice_starts(s, SLICE("exiting to reopen ")))
		return 0;
	return -1;
}
