/* names.c - the people and machines of a made-up day.
 *
 * Clients live in the benchmark range 198.18.0.0/15 and in 2001:db8::/32, mail exchangers in
 * 198.51.100.0/24, domains under .test, .example and example.org. A few senders are hostile:
 * their addresses look like pieces of log lines. */
#include <string.h>

#include "day.h"
#include "poison.h"

enum { CLIENTS = 30000, DOMAINS = 2500, FREED = 4096 };

struct dice day_dice;

const char *const zones[ZONE_N] = {
	"zen.blocklist.example", "bl.spamtrap.example", "dul.blocklist.example",
	"combined.lists.test", "all.slow-lists.test"
};

/* Ids of mails that are gone, for use again. */
static struct {
	struct {
		char id[QUEUE_ID];
		int64_t at;
	} ring[FREED];
	unsigned n;
} freed[HOSTS];

static const char *const people[] = {
	"ada", "bart", "cleo", "dora", "egon", "frida", "gero", "hanna", "ilse", "jorge", "kaja",
	"lotte", "milan", "nele", "otto", "pavel", "quentin", "rosa", "sven", "tilda", "ulla",
	"viktor", "wanda", "xaver", "yann", "zita", "office", "hostmaster", "orders", "helpdesk",
	"press", "news"
};

static const char *const our_domains[] = {
	"example.org", "example.net", "shop.example.org", "lists.example.org", "school.example"
};

#define PICK(a) ((a)[below(sizeof(a) / sizeof((a)[0]))])

unsigned
some_pid(void)
{
	return 900 + below(31000);
}

void
token(char *out, unsigned n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (unsigned i = 0; i < n; i++)
		out[i] = letters[below(sizeof letters - 1)];
	out[n] = '\0';
}

/* The same client has the same address and name whenever it comes. */
void
client_draw(struct client *c)
{
	uint32_t i = below_skewed(CLIENTS);
	uint64_t z = dice_mix(i + UINT64_C(77));

	if (i % 23 == 5)
		snprintf(c->ip, sizeof c->ip, "2001:db8:%x:%x::%x", (unsigned)(z & 0xfff),
		    (unsigned)(z >> 12 & 0xffff), (unsigned)(z >> 28 & 0xff) + 1);
	else
		snprintf(c->ip, sizeof c->ip, "198.%u.%u.%u", 18 + (unsigned)(z & 1),
		    (unsigned)(z >> 1 & 255), 1 + (unsigned)((z >> 9) % 254));
	if (z >> 60 < 8)
		snprintf(c->name, sizeof c->name, "unknown");
	else if (z >> 60 < 12)
		snprintf(c->name, sizeof c->name, "dyn-%u.pool.isp%u.test", i, i % 37);
	else
		snprintf(c->name, sizeof c->name, "out%u.d%u.test", i % 7, i % DOMAINS);
}

static void
person(char *out, size_t size)
{
	const char *name = PICK(people);

	if (chance(6000))
		snprintf(out, size, "%s%u", name, below(1000));
	else
		snprintf(out, size, "%s.%s", name, PICK(people));
}

void
local_address(char out[ADDRESS])
{
	char who[40];

	person(who, sizeof who);
	snprintf(out, ADDRESS, "%s@%s", who, our_domains[below_skewed(5)]);
}

void
remote_address(char out[ADDRESS])
{
	char who[40];

	person(who, sizeof who);
	snprintf(out, ADDRESS, "%s@d%u.test", who, below_skewed(DOMAINS));
}

bool
is_local(const char *address)
{
	const char *domain = domain_of(address);

	for (size_t i = 0; i < sizeof our_domains / sizeof our_domains[0]; i++)
		if (strcmp(domain, our_domains[i]) == 0)
			return true;
	return false;
}

const char *
domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

/* Some lie about themselves, and some hope that a program reads their name as a line. */
void
helo_name(char out[ADDRESS])
{
	static const char *const odd[] = {
		"[198.18.7.7]", "status=sent", "postfix/smtpd[1]:", "NOQUEUE:", "reject:_RCPT",
		"to=<ada@example.org>,status=bounced"
	};

	if (chance(30))
		snprintf(out, ADDRESS, "%s", PICK(odd));
	else
		snprintf(out, ADDRESS, "mail%u.d%u.test", below(4), below_skewed(DOMAINS));
}

void
message_id(char out[ADDRESS])
{
	char t[20];

	token(t, 16);
	if (chance(20))
		snprintf(out, ADDRESS, "%s status=sent (250 ok) to=<x@d1.test>", t);
	else
		snprintf(out, ADDRESS, "%s.%u@d%u.test", t, below(100000), below(DOMAINS));
}

/* Long ids hold the time in base 52; here it only has to look so. */
static void
long_id(int64_t t, char out[QUEUE_ID])
{
	static const char b[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	uint64_t second = UINT64_C(1793836800) + (uint64_t)(t / SECOND);
	uint64_t usec = (uint64_t)(t % SECOND);
	int n;

	for (n = 5; n >= 0; n--, second /= 52)
		out[n] = b[second % 52];
	for (n = 9; n >= 6; n--, usec /= 52)
		out[n] = b[usec % 52];
	out[10] = 'z';
	for (n = 11; n < 15; n++)
		out[n] = b[below(51)];	/* no z in the inode's part */
	out[15] = '\0';
}

void
queue_id(enum host h, int64_t t, char out[QUEUE_ID])
{
	unsigned n = freed[h].n;

	if (h == MXB) {
		long_id(t, out);
		return;
	}
	if (n > 64 && chance(300)) {
		unsigned i = below(n < FREED ? n : FREED);

		/* Stamps have whole seconds, and mxb's lines are not the only late ones. */
		if (freed[h].ring[i].at > 0 && freed[h].ring[i].at + 3 * SECOND < t) {
			memcpy(out, freed[h].ring[i].id, QUEUE_ID);
			freed[h].ring[i].at = 0;
			return;
		}
	}
	snprintf(out, QUEUE_ID, "%05X%05X", below(1000000), 0x10000 + below(0xeffff));
}

void
queue_id_free(enum host h, const char *id, int64_t t)
{
	unsigned i = freed[h].n++ % FREED;

	memcpy(freed[h].ring[i].id, id, QUEUE_ID);
	freed[h].ring[i].at = t;
}

void
fill_in(char *out, size_t size, const char *template, const struct words *w)
{
	size_t n = 0;
	char both[sizeof(struct client) + 3];

	for (const char *p = template; *p != '\0' && n + 1 < size; p++) {
		const char *s = NULL;

		if (p[0] != '%') {
			out[n++] = *p;
			continue;
		}
		switch (*++p) {
		case 'c':
			snprintf(both, sizeof both, "%s[%s]", w->client->name, w->client->ip);
			s = both;
			break;
		case 'i': s = w->client->ip; break;
		case 'h': s = w->helo; break;
		case 'f': s = w->from; break;
		case 't': s = w->to; break;
		case 'd': s = domain_of(w->to); break;
		case 'm': s = w->mx; break;
		case 'p': s = w->mx_ip; break;
		case 'z': s = w->zone; break;
		default: s = "%";
		}
		size_t len = strlen(s);
		if (len > size - 1 - n)
			len = size - 1 - n;
		memcpy(out + n, s, len);
		n += len;
	}
	out[n] = '\0';
}
