/* dnsbl_from_spam.c - lists in the rules of SpamAssassin. See dnsbl_from.h.
 *
 * Conditions (if, ifplugin) are not followed: what stands in either branch counts. A rule whose score is
 * set to 0 is not asked, nor a zone that dns_query_restriction denies. */
#include "dnsbl_from_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poison.h"

enum { RULES_BYTES = 1 << 24, OFF_MAX = 2000, PATH_BYTES = 4096 };

struct spam {
	struct dnsbl_from *f;
	struct slice off[OFF_MAX];	/* rules without a score, zones that are denied */
	size_t offs;
};

static const char blanks[] = " \t\r";

static bool
is_off(const struct spam *s, struct slice word)
{
	for (size_t i = 0; i < s->offs; i++)
		if (slice_eq_nocase(s->off[i], word))
			return true;
	return false;
}

static void
set_off(struct spam *s, struct slice word, bool off)
{
	for (size_t i = 0; i < s->offs; i++) {
		if (!slice_eq_nocase(s->off[i], word))
			continue;
		if (!off)
			s->off[i] = s->off[--s->offs];
		return;
	}
	if (off && s->offs < OFF_MAX)
		s->off[s->offs++] = word;
}

/* "score NAME 0", "dns_query_restriction deny ZONE" */
static void
note_off(struct spam *s, struct slice line)
{
	struct slice key, name, value;

	if (!dnsbl_from_word(&line, blanks, &key) || !dnsbl_from_word(&line, blanks, &name))
		return;
	if (slice_eq(key, SLICE("score"))) {
		bool zero = true;

		while (dnsbl_from_word(&line, blanks, &value) && value.p[0] != '#') {
			double v;

			zero = zero && slice_decimal(&value, &v) && value.n == 0 && !(v > 0);
		}
		set_off(s, name, zero);
	} else if (slice_eq(key, SLICE("dns_query_restriction")) && slice_eq(name, SLICE("deny"))) {
		while (dnsbl_from_word(&line, blanks, &value))
			set_off(s, value, true);
	}
}

static bool
add_zone(struct spam *s, struct slice name, struct slice zone, unsigned kinds, const char *how,
    struct err *e)
{
	struct dnsbl_use use = { .who = "SpamAssassin", .how = how, .filter = "" };

	if (zone.n > 0 && zone.p[zone.n - 1] == '.')
		zone = slice_head(zone, zone.n - 1);
	if (is_off(s, name) || is_off(s, zone))
		return true;
	return dnsbl_from_add(s->f, zone, kinds, &use, e);
}

/* "eval:check_rbl('set-firsttrusted', 'zone.', ...)" */
static bool
read_eval(struct spam *s, struct slice name, struct slice rest, struct err *e)
{
	struct slice function, set, zone, skip;
	unsigned kinds = DNSBL_IP;

	if (!slice_cut_at(&rest, SLICE("eval:"), &skip) || !slice_cut(&rest, '(', &function) ||
	    !slice_starts(function, SLICE("check_rbl")) || slice_eq(function, SLICE("check_rbl_sub")))
		return true;
	if (!dnsbl_from_word(&rest, " \t'\",", &set) || !dnsbl_from_word(&rest, " \t'\",)", &zone))
		return true;
	if (slice_has(function, SLICE("from")))
		kinds = DNSBL_DOMAIN;
	if (slice_has(set, SLICE("-firsttrusted")))
		kinds |= DNSBL_ALLOW;
	return add_zone(s, name, zone, kinds, "check_rbl", e);
}

/* "_DKIMDOMAIN_.zone. A ...": without what is put in. */
static bool
read_askdns(struct spam *s, struct slice name, struct slice rest, struct err *e)
{
	struct slice zone, before;

	if (!dnsbl_from_word(&rest, blanks, &zone) || !slice_rcut_at(&zone, SLICE("_."), &before) || zone.n == 0)
		return true;
	return add_zone(s, name, zone, DNSBL_DOMAIN, "askdns", e);
}

static bool
read_rule(struct spam *s, struct slice line, struct err *e)
{
	static const struct {
		const char *how;
		unsigned kinds;
	} uris[] = { { "urirhsbl", DNSBL_DOMAIN }, { "urirhssub", DNSBL_DOMAIN }, { "urinsrhsbl", DNSBL_DOMAIN },
		{ "urinsrhssub", DNSBL_DOMAIN }, { "urifullnsrhsbl", DNSBL_DOMAIN },
		{ "urifullnsrhssub", DNSBL_DOMAIN }, { "uridnsbl", DNSBL_IP }, { "uridnssub", DNSBL_IP } };
	struct slice key, name, zone;

	if (!dnsbl_from_word(&line, blanks, &key) || key.p[0] == '#' || !dnsbl_from_word(&line, blanks, &name))
		return true;
	if (slice_eq(key, SLICE("header")))
		return read_eval(s, name, line, e);
	if (slice_eq(key, SLICE("askdns")))
		return read_askdns(s, name, line, e);
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
		if (slice_eq(key, slice_of(uris[i].how)) && dnsbl_from_word(&line, blanks, &zone))
			return add_zone(s, name, zone, uris[i].kinds, uris[i].how, e);
	return true;
}

bool
dnsbl_text_spamassassin(struct dnsbl_from *f, struct slice text, struct err *e)
{
	struct spam *s = xcalloc(1, sizeof *s);
	bool good = true;

	s->f = f;
	for (int pass = 0; pass < 2; pass++) {
		struct slice rest = text, line;

		while (good && slice_next(&rest, '\n', &line)) {
			if (pass == 0)
				note_off(s, line);
			else
				good = read_rule(s, line, e);
		}
	}
	free(s);
	return good;
}

/* --- folders ------------------------------------------------------------------------------------ */

static int
is_rules(const struct dirent *d)
{
	return d->d_name[0] != '.' && slice_ends(slice_of(d->d_name), SLICE(".cf"));
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* All *.cf of a folder, in their order; how many. */
static int
add_folder(struct buf *all, const char *folder, struct err *e)
{
	struct dirent **file;
	int n = scandir(folder, &file, is_rules, alphasort), taken = 0;

	if (n < 0)
		err_set(e, "%s: %s", folder, strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES];
		struct buf text;

		if (snprintf(path, sizeof path, "%s/%s", folder, file[i]->d_name) < (int)sizeof path &&
		    dnsbl_from_file(path, &text, e)) {
			buf_add(all, buf_slice(&text));
			buf_char(all, '\n');
			buf_free(&text);
			taken++;
		}
		free(file[i]);
	}
	if (n >= 0)
		free(file);
	return taken;
}

/* Of the folders in base, the last by name, or all of them: as often as rules were found in any. */
static int
add_updates(struct buf *all, const char *base, bool last, struct err *e)
{
	struct dirent **d;
	int n = scandir(base, &d, is_visible, alphasort), taken = 0;

	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES];

		if ((!last || i == n - 1) &&
		    snprintf(path, sizeof path, "%s/%s", base, d[i]->d_name) < (int)sizeof path)
			taken += last ? add_updates(all, path, false, e) : add_folder(all, path, e);
		free(d[i]);
	}
	if (n >= 0)
		free(d);
	return taken;
}

bool
dnsbl_from_spamassassin(struct dnsbl_from *f, const char *place, struct err *e)
{
	static const char *const own[] = { "/etc/spamassassin", "/etc/mail/spamassassin" };
	struct buf all = buf_new(RULES_BYTES);
	bool good = true;

	if (place[0] != '\0') {
		good = add_folder(&all, place, e) > 0;
	} else {
		/* sa-update keeps /var/lib/spamassassin/VERSION/CHANNEL/ */
		if (add_updates(&all, "/var/lib/spamassassin", true, e) == 0)
			good = add_folder(&all, "/usr/share/spamassassin", e) > 0;
		if (add_folder(&all, own[0], e) == 0)
			(void)add_folder(&all, own[1], e);
	}
	if (!good && (e->text[0] == '\0' || place[0] != '\0'))
		err_set(e, "%s: no rules (*.cf) are there", place[0] != '\0' ? place : "/usr/share/spamassassin");
	good = good && dnsbl_text_spamassassin(f, buf_slice(&all), e);
	buf_free(&all);
	return good;
}
