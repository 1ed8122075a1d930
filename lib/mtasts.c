/* mtasts.c - the MTA-STS policy of a domain. See mtasts.h. */
#include "mtasts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "http.h"
#include "mem.h"
#include "smtp.h"

#include "poison.h"

/* RFC 8461 3.2 and 3.3: max_age up to a year; 64 KB are enough for any policy. */
enum { POLICY_MAX = 65536, AGE_MAX = 31557600 };

/* What name servers say of a domain: its TXT records with STSv1, and where its policy is. */
struct found {
	struct mtasts_policy *p;
	struct dns *d;
	struct err txt_e, host_e;
	int n;
	struct buf at;		/* as http_get() wants it */
};

void
mtasts_free(struct mtasts_policy *p)
{
	for (size_t i = 0; i < p->mx_n; i++)
		free(p->mx[i]);
	p->mx_n = 0;
}

/* "v=STSv1; id=20260101T000000;" */
bool
mtasts_read_record(struct mtasts_policy *p, struct slice txt, struct err *e)
{
	struct slice field, name;

	p->id[0] = '\0';
	while (slice_next(&txt, ';', &field)) {
		field = slice_trim(field);
		if (slice_cut(&field, '=', &name) && slice_eq(slice_trim(name), SLICE("id"))) {
			field = slice_trim(field);
			(void)snprintf(p->id, sizeof p->id, "%.*s", (int)slice_head(field, 33).n, field.p);
		}
	}
	for (const char *c = p->id; *c != '\0'; c++)
		if (!slice_is_alnum(*c))
			p->id[0] = '\0';
	if (p->id[0] == '\0' || strlen(p->id) > 32)
		return err_set(e, "the record has no id of 1 to 32 letters and digits");
	return true;
}

static void
take_field(struct mtasts_policy *p, struct slice name, struct slice value, bool *version)
{
	uint64_t n;

	if (slice_eq(name, SLICE("version")))
		*version = slice_eq(value, SLICE("STSv1"));
	else if (slice_eq(name, SLICE("mode")))
		(void)snprintf(p->mode, sizeof p->mode, "%.*s", (int)slice_head(value, 20).n, value.p);
	else if (slice_eq(name, SLICE("max_age")) && slice_u64(&value, &n) && value.n == 0 && n <= AGE_MAX)
		p->max_age_s = (int64_t)n;
	else if (slice_eq(name, SLICE("mx")) && p->mx_n < MTASTS_MX_MAX && value.n < 256)
		p->mx[p->mx_n++] = xslicedup(value);
}

bool
mtasts_read_policy(struct mtasts_policy *p, struct slice text, struct err *e)
{
	struct slice line, name;
	bool version = false;

	p->mode[0] = '\0';
	p->max_age_s = -1;
	p->mx_n = 0;
	while (slice_next(&text, '\n', &line)) {
		line = smtp_reply_trim(line);
		if (slice_cut(&line, ':', &name))
			take_field(p, slice_trim(name), slice_trim(line), &version);
	}
	if (!version)
		return err_set(e, "the policy does not say \"version: STSv1\"");
	if (strcmp(p->mode, "enforce") != 0 && strcmp(p->mode, "testing") != 0 &&
	    strcmp(p->mode, "none") != 0)
		return err_set(e, "the policy's mode is not enforce, testing or none");
	if (p->max_age_s < 0)
		return err_set(e, "the policy has no max_age of 0 to %d", AGE_MAX);
	return p->mx_n > 0 || strcmp(p->mode, "none") == 0 || err_set(e, "the policy names no mx");
}

bool
mtasts_matches(const struct mtasts_policy *p, const char *host)
{
	struct slice h = slice_of(host), label, rest = h;

	if (strcmp(p->mode, "none") == 0)
		return true;
	(void)slice_cut(&rest, '.', &label);
	for (size_t i = 0; i < p->mx_n; i++) {
		struct slice pattern = slice_of(p->mx[i]);

		if (slice_eat(&pattern, SLICE("*.")) ? rest.n < h.n && slice_eq_nocase(rest, pattern) :
		    slice_eq_nocase(h, pattern))
			return true;
	}
	return false;
}

static void
on_txt(void *arg, const struct dns_answer *a)
{
	struct found *f = arg;
	struct dns_record row;
	struct buf text = buf_new(4096);
	struct dns_cursor at = { 0 };

	if (a->state != DNS_FOUND)
		err_set(&f->txt_e, "TXT: %s%s", a->why, dns_asked(f->d, a));
	while (a->state == DNS_FOUND && dns_next(a, &at, &row)) {
		buf_clear(&text);
		if (!dns_txt(&row, &text) || !slice_starts(buf_slice(&text), SLICE("v=STSv1")))
			continue;
		f->n++;
		(void)mtasts_read_record(f->p, buf_slice(&text), &f->txt_e);
	}
	buf_free(&text);
}

static void
on_addrs(void *arg, const struct dns_answer *a, const struct net_addr *addr, size_t n)
{
	struct found *f = arg;

	if (n == 0)
		err_set(&f->host_e, "%s%s", a->why, dns_asked(f->d, a));
	for (size_t i = 0; i < n; i++) {
		bool six = addr[i].sa.ss_family == AF_INET6;

		buf_str(&f->at, i > 0 ? "," : "");
		buf_str(&f->at, six ? "[" : "");
		net_addr_print(&f->at, &addr[i]);
		buf_str(&f->at, six ? "]" : "");
	}
}

/* Both questions at once. False and *e: what they say is of no use. */
static bool
ask(struct found *f, struct dns *d, const char *domain, const char *host, double deadline, struct err *e)
{
	struct smtp_pool only_dns = { .dns = d, .deadline = deadline };
	struct buf record = buf_new(600);
	bool good = false;

	buf_fmt(&record, "_mta-sts.%s", domain);
	buf_fmt(&f->at, "%s:443:", host);
	dns_ask(d, record.p, DNS_TXT, on_txt, f);
	dns_addrs(d, host, AF_UNSPEC, on_addrs, f);
	smtp_run(&only_dns);
	if (dns_waiting(d) > 0)
		err_set(e, "no answer of the name server in time%s", dns_asked(d, NULL));
	else if (f->txt_e.text[0] != '\0')
		err_set(e, "%s: %s", record.p, f->txt_e.text);
	else if (f->n != 1)
		err_set(e, "%s has %d records of STSv1", record.p, f->n);
	else if (f->host_e.text[0] != '\0')
		err_set(e, "%s: %s", host, f->host_e.text);
	else
		good = true;
	buf_free(&record);
	return good;
}

bool
mtasts_fetch(struct mtasts_policy *p, struct dns *d, const char *domain, const char *ca_file,
    double deadline, bool *ours, struct err *e)
{
	struct found f = { .p = p, .d = d, .at = buf_new(DNS_ADDRS_MAX * 50 + 600) };
	struct buf host = buf_new(600), url = buf_new(700), text = buf_new(POLICY_MAX);
	bool good;

	*ours = false;
	*p = (struct mtasts_policy){ .mx_n = 0 };
	buf_fmt(&host, "mta-sts.%s", domain);
	buf_fmt(&url, "https://%s/.well-known/mta-sts.txt", host.p);
	good = ask(&f, d, domain, host.p, deadline, e) &&
	    http_get(&text, url.p, f.at.p, ca_file, deadline - clock_now(), ours, e) &&
	    mtasts_read_policy(p, buf_slice(&text), e);
	buf_free(&f.at);
	buf_free(&host);
	buf_free(&url);
	buf_free(&text);
	return good;
}
