/* imapask.c - see imapask.h. */
#include "imapask.h"

#include "buf.h"
#include "curlload.h"

#include "poison.h"

static void
options(CURL *h, const struct imapask *q, struct buf *b)
{
	curl.curl_easy_setopt(h, CURLOPT_URL, q->url);
	curl.curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "imap,imaps");
	curl.curl_easy_setopt(h, CURLOPT_USE_SSL, q->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	curl.curl_easy_setopt(h, CURLOPT_USERNAME, q->user);
	curl.curl_easy_setopt(h, CURLOPT_PASSWORD, q->password);
	curl.curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl.curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(q->timeout_s * 1000) + 1);
	curl.curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, curlload_collect);
	curl.curl_easy_setopt(h, CURLOPT_WRITEDATA, (void *)b);
	if (q->ca_file != NULL)
		curl.curl_easy_setopt(h, CURLOPT_CAINFO, q->ca_file);
}

bool
imapask(const struct imapask *q, const char *const *commands, size_t n,
    void (*answer)(void *arg, size_t i, struct slice lines), void *arg, struct err *e)
{
	struct buf b = buf_new(IMAPASK_BYTES);
	CURL *h = curlload(e);
	CURLcode rc = CURLE_OK;

	if (h == NULL)
		return false;
	options(h, q, &b);
	for (size_t i = 0; i < n && rc == CURLE_OK; i++) {
		buf_clear(&b);
		curl.curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, commands[i]);
		rc = curl.curl_easy_perform(h);
		if (rc == CURLE_OK)
			answer(arg, i, b.n > 0 ? buf_slice(&b) : SLICE(""));
		else if (rc == CURLE_QUOTE_ERROR)
			err_set(e, "the server refuses %s", commands[i]);
		else
			err_set(e, "%s", b.full ? "the answer is too long" : curl.curl_easy_strerror(rc));
	}
	curl.curl_easy_cleanup(h);
	buf_free(&b);
	return rc == CURLE_OK;
}
