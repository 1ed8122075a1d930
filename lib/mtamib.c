/* mtamib.c - objects, rows, sums. See mtamib.h. */
#include "mtamib.h"

#include <math.h>
#include <string.h>

#include "poison.h"

#define APPL "1.3.6.1.2.1.27.1.1."
#define MTA "1.3.6.1.2.1.28.1.1."
#define GROUP "1.3.6.1.2.1.28.2.1."
#define ASYNCOS "1.3.6.1.4.1.15497.1.1.1."
#define BARRACUDA "1.3.6.1.4.1.20632.2."
#define FORTIMAIL "1.3.6.1.4.1.12356.105.1.103.2.1."
#define EXTEND_OUTPUT "1.3.6.1.4.1.8072.1.3.2.3.1.2"

enum { EXTEND_NAME_MAX = 64 };

#define MOST 1e15	/* a number beyond this is no number of messages */

const struct mtamib_row mtamib_row[MTAMIB_OBJECTS] = {
	[MTAMIB_UPTIME] = { "1.3.6.1.2.1.1.3", 0, false },
	[MTAMIB_EXTEND] = { NULL, 0, true },
	[MTAMIB_ASYNC_USED] = { ASYNCOS "4", 0, false },
	[MTAMIB_ASYNC_SPACE] = { ASYNCOS "5", 0, false },
	[MTAMIB_ASYNC_MESSAGES] = { ASYNCOS "11", 0, false },
	[MTAMIB_ASYNC_OLDEST] = { ASYNCOS "14", 0, false },
	[MTAMIB_BARRACUDA_IN] = { BARRACUDA "2", 0, false },
	[MTAMIB_BARRACUDA_ACTIVE] = { BARRACUDA "3", 0, false },
	[MTAMIB_BARRACUDA_DEFERRED] = { BARRACUDA "4", 0, false },
	[MTAMIB_APPL_NAME] = { APPL "2", 1, true },
	[MTAMIB_APPL_STATE] = { APPL "6", 1, false },
	[MTAMIB_RECEIVED] = { MTA "1", 1, false },
	[MTAMIB_STORED] = { MTA "2", 1, false },
	[MTAMIB_TRANSMITTED] = { MTA "3", 1, false },
	[MTAMIB_VOLUME] = { MTA "5", 1, false },
	[MTAMIB_RECIPIENTS] = { MTA "8", 1, false },
	[MTAMIB_LOOPS] = { MTA "12", 1, false },
	[MTAMIB_GROUP_REJECTED] = { GROUP "3", 2, false },
	[MTAMIB_GROUP_STORED] = { GROUP "4", 2, false },
	[MTAMIB_GROUP_VOLUME] = { GROUP "7", 2, false },
	[MTAMIB_GROUP_OLDEST] = { GROUP "12", 2, false },
	[MTAMIB_GROUP_WHY] = { GROUP "22", 2, true },
	[MTAMIB_GROUP_NAME] = { GROUP "25", 2, true },
	[MTAMIB_FORTI_NAME] = { FORTIMAIL "2", 1, true },
	[MTAMIB_FORTI_STORED] = { FORTIMAIL "3", 1, false },
	[MTAMIB_FORTI_VOLUME] = { FORTIMAIL "4", 1, false },
};

/* The index of that table is the name: its length, then its bytes. */
bool
mtamib_extend_oid(struct buf *b, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > EXTEND_NAME_MAX)
		return false;
	buf_fmt(b, "%s.%zu", EXTEND_OUTPUT, n);
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, ".%u", (unsigned)(unsigned char)name[i]);
	return !b->full;
}

static const struct mtamib_sum nothing = { (double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN,
	(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN };

void
mtamib_init(struct mtamib *m)
{
	m->uptime_s = m->space = (double)NAN;
	m->scalar = nothing;
	m->appls = m->groups = 0;
	m->values = m->wrong = 0;
	m->over = false;
}

/* Of what is not known nothing is added. */
static void
add(double *sum, double v)
{
	if (!isnan(v))
		*sum = isnan(*sum) ? v : *sum + v;
}

static void
most(double *sum, double v)
{
	if (!isnan(v) && !(*sum >= v))
		*sum = v;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Commands end their output with a newline, and some agents with a NUL. */
static struct slice
trim(struct slice s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\0'))
		s.n--;
	return s;
}

static void
copy(char to[MTAMIB_TEXT], struct slice s)
{
	s = slice_head(trim(s), MTAMIB_TEXT - 1);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
	for (size_t i = 0; i < s.n; i++)
		if (to[i] == '\0')
			to[i] = ' ';
}

/* --- rows ------------------------------------------------------------------------------- */

/* Agents give rows in order, so the wanted one is mostly the last. */
static struct mtamib_appl *
appl(struct mtamib *m, uint32_t index)
{
	struct mtamib_appl *a;

	for (size_t i = m->appls; i > 0; i--)
		if (m->appl[i - 1].index == index)
			return &m->appl[i - 1];
	if (m->appls == MTAMIB_APPLS) {
		m->over = true;
		return NULL;
	}
	a = &m->appl[m->appls++];
	*a = (struct mtamib_appl){ .index = index, .received = (double)NAN, .stored = (double)NAN,
		.transmitted = (double)NAN, .bytes = (double)NAN, .recipients = (double)NAN, .loops = (double)NAN };
	return a;
}

static struct mtamib_group *
group(struct mtamib *m, uint32_t of, uint32_t index)
{
	struct mtamib_group *g;

	for (size_t i = m->groups; i > 0; i--)
		if (m->group[i - 1].appl == of && m->group[i - 1].index == index)
			return &m->group[i - 1];
	if (m->groups == MTAMIB_GROUPS) {
		m->over = true;
		return NULL;
	}
	g = &m->group[m->groups++];
	*g = (struct mtamib_group){ .appl = of, .index = index, .rejected = (double)NAN,
		.stored = (double)NAN, .bytes = (double)NAN, .oldest_s = (double)NAN };
	return g;
}

static void
take_appl(struct mtamib_appl *a, const struct mtamib_value *v)
{
	double n = (double)v->number;

	switch (v->object) {
	case MTAMIB_APPL_NAME: copy(a->name, v->text); break;
	case MTAMIB_APPL_STATE: a->state = v->number <= MTAMIB_QUIESCING ? (int)v->number : 0; break;
	case MTAMIB_RECEIVED: a->received = n; break;
	case MTAMIB_STORED: a->stored = n; break;
	case MTAMIB_TRANSMITTED: a->transmitted = n; break;
	case MTAMIB_VOLUME: a->bytes = n * 1024; break;
	case MTAMIB_RECIPIENTS: a->recipients = n; break;
	case MTAMIB_LOOPS: a->loops = n; break;
	default: break;
	}
}

static void
take_group(struct mtamib_group *g, const struct mtamib_value *v)
{
	double n = (double)v->number;

	switch (v->object) {
	case MTAMIB_GROUP_REJECTED: g->rejected = n; break;
	case MTAMIB_GROUP_STORED: case MTAMIB_FORTI_STORED: g->stored = n; break;
	case MTAMIB_GROUP_VOLUME: case MTAMIB_FORTI_VOLUME: g->bytes = n * 1024; break;
	case MTAMIB_GROUP_OLDEST: g->oldest_s = n / 100; break;
	case MTAMIB_GROUP_WHY: copy(g->why, v->text); break;
	case MTAMIB_GROUP_NAME: case MTAMIB_FORTI_NAME: copy(g->name, v->text); break;
	default: break;
	}
}

/* --- scalars ---------------------------------------------------------------------------- */

static void
take_word(struct mtamib_sum *s, struct slice name, struct slice value)
{
	static const struct {
		const char *name;
		size_t at;
	} known[] = {
		{ "total", offsetof(struct mtamib_sum, total) }, { "deferred", offsetof(struct mtamib_sum, deferred) },
		{ "oldest", offsetof(struct mtamib_sum, oldest_s) }, { "bytes", offsetof(struct mtamib_sum, bytes) },
	};
	double v;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_eq(name, slice_of(known[i].name)) && slice_decimal(&value, &v) && v < MOST)
			memcpy((char *)s + known[i].at, &v, sizeof v);
}

/* "QUEUE OK - words|total=12;... oldest=3s" of a check, or a number alone. */
static void
take_output(struct mtamib_sum *s, struct slice text)
{
	struct slice head, word, name;
	double v;

	if (!slice_cut(&text, '|', &head)) {
		text = trim(text);
		if (slice_decimal(&text, &v) && text.n == 0 && v < MOST)
			s->total = v;
		return;
	}
	if (slice_cut(&text, '\n', &head))
		text = head;
	while (slice_next(&text, ' ', &word)) {
		if (slice_cut(&word, '=', &name))
			take_word(s, name, word);
	}
}

static void
take_scalar(struct mtamib *m, const struct mtamib_value *v)
{
	double n = (double)v->number;
	struct mtamib_sum *s = &m->scalar;

	switch (v->object) {
	case MTAMIB_UPTIME: m->uptime_s = n / 100; break;
	case MTAMIB_EXTEND: take_output(s, v->text); break;
	case MTAMIB_ASYNC_USED: s->used_percent = n; break;
	case MTAMIB_ASYNC_SPACE: m->space = n; break;
	case MTAMIB_ASYNC_MESSAGES: add(&s->total, n); break;
	case MTAMIB_ASYNC_OLDEST: most(&s->oldest_s, n); break;
	case MTAMIB_BARRACUDA_DEFERRED: add(&s->deferred, n);	/* fall through */
	case MTAMIB_BARRACUDA_IN: case MTAMIB_BARRACUDA_ACTIVE: add(&s->total, n); break;
	default: break;
	}
}

void
mtamib_take(struct mtamib *m, const struct mtamib_value *v)
{
	const struct mtamib_row *row = &mtamib_row[v->object];
	struct mtamib_appl *a;
	struct mtamib_group *g;

	if (row->text ? !v->is_text : !v->is_number) {
		m->wrong++;
		return;
	}
	m->values++;
	if (v->object < MTAMIB_SCALARS)
		take_scalar(m, v);
	else if (v->object < MTAMIB_GROUP_REJECTED && (a = appl(m, v->index[0])) != NULL)
		take_appl(a, v);
	else if (v->object >= MTAMIB_GROUP_REJECTED &&
	    (g = group(m, row->indexes == 2 ? v->index[0] : 0, v->index[row->indexes - 1])) != NULL)
		take_group(g, v);
}

/* --- sums ------------------------------------------------------------------------------- */

/* One says the whole: an appliance, else the applications, else the groups, which may overlap. */
void
mtamib_sum(const struct mtamib *m, struct mtamib_sum *s)
{
	struct mtamib_sum parts = nothing, groups = nothing;

	*s = m->scalar;
	for (size_t i = 0; i < m->appls; i++) {
		const struct mtamib_appl *a = &m->appl[i];

		add(&parts.total, a->stored);
		add(&parts.bytes, a->bytes);
		add(&s->recipients, a->recipients);
		add(&s->received, a->received);
		add(&s->transmitted, a->transmitted);
		add(&s->loops, a->loops);
	}
	for (size_t i = 0; i < m->groups; i++) {
		add(&groups.total, m->group[i].stored);
		add(&groups.bytes, m->group[i].bytes);
		add(&s->rejected, m->group[i].rejected);
		most(&s->oldest_s, m->group[i].oldest_s);
	}
	if (isnan(s->total))
		s->total = isnan(parts.total) ? groups.total : parts.total;
	if (isnan(s->bytes))
		s->bytes = isnan(parts.bytes) ? groups.bytes : parts.bytes;
}

bool
mtamib_says_queue(const struct mtamib *m, const char **why)
{
	struct mtamib_sum s;

	mtamib_sum(m, &s);
	if (isnan(s.total)) {
		*why = m->wrong > 0 ? "gives its queue in values of a wrong type" :
		    m->values <= 1 ? "has no MTA-MIB and no queue of an appliance, or does not show them to this "
		    "user" : "does not say how many messages are stored";
		return false;
	}
	if (s.total > 0 || m->appls == 0 || !isnan(m->scalar.total) || !isnan(s.received) || !isnan(s.transmitted))
		return true;
	for (size_t i = 0; i < m->appls; i++)
		if (m->appl[i].name[0] != '\0' || m->appl[i].state != 0)
			return true;
	for (size_t i = 0; i < m->groups; i++)
		if (m->group[i].name[0] != '\0' || !isnan(m->group[i].oldest_s))
			return true;
	*why = "says \"0 stored\" and nothing else, as the module mta_sendmail of snmpd does where there is no "
	    "Sendmail, or none with a StatusFile; start snmpd with -I -mta_sendmail if another agent is to answer";
	return false;
}
