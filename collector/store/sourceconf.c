/* sourceconf.c - see sourceconf.h. */
#include "store/sourceconf.h"

#include <string.h>

#include "input/address.h"
#include "input/peer.h"

#include "poison.h"

/* Who may come is to be said: nobody gets in because a line was forgotten. */
static void
check_tls(const struct config_source *s, struct buf *faults)
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
		buf_fmt(faults, "source \"%s\" listens with TLS and lacks tls_certificate or tls_key\n",
		    s->name);
	if (anonymous && (s->tls_peers.n > 0 || s->tls_ca[0] != '\0'))
		buf_fmt(faults, "source \"%s\": tls_clients = anonymous looks at no certificate; "
		    "drop tls_peers and tls_ca, or it\n", s->name);
	if (!anonymous && s->tls_peers.n == 0)
		buf_fmt(faults, "source \"%s\" listens with TLS and lacks tls_peers, those who may "
		    "send\n", s->name);
	if (!anonymous && named && s->tls_ca[0] == '\0')
		buf_fmt(faults, "source \"%s\" has names in tls_peers and no tls_ca that vouches for "
		    "them\n", s->name);
}

void
sourceconf_check(const struct config_source *s, struct buf *faults)
{
	if (s->files.n == 0 && s->journal[0] == '\0' && s->listen.n == 0)
		buf_fmt(faults, "source \"%s\" ends without files, journal or listen\n", s->name);
	if (s->journal_match.n > 0 && s->journal[0] == '\0')
		buf_fmt(faults, "source \"%s\" has journal_match and no journal\n", s->name);
	check_tls(s, faults);
}
