/* helper.c - see helper.h. */
#include "dialect/helper.h"

#include "poison.h"

enum { ID_MIN = 4, ID_MAX = 32, ID_LONG = 10 };

bool
helper_take_id(struct slice *s, struct slice *id)
{
	size_t n = 0;
	bool digit = false, vowel = false;

	while (n < s->n && n <= ID_MAX && (slice_is_alnum(s->p[n]) || s->p[n] == '-')) {
		char c = slice_lower(s->p[n++]);

		digit = digit || slice_is_digit(c);
		vowel = vowel || c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
	}
	if (n < ID_MIN || n > ID_MAX || (!digit && (n < ID_LONG || vowel)) ||
	    !slice_starts(slice_from(*s, n), SLICE(": ")))
		return false;
	*id = slice_head(*s, n);
	*s = slice_from(*s, n + 2);
	return true;
}

void
helper_client(struct slice s, struct event *e)
{
	struct slice name = slice_head(s, 0), port;

	s = slice_head(s, slice_until(s, ' ', ' '));
	if (s.n > 0 && s.p[s.n - 1] == ']' && slice_rcut_at(&s, SLICE("["), &name))
		s.n--;
	if (name.n > 0 && name.p[0] == '[')	/* without a name: its address once more */
		name.n = 0;
	if (slice_cut(&s, '/', &port))	/* postgrey: "192.0.2.1/32" */
		s = port;
	if (scan_is_ip(s))
		scan_set_client(e, name, s);
	else if (!slice_eq(s, SLICE("unknown")))
		e->client_name = name.n > 0 ? name : s;
}

bool
helper_take_address(struct slice *s, struct slice *address)
{
	struct slice rest = *s;

	if (!scan_address(&rest, address)) {
		size_t n = slice_until(rest, ' ', ' ');

		*address = slice_head(rest, n);
		rest = slice_from(rest, n);
	}
	if (rest.n > 0 && !slice_eat_char(&rest, ' ') && rest.p[0] != ':')
		return false;
	*s = rest;
	return true;
}

int
helper_says(struct event *out, enum event_kind kind, struct slice sub, struct slice text)
{
	struct event *e = event_begin(out, kind);

	if (kind == EV_QWARN)
		e->cls = REASON_resource;
	e->sub = sub;
	e->text = text;
	return 1;
}

bool
helper_is_trouble(struct slice s)
{
	static const char *const words[] = {
		"fail", "error", "cannot ", "can't ", "couldn't ", "could not ", "unable to ",
		"timeout", "timed out", "not secure", "terminated with signal", "exited with status",
		"restart count exceeded", "restart rate exceeded", "returned -1", "(): ",
		"returned invalid socket", "panic", "fatal", "flock(", "lockf(", "kill(",
		"no such group or gid", "no such user or uid",
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_find_nocase(s, slice_of(words[i])) >= 0)
			return true;
	return false;
}

bool
helper_is_net_server(struct slice s)
{
#define H(head) { head, sizeof(head) - 1 }
	static const struct slice heads[] = {
		H("Process Backgrounded"), H("Binding "), H("Setting gid to "), H("Setting uid to "),
		H("Group Not Defined."), H("User Not Defined."), H("Server closing!"), H("Resolved ["),
		H("Beginning prefork "), H("Starting \""), H("Killing \""), H("Parent ready for children"),
		H("Child Preforked"), H("Child leaving"), H("Using default listen value"), H("Couldn't find pid"),
		H("Sending children hup signal"), H("Re-exec server during HUP"), H("Received a SIG"),
		H("Bind to TCP port"), H("Opened unix socket"), H("Opening listener"),
	};
#undef H

	/* "2026/11/03-20:49:55 postgrey (type Net::Server::Multiplex) starting! pid(1251)" */
	if (s.n > 20 && s.p[4] == '/' && s.p[7] == '/' && s.p[10] == '-')
		return !helper_is_trouble(s);
	return slice_starts_any(s, heads, sizeof heads / sizeof heads[0]);
}

int
helper_milter(struct event *out, struct slice program, struct slice s)
{
	struct slice text = s, head;

	/* "OpenDKIM Filter v2.11.0 starting (args: -x FILE)", "OpenDKIM Filter: mi_stop=1" */
	if (slice_starts(s, SLICE("OpenD")) && slice_cut_at(&text, SLICE(" Filter"), &head) &&
	    memchr(head.p, ' ', head.n) == NULL) {
		if (slice_starts(text, SLICE(" v")))
			return helper_says(out, EV_INFO, program, s);
		return helper_says(out,
		    slice_starts(text, SLICE(": mi_stop")) || slice_has(text, SLICE("Opening listen socket")) ?
		    EV_INFO : EV_FILTER_FAIL, program, s);
	}
	if (slice_starts(s, SLICE("configuration reloaded from ")) ||
	    slice_starts(s, SLICE("additional trusted authentication services: ")) ||
	    slice_starts(s, SLICE("ignoring reload signal")) || slice_starts(s, SLICE("cache: ")) ||
	    slice_starts(s, SLICE("ignoring header field ")) ||
	    slice_starts(s, SLICE("trusted authentication services: ")) ||
	    slice_starts(s, SLICE("WARNING: symbol 'i' not available")))
		return helper_says(out, EV_INFO, program, s);
	return helper_is_trouble(s) ? helper_says(out, EV_FILTER_FAIL, program, s) : -1;
}

void
helper_action(struct slice s, struct event *e)
{
	static const struct {
		const char *head, *word;
	} words[] = {
		{ "reject", "reject" }, { "defer", "defer" }, { "dunno", "dunno" }, { "ok", "pass" },
		{ "permit", "pass" }, { "prepend", "prepend" }, { "discard", "discard" },
		{ "hold", "hold" }, { "warn", "warn" }, { "filter", "filter" },
		{ "redirect", "redirect" }, { "bcc", "bcc" }, { "info", "pass" },
	};
	size_t n = slice_until(s, ' ', ' ');

	if (s.n > 3 && s.p[3] == ' ' && (s.p[0] == '4' || s.p[0] == '5') &&
	    slice_is_digit(s.p[1]) && slice_is_digit(s.p[2])) {
		scan_reply(s, e);
		e->sub = e->code / 100 == 5 ? SLICE("reject") : SLICE("defer");
		return;
	}
	e->text = slice_from(s, n + 1);
	e->sub = slice_head(s, n);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_find_nocase(slice_head(s, n), slice_of(words[i].head)) == 0) {
			e->sub = slice_of(words[i].word);
			break;
		}
	if (slice_eq(e->sub, SLICE("reject")) || slice_eq(e->sub, SLICE("defer")))
		scan_reply(e->text, e);
}
