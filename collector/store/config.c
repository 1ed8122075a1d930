/* config.c - the configuration of mxgauged, read by libconfuse.
 *
 * To libconfuse every value is text; kinds and limits are checked here, row by
 * row of setting.def, so that one run names every fault. libconfuse stops at a
 * name it does not know: such a name is then made known as a fault, and the file
 * read again. Not thread-safe (libconfuse's lexer is not either). */
#include "store/config.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "err.h"
#include "flow/siteword.h"
#include "input/address.h"
#include "input/header.h"
#include "input/journal.h"
#include "input/peer.h"
#include "opt.h"
#include "quantity.h"
#include "queue_find.h"
#include "reason.h"
#include "store/conftext.h"

#include "poison.h"

enum kind { PATH, TEXT, LIST, SECONDS, NUMBER, CHOICE, CLASS };

struct setting {
	enum kind kind;
	const char *name, *def, *limits, *help;
	size_t offset;
};

static const struct setting settings[] = {
#define SETTING(kind, name, def, limits, help) \
	{ kind, #name, def, limits, help, offsetof(struct config, name) },
#include "store/setting.def"
};

static const struct setting source_settings[] = {
#define SOURCE_SETTING(kind, name, def, limits, help) \
	{ kind, #name, def, limits, help, offsetof(struct config_source, name) },
#include "store/setting.def"
};

/* A section that becomes a rule of siteword.h. */
struct reason_section {
#define REASON_SETTING(kind, name, def, limits, help) CONFIG_##kind name;
#include "store/setting.def"
};

static const struct setting reason_settings[] = {
#define REASON_SETTING(kind, name, def, limits, help) \
	{ kind, #name, def, limits, help, offsetof(struct reason_section, name) },
#include "store/setting.def"
};

enum {
	SETTINGS_N = sizeof settings / sizeof *settings,
	SOURCE_SETTINGS_N = sizeof source_settings / sizeof *source_settings,
	REASON_SETTINGS_N = sizeof reason_settings / sizeof *reason_settings,
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
};

enum { PLACES = sizeof places / sizeof *places, WHOLE = 0 };

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

/* --- one value ------------------------------------------------------------- */

static bool
seconds(struct slice s, int64_t *v)
{
	double d;

	if (!quantity_parse(s, "s", &d, NULL) || d != floor(d))
		return false;
	*v = (int64_t)d;
	return true;
}

static bool
number(enum kind kind, struct slice s, int64_t *v)
{
	uint64_t n;

	if (kind == SECONDS)
		return seconds(s, v);
	if (!slice_u64(&s, &n) || s.n > 0 || n > INT64_MAX)
		return false;
	*v = (int64_t)n;
	return true;
}

/* Is it one of the words of "a|b|c"? */
static bool
one_of(struct slice words, struct slice s)
{
	struct slice word;

	while (slice_cut(&words, '|', &word)) {
		if (slice_eq(word, s))
			return true;
	}
	return slice_eq(words, s);
}

/* Complain if v is no good value of the setting. */
static void
check_number(const struct setting *s, const char *v, int line)
{
	struct slice limits = slice_of(s->limits), low;
	int64_t n, least, most;

	if (!number(s->kind, slice_of(v), &n)) {
		complain(line, "%s = %s: %s", s->name, v, s->kind == NUMBER ?
		    "not a whole number" :
		    "not a time in whole seconds; write 90s, 15m, 2h or 8d");
		return;
	}
	if (slice_cut_at(&limits, SLICE(".."), &low) && number(s->kind, low, &least) &&
	    number(s->kind, limits, &most) && (n < least || n > most))
		complain(line, "%s = %s: must be from %.*s to %.*s", s->name, v, (int)low.n,
		    low.p, (int)limits.n, limits.p);
}

/* Texts with a form of their own. */
static void
check_text(const struct setting *s, const char *v, int line)
{
	struct header *h;
	struct err e;

	if (v[0] == '\0')
		return;
	if (strcmp(s->name, "journal") == 0 && v[0] != '/' && strcmp(v, "system") != 0)
		complain(line, "journal = %s: must be system, or a path from the root, /...", v);
	if (strcmp(s->name, "match") == 0 && !siteword_check(v, &e))
		complain(line, "match = %s: %s", v, e.text);
	if (strcmp(s->name, "timezone") == 0) {
		h = header_new(v, 0, 0, SLICE(""), &e);
		if (h == NULL)
			complain(line, "%s = %s: %s", s->name, v, e.text);
		header_free(h);
	}
}

static void
check_class(const char *v, int line)
{
	struct opt_near near = { 0 };

	if (reason_by_name(slice_of(v)) != REASON_none)
		return;
	for (unsigned i = REASON_none + 1; i < REASON_N; i++)
		opt_near(&near, v, reason_name((enum reason)i));
	if (near.word != NULL)
		complain(line, "class = %s: there is no such class; did you mean %s?", v, near.word);
	else
		complain(line, "class = %s: there is no such class", v);
}

static void
check_list(const struct setting *s, const char *v, int line)
{
	struct queue_place q;
	struct listen_at at;
	struct network n;
	struct peer p;
	struct err e;

	if (strcmp(s->name, "host_alias") == 0 &&
	    (strchr(v, '=') == NULL || v[0] == '=' || v[strlen(v) - 1] == '='))
		complain(line, "%s: \"%s\" is not of the form NAME=HOST", s->name, v);
	if (strcmp(s->name, "files") == 0 && v[0] != '/')
		complain(line, "%s: %s: must be a path from the root, /...", s->name, v);
	if (strcmp(s->name, "journal_match") == 0 && !journal_match_good(v))
		complain(line, "%s: \"%s\" is not of the form FIELD=VALUE", s->name, v);
	if ((strcmp(s->name, "listen") == 0 && !listen_parse(v, &at, &e)) ||
	    (strcmp(s->name, "allow") == 0 && !network_parse(v, &n, &e)) ||
	    (strcmp(s->name, "queues") == 0 && !queue_place_parse(v, &q, &e)) ||
	    (strcmp(s->name, "tls_peers") == 0 && !peer_parse(v, &p, &e)))
		complain(line, "%s: \"%s\": %s", s->name, v, e.text);
}

static void
check_value(const struct setting *s, const char *v, int line)
{
	switch (s->kind) {
	case NUMBER:
	case SECONDS:
		check_number(s, v, line);
		return;
	case PATH:
		if (v[0] != '/' && (v[0] != '\0' || s->def[0] != '\0'))
			complain(line, "%s = %s: must be a path from the root, /...", s->name, v);
		return;
	case CHOICE:
		if (!one_of(slice_of(s->limits), slice_of(v)))
			complain(line, "%s = %s: must be one of %s", s->name, v, s->limits);
		return;
	case LIST:
		check_list(s, v, line);
		return;
	case TEXT:
		check_text(s, v, line);
		return;
	case CLASS:
		check_class(v, line);
		return;
	}
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

	*(const char **)result = value;
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->table[i].name, opt->name) != 0)
			continue;
		if (p->table[i].kind != LIST && (opt->flags & SEEN) != 0)
			complain(cfg->line, "%s is set twice", opt->name);
		opt->flags |= SEEN;
		check_value(&p->table[i], value, cfg->line);
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
		*o = p->table[i].kind == LIST ? list : one;
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
	cfg_opt_t inside[PLACES][SOURCE_SETTINGS_N + REASON_SETTINGS_N + STRANGERS_MAX + 1];
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
	case PATH:
	case TEXT:
	case CHOICE:
	case CLASS:
		*(const char **)to = arena_strdup(&c->arena, slice_of(v));
		return;
	case SECONDS:
	case NUMBER:
		number(s->kind, slice_of(v), to);
		return;
	case LIST:
		list->n = cfg_size(cfg, s->name);
		list->item = arena_alloc(&c->arena, (list->n + 1) * sizeof *list->item);
		for (unsigned i = 0; i < list->n; i++)
			list->item[i] = arena_strdup(&c->arena,
			    slice_of(cfg_getnstr(cfg, s->name, i)));
		return;
	}
}

/* Who may come is to be said: nobody gets in because a line was forgotten. */
static void
check_tls(const struct config_source *s, cfg_t *sec)
{
	bool tls = false, named = false, anonymous = strcmp(s->tls_clients, "anonymous") == 0;
	struct listen_at at;
	struct peer p;

	for (size_t i = 0; i < s->listen.n; i++)
		tls = tls || (listen_parse(s->listen.item[i], &at, NULL) && at.tls);
	for (size_t i = 0; i < s->tls_peers.n; i++)
		named = named || (peer_parse(s->tls_peers.item[i], &p, NULL) && !p.is_print);
	if (!tls)
		return;
	if (s->tls_certificate[0] == '\0' || s->tls_key[0] == '\0')
		complain(sec->line, "source \"%s\" listens with TLS and lacks tls_certificate or tls_key",
		    s->name);
	if (anonymous && (s->tls_peers.n > 0 || s->tls_ca[0] != '\0'))
		complain(sec->line, "source \"%s\": tls_clients = anonymous looks at no certificate; "
		    "drop tls_peers and tls_ca, or it", s->name);
	if (!anonymous && s->tls_peers.n == 0)
		complain(sec->line, "source \"%s\" listens with TLS and lacks tls_peers, those who may "
		    "send", s->name);
	if (!anonymous && named && s->tls_ca[0] == '\0')
		complain(sec->line, "source \"%s\" has names in tls_peers and no tls_ca that vouches for "
		    "them", s->name);
}

static void
add_source(struct config *c, struct config_source *s, cfg_t *sec)
{
	s->name = arena_strdup(&c->arena, slice_of(cfg_title(sec)));
	for (size_t k = 0; k < SOURCE_SETTINGS_N; k++)
		set_value(c, s, &source_settings[k], sec);
	if (s->files.n == 0 && s->journal[0] == '\0' && s->listen.n == 0)
		complain(sec->line, "source \"%s\" ends without files, journal or listen", cfg_title(sec));
	if (s->journal_match.n > 0 && s->journal[0] == '\0')
		complain(sec->line, "source \"%s\" has journal_match and no journal", cfg_title(sec));
	check_tls(s, sec);
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

static struct config *
build(const char *path, cfg_t *cfg)
{
	struct config *c = xcalloc(1, sizeof *c);
	unsigned reasons = cfg_size(cfg, "reason");

	c->path = arena_strdup(&c->arena, slice_of(path));
	for (size_t i = 0; i < SETTINGS_N; i++)
		set_value(c, c, &settings[i], cfg);
	c->nsources = cfg_size(cfg, "source");
	c->source = arena_alloc(&c->arena, (c->nsources + 1) * sizeof *c->source);
	for (unsigned i = 0; i < c->nsources; i++)
		add_source(c, &c->source[i], cfg_getnsec(cfg, "source", i));
	if (reasons > 0)
		c->words = sitewords_new();
	for (unsigned i = 0; i < reasons; i++)
		add_reason(c, cfg_getnsec(cfg, "reason", i));
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
