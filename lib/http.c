/* http.c - fetch a document with libcurl. See http.h. */
#include "http.h"

#include "curlload.h"

#include "poison.h"

static void
options(CURL *h, struct buf *b, const char *url, const char *ca_file, double timeout_s)
{
	curl.curl_easy_setopt(h, CURLOPT_URL, url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
	curl.curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(timeout_s * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, curlload_collect);
	curl.curl_easy_setopt(h, CURLOPT_WRITEDATA, (void *)b);
	if (ca_file != NULL)
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, ca_file);
}

bool
http_get(struct buf *b, const char *url, const char *at, const char *ca_file, double timeout_s, bool *ours,
    struct err *e)
{
	char error[CURL_ERROR_SIZE] = "";
	struct curl_slist *places;
	CURL *h;
	CURLcode rc;
	long status = 0;

	*ours = false;
	if (timeout_s <= 0)
		return err_set(e, "%s: no time is left", url);
	h = curlload(e);
	*ours = h == NULL;
	if (h == NULL)
		return false;
	options(h, b, url, ca_file, timeout_s);
	places = at != NULL ? curl.curl_slist_append(NULL, at) : NULL;
	curl.curl_easy_setopt(h, CURLOPT_RESOLVE, places);
	curl.curl_easy_setopt(h, CURLOPT_ERRORBUFFER, error);
	rc = curl.curl_easy_perform(h);
	*ours = curlload_is_ours(rc);
	if (rc == CURLE_OK)
		curl.curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	else
		err_set(e, "%s: %s", url, b->full ? "it is too long" : curlload_why(h, rc, error));
	curl.curl_easy_cleanup(h);
	curl.curl_slist_free_all(places);
	if (rc != CURLE_OK)
		return false;
	return status == 200 || err_set(e, "%s: HTTP status %ld", url, status);
}
