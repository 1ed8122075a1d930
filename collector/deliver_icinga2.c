/* deliver_icinga2.c - Icinga 2's API: a POST for each result, over one connection, each with its own answer. */
#include "deliver_web.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#include "poison.h"

enum { BODY_BYTES = 8 * RESULT_TEXT_MAX, URL_BYTES = 1000 };

/* False: the others would fare no better. */
static bool
tell(struct webpost *w, const struct config_monitor *m, const struct deliver_to *to, size_t i, double until,
    const char *source)
{
	struct buf body = buf_new(BODY_BYTES), reply = buf_new(WEB_REPLY_BYTES);
	enum web_verdict verdict = WEB_FAILED;
	long status;
	struct err e;

	web_icinga2_body(&body, m, &to->batch[i].r, source);
	if (webpost_send(w, buf_slice(&body), until, &reply, &status, &e))
		verdict = web_icinga2_verdict(status, reply.p != NULL ? buf_slice(&reply) : SLICE(""), &e);
	if (verdict == WEB_TAKEN)
		deliver_taken(to, i);
	else if (verdict == WEB_REFUSED)
		deliver_refused(to, i, slice_of(e.text));
	else
		deliver_failed(to, "%s", e.text);
	buf_free(&body);
	buf_free(&reply);
	return verdict != WEB_FAILED;
}

void
deliver_icinga2(const struct config_monitor *m, const struct deliver_to *to, double until)
{
	static const char *const headers[2] = { "Accept: application/json", "Content-Type: application/json" };
	struct slice base = slice_of(m->url);
	char url[URL_BYTES], source[256] = "";
	struct webpost *w;

	while (base.n > 0 && base.p[base.n - 1] == '/')
		base.n--;
	(void)snprintf(url, sizeof url, "%.*s/v1/actions/process-check-result", (int)base.n, base.p);
	(void)gethostname(source, sizeof source - 1);
	if ((w = web_open(m, url, to, headers)) == NULL)
		return;
	/* far away not all of them get there in time: the others come next, at once */
	for (size_t i = 0; i < to->n && (i == 0 || clock_now() < until - (double)m->timeout / 2); i++)
		if (!tell(w, m, to, i, until, source))
			break;
	webpost_close(w);
}
