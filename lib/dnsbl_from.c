/* dnsbl_from.c - lists in the configurations of Postfix and Sendmail. See dnsbl_from.h. */
#include "dnsbl_from_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "wholefile.h"

#include "poison.h"

enum { TEXT_BYTES = 1 << 22 };

bool
dnsbl_from_add(struct dnsbl_from *f, struct slice zone, unsigned kinds, const struct dnsbl_use *use,
    struct err *e)
{
	size_t had = f->run->lists;
	struct dnsbl_list *l;

	if (!slice_has(slice_head(zone, zone.n > 0 ? zone.n - 1 : 0), SLICE(".")) ||
	    slice_has(zone, SLICE("$")) || slice_has(zone, SLICE("{")) || slice_has(zone, SLICE("}"))) {
		if (f->unclear++ == 0)
			(void)snprintf(f->example, sizeof f->example, "%.*s", (int)zone.n, zone.p);
		return true;
	}
	l = dnsbl_add_list(f->run, f->table, zone, e);
	if (l == NULL)
		return false;
	f->found++;
	/* what the table does not know is of the sort for which it is asked */
	if (kinds != 0 && f->run->lists > had && l->row->zone[0] == '*')
		l->kinds = kinds;
	for (size_t i = 0; i < l->uses; i++)
		if (strcmp(l->use[i].who, use->who) == 0 && strcmp(l->use[i].how, use->how) == 0 &&
		    (l->use[i].filter == NULL) == (use->filter == NULL) &&
		    (use->filter == NULL || strcmp(l->use[i].filter, use->filter) == 0))
			return true;
	if (l->uses < DNSBL_USES) {
		l->use[l->uses] = *use;
		l->use[l->uses++].allows = (kinds & DNSBL_ALLOW) != 0;
	}
	return true;
}

bool
dnsbl_from_word(struct slice *rest, const char *separators, struct slice *word)
{
	size_t n;

	while (rest->n > 0 && strchr(separators, rest->p[0]) != NULL && rest->p[0] != '\0')
		*rest = slice_from(*rest, 1);
	for (n = 0; n < rest->n && (rest->p[n] == '\0' || strchr(separators, rest->p[n]) == NULL); n++)
		;
	*word = slice_head(*rest, n);
	*rest = slice_from(*rest, n);
	return n > 0;
}

bool
dnsbl_from_file(const char *path, struct buf *text, struct err *e)
{
	*text = buf_new(TEXT_BYTES);
	return wholefile_read(text, path, e);
}

/* --- Postfix ---------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	unsigned kinds;
	bool rejects;
} restrictions[] = {
	{ "reject_rbl_client", DNSBL_IP, true },
	{ "permit_dnswl_client", DNSBL_IP | DNSBL_ALLOW, false },
	{ "reject_rhsbl_client", DNSBL_DOMAIN, true },
	{ "reject_rhsbl_reverse_client", DNSBL_DOMAIN, true },
	{ "reject_rhsbl_helo", DNSBL_DOMAIN, true },
	{ "reject_rhsbl_sender", DNSBL_DOMAIN, true },
	{ "reject_rhsbl_recipient", DNSBL_DOMAIN, true },
	{ "permit_rhswl_client", DNSBL_DOMAIN | DNSBL_ALLOW, false },
};

/* "zone", "zone=127.0.0.[2..11]" */
static bool
add_site(struct dnsbl_from *f, struct slice site, unsigned kinds, struct dnsbl_use use, struct err *e)
{
	struct slice zone = site, filter = site;

	if (slice_cut(&filter, '=', &zone))
		use.filter = arena_strdup(&f->run->memory, filter);
	return dnsbl_from_add(f, zone, kinds, &use, e);
}

static bool
read_restrictions(struct dnsbl_from *f, struct slice value, struct err *e)
{
	struct slice word, before = SLICE("");

	while (dnsbl_from_word(&value, " \t\r\n,{}", &word)) {
		struct slice site;

		for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++) {
			struct dnsbl_use use = { .who = "Postfix", .how = restrictions[i].word,
				.rejects = restrictions[i].rejects && !slice_eq(before, SLICE("warn_if_reject")) };

			if (!slice_eq(word, slice_of(restrictions[i].word)))
				continue;
			if (dnsbl_from_word(&value, " \t\r\n,{}", &site) &&
			    !add_site(f, site, restrictions[i].kinds, use, e))
				return false;
		}
		before = word;
	}
	return true;
}

static double
number(struct slice s, double otherwise)
{
	double v;

	return slice_decimal(&s, &v) && s.n == 0 ? v : otherwise;
}

/* "zone=127.0.0.[2..11]*3, zone*-2": a negative weight makes an allow list of it. */
static bool
read_postscreen(struct dnsbl_from *f, struct slice value, double threshold, bool enforced, struct err *e)
{
	struct slice word;

	while (dnsbl_from_word(&value, " \t\r\n,", &word)) {
		struct dnsbl_use use = { .who = "postscreen", .how = "postscreen_dnsbl_sites", .weight = 1 };
		struct slice weight = word, site = word;
		bool negative = false;

		if (slice_cut(&weight, '*', &site)) {
			negative = slice_eat_char(&weight, '-');
			use.weight = number(weight, 1);
		}
		use.rejects = enforced && !negative && use.weight >= threshold;
		if (!add_site(f, site, negative ? DNSBL_IP | DNSBL_ALLOW : DNSBL_IP, use, e))
			return false;
	}
	return true;
}

/* The value of "name = value" in what postconf prints; "" if it is not there. */
static struct slice
value_of(struct slice text, struct slice name)
{
	struct slice line, key;

	while (slice_cut(&text, '\n', &line))
		if (slice_cut(&line, '=', &key) && slice_eq(slice_trim(key), name))
			return slice_trim(line);
	return SLICE("");
}

bool
dnsbl_text_postfix(struct dnsbl_from *f, struct slice text, struct err *e)
{
	double threshold = number(value_of(text, SLICE("postscreen_dnsbl_threshold")), 1);
	struct slice action = value_of(text, SLICE("postscreen_dnsbl_action")), rest = text, line, key;

	while (slice_next(&rest, '\n', &line)) {
		if (!slice_cut(&line, '=', &key))
			continue;
		key = slice_trim(key);	/* of master.cf: "smtp/inet/smtpd_client_restrictions" */
		if (slice_ends(key, SLICE("postscreen_dnsbl_sites")) ?
		    !read_postscreen(f, line, threshold, !slice_eq(action, SLICE("ignore")), e) :
		    !read_restrictions(f, line, e))
			return false;
	}
	return true;
}

bool
dnsbl_from_postfix(struct dnsbl_from *f, const char *place, struct err *e)
{
	const char *main_cf[] = { "/usr/sbin/postconf", "-x", place[0] != '\0' ? "-c" : NULL, place, NULL };
	const char *master_cf[] = { "/usr/sbin/postconf", "-Px", place[0] != '\0' ? "-c" : NULL, place, NULL };
	struct buf text = buf_new(TEXT_BYTES);
	bool good;

	if (access(main_cf[0], X_OK) != 0)
		return err_set(e, "there is no %s", main_cf[0]);
	good = command_read(main_cf, &text, e) && command_read(master_cf, &text, e) &&
	    dnsbl_text_postfix(f, buf_slice(&text), e);
	buf_free(&text);
	return good;
}

/* --- Sendmail --------------------------------------------------------------------------------- */

/* FEATURE(`dnsbl') and FEATURE(`enhdnsbl') become
 *	R$-.$-.$-.$-		$: <?> $(dnsbl $4.$3.$2.$1.zen.example.org. $: OK $)
 * and which answers the second takes is a matter of the rules behind it. */
bool
dnsbl_text_sendmail(struct dnsbl_from *f, struct slice text, struct err *e)
{
	static const struct {
		struct slice map;
		const char *how, *filter;
	} maps[] = { { { "$(dnsbl $4.$3.$2.$1.", 20 }, "dnsbl", NULL },
		{ { "$(ednsbl $4.$3.$2.$1.", 21 }, "enhdnsbl", "" } };
	struct slice line, before;

	while (slice_next(&text, '\n', &line)) {
		for (size_t i = 0; i < 2 && slice_starts(line, SLICE("R")); i++) {
			struct dnsbl_use use = { .who = "Sendmail", .how = maps[i].how, .filter = maps[i].filter,
				.rejects = true };
			struct slice rest = line, zone;

			if (slice_cut_at(&rest, maps[i].map, &before) && dnsbl_from_word(&rest, " \t$", &zone) &&
			    !dnsbl_from_add(f, zone, DNSBL_IP4, &use, e))
				return false;
		}
	}
	return true;
}

bool
dnsbl_from_sendmail(struct dnsbl_from *f, const char *place, struct err *e)
{
	struct buf text;
	bool good = dnsbl_from_file(place[0] != '\0' ? place : "/etc/mail/sendmail.cf", &text, e) &&
	    dnsbl_text_sendmail(f, buf_slice(&text), e);

	buf_free(&text);
	return good;
}
