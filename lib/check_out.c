/* check_out.c - a check's answer as text for Nagios and as JSON. See check.h.
 *
 * The numbers: 1,000 bytes of the first line fit a packet of NRPE's version 2, and
 * Nagios reads no more than 8,192 bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_priv.h"
#include "mem.h"
#include "plural.h"
#include "quantity.h"

#include "poison.h"

/* With performance data the text leaves room for it. */
enum {
	TEXT_BYTES = 400, ONLY_TEXT_BYTES = 900, LINE_BYTES = 1000, LABEL_BYTES = 500, TOTAL_BYTES = 8192,
	JSON_DETAIL_BYTES = 1 << 17	/* nobody's limit; so that the object stays whole */
};

static const char *
state_name(enum check_state s)
{
	static const char *const names[] = { "OK", "UNKNOWN", "WARNING", "CRITICAL" };

	return names[s];
}

int
check_state_exit(enum check_state s)
{
	static const int codes[] = { 0, 3, 1, 2 };

	return codes[s];
}

char *
check_out_clean(struct slice s, size_t max, bool keep_ampersand)
{
	struct buf b = buf_new(max + 4);

	buf_clean(&b, s, max);
	buf_str(&b, "");	/* terminated, also if nothing was added */
	for (char *c = b.p; *c != '\0'; c++) {
		if (*c == '|')
			*c = '/';
		else if (*c == '<')
			*c = '(';
		else if (*c == '>')
			*c = ')';
		else if (*c == '&' && !keep_ampersand)
			*c = '+';
	}
	return b.p;
}

/* "93.4% of 12,345 recipients rejected (limit 90%), mostly dnsbl 71%" */
static void
say_value(struct buf *b, const struct check_measured *v)
{
	const struct range *r = v->state == CHECK_CRITICAL ? &v->crit : &v->warn;

	if (v->words != NULL) {
		buf_str(b, v->words);
	} else {
		buf_fmt(b, "%s ", v->name);
		if (isnan(v->value))
			buf_str(b, "could not be measured");
		else
			quantity_people(b, v->value, v->unit);
	}
	if (v->state == CHECK_WARNING || v->state == CHECK_CRITICAL) {
		buf_str(b, " (");
		range_explain(b, r, v->value, v->unit);
		buf_char(b, ')');
	}
	if (v->after != NULL)
		buf_str(b, v->after);
}

static void
separate(struct buf *b)
{
	if (b->n > 0)
		buf_str(b, "; ");
}

static void
say_state(struct buf *b, const struct check_answer *a, enum check_state s)
{
	for (size_t i = 0; i < a->findings; i++) {
		if (a->finding[i].state == s) {
			separate(b);
			buf_str(b, a->finding[i].text);
		}
	}
	for (size_t i = 0; i < a->values && s != CHECK_OK; i++) {
		if (a->value[i].state == s) {
			separate(b);
			say_value(b, &a->value[i]);
		}
	}
}

/* The value with words is told in any case; where no value has words and all is well, the
 * first three by name that are known. */
static void
say_well(struct buf *b, const struct check_answer *a)
{
	for (size_t i = 0; i < a->values; i++) {
		if (a->value[i].words != NULL) {
			if (a->value[i].state == CHECK_OK) {
				separate(b);
				say_value(b, &a->value[i]);
			}
			return;
		}
	}
	for (size_t i = 0, said = 0; i < a->values && said < 3 && a->state == CHECK_OK; i++) {
		if (isnan(a->value[i].value))
			continue;	/* of what is only shown */
		buf_str(b, b->n > 0 ? ", " : "");
		say_value(b, &a->value[i]);
		said++;
	}
}

/* The first line behind "NAME STATE - ", without performance data. */
static char *
summary(const struct check_answer *a)
{
	size_t most = a->values > 0 ? TEXT_BYTES : ONLY_TEXT_BYTES;
	struct buf b = buf_new(1 << 16);
	char *text;

	say_state(&b, a, CHECK_CRITICAL);
	say_state(&b, a, CHECK_WARNING);
	say_state(&b, a, CHECK_UNKNOWN);
	if (a->state == CHECK_OK)
		say_state(&b, a, CHECK_OK);
	say_well(&b, a);
	if (b.n == 0)
		buf_str(&b, "nothing to report");
	text = check_out_clean(buf_slice(&b), most - 4, false);
	if (b.n > strlen(text)) {
		buf_clear(&b);
		buf_fmt(&b, "%s ...", text);
		free(text);
		return b.p;
	}
	buf_free(&b);
	return text;
}

/* Letters, digits and a few signs need no quotes; '=' is in no label. A name may be a stranger's file. */
static void
perf_label(struct buf *b, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
	char *label = check_out_clean(slice_of(name), LABEL_BYTES, false);
	bool quoted = label[strspn(label, plain)] != '\0';

	if (quoted)
		buf_char(b, '\'');
	for (const char *c = label; *c != '\0'; c++) {
		if (*c == '\'')
			buf_str(b, "''");
		else
			buf_char(b, *c == '=' ? '_' : *c);
	}
	if (quoted)
		buf_char(b, '\'');
	free(label);
}

static void
perf_item(struct buf *b, const struct check_measured *v)
{
	perf_label(b, v->name);
	buf_char(b, '=');
	if (!isfinite(v->value)) {
		buf_char(b, 'U');
	} else {
		quantity_plain(b, v->value, 6);
		if (v->unit[0] != '/')	/* Nagios knows no rates */
			buf_str(b, v->unit);
	}
	if (v->has_warn || v->has_crit)
		buf_char(b, ';');
	if (v->has_warn)
		range_print(b, &v->warn);
	if (v->has_crit) {
		buf_char(b, ';');
		range_print(b, &v->crit);
	}
}

static void
performance(struct buf *b, const struct check_answer *a, size_t room)
{
	struct buf item = buf_new(LINE_BYTES);
	const char *before = " | ";

	for (size_t i = 0; i < a->values; i++) {
		buf_clear(&item);
		perf_item(&item, &a->value[i]);
		if (item.full || b->n + strlen(before) + item.n > room)
			continue;	/* whole or not at all; a shorter one may fit */
		buf_str(b, before);
		buf_add(b, buf_slice(&item));
		before = " ";
	}
	buf_free(&item);
}

void
check_out_text(struct buf *b, const struct check_answer *a)
{
	char *text = summary(a);

	buf_fmt(b, "%s %s - %s", a->name, state_name(a->state), text);
	performance(b, a, LINE_BYTES - 1);
	buf_char(b, '\n');
	for (size_t i = 0; i < a->details; i++) {
		/* room is kept for the line that says that lines are missing */
		if (b->n + strlen(a->detail[i]) + 1 > TOTAL_BYTES - 40) {
			buf_fmt(b, "... and %zu %s more\n", a->details - i, PLURAL(a->details - i, "line", "lines"));
			break;
		}
		buf_fmt(b, "%s\n", a->detail[i]);
	}
	free(text);
}

static void
json_range(struct buf *b, bool has, const struct range *r)
{
	struct buf t = buf_new(128);

	if (has) {
		range_print(&t, r);
		buf_json(b, buf_slice(&t));
	} else {
		buf_str(b, "null");
	}
	buf_free(&t);
}

static void
json_value(struct buf *b, const struct check_measured *v)
{
	buf_json(b, slice_of(v->name));
	buf_str(b, ":{\"value\":");
	if (isfinite(v->value))
		quantity_plain(b, v->value, 9);
	else
		buf_str(b, "null");
	buf_str(b, ",\"unit\":");
	buf_json(b, slice_of(v->unit));
	buf_str(b, ",\"warn\":");
	json_range(b, v->has_warn, &v->warn);
	buf_str(b, ",\"crit\":");
	json_range(b, v->has_crit, &v->crit);
	buf_fmt(b, ",\"state\":\"%s\"}", state_name(v->state));
}

void
check_out_json(struct buf *b, const struct check_answer *a)
{
	char *text = summary(a);

	buf_str(b, "{\"check\":");
	buf_json(b, slice_of(a->program));
	buf_fmt(b, ",\"state\":\"%s\",\"text\":", state_name(a->state));
	buf_json(b, slice_of(text));
	buf_str(b, ",\"measurements\":{");
	for (size_t i = 0; i < a->values; i++) {
		buf_str(b, i > 0 ? "," : "");
		json_value(b, &a->value[i]);
	}
	buf_str(b, "},\"details\":[");
	for (size_t i = 0; i < a->details; i++) {
		buf_str(b, i > 0 ? "," : "");
		if (b->n > JSON_DETAIL_BYTES) {
			buf_fmt(b, "\"... and %zu %s more\"", a->details - i, PLURAL(a->details - i, "line", "lines"));
			break;
		}
		buf_json(b, slice_of(a->detail[i]));
	}
	buf_char(b, ']');
	if (a->extra.n > 0)
		buf_add(b, buf_slice(&a->extra));
	buf_str(b, "}\n");
	free(text);
}
