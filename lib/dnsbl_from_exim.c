/* dnsbl_from_exim.c - lists in the "dnslists" conditions of Exim's access control. See dnsbl_from.h.
 *
 * "exim -bP config" is asked, since it has followed .include and .ifdef; who may not ask it so reads
 * the file. Macros are put in where a whole item is one. */
#include "dnsbl_from_priv.h"

#include <string.h>
#include <unistd.h>

#include "command.h"

#include "poison.h"

enum { CONFIG_BYTES = 1 << 22, LINE_BYTES = 1 << 16, DEPTH_MAX = 4 };

struct exim {
	struct dnsbl_from *f;
	struct slice text;
	struct slice verb;	/* of the ACL statement that we are in */
};

/* One logical line: what ends with a backslash goes on without the blanks of the next. */
static bool
take_line(struct slice *rest, struct buf *line)
{
	struct slice part;

	buf_clear(line);
	while (slice_next(rest, '\n', &part)) {
		bool more;

		part = slice_trim(part);
		if (line->n > 0 && slice_starts(part, SLICE("#")))
			continue;	/* Exim allows remarks in between */
		more = part.n > 0 && part.p[part.n - 1] == '\\';
		buf_add(line, slice_head(part, part.n - more));
		if (!more)
			return true;
	}
	return line->n > 0;
}

static bool
find_macro(struct slice text, struct slice name, struct buf *value)
{
	struct buf line = buf_new(LINE_BYTES);
	bool found = false;

	while (!found && name.n > 0 && name.p[0] >= 'A' && name.p[0] <= 'Z' && take_line(&text, &line)) {
		struct slice rest = buf_slice(&line), key;

		if (!slice_cut(&rest, '=', &key) || !slice_eq(slice_trim(key), name))
			continue;
		buf_add(value, slice_trim(rest));
		found = true;
	}
	buf_free(&line);
	return found;
}

/* zone[,zone-of-texts][=codes][/key]: "&" compares bits, "!" means all but these. */
static bool
add_item(struct exim *x, struct slice item, struct err *e)
{
	struct dnsbl_use use = { .who = "Exim", .how = "dnslists", .rejects =
	    slice_eq(x->verb, SLICE("deny")) || slice_eq(x->verb, SLICE("drop")) };
	unsigned kinds = DNSBL_IP;
	struct slice zone, what = item, key;

	if (slice_cut(&item, '/', &what)) {
		key = slice_trim(item);
		kinds = slice_has(key, SLICE("host_address")) || (key.n > 0 && slice_is_digit(key.p[0])) ?
		    DNSBL_IP : DNSBL_DOMAIN;
	}
	(void)dnsbl_from_word(&what, " \t,=&!", &zone);
	if (slice_has(what, SLICE("!")) || slice_has(what, SLICE("&")))
		use.filter = "";
	else if (slice_cut(&what, '=', &key))
		use.filter = arena_strdup(&x->f->run->memory,
		    slice_trim(what.n > 0 && what.p[0] == '=' ? slice_from(what, 1) : what));
	if (slice_eq(x->verb, SLICE("accept")))
		kinds |= DNSBL_ALLOW;
	return dnsbl_from_add(x->f, zone, kinds, &use, e);
}

static bool
add_items(struct exim *x, struct slice value, unsigned depth, struct err *e)
{
	char separator[2] = ":";
	struct slice item;

	value = slice_trim(value);
	if (value.n > 1 && value.p[0] == '<') {
		separator[0] = value.p[1];
		value = slice_from(value, 2);
	}
	while (dnsbl_from_word(&value, separator, &item)) {
		struct buf macro = buf_new(LINE_BYTES);
		bool good = true;

		item = slice_trim(item);
		if (depth < DEPTH_MAX && find_macro(x->text, item, &macro))
			good = add_items(x, buf_slice(&macro), depth + 1, e);
		else if (item.n > 0 && item.p[0] != '+')	/* +include_unknown and its like */
			good = add_item(x, item, e);
		buf_free(&macro);
		if (!good)
			return false;
	}
	return true;
}

static void
note_verb(struct exim *x, struct slice line)
{
	static const char *const verbs[] = { "accept", "defer", "deny", "discard", "drop", "require", "warn" };
	struct slice word;

	if (!dnsbl_from_word(&line, " \t", &word))
		return;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_eq(word, slice_of(verbs[i])))
			x->verb = slice_of(verbs[i]);
}

/* "dnslists = ...", "deny dnslists = ...", "!dnslists = ...": the value. */
static bool
is_condition(struct slice line, struct slice *value)
{
	struct slice before;

	*value = line;
	if (slice_starts(line, SLICE("#")) || !slice_cut_at(value, SLICE("dnslists"), &before) ||
	    (before.n > 0 && strchr(" \t!", before.p[before.n - 1]) == NULL))
		return false;
	*value = slice_trim(*value);
	return slice_eat_char(value, '=');
}

bool
dnsbl_text_exim(struct dnsbl_from *f, struct slice text, struct err *e)
{
	struct exim x = { .f = f, .text = text, .verb = SLICE("") };
	struct buf line = buf_new(LINE_BYTES);
	bool good = true;

	while (good && take_line(&text, &line)) {
		struct slice value;

		note_verb(&x, buf_slice(&line));
		if (line.n > 0 && is_condition(buf_slice(&line), &value))
			good = add_items(&x, value, 0, e);
	}
	buf_free(&line);
	return good;
}

static bool
ask_exim(struct buf *text, struct err *e)
{
	static const char *const exims[] = { "/usr/sbin/exim4", "/usr/sbin/exim" };

	for (size_t i = 0; i < 2; i++) {
		const char *argv[] = { exims[i], "-bP", "config", NULL };

		if (access(exims[i], X_OK) == 0)
			return command_read(argv, text, e);
	}
	return err_set(e, "there is no %s", exims[0]);
}

bool
dnsbl_from_exim(struct dnsbl_from *f, const char *place, struct err *e)
{
	static const char *const usual[] = { "/etc/exim4/exim4.conf", "/var/lib/exim4/config.autogenerated",
		"/etc/exim/exim.conf", "/etc/exim.conf", "/usr/local/etc/exim/configure" };
	struct buf text = buf_new(CONFIG_BYTES);
	bool good = place[0] != '\0' ? dnsbl_from_file(place, &text, e) : ask_exim(&text, e);

	for (size_t i = 0; !good && place[0] == '\0' && i < sizeof usual / sizeof *usual; i++) {
		buf_free(&text);
		good = access(usual[i], R_OK) == 0 && dnsbl_from_file(usual[i], &text, e);
	}
	good = good && dnsbl_text_exim(f, buf_slice(&text), e);
	buf_free(&text);
	return good;
}
