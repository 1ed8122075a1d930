/* clocks.c - see clocks.h. flow/skew.c judges; here it is said.
 *
 * Host names come from the network: no more than SAID_MAX messages an hour. */
#include "clocks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/skew.h"
#include "mem.h"
#include "message.h"
#include "when.h"

#include "poison.h"

enum { SAID_MAX = 20, HOUR = 3600, JITTER_S = 1 };

struct clocks {
	struct state *state;
	struct skew *skew;	/* by host */
	size_t hosts;
	int64_t said_since;
	int said;		/* since then */
};

struct clocks *
clocks_new(struct state *s)
{
	struct clocks *c = xcalloc(1, sizeof *c);

	c->state = s;
	return c;
}

void
clocks_free(struct clocks *c)
{
	if (c == NULL)
		return;
	free(c->skew);
	free(c);
}

static void
say(struct clocks *c, unsigned host, int64_t ahead_s, int64_t now)
{
	const char *name = state_host_name(c->state, host);
	int64_t off = ahead_s < 0 ? -ahead_s : ahead_s;

	if (now - c->said_since >= HOUR || now < c->said_since) {
		c->said_since = now;
		c->said = 0;
	}
	if (c->said++ >= SAID_MAX)
		return;
	if (ahead_s == 0)
		message(MSG_clock_right, "%s", name);
	else
		message(MSG_clock_wrong, "%s is %" PRId64 " s %s", name, off,
		    ahead_s > 0 ? "ahead" : "behind");
}

static void
tell(struct clocks *c, unsigned host, int64_t ahead_s, int64_t now)
{
	int64_t was = state_skew(c->state, host);
	bool same_side = (was > 0) == (ahead_s > 0) && (was < 0) == (ahead_s < 0);

	if (same_side && llabs(was - ahead_s) <= JITTER_S)
		return;
	state_set_skew(c->state, host, ahead_s);
	if (!same_side)
		say(c, host, ahead_s, now);
}

void
clocks_line(struct clocks *c, unsigned host, int64_t time, int64_t now)
{
	if (host >= c->hosts) {
		size_t n = host + 16;

		c->skew = xreallocarray(c->skew, n, sizeof *c->skew);
		memset(c->skew + c->hosts, 0, (n - c->hosts) * sizeof *c->skew);
		for (; c->hosts < n; c->hosts++)
			c->skew[c->hosts].ahead_s = state_skew(c->state, (unsigned)c->hosts);
	}
	if (skew_line(&c->skew[host], now - time, now))
		tell(c, host, c->skew[host].ahead_s, now);
}

/* Its sentence, with two times in it. */
static void
say_own(enum message id, const char *before, int64_t a, const char *between, int64_t b)
{
	struct buf text = buf_new(200);

	buf_str(&text, before);
	when_print(&text, a);
	buf_str(&text, between);
	when_print(&text, b);
	message(id, "%s", text.p);
	buf_free(&text);
}

void
clocks_jumped(int64_t was, int64_t now)
{
	say_own(MSG_clock_jumped, "from ", was, " to ", now);
}

void
clocks_back(int64_t now, int64_t after)
{
	say_own(MSG_clock_back, "to ", now, ", and all of later than ", after);
}
