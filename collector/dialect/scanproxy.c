/* scanproxy.c - small content filters: clamsmtpd, spampd, DSPAM, bogofilter.
 *
 *	clamsmtpd: 100000: from=a@example.net, to=b@example.org, status=CLEAN
 *	clamsmtpd: 100001: from=a@example.net, to=b@example.org, status=VIRUS:Eicar-Test-Signature
 *	clamsmtpd: 100002: CLAMAV: couldn't connect to: /run/clamav/clamd.ctl: No such file or directory
 *	spampd: identified spam <1@example.net> (9.10/5.00) from <a@example.net> for <b@example.org>
 *	    in 1.20s, 2345 bytes.
 *	dspam: spam detected from 192.0.2.1
 *	bogofilter: X-Bogosity: Spam, spamicity=0.999, version=1.2.5
 *	amavisd-milter: 3FQm21Xz3z: could not connect to amavisd socket /run/amavis.sock: Connection refused
 *	spamass-milter: Thrown error: connection refused
 * The last two hand mail to amavis and spamd, which have its verdict; what they say is that these do not answer.
 * clamsmtpd 1.10 (and proxsmtpd, which is made of it), spampd 2.3 to 2.6, DSPAM 3, bogofilter 1, amavisd-milter 1.7,
 * spamass-milter 0.4. None names a queue id with a verdict, and spampd alone a Message-ID: the others' verdicts count
 * as they stand. Addresses and Message-ID are a stranger's: what kind of line it is stands in front of them, or
 * behind. */
#include "dialect/filter.h"
#include "dialect/helper.h"

#include "poison.h"

static bool
is_clamsmtp(struct slice tag)
{
	return slice_eq(tag, SLICE("clamsmtpd")) || slice_eq(tag, SLICE("proxsmtpd"));
}

static bool
is_milter(struct slice tag)
{
	return slice_eq(tag, SLICE("amavisd-milter")) || slice_eq(tag, SLICE("spamass-milter"));
}

static bool
claims(const struct line *l)
{
	return is_clamsmtp(l->tag) || slice_eq(l->tag, SLICE("spampd")) ||
	    slice_eq(l->tag, SLICE("dspam")) || slice_eq(l->tag, SLICE("bogofilter")) || is_milter(l->tag);
}

/* "from=F, to=T, status=S": S is the filter's and stands last. */
static int
clamsmtp_status(struct slice s, struct event *out)
{
	struct slice status = s, to, from;
	struct event *e = filter_event(out, EV_INFO, slice_head(s, 0));

	if (!slice_rcut_at(&status, SLICE(", status="), &to) || !slice_rcut_at(&to, SLICE(", to="), &from) ||
	    !slice_eat(&from, SLICE("from=")))
		return -1;
	e->from = from;
	e->to = to;
	if (slice_eat(&status, SLICE("VIRUS:")))
		e->kind = EV_VIRUS;
	else if (slice_eq(status, SLICE("CLEAN")))
		e->kind = EV_HAM;
	e->sub = status;
	return 1;
}

static bool
is_hex(struct slice s)
{
	size_t n = 0;

	while (n < s.n && (slice_is_digit(s.p[n]) || (s.p[n] >= 'A' && s.p[n] <= 'F')))
		n++;
	return n > 0 && n == s.n;
}

/* "1308A0: TEXT", of connection 1308A0 */
static int
clamsmtp(struct slice s, struct event *out)
{
	static const char *const talk[] = { "accepted connection from: ", "closed connection",
		"CLIENT: ", NULL };
	static const char *const broken[] = { "CLAMAV: ", "SERVER: ", "clamav error: ", "clamd ", "couldn't ",
		"unexpected response from clamd", "unexepected response from clamd", "server ", "out of memory",
		"too many connections open ", "threading problem", NULL };
	struct slice number, text = s;

	if (!slice_cut_at(&text, SLICE(": "), &number) || !is_hex(number)) {
		if (filter_begins(s, broken))
			return filter_trouble(out, EV_FILTER_FAIL, SLICE("clamsmtpd"), s);
		return -1;
	}
	if (slice_starts(text, SLICE("from=")))
		return clamsmtp_status(text, out);
	if (filter_begins(text, broken))
		return filter_trouble(out, EV_FILTER_FAIL, SLICE("clamsmtpd"), text);
	return filter_begins(text, talk) ? 0 : -1;
}

/* "<1@example.net> (9.10/5.00) from <F> for <T> in 1.20s, 2345 bytes.", with "(unknown)" in place of
 * the Message-ID. Where "> (" is there twice it could end in two places, and is none. */
static int
spampd_verdict(struct slice s, enum event_kind kind, struct event *out)
{
	static const struct slice end = { "> (", 3 };
	struct event *e = filter_event(out, kind, SLICE("spampd"));
	struct slice rest = s, mid;

	if (!slice_eat(&rest, SLICE("(unknown) ("))) {
		if (!slice_starts(s, SLICE("<")) || !slice_cut_at(&rest, end, &mid))
			return -1;
		if (slice_has(rest, end))
			return 1;
		e->mid = slice_head(s, mid.n + 1);
	}
	(void)slice_cut(&rest, '/', &e->text);
	return 1;
}

static int
spampd(struct slice s, struct event *out)
{
	static const char *const talk[] = { "rules hit for ", "skipped large message", "processing message ",
		NULL };
	static const char *const broken[] = { "WARNING!! ", "ERROR", NULL };

	if (slice_eat(&s, SLICE("identified spam ")))
		return spampd_verdict(s, EV_SPAM, out);
	if (slice_eat(&s, SLICE("clean message ")))
		return spampd_verdict(s, EV_HAM, out);
	if (filter_begins(s, broken))
		return filter_trouble(out, EV_FILTER_FAIL, SLICE("spampd"), s);
	return filter_begins(s, talk) || helper_is_net_server(s) ? 0 : -1;
}

static int
dspam(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_HAM, SLICE("dspam"));

	if (slice_eat(&s, SLICE("spam detected from ")))
		e->kind = EV_SPAM;
	else if (slice_eat(&s, SLICE("infected message from ")))
		e->kind = EV_VIRUS;
	else if (!slice_eat(&s, SLICE("innocent message from ")))
		return -1;
	if (scan_is_ip(s))
		e->client_ip = s;
	return 1;
}

/* "X-Bogosity: Ham, tests=bogofilter, spamicity=0.000, version=1.2.5", by -l */
static int
bogofilter(struct slice s, struct event *out)
{
	struct event *e = filter_event(out, EV_HAM, SLICE("bogofilter"));
	struct slice head;

	if (!slice_eat(&s, SLICE("X-Bogosity: ")))
		return slice_starts(s, SLICE("register-")) ? 0 : -1;
	if (slice_starts(s, SLICE("Spam")))
		e->kind = EV_SPAM;
	else if (slice_starts(s, SLICE("Unsure")))
		e->kind = EV_INFO;
	else if (!slice_starts(s, SLICE("Ham")))
		return -1;
	if (slice_cut_at(&s, SLICE("spamicity="), &head))
		e->text = slice_head(s, slice_until(s, ',', ' '));
	return 1;
}

/* They say nothing else unless told to debug. */
static int
milter(struct slice tag, struct slice s, struct event *out)
{
	static const char *const talk[] = { "Could not retrieve sendmail macro ", NULL };
	static const char *const broken[] = { "could not ", "Could not ", "Cannot ", "Failed to ", "Thrown error: ",
		"popenv failed", "error. ", "maximum size of amavisd ", "amavisd communication buffer is too big",
		"Content scanner malfunction", "tried output despite problems", "poll says my ", NULL };
	struct slice id;

	(void)helper_take_id(&s, &id);
	if (filter_begins(s, talk))
		return 0;
	if (filter_begins(s, broken))
		return filter_trouble(out, EV_FILTER_FAIL, tag, s);
	/* libmilter, of the MTA; else it is debugging, which holds what strangers say */
	if ((slice_starts(s, tag) || slice_starts(s, SLICE("SpamAssassin"))) &&
	    (slice_has(s, SLICE("mi_rd_cmd: ")) || helper_is_trouble(s)))
		return filter_trouble(out, EV_QWARN, tag, s);
	return 0;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	if (is_clamsmtp(l->tag))
		return filter_answer(l, out, clamsmtp(l->text, out));
	if (slice_eq(l->tag, SLICE("spampd")))
		return filter_answer(l, out, spampd(l->text, out));
	if (slice_eq(l->tag, SLICE("bogofilter")))
		return filter_answer(l, out, bogofilter(l->text, out));
	if (is_milter(l->tag))
		return filter_answer(l, out, milter(l->tag, l->text, out));
	return filter_answer(l, out, dspam(l->text, out));
}

const struct dialect dialect_scanproxy = { .name = "scanproxy", .claims = claims, .parse = parse };
