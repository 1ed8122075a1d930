/* listener.c - where the syslog server listens, and whom it hears; see server.h. */
#define _DEFAULT_SOURCE		/* SO_RXQ_OVFL, where there is one */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mem.h"
#include "server_priv.h"

#include "poison.h"

enum { BACKLOG = 128, RECEIVE_BYTES = 4 << 20 };

/* A socket's file that a killed process left is in the way; one that is listened at is not ours. */
static bool
clear_path(const struct listener *l, struct err *e)
{
	struct stat st;
	bool alive;
	int fd;

	if (lstat(l->at.path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "listen = %s: there is a file of that name", l->text);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	alive = connect(fd, (const struct sockaddr *)&l->at.addr, l->at.addr_n) == 0;
	close(fd);
	if (alive)
		return err_set(e, "listen = %s: another program listens there", l->text);
	(void)unlink(l->at.path);
	return true;
}

static bool
bind_it(struct listener *l, struct err *e)
{
	bool stream = listener_is_stream(l);
	int on = 1, room = RECEIVE_BYTES;

	if (l->at.kind == LISTEN_UNIX && !clear_path(l, e))
		return false;
	l->fd = socket(l->at.addr.ss_family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (l->fd < 0)
		return err_set(e, "listen = %s: %s", l->text, strerror(errno));
	if (stream)	/* or a restart would have to wait for old connections to be forgotten */
		(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	else
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
#ifdef SO_RXQ_OVFL
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
#endif
	if (l->at.addr.ss_family == AF_INET6)
		(void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (evutil_make_socket_nonblocking(l->fd) != 0 ||
	    evutil_make_socket_closeonexec(l->fd) != 0 ||
	    bind(l->fd, (const struct sockaddr *)&l->at.addr, l->at.addr_n) != 0 ||
	    (stream && listen(l->fd, BACKLOG) != 0))
		return err_set(e, "listen = %s: %s%s", l->text, strerror(errno), errno != EACCES ? "" :
		    l->at.kind == LISTEN_UNIX ? "; mxgauged may not write its folder" :
		    "; take a port above 1023, or give mxgauged CAP_NET_BIND_SERVICE");
	if (l->at.kind == LISTEN_UNIX)
		(void)chmod(l->at.path, 0666);	/* every program may log, as to /dev/log */
	l->event = event_new(l->server->base, l->fd, EV_READ | EV_PERSIST,
	    stream ? client_arrives : datagrams_arrive, l);
	return l->event != NULL || err_set(e, "listen = %s: no memory", l->text);
}

void
listener_free(struct listener *l)
{
	if (l->event != NULL)
		event_free(l->event);
	if (l->fd >= 0)
		close(l->fd);
	if (l->event != NULL && l->at.kind == LISTEN_UNIX)
		(void)unlink(l->at.path);
	tls_server_free(l->tls);
	tls_server_free(l->next_tls);
	datagrams_forget(l);
	free(l->text);
	free(l);
}

struct listener *
listener_new(struct server *s, const char *text, struct err *e)
{
	static const char *const kinds[2][4] = { { "unix", "udp", "tcp", "relp" },
		{ "", "", "tcp+tls", "relp+tls" } };
	struct listener *l = xcalloc(1, sizeof *l);

	l->server = s;
	l->text = xstrdup(text);
	l->fd = -1;
	if (!listen_parse(l->text, &l->at, e) || !bind_it(l, e)) {
		listener_free(l);
		return NULL;
	}
	if (l->at.kind == LISTEN_UNIX)
		snprintf(l->name, sizeof l->name, "unix:%s", l->at.path);
	else
		snprintf(l->name, sizeof l->name, "%s/%u", kinds[l->at.tls][l->at.kind], l->at.port);
	return l;
}

/* --- with TLS ------------------------------------------------------------------------------ */

bool
listener_load(struct listener *l, struct err *e)
{
	const struct config_source *c = l->source;
	const struct tls_rules rules = {
		.certificate = c->tls_certificate, .key = c->tls_key, .ca = c->tls_ca,
		.anonymous = strcmp(c->tls_clients, "anonymous") == 0,
		.peer = c->tls_peers.item, .peers = c->tls_peers.n
	};
	struct err why;

	if (!l->at.tls || l->next_tls != NULL)
		return true;
	if ((l->next_tls = tls_server_new(&rules, &why)) != NULL)
		return true;
	if (l->tls == NULL || !tls_server_has_rules(l->tls, &rules))
		return err_set(e, "listen = %s: %s", l->text, why.text);
	message(MSG_syslog_tls_kept, "%s: %s", l->name, why.text);
	return true;
}

void
listener_take(struct listener *l, bool take)
{
	if (take && l->next_tls != NULL) {
		tls_server_free(l->tls);
		l->tls = l->next_tls;
	} else {
		tls_server_free(l->next_tls);
	}
	l->next_tls = NULL;
}

/* --- whom it hears -------------------------------------------------------------------------- */

static bool
allowed(const struct listener *l, const struct sockaddr_storage *a)
{
	const struct config_list *allow = &l->source->allow;
	struct network n;

	for (size_t i = 0; i < allow->n; i++)
		if (allow_parse(allow->item[i], &n, NULL) && allow_has(&n, a))
			return true;
	return allow->n == 0 && address_is_near(a);
}

bool
listener_allows(const struct listener *l, const struct sockaddr_storage *a)
{
	char address[ADDRESS_TEXT_MAX], text[SENDER_NAME_MAX * 2];

	if (allowed(l, a))
		return true;
	address_text(a, address);
	snprintf(text, sizeof text, "%s %s", l->name, address);
	faults_met(&l->server->refused, server_now(), text);
	return false;
}
