/* greylist.c - greylisting: postgrey, milter-greylist, SQLgrey, gld, greylistd.
 *
 *	postgrey 1.3x:		[ID: ]action=greylist, reason=new, client_name=m.example.net,
 *				    client_address=192.0.2.7, sender=a@example.net, recipient=c@example.org
 *	milter-greylist 2.x-4.x: ID: addr m.example.net[192.0.2.7] from <a@example.net> to
 *				    <c@example.org> delayed for 00:05:00 (ACL 12)
 *	SQLgrey 1.6-1.8:	grey: new: 192.0.2(192.0.2.7), a@example.net -> c@example.org
 *	gld 1.7:		Greylist activated for recipient=<..> sender=<..> ip=<..>
 *	greylistd 0.9		writes troubles alone
 * All are answers that the MTA logs again (450 ... Greylisted), so they are information.
 * SQLgrey and gld join addresses with what an address may hold; those fields are a guess. */
#include "dialect/helper.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	struct slice t = scan_base(l->tag);

	return slice_starts(t, SLICE("postgrey")) || slice_eq(t, SLICE("milter-greylist")) ||
	    slice_eq(t, SLICE("sqlgrey")) || slice_eq(t, SLICE("gld")) ||
	    slice_eq(t, SLICE("greylistd"));
}

/* "triplet found, delay=301": how long the client had to wait. */
static void
take_delay(struct event *e)
{
	struct slice rest = e->text, reason;
	uint64_t s;

	if (!slice_rcut_at(&rest, SLICE(", delay="), &reason) || !slice_u64(&rest, &s) ||
	    rest.n > 0)
		return;
	e->text = reason;
	e->delay_ms = s < 1000000000 ? (int64_t)s * 1000 : -1;
}

static int
postgrey_action(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice name, ip;

	e->id = id;
	if (!slice_cut_at(&s, SLICE(", reason="), &e->sub) ||
	    (!slice_eq(e->sub, SLICE("greylist")) && !slice_eq(e->sub, SLICE("pass"))) ||
	    !slice_cut_at(&s, SLICE(", client_name="), &e->text) ||
	    !slice_cut_at(&s, SLICE(", client_address="), &name))
		return -1;
	take_delay(e);
	if (!slice_cut_at(&s, SLICE(", "), &ip))
		ip = s, s.n = 0;
	helper_client(ip, e);
	if (!slice_eq(name, SLICE("unknown")))
		e->client_name = name;
	e->from = slice_head(s, 0);	/* a null sender is left out */
	if (slice_eat(&s, SLICE("sender="))) {
		if (!slice_rcut_at(&s, SLICE(", recipient="), &e->from))
			e->from = s, s.n = 0;
	} else {
		(void)slice_eat(&s, SLICE("recipient="));
	}
	e->to = s;
	return 1;
}

static int
postgrey(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice talk[] = {
		H("cleaning "), H("rm "), H("HUP received"), H("Exiting!"),
		H("correcting date for first seen"), H("postgrey "),
	};
#undef H
	struct slice id = { 0 };
	struct event *e;

	(void)helper_take_id(&s, &id);
	if (slice_eat(&s, SLICE("action=")))
		return postgrey_action(s, id, out);
	if (slice_eat(&s, SLICE("whitelisted: "))) {
		helper_says(out, EV_INFO, SLICE("whitelisted"), slice_head(s, 0));
		e = &out[0];
		helper_client(s, e);
		return 1;
	}
	if (slice_starts(s, SLICE("delayed ")))	/* before 1.28 */
		return helper_says(out, EV_INFO, SLICE("delayed"), s);
	if (slice_starts(s, SLICE("FATAL: ")) || slice_starts(s, SLICE("fatal: ")) ||
	    slice_starts(s, SLICE("ERROR: ")))
		return helper_says(out, EV_FILTER_FAIL, SLICE("postgrey"), s);
	if (slice_starts(s, SLICE("WARNING: ")) || slice_starts(s, SLICE("warning: ")) ||
	    slice_starts(s, SLICE("unrecognized request type: ")) ||
	    slice_starts(s, SLICE("ignoring garbage: ")))
		return helper_says(out, EV_QWARN, SLICE("postgrey"), s);
	return slice_starts_any(s, talk, sizeof talk / sizeof talk[0]) ? 0 : -1;
}

/* "addr m.example.net[192.0.2.7] from <a> to <c> delayed for 00:05:00" */
static int
milter_greylist_addr(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice peer;

	e->id = id;
	if (!slice_cut(&s, ' ', &peer) || !slice_eat(&s, SLICE("from ")) ||
	    !helper_take_address(&s, &e->from))
		return -1;
	if ((slice_eat(&s, SLICE("to ")) || slice_eat(&s, SLICE("rcpt "))) &&
	    !helper_take_address(&s, &e->to))
		return -1;
	(void)slice_eat(&s, SLICE(": "));
	if (e->to.n > 0 && e->to.p[e->to.n - 1] == ':')
		e->to.n--;
	helper_client(peer, e);
	e->text = s;
	if (slice_starts(s, SLICE("delayed"))) {
		e->sub = SLICE("greylist");
	} else if (slice_starts(s, SLICE("blacklisted"))) {
		e->sub = SLICE("reject");
	} else if (slice_starts(s, SLICE("autowhitelisted entry expired"))) {
		e->kind = EV_INFO;
		e->sub = SLICE("whitelist_expired");
	} else if (slice_starts(s, SLICE("autowhitelisted"))) {
		e->sub = SLICE("pass");
	} else {
		return -1;
	}
	return 1;
}

/* "skipping greylist because WHY, (from=<a>, rcpt=<c>, addr=m.example.net[192.0.2.7]) ACL 5" */
static int
milter_greylist_skip(struct slice s, struct slice id, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice tail = s, v;

	e->id = id;
	e->sub = SLICE("pass");
	e->text = s;
	if (!slice_rcut_at(&tail, SLICE("(from="), &v))
		return 1;
	(void)slice_rcut_at(&v, SLICE(", "), &e->text);
	if (slice_rcut_at(&tail, SLICE(", addr="), &v)) {
		struct slice peer;

		if (slice_cut(&tail, ')', &peer))
			helper_client(peer, e);
		tail = v;
	}
	if (slice_rcut_at(&tail, SLICE(", rcpt="), &v)) {
		if (!scan_address(&tail, &e->to))
			e->to = tail;
		if (!scan_address(&v, &e->from))
			e->from = v;
	}
	return 1;
}

static int
milter_greylist(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice talk[] = {
		H("Final database dump"), H("reloading "), H("starting"), H("config file "),
		H("smfi_main() returned 0"), H("failed resolving "), H("Connection to "),
		H("Incoming MX sync connection from "), H("ratelimit overflow for class "), H("p0f "),
		H("Unexpected p0f status "), H("milter-greylist-"), H("Version: "), H("fopen_ext: "),
		H("fclose_ext: "), H("fdopen_ext: "), H("Access list dump:"), H("racl "), H("dacl "),
	};
#undef H
	struct slice id = { 0 };

	if (!slice_eat(&s, SLICE("(unknown id): ")))
		(void)helper_take_id(&s, &id);
	if (slice_starts(s, SLICE("addr ")) && slice_has(s, SLICE(" flushed, removed ")))
		return helper_says(out, EV_INFO, SLICE("milter-greylist"), s);
	if (slice_eat(&s, SLICE("addr ")))
		return milter_greylist_addr(s, id, out);
	if (slice_eat(&s, SLICE("skipping greylist because ")))
		return milter_greylist_skip(s, id, out);
	/* of a client and its mail: no trouble of ours, though "failed" may be in it */
	if (slice_starts(s, SLICE("GeoIP failed to lookup ")) || slice_starts(s, SLICE("DKIM failed: ")) ||
	    slice_starts(s, SLICE("domainexact option ")) || slice_ends(s, SLICE(", bypassing greylisting")) ||
	    slice_ends(s, SLICE(", bypassing greylist"))) {
		helper_says(out, EV_INFO, SLICE("milter-greylist"), s);
		out->id = id;
		return 1;
	}
	if (slice_has(s, SLICE("mi_stop=1")) || slice_has(s, SLICE("loaded config file ")) ||
	    slice_has(s, SLICE("loading config file ")) || slice_has(s, SLICE(" not compiled in, ign")) ||
	    slice_ends(s, SLICE(" is not a peer MX")) || slice_starts_any(s, talk, sizeof talk / sizeof talk[0]))
		return helper_says(out, EV_INFO, SLICE("milter-greylist"), s);
	if (helper_is_trouble(s) || slice_ends(s, SLICE("\" unreachable")) || slice_ends(s, SLICE(" cannot be used")))
		return helper_says(out, EV_FILTER_FAIL, SLICE("milter-greylist"), s);
	return slice_starts(s, SLICE("ignored ")) || slice_starts(s, SLICE("invalid ")) ?
	    helper_says(out, EV_QWARN, SLICE("milter-greylist"), s) : -1;
}

/* "new: 192.0.2(192.0.2.7), a@example.net -> c@example.org" */
static int
sqlgrey_grey(struct slice s, struct event *out)
{
	static const struct {
		struct slice head, action;
	} kinds[] = {
#define K(head, action) { { head, sizeof(head) - 1 }, { action, sizeof(action) - 1 } }
		K("new: ", "greylist"), K("early reconnect: ", "greylist"),
		K("throttling: ", "greylist"), K("reconnect ok: ", "pass"),
		K("domain awl match: updating ", "pass"), K("from awl match: updating ", "pass"),
#undef K
	};
	struct event *e = event_begin(out, EV_POLICY);
	struct slice whole = s, ip, to;
	size_t i = 0;

	if (slice_starts(s, SLICE("error")))
		return helper_says(out, EV_QWARN, SLICE("sqlgrey"), s);
	while (i < sizeof kinds / sizeof kinds[0] && !slice_eat(&s, kinds[i].head))
		i++;
	if (i == sizeof kinds / sizeof kinds[0])
		return slice_starts(s, SLICE("domain awl: ")) || slice_starts(s, SLICE("from awl: ")) ||
		    slice_starts(s, SLICE("unknown ")) || slice_starts(s, SLICE("identified ")) ||
		    slice_starts(s, SLICE("get_reconnect_delay ")) ?
		    helper_says(out, EV_INFO, SLICE("sqlgrey"), s) : -1;
	e->sub = kinds[i].action;
	(void)slice_cut(&whole, ':', &e->text);
	if (!slice_cut(&s, '(', &ip) || !slice_cut(&s, ')', &ip) || !slice_eat(&s, SLICE(", ")))
		return -1;
	helper_client(ip, e);
	if (slice_cut_at(&s, SLICE(" -> "), &e->from)) {
		e->to = slice_rcut_at(&s, SLICE(" ("), &to) ? to : s;
		if (slice_eq(e->from, SLICE("-undef-@-undef-")))
			e->from.n = 0;
	}
	return 1;
}

static int
sqlgrey(struct slice s, struct event *out)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice talk[] = {
		H("perf: "), H("optin: "), H("spam: "), H("martians: "), H("system: "), H("conf: "),
		H("mail: "), H("request: "), H("whitelist: "),
	};
#undef H

	if (slice_eat(&s, SLICE("grey: ")))
		return sqlgrey_grey(s, out);
	if (slice_eat(&s, SLICE("dbaccess: "))) {
		if (slice_starts(s, SLICE("error")) || slice_starts(s, SLICE("can't connect")) ||
		    slice_starts(s, SLICE("warning: couldn't do query")))
			return helper_says(out, EV_FILTER_FAIL, SLICE("sqlgrey"), s);
		return helper_says(out, EV_INFO, SLICE("sqlgrey"), s);
	}
	if (slice_starts(s, SLICE("conf: error")) || slice_starts(s, SLICE("conf: warning")) ||
	    slice_starts(s, SLICE("system: couldn't")) || slice_starts(s, SLICE("mail: failed")) ||
	    slice_starts(s, SLICE("warning: ")))
		return helper_says(out, EV_QWARN, SLICE("sqlgrey"), s);
	if (slice_starts(s, SLICE("fatal: ")))
		return helper_says(out, EV_FILTER_FAIL, SLICE("sqlgrey"), s);
	if (slice_starts_any(s, talk, sizeof talk / sizeof talk[0]))
		return helper_says(out, EV_INFO, SLICE("sqlgrey"), s);
	return -1;
}

static int
gld(struct slice s, struct event *out)
{
	struct event *e = event_begin(out, EV_POLICY);
	struct slice text, ip;
	uint64_t n;

	if (slice_cut_at(&s, SLICE(" for recipient=<"), &text)) {
		e->sub = slice_eq(text, SLICE("Greylist activated")) ? SLICE("greylist") : SLICE("pass");
		e->text = text;
		if (!slice_rcut_at(&s, SLICE("> ip=<"), &e->to) ||
		    !slice_cut(&s, '>', &ip))
			return -1;
		helper_client(ip, e);
		text = e->to;
		if (slice_rcut_at(&text, SLICE("> sender=<"), &e->to))
			e->from = text;
		return slice_eq(e->sub, SLICE("greylist")) ||
		    slice_ends(e->text, SLICE(" whitelist hit")) ? 1 : -1;
	}
	text = s;	/* "PID: " where debugging is on */
	if (slice_u64(&text, &n) && slice_eat(&text, SLICE(": ")))
		return slice_ends(text, SLICE("error")) || slice_starts(text, SLICE("Unable")) ?
		    helper_says(out, EV_FILTER_FAIL, SLICE("gld"), text) : 0;
	if (slice_starts(s, SLICE("Rejected New incoming")))
		return helper_says(out, EV_INFO, SLICE("gld"), s);
	if (slice_starts(s, SLICE("Received invalid data")))
		return helper_says(out, EV_QWARN, SLICE("gld"), SLICE("invalid data"));
	if (helper_is_trouble(s))
		return helper_says(out, EV_FILTER_FAIL, SLICE("gld"), s);
	return slice_starts(s, SLICE("Cleaned ")) || slice_has(s, SLICE(" OK")) ? 0 : -1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
	struct slice t = scan_base(l->tag), s = l->text;
	int n;

	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
		s.n--;
	if (helper_is_net_server(s))
		n = 0;
	else if (slice_eq(t, SLICE("milter-greylist")))
		n = milter_greylist(s, out);
	else if (slice_eq(t, SLICE("sqlgrey")))
		n = sqlgrey(s, out);
	else if (slice_eq(t, SLICE("gld")))
		n = gld(s, out);
	else if (slice_eq(t, SLICE("greylistd")))
		n = helper_says(out, helper_is_trouble(s) ? EV_FILTER_FAIL : EV_QWARN, t, s);
	else
		n = postgrey(s, out);
	for (int i = 0; i < n; i++)
		out[i].service = t;
	return n;
}

const struct dialect dialect_greylist = { .name = "greylist", .claims = claims, .parse = parse };
