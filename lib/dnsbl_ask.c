/* dnsbl_ask.c - see dnsbl_ask.h.
 *
 * At most WINDOW questions are on their way: more would overrun the resolver's socket, or ours. Lists are
 * asked in turn, so that none gets a burst. */
#include "dnsbl_ask.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hash.h"

#include "poison.h"

enum { WINDOW = 300, NAME_BYTES = 254, LABEL_BYTES = 63, TEXT_WITH_IT = 128 };

/* One question. */
struct job {
	struct job *next;
	struct asking *asking;
	struct dnsbl_reply *reply;
	char *name;
	enum dns_type type;
	bool extra;		/* nobody waits for it for long */
	double begun;
};

struct asking {
	struct dnsbl_run *r;
	struct dns *dns;
	struct arena memory;	/* jobs; not freed, as the channel is not */
	struct job *first, **end;
	size_t waits, extras;	/* on their way or to come */
	double begun;
};

/* --- names ---------------------------------------------------------------------------------- */

static bool
is_name(struct slice s)
{
	size_t label = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!slice_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_') {
			return false;
		} else if (++label > LABEL_BYTES) {
			return false;
		}
	}
	return label > 0 && s.n < NAME_BYTES;
}

static struct slice
without_dot(struct slice s)
{
	s = slice_trim(s);
	return s.n > 1 && s.p[s.n - 1] == '.' ? slice_head(s, s.n - 1) : s;
}

static char *
small_letters(struct dnsbl_run *r, struct slice s)
{
	char *text = arena_strdup(&r->memory, s);

	for (char *c = text; *c != '\0'; c++)
		*c = slice_lower(*c);
	return text;
}

struct dnsbl_list *
dnsbl_add_list(struct dnsbl_run *r, const struct dnsbl_table *t, struct slice zone, struct err *e)
{
	struct dnsbl_list *l;

	zone = without_dot(zone);
	for (size_t i = 0; i < r->lists; i++)
		if (slice_eq_nocase(slice_of(r->list[i].zone), zone))
			return &r->list[i];
	if (!is_name(zone)) {
		err_set(e, "list %.*s: this is no name of a zone", (int)slice_head(zone, 100).n, zone.p);
		return NULL;
	}
	if (r->lists >= DNSBL_LISTS_MAX) {
		err_set(e, "there are more than %d lists", DNSBL_LISTS_MAX);
		return NULL;
	}
	r->list = xreallocarray(r->list, r->lists + 1, sizeof *r->list);
	l = &r->list[r->lists++];
	*l = (struct dnsbl_list){ .zone = small_letters(r, zone), .row = dnsbl_row(t, zone),
		.latency_s = (double)NAN };
	l->kinds = l->row->kinds;
	return l;
}

/* six: an IPv4 address in the form of IPv6 stays one of IPv6. */
static bool
read_target(struct dnsbl_target *t, bool six)
{
	struct net_addr a;

	if (!net_addr_parse(t->text, 0, &a)) {
		t->kind = DNSBL_DOMAIN;
		return is_name(slice_of(t->text));
	}
	t->kind = a.sa.ss_family == AF_INET ? DNSBL_IP4 : DNSBL_IP6;
	memcpy(t->ip, net_addr_bytes(&a), t->kind == DNSBL_IP4 ? 4 : 16);
	if (t->kind == DNSBL_IP6 && !six && memcmp(t->ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
		t->kind = DNSBL_IP4;	/* lists know it as what it is */
		memmove(t->ip, t->ip + 12, 4);
	}
	return true;
}

bool
dnsbl_add_target(struct dnsbl_run *r, struct slice text, struct err *e)
{
	struct dnsbl_target t = { .text = small_letters(r, without_dot(text)) };

	if (!read_target(&t, false))
		return err_set(e, "%.*s is neither an address nor a name", (int)slice_head(text, 100).n, text.p);
	for (size_t i = 0; i < r->targets; i++) {
		const struct dnsbl_target *o = &r->target[i];

		if (o->kind == t.kind && (t.kind == DNSBL_DOMAIN ? strcmp(o->text, t.text) == 0 :
		    memcmp(o->ip, t.ip, t.kind == DNSBL_IP4 ? 4 : 16) == 0))
			return true;
	}
	if (r->targets >= DNSBL_TARGETS_MAX)
		return err_set(e, "there are more than %d addresses and names", DNSBL_TARGETS_MAX);
	r->target = xreallocarray(r->target, r->targets + 1, sizeof *r->target);
	r->target[r->targets++] = t;
	return true;
}

void
dnsbl_clear(struct dnsbl_run *r)
{
	free(r->list);
	free(r->target);
	arena_free(&r->memory);
	*r = (struct dnsbl_run){ .lists = 0 };
}

static bool
fits(const struct dnsbl_list *l, const struct dnsbl_target *t)
{
	return (l->kinds & t->kind) != 0;
}

bool
dnsbl_question(struct buf *b, const struct dnsbl_target *t, const char *zone)
{
	if (t->kind == DNSBL_DOMAIN)
		buf_fmt(b, "%s.", t->text);
	for (int i = 3; t->kind == DNSBL_IP4 && i >= 0; i--)
		buf_fmt(b, "%u.", t->ip[i]);
	for (int i = 15; t->kind == DNSBL_IP6 && i >= 0; i--)
		buf_fmt(b, "%x.%x.", t->ip[i] & 15u, t->ip[i] >> 4);
	buf_str(b, zone);
	return !b->full && b->n < NAME_BYTES;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void
take_address(struct dnsbl_reply *reply, const struct dns_record *r)
{
	bool again = false;

	for (unsigned i = 0; i < reply->n && r->data.n == 4; i++)
		again = again || memcmp(reply->addr[i], r->data.p, 4) == 0;
	if (r->data.n != 4 || again)
		return;
	if (reply->n < DNSBL_ADDRS)
		memcpy(reply->addr[reply->n++], r->data.p, 4);
	else
		reply->left_out++;
}

static void
take_text(struct dnsbl_reply *reply, const struct dns_record *r)
{
	struct buf text = buf_new(1 << 16);

	if (dns_txt(r, &text) && reply->text == NULL) {
		struct slice s = slice_head(buf_slice(&text), DNSBL_TEXT_BYTES);

		reply->text = xslicedup(s);
		for (size_t i = 0; i < s.n; i++)
			if (reply->text[i] == '\0')
				reply->text[i] = '?';
	}
	buf_free(&text);
}

void
dnsbl_take(struct dnsbl_reply *reply, const char *name, const struct dns_answer *a)
{
	struct buf want = buf_new(2048), owner = buf_new(2048);
	struct dns_cursor at = { 0 };
	struct dns_record r;

	reply->answered = true;
	reply->fault = a->fault;
	buf_str(&want, name);
	while (a->state == DNS_FOUND && dns_next(a, &at, &r)) {
		buf_clear(&owner);
		if (!dns_owner(&r, &owner) || !slice_eq_nocase(buf_slice(&owner), buf_slice(&want)))
			continue;
		if (r.type == DNS_CNAME) {	/* what follows belongs to that name */
			buf_clear(&want);
			if (!dns_name(&r, &want))
				break;
		} else if (r.type == DNS_A) {
			take_address(reply, &r);
		} else if (r.type == DNS_TXT) {
			take_text(reply, &r);
		} else if (r.type == DNS_SOA || r.type == DNS_NS) {
			reply->n++;
		}
	}
	buf_free(&want);
	buf_free(&owner);
}

/* --- questions -------------------------------------------------------------------------------- */

static void
add_job(struct asking *k, struct dnsbl_reply *reply, enum dns_type type, bool extra, const char *name)
{
	struct job *j = arena_alloc(&k->memory, sizeof *j);

	*j = (struct job){ .asking = k, .reply = reply, .type = type, .extra = extra,
		.name = arena_strdup(&k->memory, slice_of(name)) };
	*k->end = j;
	k->end = &j->next;
	reply->asked = true;
	if (extra)
		k->extras++;
	else
		k->waits++;
}

/* Of a text nothing but itself is kept: that there is none says nothing. */
static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct job *j = arg;
	struct asking *k = j->asking;
	struct dnsbl_reply text = { .asked = true };

	if (j->type == DNS_TXT) {
		dnsbl_take(&text, j->name, a);
		free(j->reply->text);
		j->reply->text = text.text;
	} else {
		j->reply->took_s = clock_now() - j->begun;
		dnsbl_take(j->reply, j->name, a);
	}
	if (j->extra)
		k->extras--;
	else
		k->waits--;
}

/* A test point: an address or a name; NULL: as RFC 5782 says. */
static void
add_point(struct asking *k, struct dnsbl_list *l, struct dnsbl_reply *reply, const char *point, bool clean)
{
	static const char *const usual[2][3] = {
		{ "127.0.0.2", "::ffff:7f00:2", "test" }, { "127.0.0.1", "::ffff:7f00:1", "invalid" }
	};
	struct dnsbl_target t = { .text = NULL };
	struct buf name = buf_new(NAME_BYTES + 1);

	if (point != NULL && strcmp(point, "none") == 0)
		return;
	if (point == NULL)
		point = usual[clean][(l->kinds & DNSBL_IP4) != 0 ? 0 : (l->kinds & DNSBL_IP6) != 0 ? 1 : 2];
	t.text = xstrdup(point);
	if (read_target(&t, true) && dnsbl_question(&name, &t, l->zone))
		add_job(k, reply, DNS_A, false, name.p);
	free(t.text);
	buf_free(&name);
}

/* A label that nobody can have listed: only a zone that answers to everything has it. */
static void
add_random(struct asking *k, struct dnsbl_reply *reply, const char *zone)
{
	struct hash_key random = hash_key_random();
	struct buf name = buf_new(NAME_BYTES);

	buf_fmt(&name, "mxgauge-%012" PRIx64 ".%s", random.k[0] >> 16, zone);
	if (!name.full)
		add_job(k, reply, DNS_A, false, name.p);
	buf_free(&name);
}

static void
add_health(struct asking *k)
{
	struct dnsbl_run *r = k->r;

	for (size_t i = 0; i < r->lists; i++) {
		struct dnsbl_list *l = &r->list[i];

		add_point(k, l, &l->test, l->row->test, false);
		if ((l->kinds & DNSBL_IP) == DNSBL_IP && l->row->test == NULL)
			add_point(k, l, &l->test6, "::ffff:7f00:2", false);
		add_point(k, l, &l->clean, l->row->clean, true);
		add_random(k, &l->random, l->zone);
		add_job(k, &l->soa, DNS_SOA, true, l->zone);
		add_job(k, &l->ns, DNS_NS, true, l->zone);
	}
	add_random(k, &r->control, "invalid");
}

/* Of few, the texts are asked for at once; of many, only where there is a listing. */
static void
add_targets(struct asking *k)
{
	struct dnsbl_run *r = k->r;
	bool text = r->lists * r->targets <= TEXT_WITH_IT;

	for (size_t t = 0; t < r->targets; t++) {
		for (size_t i = 0; i < r->lists; i++) {
			struct dnsbl_list *l = &r->list[i];
			struct buf name = buf_new(NAME_BYTES + 1);

			if (fits(l, &r->target[t]) && dnsbl_question(&name, &r->target[t], l->zone)) {
				add_job(k, &l->of[t], DNS_A, false, name.p);
				if (text)
					add_job(k, &l->of[t], DNS_TXT, true, name.p);
			}
			buf_free(&name);
		}
	}
}

/* Listed addresses of many have their texts asked for behind. */
static void
add_texts(struct asking *k)
{
	struct dnsbl_run *r = k->r;

	for (size_t i = 0; i < r->lists; i++) {
		struct dnsbl_list *l = &r->list[i];

		for (size_t t = 0; t < r->targets; t++) {
			struct buf name = buf_new(NAME_BYTES + 1);

			if (l->of[t].n > 0 && l->of[t].text == NULL &&
			    dnsbl_question(&name, &r->target[t], l->zone))
				add_job(k, &l->of[t], DNS_TXT, false, name.p);
			buf_free(&name);
		}
	}
}

/* Until all is answered; what nobody waits for has a seventh more time than the rest took. */
static void
run_jobs(struct asking *k)
{
	double patience = k->r->deadline;
	bool alone = false;

	while (k->waits + k->extras > 0) {
		double now = clock_now();

		if (k->waits == 0 && !alone) {
			double more = (now - k->begun) / 7;

			alone = true;
			patience = now + (more < 0.02 ? 0.02 : more);
			patience = patience < k->r->deadline ? patience : k->r->deadline;
		}
		if (now >= patience)
			break;
		for (; k->first != NULL && dns_waiting(k->dns) < WINDOW; k->first = k->first->next) {
			k->first->begun = clock_now();
			dns_ask(k->dns, k->first->name, k->first->type, on_answer, k->first);
		}
		dns_wait(k->dns, patience);
	}
}

/* Not freed: late answers find it. */
static struct asking *
begin(struct dnsbl_run *r, struct dns *dns)
{
	struct asking *k = xcalloc(1, sizeof *k);

	*k = (struct asking){ .r = r, .dns = dns, .begun = clock_now() };
	k->end = &k->first;
	return k;
}

/* Where several resolvers were asked in turn, which fault was it? */
static void
ask_again(struct dnsbl_run *r)
{
	struct asking *k = begin(r, r->plain);

	for (size_t i = 0; i < r->lists; i++) {
		struct dnsbl_list *l = &r->list[i];

		if (l->test.answered && l->test.fault == DNS_NOBODY)
			add_point(k, l, &r->again[i], l->row->test, false);
	}
	run_jobs(k);
}

bool
dnsbl_ask(struct dnsbl_run *r, struct err *e)
{
	struct asking *k = begin(r, r->dns);

	if (r->lists * (r->targets + 5) > DNSBL_QUESTIONS_MAX)
		return err_set(e, "%zu lists and %zu addresses and names would be more than %d questions; "
		    "divide them", r->lists, r->targets, DNSBL_QUESTIONS_MAX);
	for (size_t i = 0; i < r->lists; i++)
		r->list[i].of = xcalloc(r->targets + 1, sizeof *r->list[i].of);
	r->again = xcalloc(r->lists + 1, sizeof *r->again);
	if (!r->no_health)
		add_health(k);
	add_targets(k);
	run_jobs(k);
	if (r->lists * r->targets > TEXT_WITH_IT) {
		k = begin(r, r->dns);
		add_texts(k);
		run_jobs(k);
	}
	if (r->plain != NULL)
		ask_again(r);
	return true;
}
