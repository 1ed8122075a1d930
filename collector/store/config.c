/* config.c - the configuration of mxgauged, read by libconfuse.
 *
 * To libconfuse every value is text; kinds and limits are checked here, row by
 * row of setting.def, so that one run names every fault. libconfuse stops at a
 * name it does not know: such a name is then made known as a fault, and the file
 * read again. Not thread-safe (libconfuse's lexer is not either). */
#include "store/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <confuse.h>

#include "err.h"
#include "flow/siteword.h"
#include "opt.h"
#include "reason.h"
#include "store/conftext.h"
#include "store/passiveconf.h"
#include "store/setting.h"
#include "store/sourceconf.h"

#include "poison.h"

static const struct setting settings[] = {
#define SETTING(kind, name, def, limits, help) \
	{ SETTING_##kind, #name, def, limits, help, offsetof(struct config, name) },
#include "store/setting.def"
};

static const struct setting source_settings[] = {
#define SOURCE_SETTING(kind, name, def, limits, help) \
	{ SETTING_##kind, #name, def, limits, help, offsetof(struct config_source, name) },
#include "store/setting.def"
};

/* A section that becomes a rule of siteword.h. */
struct reason_section {
#define REASON_SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
};

static const struct setting reason_settings[] = {
#define REASON_SETTING(kind, name, def, limits, help) \
	{ SETTING_##kind, #name, def, limits, help, offsetof(struct reason_section, name) },
#include "store/setting.def"
};

static const struct setting passive_settings[] = {
#define PASSIVE_SETTING(kind, name, def, limits, help) \
	{ SETTING_##kind, #name, def, limits, help, offsetof(struct config_passive, name) },
#include "store/setting.def"
};

static const struct setting monitor_settings[] = {
#define MONITOR_SETTING(kind, name, def, limits, help) \
	{ SETTING_##kind, #name, def, limits, help, offsetof(struct config_monitor, name) },
#include "store/setting.def"
};

enum {
	SETTINGS_N = sizeof settings / sizeof *settings,
	SOURCE_SETTINGS_N = sizeof source_settings / sizeof *source_settings,
	REASON_SETTINGS_N = sizeof reason_settings / sizeof *reason_settings,
	PASSIVE_SETTINGS_N = sizeof passive_settings / sizeof *passive_settings,
	MONITOR_SETTINGS_N = sizeof monitor_settings / sizeof *monitor_settings,
	STRANGERS_MAX = 50,	/* names we do not know; more is no configuration */
	NAME_SIZE = 64,
	SEEN = 1 << 24		/* an option flag that libconfuse does not use */
};

/* Where settings stand: the whole file first, then its sections. */
static const struct place {
	const char *section, *where;
	const struct setting *table;
	size_t n;
} places[] = {
	{ "", "", settings, SETTINGS_N },
	{ "source", " in a source", source_settings, SOURCE_SETTINGS_N },
	{ "reason", " in a reason", reason_settings, REASON_SETTINGS_N },
	{ "passive", " in a passive", passive_settings, PASSIVE_SETTINGS_N },
	{ "monitor", " in a monitor", monitor_settings, MONITOR_SETTINGS_N },
};

enum { PLACES = sizeof places / sizeof *places, WHOLE = 0, SOURCE = 1, PASSIVE = 3, MONITOR = 4 };

struct stranger {
	char name[NAME_SIZE];
	int line;		/* where it was met first */
	const struct place *place;
};

/* What is going on, for libconfuse's callbacks, which take no argument of ours. */
static struct {
	const char *path;
	struct buf *errors;
	struct stranger stranger[STRANGERS_MAX];
	int nstrangers;
	bool found_stranger;	/* in this round */
} now;

static void __attribute__((format(printf, 2, 3)))
complain(int line, const char *fmt, ...)
{
	struct err e;
	va_list ap;
	char text[400];

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (line > 0)
		err_set(&e, "%s:%d: %s", now.path, line, text);
	else
		err_set(&e, "%s: %s", now.path, text);
	buf_fmt(now.errors, "%s\n", e.text);
}

/* --- what libconfuse calls -------------------------------------------------- */

static const struct place *
place_of(const cfg_t *cfg)
{
	for (size_t i = WHOLE + 1; cfg->title != NULL && i < PLACES; i++) {
		if (strcmp(cfg->name, places[i].section) == 0)
			return &places[i];
	}
	return &places[WHOLE];
}

static void
complain_stranger(const char *name, const struct place *p, int line)
{
	struct opt_near near = { 0 };

	for (size_t i = 0; i < p->n; i++)
		opt_near(&near, name, p->table[i].name);
	for (size_t i = WHOLE + 1; p == &places[WHOLE] && i < PLACES; i++)
		opt_near(&near, name, places[i].section);
	if (near.word != NULL)
		complain(line, "there is no setting %s%s; did you mean %s?", name, p->where, near.word);
	else
		complain(line, "there is no setting %s%s", name, p->where);
}

static const struct stranger *
find_stranger(const char *name, const struct place *p)
{
	for (int i = 0; i < now.nstrangers; i++) {
		if (now.stranger[i].place == p && strcmp(now.stranger[i].name, name) == 0)
			return &now.stranger[i];
	}
	return NULL;
}

static int
take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct place *p = place_of(cfg);	/* there is room for the value already */
	struct err e;

	*(const char **)result = value;
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->table[i].name, opt->name) != 0)
			continue;
		if (p->table[i].kind != SETTING_LIST && (opt->flags & SEEN) != 0)
			complain(cfg->line, "%s is set twice", opt->name);
		opt->flags |= SEEN;
		if (!setting_check(&p->table[i], value, &e))
			complain(cfg->line, "%s", e.text);
		return 0;
	}
	if (opt->nvalues == 1)	/* once for a list */
		complain_stranger(opt->name, p, cfg->line);
	return 0;
}

/* The text between the first two apostrophes. */
static void
quoted_name(const char *text, char out[NAME_SIZE])
{
	const char *from = strchr(text, '\'');
	const char *to = from == NULL ? NULL : strrchr(from + 1, '\'');

	out[0] = '\0';
	if (to != NULL && to - from - 1 < NAME_SIZE)
		snprintf(out, NAME_SIZE, "%.*s", (int)(to - from - 1), from + 1);
}

/* Two sentences of libconfuse's matter: that of an unknown name, and that of such
 * a name, by now known, which turns out to be no setting but a section or a stray
 * word. All others are passed on. */
static void __attribute__((format(printf, 2, 0)))
take_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct stranger s = { .place = place_of(cfg), .line = cfg->line };
	const struct stranger *known;
	char text[300];

	vsnprintf(text, sizeof text, fmt, ap);
	quoted_name(text, s.name);
	known = find_stranger(s.name, s.place);
	if (strncmp(text, "no such option", 14) == 0 && s.name[0] != '\0' && known == NULL &&
	    now.nstrangers < STRANGERS_MAX) {
		now.stranger[now.nstrangers++] = s;
		now.found_stranger = true;
	} else if (known != NULL) {
		complain_stranger(s.name, s.place, known->line);
	} else {
		complain(cfg->line, "%s", text);
	}
}

/* --- the file ---------------------------------------------------------------- */

/* Fill o with one option a row, and the strangers of that place. */
static cfg_opt_t *
add_options(cfg_opt_t *o, const struct place *p)
{
	cfg_opt_t one = CFG_STR_CB("", NULL, CFGF_NODEFAULT, take_value);
	cfg_opt_t list = CFG_STR_LIST_CB("", NULL, CFGF_NODEFAULT, take_value);

	for (size_t i = 0; i < p->n; i++, o++) {
		*o = p->table[i].kind == SETTING_LIST ? list : one;
		o->name = p->table[i].name;
	}
	for (int i = 0; i < now.nstrangers; i++) {
		if (now.stranger[i].place == p) {
			*o = list;
			o++->name = now.stranger[i].name;
		}
	}
	return o;
}

/* One round over the text; the caller frees *cfg. */
static bool
parse_round(const struct buf *text, cfg_t **cfg)
{
	cfg_opt_t inside[PLACES][SOURCE_SETTINGS_N + MONITOR_SETTINGS_N + STRANGERS_MAX + 1];
	cfg_opt_t root[SETTINGS_N + STRANGERS_MAX + PLACES + 1];
	cfg_opt_t end = CFG_END();
	cfg_opt_t *o = add_options(root, &places[WHOLE]);
	bool good;
	FILE *f;

	for (size_t i = WHOLE + 1; i < PLACES; i++) {
		*add_options(inside[i], &places[i]) = end;
		*o = (cfg_opt_t)CFG_SEC("", inside[i], CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
		o++->name = places[i].section;
	}
	*o = end;
	*cfg = cfg_init(root, CFGF_NONE);
	cfg_set_error_function(*cfg, take_error);
	if (text->n == 0)
		return true;	/* fmemopen() refuses an empty buffer in old C libraries */
	f = fmemopen(text->p, text->n, "r");
	if (f == NULL) {
		complain(0, "out of memory");
		return false;
	}
	good = cfg_parse_fp(*cfg, f) == CFG_SUCCESS;
	fclose(f);
	return good;
}

static void
set_value(struct config *c, void *base, const struct setting *s, cfg_t *cfg)
{
	void *to = (char *)base + s->offset;
	struct config_list *list = to;
	const char *v = cfg_size(cfg, s->name) > 0 ? cfg_getstr(cfg, s->name) : s->def;

	switch (s->kind) {
	case SETTING_PATH:
	case SETTING_TEXT:
	case SETTING_CHOICE:
	case SETTING_CLASS:
		*(const char **)to = arena_strdup(&c->arena, slice_of(v));
		return;
	case SETTING_SECONDS:
	case SETTING_NUMBER:
		(void)setting_number(s->kind, slice_of(v), to);
		return;
	case SETTING_LIST:
		list->n = cfg_size(cfg, s->name);
		list->item = arena_alloc(&c->arena, (list->n + 1) * sizeof *list->item);
		for (unsigned i = 0; i < list->n; i++)
			list->item[i] = arena_strdup(&c->arena,
			    slice_of(cfg_getnstr(cfg, s->name, i)));
		return;
	}
}

/* Each line of faults, which is emptied. */
static void
complain_all(struct buf *faults, int line)
{
	struct slice s = buf_slice(faults), fault;

	while (slice_cut(&s, '\n', &fault))
		complain(line, "%.*s", (int)fault.n, fault.p);
	buf_clear(faults);
}

/* The i-th section of a kind; base begins with its name. */
static cfg_t *
fill(struct config *c, void *base, const struct place *p, cfg_t *cfg, unsigned i)
{
	cfg_t *sec = cfg_getnsec(cfg, p->section, i);

	*(const char **)base = arena_strdup(&c->arena, slice_of(cfg_title(sec)));
	for (size_t k = 0; k < p->n; k++)
		set_value(c, base, &p->table[k], sec);
	return sec;
}

static void
add_sources(struct config *c, cfg_t *cfg)
{
	struct buf faults = buf_new(1 << 16);

	c->nsources = cfg_size(cfg, "source");
	c->source = arena_alloc(&c->arena, (c->nsources + 1) * sizeof *c->source);
	for (unsigned i = 0; i < c->nsources; i++) {
		cfg_t *sec = fill(c, &c->source[i], &places[SOURCE], cfg, i);

		sourceconf_check(&c->source[i], &faults);
		complain_all(&faults, sec->line);
	}
	buf_free(&faults);
}

static void
add_reason(struct config *c, cfg_t *sec)
{
	const char *name = cfg_title(sec);
	struct reason_section r;
	struct err e;

	for (size_t k = 0; k < REASON_SETTINGS_N; k++)
		set_value(c, &r, &reason_settings[k], sec);
	if (name[0] == '\0' || strlen(name) > SITEWORD_NAME_MAX)
		complain(sec->line, "reason \"%s\": the name must have 1 to %d bytes", name,
		    SITEWORD_NAME_MAX);
	if (r.class[0] == '\0')
		complain(sec->line, "reason \"%s\" ends without class", name);
	if ((r.match[0] == '\0') == (r.text[0] == '\0'))
		complain(sec->line, "reason \"%s\" must have match or text, and not both", name);
	/* an expression that is none was named where it stands */
	(void)sitewords_add(c->words, name, reason_by_name(slice_of(r.class)),
	    r.match[0] != '\0' ? r.match : NULL, r.text, &e);
}

/* What "mxgauge passive" does; a passive names monitors, so these come first. */
static void
add_passives(struct config *c, cfg_t *cfg)
{
	struct buf faults = buf_new(1 << 16);

	c->nmonitors = cfg_size(cfg, "monitor");
	c->monitor = arena_alloc(&c->arena, (c->nmonitors + 1) * sizeof *c->monitor);
	for (unsigned i = 0; i < c->nmonitors; i++) {
		cfg_t *sec = fill(c, &c->monitor[i], &places[MONITOR], cfg, i);

		passiveconf_monitor(&c->monitor[i], &faults);
		complain_all(&faults, sec->line);
	}
	c->npassives = cfg_size(cfg, "passive");
	c->passive = arena_alloc(&c->arena, (c->npassives + 1) * sizeof *c->passive);
	for (unsigned i = 0; i < c->npassives; i++) {
		cfg_t *sec = fill(c, &c->passive[i], &places[PASSIVE], cfg, i);

		passiveconf_check(c, i, &faults);
		complain_all(&faults, sec->line);
	}
	passiveconf_whole(c, &faults);
	complain_all(&faults, 0);
	buf_free(&faults);
}

static struct config *
build(const char *path, cfg_t *cfg)
{
	struct config *c = xcalloc(1, sizeof *c);
	unsigned reasons = cfg_size(cfg, "reason");

	c->path = arena_strdup(&c->arena, slice_of(path));
	for (size_t i = 0; i < SETTINGS_N; i++)
		set_value(c, c, &settings[i], cfg);
	add_sources(c, cfg);
	if (reasons > 0)
		c->words = sitewords_new();
	for (unsigned i = 0; i < reasons; i++)
		add_reason(c, cfg_getnsec(cfg, "reason", i));
	add_passives(c, cfg);
	if (c->nsources == 0)
		complain(0, "there is no source: nothing to read (mxgauge setup proposes one)");
	if (c->rrd_dir[0] == '\0') {
		struct buf b = buf_new(4096);

		buf_fmt(&b, "%s/rrd", c->state);
		c->rrd_dir = arena_strdup(&c->arena, buf_slice(&b));
		buf_free(&b);
	}
	return c;
}

static struct config *
read_text(const char *path, const struct buf *text, struct buf *errors)
{
	size_t before = errors->n;
	struct config *c = NULL;
	cfg_t *cfg = NULL;
	bool good;

	memset(&now, 0, sizeof now);
	now.path = path;
	now.errors = errors;
	do {
		cfg_free(cfg);
		errors->n = before;
		now.found_stranger = false;
		good = parse_round(text, &cfg);
	} while (now.found_stranger);
	if (good)
		c = build(path, cfg);
	else if (errors->n == before)
		complain(cfg->line, "there is no setting without a name");	/* "" = x */
	cfg_free(cfg);
	if (errors->n == before)
		return c;
	config_free(c);
	return NULL;
}

struct config *
config_parse(const char *path, struct buf *text, struct buf *errors)
{
	struct err e;

	if (conftext_strip(path, text, &e))
		return read_text(path, text, errors);
	buf_fmt(errors, "%s\n", e.text);
	return NULL;
}

struct config *
config_read(const char *path, struct buf *errors)
{
	struct config *c = NULL;
	struct buf text;
	struct err e;

	if (conftext_read(path, &text, &e))
		c = read_text(path, &text, errors);
	else
		buf_fmt(errors, "%s\n", e.text);
	buf_free(&text);
	return c;
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	sitewords_free(c->words);
	arena_free(&c->arena);
	free(c);
}

bool
config_is_of(const struct config *c, const char *folder)
{
	struct slice name = slice_of(folder), state = slice_of(c->state);
	struct stat ours, other;

	while (name.n > 1 && slice_ends(name, SLICE("/")))
		name.n--;
	while (state.n > 1 && slice_ends(state, SLICE("/")))
		state.n--;
	return slice_eq(name, state) || (stat(c->state, &ours) == 0 &&
	    stat(folder, &other) == 0 && ours.st_dev == other.st_dev && ours.st_ino == other.st_ino);
}
