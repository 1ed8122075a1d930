/* dovecot_auth.c - auth and auth-worker: what became of a password.
 *
 *	sql(bob,192.0.2.7,<session>): Password mismatch
 *	conn unix:auth-worker (pid=1,uid=2): auth-worker<6>: pam(bob,192.0.2.7): unknown user
 *	pam_unix(dovecot:auth): authentication failure; logname= ... rhost=192.0.2.7  user=bob
 *	and, since 2.4, auth(bob,192.0.2.7,sasl:plain)<session>: sql: Password mismatch
 * Each goes with a line of whoever asked: a login process, or Postfix ("SASL PLAIN
 * authentication failed"). So all of it is information: a failed login counts once. */
#include "dialect/dovecot.h"

#include "poison.h"

/* "bob,192.0.2.7,<session>": the name is a stranger's and may hold commas, so from the end. */
static void
take_who(struct slice s, struct event *e)
{
	struct slice head, last;

	for (int i = 0; i < 3 && slice_rcut_at(&s, SLICE(","), &head); i++) {
		last = s;
		s = head;
		if (!scan_is_ip(last))
			continue;
		scan_set_client(e, slice_head(last, 0), last);
		e->sasl_user = head;
		return;
	}
	e->sasl_user = s;	/* no address: doveadm, or a client that gave none */
}

static struct slice
outcome(struct slice s)
{
	static const struct {
		const char *word, *sub;
	} words[] = {
		{ "unknown user", "unknown_user" }, { "assword mismatch", "password_mismatch" },
		{ "nvalid credentials", "password_mismatch" }, { "pam_authenticate() failed", "pam" },
		{ "user not found", "unknown_user" }, { "disabled", "user_disabled" },
		{ "expired", "password_expired" },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_has(s, slice_of(words[i].word)))
			return slice_of(words[i].sub);
	return slice_head(s, 0);
}

/* "pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot
 * ruser=bob rhost=192.0.2.7  user=bob", or what pam_sss, pam_ldap ... say */
static int
pam(struct slice s, struct event *e)
{
	struct slice head, ip = s;

	e->sub = SLICE("pam");
	if (slice_rcut_at(&ip, SLICE(" rhost="), &head)) {
		ip = slice_head(ip, slice_until(ip, ' ', ' '));
		if (scan_is_ip(ip))
			scan_set_client(e, slice_head(ip, 0), ip);
		if (slice_cut_at(&head, SLICE(" ruser="), &ip))
			e->sasl_user = head;
	}
	return 1;
}

/* Passwords do not travel on (auth_verbose_passwords). */
static struct slice
without_password(struct slice s)
{
	struct slice head;

	return slice_cut_at(&s, SLICE(" (given password: "), &head) ? head : s;
}

/* "sql(bob,192.0.2.7): TEXT": the name of a passdb. */
static bool
take_passdb(struct slice s, struct event *e)
{
	struct slice db, who, rest;
	size_t n;

	if (!slice_cut(&s, '(', &db) || db.n == 0 || db.n > 20)
		return false;
	for (n = 0; n < db.n && (slice_is_alnum(db.p[n]) || db.p[n] == '-' || db.p[n] == '_'); n++)
		;
	if (n < db.n)
		return false;
	rest = s;	/* a name may hold "): " too: the last is the program's */
	if (!slice_rcut_at(&rest, SLICE("): "), &who))
		return false;
	take_who(who, e);
	e->sub = outcome(rest);
	e->text = rest;
	return true;
}

int
dv_auth(const struct dv_line *d, struct event *out)
{
	struct event *e = dv_event(out, EV_INFO, d, slice_head(d->text, 0));
	struct slice s = without_password(d->text), head;

	e->text = s;
	if (slice_starts(s, SLICE("pam_")) || slice_starts(s, SLICE("(pam_")))
		return pam(s, e);
	if (slice_starts(s, SLICE("mysql: Connect failed to ")) ||
	    slice_starts(s, SLICE("pgsql: Connect failed to "))) {	/* 1.x by syslog has no levels */
		e->kind = EV_QWARN;
		e->cls = REASON_resource;
		e->sub = SLICE("auth");
		return 1;
	}
	if (slice_starts(s, SLICE("conn unix:")) && slice_cut_at(&s, SLICE(">: "), &head))
		e->text = s;
	if (!take_passdb(s, e) && d->user.n > 0 && memchr(d->user.p, ',', d->user.n) != NULL) {
		take_who(d->user, e);
		e->sub = outcome(s);
	}
	return 1;
}
