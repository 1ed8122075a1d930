/* flow.c - see flow.h. */
#include "flow/flow.h"

#include "flow/accounts.h"

#include "poison.h"

struct at {			/* where and when, and how often */
	struct flow *f;
	unsigned host;
	int64_t time, n;
	uint64_t line;
};

static inline int64_t
minute_of(const struct at *a)
{
	return a->time >= 0 ? a->time / 60 : -1;
}

static inline int64_t
hour_of(const struct at *a)
{
	return a->time >= 0 ? a->time / 3600 : -1;
}

static void
add(const struct at *a, enum metric m)
{
	tally_add(a->f->tally, a->host, minute_of(a), m, a->n);
}

/* It is one of those that stand for others. */
static void
show(const struct at *a, enum metric m, const struct event *e)
{
	specimens_offer(a->f->specimens, a->host, a->time, m, a->line, e);
}

/* Does the text of a refusal say more than its class? */
static bool
says_more(enum reason cls)
{
	return cls != REASON_dnsbl && cls != REASON_rhsbl && cls != REASON_unknown_rcpt &&
	    cls != REASON_relay_denied && cls != REASON_rdns;
}

/* A refusal: the total, its class, the list by name, and who it hit. */
static __attribute__((noinline)) void
refused(const struct at *a, const struct event *e)
{
	enum reason cls = e->cls != REASON_none ? e->cls : REASON_other;
	enum metric m = (e->kind == EV_REJECT ? metric_rej : metric_tmp)[cls];
	int64_t hour = hour_of(a);
	uint32_t n = (uint32_t)a->n;

	add(a, e->kind == EV_REJECT ? M_rej : M_tmp);
	add(a, m);
	show(a, m, e);
	if ((cls == REASON_dnsbl || cls == REASON_rhsbl) && e->sub.n > 0)
		tally_word(a->f->tally, a->host, minute_of(a), e->sub, a->n);
	if (e->kind == EV_TEMPFAIL && cls == REASON_greylist)
		return;		/* these come back: not the ones to look for */
	if (reason_blames(cls, e->kind == EV_TEMPFAIL))	/* else whoever came would be in it */
		tops_client(a->f->tops, a->host, hour, e->client_ip, n);
	if (says_more(cls))
		tops_reason(a->f->tops, a->host, hour, e->text, n);
	tops_domain(a->f->tops, a->host, hour, TOP_SENDER, e->from, n);
	if (e->to.n > 0)
		tops_domain(a->f->tops, a->host, hour, TOP_RCPT, e->to, n);
}

static enum reason
reason_of(const struct event *e)
{
	enum reason cls = event_reason(e);

	return cls != REASON_none ? cls : REASON_other;
}

/* What became of a recipient, and what a filter said: counted with the mail, shown from here. */
static void
show_of_mail(const struct at *a, const struct event *e)
{
	switch (e->kind) {
	case EV_DELIVERED:
		specimens_slow(a->f->specimens, a->host, a->time, a->line, e);
		tops_delay(a->f->tops, a->host, hour_of(a), e->relay, e->relay_loopback || e->to.n == 0 ?
		    SLICE("") : e->to, e->delay_ms, (uint32_t)a->n);
		break;
	case EV_DEFERRED:
		show(a, metric_defer[reason_of(e)], e);
		break;
	case EV_BOUNCED:
		show(a, metric_bounce[reason_of(e)], e);
		break;
	case EV_EXPIRED: show(a, M_expire, e); break;
	case EV_DSN_SENT: show(a, M_dsn, e); break;
	case EV_HELD: show(a, M_held, e); break;
	case EV_DISCARDED: show(a, M_discard, e); break;
	case EV_SPAM: show(a, M_spam, e); break;
	case EV_VIRUS: show(a, M_virus, e); break;
	case EV_BANNED: show(a, M_banned, e); break;
	default:
		break;
	}
}

static __attribute__((noinline)) void
list_found(const struct at *a, const struct event *e)
{
	bool tested = !slice_eq(e->stage, SLICE("untested"));
	const int64_t fact[CELL_FACTS] = {
		[CELL_FACT_TESTED] = tested, [CELL_FACT_ILL] = tested && !slice_eq(e->stage, SLICE("ok")),
		[CELL_FACT_TIMED] = e->timed, [CELL_FACT_US] = e->latency_us,
		[CELL_FACT_ASKED] = e->asked, [CELL_FACT_UNANSWERED] = e->asked - e->answered
	};

	tally_list(a->f->tally, a->host, minute_of(a), e->sub, fact, a->n);
}

/* Any event that is counted or shown here. */
static __attribute__((noinline)) void
counted_event(struct flow *f, unsigned host, uint16_t label, int64_t time, const struct event *e,
    uint32_t times, uint64_t line)
{
	uint32_t count = e->count > 0 ? e->count : 1;
	struct at a = { f, host, time, times, line };

	switch (e->kind) {
	case EV_INFO:
		if (e->sasl_user.n > 0)
			accounts_login(tally_accounts(f->tally), host, time, e, times);
		break;
	case EV_REJECT:
	case EV_TEMPFAIL:
		refused(&a, e);
		break;
	case EV_WARN_REJECT:
		add(&a, M_warn_rej);
		break;
	case EV_AUTH_OK:
		add(&a, e->mailbox ? M_login_ok : M_auth_ok);
		tops_add(f->tops, host, hour_of(&a), TOP_SASL, e->sasl_user, times);
		accounts_login(tally_accounts(f->tally), host, time, e, times);
		break;
	case EV_AUTH_FAIL:
		a.n *= count;
		add(&a, e->mailbox ? M_login_fail : M_auth_fail);
		show(&a, e->mailbox ? M_login_fail : M_auth_fail, e);
		if (e->sasl_user.n > 0)
			tops_add(f->tops, host, hour_of(&a), TOP_SASL, e->sasl_user, times);
		accounts_login(tally_accounts(f->tally), host, time, e, (uint32_t)a.n);
		return;
	case EV_TLS:
		add(&a, e->outbound ? M_tls_out : M_tls_in);
		return;
	case EV_TLS_FAIL:
		add(&a, M_tls_fail);
		return;
	case EV_LOST_CONN:
		if (!e->outbound && !e->screen)
			add(&a, M_lost);
		return;
	case EV_TIMEOUT:
		if (!e->outbound && !e->screen)
			add(&a, M_timeout);
		return;
	case EV_RATELIMIT:
		add(&a, M_ratelimit);
		return;
	case EV_SCREEN:
		if (slice_starts(e->sub, SLICE("pass")) || slice_eq(e->sub, SLICE("allowlisted")))
			add(&a, M_screen_pass);
		else if (slice_eq(e->sub, SLICE("hangup")))
			add(&a, M_screen_hangup);
		else
			add(&a, M_screen_bad);
		return;
	case EV_QWARN:
		add(&a, M_qwarn);
		return;
	case EV_FILTER_FAIL:
		add(&a, M_filter_fail);
		show(&a, M_filter_fail, e);
		tops_add(f->tops, host, hour_of(&a), TOP_FILTER, e->sub.n > 0 ? e->sub : e->service, times);
		return;
	case EV_LOG_LOSS:
		a.n *= count;
		add(&a, M_log_loss);
		return;
	case EV_DNSBL:
		list_found(&a, e);
		return;
	case EV_DSN_SENT:
		add(&a, M_dsn);
		break;
	case EV_DEFERRED:
	case EV_BOUNCED:
		if (e->relay.n > 0 && !slice_eq(e->relay, SLICE("none")))
			tops_add(f->tops, host, hour_of(&a), TOP_RELAY, e->relay, times);
		break;
	case EV_HELD:
		if (e->id.n == 0)
			add(&a, M_held);
		break;
	case EV_DISCARDED:
		if (e->id.n == 0)
			add(&a, M_discard);
		break;
	case EV_SPAM: case EV_VIRUS: case EV_BANNED:
		if (e->id.n == 0 && e->mid.n <= 2)	/* nothing says of which mail */
			add(&a, e->kind == EV_SPAM ? M_spam : e->kind == EV_VIRUS ? M_virus : M_banned);
		break;
	default:
		break;
	}
	show_of_mail(&a, e);
	track_event(f->track, host, label, time, e, times);
}

/* Half of all are of a mail alone, or of nothing that is counted. */
void
flow_event(struct flow *f, unsigned host, uint16_t label, int64_t time, const struct event *e,
    uint32_t times, uint64_t line)
{
	switch (e->kind) {
	case EV_CONNECT:
		if (e->screen || !e->loopback)
			tally_add(f->tally, host, time >= 0 ? time / 60 : -1, e->screen ? M_screened : M_conn,
			    times);
		track_event(f->track, host, label, time, e, times);
		break;
	case EV_DISCONNECT: case EV_CLIENT: case EV_NEW: case EV_PICKUP: case EV_MSGID: case EV_QUEUED:
	case EV_STARTED: case EV_REMOVED: case EV_RELEASED: case EV_LINK: case EV_HAM: case EV_PROBE:
	case EV_FILTERED: case EV_REDIRECTED: case EV_STATS:
		track_event(f->track, host, label, time, e, times);
		break;
	default:
		counted_event(f, host, label, time, e, times, line);
		break;
	}
}
