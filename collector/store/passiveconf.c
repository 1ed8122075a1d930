/* passiveconf.c - see passiveconf.h.
 *
 * Names of hosts and services go into lines whose fields end with ";" or a tab, and into Icinga 2's
 * HOST!SERVICE: such bytes in them would make another result of it. */
#include "store/passiveconf.h"

#include <string.h>
#include <unistd.h>

#include "poison.h"

enum { NAME_BYTES = 256 };

static bool
is_type(const struct config_monitor *m, const char *type)
{
	return strcmp(m->type, type) == 0;
}

static void
check_url(const struct config_monitor *m, struct buf *faults)
{
	struct slice s = slice_of(m->url);

	if (!slice_eat(&s, SLICE("https://")) && !slice_eat(&s, SLICE("http://")))
		buf_fmt(faults, "monitor \"%s\" has no url, https://HOST...\n", m->name);
	else if (s.n == 0 || strpbrk(s.p, " \t@#") != NULL)
		buf_fmt(faults, "monitor \"%s\": url must be https://HOST[:PORT][/PATH]; who we are goes into user "
		    "and password_file\n", m->name);
}

/* What a type does not know would be passed over, and somebody would wonder. */
static void
check_strangers(const struct config_monitor *m, struct buf *faults)
{
	bool web = is_type(m, "nrdp") || is_type(m, "icinga2");
	const struct { const char *name; bool set, may; } all[] = {
		{ "command_file", m->command_file[0] != '\0', is_type(m, "nagios") },
		{ "command", m->command.n > 0, is_type(m, "nsca") },
		{ "url", m->url[0] != '\0', web }, { "user", m->user[0] != '\0', web },
		{ "password_file", m->password_file[0] != '\0', web },
		{ "token_file", m->token_file[0] != '\0', is_type(m, "nrdp") },
		{ "ca_file", m->ca_file[0] != '\0', web }, { "certificate", m->certificate[0] != '\0', web },
		{ "key", m->key[0] != '\0', web }
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].set && !all[i].may)
			buf_fmt(faults, "monitor \"%s\": %s is nothing for type = %s\n", m->name, all[i].name,
			    m->type);
}

static void
check_web(const struct config_monitor *m, struct buf *faults)
{
	check_url(m, faults);
	if ((m->certificate[0] == '\0') != (m->key[0] == '\0'))
		buf_fmt(faults, "monitor \"%s\" must have certificate and key, or neither\n", m->name);
	if ((m->user[0] == '\0') != (m->password_file[0] == '\0'))
		buf_fmt(faults, "monitor \"%s\" must have user and password_file, or neither\n", m->name);
	if (is_type(m, "nrdp") && m->token_file[0] == '\0')
		buf_fmt(faults, "monitor \"%s\" ends without token_file\n", m->name);
	if (is_type(m, "icinga2") && m->user[0] == '\0' && m->certificate[0] == '\0')
		buf_fmt(faults, "monitor \"%s\" ends without user and password_file, or certificate and key\n",
		    m->name);
}

void
passiveconf_monitor(const struct config_monitor *m, struct buf *faults)
{
	if (m->name[0] == '\0' || strlen(m->name) > PASSIVE_HOST_BYTES || strpbrk(m->name, "\t\n") != NULL)
		buf_fmt(faults, "monitor \"%s\": the name must have 1 to %d bytes, and no tab\n", m->name,
		    PASSIVE_HOST_BYTES);
	if (m->type[0] == '\0') {
		buf_fmt(faults, "monitor \"%s\" ends without type\n", m->name);
		return;
	}
	check_strangers(m, faults);
	if (is_type(m, "nagios") && m->command_file[0] == '\0')
		buf_fmt(faults, "monitor \"%s\" ends without command_file\n", m->name);
	if (is_type(m, "nsca") && (m->command.n == 0 || m->command.item[0][0] != '/'))
		buf_fmt(faults, "monitor \"%s\" has no command that begins with a path, /...\n", m->name);
	if (is_type(m, "nrdp") || is_type(m, "icinga2"))
		check_web(m, faults);
}

static void
check_name(const char *whose, const char *what, const char *v, size_t most, struct buf *faults)
{
	const char *bad = strpbrk(v, ";!|`\"\\");

	for (const char *p = v; bad == NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			bad = p;
	if (v[0] == '\0' || strlen(v) > most)
		buf_fmt(faults, "%s: %s must have 1 to %zu bytes\n", whose, what, most);
	else if (bad != NULL)
		buf_fmt(faults, "%s: %s must not have ; ! | ` \" \\ or control characters, which mean something to "
		    "monitors\n", whose, what);
}

/* This machine, as hosts are called elsewhere. */
static const char *
own_name(struct config *c)
{
	char name[NAME_BYTES] = "";
	struct slice s, label;

	if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
		return "localhost";
	s = slice_of(name);
	return arena_strdup(&c->arena, slice_cut(&s, '.', &label) && label.n > 0 ? label : slice_of(name));
}

static const struct config_monitor *
find_monitor(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nmonitors; i++)
		if (strcmp(c->monitor[i].name, name) == 0)
			return &c->monitor[i];
	return NULL;
}

static bool
is_host(const struct config_passive *p)
{
	return strcmp(p->kind, "host") == 0;
}

static bool
same_object(const struct config_passive *a, const struct config_passive *b)
{
	return strcmp(a->host, b->host) == 0 && is_host(a) == is_host(b) &&
	    (is_host(a) || strcmp(a->service, b->service) == 0);
}

void
passiveconf_check(struct config *c, size_t i, struct buf *faults)
{
	struct config_passive *p = &c->passive[i];
	char whose[NAME_BYTES];
	struct buf b = buf_new(sizeof whose - 1);

	buf_fmt(&b, "passive \"%.200s\"", p->name);
	(void)memcpy(whose, b.p, b.n + 1);
	buf_free(&b);
	if (c->passive_host[0] == '\0')
		c->passive_host = own_name(c);
	if (p->host[0] == '\0')
		p->host = c->passive_host;
	if (p->service[0] == '\0')
		p->service = p->name;
	check_name(whose, "host", p->host, PASSIVE_HOST_BYTES, faults);
	check_name(whose, "service", p->service, PASSIVE_SERVICE_BYTES, faults);
	if (p->command.n == 0 || p->command.item[0][0] != '/')
		buf_fmt(faults, "%s has no command that begins with a path, /...\n", whose);
	for (size_t k = 0; k < p->monitors.n; k++)
		if (find_monitor(c, p->monitors.item[k]) == NULL)
			buf_fmt(faults, "%s: there is no monitor \"%s\"\n", whose, p->monitors.item[k]);
	for (size_t k = 0; k < i; k++)
		if (same_object(&c->passive[k], p))
			buf_fmt(faults, "%s is for the same host and service as \"%s\"\n", whose,
			    c->passive[k].name);
}

void
passiveconf_whole(struct config *c, struct buf *faults)
{
	if (c->passive_host[0] == '\0')
		c->passive_host = own_name(c);
	if (c->nmonitors > 0)
		check_name("results", "passive_host", c->passive_host, PASSIVE_HOST_BYTES, faults);
	if (c->heartbeat[0] != '\0')
		check_name("results", "heartbeat", c->heartbeat, PASSIVE_SERVICE_BYTES, faults);
	if (c->npassives > 0 && c->nmonitors == 0)
		buf_str(faults, "there are passive sections and no monitor that would hear of them\n");
	if (c->npassives > PASSIVES_MAX)
		buf_fmt(faults, "%zu passive sections: at most %d\n", c->npassives, PASSIVES_MAX);
	if (c->nmonitors > MONITORS_MAX)
		buf_fmt(faults, "%zu monitor sections: at most %d\n", c->nmonitors, MONITORS_MAX);
	for (size_t i = 0; i < c->npassives; i++)
		if (!is_host(&c->passive[i]) && strcmp(c->passive[i].service, c->heartbeat) == 0 &&
		    strcmp(c->passive[i].host, c->passive_host) == 0)
			buf_fmt(faults, "passive \"%s\" is called as the heartbeat is; name one otherwise, or set "
			    "heartbeat = \"\"\n", c->passive[i].name);
}

bool
passiveconf_tells(const struct config_passive *p, const struct config_monitor *m)
{
	for (size_t k = 0; k < p->monitors.n; k++)
		if (strcmp(p->monitors.item[k], m->name) == 0)
			return true;
	return p->monitors.n == 0;
}
