/* configured.c - see configured.h. */
#include "configured.h"

#include <string.h>

#include "mem.h"
#include "host.h"

#include "poison.h"

static const char *const (*
aliases(struct config *c))[2]
{
	const char *(*pair)[2] = arena_alloc(&c->arena, (c->host_alias.n + 1) * sizeof *pair);

	for (size_t i = 0; i < c->host_alias.n; i++) {
		struct slice host = slice_of(c->host_alias.item[i]), name;

		(void)slice_cut(&host, '=', &name);
		pair[i][0] = arena_strdup(&c->arena, slice_trim(name));
		pair[i][1] = arena_strdup(&c->arena, host_label(slice_trim(host)));
	}
	return (const char *const (*)[2])pair;
}

struct ingest_settings
ingest_configured(struct config *c)
{
	return (struct ingest_settings){
		.horizon_s = c->horizon, .future_s = c->future, .keep_minutes = c->keep_minutes / 60,
		.keep_hours = c->keep_hours / 60, .keep_mails = c->keep_mails / 60,
		.keep_accounts = c->keep_accounts / 60, .keep_sources = c->keep_sources / 60,
		.max_mails = (size_t)c->max_open_mails, .draws = true, .alias = aliases(c),
		.words = c->words, .hash_addresses = strcmp(c->hash_addresses, "yes") == 0
	};
}
