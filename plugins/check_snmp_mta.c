/* check_snmp_mta - the queues of mail servers that are asked by SNMP: appliances, and machines without
 * NRPE.
 *
 * The home of net-snmp. Its calls wait, and it keeps the users and engines of version 3 in variables
 * of its own: so each host is asked in a process of its own (lib/apart.h), all at once, and whoever
 * is silent by the deadline delays nobody. What is asked and what answers mean is lib/mtamib.c, the
 * verdict lib/mtatell.c. Version 1 has no 64-bit counters, no errors per value and no bulk: not here. */
#define _DEFAULT_SOURCE		/* net-snmp's headers speak of u_char */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "apart.h"
#include "check.h"
#include "clock.h"
#include "hostport.h"
#include "lateload.h"
#include "mem.h"
#include "mtatell.h"
#include "net.h"
#include "secret.h"

#include "poison.h"

enum { TOP_MAX = 50, ROWS_MAX = 1000, VALUES_AT_ONCE = 60, OID_MAX = 96, PASS_MIN = 8, RETRIES = 3 };

static struct {
	struct opt_list hosts;
	int64_t port, top;
	const char *user, *community_file, *auth, *auth_file, *priv, *priv_file, *context, *extend;
	bool four, six, no_growth;
} set = { .port = 161, .top = 5, .auth = "SHA", .priv = "AES", .context = "" };

static const struct opt opts[] = {
	{ 'H', "hostname", OPT_LIST, &set.hosts, "HOST[:PORT]", "whom to ask; again for each further host" },
	{ 0, "snmp", OPT_LIST, &set.hosts, "HOST[:PORT]", "the same" },
	{ 'p', "port", OPT_INT, &set.port, "PORT", "where agents listen", .min = 1, .max = 65535 },
	{ 0, "community-file", OPT_STRING, &set.community_file, "FILE",
	    "version 2c: the community is its first line; else MXGAUGE_SNMP_COMMUNITY in the environment, else "
	    "public" },
	{ 'l', "user", OPT_STRING, &set.user, "NAME", "version 3, as this user" },
	{ 0, "auth", OPT_CHOICE, &set.auth, "MD5|SHA|SHA-224|SHA-256|SHA-384|SHA-512", "how to authenticate" },
	{ 0, "auth-file", OPT_STRING, &set.auth_file, "FILE",
	    "its first line is the passphrase for that; else MXGAUGE_SNMP_AUTH in the environment" },
	{ 0, "priv", OPT_CHOICE, &set.priv, "DES|AES|AES-192|AES-256", "how to encrypt" },
	{ 0, "priv-file", OPT_STRING, &set.priv_file, "FILE",
	    "its first line is the passphrase for that; else MXGAUGE_SNMP_PRIV in the environment" },
	{ 0, "context", OPT_STRING, &set.context, "NAME", "context of version 3", .empty = true },
	{ 0, "extend", OPT_STRING, &set.extend, "NAME",
	    "instead of tables read what \"extend NAME COMMAND\" in snmpd.conf prints: check_mail_queue, or a "
	    "number alone" },
	{ 0, "top", OPT_INT, &set.top, "N", "name so many queues or groups", .min = 0, .max = TOP_MAX },
	{ 0, "no-growth", OPT_FLAG, &set.no_growth, NULL, "keep no files for the next run to compare with" },
	{ '4', "ipv4", OPT_FLAG, &set.four, NULL, "IPv4 alone" },
	{ '6', "ipv6", OPT_FLAG, &set.six, NULL, "IPv6 alone" },
	{ 0 }
};

static const struct measure measures[] = { MTATELL_MEASURES, { 0 } };

static const struct program program = {
	"check_snmp_mta", "the queues of mail servers and appliances, by SNMP",
	"Asks for MTA-MIB (RFC 2789) and the applications of NETWORK-SERVICES-MIB (RFC 2788), and for the "
	"queues of Cisco AsyncOS (Email Security Appliance), Barracuda and FortiMail, whichever answers. "
	"Numbers are those of the agent: not all say how old the oldest message is, and what nobody says is "
	"shown as U, and UNKNOWN where it has a limit. All hosts are asked at once.\n\n"
	"Version 2c, or version 3 with --user; with a passphrase for --priv all is encrypted. Passphrases and "
	"the community come from files or the environment, never from the command line, which everybody on "
	"the machine can read.\n\n"
	"A host that does not answer is CRITICAL: no route, no agent, or the wrong community, which an agent "
	"does not tell apart from nothing. A user or passphrase that the agent refuses, and an agent that "
	"has none of these tables or does not show them, is UNKNOWN. snmpd's module mta_sendmail says \"0 stored\" "
	"where there is no Sendmail; that is UNKNOWN too.\n\n"
	"Postfix and Exim have no agent: let snmpd run check_mail_queue (\"extend mailq "
	"/usr/local/lib/nagios/plugins/check_mail_queue\" in snmpd.conf), and ask with --extend mailq.\n\n"
	"Rates and growth compare with the last run at least 50 s before, which is kept for each host in "
	"NAGIOS_PLUGIN_STATE_DIRECTORY or in /var/tmp/mxgauge-UID. The first run has none, nor one after the "
	"agent was started anew.",
	opts, .measures = measures,
	.needs = "-H HOST",
	.examples = "check_snmp_mta -H mx1.example.org -w 500 -c 5000 -w oldest=4h -c growth=50/min\n"
	    "check_snmp_mta -H mx1.example.org -H mx2.example.org -w worst=1000 --community-file /etc/nagios/community\n"
	    "check_snmp_mta -H esa.example.org --user monitor --auth SHA-256 --auth-file /etc/nagios/snmp.auth "
	    "--priv-file /etc/nagios/snmp.priv -w used=70\n"
	    "check_snmp_mta -H mx3.example.org --extend mailq -w deferred=500"
};

/* Loaded when somebody is asked: it takes twice as long to load as all else that this program does. */
#define FUNCTIONS(F) F(init_snmp) F(netsnmp_ds_set_boolean) F(snmp_disable_log) \
	F(snmp_sess_init) F(snmp_sess_open) F(snmp_sess_session) F(snmp_sess_synch_response) \
	F(snmp_pdu_create) F(snmp_add_null_var) F(snmp_free_pdu) F(snmp_oid_compare) \
	F(snmp_errstring) F(snmp_api_errstring) \
	F(usm_lookup_auth_type) F(usm_lookup_priv_type) F(sc_get_auth_oid) \
	F(sc_get_priv_oid) F(generate_Ku)

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} net LATELOAD_LINKED(FUNCTIONS);

static const char *const functions[] = { FUNCTIONS(LATELOAD_NAME) NULL };

static char *community, *auth_secret, *priv_secret;
static struct buf extend_oid;

/* --- what goes from the child to us -------------------------------------------------------- */

/* Behind it come n bytes: of a text; in the last record, whose object is MTAMIB_OBJECTS, of a sentence. */
struct record {
	uint32_t object, state;		/* state: of the last one, an enum check_state */
	uint32_t index[2];
	uint64_t number;
	uint32_t n;
	bool is_number, is_text;
};

static void
put(int to, const struct record *r, const void *text)
{
	apart_put(to, (struct slice){ (const char *)r, sizeof *r });
	if (r->n > 0)
		apart_put(to, (struct slice){ text, r->n });
}

/* What the child ends with; does not return. */
static _Noreturn void __attribute__((format(printf, 3, 4)))
end(int to, enum check_state state, const char *fmt, ...)
{
	struct buf b = buf_new(400);
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	put(to, &(struct record){ .object = MTAMIB_OBJECTS, .state = state, .n = (uint32_t)b.n }, b.p);
	_exit(0);
}

static void
take(struct mtahost *h, struct slice said)
{
	struct record r;

	h->trouble = CHECK_CRITICAL;
	while (said.n >= sizeof r) {
		struct slice text;

		memcpy(&r, said.p, sizeof r);
		said = slice_from(said, sizeof r);
		text = slice_head(said, r.n);
		said = slice_from(said, r.n);
		if (r.object < MTAMIB_OBJECTS) {
			mtamib_take(h->mib, &(struct mtamib_value){ (enum mtamib_object)r.object,
			    { r.index[0], r.index[1] }, r.is_number, r.is_text, r.number, text });
			continue;
		}
		h->trouble = (enum check_state)r.state;
		(void)snprintf(h->why, sizeof h->why, "%.*s", (int)text.n, text.p);
	}
}

/* --- in the child: a session ----------------------------------------------------------------- */

/* HOST, HOST:PORT, ADDRESS or [ADDRESS]:PORT as net-snmp wants it: "udp6:[ADDRESS]:PORT". */
static void
where(int to, const char *given, char peer[128])
{
	struct addrinfo *a = NULL, hint = { .ai_socktype = SOCK_DGRAM,
		.ai_family = net_family(set.four, set.six) };
	char port[16], address[INET6_ADDRSTRLEN + 20];
	struct hostport h;
	int rc;

	(void)hostport_parse(slice_of(given), (unsigned)set.port, &h, NULL);	/* looked at already */
	(void)snprintf(port, sizeof port, "%u", h.port);
	apart_phase(to, "looking up its address");
	rc = getaddrinfo(h.host, port, &hint, &a);
	if (rc != 0)
		end(to, CHECK_CRITICAL, "has no address: %s", gai_strerror(rc));
	rc = getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address, port, sizeof port,
	    NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM);
	if (rc != 0)
		end(to, CHECK_UNKNOWN, "cannot be asked: %s", gai_strerror(rc));
	(void)snprintf(peer, 128, a->ai_family == AF_INET6 ? "udp6:[%s]:%s" : "udp:%s:%s", address, port);
	freeaddrinfo(a);
}

/* The key for a kind of authentication or encryption; both are made by way of the former. */
static void
make_key(int to, const char *name, const oid *kind, const netsnmp_session *s, const char *secret_text,
    u_char *key, size_t *n)
{
	if (kind == NULL)
		end(to, CHECK_UNKNOWN, "cannot be asked: this net-snmp has no %s", name);
	if (net.generate_Ku(s->securityAuthProto, (u_int)s->securityAuthProtoLen,
	    (const u_char *)secret_text, strlen(secret_text), key, n) != SNMPERR_SUCCESS)
		end(to, CHECK_UNKNOWN, "cannot be asked: no key can be made of the passphrase for %s", name);
}

static void
secure(int to, netsnmp_session *s)
{
	oid *kind;

	s->version = SNMP_VERSION_3;
	s->securityName = xstrdup(set.user);
	s->securityNameLen = strlen(set.user);
	s->contextName = xstrdup(set.context);
	s->contextNameLen = strlen(set.context);
	s->securityModel = SNMP_SEC_MODEL_USM;
	s->securityLevel = priv_secret != NULL ? SNMP_SEC_LEVEL_AUTHPRIV :
	    auth_secret != NULL ? SNMP_SEC_LEVEL_AUTHNOPRIV : SNMP_SEC_LEVEL_NOAUTH;
	if (auth_secret == NULL)
		return;
	kind = net.sc_get_auth_oid(net.usm_lookup_auth_type(set.auth), &s->securityAuthProtoLen);
	s->securityAuthProto = kind;
	s->securityAuthKeyLen = USM_AUTH_KU_LEN;
	make_key(to, set.auth, kind, s, auth_secret, s->securityAuthKey, &s->securityAuthKeyLen);
	if (priv_secret == NULL)
		return;
	kind = net.sc_get_priv_oid(net.usm_lookup_priv_type(set.priv), &s->securityPrivProtoLen);
	s->securityPrivProto = kind;
	s->securityPrivKeyLen = USM_PRIV_KU_LEN;
	make_key(to, set.priv, kind, s, priv_secret, s->securityPrivKey, &s->securityPrivKeyLen);
}

/* The right to ask is missing: the agent lives, and it is our configuration that is wrong. */
static const char *
refusal(int error)
{
	switch (error) {
	case SNMPERR_UNKNOWN_USER_NAME: case SNMPERR_USM_UNKNOWNSECURITYNAME: return "does not know this --user";
	case SNMPERR_AUTHENTICATION_FAILURE: case SNMPERR_USM_AUTHENTICATIONFAILURE:
		return "refuses the passphrase of --auth-file, or it wants another --auth";
	case SNMPERR_UNSUPPORTED_SEC_LEVEL: case SNMPERR_USM_UNSUPPORTEDSECURITYLEVEL:
		return "does not allow this user to ask with these passphrases (security level)";
	case SNMPERR_DECRYPTION_ERR: case SNMPERR_USM_DECRYPTIONERROR:
		return "cannot read what was encrypted: the passphrase of --priv-file, or another --priv";
	case SNMPERR_NOT_IN_TIME_WINDOW: case SNMPERR_USM_NOTINTIMEWINDOW: return "refuses the time of its own clock";
	default: return NULL;
	}
}

/* system: errno of the send that failed. so_far: after what it fell silent; NULL: it never said anything. */
static _Noreturn void
no_answer(int to, int error, int system, const char *so_far)
{
	if (refusal(error) != NULL)
		end(to, CHECK_UNKNOWN, "%s", refusal(error));
	if (error == SNMPERR_TIMEOUT && so_far != NULL)
		end(to, CHECK_CRITICAL, "fell silent %s", so_far);
	if (error == SNMPERR_TIMEOUT)
		end(to, CHECK_CRITICAL, "gave no answer%s", set.user != NULL ? "" :
		    ", as agents do for a wrong community, too");
	end(to, CHECK_CRITICAL, "cannot be asked: %s", error == SNMPERR_BAD_SENDTO && system != 0 ? strerror(system) :
	    net.snmp_api_errstring(error));
}

static void *
open_session(int to, const char *host)
{
	netsnmp_session s;
	char peer[128];
	void *h;

	where(to, host, peer);
	net.snmp_disable_log();
	net.snmp_sess_init(&s);
	s.peername = peer;
	s.retries = RETRIES;
	s.timeout = (long)((check_deadline() - clock_now()) * 0.9e6 / (RETRIES + 1));
	s.version = SNMP_VERSION_2c;
	s.community = (u_char *)community;
	s.community_len = strlen(community);
	if (set.user != NULL)
		secure(to, &s);
	apart_phase(to, "waiting for its first answer");
	h = net.snmp_sess_open(&s);
	if (h == NULL)
		no_answer(to, s.s_snmp_errno, 0, NULL);
	return h;
}

/* --- in the child: asking -------------------------------------------------------------------- */

/* How far an object was read. */
struct cursor {
	enum mtamib_object object;
	oid root[OID_MAX], at[MAX_OID_LEN];
	size_t root_n, at_n;
	oid instance;		/* of a scalar */
	unsigned rows;
	bool over;
};

struct asker {
	int to;
	void *session;
	struct cursor cursor[MTAMIB_OBJECTS], *open[MTAMIB_OBJECTS];
	size_t cursors, opened, scalars;	/* the first of the open ones are scalars */
	long at_once;
	unsigned answers;
};

static size_t
parse_oid(const char *text, oid to[OID_MAX])
{
	struct slice s = slice_of(text);
	uint64_t v;
	size_t n = 0;

	while (n < OID_MAX && slice_u64(&s, &v)) {
		to[n++] = (oid)v;
		(void)slice_eat_char(&s, '.');
	}
	return n;
}

static void
begin(struct asker *a)
{
	for (int o = 0; o < MTAMIB_OBJECTS; o++) {
		const char *text = o == MTAMIB_EXTEND ? extend_oid.p : mtamib_row[o].oid;
		struct cursor *c = &a->cursor[a->cursors];

		if (text == NULL || (set.extend != NULL && o > MTAMIB_EXTEND))
			continue;
		c->object = (enum mtamib_object)o;
		c->at_n = c->root_n = parse_oid(text, c->root);
		memcpy(c->at, c->root, c->root_n * sizeof *c->root);
		if (o == MTAMIB_EXTEND) {	/* its OID is already that of the instance: begin before it */
			c->instance = c->root[--c->root_n];
			c->at[c->root_n]--;
		}
		a->cursors++;
	}
	a->at_once = 2;
}

/* Choose who is asked next. False: all was read. */
static bool
choose(struct asker *a)
{
	a->opened = a->scalars = 0;
	for (size_t i = 0; i < a->cursors; i++) {
		if (a->cursor[i].over)
			continue;
		a->open[a->opened++] = &a->cursor[i];
		a->scalars += a->cursor[i].object < MTAMIB_SCALARS;
	}
	return a->opened > 0;
}

/* What version 3 tells first, who it is, it tells to everybody. */
static const char *
so_far(const struct asker *a)
{
	if (a->answers > 0)
		return "in the middle of its tables";
	if (set.user == NULL || net.snmp_sess_session(a->session)->securityEngineIDLen == 0)
		return NULL;
	return priv_secret == NULL ? "behind its first answer" :
	    "behind its first answer, as agents do for a wrong passphrase in --priv-file or another --priv";
}

static netsnmp_pdu *
ask(struct asker *a)
{
	netsnmp_pdu *q = net.snmp_pdu_create(SNMP_MSG_GETBULK), *answer = NULL;
	netsnmp_session *s = net.snmp_sess_session(a->session);
	int status;

	q->non_repeaters = (long)a->scalars;
	q->max_repetitions = a->at_once;
	for (size_t i = 0; i < a->opened; i++)
		net.snmp_add_null_var(q, a->open[i]->at, a->open[i]->at_n);
	status = net.snmp_sess_synch_response(a->session, q, &answer);
	if (status != STAT_SUCCESS || answer == NULL)
		no_answer(a->to, status == STAT_TIMEOUT ? SNMPERR_TIMEOUT : s->s_snmp_errno, s->s_errno, so_far(a));
	a->answers++;
	return answer;
}

static bool
is_number(const netsnmp_variable_list *v, uint64_t *number)
{
	switch (v->type) {
	case ASN_INTEGER:
		*number = (uint64_t)*v->val.integer;
		return *v->val.integer >= 0;
	case ASN_COUNTER: case ASN_GAUGE: case ASN_TIMETICKS: case ASN_UINTEGER:
		*number = (uint64_t)*v->val.integer & 0xffffffffu;
		return true;
	case ASN_COUNTER64:
		*number = (uint64_t)v->val.counter64->high << 32 | (v->val.counter64->low & 0xffffffffu);
		return *number < (uint64_t)1 << 52;
	default:
		return false;
	}
}

/* One value of the object of c; what lies behind it ends the object. */
static void
take_value(struct asker *a, struct cursor *c, const netsnmp_variable_list *v)
{
	const struct mtamib_row *row = &mtamib_row[c->object];
	struct record r = { .object = c->object };

	if (c->over)
		return;
	if (v->type == SNMP_ENDOFMIBVIEW || v->type == SNMP_NOSUCHOBJECT || v->type == SNMP_NOSUCHINSTANCE ||
	    v->name_length <= c->root_n || v->name_length > MAX_OID_LEN ||
	    net.snmp_oid_compare(v->name, c->root_n, c->root, c->root_n) != 0) {
		c->over = true;
		return;
	}
	if (net.snmp_oid_compare(v->name, v->name_length, c->at, c->at_n) <= 0)
		end(a->to, CHECK_CRITICAL, "gives the rows of its tables in a circle; its agent is broken");
	memcpy(c->at, v->name, v->name_length * sizeof *v->name);
	c->at_n = v->name_length;
	c->over = row->indexes == 0 || ++c->rows >= ROWS_MAX;
	if (v->name_length != c->root_n + (row->indexes > 0 ? row->indexes : 1) ||
	    (row->indexes == 0 && v->name[c->root_n] != c->instance))
		return;		/* no row of this table */
	for (unsigned i = 0; i < row->indexes; i++)
		r.index[i] = (uint32_t)v->name[c->root_n + i];
	r.is_number = is_number(v, &r.number);
	r.is_text = v->type == ASN_OCTET_STR;
	if (r.is_text)
		r.n = (uint32_t)(v->val_len < 4096 ? v->val_len : 4096);
	put(a->to, &r, v->val.string);
}

/* False: it was too much at once, ask for less. */
static bool
take_answer(struct asker *a, const netsnmp_pdu *answer)
{
	const netsnmp_variable_list *v = answer->variables;
	size_t i = 0, repeated = a->opened - a->scalars;

	if (answer->errstat == SNMP_ERR_TOOBIG && a->at_once > 1) {
		a->at_once = a->at_once / 2;
		return false;
	}
	if (answer->errstat == SNMP_ERR_AUTHORIZATIONERROR || answer->errstat == SNMP_ERR_NOACCESS)
		end(a->to, CHECK_UNKNOWN, "does not show its tables to this user: another view or security level");
	if (answer->errstat != SNMP_ERR_NOERROR)
		end(a->to, CHECK_CRITICAL, "answers with the error \"%s\"", net.snmp_errstring((int)answer->errstat));
	for (; v != NULL; v = v->next_variable, i++) {
		if (i >= a->scalars + repeated * (size_t)a->at_once)
			break;	/* more than was asked for */
		take_value(a, i < a->scalars ? a->open[i] : a->open[a->scalars + (i - a->scalars) % repeated], v);
	}
	if (i < a->opened && i <= a->scalars)
		end(a->to, CHECK_CRITICAL, "gives fewer values than it was asked for");
	return true;
}

static void
work(void *arg, int to)
{
	struct asker *a = xcalloc(1, sizeof *a);

	a->to = to;
	a->session = open_session(to, arg);
	begin(a);
	while (choose(a)) {
		netsnmp_pdu *answer = ask(a);
		size_t repeated = a->opened - a->scalars;

		apart_phase(to, "reading its tables");
		if (take_answer(a, answer) && repeated > 0) {
			a->at_once = VALUES_AT_ONCE / (long)repeated;
			a->at_once = a->at_once < 1 ? 1 : a->at_once;
		}
		net.snmp_free_pdu(answer);
	}
	end(to, CHECK_OK, "%s", "");
}

/* --- in us ----------------------------------------------------------------------------------- */

static char *
secret(const char *option, const char *file, const char *variable, const char *otherwise)
{
	struct err e;
	char *s;

	if (file == NULL && getenv(variable) == NULL)
		return otherwise == NULL ? NULL : xstrdup(otherwise);
	s = secret_read(option, file, variable, &e);
	if (s == NULL)
		check_unknown("%s", e.text);
	if (otherwise == NULL && strlen(s) < PASS_MIN)
		check_unknown("the passphrase in %s has fewer than %d characters, which SNMP does not allow",
		    file != NULL ? file : variable, PASS_MIN);
	return s;
}

static void
check_options(void)
{
	static char name[APART_JOBS][HOSTPORT_NAME];
	const char *names[APART_JOBS];
	struct hostport h;
	struct err e;

	extend_oid = buf_new(400);
	if (set.hosts.n == 0 || set.hosts.n > APART_JOBS)
		opt_fail(&program, "whom to ask? -H HOST, at most %d times", APART_JOBS);
	for (size_t i = 0; i < set.hosts.n; i++) {
		if (!hostport_parse(slice_of(set.hosts.v[i]), (unsigned)set.port, &h, &e) ||
		    !net_fits(h.host, net_family(set.four, set.six), &e))
			opt_fail(&program, "%s", e.text);
		hostport_name(&h, (unsigned)set.port, name[i]);
		names[i] = name[i];
	}
	opt_each_once(&program, names, set.hosts.n, strcasecmp);
	if (set.four && set.six)
		opt_fail(&program, "-4 and -6 exclude each other");
	if (set.user == NULL && (set.auth_file != NULL || set.priv_file != NULL))
		opt_fail(&program, "--auth-file and --priv-file need --user");
	if (set.user != NULL && (set.user[0] == '\0' || strlen(set.user) > 32))
		opt_fail(&program, "--user: a name has 1 to 32 bytes");
	if (strlen(set.context) > 32)
		opt_fail(&program, "--context: a name has at most 32 bytes");
	if (set.extend != NULL && !mtamib_extend_oid(&extend_oid, set.extend))
		opt_fail(&program, "--extend: a name has 1 to 64 bytes");
	community = secret("--community-file", set.community_file, "MXGAUGE_SNMP_COMMUNITY", "public");
	if (set.user == NULL)
		return;
	auth_secret = secret("--auth-file", set.auth_file, "MXGAUGE_SNMP_AUTH", NULL);
	priv_secret = secret("--priv-file", set.priv_file, "MXGAUGE_SNMP_PRIV", NULL);
	if (priv_secret != NULL && auth_secret == NULL)
		check_unknown("encryption needs --auth-file, too: who is not known has no key");
}

/* Not the administrator's files: an old "defVersion 1" there must not change what is asked. */
static void
begin_library(void)
{
	struct err e;

	if (!lateload("libnetsnmp.so.40", "libsnmp40", functions, &net, &e))
		check_unknown("%s", e.text);
	if (set.user == NULL)
		return;
	net.netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	net.netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	net.netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
	net.netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
	(void)setenv("MIBS", "", 1);
	net.init_snmp("mxgauge");
}

static void
learn(struct mtahost *h, const struct apart_job *j)
{
	const char *why;

	take(h, buf_slice(&j->said));
	if (j->end != APART_DONE)
		h->trouble = j->end == APART_OURS ? CHECK_UNKNOWN : CHECK_CRITICAL;
	if (j->end == APART_OURS)
		(void)snprintf(h->why, sizeof h->why, "could not be asked: %s", j->phase);
	else if (j->end == APART_DIED || j->end == APART_MUCH)
		(void)snprintf(h->why, sizeof h->why, "says what cannot be read");
	else if (j->end == APART_LATE)
		(void)snprintf(h->why, sizeof h->why, "was silent until the time was up, while %s", j->phase);
	else if (h->trouble == CHECK_OK && !mtamib_says_queue(h->mib, &why)) {
		h->trouble = CHECK_UNKNOWN;
		(void)snprintf(h->why, sizeof h->why, "%s", why);
	}
	mtamib_sum(h->mib, &h->sum);
	h->rate = mtarate_none;
	if (!set.no_growth && h->trouble == CHECK_OK)
		mtarate_of("check_snmp_mta", h->name, &h->sum, h->mib->uptime_s, (int64_t)time(NULL), &h->rate);
}

int
main(int argc, char **argv)
{
	static struct apart_job job[APART_JOBS];
	static struct mtahost host[APART_JOBS];

	check_begin("SNMP");
	opt_parse(&program, argc, argv);
	check_options();
	begin_library();
	for (size_t i = 0; i < set.hosts.n; i++) {
		host[i].name = set.hosts.v[i];
		host[i].mib = xcalloc(1, sizeof *host[i].mib);
		mtamib_init(host[i].mib);
		job[i].work = work;
		job[i].arg = (void *)(uintptr_t)set.hosts.v[i];
	}
	check_phase("asking %s", check_clean(slice_of(set.hosts.v[0])));
	apart_run(job, set.hosts.n, check_deadline());
	for (size_t i = 0; i < set.hosts.n; i++)
		learn(&host[i], &job[i]);
	mtatell(host, set.hosts.n, (size_t)set.top);
	check_done();
}
