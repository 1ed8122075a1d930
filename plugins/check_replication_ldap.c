/* check_replication_ldap - do directories have the same changes?
 *
 * All servers are asked at once, each in a process apart (lib/apart.h): the client library
 * waits for ever for a server that was stopped, whatever time-outs it was given. What the answers mean is
 * lib/replica_ldap.c. The only home of ldap.h. */
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "apart.h"
#include "check.h"
#include "clock.h"
#include "hostport.h"
#include "lag.h"
#include "lateload.h"
#include "replica_ldap.h"
#include "secret.h"

#include "poison.h"

enum { SERVERS_MAX = 32, URI_BYTES = 300, AGAIN_MS = 300 };

#define FUNCTIONS(F) \
	F(ldap_initialize) F(ldap_set_option) F(ldap_get_option) F(ldap_start_tls_s) F(ldap_sasl_bind_s) \
	F(ldap_search_ext_s) F(ldap_first_entry) F(ldap_next_entry) F(ldap_get_values_len) F(ldap_err2string)

/* Its name says the version of its interface. */
#if LDAP_VENDOR_VERSION >= 20600
static const char library[] = "libldap.so.2", package[] = "libldap2";
#else
static const char library[] = "libldap-2.5.so.0", package[] = "libldap-2.5-0";
#endif

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} lib LATELOAD_LINKED(FUNCTIONS);

static struct {
	struct opt_list hosts, providers;
	const char *suffix, *user, *password_file, *password_env, *ca_file;
	int64_t port;
	bool starttls, tls, agreements, cleartext;
	char *password;
} set = { .password_env = "MXGAUGE_PASSWORD", .ca_file = "/etc/ssl/certs/ca-certificates.crt" };

static const struct opt opts[] = {
	{ 'H', "host", OPT_LIST, &set.hosts, "HOST[:PORT]", "a server that has a copy; may be given again" },
	{ 0, "provider", OPT_LIST, &set.providers, "HOST[:PORT]", "whose changes the others must have; may be given "
	    "again; without one each has to have the newest that any of them has" },
	{ 'b', "suffix", OPT_STRING, &set.suffix, "DN", "the directory's suffix" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where they listen; by default 389, with --tls 636", .min = 1, .max = 65535 },
	{ 'u', "user", OPT_STRING, &set.user, "DN", "who asks; the password comes from a file or the environment; "
	    "by default nobody" },
	{ 0, "password-file", OPT_STRING, &set.password_file, "FILE", "its first line is the password" },
	{ 0, "password-env", OPT_STRING, &set.password_env, "VARIABLE", "where the password is else" },
	{ 0, "cleartext", OPT_FLAG, &set.cleartext, NULL, "show the password without TLS, too" },
	{ 'S', "starttls", OPT_FLAG, &set.starttls, NULL, "go on with TLS, and a certificate that is valid for the host" },
	{ 0, "tls", OPT_FLAG, &set.tls, NULL, "TLS from the start (ldaps)" },
	{ 0, "ca-file", OPT_STRING, &set.ca_file, "FILE", "trusted authorities" },
	{ 0, "agreements", OPT_FLAG, &set.agreements, NULL, "389-DS: the status of the servers' replication agreements, "
	    "and their RUV in place of contextCSN" },
	{ 0 }
};

static const struct measure measures[] = {
	LAG_MEASURES("1m", "10m"),
	{ "servers", "", "servers that answered; a number alone is the least", .least = true },
	{ 0 }
};

static const struct program program = {
	"check_replication_ldap", "do directories have the same changes, and how far are copies behind?",
	"Each server says by change numbers (contextCSN) what it has of each provider. CRITICAL are a server that does "
	"not answer, one that shows no change number, and one that never got anything from a provider that "
	"another knows. The lag is the age of the newest change that is missing, or more where older "
	"ones are missing too: at most the time since the copy was last seen to have everything. Runs keep that in NAGIOS_PLUGIN_STATE_DIRECTORY or /var/tmp/mxgauge-UID. A copy that seems "
	"behind is asked again a moment later.\n\n"
	"Whoever asks has to be allowed to read the suffix' own entry, with its operational attributes; for --agreements "
	"cn=mapping tree,cn=config.",
	opts, .measures = measures,
	.needs = "-b SUFFIX -H HOST -H HOST",
	.examples = "check_replication_ldap -b dc=example,dc=org --provider ldap1.example.org -H ldap2.example.org --starttls\n"
	    "# two that write, each has to have the other's\n"
	    "check_replication_ldap -b dc=example,dc=org -H ldap1.example.org -H ldap2.example.org -c servers=2\n"
	    "check_replication_ldap -b dc=example,dc=org --agreements --tls -u cn=monitor -H ds1.example.org -H ds2.example.org"
};

/* --- in a process apart ------------------------------------------------------------------------------ */

struct peer {
	struct hostport at;
	char name[HOSTPORT_NAME];
	bool provider;
};

static char unverified[] = "is the certificate valid for the host, not expired, and by an authority of --ca-file?";

static void
send_error(int to, const char *step, int number, const char *text)
{
	struct buf b = buf_new(1 << 16);

	rows_error(&b, step, number, text);
	apart_put(to, buf_slice(&b));
	buf_free(&b);
}

/* What the library and, where it says more, the server think of it. False: bad. */
static bool
good(LDAP *ld, int to, const char *step, int rc)
{
	char *more = NULL;
	struct buf b = buf_new(4096);

	if (rc == LDAP_SUCCESS)
		return true;
	(void)lib.ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	/* so says libldap with GnuTLS of each certificate that it does not trust */
	if (more != NULL && slice_has(slice_of(more), SLICE("(unknown error code)")))
		more = unverified;
	if (rc == LDAP_SERVER_DOWN && (more == NULL || *more == '\0'))
		buf_str(&b, "the server closed the connection, or speaks no LDAP");
	else
		buf_fmt(&b, "%s%s%s", lib.ldap_err2string(rc), more != NULL && *more != '\0' ? ": " : "",
		    more != NULL ? more : "");
	send_error(to, step, rc, b.p);
	buf_free(&b);
	return false;
}

static void
options(LDAP *ld)
{
	static const int version = LDAP_VERSION3, hard = LDAP_OPT_X_TLS_HARD, client = 0, three = 0x303;

	lib.ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	lib.ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);	/* not elsewhere with our password */
	if (!set.tls && !set.starttls)
		return;
	lib.ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, set.ca_file);
	lib.ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &hard);
	lib.ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &three);
	lib.ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
}

/* The first talk with a server: what libldap says of one that cannot be reached has no cause. */
static bool
reached(LDAP *ld, const struct peer *p, int to, const char *step, int rc)
{
	struct err e = { "" };

	if ((rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR) && !hostport_connects(&p->at, &e)) {
		send_error(to, "connection", 0, e.text);
		return false;
	}
	return good(ld, to, step, rc);
}

static LDAP *
open_session(const struct peer *p, int to)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	struct berval password = { 0, NULL };
	struct err e = { "" };
	char uri[URI_BYTES];
	LDAP *ld;
	int rc;

	apart_phase(to, "loading libldap");
	(void)setenv("LDAPNOINIT", "1", 1);	/* nobody's ldap.conf */
	if (!lateload(library, package, names, &lib, &e)) {
		send_error(to, "library", 0, e.text);
		return NULL;
	}
	(void)snprintf(uri, sizeof uri, strchr(p->at.host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
	    set.tls ? "ldaps" : "ldap", p->at.host, p->at.port);
	if ((rc = lib.ldap_initialize(&ld, uri)) != LDAP_SUCCESS) {
		send_error(to, "library", rc, lib.ldap_err2string(rc));
		return NULL;
	}
	options(ld);
	apart_phase(to, "looking up its address");
	if (!hostport_resolves(&p->at, &e)) {
		send_error(to, "connection", 0, e.text);
		return NULL;
	}
	apart_phase(to, "connecting");
	if (set.starttls && !reached(ld, p, to, "STARTTLS", lib.ldap_start_tls_s(ld, NULL, NULL)))
		return NULL;
	if (set.password != NULL)
		password = (struct berval){ strlen(set.password), set.password };
	return reached(ld, p, to, "login", lib.ldap_sasl_bind_s(ld, set.user != NULL ? set.user : "", LDAP_SASL_SIMPLE,
	    &password, NULL, NULL, NULL)) ? ld : NULL;
}

/* The first value of an attribute as a field, or with each its own row. */
static void
put_values(LDAP *ld, LDAPMessage *entry, struct buf *b, const char *attribute, const char *field, bool rows)
{
	struct berval **v = lib.ldap_get_values_len(ld, entry, attribute);

	for (size_t i = 0; v != NULL && v[i] != NULL && (rows || i == 0); i++) {
		if (rows)
			rows_row(b, "csn");
		rows_field(b, field, v[i]->bv_val, v[i]->bv_len);
	}
}

static void
ask_changes(LDAP *ld, int to)
{
	static char csn[] = "contextCSN", ruv[] = "nsds50ruv", all[] = "(objectClass=*)",
	    tombstone[] = "(&(nsuniqueid=ffffffff-ffffffff-ffffffff-ffffffff)(objectclass=nstombstone))";
	char *attributes[] = { set.agreements ? ruv : csn, NULL };
	struct buf b = buf_new(APART_BYTES);
	LDAPMessage *found = NULL;

	apart_phase(to, "asking for the change numbers");
	if (good(ld, to, "search", lib.ldap_search_ext_s(ld, set.suffix, set.agreements ? LDAP_SCOPE_SUBTREE :
	    LDAP_SCOPE_BASE, set.agreements ? tombstone : all, attributes, 0, NULL, NULL, NULL, 10, &found)))
		for (LDAPMessage *m = lib.ldap_first_entry(ld, found); m != NULL; m = lib.ldap_next_entry(ld, m))
			put_values(ld, m, &b, attributes[0], "value", true);
	if (b.n > 0)
		apart_put(to, buf_slice(&b));
	buf_free(&b);
}

static void
ask_agreements(LDAP *ld, int to)
{
	static char cn[] = "cn", host[] = "nsDS5ReplicaHost", status[] = "nsds5replicaLastUpdateStatus";
	char *attributes[] = { cn, host, status, NULL };
	struct buf b = buf_new(APART_BYTES);
	LDAPMessage *found = NULL;

	apart_phase(to, "asking for the agreements");
	if (good(ld, to, "search", lib.ldap_search_ext_s(ld, "cn=mapping tree,cn=config", LDAP_SCOPE_SUBTREE,
	    "(objectClass=nsds5replicationagreement)", attributes, 0, NULL, NULL, NULL, 500, &found)))
		for (LDAPMessage *m = lib.ldap_first_entry(ld, found); m != NULL; m = lib.ldap_next_entry(ld, m)) {
			rows_row(&b, "agreement");
			put_values(ld, m, &b, cn, "cn", false);
			put_values(ld, m, &b, host, "host", false);
			put_values(ld, m, &b, status, "status", false);
		}
	if (b.n > 0)
		apart_put(to, buf_slice(&b));
	buf_free(&b);
}

static void
converse(void *arg, int to)
{
	LDAP *ld = open_session(arg, to);

	if (ld == NULL)
		return;
	ask_changes(ld, to);
	if (set.agreements)
		ask_agreements(ld, to);
}

/* --- the check ----------------------------------------------------------------------------------------- */

static unsigned
usual_port(void)
{
	return set.tls ? 636 : 389;
}

static void
add_peers(struct peer *p, size_t *n, const struct opt_list *list, bool provider)
{
	const char *names[SERVERS_MAX];
	struct err e = { "" };

	for (size_t i = 0; i < list->n; i++, ++*n) {
		if (*n == SERVERS_MAX)
			opt_fail(&program, "more than %d servers", SERVERS_MAX);
		p[*n].provider = provider;
		if (!hostport_parse(slice_of(list->v[i]), (unsigned)set.port, &p[*n].at, &e))
			opt_fail(&program, "%s", e.text);
		hostport_name(&p[*n].at, usual_port(), p[*n].name);
	}
	for (size_t i = 0; i < *n; i++)
		names[i] = p[i].name;
	opt_each_once(&program, names, *n, strcasecmp);
}

static size_t
check_options(struct peer *p)
{
	struct err e = { "" };
	size_t n = 0;

	if (set.suffix == NULL)
		opt_fail(&program, "of which directory? -b SUFFIX");
	if (set.tls && set.starttls)
		opt_fail(&program, "--tls and --starttls exclude each other");
	set.port = set.port != 0 ? set.port : usual_port();
	add_peers(p, &n, &set.providers, true);
	add_peers(p, &n, &set.hosts, false);
	if (set.hosts.n == 0 || (n < 2 && !set.agreements))
		opt_fail(&program, "whom to compare? -H HOST and --provider HOST, or -H twice");
	if (set.tls || set.starttls)
		check_readable("certificates of", set.ca_file);
	if (set.user == NULL)
		return n;
	set.password = secret_read("--password-file", set.password_file, set.password_env, &e);
	if (set.password == NULL)
		check_unknown("%s", e.text);
	if (!set.tls && !set.starttls && !set.cleartext)
		opt_fail(&program, "a password needs --starttls or --tls; --cleartext shows it to everybody");
	return n;
}

/* Two that were asked at once may have been asked before and after a change. */
static void
ask_again(struct replica_ldap *s, struct apart_job *job, struct rows *rows, size_t n)
{
	struct timespec moment = { 0, AGAIN_MS * 1000000L };
	size_t which[SERVERS_MAX], behind = 0;
	struct apart_job j[SERVERS_MAX];

	for (size_t i = 0; i < n; i++) {
		if (!s[i].answered || s[i].provider || !replica_ldap_behind(s, n, &s[i]))
			continue;
		which[behind] = i;
		j[behind++] = (struct apart_job){ .work = job[i].work, .arg = job[i].arg };
	}
	if (behind == 0 || clock_now() + 1 > check_deadline())
		return;
	(void)nanosleep(&moment, NULL);
	apart_run(j, behind, check_deadline());
	for (size_t i = 0; i < behind; i++) {
		struct replica_ldap later = { .name = s[which[i]].name, .rows = &rows[n + i] };

		rows_read(&rows[n + i], buf_slice(&j[i].said));
		replica_ldap_read(&later);
		if (later.csns == 0)
			continue;
		memcpy(s[which[i]].csn, later.csn, sizeof later.csn);
		s[which[i]].csns = later.csns;
	}
}

int
main(int argc, char **argv)
{
	static struct peer p[SERVERS_MAX];
	static struct rows rows[2 * SERVERS_MAX];
	static struct replica_ldap s[SERVERS_MAX];
	static struct apart_job j[SERVERS_MAX];
	struct buf thing = buf_new(1000);
	size_t n, answered = 0;

	check_begin("REPLICATION");
	opt_parse(&program, argc, argv);
	n = check_options(p);
	check_phase("asking");
	buf_fmt(&thing, "%s %s", set.suffix, p[0].name);
	lag_begin(program.name, buf_slice(&thing));
	for (size_t i = 0; i < n; i++)
		j[i] = (struct apart_job){ .work = converse, .arg = &p[i] };
	apart_run(j, n, check_deadline());
	for (size_t i = 0; i < n; i++) {
		s[i] = (struct replica_ldap){ .name = p[i].name, .provider = p[i].provider, .rows = &rows[i],
			.agreements = set.agreements };
		s[i].answered = lag_answer(&j[i], &rows[i], s[i].name);
		if (s[i].answered)
			replica_ldap_read(&s[i]);
		answered += s[i].answered;
	}
	ask_again(s, j, rows, n);
	replica_ldap_judge(s, n, (int64_t)time(NULL));
	lag_tell();
	check_value("servers", (double)answered, "");
	check_done();
}
