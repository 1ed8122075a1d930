/* http.c - fetch a document with libcurl. See http.h. */
#include "http.h"

#ifdef MX_STATIC

bool
http_get(struct buf *b, const char *url, const char *ca_file, double timeout_s, struct err *e)
{
	(void)b, (void)ca_file, (void)timeout_s;
	return err_set(e, "%s: a static build has no HTTPS", url);
}

#else

#define CURL_DISABLE_TYPECHECK	/* its macros would hide the functions */
#include <curl/curl.h>

#include "lateload.h"

#include "poison.h"

#define FUNCTIONS(F) \
	F(curl_easy_init) F(curl_easy_setopt) F(curl_easy_perform) F(curl_easy_getinfo) \
	F(curl_easy_cleanup) F(curl_easy_strerror)

static struct {
	FUNCTIONS(LATELOAD_MEMBER)
} curl LATELOAD_LINKED(FUNCTIONS);

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_add(b, (struct slice){ p, size * n });
	return b->full ? 0 : size * n;
}

static void
options(CURL *h, struct buf *b, const char *url, const char *ca_file, double timeout_s)
{
	curl.curl_easy_setopt(h, CURLOPT_URL, url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
	curl.curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(timeout_s * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_data);
	curl.curl_easy_setopt(h, CURLOPT_WRITEDATA, (void *)b);
	if (ca_file != NULL)
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, ca_file);
}

bool
http_get(struct buf *b, const char *url, const char *ca_file, double timeout_s, struct err *e)
{
	static const char *const names[] = { FUNCTIONS(LATELOAD_NAME) NULL };
	CURL *h;
	CURLcode rc;
	long status = 0;

	if (timeout_s <= 0)
		return err_set(e, "%s: no time is left", url);
	if (!lateload("libcurl.so.4", names, &curl, e) ||
	    ((h = curl.curl_easy_init()) == NULL && !err_set(e, "libcurl does not start")))
		return false;
	options(h, b, url, ca_file, timeout_s);
	rc = curl.curl_easy_perform(h);
	if (rc == CURLE_OK)
		curl.curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl.curl_easy_cleanup(h);
	if (rc != CURLE_OK)
		return err_set(e, "%s: %s", url, b->full ? "it is too long" : curl.curl_easy_strerror(rc));
	return status == 200 || err_set(e, "%s: HTTP status %ld", url, status);
}

#endif
