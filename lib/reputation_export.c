/* reputation_export.c - see reputation_export.h. Names of hosts and systems are other people's words:
 * they are cleaned, and stand in remarks alone. */
#include "reputation_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "mem.h"

#include "plural.h"
#include "poison.h"

/* A network of the list, and those of the state that it is made of: first to first + n - 1 by address. */
struct entry {
	struct network net;
	size_t first, n;
};

static int
by_net(const void *a, const void *b)
{
	return network_compare(&(*(const struct reputation *const *)a)->net,
	    &(*(const struct reputation *const *)b)->net);
}

/* The bad ones in order of address. */
static size_t
bad_ones(const struct reputation_export *x, const struct reputation **bad)
{
	size_t n = 0;

	for (size_t i = 0; i < x->all->n && x->all->net[i].score >= x->bad_score; i++)
		bad[n++] = &x->all->net[i];
	if (n > 1)
		qsort(bad, n, sizeof *bad, by_net);
	return n;
}

/* Halves become one, as often as there are two. */
static size_t
aggregate(const struct reputation *const *bad, size_t n, struct entry *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		out[k++] = (struct entry){ bad[i]->net, i, 1 };
		while (k > 1 && network_join(&out[k - 2].net, &out[k - 1].net, &out[k - 2].net)) {
			out[k - 2].n += out[k - 1].n;
			k--;
		}
	}
	return k;
}

static int
by_want(const void *a, const void *b)
{
	return network_compare(&((const struct rir_want *)a)->net, &((const struct rir_want *)b)->net);
}

const struct rir_want *
reputation_contact(const struct rir_want *contact, size_t n, const struct network *net)
{
	struct rir_want wanted = { .net = *net };

	return n > 0 ? bsearch(&wanted, contact, n, sizeof *contact, by_want) : NULL;
}

static void
explain(struct buf *b, const struct reputation_export *x, const struct reputation *p)
{
	const struct rir_want *c = reputation_contact(x->contact, x->n_contacts, &p->net);
	char name[ASN_NAME];
	uint32_t as = reputation_as(x->rule, p, name);

	buf_str(b, "# ");
	reputation_print(b, &p->net);
	buf_fmt(b, ": score %.1f; %llu refused", p->score, (unsigned long long)p->refused);
	if (p->judged > 0)
		buf_fmt(b, ", %llu condemned by filters", (unsigned long long)p->judged);
	buf_fmt(b, ", at most %lld accepted", (long long)p->accepted_most);
	if (p->sample.n > 0)
		buf_fmt(b, "; most at once: %llu on %s in the hour from %s", (unsigned long long)p->sample.n,
		    x->host(p->sample.host), x->hour(p->sample.hour));
	if (as != 0)
		buf_fmt(b, "; AS%u %s", as, check_clean(slice_of(name)));
	if (c != NULL && c->mail[0] != '\0')
		buf_fmt(b, "; abuse contact %s", c->mail);
	if (c != NULL && c->registry[0] != '\0')
		buf_fmt(b, "; %s %s", c->registry, c->country);
	buf_char(b, '\n');
}

static void
head(struct buf *b, const struct reputation_export *x, size_t networks, size_t lines)
{
	buf_fmt(b, "# FOR REVIEW: nothing uses this list until an administrator decides so.\n"
	    "# Networks of which mail was refused and hardly any accepted, as %s.\n"
	    "# Made by mxgauge (check_reputation) at %s from what %s saw in the hours from\n"
	    "# %s to %s.\n", x->zone ? "a zone of rbldnsd (dataset type combined)" :
	    "a cidr map of Postfix", x->made, x->whose, x->from, x->to);
	buf_fmt(b, "# Listed: %zu %s with a score of %g or more, on %zu %s (two halves of a network that are\n"
	    "# both listed are one line). Left out: networks named as ours.\n"
	    "# score = 100 * bad / (bad + %g * good + %g); half-life %g h. bad: recipients refused or condemned,\n"
	    "# at least; good: recipients accepted, at most. docs/reputation.md explains it.\n", networks,
	    PLURAL(networks, "network", "networks"), x->bad_score, lines, PLURAL(lines, "line", "lines"),
	    x->rule->good_weight, x->rule->doubt, x->rule->half_life_h);
}

static void
list_family(struct buf *b, const struct reputation_export *x, const struct reputation *const *bad,
    const struct entry *entry, size_t n, int family)
{
	for (size_t i = 0; i < n; i++) {
		double least = 100;

		if (entry[i].net.family != family)
			continue;
		for (size_t k = 0; k < entry[i].n; k++) {
			const struct reputation *p = bad[entry[i].first + k];

			explain(b, x, p);
			least = p->score < least ? p->score : least;
		}
		network_print(b, &entry[i].net);
		if (x->zone)
			buf_fmt(b, " :127.0.0.2:refused mail by far outweighs accepted mail of this network, score %.1f\n",
			    least);
		else
			buf_fmt(b, "\t%s\n", x->action);
	}
}

size_t
reputation_export(struct buf *b, const struct reputation_export *x)
{
	const struct reputation **bad = xcalloc(x->all->n + 1, sizeof *bad);
	struct entry *entry = xcalloc(x->all->n + 1, sizeof *entry);
	size_t n = bad_ones(x, bad), lines = aggregate(bad, n, entry);

	head(b, x, n, lines);
	if (x->zone)	/* each with the entry by which users see that the list works: RFC 5782, 5 */
		buf_str(b, "$DATASET ip4set:networks4 @\n127.0.0.2 :127.0.0.2:test entry\n");
	list_family(b, x, bad, entry, lines, 4);
	if (x->zone)
		buf_str(b, "$DATASET ip6trie:networks6 @\n::ffff:7f00:2/128 :127.0.0.2:test entry\n");
	list_family(b, x, bad, entry, lines, 6);
	free(bad);
	free(entry);
	return n;
}

bool
reputation_write(const char *path, struct slice text, struct err *e)
{
	struct buf new = buf_new(4096);
	FILE *f = NULL;
	bool good;
	int fd;

	buf_fmt(&new, "%s.new.%ld", path, (long)getpid());
	if (new.full)
		return err_set(e, "%.200s...: the name is too long", path);
	fd = open(new.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0 && (f = fdopen(fd, "w")) == NULL)
		close(fd);
	good = f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fflush(f) == 0 && fsync(fd) == 0;
	if (f != NULL)
		good = fclose(f) == 0 && good;
	good = good && rename(new.p, path) == 0;
	if (!good) {
		err_set(e, "write %s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)unlink(new.p);
	}
	buf_free(&new);
	return good;
}
