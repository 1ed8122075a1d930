/* boxlink_curl.c - connections with mailbox servers, made by libcurl. See boxlink.h.
 *
 * CURLOPT_CONNECT_ONLY: libcurl resolves the name, connects, speaks TLS, logs in, and hands over
 * the connection. It would say LOGOUT by itself and wait two minutes for the answer, so
 * the connection is shut down first. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "boxlink.h"
#include "clock.h"
#include "curlload.h"
#include "mem.h"

#include "poison.h"

struct carrier {
	CURL *h;
	curl_socket_t fd;
	struct curlload_talk talk;	/* up to the login */
};

/* --- bytes --------------------------------------------------------------------------------- */

static bool
await(const struct boxlink *l, short what, struct err *e)
{
	const struct carrier *c = l->carrier;
	double left = l->deadline - clock_now();
	struct pollfd p = { .fd = c->fd, .events = what };

	if (left <= 0)
		return err_set(e, "no whole answer in time");
	if (poll(&p, 1, (int)fmin(ceil(left * 1e3), 1e6)) < 0 && errno != EINTR)
		return err_set(e, "poll: %s", strerror(errno));
	return true;
}

static bool
on_write(struct boxlink *l, struct slice s, struct err *e)
{
	const struct carrier *c = l->carrier;

	while (s.n > 0) {
		size_t n = 0;
		CURLcode rc = curl.curl_easy_send(c->h, s.p, s.n, &n);

		if (rc != CURLE_OK && rc != CURLE_AGAIN)
			return err_set(e, "the server closed the connection");
		s = slice_from(s, n);
		if (rc == CURLE_AGAIN && !await(l, POLLOUT, e))
			return false;
	}
	return true;
}

static bool
on_read(struct boxlink *l, char *p, size_t n, size_t *got, struct err *e)
{
	const struct carrier *c = l->carrier;
	CURLcode rc;

	if (clock_now() >= l->deadline)	/* also one that never stops */
		return err_set(e, "no whole answer in time");
	while ((rc = curl.curl_easy_recv(c->h, p, n, got)) == CURLE_AGAIN)
		if (!await(l, POLLIN, e))
			return false;
	return (rc == CURLE_OK && *got > 0) || err_set(e, "the server closed the connection");
}

/* --- the way there ------------------------------------------------------------------------- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	(void)p, (void)arg;
	return size * n;
}

static void
verification(CURL *h, const struct boxlink_plan *p)
{
	static const char folder[] = "/etc/ssl/certs";

	curl.curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, p->unverified ? 0L : 1L);
	curl.curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, p->unverified ? 0L : 2L);
	if (p->ca_file != NULL || p->ca_dir != NULL) {
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, p->ca_file);
		curl.curl_easy_setopt(h, CURLOPT_CAPATH, p->ca_dir);
	} else if (getenv("SSL_CERT_FILE") == NULL) {
		/* the folder is free, the file with all authorities takes 18 ms */
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, (char *)NULL);
		curl.curl_easy_setopt(h, CURLOPT_CAPATH, folder);
	}
}

static void
options(struct carrier *c, const struct boxlink_plan *p, double left)
{
	CURL *h = c->h;

	curl.curl_easy_setopt(h, CURLOPT_URL, p->url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps,pop3,pop3s");
	curl.curl_easy_setopt(h, CURLOPT_CONNECT_ONLY, 1L);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);	/* no waiting for name servers' threads */
	curl.curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl.curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(left * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)(left * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_USERNAME, p->user);
	curl.curl_easy_setopt(h, CURLOPT_PASSWORD, p->password);
	curl.curl_easy_setopt(h, CURLOPT_USE_SSL, (long)(p->cleartext ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl.curl_easy_setopt(h, CURLOPT_IPRESOLVE, (long)(p->family == AF_INET ? CURL_IPRESOLVE_V4 :
	    p->family == AF_INET6 ? CURL_IPRESOLVE_V6 : CURL_IPRESOLVE_WHATEVER));
	curlload_listen(h, &c->talk);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	verification(h, p);
}

/* The time was up: what was it waited for? */
static void
explain_late(const struct carrier *c, struct err *e)
{
	double resolved = 0, connected = 0;
	long port = 0;

	curl.curl_easy_getinfo(c->h, CURLINFO_NAMELOOKUP_TIME, &resolved);
	curl.curl_easy_getinfo(c->h, CURLINFO_CONNECT_TIME, &connected);
	curl.curl_easy_getinfo(c->h, CURLINFO_LOCAL_PORT, &port);
	if (resolved <= 0)
		err_set(e, "connect: no answer of the name server in time");
	else if (connected <= 0 && port > 0)	/* of TLS from the start libcurl counts the handshake to it */
		err_set(e, "connect: no end of the TLS handshake in time");
	else if (connected <= 0)
		err_set(e, "connect: no connection in time");
	else if (c->talk.last[0] == '\0')
		err_set(e, "connect and login: no whole answer in time");
	else
		err_set(e, "connect and login: no whole answer in time, the last words were \"%s\"", c->talk.last);
}

static void
explain(const struct carrier *c, CURLcode rc, struct err *e)
{
	const char *why = curlload_why(c->h, rc, c->talk.error);

	if (rc == CURLE_LOGIN_DENIED)
		err_set(e, "login: %s", c->talk.last);
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		explain_late(c, e);
	else if (rc == CURLE_USE_SSL_FAILED)
		err_set(e, "connect: STARTTLS is not offered, or was refused: %s", c->talk.last);
	else if (c->talk.last[0] != '\0')
		err_set(e, "connect and login: %s (the last words were \"%s\")", why, c->talk.last);
	else
		err_set(e, "connect: %s", why);
}

static void
on_hang_up(struct boxlink *l)
{
	struct carrier *c = l->carrier;

	if (c->fd != CURL_SOCKET_BAD)
		(void)shutdown(c->fd, SHUT_RDWR);
	if (c->h != NULL)
		curl.curl_easy_cleanup(c->h);
	free(c);
}

struct boxlink *
boxlink_open(const struct boxlink_plan *p, double deadline, bool *ours, struct err *e)
{
	struct boxlink *l = xcalloc(1, sizeof *l);
	struct carrier *c = xcalloc(1, sizeof *c);
	double left = deadline - clock_now();
	CURLcode rc;

	*l = (struct boxlink){ .write = on_write, .read = on_read, .hang_up = on_hang_up, .carrier = c,
		.deadline = deadline };
	*ours = true;
	c->fd = CURL_SOCKET_BAD;
	c->h = curlload(e);
	if (c->h == NULL)
		goto out;
	*ours = false;
	if (left <= 0 && !err_set(e, "no time is left for it"))
		goto out;
	options(c, p, left);
	rc = curl.curl_easy_perform(c->h);
	if (rc == CURLE_OK)
		rc = curl.curl_easy_getinfo(c->h, CURLINFO_ACTIVESOCKET, &c->fd);
	if (rc == CURLE_OK && c->fd != CURL_SOCKET_BAD)
		return l;
	*ours = curlload_is_ours(rc);
	explain(c, rc, e);
out:
	boxlink_close(l);
	return NULL;
}
