/* rrdlists.c - see rrdlists.h. */
#include "store/rrdlists.h"

#include <dirent.h>
#include <string.h>

#include "cell.h"

#include "poison.h"

bool
rrd_list_make(struct rrd_list *l, struct stateread *r, uint32_t word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	struct slice zone = stateread_word(r, word);

	if (zone.n == 0 || zone.n > RRD_ZONE_MAX || zone.p[0] == '.')
		return false;
	for (size_t i = 0; i < zone.n; i++)
		if (memchr(plain, zone.p[i], sizeof plain - 1) == NULL)
			return false;
	l->word = word;
	l->found = false;
	memcpy(l->zone, zone.p, zone.n);
	l->zone[zone.n] = '\0';
	return true;
}

static void
add(struct rrdlists *l, uint32_t word)
{
	if (word < STATEREAD_PROGRAMS)
		l->has[word / 64] |= (uint64_t)1 << word % 64;
}

bool
rrdlists_minutes(struct rrdlists *l, struct stateread *r, int host, int64_t from, int64_t to,
    struct err *e)
{
	struct cell sum = { .n = 0 };
	bool good = from >= to || stateread_sum_hours(r, host, from / 60, (to + 59) / 60, &sum, e);

	for (uint32_t i = 0; good && i < sum.n; i++) {
		uint32_t key = sum.pair[i].key;

		if (sum.pair[i].n <= 0)
			continue;
		if (key >= CELL_WORD)
			add(l, key - CELL_WORD);
		if (key < CELL_LIST || key >= cell_list(CELL_FACTS, 0))
			continue;
		add(l, (key - CELL_LIST) % CELL_LISTS);
		l->found[(key - CELL_LIST) % CELL_LISTS] = true;
	}
	cell_free(&sum);
	return good;
}

void
rrdlists_files(struct rrdlists *l, struct stateread *r, const char *path, const char *template)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		struct slice s = slice_of(d->d_name);

		if (!slice_eat(&s, slice_of(template)) || !slice_eat(&s, SLICE("-")) ||
		    !slice_ends(s, SLICE(".rrd")))
			continue;
		s.n -= strlen(".rrd");
		for (uint32_t word = 0; word < STATEREAD_PROGRAMS && s.n > 0; word++)
			if (slice_eq(stateread_word(r, word), s))
				add(l, word);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

size_t
rrdlists_choose(const struct rrdlists *l, struct stateread *r,
    struct rrd_list list[RRD_LISTS_MAX], size_t *left_out)
{
	struct rrd_list one;
	size_t n = 0;

	*left_out = 0;
	for (uint32_t word = 0; word < STATEREAD_PROGRAMS; word++) {
		if ((l->has[word / 64] >> word % 64 & 1) == 0 || !rrd_list_make(&one, r, word))
			continue;
		one.found = word < CELL_LISTS && l->found[word];
		if (n < RRD_LISTS_MAX)
			list[n++] = one;
		else
			++*left_out;
	}
	return n;
}
