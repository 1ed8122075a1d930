/* webpost.c - see webpost.h. */
#include "webpost.h"

#include <stdlib.h>

#include "clock.h"
#include "curlload.h"
#include "mem.h"

#include "poison.h"

struct webpost {
	CURL *h;
	struct curl_slist *headers;
	const char *url;
	char why[CURL_ERROR_SIZE];
};

static void
set_text(CURL *h, CURLoption option, const char *v)
{
	if (v != NULL && v[0] != '\0')
		curl.curl_easy_setopt(h, option, v);
}

static void
set_rules(struct webpost *w, const struct webpost_rules *r)
{
	curl.curl_easy_setopt(w->h, CURLOPT_URL, r->url);
	curl.curl_easy_setopt(w->h, CURLOPT_PROTOCOLS_STR, "https,http");
	curl.curl_easy_setopt(w->h, CURLOPT_FOLLOWLOCATION, 0L);
	curl.curl_easy_setopt(w->h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(w->h, CURLOPT_POST, 1L);
	curl.curl_easy_setopt(w->h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl.curl_easy_setopt(w->h, CURLOPT_ERRORBUFFER, w->why);
	curl.curl_easy_setopt(w->h, CURLOPT_WRITEFUNCTION, curlload_collect);
	curl.curl_easy_setopt(w->h, CURLOPT_HTTPHEADER, w->headers);
	set_text(w->h, CURLOPT_USERNAME, r->user);
	set_text(w->h, CURLOPT_PASSWORD, r->password);
	set_text(w->h, CURLOPT_CAINFO, r->ca_file);
	set_text(w->h, CURLOPT_SSLCERT, r->certificate);
	set_text(w->h, CURLOPT_SSLKEY, r->key);
}

struct webpost *
webpost_open(const struct webpost_rules *rules, struct err *e)
{
	CURL *h = curlload(e);
	struct webpost *w;

	if (h == NULL)
		return NULL;
	w = xcalloc(1, sizeof *w);
	w->h = h;
	w->url = rules->url;
	/* some servers answer a question for leave to go on late, or never */
	w->headers = curl.curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; i < sizeof rules->headers / sizeof *rules->headers && rules->headers[i] != NULL; i++)
		w->headers = curl.curl_slist_append(w->headers, rules->headers[i]);
	set_rules(w, rules);
	return w;
}

void
webpost_close(struct webpost *w)
{
	if (w == NULL)
		return;
	curl.curl_easy_cleanup(w->h);
	curl.curl_slist_free_all(w->headers);
	free(w);
}

bool
webpost_send(struct webpost *w, struct slice body, double until, struct buf *reply, long *status,
    struct err *e)
{
	double left = until - clock_now();
	CURLcode rc;

	if (left <= 0)
		return err_set(e, "%s: no time is left", w->url);
	w->why[0] = '\0';
	*status = 0;
	curl.curl_easy_setopt(w->h, CURLOPT_TIMEOUT_MS, (long)(left * 1000) + 1);
	curl.curl_easy_setopt(w->h, CURLOPT_WRITEDATA, (void *)reply);
	curl.curl_easy_setopt(w->h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl.curl_easy_setopt(w->h, CURLOPT_POSTFIELDS, body.p);
	rc = curl.curl_easy_perform(w->h);
	if (rc != CURLE_OK)
		return err_set(e, "%s: %s", w->url, reply->full ? "its answer is too long" :
		    w->why[0] != '\0' ? w->why : curl.curl_easy_strerror(rc));
	curl.curl_easy_getinfo(w->h, CURLINFO_RESPONSE_CODE, status);
	return true;
}
