/* mxjudge.c - what check_mx says. See mxjudge.h.
 *
 * Everything that is compared becomes a view for each server that was reached: a key, which has to be
 * the same at all of them, and a remark. What servers said is cleaned here, before it is put
 * together with our own words. */
#include "mxjudge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mem.h"

#include "plural.h"
#include "poison.h"

enum { SERVERS_MAX = MXSET_HOSTS * MXSET_ADDRS, LINE_BYTES = 4000, SAID_BYTES = 90, WORDS_MAX = 100,
	JSON_BYTES = 200000 };

/* NULL as key: this server is left out of the comparison. */
struct view {
	const char *key, *remark;
};

static struct {
	const struct mxjudge *j;
	const struct mxprobe_run *r;
	struct view view[SERVERS_MAX];
	struct buf list;		/* of differences */
	size_t differences;
} at;

static bool
is_ignored(struct slice what)
{
	for (size_t i = 0; i < at.j->ignores; i++)
		if (slice_eq_nocase(slice_of(at.j->ignored[i]), what))
			return true;
	return false;
}

/* With the address only where the name alone does not say which. */
static void
add_name(struct buf *b, const struct mxprobe_server *v)
{
	buf_str(b, check_clean(slice_of(v->host->name)));
	if (v->host->addrs < 2)
		return;
	buf_char(b, '[');
	net_addr_print(b, v->addr);
	buf_char(b, ']');
}

static const char *
name_of(const struct mxprobe_server *v)
{
	static struct buf b;

	buf_free(&b);
	b = buf_new(LINE_BYTES);
	add_name(&b, v);
	return b.p;
}

/* --- comparing ------------------------------------------------------------------------------ */

/* Those who have the key of server i; false: an earlier one has it, and they were told. */
static bool
add_group(struct buf *b, size_t i)
{
	const struct view *v = at.view;
	const char *comma = " at ";

	for (size_t k = 0; k < i; k++)
		if (v[k].key != NULL && strcmp(v[k].key, v[i].key) == 0)
			return false;
	buf_fmt(b, "%s%s", b->n > 0 ? ", " : "", v[i].key);
	for (size_t k = i; k < at.r->servers; k++) {
		if (v[k].key == NULL || strcmp(v[k].key, v[i].key) != 0)
			continue;
		buf_str(b, comma);
		add_name(b, at.r->server[k]);
		comma = ", ";
	}
	if (v[i].remark != NULL && v[i].remark[0] != '\0')
		buf_fmt(b, " (%s)", check_clean(slice_head(slice_of(v[i].remark), SAID_BYTES)));
	return true;
}

/* words: what at.view is about. quiet: only a difference is worth a line. */
static void
compare(const char *words, bool quiet)
{
	struct buf b = buf_new(LINE_BYTES);
	size_t groups = 0;

	for (size_t i = 0; i < at.r->servers; i++)
		groups += at.view[i].key != NULL && add_group(&b, i);
	if (groups > 1) {
		buf_fmt(&at.list, "%s%s: %s", at.differences > 0 ? "; " : "", words, b.p);
		at.differences++;
	}
	if (groups > 1 || (groups > 0 && !quiet))
		check_detail("%s%s: %s", groups > 1 ? "DIFFERENT: " : "", words, b.p);
	buf_free(&b);
}

static void
compare_probe(enum mxprobe p)
{
	for (size_t i = 0; i < at.r->servers; i++) {
		const struct mxprobe_server *v = at.r->server[i];
		enum mxprobe_verdict d = v->probe[p].verdict;
		bool told = d != MXPROBE_UNTOLD && !(d == MXPROBE_GREYLISTED && at.j->greylist_ok);

		at.view[i] = (struct view){ told ? mxprobe_verdict_name[d] : NULL,
			d != MXPROBE_ACCEPTED ? v->probe[p].said : NULL };
	}
	compare(mxprobe_row[p].words, false);
}

static bool
has_starttls(const struct mxprobe_server *v)
{
	struct slice params;

	return v->first.was_tls || smtp_offers(&v->first, SLICE("STARTTLS"), &params);
}

static void
compare_tls(void)
{
	size_t n = at.r->servers;

	if (!is_ignored(SLICE("tls"))) {
		for (size_t i = 0; i < n; i++)
			at.view[i] = (struct view){ !at.r->server[i]->reached ? NULL :
				has_starttls(at.r->server[i]) ? "offered" : "not offered", NULL };
		compare("STARTTLS", false);
		for (size_t i = 0; i < n; i++)
			at.view[i] = (struct view){ at.r->server[i]->reached && at.r->server[i]->first.was_tls ?
				at.r->server[i]->first.tls_facts.version : NULL, NULL };
		compare("version of TLS", false);
	}
	for (size_t i = 0; i < n; i++) {
		const struct tlsclient_facts *f = &at.r->server[i]->first.tls_facts;

		at.view[i] = (struct view){ !at.r->server[i]->reached || !at.r->server[i]->first.was_tls ? NULL :
			f->trusted ? "trusted" : "not trusted", f->why };
	}
	if (!is_ignored(SLICE("certificate")))
		compare("certificate", false);
}

/* --- extensions ----------------------------------------------------------------------------- */

static struct slice
word_of(struct slice line)
{
	return slice_head(line, slice_until(line, ' ', '='));
}

/* The words that any server offers; each once. Strangers' words: at most WORDS_MAX. */
static size_t
all_words(struct slice word[WORDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < at.r->servers; i++) {
		struct slice all = buf_slice(&at.r->server[i]->first.extensions), line;
		bool more = at.r->server[i]->reached && slice_cut(&all, '\n', &line);

		while (more && n < WORDS_MAX) {
			size_t k = 0;

			more = slice_cut(&all, '\n', &line);
			line = word_of(more ? line : all);
			while (k < n && !slice_eq_nocase(word[k], line))
				k++;
			if (k == n && line.n > 0)
				word[n++] = line;
		}
	}
	return n;
}

/* SIZE has a value that has to be the same, too; of others only the word counts: a client sees
 * other logins and limits here and there for good reasons. */
static void
compare_extension(struct slice word)
{
	char *kept[SERVERS_MAX] = { NULL };
	char words[64];

	(void)snprintf(words, sizeof words, "%s", check_clean(slice_head(word, 40)));
	for (size_t i = 0; i < at.r->servers; i++) {
		const struct mxprobe_server *v = at.r->server[i];
		struct slice params = SLICE("");
		bool has = v->reached && smtp_offers(&v->first, word, &params);

		if (has && slice_eq_nocase(word, SLICE("size")))
			kept[i] = xstrdup(params.n > 0 ? check_clean(slice_head(params, 40)) : "offered");
		at.view[i] = (struct view){ !v->reached ? NULL : kept[i] != NULL ? kept[i] :
			has ? "offered" : "not offered", NULL };
	}
	compare(words, true);
	for (size_t i = 0; i < at.r->servers; i++)
		free(kept[i]);
}

static void
compare_extensions(void)
{
	struct slice word[WORDS_MAX];
	size_t n = all_words(word);

	for (size_t i = 0; i < n; i++)
		if (!slice_eq_nocase(word[i], SLICE("starttls")) && !is_ignored(word[i]))
			compare_extension(word[i]);
}

/* --- what is wrong by itself ------------------------------------------------------------------ */

static void
judge_addresses(const struct mxset_host *h)
{
	for (size_t i = 0; i < h->addrs; i++) {
		const char *why = net_not_public(&h->addr[i]);
		struct buf b = buf_new(100);

		net_addr_print(&b, &h->addr[i]);
		if (why != NULL && !is_ignored(SLICE("private")))
			check_state(CHECK_WARNING, "%s has an address that the world cannot reach: %s, %s",
			    check_clean(slice_of(h->name)), b.p, why);
		buf_free(&b);
	}
}

static void
judge_host(const struct mxset_host *h)
{
	const char *name = check_clean(slice_of(h->name));

	if (h->literal)
		check_state(CHECK_CRITICAL, "an MX is the address %s: it has to be a name", name);
	else if (h->trouble.text[0] != '\0')
		check_state(CHECK_CRITICAL, "address of %s: %s", name, h->trouble.text);
	else if (h->addrs == 0)
		check_state(CHECK_CRITICAL, "%s has no address", name);
	if (h->alias && !is_ignored(SLICE("alias")))
		check_state(CHECK_WARNING, "%s is an alias (CNAME), which an MX must not be", name);
	judge_addresses(h);
}

/* Two names of one machine are no spare. */
static void
judge_twins(const struct mxset *m, const struct mxset_host *h)
{
	for (const struct mxset_host *o = m->host; o < h; o++) {
		size_t same = 0;

		for (size_t i = 0; i < h->addrs * o->addrs; i++)
			same += mxset_same(&h->addr[i / o->addrs], &o->addr[i % o->addrs]);
		if (same > 0)
			check_state(CHECK_WARNING, "%s and %s have the same address",
			    check_clean(slice_of(o->name)), check_clean(slice_of(h->name)));
	}
}

static void
judge_set(const struct mxset *m)
{
	if (m->trouble.text[0] != '\0')
		check_state(CHECK_CRITICAL, "MX of %s: %s", m->domain, m->trouble.text);
	else if (m->null && m->hosts > 0)
		check_state(CHECK_CRITICAL, "%s has a null MX and others beside it", m->domain);
	else if (m->null && !at.j->null_wanted)
		check_state(CHECK_CRITICAL, "%s takes no mail (null MX)", m->domain);
	else if (m->null)
		check_state(CHECK_OK, "%s takes no mail (null MX), as it should", m->domain);
	else if (at.j->null_wanted)
		check_state(CHECK_CRITICAL, "%s has no null MX", m->domain);
	if (m->implicit && !is_ignored(SLICE("implicit")))
		check_state(CHECK_WARNING, "%s has no MX: mail goes to its own address", m->domain);
	if (m->left_out > 0)
		check_state(CHECK_UNKNOWN, "%zu %s left out", m->left_out,
		    PLURAL(m->left_out, "host or address too many was", "hosts or addresses too many were"));
	for (size_t i = 0; i < m->hosts; i++) {
		judge_host(&m->host[i]);
		if (!is_ignored(SLICE("twins")))
			judge_twins(m, &m->host[i]);
	}
}

static void
judge_server(const struct mxprobe_server *v)
{
	size_t untold = 0;
	unsigned first = 0;

	if (!v->reached) {
		check_state(v->first.verdict == SMTP_OURS ? CHECK_UNKNOWN : CHECK_CRITICAL, "%s: %s", name_of(v),
		    check_clean(slice_of(v->first.sentence)));
		return;
	}
	for (unsigned p = MXPROBES; p-- > 0 && !at.r->no_probes;)
		if (v->probe[p].verdict == MXPROBE_UNTOLD && !at.r->leave_out[p]) {
			untold++;
			first = p;
		}
	if (untold > 0)
		check_state(CHECK_WARNING, "%s: %zu probe%s without a verdict, the first is %s: %s", name_of(v),
		    untold, untold > 1 ? "s" : "", mxprobe_row[first].name, v->probe[first].said[0] != '\0' ?
		    check_clean(slice_of(v->probe[first].said)) : "not asked in time");
	for (unsigned p = 0; p < MXPROBES; p++)
		if (v->probe[p].verdict == MXPROBE_ACCEPTED && at.j->must_refuse[p])
			check_state(CHECK_WARNING, "%s accepts %s", name_of(v), mxprobe_row[p].words);
	if (v->probe[MXPROBE_RELAY].verdict == MXPROBE_ACCEPTED)
		check_state(CHECK_CRITICAL, "%s relays to %s: everybody may, or it trusts this machine", name_of(v),
		    at.r->elsewhere);
}

/* Where nobody takes an ordinary mail, refusals of the others say nothing. Who greylists takes it later. */
static void
judge_ordinary(void)
{
	const struct mxprobe_server *v = NULL;
	bool later = false;

	for (size_t i = 0; i < at.r->servers; i++) {
		enum mxprobe_verdict d = at.r->server[i]->probe[MXPROBE_ORDINARY].verdict;

		if (d == MXPROBE_ACCEPTED || (d == MXPROBE_GREYLISTED && at.j->greylist_ok))
			return;
		later |= d == MXPROBE_GREYLISTED;
		if (d != MXPROBE_UNTOLD && v == NULL)
			v = at.r->server[i];
	}
	if (v != NULL)
		check_state(at.j->rcpt_exists && !later ? CHECK_CRITICAL : CHECK_WARNING, "an ordinary mail to %s is accepted nowhere, so that the other probes "
		    "say little (%s: %s)", at.r->rcpt, name_of(v),
		    check_clean(slice_head(slice_of(v->probe[MXPROBE_ORDINARY].said), SAID_BYTES)));
}

/* --- values, lines, JSON ------------------------------------------------------------------------ */

/* Where nobody was reached nothing was compared. */
static void
tell_differences(const struct mxset *m, size_t reached)
{
	if (reached == 0) {
		check_show("differences", (double)NAN, "");
		return;
	}
	check_value("differences", (double)at.differences, "");
	if (at.differences > 0)
		check_words("differences", NULL, "%zu difference%s: %s", at.differences,
		    PLURAL(at.differences, "", "s"), at.list.p);
	else
		check_words("differences", NULL, "%s: %zu MX, %zu address%s, no difference", m->domain, m->hosts,
		    at.r->servers, PLURAL(at.r->servers, "", "es"));
}

static void
tell_values(const struct mxset *m)
{
	size_t reached = 0;
	double mx_ttl = (m->hosts > 0 || m->null) && !m->implicit ? m->ttl : (double)NAN, ttl = (double)NAN;
	bool known = m->hosts > 0;

	for (size_t i = 0; i < at.r->servers; i++)
		reached += at.r->server[i]->reached;
	for (size_t i = 0; i < m->hosts; i++)
		if (m->host[i].addrs > 0 && !(m->host[i].ttl <= ttl))
			ttl = m->host[i].ttl;
	tell_differences(m, reached);
	check_asked("mx", known ? (double)m->hosts : (double)NAN, "");
	check_asked("addresses", known ? (double)at.r->servers : (double)NAN, "");
	check_asked("reached", known ? (double)reached : (double)NAN, "");
	check_asked("mx_ttl", mx_ttl, "s");
	check_asked("address_ttl", ttl, "s");
}

static void
tell_server(const struct mxprobe_server *v)
{
	struct slice talk = buf_slice(&v->first.talk), line;
	struct buf b = buf_new(100);

	net_addr_print(&b, v->addr);
	check_detail("%u %s[%s]: %s", v->host->preference, check_clean(slice_of(v->host->name)), b.p,
	    check_clean(slice_of(v->reached ? v->first.banner : v->first.sentence)));
	while (slice_cut(&talk, '\n', &line))
		check_verbose(2, "  %s", check_clean(line));
	buf_free(&b);
}

static void
json_text(struct buf *b, const char *name, const char *text)
{
	buf_fmt(b, ",\"%s\":", name);
	buf_json(b, slice_of(check_clean(slice_of(text))));
}

static void
json_server(struct buf *b, const struct mxprobe_server *v)
{
	struct buf addr = buf_new(100);

	net_addr_print(&addr, v->addr);
	buf_fmt(b, "{\"preference\":%u,\"reached\":%s,\"ttl\":%u", v->host->preference,
	    v->reached ? "true" : "false", (unsigned)v->host->ttl);
	json_text(b, "host", v->host->name);
	json_text(b, "address", addr.p);
	json_text(b, "banner", v->first.banner);
	json_text(b, "text", v->first.sentence);
	buf_str(b, ",\"probes\":{");
	for (unsigned p = 0; p < MXPROBES; p++) {
		buf_fmt(b, "%s\"%s\":{\"verdict\":\"%s\"", p > 0 ? "," : "", mxprobe_row[p].name,
		    mxprobe_verdict_name[v->probe[p].verdict]);
		json_text(b, "text", v->probe[p].said);
		buf_char(b, '}');
	}
	buf_str(b, "}}");
	buf_free(&addr);
}

static void
tell_json(void)
{
	struct buf b = buf_new(JSON_BYTES), one = buf_new(JSON_BYTES);

	buf_char(&b, '[');
	for (size_t i = 0; i < at.r->servers; i++) {
		buf_clear(&one);
		json_server(&one, at.r->server[i]);
		if (b.n + one.n + 2 > JSON_BYTES)
			break;
		buf_str(&b, b.n > 1 ? "," : "");
		buf_add(&b, buf_slice(&one));
	}
	buf_char(&b, ']');
	check_extra("servers", buf_slice(&b));
	buf_free(&b);
	buf_free(&one);
}

void
mxjudge_tell(const struct mxjudge *j, const struct mxset *m, const struct mxprobe_run *r)
{
	at.j = j;
	at.r = r;
	at.list = buf_new(LINE_BYTES);
	judge_set(m);
	for (size_t i = 0; i < r->servers; i++)
		judge_server(r->server[i]);
	judge_ordinary();
	for (unsigned p = 0; p < MXPROBES; p++)
		compare_probe((enum mxprobe)p);
	compare_tls();
	compare_extensions();
	for (size_t i = 0; i < r->servers; i++)
		tell_server(r->server[i]);
	tell_values(m);
	if (check_is_json())
		tell_json();
}
