/* deliver_nrdp.c - NRDP: all results in one POST, and one answer for all of them. */
#include "deliver_web.h"

#include "poison.h"

enum { BODY_BYTES = 8 * DELIVER_MOST * RESULT_TEXT_MAX };

void
deliver_nrdp(const struct config_monitor *m, const struct deliver_to *to, double until)
{
	static const char *const headers[2] = { "Content-Type: application/x-www-form-urlencoded" };
	struct buf body = buf_new(BODY_BYTES), reply = buf_new(WEB_REPLY_BYTES);
	const char *token = web_secret(m->token_file, to);
	struct webpost *w = token != NULL ? web_open(m, m->url, to, headers) : NULL;
	long status;
	struct err e;

	if (w == NULL)
		return;
	web_nrdp_body(&body, m, to->batch, to->n, token);
	if (!webpost_send(w, buf_slice(&body), until, &reply, &status, &e))
		deliver_failed(to, "%s", e.text);
	else if (!web_nrdp_took(status, reply.p != NULL ? buf_slice(&reply) : SLICE(""), &e))
		deliver_failed(to, "%s: %s", m->url, e.text);
	else
		deliver_all(to);
	webpost_close(w);
}
