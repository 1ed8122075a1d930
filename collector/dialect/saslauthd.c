/* saslauthd.c - saslauthd of Cyrus SASL 2.1: it checks passwords for MTAs and for Cyrus.
 *
 *	do_auth         : auth failure: [user=bob] [service=smtp] [realm=] [mech=pam]
 *	    [reason=PAM auth error]
 *	pam_unix(smtp:auth): authentication failure; logname= uid=0 ... user=bob
 *	auth_rimap: couldn't connect to imap.example.org/143
 * The program that asked logs the failed login with the client's address: these lines are
 * information, only its own troubles count. */
#include "dialect/helper.h"

#include "poison.h"

static bool
claims(const struct line *l)
{
	return slice_eq(scan_base(l->tag), SLICE("saslauthd"));
}

/* "[KEY=VALUE]"; fields are in a fixed order, so a name that imitates the next is no harm. */
static bool
take_bracket(struct slice *s, struct slice key, struct slice end, struct slice *value)
{
	struct slice rest = *s;

	if (!slice_eat_char(&rest, '[') || !slice_eat(&rest, key) || !slice_eat_char(&rest, '=') ||
	    !slice_cut_at(&rest, end, value))
		return false;
	*s = (struct slice){ rest.p - 1, rest.n + 1 };
	return true;
}

static int
answer(struct slice s, struct slice sub, struct event *out)
{
	struct event *e = event_begin(out, EV_INFO);
	struct slice service = s;

	e->sub = sub;
	if (!take_bracket(&s, SLICE("user"), SLICE("] ["), &e->sasl_user))
		return -1;
	if (take_bracket(&s, SLICE("service"), SLICE("] ["), &service))
		e->stage = service;
	if (slice_rcut_at(&s, SLICE("[reason="), &service))
		e->text = slice_head(s, s.n > 0 && s.p[s.n - 1] == ']' ? s.n - 1 : s.n);
	return 1;
}

static int
parse(const struct line *l, struct event out[EVENTS_MAX])
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice refused[] = {
		H("pam_"), H("(pam_unix)"), H("DEBUG: "), H("Authentication failed for "),
	};
	/* a server that it asks, behind the name of the back end */
	static const struct slice broken[] = {
		H("read ("), H("writev"), H("unexpected "), H("getaddrinfo "), H("no IP address info "),
		H("no hostname "), H("no address given"), H("buffer overflow"), H("setpwdb"), H("krb5_init_context"),
	};
	static const struct slice talk[] = {
		H("master pid is"), H("listening on"), H("master exited"), H("num_procs"),
		H("mech_option"), H("run_path"), H("auth_mech"), H("using "), H("child exited"),
		H("exiting"), H("daemon started"),
	};
#undef H
	struct slice s = slice_trim(l->text), where, text = s;
	int n = -1;

	/* "do_auth         : TEXT": the name of a C function, filled up with blanks */
	if (slice_cut_at(&text, SLICE(": "), &where) && memchr(where.p, '[', where.n) == NULL)
		where = slice_trim(where);
	else
		text = s;
	if (slice_eat(&text, SLICE("auth failure: ")))
		n = answer(text, SLICE("auth_failed"), out);
	else if (slice_eat(&text, SLICE("auth success: ")))
		n = answer(text, SLICE("auth_ok"), out);
	else if (slice_starts(s, SLICE("pam_")) && slice_has(s, SLICE("an't contact ")))
		n = helper_says(out, EV_FILTER_FAIL, SLICE("saslauthd"), s);	/* its LDAP server */
	else if (slice_starts_any(s, refused, sizeof refused / sizeof refused[0]) ||
	    slice_has(s, SLICE("auth_pam: pam_authenticate failed")) ||
	    slice_starts(text, SLICE("[")))	/* "auth_rimap: [bob] what the server said" */
		n = helper_says(out, EV_INFO, SLICE("auth_failed"), s);
	else if (slice_starts_any(text, talk, sizeof talk / sizeof talk[0]))
		n = helper_says(out, EV_INFO, SLICE("saslauthd"), s);
	else if (slice_starts(text, SLICE("krb5_get_init_creds_password")))	/* "Preauthentication failed" */
		n = helper_says(out, slice_has(text, SLICE("annot ")) ? EV_FILTER_FAIL : EV_INFO,
		    slice_has(text, SLICE("annot ")) ? SLICE("saslauthd") : SLICE("auth_failed"), s);
	else if (helper_is_trouble(s) || slice_has(s, SLICE("onnect")) ||
	    slice_starts_any(text, broken, sizeof broken / sizeof broken[0]))
		n = helper_says(out, EV_FILTER_FAIL, SLICE("saslauthd"), s);
	if (n > 0)
		out[0].service = scan_base(l->tag);
	return n;
}

const struct dialect dialect_saslauthd = { .name = "saslauthd", .claims = claims, .parse = parse };
